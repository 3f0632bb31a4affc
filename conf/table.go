package conf

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Text is a string as written. The zero Text was not written.
type Text struct {
	Value string
	Pos   Pos
	inner Pos
	exact bool
}

// IsSet reports whether the string was written at all (it may be empty).
func (t Text) IsSet() bool { return t.Pos.IsSet() }

// At gives the file position of a line and column inside the string, both from 1, as a compiler of the
// string's content counts them. Strings with escapes point to their beginning.
func (t Text) At(line, col int) Pos {
	if !t.exact || line < 1 || col < 1 {
		return t.Pos
	}
	if line == 1 {
		return Pos{t.Pos.File, t.inner.Line, t.inner.Col + col - 1}
	}
	return Pos{t.Pos.File, t.inner.Line + line - 1, col}
}

// Flag is true or false as written; where it was not written, Value holds the default.
type Flag struct {
	Value bool
	Pos   Pos
}

// Count is a whole number as written, not negative; where it was not written, Value is 0.
type Count struct {
	Value int
	Pos   Pos
}

// Literal is a value that a rule sets: string, bool, int64, float64 or []string.
type Literal struct {
	Value any
	Pos   Pos
}

// IsSet reports whether the literal was written.
func (l Literal) IsSet() bool { return l.Pos.IsSet() }

// String shows the literal in a message.
func (l Literal) String() string { return fmt.Sprint(l.Value) }

// A table reads one table of a document strictly: each word asked for becomes known, and done reports
// the others.
type table struct {
	n     *node
	where string // how messages call it: "[incoming.priority]", or the file's top
	known []string
	ps    *Problems
}

// openTable reads n, which may be nil (not written: every word is then absent).
func openTable(n *node, where string, ps *Problems) *table {
	if n == nil {
		n = &node{isTable: true}
	}
	return &table{n: n, where: where, ps: ps}
}

// get makes a word known and finds its value.
func (t *table) get(word string) *node {
	t.known = append(t.known, word)
	return t.n.kid(word)
}

func (t *table) wrong(n *node, want, hint string) {
	t.ps.Add(n.at, hint, "%q in %s must be %s, not %s", n.name, t.where, want, n.kind())
}

// done reports every word that was not asked for. hint may give a tailored way out.
func (t *table) done(hint func(*node) string) {
	for _, k := range t.n.kids {
		if slices.Contains(t.known, k.name) {
			continue
		}
		h := ""
		if hint != nil {
			h = hint(k)
		}
		if h == "" {
			h = DidYouMean(k.name, t.known)
		}
		t.ps.Add(k.key, h, "unknown word %q in %s", k.name, t.where)
	}
}

func (n *node) text() Text {
	s, _ := n.value.(string)
	return Text{Value: s, Pos: n.at, inner: n.inner, exact: n.exact}
}

// text reads a string.
func (t *table) text(word string) Text {
	n := t.get(word)
	if n == nil {
		return Text{}
	}
	if _, ok := n.value.(string); !ok {
		t.wrong(n, "a string", "")
		return Text{}
	}
	return n.text()
}

// choice reads one of the words given; where it is absent the first of them is the default.
func (t *table) choice(word string, words ...string) Text {
	v := t.text(word)
	if !v.IsSet() {
		v.Value = words[0]
		return v
	}
	if !slices.Contains(words, v.Value) {
		hint := DidYouMean(v.Value, words)
		if hint == "" {
			hint = "one of: " + strings.Join(words, ", ")
		}
		t.ps.Add(v.Pos, hint, "%s = %q in %s is not a choice", word, v.Value, t.where)
		return Text{Value: words[0]}
	}
	return v
}

// flag reads true or false.
func (t *table) flag(word string, otherwise bool) Flag {
	n := t.get(word)
	if n == nil {
		return Flag{Value: otherwise}
	}
	b, ok := n.value.(bool)
	if !ok {
		hint := ""
		if s, isText := n.value.(string); isText && (s == "true" || s == "false") {
			hint = "without quotes: " + word + " = " + s
		}
		t.wrong(n, "true or false", hint)
		return Flag{Value: otherwise}
	}
	return Flag{Value: b, Pos: n.at}
}

// count reads a whole number of at least 0.
func (t *table) count(word string) Count {
	n := t.get(word)
	if n == nil {
		return Count{}
	}
	v, ok := n.value.(int64)
	if !ok {
		t.wrong(n, "a whole number", "")
		return Count{}
	}
	if v < 0 || v > 1<<31-1 {
		t.ps.Add(n.at, "", "%s = %d in %s is out of range", word, v, t.where)
		return Count{}
	}
	return Count{Value: int(v), Pos: n.at}
}

// duration reads a Go duration in quotes, at least min and at most max.
func (t *table) duration(word string, otherwise, least, most time.Duration) time.Duration {
	n := t.get(word)
	if n == nil {
		return otherwise
	}
	s, ok := n.value.(string)
	if !ok {
		t.wrong(n, "a duration in quotes", fmt.Sprintf(`for example %s = "%s"`, word, otherwise))
		return otherwise
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.ps.Add(n.at, `for example "250ms", "10s", "5m"`, "%s = %q in %s is not a duration", word, s, t.where)
		return otherwise
	}
	if d < least || d > most {
		t.ps.Add(n.at, "", "%s = %q in %s must lie between %s and %s", word, s, t.where, least, most)
		return otherwise
	}
	return d
}

// texts reads a list of strings. one also lets a single string stand for a list of one.
func (t *table) texts(word string, one bool) []Text {
	n := t.get(word)
	if n == nil {
		return nil
	}
	if _, ok := n.value.(string); ok && one {
		return []Text{n.text()}
	}
	if !n.isList {
		t.wrong(n, "a list of strings", "")
		return nil
	}
	var out []Text
	for _, e := range n.elems {
		if _, ok := e.value.(string); !ok {
			t.ps.Add(e.at, "", "%q in %s must hold strings only, not %s", word, t.where, e.kind())
			continue
		}
		out = append(out, e.text())
	}
	return out
}

// literal reads a string, number, true/false, or list of strings.
func (t *table) literal(word string) Literal {
	n := t.get(word)
	if n == nil {
		return Literal{}
	}
	switch v := n.value.(type) {
	case string, bool, int64, float64:
		return Literal{Value: v, Pos: n.at}
	}
	if n.isList {
		list := []string{}
		for _, e := range n.elems {
			s, ok := e.value.(string)
			if !ok {
				t.ps.Add(e.at, "", "%q in %s must hold strings only, not %s", word, t.where, e.kind())
				return Literal{}
			}
			list = append(list, s)
		}
		return Literal{Value: list, Pos: n.at}
	}
	t.wrong(n, "a plain value or a list of strings", "")
	return Literal{}
}

// sub opens a table inside this one; ok tells whether it was written as a table.
func (t *table) sub(word, where string) (*table, bool) {
	n := t.get(word)
	if n != nil && !n.isTable {
		t.wrong(n, "a table", "")
		n = nil
	}
	return openTable(n, where, t.ps), n != nil
}
