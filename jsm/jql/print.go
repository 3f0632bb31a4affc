package jql

import (
	"slices"
	"strings"
)

// String writes the normal form: words in capitals, literals without quotes where they need none, parentheses only where
// they shape the tree. What it writes parses to the same tree (Raw apart, which keeps only whether a value was a bare number).
func (q *Query) String() string {
	var b strings.Builder
	if q.Where != nil {
		printClause(&b, q.Where)
	}
	for i, s := range q.OrderBy {
		switch {
		case i > 0:
			b.WriteString(", ")
		case q.Where != nil:
			b.WriteString(" ORDER BY ")
		default:
			b.WriteString("ORDER BY ")
		}
		printField(&b, s.Field)
		if s.Direction != "" {
			b.WriteString(" " + s.Direction)
		}
	}
	return b.String()
}

func printClause(b *strings.Builder, c Clause) {
	switch c := c.(type) {
	case *Or:
		for i, sub := range c.Clauses {
			if i > 0 {
				b.WriteString(" OR ")
			}
			_, or := sub.(*Or)
			printNested(b, sub, or)
		}
	case *And:
		for i, sub := range c.Clauses {
			if i > 0 {
				b.WriteString(" AND ")
			}
			printNested(b, sub, compound(sub))
		}
	case *Not:
		b.WriteString("NOT ")
		printNested(b, c.Clause, compound(c.Clause))
	case *Terminal:
		printTerminal(b, c)
	}
}

func compound(c Clause) bool {
	switch c.(type) {
	case *And, *Or:
		return true
	}
	return false
}

func printNested(b *strings.Builder, c Clause, parens bool) {
	if parens {
		b.WriteByte('(')
	}
	printClause(b, c)
	if parens {
		b.WriteByte(')')
	}
}

func printTerminal(b *strings.Builder, t *Terminal) {
	printField(b, t.Field)
	b.WriteByte(' ')
	b.WriteString(strings.ToUpper(string(t.Operator)))
	if t.Operand != nil {
		b.WriteByte(' ')
		printOperand(b, t.Operand)
	}
	for _, p := range t.Predicates {
		b.WriteString(" " + strings.ToUpper(string(p.Operator)) + " ")
		printOperand(b, p.Operand)
	}
}

func printField(b *strings.Builder, f Field) {
	if canonicalCustomField(f.Name) {
		b.WriteString(f.Name)
	} else {
		b.WriteString(bareOrQuoted(f.Name))
	}
	for _, p := range f.Properties {
		b.WriteByte('[')
		printArgument(b, p.Key)
		b.WriteByte(']')
		for i, part := range p.Path {
			if i > 0 {
				b.WriteByte(' ')
			}
			printArgument(b, part)
		}
	}
}

func canonicalCustomField(name string) bool {
	id, ok := strings.CutPrefix(name, "cf[")
	if !ok {
		return false
	}
	id, ok = strings.CutSuffix(id, "]")
	return ok && isInteger(id) && id[0] != '-' && trimZeros(id) == id
}

func printOperand(b *strings.Builder, o Operand) {
	switch o := o.(type) {
	case Keyword:
		b.WriteString("EMPTY")
	case Value:
		if o.Number() {
			b.WriteString(o.Text)
		} else {
			b.WriteString(bareOrQuoted(o.Text))
		}
	case Func:
		b.WriteString(bareOrQuoted(o.Name))
		b.WriteByte('(')
		for i, arg := range o.Args {
			if i > 0 {
				b.WriteString(", ")
			}
			printArgument(b, arg)
		}
		b.WriteByte(')')
	case List:
		b.WriteByte('(')
		for i, v := range o.Values {
			if i > 0 {
				b.WriteString(", ")
			}
			printOperand(b, v)
		}
		b.WriteByte(')')
	}
}

// printArgument writes a literal whose type does not matter: a number needs no quotes.
func printArgument(b *strings.Builder, s string) {
	if isInteger(s) {
		b.WriteString(s)
	} else {
		b.WriteString(bareOrQuoted(s))
	}
}

// bareOrQuoted writes a string literal, quoted where the grammar would read anything else without quotes.
func bareOrQuoted(s string) string {
	if s == "" || slices.ContainsFunc([]rune(s), func(c rune) bool { return !bareRune(c) }) {
		return Quote(s)
	}
	if k, _ := classify(s); k != word {
		return Quote(s)
	}
	return s
}

// display shows an operand as Jira's messages do: strings in double quotes, numbers and functions as they are.
func display(o Operand) string {
	switch o := o.(type) {
	case Value:
		if !o.Number() {
			return `"` + o.Text + `"`
		}
		return o.Text
	case List:
		parts := make([]string, len(o.Values))
		for i, v := range o.Values {
			parts[i] = display(v)
		}
		return "(" + strings.Join(parts, ", ") + ")"
	case Func:
		return o.Name + "(" + strings.Join(o.Args, ", ") + ")"
	}
	return "EMPTY"
}
