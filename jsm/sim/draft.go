package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A draft is what a create, an edit or a transition wants to write, read and judged as a whole before
// anything is written: one bad field refuses all of it.
type draft struct {
	set      map[*field]any
	errs     map[string]string
	comments []newComment
	props    map[string]json.RawMessage
	tooLong  bool // a text beyond the limit that Jira reports by a message of its own
}

// draftBody is the body of create, edit and transition.
type draftBody struct {
	Fields     map[string]json.RawMessage              `json:"fields"`
	Update     map[string][]map[string]json.RawMessage `json:"update"`
	Properties []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
	Transition *struct {
		ID json.RawMessage `json:"id"`
	} `json:"transition"`
}

func offScreen(id string) string {
	return fmt.Sprintf("Field '%s' cannot be set. It is not on the appropriate screen, or unknown.", id)
}

// readDraft judges a body against the screen: the fields that may be set here.
func (c *call) readDraft(b draftBody, is *issue, proj *project, screen func(*field) bool) draft {
	d := draft{set: map[*field]any{}, errs: map[string]string{}, props: map[string]json.RawMessage{}}
	s := setter{t: c.t, me: c.me, proj: proj, is: is, v2: c.v2}
	for id, raw := range b.Fields {
		f := c.t.field(id)
		if _, both := b.Update[id]; both {
			d.errs[id] = fmt.Sprintf("Field '%s' cannot appear in both 'fields' and 'update'", id)
			continue
		}
		if f == nil || !screen(f) {
			d.errs[id] = offScreen(id)
			continue
		}
		v, complaint := s.value(f, raw)
		d.put(f, v, complaint)
	}
	for id, ops := range b.Update {
		if id == "comment" {
			d.readComments(c, ops)
			continue
		}
		f := c.t.field(id)
		if f == nil || !screen(f) {
			d.errs[id] = offScreen(id)
			continue
		}
		var was any
		if is != nil {
			was = is.vals[f.id]
		}
		v, complaint := s.operate(f, was, ops)
		d.put(f, v, complaint)
	}
	for _, p := range b.Properties {
		if complaint := badProperty(p.Key, p.Value); complaint != "" {
			d.errs["properties"] = complaint
		}
		d.props[p.Key] = p.Value
	}
	return d
}

func (d *draft) put(f *field, v any, complaint string) {
	switch complaint {
	case "":
		d.set[f] = v
	case "CONTENT_LIMIT_EXCEEDED":
		d.tooLong = true
		d.errs[f.id] = tooLong(maxText)
	default:
		d.errs[f.id] = complaint
	}
}

// refusal is the 400 for a bad draft.
func (d *draft) refusal() (answer, bool) {
	if len(d.errs) > 0 {
		return refuseFields(d.errs), true
	}
	return answer{}, false
}

// readComments takes update.comment: only "add" is known here.
func (d *draft) readComments(c *call, ops []map[string]json.RawMessage) {
	for _, op := range ops {
		raw, adds := op["add"]
		if !adds || len(op) != 1 {
			d.errs["comment"] = "Field does not support update: only 'add' is possible here."
			return
		}
		n, complaint := c.readComment(raw)
		if complaint != "" {
			d.errs["comment"] = complaint
			return
		}
		d.comments = append(d.comments, n)
	}
}

// operate applies the operations of `update` to a value.
func (s setter) operate(f *field, was any, ops []map[string]json.RawMessage) (any, string) {
	now := was
	for _, op := range ops {
		if len(op) != 1 {
			return nil, "Each operation must have exactly one verb."
		}
		for verb, raw := range op {
			if !slices.Contains(kinds[f.kind].ops, verb) {
				return nil, fmt.Sprintf("Field with id '%s' and name '%s' does not support operation '%s' Supported operation(s) are: '%s'",
					f.id, f.name, verb, strings.Join(kinds[f.kind].ops, ","))
			}
			if verb == "set" {
				v, complaint := s.value(f, raw)
				if complaint != "" {
					return nil, complaint
				}
				now = v
				continue
			}
			v, complaint := s.value(f, slices.Concat(json.RawMessage("["), raw, json.RawMessage("]")))
			if complaint != "" {
				return nil, complaint
			}
			now = s.merge(f, now, v, verb == "add")
		}
	}
	return now, ""
}

// merge adds or removes values, in the order of the field's list where it has one.
func (s setter) merge(f *field, was, delta any, add bool) any {
	have, _ := was.([]string)
	change, _ := delta.([]string)
	out := slices.Clone(have)
	for _, one := range change {
		if add && !slices.Contains(out, one) {
			out = append(out, one)
		}
		if !add {
			out = slices.DeleteFunc(out, func(x string) bool { return x == one })
		}
	}
	if f.kind.listed() {
		rank := map[string]int{}
		for i, ch := range s.t.choices(f, s.proj) {
			rank[ch.id] = i
		}
		slices.SortStableFunc(out, func(a, b string) int { return rank[a] - rank[b] })
	}
	return listOrNil(out)
}

// write puts the draft into the issue as one history entry, then its comments and properties.
func (c *call) write(is *issue, d draft) {
	replaced := is.replaced(d.set)
	items := c.t.put(is, d.set)
	typ := "issue_updated"
	if slices.ContainsFunc(items, func(it changeItem) bool { return it.fieldID == "assignee" }) {
		typ = "issue_assigned"
	}
	c.t.record(is, c.me, items, typ, c.now)
	c.t.stepApproval(is, c.now)
	for key, value := range d.props {
		c.t.setProperty(is, key, value, c.me)
	}
	for _, n := range d.comments {
		c.t.addComment(is, c.me, n)
	}
	c.t.dropOrphans(is, c.me, replaced...)
}

// put stores values and gives what changed, in field order.
func (t *Tenant) put(is *issue, set map[*field]any) []changeItem {
	var items []changeItem
	for _, f := range t.lists.fields {
		v, given := set[f]
		if !given || sameValue(is.vals[f.id], v) {
			continue
		}
		items = append(items, t.changeItems(f, is.vals[f.id], v)...)
		t.store(is, f, v)
	}
	return items
}

// mayEdit refuses those who may see but not change issues.
func (c *call) mayEdit() (answer, bool) {
	if !c.me.licensed() {
		return refuse(http.StatusForbidden, "You do not have permission to edit issues in this project."), false
	}
	return answer{}, true
}
