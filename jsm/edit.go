package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// Edit is a change of fields, written in one call.
type Edit struct {
	Set    map[string]Value   // field id → whole value; nil clears
	Add    map[string][]Value // field id → single values (string, Option, Person) of a set: merges with other writers
	Remove map[string][]Value
	Create map[string]bool  // field id → an option that its list lacks is added to it first
	Types  map[string]Field // field id → its description, for custom fields; Jira's own fields are known
	Mark   json.RawMessage  // our property, set in the same call; nil: untouched
}

// Empty reports whether there is nothing to write.
func (e Edit) Empty() bool {
	return len(e.Set) == 0 && len(e.Add) == 0 && len(e.Remove) == 0 && e.Mark == nil
}

// Drop takes the named fields out, as after *FieldErrors, and reports whether any of them was in. The
// maps that e was made from stay as they are.
func (e *Edit) Drop(fields map[string]string) bool {
	set, add, remove := maps.Clone(e.Set), maps.Clone(e.Add), maps.Clone(e.Remove)
	for id := range fields {
		delete(set, id)
		delete(add, id)
		delete(remove, id)
	}
	dropped := len(set) < len(e.Set) || len(add) < len(e.Add) || len(remove) < len(e.Remove)
	e.Set, e.Add, e.Remove = set, add, remove
	return dropped
}

// Edit writes the fields in one PUT and returns the ticket as it is afterwards, with its newest
// history: the read-back and the check for a concurrent edit, since Jira has no compare-and-set. Repeating
// it is harmless. It is all or nothing: on *FieldErrors nothing was written; drop the fields it names.
//
// The answer of the PUT serves where it holds the fields and the history; else one read follows. Where
// that read fails the error is *Unread: the edit is done.
func (c *Client) Edit(ctx context.Context, id string, e Edit) (*Ticket, error) {
	asked := !e.Empty()
	e, err := c.prepare(ctx, id, e)
	if err != nil {
		return nil, err
	}
	if asked && e.Empty() {
		return c.unchanged(ctx, id)
	}
	body, err := e.body()
	if err != nil {
		return nil, err
	}
	var out json.RawMessage
	_, err = c.do(ctx, call{
		op: "PUT issue", method: http.MethodPut, path: rest("issue", id), issue: id, body: body, out: &out,
		query: url.Values{"returnIssue": {"true"}, "expand": {"changelog"}},
	})
	if err != nil {
		return nil, byField(err)
	}
	t := c.returned(out)
	if t == nil {
		t, err = c.ticket(ctx, id, nil, false)
	} else {
		err = c.complete(ctx, t, false)
	}
	if err != nil {
		return nil, &Unread{Err: afterWrite(err)}
	}
	return t, nil
}

// unchanged reads a ticket of which nothing is left to write by a PUT.
func (c *Client) unchanged(ctx context.Context, id string) (*Ticket, error) {
	t, err := c.ticket(ctx, id, nil, false)
	if err != nil {
		return nil, &Unread{Err: afterWrite(err)}
	}
	return t, nil
}

// Unread is an edit that is done, and whose ticket could not be read afterwards.
type Unread struct{ Err error }

func (e *Unread) Error() string { return "reading back the edit: " + e.Err.Error() }

func (e *Unread) Unwrap() error { return e.Err }

// returned makes a ticket of the PUT's answer, or nil where the tenant did not give all of it.
func (c *Client) returned(answer json.RawMessage) *Ticket {
	var is issueJSON
	if json.Unmarshal(answer, &is) != nil || is.Changelog == nil || is.Fields["status"] == nil || is.Fields["comment"] == nil {
		return nil
	}
	t, err := is.ticket(nil, c.requestTypeField())
	if err != nil {
		return nil
	}
	return t
}

// body encodes the edit, or names every field that cannot be written.
func (e Edit) body() (map[string]any, error) {
	bad := map[string]string{}
	fields := map[string]json.RawMessage{}
	for _, id := range slices.Sorted(maps.Keys(e.Set)) {
		raw, err := e.field(id).Encode(e.Set[id])
		if err != nil {
			bad[id] = err.Error()
			continue
		}
		fields[id] = raw
	}
	update := map[string][]map[string]any{}
	e.operations("add", e.Add, update, bad)
	e.operations("remove", e.Remove, update, bad)
	if len(bad) > 0 {
		return nil, &FieldErrors{Fields: bad}
	}
	body := map[string]any{}
	if len(fields) > 0 {
		body["fields"] = fields
	}
	if len(update) > 0 {
		body["update"] = update
	}
	if e.Mark != nil {
		if err := checkMark(e.Mark); err != nil {
			return nil, err
		}
		body["properties"] = []entityProperty{{MarkKey, e.Mark}}
	}
	if len(body) == 0 {
		return nil, errors.New("an edit without any change")
	}
	return body, nil
}

// operations encodes single values to add to, or remove from, sets.
func (e Edit) operations(name string, values map[string][]Value, update map[string][]map[string]any, bad map[string]string) {
	for _, id := range slices.Sorted(maps.Keys(values)) {
		if _, both := e.Set[id]; both { // a field may stand in "fields" or in "update", not in both [S]
			bad[id] = "cannot be written whole and by single values at once"
			continue
		}
		for _, v := range values[id] {
			member, err := e.field(id).encodeMember(v)
			if err != nil {
				bad[id] = err.Error()
				break
			}
			update[id] = append(update[id], map[string]any{name: member})
		}
	}
}

// field describes a field: as given, else as Jira's own; else nobody knows, and nothing can be written.
func (e Edit) field(id string) Field {
	if f, ok := e.Types[id]; ok {
		return f
	}
	if f, ok := systemField(id); ok {
		return f
	}
	return Field{ID: id, Type: UnknownType}
}
