package conf

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// A node is one value of a document with its place. Tables keep the order in which they were written.
type node struct {
	name    string
	key, at Pos
	inner   Pos  // first character inside a string
	exact   bool // a string that stands in the file as it is
	value   any  // string, int64, float64, bool, time; nil for a table or an array
	isTable bool
	isList  bool
	kids    []*node
	elems   []*node
}

// kid finds a table's member.
func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// kind names the value's type as an operator would.
func (n *node) kind() string {
	switch n.value.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	}
	switch {
	case n.isTable:
		return "a table"
	case n.isList:
		return "a list"
	}
	return "a date or time"
}

// parse reads a document into a tree. Problems of the text itself are added to ps, and nil is returned.
func parse(file string, content []byte, ps *Problems) *node {
	whole := Pos{File: file}
	if len(content) > maxDocument {
		ps.Add(whole, "split it, or move large maps into files of their own", "the file is larger than %d KiB", maxDocument>>10)
		return nil
	}
	src := string(content)
	ls := newLines(file, src)
	places, err := locate(src)
	if errors.Is(err, errTooDeep) {
		ps.Add(whole, "", "tables and lists are nested deeper than %d", maxDepth)
		return nil
	}
	var doc map[string]any
	if _, err := toml.Decode(src, &doc); err != nil {
		addSyntax(ps, ls, err)
		return nil
	}
	return build("", doc, places, nil, ls)
}

// build joins what the decoder read with where the locator saw it.
func build(name string, v any, p *place, owner *node, ls *lines) *node {
	n := &node{name: name}
	switch {
	case p != nil:
		n.key, n.at, n.inner, n.exact = ls.pos(p.key), ls.pos(p.val), ls.pos(p.inner), p.exact
	case owner != nil:
		n.key, n.at, n.inner = owner.key, owner.at, owner.at
	default:
		n.key = ls.pos(0)
		n.at, n.inner = n.key, n.key
	}
	switch v := v.(type) {
	case map[string]any:
		n.isTable = true
		for _, k := range inOrder(v, p) {
			var at *place
			if p != nil {
				at = p.kids[k]
			}
			n.kids = append(n.kids, build(k, v[k], at, n, ls))
		}
	case []any:
		n.isList = true
		for i, e := range v {
			n.elems = append(n.elems, build("", e, p.elem(i), n, ls))
		}
	case []map[string]any:
		n.isList = true
		for i, e := range v {
			n.elems = append(n.elems, build("", e, p.elem(i), n, ls))
		}
	default:
		n.value = v
	}
	return n
}

func (p *place) elem(i int) *place {
	if p == nil || i >= len(p.elems) {
		return nil
	}
	return p.elems[i]
}

// inOrder gives a table's keys as written; keys that the locator missed come last, sorted.
func inOrder(table map[string]any, p *place) []string {
	var keys []string
	if p != nil {
		for _, k := range p.order {
			if _, ok := table[k]; ok {
				keys = append(keys, k)
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(table)) {
		if p == nil || p.kids[k] == nil {
			keys = append(keys, k)
		}
	}
	return keys
}

var looseKey = regexp.MustCompile(`^\s*(\[\[?)?[^"'=\[\]#]*[: ][^"'=\[\]#]*[^\s"'=\[\]#]\s*(\]|=)`)

// addSyntax tells a syntax error where it stands, with a hint for the commonest one: a key that needs
// quotes.
func addSyntax(ps *Problems, ls *lines, err error) {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		ps.Add(Pos{File: ls.file}, "", "%s", err)
		return
	}
	at := ls.pos(pe.Position.Start) // Line and Col of the error are off for long strings and double keys
	hint := ""
	if line := ls.line(at.Line); looseKey.MatchString(line) {
		hint = `keys with spaces or ":" need quotes: [incoming."field:Contract reference"], or "Waiting for support" = "Open"`
	}
	ps.Add(at, hint, "%s", strings.TrimPrefix(message(pe), "toml: "))
}

func message(pe toml.ParseError) string {
	if pe.Message != "" {
		return pe.Message
	}
	return fmt.Sprint(pe)
}

// line gives the text of a line, without its end.
func (l *lines) line(n int) string {
	if n < 1 || n > len(l.starts) {
		return ""
	}
	line, _, _ := strings.Cut(l.src[l.starts[n-1]:], "\n")
	return line
}

// merge lays over on top of under: tables join key by key, anything else of over replaces under's.
func merge(under, over *node) *node {
	if !under.isTable || !over.isTable {
		return over
	}
	out := *over
	out.kids = slices.Clone(over.kids)
	for _, k := range under.kids {
		if i := slices.IndexFunc(out.kids, func(o *node) bool { return o.name == k.name }); i >= 0 {
			out.kids[i] = merge(k, out.kids[i])
		} else {
			out.kids = append(out.kids, k)
		}
	}
	return &out
}
