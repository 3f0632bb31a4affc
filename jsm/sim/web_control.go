package sim

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// choice is one option of a control.
type choice struct {
	Value, Label string
	On           bool
}

// control is one field of a form: how a person sees and changes a value.
type control struct {
	ID, Label, Hint string
	Kind            string // text area number date datetime labels select multi cascade
	Required        bool
	Aside           bool // among the fields that a ticket shows only where asked to
	Value           string
	Choices         []choice

	schema bean
}

// newControl makes the control of a field from its schema and the values it may have; nil where a person
// cannot change such a field.
func (v *visit) newControl(id, label string, schema bean, allowed []bean) *control {
	c := &control{ID: id, Label: label, schema: schema, Kind: controlKind(id, schema)}
	switch c.Kind {
	case "":
		return nil
	case "select", "multi", "cascade":
		c.Choices = v.choices(id, schema, allowed)
		if len(c.Choices) == 0 {
			return nil
		}
	}
	return c
}

func controlKind(id string, schema bean) string {
	custom := textAt(schema, "custom")
	_, custom, _ = strings.Cut(custom, ":")
	switch typ := textAt(schema, "type"); {
	case id == "description" || id == "environment" || custom == "textarea":
		return "area"
	case typ == "string":
		return "text"
	case typ == "number" || typ == "date" || typ == "datetime":
		return typ
	case typ == "option-with-child":
		return "cascade"
	case typ == "option" || typ == "priority" || typ == "user" || typ == "version" || typ == "resolution" || typ == "group":
		return "select"
	case typ == "array":
		switch textAt(schema, "items") {
		case "string":
			return "labels"
		case "option", "component", "version", "user", "group", "sd-customerorganization":
			return "multi"
		}
	}
	return ""
}

// choices lists what may be picked. Where the field's description has no list, the API that has one is asked.
func (v *visit) choices(id string, schema bean, allowed []bean) []choice {
	switch kind := orElse(textAt(schema, "items"), textAt(schema, "type")); {
	case id == "assignee":
		return v.ask("/rest/api/3/user/assignable/search?maxResults=1000&project="+v.t.Project(), "accountId", "displayName")
	case kind == "user":
		return v.ask("/rest/api/3/users/search?maxResults=1000", "accountId", "displayName")
	case kind == "group":
		return v.ask("/rest/api/3/group/bulk?maxResults=100", "name", "name")
	case kind == "sd-customerorganization":
		return v.ask("/rest/servicedeskapi/servicedesk/"+v.desk()+"/organization?limit=100", "id", "name")
	}
	var out []choice
	for _, a := range allowed {
		id, name := textAt(a, "id"), orElse(textAt(a, "name"), textAt(a, "value"))
		if id == "" {
			id, name = textAt(a, "value"), textAt(a, "label") // servicedeskapi's validValues
		}
		out = append(out, choice{Value: id, Label: name})
		for _, child := range listAt(a, "children") {
			childID := orElse(textAt(child, "id"), textAt(child, "value"))
			out = append(out, choice{Value: id + "/" + childID, Label: name + " › " + orElse(textAt(child, "label"), textAt(child, "value"))})
		}
	}
	return out
}

func (v *visit) ask(path, value, label string) (out []choice) {
	_, found := v.t.act(v.me, "GET", path, nil)
	for _, b := range listAt(found, "values") {
		if b["active"] != false {
			out = append(out, choice{Value: textAt(b, value), Label: textAt(b, label)})
		}
	}
	return out
}

// fill shows a value as the platform's API gives it.
func (c *control) fill(value any) {
	switch c.Kind {
	case "area":
		raw, err := json.Marshal(value)
		if err == nil && value != nil {
			c.Value = adfToWiki(raw)
		}
	case "labels":
		c.Value = strings.Join(ids(value), " ")
	case "select":
		c.choose(idOf(value))
	case "multi":
		c.choose(ids(value)...)
	case "cascade":
		id := idOf(value)
		if child := idOf(dig(value, "child")); child != "" {
			id += "/" + child
		}
		c.choose(id)
	case "datetime":
		if at, ok := readDateTime(textAt(value)); ok {
			c.Value = at.UTC().Format(browserTime)
		}
	default:
		c.Value = textAt(value)
	}
}

const browserTime = "2006-01-02T15:04" // what an input of type datetime-local speaks; we take it as UTC

func (c *control) choose(values ...string) {
	c.Value = strings.Join(values, "\n")
	for i := range c.Choices {
		c.Choices[i].On = slices.Contains(values, c.Choices[i].Value)
	}
}

// idOf is what names a picked value in a write.
func idOf(v any) string {
	if s := textAt(v); s != "" {
		return s
	}
	return orElse(textAt(v, "accountId"), orElse(textAt(v, "id"), textAt(v, "name")))
}

func ids(v any) []string {
	items, _ := v.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		out = append(out, idOf(item))
	}
	return out
}

// posted is the control's value in a form, in the shape of Value.
func (c *control) posted(form url.Values) string {
	values := form["f."+c.ID]
	switch c.Kind {
	case "multi":
		kept := values[:0:0]
		for _, v := range values {
			if v != "" {
				kept = append(kept, v)
			}
		}
		return strings.Join(kept, "\n")
	case "labels":
		return strings.Join(strings.Fields(strings.Join(values, " ")), " ")
	}
	return strings.ReplaceAll(strings.Join(values, ""), "\r\n", "\n")
}

// write turns a posted value into what the API takes; nil clears the field.
func (c *control) write(value string) any {
	if c.Kind == "labels" {
		return append([]string{}, strings.Fields(value)...)
	}
	if c.Kind == "multi" {
		out := []any{}
		for id := range strings.SplitSeq(value, "\n") {
			if id == "" {
				continue
			}
			out = append(out, c.reference(id))
		}
		return out
	}
	switch {
	case value == "":
		return nil
	case c.Kind == "area":
		return wikiToADF(value)
	case c.Kind == "number":
		return json.RawMessage(jsonNumber(value))
	case c.Kind == "datetime":
		return value + ":00.000+0000"
	case c.Kind == "select":
		return c.reference(value)
	case c.Kind == "cascade":
		parent, child, two := strings.Cut(value, "/")
		if !two {
			return bean{"id": parent}
		}
		return bean{"id": parent, "child": bean{"id": child}}
	}
	return value
}

// jsonNumber keeps a number as typed; what is none becomes a string, for the API to refuse in its words.
func jsonNumber(s string) []byte {
	if raw := []byte(strings.TrimSpace(s)); json.Valid(raw) {
		return raw
	}
	raw, _ := json.Marshal(s)
	return raw
}

func (c *control) reference(id string) any {
	kind := orElse(textAt(c.schema, "items"), textAt(c.schema, "type"))
	switch kind {
	case "user":
		return bean{"accountId": id}
	case "group":
		return bean{"name": id}
	case "sd-customerorganization":
		return json.RawMessage(jsonNumber(id))
	}
	return bean{"id": id}
}
