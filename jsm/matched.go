package jsm

import (
	"slices"
	"strings"
	"time"

	"parley/jsm/jql"
)

// MatchedSince tells since when a ticket that meets a query now has met it without a break, as its history
// tells: what a label meant before another label came is known, what a function of JQL meant then is not. A change of
// something that cannot be judged counts as the moment, so the answer is never too early. whole is false
// where the history that was read does not reach back to that moment; the time is then the oldest that is sure.
func MatchedSince(query string, t *Ticket) (at time.Time, whole bool) {
	q, err := jql.Parse(query)
	if err != nil || q.Where == nil {
		return t.Created, true
	}
	past := &past{t: t, was: map[string][]string{}, reads: map[string]bool{}, blind: map[string]bool{}}
	for _, name := range q.Fields() {
		past.reads[historyField(name)] = true
	}
	for _, c := range t.History { // newest first
		concerns := false
		for _, it := range c.Items {
			for _, id := range slices.Compact([]string{FieldOf(it), strings.ToLower(it.Field)}) {
				if past.reads[id] {
					concerns = true
					past.undo(id, it)
				}
			}
		}
		if concerns && past.judge(q.Where, false, true) != holds {
			return c.At, true
		}
		at = c.At
	}
	if len(t.History) < t.HistoryTotal {
		return at, false
	}
	return t.Created, true
}

// historyField is the id under which a field that a query names stands in the history.
func historyField(name string) string {
	name = strings.ToLower(name)
	switch name {
	case "component":
		return "components"
	case "type", "issuetype":
		return "issuetype"
	case "due":
		return "duedate"
	case "affectedversion":
		return "versions"
	case "fixversion":
		return "fixversions"
	}
	if inner, ok := strings.CutPrefix(name, "cf["); ok {
		return "customfield_" + strings.TrimSuffix(inner, "]")
	}
	return name
}

// past is a ticket as it once was.
type past struct {
	t     *Ticket
	was   map[string][]string // field → ids and names of its values then, in lower case; only of fields that changed since
	reads map[string]bool
	blind map[string]bool // sets of which the present members were not read
}

// undo takes one change back.
func (p *past) undo(id string, it ChangeItem) {
	f, known := systemField(id)
	switch {
	case known && f.Type == Labels: // all of them stand in each entry
		p.was[id] = strings.Fields(strings.ToLower(it.FromString))
	case known && (f.Type == Components || f.Type == MultiVersion):
		if _, changed := p.was[id]; !changed {
			if p.was[id] = p.now(id); p.was[id] == nil && it.ToString != "" {
				p.blind[id] = true // they were not read
			}
		}
		gone, added, _ := f.Members(it)
		for _, m := range added {
			p.was[id] = slices.DeleteFunc(p.was[id], func(s string) bool { return s == strings.ToLower(m.Value) || s == m.ID })
		}
		for _, m := range gone {
			p.was[id] = append(p.was[id], words(m)...)
		}
	default:
		p.was[id] = words(Option{ID: it.From, Value: it.FromString})
	}
}

func words(o Option) (out []string) {
	for _, s := range []string{o.ID, o.Value} {
		if s != "" {
			out = append(out, strings.ToLower(s))
		}
	}
	return out
}

// now gives the ids and names of a field's present values; nil also where they were not read.
func (p *past) now(id string) (out []string) {
	if id == "project" {
		return words(p.t.Project)
	}
	f, ok := systemField(id)
	if !ok {
		return nil
	}
	v, err := p.t.Value(f)
	if err != nil {
		return nil
	}
	switch v := v.(type) {
	case string:
		return words(Option{Value: v})
	case Option:
		return words(v)
	case Person:
		return words(Option{ID: v.AccountID, Value: v.Name})
	case []string:
		for _, s := range v {
			out = append(out, strings.ToLower(s))
		}
	case []Option:
		for _, o := range v {
			out = append(out, words(o)...)
		}
	}
	return out
}

// A truth is what can be said of a condition in the past.
type truth int8

const (
	fails truth = iota - 1
	open        // it cannot be judged
	holds
)

// judge says whether the ticket met a clause then. negated asks for its opposite; must tells that the clause
// holds now, since the query does and nothing else could make it.
func (p *past) judge(c jql.Clause, negated, must bool) truth {
	switch c := c.(type) {
	case *jql.And:
		return p.list(c.Clauses, negated, !negated, must)
	case *jql.Or:
		return p.list(c.Clauses, negated, negated, must)
	case *jql.Not:
		return p.judge(c.Clause, !negated, must)
	case *jql.Terminal:
		if _, changed := p.was[historyField(c.Field.Name)]; must && !changed {
			return holds // as it does now
		}
		v := p.terminal(c)
		if negated {
			return -v
		}
		return v
	}
	return open
}

// list judges clauses of which every one must hold, or else any.
func (p *past) list(clauses []jql.Clause, negated, every, must bool) truth {
	least, most := holds, fails
	for _, c := range clauses {
		v := p.judge(c, negated, must && every)
		least, most = min(least, v), max(most, v)
	}
	if every {
		return least
	}
	return most
}

// terminal judges one comparison by names and ids; everything else is open.
func (p *past) terminal(t *jql.Terminal) truth {
	id := historyField(t.Field.Name)
	has, changed := p.was[id]
	if !changed {
		has = p.now(id)
	}
	f, _ := systemField(id)
	values, empty, plain := literals(t.Operand)
	if !plain || p.blind[id] || !changed && has == nil || f.Type == Text || f.Type == Paragraph || len(t.Field.Properties) > 0 {
		return open
	}
	among := slices.ContainsFunc(values, func(v string) bool { return slices.Contains(has, strings.ToLower(v)) }) || empty && len(has) == 0
	switch t.Operator {
	case jql.Equals, jql.In, jql.Is:
		return of(among)
	case jql.NotEquals, jql.NotIn, jql.IsNot: // an empty field never matches
		return of(!among && len(has) > 0)
	}
	return open
}

func of(b bool) truth {
	if b {
		return holds
	}
	return fails
}

// literals are the plain values of an operand.
func literals(o jql.Operand) (values []string, empty, plain bool) {
	switch o := o.(type) {
	case jql.Value:
		return []string{o.Text}, false, true
	case jql.Keyword:
		return nil, true, true
	case jql.List:
		for _, one := range o.Values {
			v, e, p := literals(one)
			if !p {
				return nil, false, false
			}
			values, empty = append(values, v...), empty || e
		}
		return values, empty, true
	}
	return nil, false, false
}
