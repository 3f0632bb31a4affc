package adf

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// JSON is the canonical form, see the package. It is the form to compare and
// hash, and Jira takes it.
func (d *Doc) JSON() []byte {
	w := writer{out: make([]byte, 0, 256)}
	w.object(d.Extra, map[string]func(){
		"content": func() { w.nodes(d.Content) },
		"type":    func() { w.out = append(w.out, `"doc"`...) },
		"version": func() { w.out = append(w.out, '1') },
	})
	return w.out
}

// Canonical is Parse and JSON. The error is an ErrNotADF.
func Canonical(b []byte) ([]byte, error) {
	d, err := Parse(b)
	if err != nil {
		return nil, err
	}
	return d.JSON(), nil
}

// numbered must have a localId by the schema (v1/full.json: taskList_node …).
var numbered = map[string]bool{
	"taskList": true, "taskItem": true, "blockTaskItem": true, "decisionList": true, "decisionItem": true,
}

// referring keep their localId, which names a thing outside the document.
var referring = map[string]bool{"syncBlock": true, "bodiedSyncBlock": true}

// contentless need no content by the schema: leaving it out says the same as [].
var contentless = map[string]bool{
	"paragraph": true, "heading": true, "codeBlock": true, "caption": true, "taskItem": true, "decisionItem": true,
}

type writer struct {
	out   []byte
	local int // localIds given
}

// object writes members in byte order: those that are raw, and those that
// have a function to write them.
func (w *writer) object(raw map[string]json.RawMessage, members map[string]func()) {
	names := make([]string, 0, len(raw)+len(members))
	for name := range members {
		names = append(names, name)
	}
	for name := range raw {
		if members[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	w.out = append(w.out, '{')
	for i, name := range names {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(appendString(w.out, name), ':')
		if write := members[name]; write != nil {
			write()
		} else {
			w.out = append(w.out, raw[name]...)
		}
	}
	w.out = append(w.out, '}')
}

func (w *writer) nodes(list []*Node) {
	w.out = append(w.out, '[')
	for i, n := range merged(list) {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.node(n)
	}
	w.out = append(w.out, ']')
}

func (w *writer) node(n *Node) {
	members := map[string]func(){
		"type": func() { w.out = appendString(w.out, n.Type) },
	}
	attrs := w.attrs(n)
	if len(attrs) > 0 || n.Type == "nestedExpand" { // whose attrs the schema demands
		members["attrs"] = func() { w.object(attrs, nil) }
	}
	if list := merged(n.Content); len(list) > 0 || n.Content != nil && !contentless[n.Type] {
		members["content"] = func() { w.nodes(list) }
	}
	if len(n.Marks) > 0 {
		members["marks"] = func() { w.marks(n.Marks) }
	}
	if n.Type == "text" {
		members["text"] = func() { w.out = appendString(w.out, n.Text) }
	}
	w.object(n.Extra, members)
}

// attrs is n's without Jira's changing localId, and a mention's without what Jira adds empty.
func (w *writer) attrs(n *Node) map[string]json.RawMessage {
	if n.Type == "mention" {
		attrs := maps.Clone(n.Attrs)
		maps.DeleteFunc(attrs, func(name string, v json.RawMessage) bool {
			return name == "localId" || string(v) == `""` && (name == "text" || name == "accessLevel")
		})
		return attrs
	}
	_, has := n.Attrs["localId"]
	if referring[n.Type] || !has && !numbered[n.Type] {
		return n.Attrs
	}
	attrs := maps.Clone(n.Attrs)
	delete(attrs, "localId")
	if numbered[n.Type] {
		if attrs == nil {
			attrs = map[string]json.RawMessage{}
		}
		w.local++
		attrs["localId"] = appendString(nil, strconv.Itoa(w.local))
	}
	return attrs
}

func (w *writer) marks(list []Mark) {
	w.out = append(w.out, '[')
	for i, m := range sortedMarks(list) {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, markJSON(m)...)
	}
	w.out = append(w.out, ']')
}

func markJSON(m Mark) []byte {
	var w writer
	members := map[string]func(){"type": func() { w.out = appendString(w.out, m.Type) }}
	if len(m.Attrs) > 0 {
		members["attrs"] = func() { w.object(m.Attrs, nil) }
	}
	w.object(m.Extra, members)
	return w.out
}

// sortedMarks has them in order of type; several of one type (annotations) in
// order of what they say.
func sortedMarks(list []Mark) []Mark {
	order := func(a, b Mark) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), bytes.Compare(markJSON(a), markJSON(b)))
	}
	if slices.IsSortedFunc(list, order) {
		return list
	}
	return slices.SortedFunc(slices.Values(list), order)
}

// merged drops empty texts and joins neighbours with the same marks.
func merged(list []*Node) []*Node {
	if !slices.ContainsFunc(list, (*Node).plainText) {
		return list
	}
	out := make([]*Node, 0, len(list))
	for i := 0; i < len(list); i++ {
		n := list[i]
		if !n.plainText() {
			out = append(out, n)
			continue
		}
		if n.Text == "" {
			continue
		}
		end := i + 1
		for end < len(list) && list[end].plainText() && (list[end].Text == "" || list[end].sameMarks(n)) {
			end++
		}
		if end > i+1 {
			var text strings.Builder
			for _, part := range list[i:end] {
				text.WriteString(part.Text)
			}
			n = &Node{Type: n.Type, Text: text.String(), Marks: n.Marks}
			i = end - 1
		}
		out = append(out, n)
	}
	return out
}

// plainText says that n is text and marks, nothing else.
func (n *Node) plainText() bool {
	return n.Type == "text" && len(n.Attrs) == 0 && n.Content == nil && len(n.Extra) == 0
}

func (n *Node) sameMarks(o *Node) bool {
	return slices.EqualFunc(sortedMarks(n.Marks), sortedMarks(o.Marks),
		func(a, b Mark) bool { return a.Type == b.Type && bytes.Equal(markJSON(a), markJSON(b)) })
}
