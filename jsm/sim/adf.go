package sim

// Atlassian Document Format as the tenant accepts it. This file reads a document into a tree and judges it;
// what may stand where is the table of adf_grammar.go. A document that passes is normalised (adf_normal.go)
// and stored; adf_wiki.go, adf_text.go and adf_html.go show it as v2, search and people want it.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	maxADFBytes = 1 << 20 // one document as sent; Jira's own text limit (32,767 characters) is checked by the field
	maxADFDepth = 64      // nodes in nodes; real documents stay below 15
)

// Jira's words. A value that is no document at all is told so; one with a wrong node, mark or attribute
// gets nothing but the code (both seen on live sites).
const (
	adfNotDocument = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
	adfInvalid     = "INVALID_INPUT"
)

// adfError says why a document was refused: Message as Jira words it, At the place for the tenant's own log.
type adfError struct {
	Message string
	At      string
}

func (e *adfError) Error() string {
	if e.At == "" {
		return e.Message
	}
	return e.Message + " at " + e.At
}

// adfNode is one node of a document. Attrs keeps numbers as json.Number.
type adfNode struct {
	Type    string
	Text    string
	Attrs   map[string]any
	Marks   []adfMark
	Content []*adfNode
}

type adfMark struct {
	Type  string
	Attrs map[string]any
}

// attr returns a string attribute, empty where absent or not a string.
func (n *adfNode) attr(name string) string { return attrString(n.Attrs, name) }

func (n *adfNode) mark(kind string) *adfMark {
	for i := range n.Marks {
		if n.Marks[i].Type == kind {
			return &n.Marks[i]
		}
	}
	return nil
}

func (m *adfMark) attr(name string) string { return attrString(m.Attrs, name) }

