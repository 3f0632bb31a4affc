package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// A field is an entity of the rules, bound to the tenant.
type field struct {
	jsm.Field
	entity   string       // as the policy names it: "priority", "field:Impact"
	path     replica.Path // of its item; the bare kind where each element is an item of its own
	elements bool
}

// system binds entities to Jira's own fields. The types are those of a tenant; a schema adds options.
var system = map[string]jsm.Field{
	"summary":     {ID: "summary", Name: "Summary", Type: jsm.Text},
	"description": {ID: "description", Name: "Description", Type: jsm.Paragraph},
	"environment": {ID: "environment", Name: "Environment", Type: jsm.Paragraph},
	"status":      {ID: "status", Name: "Status", Type: jsm.StatusType},
	"resolution":  {ID: "resolution", Name: "Resolution", Type: jsm.Resolution},
	"priority":    {ID: "priority", Name: "Priority", Type: jsm.Priority},
	"assignee":    {ID: "assignee", Name: "Assignee", Type: jsm.User},
	"reporter":    {ID: "reporter", Name: "Reporter", Type: jsm.User},
	"due_date":    {ID: "duedate", Name: "Due date", Type: jsm.DateType},
	"labels":      {ID: "labels", Name: "Labels", Type: jsm.Labels},
	"components":  {ID: "components", Name: "Components", Type: jsm.Components},

	"fix_versions":     {ID: "fixVersions", Name: "Fix versions", Type: jsm.MultiVersion},
	"affects_versions": {ID: "versions", Name: "Affects versions", Type: jsm.MultiVersion},
	"security_level":   {ID: "security", Name: "Security level", Type: jsm.Security},
	"time_tracking":    {ID: "timetracking", Name: "Time tracking", Type: jsm.EffortType},
	"parent":           {ID: "parent", Name: "Parent", Type: jsm.ParentType},
	"watchers":         {ID: "watches", Name: "Watchers", Type: jsm.WatchersType},
}

// typed are entities whose field is a custom one, found by its type: names are localised.
var typed = map[string]jsm.Field{
	"request_type":  {Name: "Request type", Type: jsm.RequestTypeType},
	"organizations": {Name: "Organizations", Type: jsm.Organizations},
}

// elementKinds are the items of which a ticket has many.
var elementKinds = map[string]replica.Path{"labels": "label", "components": "component", "organizations": "organization",
	"fix_versions": "fix_version", "affects_versions": "affects_version"}

// bind finds the field behind an entity. s may be nil: custom fields are then taken on trust.
func bind(entity string, s *jsm.Schema) (*field, error) {
	f := &field{entity: entity, path: replica.Path(entity)}
	if kind, ok := elementKinds[entity]; ok {
		f.path, f.elements = kind, true
	}
	if sys, ok := system[entity]; ok {
		f.Field = sys
		if s != nil {
			if live, err := s.Field(sys.ID); err == nil {
				f.Options = live.Options
			}
		}
		f.addOptions(s)
		return f, nil
	}
	t, ok := typed[entity]
	if entity == "participants" { // as a part, see outparts.go: its field by name is an ordinary list of persons
		t, ok = jsm.Field{Name: "Participants", Type: jsm.Participants}, true
	}
	if ok {
		f.Field = t
		if s == nil {
			return f, nil
		}
		i := slices.IndexFunc(s.Fields, func(one jsm.Field) bool { return one.Type == t.Type })
		if i < 0 {
			return nil, fmt.Errorf("the tenant has no field for %s", entity)
		}
		f.Field = s.Fields[i]
		f.Name = t.Name
		f.addOptions(s)
		return f, nil
	}
	nameOrID, ok := conf.CustomField(entity)
	if !ok {
		return nil, fmt.Errorf("%q is no field", entity)
	}
	return bindCustom(f, nameOrID, s)
}

func bindCustom(f *field, nameOrID string, s *jsm.Schema) (*field, error) {
	f.entity, f.path = "field:"+nameOrID, replica.Path("field:"+nameOrID)
	if s == nil {
		f.Field = jsm.Field{Name: nameOrID, Custom: true, Type: jsm.UnknownType}
		return f, nil
	}
	live, err := s.Field(nameOrID)
	if err != nil {
		return nil, err
	}
	f.Field = live
	if n := len(live.Name); n > 0 && n+len("field:") <= replica.MaxPath && !strings.ContainsFunc(live.Name, isControl) {
		f.entity, f.path = "field:"+live.Name, replica.Path("field:"+live.Name)
	}
	for entity, sys := range system {
		if sys.ID == live.ID {
			return nil, &hinted{fmt.Sprintf("%q is a field of Jira's own", nameOrID), fmt.Sprintf("write %q", entity)}
		}
	}
	for entity, t := range typed {
		if t.Type == live.Type {
			return nil, &hinted{fmt.Sprintf("%q is not an ordinary custom field", nameOrID), fmt.Sprintf("write %q", entity)}
		}
	}
	if !live.Custom || formOfType(live.Type) == "" {
		return nil, uncarried(live)
	}
	return f, nil
}

