package adf

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Flaw is where a document is not what Atlassian's schema demands. Jira refuses such a document with a 400
// (INVALID_INPUT or "Operation value must be an Atlassian Document").
type Flaw struct {
	Path    string // of the node, as indexes into content: "/0/2"; empty for the root
	Reason  string // names types and attributes, never text
	Unknown bool   // nothing is wrong but a node, mark or attribute that this package does not know
}

func (f *Flaw) Error() string { return fmt.Sprintf("document at %q: %s", f.Path, f.Reason) }

// Check says whether Jira would take the bytes as a document, by the schema of @atlaskit/adf-schema 57.7.22.
// The error is an ErrNotADF, or a *Flaw. The schema grows every week: where the flaw is Unknown, a tenant may be
// ahead of this package, and only it can tell. It grows by nodes, marks and attributes: no definition of it has ever had
// another member than type, attrs, content, marks, text and version, and what it has dropped does not come back.
func Check(b []byte) error {
	root, err := read(b)
	if err != nil {
		return err
	}
	members, ok := root.(map[string]any)
	if !ok || members["type"] != "doc" {
		return flaw("the root is not of type doc")
	}
	var c checker
	version, isNumber := members["version"].(json.Number)
	if f, err := version.Float64(); !isNumber || err != nil || f != 1 {
		c.refuse("", "version is not 1")
	}
	c.node(members, child{kind: "doc"}, "")
	switch {
	case c.bad != nil:
		return c.bad
	case c.unknown != nil:
		return c.unknown
	}
	return nil
}

// checker keeps the first flaw of each sort; one that is certain ends the walk.
type checker struct{ bad, unknown *Flaw }

func (c *checker) refuse(path, format string, args ...any) {
	if c.bad == nil {
		c.bad = &Flaw{Path: path, Reason: fmt.Sprintf(format, args...)}
	}
}

func (c *checker) doubt(path, format string, args ...any) {
	if c.unknown == nil {
		c.unknown = &Flaw{Path: path, Reason: fmt.Sprintf(format, args...), Unknown: true}
	}
}

// node checks one under what its place allows.
func (c *checker) node(m map[string]any, as child, path string) {
	nodes, _ := rules()
	r := nodes[as.kind]
	for name := range m {
		switch {
		case name == "type", name == "version" && as.kind == "doc", name == "text" && as.kind == "text":
		case name == "attrs" && r.attrs != nil, name == "marks" && as.marks != nil, name == "content" && r.content:
		case as.kind == "mediaSingle": // may have any
		case name == "attrs", name == "marks", name == "content", name == "text":
			c.refuse(path, "%s has no %s", as.kind, name)
		default:
			c.refuse(path, "%s has a member that no node has", as.kind)
		}
	}
	if text, ok := m["text"].(string); as.kind == "text" && (!ok || text == "") {
		c.refuse(path, "text is empty")
	}
	c.attrs(m, r, as.kind, path)
	if marks, ok := m["marks"]; ok && as.marks != nil {
		c.marks(marks, as.marks, path)
	}
	if r.content {
		c.content(m, r, as.kind, path)
	}
}

func (c *checker) content(m map[string]any, r *rule, kind, path string) {
	value, ok := m["content"]
	if !ok {
		if r.present {
			c.refuse(path, "%s has no content", kind)
		}
		return
	}
	list, ok := value.([]any)
	if !ok || len(list) < r.min || r.max > 0 && len(list) > r.max {
		c.refuse(path, "%s has content of the wrong size", kind)
		return
	}
	for i, v := range list {
		allowed := r.first
		if i > 0 && r.rest != nil {
			allowed = r.rest
		}
		if c.bad == nil {
			c.child(v, allowed, kind, fmt.Sprintf("%s/%d", path, i))
		}
	}
}

// retired are nodes that the schema of 2018 had and today's has not (the oracle's reference documents of that year).
var retired = []string{"applicationCard"}

// child checks a node as the place's alternative whose marks fit; the alternatives differ in nothing else.
func (c *checker) child(v any, allowed []child, parent, path string) {
	m, _ := v.(map[string]any)
	kind, ok := m["type"].(string)
	if !ok {
		c.refuse(path, "a node without a type")
		return
	}
	nodes, _ := rules()
	switch {
	case slices.Contains(retired, kind):
		c.refuse(path, "%s is no node of Jira's any more", kind)
		return
	case nodes[kind] == nil:
		c.doubt(path, "a node of an unknown type")
		return
	}
	var best *child
	for i := range allowed {
		if allowed[i].kind != kind {
			continue
		}
		best = &allowed[i]
		var probe checker
		if marks, ok := m["marks"]; ok && best.marks != nil {
			probe.marks(marks, best.marks, path)
		}
		if probe.bad == nil {
			break
		}
	}
	if best == nil {
		c.refuse(path, "%s may not stand in %s", kind, parent)
		return
	}
	c.node(m, *best, path)
}

func (c *checker) marks(v any, allowed []string, path string) {
	list, ok := v.([]any)
	if !ok {
		c.refuse(path, "marks is no list")
		return
	}
	_, marks := rules()
	for _, v := range list {
		m, _ := v.(map[string]any)
		kind, ok := m["type"].(string)
		r := marks[kind]
		switch {
		case !ok:
			c.refuse(path, "a mark without a type")
			return
		case r == nil:
			c.doubt(path, "a mark of an unknown type")
			continue
		case !slices.Contains(allowed, kind):
			c.refuse(path, "the mark %s may not stand here", kind)
			return
		}
		for name := range m {
			switch {
			case name == "type", name == "attrs" && r.attrs != nil:
			case name == "attrs":
				c.doubt(path, "the mark %s has attributes, and none are known", kind)
			default:
				c.refuse(path, "the mark %s has a member that no mark has", kind)
				return
			}
		}
		c.attrs(m, r, kind, path)
	}
}

// attrs wants them to fit one of the ways to give them.
func (c *checker) attrs(m map[string]any, r *rule, kind, path string) {
	value, ok := m["attrs"]
	if !ok || r.attrs == nil {
		if r.demanded {
			c.refuse(path, "%s has no attrs", kind)
		}
		return
	}
	attrs, ok := value.(map[string]any)
	if !ok {
		c.refuse(path, "the attrs of %s are no object", kind)
		return
	}
	var nearest checker
	for _, way := range r.attrs {
		var c checker
		for name, a := range way {
			v, ok := attrs[name]
			if ok && !a.fits(v) || !ok && a.demanded {
				c.refuse(path, "the %s of %s is missing or has a wrong value", name, kind)
			}
		}
		for name := range attrs {
			if _, known := way[name]; !known {
				c.doubt(path, "%s has an unknown attribute", kind)
			}
		}
		if c.bad == nil && c.unknown == nil {
			return
		}
		if nearest.bad == nil && nearest.unknown == nil || nearest.bad != nil && c.bad == nil {
			nearest = c
		}
	}
	if nearest.bad != nil {
		c.refuse(path, "%s", nearest.bad.Reason)
	} else {
		c.doubt(path, "%s", nearest.unknown.Reason)
	}
}
