package jql

import (
	"fmt"
	"slices"
	"time"
)

// MaxSort is how many fields ORDER BY takes on Jira Cloud's /search/jql.
const MaxSort = 7

// Matcher is a query made ready for a store. It keeps no state between calls.
type Matcher struct {
	where predicate
	order []sorter
}

type predicate func(Issue) bool

// Compile looks up every field, value and function of q in env, and gives all that is wrong with them in Jira's words:
// where clause first, each message once. The time, user and zone are those of this moment.
func Compile(q *Query, env Env) (*Matcher, []error) {
	c := &compiler{env: env, session: env.Session()}
	if c.session.Zone == nil {
		c.session.Zone = time.UTC
	}
	c.session.Now = c.session.Now.In(c.session.Zone)
	m := &Matcher{where: func(Issue) bool { return true }}
	if q.Where != nil {
		m.where = c.clause(q.Where, false)
	}
	m.order = c.order(q.OrderBy)
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return m, nil
}

// Match says whether an issue meets the where clause.
func (m *Matcher) Match(issue Issue) bool { return m.where(issue) }

type compiler struct {
	env     Env
	session Session
	errs    []error
}

// fail records a message once. What is compiled from then on is never run.
func (c *compiler) fail(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if !slices.ContainsFunc(c.errs, func(e error) bool { return e.Error() == err.Error() }) {
		c.errs = append(c.errs, err)
	}
}

// clause compiles a clause or, where negated, its opposite. Jira pushes NOT down to the comparisons: NOT assignee = x is
// assignee != x, which an issue without an assignee does not match either.
func (c *compiler) clause(clause Clause, negated bool) predicate {
	switch clause := clause.(type) {
	case *And:
		return c.join(clause.Clauses, negated, !negated)
	case *Or:
		return c.join(clause.Clauses, negated, negated)
	case *Not:
		return c.clause(clause.Clause, !negated)
	case *Terminal:
		return c.terminal(clause, negated)
	}
	return func(Issue) bool { return false }
}

// join compiles a list of which all, or else any, must hold.
func (c *compiler) join(clauses []Clause, negated, all bool) predicate {
	parts := make([]predicate, len(clauses))
	for i, sub := range clauses {
		parts[i] = c.clause(sub, negated)
	}
	return func(issue Issue) bool {
		for _, p := range parts {
			if p(issue) != all {
				return !all
			}
		}
		return all
	}
}

// opposite pairs each operator with the one that NOT makes of it. CHANGED has none.
var opposite = map[Operator]Operator{
	Equals: NotEquals, NotEquals: Equals, Less: AtLeast, AtLeast: Less, Greater: AtMost, AtMost: Greater,
	Like: NotLike, NotLike: Like, In: NotIn, NotIn: In, Is: IsNot, IsNot: Is,
	Was: WasNot, WasNot: Was, WasIn: WasNotIn, WasNotIn: WasIn,
}

func (c *compiler) terminal(t *Terminal, negated bool) predicate {
	f, ok := c.env.Field(t.Field)
	if !ok {
		c.fail("Field '%s' does not exist or you do not have permission to view it.", t.Field.Name)
		return nil
	}
	if f.Operators == nil {
		f.Operators = Operators(f.Type)
	}
	if !slices.Contains(f.Operators, t.Operator) {
		if slices.Contains(historical, t.Operator) {
			c.fail("History searches do not support the '%s' field.", t.Field.Name)
		} else {
			c.fail("The operator '%s' is not supported by the '%s' field.", t.Operator, t.Field.Name)
		}
		return nil
	}
	k := comparison{compiler: c, field: f, name: t.Field.Name, op: t.Operator}
	if !negated {
		return k.compile(t)
	}
	if op, ok := opposite[k.op]; ok && slices.Contains(f.Operators, op) {
		k.op = op
		return k.compile(t)
	}
	p := k.compile(t)
	return func(issue Issue) bool { return !p(issue) }
}

// comparison is one terminal clause under compilation.
type comparison struct {
	*compiler
	field FieldInfo
	name  string // as the query writes it: Jira's messages repeat that
	op    Operator
	inner bool // inside the parentheses of a list
}

func (k *comparison) compile(t *Terminal) predicate {
	switch k.op {
	case Changed:
		return k.changed(t.Predicates)
	case Was, WasIn:
		return k.was(t.Operand, t.Predicates)
	case WasNot, WasNotIn:
		was := k.was(t.Operand, t.Predicates)
		return func(issue Issue) bool { return !was(issue) }
	case Less, Greater, AtMost, AtLeast:
		return k.relation(t.Operand)
	}
	m := k.read(t.Operand)
	env, f := k.env, k.field
	switch k.op {
	case NotEquals, NotIn, NotLike, IsNot: // an empty field never matches
		return func(issue Issue) bool {
			values := env.Values(issue, f)
			return len(values) > 0 && !m.has(values) && !m.holds(issue)
		}
	}
	return func(issue Issue) bool { return m.has(env.Values(issue, f)) || m.holds(issue) }
}
