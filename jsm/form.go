package jsm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// learned is what a client remembers of answers, so that the next call needs none.
type learned struct {
	requestTypeField atomic.Pointer[string] // id of the vp-origin field
	watchers         atomic.Bool            // somebody wants to know who watches tickets
	webLinks         atomic.Bool            // likewise, their web links
	rating           atomic.Pointer[string] // id of the field whose words are wanted too
	worklogs         atomic.Bool            // likewise, their work logs beyond the first 20

	mu        sync.Mutex             // everything below
	formByID  map[string]RequestType // "DESK/REQUEST TYPE" → form
	workflows map[string]*workflow   // "PROJECT/ISSUE TYPE" → what is known of its workflow
}

func (l *learned) forms(s *Schema) {
	for _, r := range s.RequestTypes {
		l.setForm(s.Desk, r)
	}
}

func (l *learned) setForm(desk string, r RequestType) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.formByID == nil {
		l.formByID = map[string]RequestType{}
	}
	l.formByID[desk+"/"+r.ID] = r
}

func (l *learned) form(desk, requestType string) (RequestType, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.formByID[desk+"/"+requestType]
	return r, ok
}

// readDesk finds the service desk by the project's id in the paged list: the path of other calls
// takes only the desk's own id reliably (facts section 7).
func (c *Client) readDesk(ctx context.Context, s *Schema) error {
	type deskJSON struct {
		ID        looseID `json:"id"`
		ProjectID looseID `json:"projectId"`
	}
	list, err := pages(func(start int) (deskPage[deskJSON], error) {
		var out deskPage[deskJSON]
		_, err := c.do(ctx, call{
			op: "GET servicedesk", method: http.MethodGet, path: desk("servicedesk"), query: deskQuery(start),
			out: &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(d deskJSON) bool { return string(d.ProjectID) == s.Project.ID })
	if i >= 0 {
		s.Desk = string(list[i].ID)
		return nil
	}
	s.Gaps = append(s.Gaps, "no service desk of this project is visible to the account, so requests cannot be made: "+
		"is it a Jira Service Management project, and is the account an agent there?")
	return nil
}

func deskQuery(start int) url.Values {
	return url.Values{"start": {strconv.Itoa(start)}, "limit": {"50"}}
}

func (c *Client) readRequestTypes(ctx context.Context, s *Schema) error {
	if s.Desk == "" {
		return nil
	}
	type typeJSON struct {
		optionJSON
		IssueType looseID `json:"issueTypeId"`
	}
	list, err := pages(func(start int) (deskPage[typeJSON], error) {
		var out deskPage[typeJSON]
		_, err := c.do(ctx, call{
			op: "GET requesttype", method: http.MethodGet, path: desk("servicedesk", s.Desk, "requesttype"), query: deskQuery(start),
			out: &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	if err != nil {
		return err
	}
	for _, t := range list {
		r := RequestType{ID: string(t.ID), Name: t.Name, IssueType: string(t.IssueType)}
		if err := c.readForm(ctx, s.Desk, &r); err != nil {
			return fmt.Errorf("form of request type %s: %w", r.ID, err)
		}
		for _, f := range r.Fields {
			s.setOptions(f.ID, f.Choices)
		}
		s.RequestTypes = append(s.RequestTypes, r)
	}
	return nil
}

type choiceJSON struct {
	Value    looseID      `json:"value"` // the id, though it is called value [S]
	Label    string       `json:"label"`
	Children []choiceJSON `json:"children"`
}

// readForm fills the form of r.
func (c *Client) readForm(ctx context.Context, deskID string, r *RequestType) error {
	var out struct {
		OnBehalfOf   bool `json:"canRaiseOnBehalfOf"`
		Participants bool `json:"canAddRequestParticipants"`
		Fields       []struct {
			ID       string       `json:"fieldId"`
			Name     string       `json:"name"`
			Required bool         `json:"required"`
			Choices  []choiceJSON `json:"validValues"`
			Default  []choiceJSON `json:"defaultValues"`
			Preset   []string     `json:"presetValues"`
			Schema   fieldSchema  `json:"jiraSchema"`
		} `json:"requestTypeFields"`
	}
	_, err := c.do(ctx, call{
		op: "GET requesttype/field", method: http.MethodGet, path: desk("servicedesk", deskID, "requesttype", r.ID, "field"),
		out: &out, objects: func() int { return len(out.Fields) },
	})
	if err != nil {
		return err
	}
	r.OnBehalfOf, r.Participants, r.Fields = out.OnBehalfOf, out.Participants, nil
	for _, f := range out.Fields {
		form := FormField{
			Field:    Field{ID: f.ID, Name: f.Name, Custom: f.Schema.Custom != "", Type: f.Schema.fieldType(f.ID)},
			Required: f.Required, preset: len(f.Default)+len(f.Preset) > 0,
		}
		for _, ch := range f.Choices {
			parent := Option{ID: string(ch.Value), Value: ch.Label}
			form.Choices = append(form.Choices, parent)
			for _, sub := range ch.Children {
				child := Option{ID: string(sub.Value), Value: sub.Label}
				form.Choices = append(form.Choices, Option{ID: parent.ID, Value: parent.Value, Child: &child})
			}
		}
		r.Fields = append(r.Fields, form)
	}
	return nil
}

func (l *learned) forgetForm(desk, requestType string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.formByID, desk+"/"+requestType)
}

// formOf returns a request type's form, read once.
func (c *Client) formOf(ctx context.Context, deskID, requestType string) (RequestType, error) {
	if r, ok := c.learned.form(deskID, requestType); ok {
		return r, nil
	}
	r := RequestType{ID: requestType}
	if err := c.readForm(ctx, deskID, &r); err != nil {
		return r, fmt.Errorf("reading the form of request type %s: %w", requestType, err)
	}
	c.learned.setForm(deskID, r)
	return r, nil
}

// readOptions reads the allowed values of selects from the create screens of the project's issue
// types. An account that may not create issues is told nothing there; requests may still work.
func (c *Client) readOptions(ctx context.Context, s *Schema) error {
	type fieldJSON struct {
		ID      string `json:"fieldId"`
		Allowed []struct {
			optionJSON
			Children []optionJSON `json:"children"`
		} `json:"allowedValues"`
	}
	for _, t := range s.IssueTypes {
		list, err := pages(func(start int) (createMetaPage[fieldJSON], error) {
			var out createMetaPage[fieldJSON]
			_, err := c.do(ctx, call{
				op: "GET createmeta/fields", method: http.MethodGet, path: rest("issue", "createmeta", s.Project.ID, "issuetypes", t.ID),
				query: url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {"200"}},
				out:   &out, objects: func() int { return len(out.items()) },
			})
			return out, err
		})
		var e *APIError
		if errors.As(err, &e) && e.Class == Definite && e.Status/100 == 4 {
			s.Gaps = append(s.Gaps, fmt.Sprintf("options of fields for issue type %s: not visible to the account", t.Value))
			continue
		}
		if err != nil {
			return err
		}
		for _, f := range list {
			for _, a := range f.Allowed {
				o := a.option()
				if a.Key != "" {
					o.Value = a.Key // projects are known by their keys
				}
				s.setOptions(f.ID, []Option{o})
				for _, child := range a.Children {
					second := child.option()
					s.setOptions(f.ID, []Option{{Value: o.Value, Child: &second}})
				}
			}
		}
	}
	return nil
}

// createMetaPage is a page of createmeta, which names its list "fields" [S] or "results" or "values" [L].
type createMetaPage[T any] struct {
	platformPage[T]
	Fields  []T `json:"fields"`
	Results []T `json:"results"`
}

func (p createMetaPage[T]) items() []T {
	return slices.Concat(p.Fields, p.Results, p.Values)
}
