package jql

import "errors"

// Query is one parsed JQL query. The zero Query is the empty query: it has no restriction and no order.
type Query struct {
	Where   Clause // nil: no restriction
	OrderBy []Sort
}

// Clause is a node of the where part: *And, *Or, *Not or *Terminal.
type Clause interface{ clause() }

// And holds two or more clauses that must all match. A chain without parentheses is one And; parentheses make their own node.
type And struct{ Clauses []Clause }

// Or holds two or more clauses of which one must match. It binds looser than And.
type Or struct{ Clauses []Clause }

// Not negates one clause.
type Not struct{ Clause Clause }

// Terminal is one comparison: a field, an operator, and what stands after it.
type Terminal struct {
	Field      Field
	Operator   Operator
	Operand    Operand     // nil for CHANGED only
	Predicates []Predicate // for WAS, WAS IN, their negations, and CHANGED
}

func (*And) clause()      {}
func (*Or) clause()       {}
func (*Not) clause()      {}
func (*Terminal) clause() {}

// Field names a field. Name is decoded; cf[10001] is written so whatever spaces, case or zeros the source has.
type Field struct {
	Name       string
	Raw        string // as in the source; empty in a tree that was not parsed
	Properties []Property
}

// Property is one "[key].path" behind a field such as issue.property. Path elements are kept as written: ".a.b" is one.
type Property struct {
	Key  string
	Path []string
}

// Operator is a comparison or predicate operator in lower case, words apart by one space: "not in".
type Operator string

// The operators of a Terminal.
const (
	Equals    Operator = "="
	NotEquals Operator = "!="
	Less      Operator = "<"
	Greater   Operator = ">"
	AtMost    Operator = "<="
	AtLeast   Operator = ">="
	Like      Operator = "~"
	NotLike   Operator = "!~"
	In        Operator = "in"
	NotIn     Operator = "not in"
	Is        Operator = "is"
	IsNot     Operator = "is not"
	Was       Operator = "was"
	WasNot    Operator = "was not"
	WasIn     Operator = "was in"
	WasNotIn  Operator = "was not in"
	Changed   Operator = "changed"
)

// The operators of a Predicate. From and To belong to CHANGED alone.
const (
	After  Operator = "after"
	Before Operator = "before"
	On     Operator = "on"
	During Operator = "during"
	By     Operator = "by"
	From   Operator = "from"
	To     Operator = "to"
)

// Predicate narrows a history search.
type Predicate struct {
	Operator Operator
	Operand  Operand
}

// Operand is what stands after an operator: Value, Keyword, Func or List.
type Operand interface{ operand() }

// Value is a literal. Text is decoded. Raw is the source; a tree that was not parsed may leave it empty.
type Value struct{ Text, Raw string }

// Number says whether the literal was written as a bare integer. Jira then looks for an id before it looks for a name,
// and reads epoch milliseconds where a date is expected.
func (v Value) Number() bool { return v.Raw == v.Text && isInteger(v.Text) }

// Keyword is EMPTY, which NULL is another spelling of.
type Keyword struct{}

// Func is a call. Arguments are decoded literals; JQL has no nested calls.
type Func struct {
	Name string
	Args []string
}

// List is a parenthesised list of one or more operands; Jira flattens lists within lists.
type List struct{ Values []Operand }

func (Value) operand()   {}
func (Keyword) operand() {}
func (Func) operand()    {}
func (List) operand()    {}

// Sort is one field of ORDER BY. Direction is "ASC", "DESC", or empty where the field's own default holds.
type Sort struct {
	Field     Field
	Direction string
}

// ErrUnbounded is Jira Cloud's answer to a query that is not Bounded (/rest/api/3/search/jql).
var ErrUnbounded = errors.New("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")

// Bounded says whether the query restricts anything: ORDER BY alone does not.
func (q *Query) Bounded() bool { return q.Where != nil }

// Fields lists the names that the where clause reads, in order of first appearance, each once as it was first written.
func (q *Query) Fields() []string {
	var names []string
	seen := map[string]bool{}
	walk(q.Where, func(t *Terminal) {
		if key := fold(t.Field.Name); !seen[key] {
			seen[key] = true
			names = append(names, t.Field.Name)
		}
	})
	return names
}

func walk(c Clause, visit func(*Terminal)) {
	switch c := c.(type) {
	case *And:
		for _, sub := range c.Clauses {
			walk(sub, visit)
		}
	case *Or:
		for _, sub := range c.Clauses {
			walk(sub, visit)
		}
	case *Not:
		walk(c.Clause, visit)
	case *Terminal:
		visit(c)
	}
}
