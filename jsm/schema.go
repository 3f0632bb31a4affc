package jsm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Schema is what a project's tickets can hold, as this account sees it.
type Schema struct {
	Project      Option   // id and key
	Fields       []Field  // of the whole tenant; Options filled for the project where known
	Priorities   []Option //
	Statuses     []Status // of all the project's workflows, each once
	Resolutions  []Option
	Components   []Option
	IssueTypes   []Option
	Desk         string // service desk id; empty: the project is no service desk
	RequestTypes []RequestType
	RatedOn      string   // id of the field that says when the customer rated; empty: none
	Gaps         []string // parts that this account may not read, in plain words
}

// Status is a workflow status. Category is new, indeterminate, done or undefined [S].
type Status struct{ ID, Name, Category string }

// RequestType is a form of the desk's portal.
type RequestType struct {
	ID, Name     string
	IssueType    string // id
	Fields       []FormField
	OnBehalfOf   bool // this account may raise a request for another customer
	Participants bool // this account may add participants
}

// FormField is a field on a request type's form. Only these can be sent when a request is made [S].
type FormField struct {
	Field
	Required bool
	Choices  []Option // allowed values with the tenant's ids; empty: any
	preset   bool     // the form fills it in itself
}

// Schema reads everything about one project, by key or id. It costs about 10 calls and one for each
// request type and issue type; keep the result.
func (c *Client) Schema(ctx context.Context, project string) (*Schema, error) {
	s := new(Schema)
	for _, part := range []struct {
		name string
		read func(context.Context, *Schema) error
	}{
		{"the project", func(ctx context.Context, s *Schema) error { return c.readProject(ctx, project, s) }},
		{"fields", c.readFields},
		{"priorities", c.readPriorities},
		{"statuses", c.readStatuses},
		{"resolutions", c.readResolutions},
		{"components", c.readComponents},
		{"the service desk", c.readDesk},
		{"request types", c.readRequestTypes},
		{"field options", c.readOptions},
	} {
		if err := part.read(ctx, s); err != nil {
			return nil, fmt.Errorf("reading %s of project %s: %w", part.name, project, err)
		}
	}
	c.learned.forms(s)
	return s, nil
}

func (c *Client) readProject(ctx context.Context, project string, s *Schema) error {
	var out struct {
		ID         looseID      `json:"id"`
		Key        string       `json:"key"`
		Components []optionJSON `json:"components"`
	}
	_, err := c.do(ctx, call{op: "GET project", method: http.MethodGet, path: rest("project", project), out: &out, objects: one})
	s.Project = Option{ID: string(out.ID), Value: out.Key}
	if err == nil && (out.ID == "" || out.Key == "") {
		return errors.New("the answer has no id or key")
	}
	return err
}

func one() int { return 1 }

// readFields asks once for all fields; types come from the schema only (names are localized and
// can be shared, facts section 12).
func (c *Client) readFields(ctx context.Context, s *Schema) error {
	var out []struct {
		ID     string       `json:"id"`
		Name   string       `json:"name"`
		Custom bool         `json:"custom"`
		Schema *fieldSchema `json:"schema"`
	}
	_, err := c.do(ctx, call{op: "GET field", method: http.MethodGet, path: rest("field"), out: &out, objects: func() int { return len(out) }})
	for _, f := range out {
		if f.ID == "" {
			continue
		}
		if f.Schema == nil {
			f.Schema = new(fieldSchema) // issuekey, thumbnail: no schema, nothing to write
		}
		field := Field{ID: f.ID, Name: f.Name, Custom: f.Custom, Type: f.Schema.fieldType(f.ID)}
		s.Fields = append(s.Fields, field)
		if field.Type == AssetType {
			c.assets.learn(f.ID)
		}
		if strings.HasSuffix(f.Schema.Custom, ":sd-request-feedback-date") {
			s.RatedOn = f.ID
		}
		if field.Type == RequestTypeType {
			c.learned.requestTypeField.Store(&f.ID)
		}
	}
	return err
}

