package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// NewRequest is a request to be made through a portal form.
type NewRequest struct {
	ServiceDesk  string           // desk id
	RequestType  string           // request type id
	Fields       map[string]Value // field id → value; only fields of the form. Option may carry just the name
	OnBehalfOf   string           // account id of a customer of the desk; empty: we are the reporter
	Participants []string         // account ids
}

// CreateRequest makes a request and returns its issue id and key. It may be called once only: after
// an error with Applied Maybe the caller looks for its mark before it tries again, and since Jira takes no
// property here the mark must be in a field, with SetMark right after (facts 4.1 and 9).
// Errors: *FieldErrors for fields that are not on the form, do not fit or are refused; *APIError.
func (c *Client) CreateRequest(ctx context.Context, r NewRequest) (id, key string, err error) {
	values, rich, err := c.encodeRequest(ctx, r)
	if err != nil {
		return "", "", err
	}
	body := map[string]any{"serviceDeskId": r.ServiceDesk, "requestTypeId": r.RequestType, "requestFieldValues": values}
	if rich {
		body["isAdfRequest"] = true
	}
	if r.OnBehalfOf != "" {
		body["raiseOnBehalfOf"] = r.OnBehalfOf
	}
	if len(r.Participants) > 0 {
		body["requestParticipants"] = r.Participants
	}
	const op = "POST request"
	var out struct {
		ID  looseID `json:"issueId"`
		Key string  `json:"issueKey"`
	}
	status, err := c.do(ctx, call{op: op, method: http.MethodPost, path: desk("request"), body: body, out: &out})
	if err != nil {
		if isDefinite(err) {
			c.learned.forgetForm(r.ServiceDesk, r.RequestType) // it may have changed since it was read
		}
		return "", "", byField(err)
	}
	if out.ID == "" || out.Key == "" {
		return "", "", unusable(op, status, true, Transient, "the answer names no issue")
	}
	return string(out.ID), out.Key, nil
}

// encodeRequest encodes the fields for the form as it is known. Where they do not fit a form that was
// read before, it is read again: an administrator may have changed it.
func (c *Client) encodeRequest(ctx context.Context, r NewRequest) (map[string]json.RawMessage, bool, error) {
	_, known := c.learned.form(r.ServiceDesk, r.RequestType)
	form, err := c.formOf(ctx, r.ServiceDesk, r.RequestType)
	if err != nil {
		return nil, false, err
	}
	values, rich, err := form.encode(r.Fields)
	if err == nil || !known {
		return values, rich, err
	}
	c.learned.forgetForm(r.ServiceDesk, r.RequestType)
	if form, err = c.formOf(ctx, r.ServiceDesk, r.RequestType); err != nil {
		return nil, false, err
	}
	return form.encode(r.Fields)
}

// encode encodes the values for the form. rich tells that a field holds ADF, so that the whole
// request must say so.
func (r *RequestType) encode(fields map[string]Value) (values map[string]json.RawMessage, rich bool, err error) {
	values = map[string]json.RawMessage{}
	bad := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(fields)) {
		f, ok := r.FormField(id)
		if !ok {
			bad[id] = "not on the form of request type " + r.ID
			continue
		}
		if fields[id] == nil {
			continue // an absent field is an empty one
		}
		v, err := f.choose(fields[id])
		if err == nil {
			values[id], err = f.Encode(v)
		}
		if err != nil {
			bad[id] = err.Error()
		}
		rich = rich || f.Type == Paragraph
	}
	for _, f := range r.Fields {
		if f.Required && !f.preset && fields[f.ID] == nil {
			bad[f.ID] = "required by the form of request type " + r.ID
		}
	}
	if len(bad) > 0 {
		return nil, false, &FieldErrors{Fields: bad}
	}
	return values, rich, nil
}

// choose gives names of the form's choices their ids. A value is left alone where the form lists no choices.
func (f FormField) choose(v Value) (Value, error) {
	if len(f.Choices) == 0 {
		return v, nil
	}
	switch v := v.(type) {
	case Option:
		return f.chosen(v)
	case []Option:
		out := make([]Option, len(v))
		for i, o := range v {
			var err error
			if out[i], err = f.chosen(o); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func (f FormField) chosen(o Option) (Option, error) {
	same := func(c Option) bool { return o.ID != "" && c.ID == o.ID || o.ID == "" && c.Value == o.Value }
	var names []string
	for _, c := range f.Choices {
		switch {
		case o.Child == nil && c.Child == nil && same(c):
			return c, nil
		case o.Child != nil && c.Child != nil && same(c) &&
			(o.Child.ID != "" && c.Child.ID == o.Child.ID || o.Child.ID == "" && c.Child.Value == o.Child.Value):
			return c, nil
		}
		if c.Child == nil && len(names) < 10 {
			names = append(names, c.Value)
		}
	}
	if f.Type == User || f.Type == Organizations {
		return o, nil // their lists are suggestions, not all
	}
	return Option{}, errors.New("not among the form's choices: " + clip(strings.Join(names, ", "), maxMessage))
}