// uncarried says why a custom field does not cross, and what does instead.
func uncarried(f jsm.Field) error {
	what := map[jsm.FieldType]string{
		jsm.SLAType: "a clock, which only Jira runs", jsm.ApprovalsType: "filled by approvals, which only approvers answer",
		jsm.FeedbackType: "the customer's rating, which only the customer gives", jsm.ReadOnly: "filled by Jira alone", jsm.UnknownType: "of a type that an app brings",
	}[f.Type]
	if what == "" {
		what = "of type " + string(f.Type)
	}
	return &hinted{fmt.Sprintf("%q (%s) is %s: it does not cross", f.Name, f.ID, what), readOnlyWay[f.Type]}
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// addOptions lists the names that a field of the project can take.
func (f *field) addOptions(s *jsm.Schema) {
	if s == nil {
		return
	}
	switch f.Type {
	case jsm.StatusType:
		f.Options = nil
		for _, st := range s.Statuses {
			f.Options = append(f.Options, st.Name)
		}
	case jsm.RequestTypeType:
		f.Options = nil
		for _, rt := range s.RequestTypes {
			f.Options = append(f.Options, rt.Name)
		}
	}
}

// takes reports whether a name can be a value of the field; what cannot be known is taken.
func (f *field) takes(name string) bool {
	if f.Type.Set() && f.Type != jsm.MultiSelect && f.Type != jsm.Checkboxes && f.Type != jsm.Components {
		return true
	}
	if len(f.Options) == 0 || slices.Contains(f.Options, name) {
		return true
	}
	return name != "" && strings.Trim(name, "0123456789") == "" // an id
}

// hinted is an error with a way out.
type hinted struct{ msg, hint string }

func (h *hinted) Error() string { return h.msg }

// addError tells an error of bind at a place.
func addError(ps *conf.Problems, at conf.Pos, err error) {
	hint := ""
	var missing *jsm.NotThere
	var twice *jsm.AmbiguousField
	var h *hinted
	switch {
	case errors.As(err, &h):
		hint = h.hint
	case errors.As(err, &missing):
		err = fmt.Errorf("the tenant has no field %q", missing.Name)
		if len(missing.Near) > 0 {
			hint = fmt.Sprintf("did you mean %q?", missing.Near[0])
		}
	case errors.As(err, &twice):
		err = fmt.Errorf("two fields are called %q: %s", twice.Name, strings.Join(twice.IDs, " and "))
		hint = fmt.Sprintf("write the id: %q", twice.IDs[0])
	}
	ps.Add(at, hint, "%s", err)
}

// celType is what an expression sees of a field; nil: nothing.
func celType(t jsm.FieldType) *cel.Type {
	switch t {
	case jsm.Text, jsm.Paragraph, jsm.URL, jsm.Select, jsm.Radio, jsm.Cascading, jsm.Priority, jsm.StatusType, jsm.Resolution,
		jsm.Version, jsm.Group, jsm.RequestTypeType, jsm.Security, jsm.ProjectType, jsm.ParentType:
		return cel.StringType
	case jsm.NumberType, jsm.WatchersType:
		return cel.DoubleType
	case jsm.EffortType:
		return effortType
	case jsm.DateType, jsm.DateTime:
		return cel.TimestampType
	case jsm.MultiSelect, jsm.Checkboxes, jsm.Labels, jsm.MultiVersion, jsm.Components, jsm.Organizations, jsm.MultiGroup, jsm.AssetType:
		return cel.ListType(cel.StringType)
	case jsm.User:
		return personType
	case jsm.MultiUser, jsm.Participants:
		return cel.ListType(personType)
	}
	return nil
}

// ticketShape is the type of the variable ticket.
func ticketShape(s *jsm.Schema) *shape {
	members := map[string]*cel.Type{}
	for entity, f := range system {
		members[entity] = celType(f.Type)
	}
	for entity, f := range typed {
		members[entity] = celType(f.Type)
	}
	shape := newShape("ticket", members)
	shape.other = func(member string) *cel.Type {
		if _, custom := conf.CustomField(member); !custom {
			return nil
		}
		f, err := bind(member, s)
		if err != nil {
			return nil
		}
		if s == nil {
			return cel.DynType
		}
		return celType(f.Type)
	}
	return shape
}

// viewShape is the type of the variable view: of the peer's items only the usual ones have a known type.
func viewShape() *shape {
	members := map[string]*cel.Type{}
	for entity, f := range system {
		members[entity] = celType(f.Type)
	}
	for entity, f := range typed {
		members[entity] = celType(f.Type)
	}
	usual := make([]string, 0, len(members))
	for m := range members {
		usual = append(usual, m)
	}
	slices.Sort(usual)
	shape := newShape("view", members)
	shape.other = func(member string) *cel.Type {
		if strings.HasPrefix(member, "field:") || strings.HasPrefix(member, "view:") {
			return cel.DynType
		}
		if conf.Nearest(member, usual) != "" {
			return nil // view["view:priorty"] says that it is meant
		}
		return cel.DynType
	}
	return shape
}

// viewPath gives the item behind a member of view; elements tells that it stands for all of a kind.
func viewPath(member string) (p replica.Path, elements bool) {
	if kind, ok := elementKinds[member]; ok {
		return kind, true
	}
	_, isSystem := system[member]
	_, isTyped := typed[member]
	if isSystem || isTyped || strings.HasPrefix(member, "field:") || strings.HasPrefix(member, "view:") {
		return replica.Path(member), false
	}
	return replica.Path("view:" + member), false
}