// readPriorities reads the priorities of the project's scheme.
func (c *Client) readPriorities(ctx context.Context, s *Schema) error {
	list, err := pages(func(start int) (platformPage[optionJSON], error) {
		var out platformPage[optionJSON]
		_, err := c.do(ctx, call{
			op: "GET priority/search", method: http.MethodGet, path: rest("priority", "search"),
			query: url.Values{"projectId": {s.Project.ID}, "startAt": {strconv.Itoa(start)}, "maxResults": {"50"}},
			out:   &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	if IsScopeMissing(err) {
		list, err = c.sitePriorities(ctx)
	}
	s.Priorities = options(list)
	s.setOptions("priority", s.Priorities)
	return err
}

// sitePriorities are those of the whole site: reading a scheme takes the scope manage:jira-configuration [S],
// which is more than a node should hold. One from outside the project's scheme is refused when it is written.
func (c *Client) sitePriorities(ctx context.Context) (list []optionJSON, err error) {
	_, err = c.do(ctx, call{op: "GET priority", method: http.MethodGet, path: rest("priority"), out: &list, objects: func() int { return len(list) }})
	return list, err
}

type statusJSON struct {
	ID       looseID `json:"id"`
	Name     string  `json:"name"`
	Category struct {
		Key string `json:"key"`
	} `json:"statusCategory"`
}

func (s *statusJSON) status() Status {
	return Status{ID: string(s.ID), Name: s.Name, Category: strings.ToLower(s.Category.Key)}
}

func (c *Client) readStatuses(ctx context.Context, s *Schema) error {
	types, err := c.projectStatuses(ctx, s.Project.ID)
	for _, t := range types {
		s.IssueTypes = append(s.IssueTypes, t.issueType)
		for _, st := range t.statuses {
			if !slices.Contains(s.Statuses, st) {
				s.Statuses = append(s.Statuses, st)
			}
		}
	}
	return err
}

type typeStatuses struct {
	issueType Option
	statuses  []Status
}

// projectStatuses reads the statuses of each issue type's workflow; every agent may.
func (c *Client) projectStatuses(ctx context.Context, project string) ([]typeStatuses, error) {
	var out []struct {
		optionJSON
		Statuses []statusJSON `json:"statuses"`
	}
	_, err := c.do(ctx, call{
		op: "GET project/statuses", method: http.MethodGet, path: rest("project", project, "statuses"),
		out: &out, objects: func() int { return len(out) },
	})
	types := make([]typeStatuses, 0, len(out))
	for i := range out {
		t := typeStatuses{issueType: out[i].option()}
		for j := range out[i].Statuses {
			t.statuses = append(t.statuses, out[i].Statuses[j].status())
		}
		types = append(types, t)
	}
	return types, err
}

func (c *Client) readResolutions(ctx context.Context, s *Schema) error {
	list, err := c.optionList(ctx, "GET resolution", rest("resolution"))
	s.Resolutions = list
	s.setOptions("resolution", list)
	return err
}

func (c *Client) readComponents(ctx context.Context, s *Schema) error {
	list, err := c.optionList(ctx, "GET project/components", rest("project", s.Project.ID, "components"))
	s.Components = list
	s.setOptions("components", list)
	return err
}

func (c *Client) optionList(ctx context.Context, op string, path []string) ([]Option, error) {
	var out []optionJSON
	_, err := c.do(ctx, call{op: op, method: http.MethodGet, path: path, out: &out, objects: func() int { return len(out) }})
	return options(out), err
}

func options(list []optionJSON) []Option {
	out := make([]Option, 0, len(list))
	for i := range list {
		out = append(out, list[i].option())
	}
	return out
}

// setOptions writes allowed values to a field, adding to what other issue types allow.
func (s *Schema) setOptions(id string, list []Option) {
	for i := range s.Fields {
		if s.Fields[i].ID != id {
			continue
		}
		for _, o := range list {
			name := o.Value
			if o.Child != nil {
				name += " / " + o.Child.Value
			}
			if !slices.Contains(s.Fields[i].Options, name) {
				s.Fields[i].Options = append(s.Fields[i].Options, name)
			}
		}
	}
}