func attrString(attrs map[string]any, name string) string {
	switch v := attrs[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// validADF tells whether Jira would take raw as a document: nil, or an *adfError with Jira's message.
func validADF(raw json.RawMessage) error {
	root, err := decodeADF(raw)
	if err != nil {
		return err
	}
	return judgeADF(root)
}

// parseADF reads a document that was stored (or is valid); nil where raw is none.
func parseADF(raw json.RawMessage) *adfNode {
	root, err := decodeADF(raw)
	if err != nil {
		return nil
	}
	return adfTree(root, 0)
}

func decodeADF(raw json.RawMessage) (map[string]any, error) {
	if len(raw) > maxADFBytes {
		return nil, &adfError{Message: adfInvalid, At: "a document larger than the limit"}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, &adfError{Message: adfNotDocument, At: "JSON"}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &adfError{Message: adfNotDocument, At: "JSON"}
	}
	root, ok := v.(map[string]any)
	if !ok || root["type"] == nil {
		return nil, &adfError{Message: adfNotDocument}
	}
	return root, nil
}

func adfTree(m map[string]any, depth int) *adfNode {
	n := &adfNode{}
	n.Type, _ = m["type"].(string)
	n.Text, _ = m["text"].(string)
	n.Attrs, _ = m["attrs"].(map[string]any)
	marks, _ := m["marks"].([]any)
	for _, v := range marks {
		if mm, ok := v.(map[string]any); ok {
			mark := adfMark{}
			mark.Type, _ = mm["type"].(string)
			mark.Attrs, _ = mm["attrs"].(map[string]any)
			n.Marks = append(n.Marks, mark)
		}
	}
	content, _ := m["content"].([]any)
	if depth >= maxADFDepth {
		return n
	}
	for _, v := range content {
		if c, ok := v.(map[string]any); ok {
			n.Content = append(n.Content, adfTree(c, depth+1))
		}
	}
	return n
}

func judgeADF(root map[string]any) error {
	if root["type"] != "doc" {
		return &adfError{Message: adfNotDocument, At: "/type"}
	}
	return judgeNode(root, adfChild{kind: "doc"}, "", 0)
}

// judgeNode checks one node under the variant that its parent allows it as.
func judgeNode(m map[string]any, as adfChild, at string, depth int) error {
	refuse := func(format string, args ...any) error {
		return &adfError{Message: adfInvalid, At: at + ": " + fmt.Sprintf(format, args...)}
	}
	if depth > maxADFDepth {
		return refuse("nested too deep")
	}
	rule := adfNodes[as.kind]
	for key := range m {
		if !rule.hasKey(key, as) {
			return refuse("%s has no %q", as.kind, key)
		}
	}
	if rule.version {
		if v, ok := m["version"].(json.Number); !ok || !numberIs(v, 1) {
			return refuse("version must be 1")
		}
	}
	if rule.text {
		if s, ok := m["text"].(string); !ok || s == "" {
			return refuse("text is empty")
		}
	}
	if err := judgeAttrs(m["attrs"], hasKey(m, "attrs"), rule.attrs, rule.mustAttrs); err != "" {
		return refuse("%s: %s", as.kind, err)
	}
	if marks, ok := m["marks"]; ok {
		if err := judgeMarks(marks, adfMarkSets[as.marks]); err != "" {
			return refuse("%s: %s", as.kind, err)
		}
	}
	return judgeContent(m, rule, at, depth)
}

func judgeContent(m map[string]any, rule adfRule, at string, depth int) error {
	refuse := func(why string) error { return &adfError{Message: adfInvalid, At: at + ": " + why} }
	v, present := m["content"]
	if !present {
		if rule.min > 0 || rule.mustContent {
			return refuse("content is missing")
		}
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		return refuse("content is not a list")
	}
	if len(list) < rule.min || rule.max > 0 && len(list) > rule.max {
		return refuse("too few or too many children")
	}
	for i, item := range list {
		where := fmt.Sprintf("%s/%d", at, i)
		child, ok := item.(map[string]any)
		if !ok {
			return &adfError{Message: adfInvalid, At: where}
		}
		kind, _ := child["type"].(string)
		if err := judgeChild(child, kind, rule.at(i), where, depth); err != nil {
			return err
		}
	}
	return nil
}

// judgeChild tries the variants of the child's kind that the place allows; they differ only in their marks.
func judgeChild(child map[string]any, kind string, allowed []adfChild, at string, depth int) error {
	var last error = &adfError{Message: adfInvalid, At: fmt.Sprintf("%s: %q is not allowed here", at, kind)}
	for _, as := range allowed {
		if as.kind != kind {
			continue
		}
		if marks, ok := child["marks"]; ok && as.marks != "" {
			if why := judgeMarks(marks, adfMarkSets[as.marks]); why != "" {
				last = &adfError{Message: adfInvalid, At: at + ": " + why}
				continue
			}
		}
		return judgeNode(child, as, at, depth+1)
	}
	return last
}

func judgeMarks(v any, allowed []string) string {
	list, ok := v.([]any)
	if !ok {
		return "marks are not a list"
	}
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return "a mark is not an object"
		}
		kind, _ := m["type"].(string)
		rule, known := adfMarks[kind]
		if !known || !slices.Contains(allowed, kind) {
			return fmt.Sprintf("mark %q is not allowed here", kind)
		}
		for key := range m {
			if key != "type" && (key != "attrs" || rule == nil) {
				return fmt.Sprintf("mark %s has no %q", kind, key)
			}
		}
		if why := judgeAttrs(m["attrs"], hasKey(m, "attrs"), rule, rule != nil); why != "" {
			return "mark " + kind + ": " + why
		}
	}
	return ""
}

// judgeAttrs wants attrs to fit one of the alternatives whole.
func judgeAttrs(v any, present bool, alternatives []adfAttrs, must bool) string {
	if !present {
		if must {
			return "attrs are missing"
		}
		return ""
	}
	attrs, ok := v.(map[string]any)
	if !ok {
		return "attrs are not an object"
	}
	why := "attrs are not allowed"
	for _, alt := range alternatives {
		if why = alt.judge(attrs); why == "" {
			return ""
		}
	}
	return why
}

func hasKey(m map[string]any, key string) bool {
	_, ok := m[key]
	return ok
}
