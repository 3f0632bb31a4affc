package sim

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// A Person acts in the tenant as somebody who sits before Jira: through the tenant's own endpoints and under
// their rules, but apart from limits, faults and the journal, which are about API clients.
type Person struct {
	t  *Tenant
	me *user
}

// As lets somebody act, by e-mail address. An unknown address gives a Person whose every deed fails.
func (t *Tenant) As(email string) Person {
	defer t.enter()()
	return Person{t, t.person(email)}
}

// ErrDeed wraps the reason why a person could not do something: Jira's own words.
var ErrDeed = errors.New("sim: not done")

func (p Person) do(method, path string, body any) (bean, error) {
	if p.me == nil {
		return nil, fmt.Errorf("%w: no such person", ErrDeed)
	}
	status, b := p.t.act(p.me, method, path, body)
	if status >= 300 {
		return nil, fmt.Errorf("%w: %s", ErrDeed, complaint(status, b))
	}
	return b, nil
}

func at2(key string, rest ...string) string {
	return "/rest/api/2/issue/" + url.PathEscape(key) + strings.Join(rest, "")
}

func atDesk(key string, rest ...string) string {
	return "/rest/servicedeskapi/request/" + url.PathEscape(key) + strings.Join(rest, "")
}

// Comment writes a comment in wiki markup and gives its id. People without a licence write by the portal, where all is public.
func (p Person) Comment(key, wiki string, public bool) (string, error) {
	if !p.me.licensed() {
		b, err := p.do(http.MethodPost, atDesk(key, "/comment"), obj{"body": wiki, "public": public})
		return textAt(b, "id"), err
	}
	body := obj{"body": wiki, "properties": []any{obj{"key": publicProperty, "value": obj{"internal": !public}}}}
	b, err := p.do(http.MethodPost, at2(key, "/comment"), body)
	return textAt(b, "id"), err
}

// EditComment replaces the text of a comment.
func (p Person) EditComment(key, id, wiki string) error {
	_, err := p.do(http.MethodPut, at2(key, "/comment/", id), obj{"body": wiki})
	return err
}

// ShowComment makes a comment public or internal.
func (p Person) ShowComment(id string, public bool) error {
	_, err := p.do(http.MethodPut, "/rest/api/2/comment/"+id+"/properties/"+publicProperty, obj{"internal": !public})
	return err
}

// DeleteComment removes a comment.
func (p Person) DeleteComment(key, id string) error {
	_, err := p.do(http.MethodDelete, at2(key, "/comment/", id), nil)
	return err
}

// CreateRequest raises a request of the named type; fields by name or id, values as SetField takes them. It gives the key.
func (p Person) CreateRequest(requestType string, fields map[string]any) (string, error) {
	return p.raise(requestType, "", fields)
}

// RaiseFor raises a request on behalf of a customer, by e-mail.
func (p Person) RaiseFor(customer, requestType string, fields map[string]any) (string, error) {
	return p.raise(requestType, customer, fields)
}

func (p Person) raise(requestType, customer string, fields map[string]any) (string, error) {
	body, err := p.requestBody(requestType, customer, fields)
	if err != nil {
		return "", err
	}
	b, err := p.do(http.MethodPost, "/rest/servicedeskapi/request", body)
	return textAt(b, "issueKey"), err
}

func (p Person) requestBody(requestType, customer string, fields map[string]any) (obj, error) {
	defer p.t.enter()()
	body := obj{"serviceDeskId": p.t.lists.projects[0].desk}
	for _, rt := range p.t.desk.requestTypes {
		if strings.EqualFold(rt.name, requestType) || rt.id == requestType {
			body["requestTypeId"] = rt.id
		}
	}
	if body["requestTypeId"] == nil {
		return nil, fmt.Errorf("%w: no request type %q", ErrDeed, requestType)
	}
	if customer != "" {
		u := p.t.person(customer)
		if u == nil {
			return nil, fmt.Errorf("%w: no such person: %s", ErrDeed, customer)
		}
		body["raiseOnBehalfOf"] = u.id
	}
	values, err := p.t.written(fields)
	body["requestFieldValues"] = values
	return body, err
}

// CreateIssue makes an issue on the agent's side, without request type; it gives the key.
func (p Person) CreateIssue(issueType string, fields map[string]any) (string, error) {
	unlock := p.t.enter()
	values, err := p.t.written(fields)
	unlock()
	if err != nil {
		return "", err
	}
	values["project"] = obj{"key": p.t.Project()}
	values["issuetype"] = obj{"name": issueType}
	b, err := p.do(http.MethodPost, "/rest/api/2/issue", obj{"fields": values})
	return textAt(b, "key"), err
}

