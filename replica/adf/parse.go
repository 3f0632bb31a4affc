package adf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Bounds of a document that is read. Jira refuses texts of more than 32,767
// characters, so that all three are far beyond what a tenant can hold.
const (
	MaxSize   = 4 << 20 // bytes of JSON: about 128 for each character that Jira takes
	maxDepth  = 200     // JSON levels: a node in a node is two, so about 100 nodes
	maxValues = 500_000 // JSON values and members; bounds memory to about 100 MB
)

// ErrNotADF says that bytes are no document, or beyond the bounds.
var ErrNotADF = errors.New("not an Atlassian document")

// Parse reads a document. Nothing of b is kept. The error is an ErrNotADF.
func Parse(b []byte) (*Doc, error) {
	root, err := read(b)
	if err != nil {
		return nil, err
	}
	members, ok := root.(map[string]any)
	if !ok || members["type"] != "doc" {
		return nil, flaw("the root is not of type doc")
	}
	if v, ok := members["version"]; ok {
		if n, isNumber := v.(json.Number); !isNumber || number(string(n)) != "1" {
			return nil, flaw("version is not 1")
		}
	}
	d := new(Doc)
	for name, value := range members {
		switch name {
		case "type", "version":
		case "content":
			if d.Content, err = nodes(value); err != nil {
				return nil, err
			}
		default:
			keep(&d.Extra, name, value)
		}
	}
	return d, nil
}

func flaw(reason string) error { return fmt.Errorf("%w: %s", ErrNotADF, reason) }

// read bounds and decodes JSON; numbers stay as written.
func read(b []byte) (any, error) {
	if err := bound(b); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var root any
	if err := dec.Decode(&root); err != nil {
		return nil, flaw("invalid JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, flaw("bytes after the document")
	}
	return root, nil
}

// bound counts before anything is allocated. On invalid JSON it may count
// wrong, but never less than the decoder will build before it gives up: each
// value there needs one of these characters.
func bound(b []byte) error {
	if len(b) > MaxSize {
		return flaw(fmt.Sprintf("%d bytes, more than %d", len(b), MaxSize))
	}
	depth, values, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		if quoted {
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
			continue
		}
		switch c {
		case '"':
			quoted = true
		case '{', '[':
			depth++
			values++
		case '}', ']':
			depth--
		case ',', ':':
			values++
		}
		if depth > maxDepth {
			return flaw("nested too deep")
		}
		if values > maxValues {
			return flaw("too many parts")
		}
	}
	return nil
}

func keep(in *map[string]json.RawMessage, name string, value any) {
	if *in == nil {
		*in = map[string]json.RawMessage{}
	}
	(*in)[name] = appendValue(nil, value)
}

func nodes(value any) ([]*Node, error) {
	if value == nil {
		return nil, nil
	}
	list, ok := value.([]any)
	if !ok {
		return nil, flaw("content is no list")
	}
	all := make([]*Node, 0, len(list))
	for _, v := range list {
		n, err := node(v)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func node(value any) (*Node, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return nil, flaw("a node is no object")
	}
	n := new(Node)
	for name, value := range members {
		var ok bool
		var err error
		switch name {
		case "type":
			n.Type, ok = value.(string)
		case "text":
			n.Text, ok = value.(string)
		case "attrs":
			n.Attrs, ok = attrs(value)
		case "marks":
			n.Marks, ok = marks(value)
		case "content":
			n.Content, err = nodes(value)
			ok = err == nil
		default:
			keep(&n.Extra, name, value)
			ok = true
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, flaw("a node's " + name + " has the wrong type")
		}
	}
	if n.Type == "" {
		return nil, flaw("a node has no type")
	}
	if n.Text != "" && n.Type != "text" { // a member like any other there
		keep(&n.Extra, "text", n.Text)
		n.Text = ""
	}
	return n, nil
}

// attrs reads an object of attributes; null is none.
func attrs(value any) (all map[string]json.RawMessage, ok bool) {
	if value == nil {
		return nil, true
	}
	members, ok := value.(map[string]any)
	for name, value := range members {
		keep(&all, name, value)
	}
	return all, ok
}

func marks(value any) (all []Mark, ok bool) {
	if value == nil {
		return nil, true
	}
	list, ok := value.([]any)
	for _, v := range list {
		members, isObject := v.(map[string]any)
		kind, hasType := members["type"].(string)
		if !isObject || !hasType || kind == "" {
			return nil, false
		}
		m := Mark{Type: kind}
		for name, value := range members {
			switch name {
			case "type":
			case "attrs":
				if m.Attrs, isObject = attrs(value); !isObject {
					return nil, false
				}
			default:
				keep(&m.Extra, name, value)
			}
		}
		all = append(all, m)
	}
	return all, ok
}