// SetField writes one field, by name or id. A string names an option, a version, a person (e-mail), a group,
// an organization, or is the text itself, as the field wants it; "Parent > Child" for a cascading select;
// []string for several; nil clears.
func (p Person) SetField(key, field string, value any) error {
	return p.SetFields(key, map[string]any{field: value})
}

// SetFields writes several fields in one edit.
func (p Person) SetFields(key string, fields map[string]any) error {
	unlock := p.t.enter()
	values, err := p.t.written(fields)
	unlock()
	if err != nil {
		return err
	}
	_, err = p.do(http.MethodPut, at2(key), obj{"fields": values})
	return err
}

// Label adds labels.
func (p Person) Label(key string, labels ...string) error { return p.labels(key, "add", labels) }

// Unlabel removes labels.
func (p Person) Unlabel(key string, labels ...string) error { return p.labels(key, "remove", labels) }

func (p Person) labels(key, verb string, labels []string) error {
	var ops []any
	for _, l := range labels {
		ops = append(ops, obj{verb: l})
	}
	_, err := p.do(http.MethodPut, at2(key), obj{"update": obj{"labels": ops}})
	return err
}

// Transition moves an issue by the name of a transition, or of the status it leads to, as the person may now.
// fields are set on its screen; nil for none.
func (p Person) Transition(key, to string, fields map[string]any) error {
	if !p.me.licensed() {
		return p.portalTransition(key, to)
	}
	b, err := p.do(http.MethodGet, at2(key, "/transitions"), nil)
	if err != nil {
		return err
	}
	unlock := p.t.enter()
	values, err := p.t.written(fields)
	unlock()
	if err != nil {
		return err
	}
	for _, byName := range []bool{true, false} {
		for _, tr := range listAt(b, "transitions") {
			name := textAt(tr, "to", "name")
			if byName {
				name = textAt(tr, "name")
			}
			if strings.EqualFold(name, to) {
				_, err := p.do(http.MethodPost, at2(key, "/transitions"), obj{"transition": obj{"id": textAt(tr, "id")}, "fields": values})
				return err
			}
		}
	}
	return fmt.Errorf("%w: no way to %q from here", ErrDeed, to)
}

func (p Person) portalTransition(key, name string) error {
	b, err := p.do(http.MethodGet, atDesk(key, "/transition"), nil)
	if err != nil {
		return err
	}
	for _, tr := range listAt(b, "values") {
		if strings.EqualFold(textAt(tr, "name"), name) {
			_, err := p.do(http.MethodPost, atDesk(key, "/transition"), obj{"id": textAt(tr, "id")})
			return err
		}
	}
	return fmt.Errorf("%w: the portal offers no %q", ErrDeed, name)
}

// Answer answers the open approval of a request.
func (p Person) Answer(key string, approve bool) error {
	b, err := p.do(http.MethodGet, atDesk(key, "/approval"), nil)
	if err != nil {
		return err
	}
	decision := "decline"
	if approve {
		decision = "approve"
	}
	for _, a := range listAt(b, "values") {
		if textAt(a, "finalDecision") == "pending" {
			_, err := p.do(http.MethodPost, atDesk(key, "/approval/", textAt(a, "id")), obj{"decision": decision})
			return err
		}
	}
	return fmt.Errorf("%w: no approval waits", ErrDeed)
}

// Rate gives the reporter's stars to a resolved request.
func (p Person) Rate(key string, stars int, words string) error {
	_, err := p.do(http.MethodPost, atDesk(key, "/feedback"), obj{"type": "csat", "rating": stars, "comment": obj{"body": words}})
	return err
}

// Log books work on an issue, in seconds.
func (p Person) Log(key string, seconds int64, words string) error {
	_, err := p.do(http.MethodPost, at2(key, "/worklog"), obj{"timeSpentSeconds": seconds, "comment": words})
	return err
}

// Link links two issues: key BLOCKS other, by the name of the link type.
func (p Person) Link(key, linkType, other string) error {
	_, err := p.do(http.MethodPost, "/rest/api/2/issueLink", obj{"type": obj{"name": linkType}, "inwardIssue": obj{"key": key}, "outwardIssue": obj{"key": other}})
	return err
}

// Delete removes an issue; administrators only.
func (p Person) Delete(key string) error {
	_, err := p.do(http.MethodDelete, at2(key), nil)
	return err
}

// Move moves an issue to another project, as administrators do in the web; it gives the new key.
func (p Person) Move(key, project string) (string, error) {
	defer p.t.enter()()
	is, to := p.t.find(key), p.t.project(project)
	if is == nil || to == nil || !p.me.licensed() {
		return "", fmt.Errorf("%w: no such issue or project", ErrDeed)
	}
	p.t.moveTo(is, to, p.me)
	return is.key, nil
}
