package rules

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// From a ticket's value to what crosses, and to what an expression sees.

// valueOf reads a field of a ticket. nil is an empty field.
func valueOf(t *jsm.Ticket, f *field) (jsm.Value, error) {
	switch f.Type {
	case jsm.StatusType:
		if t.Status.Name == "" {
			return nil, nil
		}
		return jsm.Option{ID: t.Status.ID, Value: t.Status.Name}, nil
	case jsm.RequestTypeType:
		if t.RequestType == nil {
			return nil, nil
		}
		return *t.RequestType, nil
	}
	if f.ID == "" {
		return nil, fmt.Errorf("%s is not known without the tenant's fields", f.Name)
	}
	v, err := t.Value(f.Field)
	if s, ok := v.(string); ok && s == "" {
		v = nil
	}
	return v, err
}

// portable gives a ticket's value as it crosses; nil where there is nothing to cross.
func portable(f *field, t *jsm.Ticket, v jsm.Value, c crosser) (replica.Value, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if f.Type == jsm.Paragraph {
			return replica.Rich(adf.Text(v).JSON()), nil
		}
		return replica.Text(v), nil
	case jsm.Rich:
		doc, err := adf.Parse(v)
		if err != nil {
			return nil, errors.New("the text is no document that can be read")
		}
		if doc.Empty() {
			return nil, nil
		}
		if c.rich != nil {
			return c.rich(doc), nil
		}
		return replica.Rich(doc.Portable().JSON()), nil
	case jsm.Number:
		return replica.Number(v), nil
	case jsm.Date:
		return replica.Date(v), nil
	case time.Time:
		return replica.Time(v.UnixMilli()), nil
	case jsm.Option:
		if f.Type == jsm.StatusType {
			return replica.Status{Name: t.Status.Name, ID: t.Status.ID, Category: t.Status.Category}, nil
		}
		if f.Type == jsm.ParentType {
			return c.ticket(v)
		}
		return portableOption(v), nil
	case jsm.Person:
		return c.person(v), nil
	case jsm.Effort:
		return replica.Effort{Original: max(v.Original, replica.NoEstimate), Remaining: max(v.Remaining, replica.NoEstimate)}, nil
	}
	var list replica.List
	switch v := v.(type) {
	case []string:
		for _, s := range v {
			list = append(list, replica.Text(s))
		}
	case []jsm.Option:
		for _, o := range v {
			if o.Value == "" && f.Type == jsm.AssetType {
				return nil, errors.New("the account cannot see the label of one of its objects")
			}
			list = append(list, portableOption(o))
		}
	case []jsm.Person:
		for _, p := range v {
			list = append(list, c.person(p))
		}
	default:
		return nil, errors.New("the field's type cannot cross")
	}
	if len(list) == 0 {
		return nil, nil
	}
	// Jira's order of a set says nothing; ours makes equal sets equal bytes.
	slices.SortStableFunc(list, func(a, b replica.Value) int { return strings.Compare(shown(a), shown(b)) })
	return list, nil
}

// A crosser says how what belongs to the tenant appears to the peer.
type crosser struct {
	person func(jsm.Person) replica.Person
	ticket func(jsm.Option) (replica.Value, error)
	rich   func(*adf.Doc) replica.Rich // nil: without files and persons
}

func portableOption(o jsm.Option) replica.Option {
	out := replica.Option{Name: o.Value, ID: o.ID}
	if o.Child != nil {
		out.Child = &replica.Option{Name: o.Child.Value, ID: o.Child.ID}
	}
	return out
}

// nameOf is the name that maps go by; ok is false for values that have none.
func nameOf(v replica.Value) (name string, ok bool) {
	switch v := v.(type) {
	case replica.Text:
		return string(v), true
	case replica.Option:
		if v.Child != nil {
			return v.Name + " / " + v.Child.Name, true
		}
		return v.Name, true
	case replica.Status:
		return v.Name, true
	}
	return "", false
}

func idOf(v replica.Value) string {
	switch v := v.(type) {
	case replica.Option:
		return v.ID
	case replica.Status:
		return v.ID
	}
	return ""
}

// shown is a value as a person reads it in a decision or a reason, bounded.
func shown(v replica.Value) string {
	if name, ok := nameOf(v); ok {
		return clip(name)
	}
	switch v := v.(type) {
	case nil:
		return ""
	case replica.Rich:
		if doc, err := adf.Parse(v); err == nil {
			return clip(doc.Plain())
		}
	case replica.Number:
		return string(v)
	case replica.Date:
		return string(v)
	case replica.Time:
		return time.UnixMilli(int64(v)).UTC().Format(time.RFC3339)
	case replica.Person:
		return clip(personName(v))
	case replica.Effort:
		return effortText(v)
	case replica.Ticket:
		return clip(v.Key)
	case replica.List:
		var parts []string
		for i, one := range v {
			if i == 20 {
				parts = append(parts, "…")
				break
			}
			parts = append(parts, shown(one))
		}
		return clip(strings.Join(parts, ", "))
	}
	return "(a value that cannot be shown)"
}

const maxShown = 120 // characters of a value in a reason

func clip(s string) string {
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + "…"
	}
	return s
}

// local is a ticket's value as a person reads it.
func (f *field) local(t *jsm.Ticket, v jsm.Value) string {
	p, err := portable(f, t, v, crosser{
		person: func(p jsm.Person) replica.Person { return replica.Person{Name: p.Name} },
		ticket: func(o jsm.Option) (replica.Value, error) { return replica.Ticket{Key: o.Value}, nil },
	})
	if err != nil {
		return ""
	}
	return shown(p)
}

// ticketRecord is the variable ticket.
func (r *Rules) ticketRecord(t *jsm.Ticket) *record {
	return &record{typ: celObject("ticket"), load: func(member string) (any, error) {
		f := r.fieldOf(member)
		if f == nil {
			return nil, missing(member)
		}
		v, err := valueOf(t, f)
		if err != nil {
			return nil, missing(member)
		}
		return exprValue(f, v)
	}}
}

// exprValue is what an expression sees of a ticket's value. An empty set is empty; anything else that
// is empty is missing.
func exprValue(f *field, v jsm.Value) (any, error) {
	switch v := v.(type) {
	case nil:
		switch {
		case f.Type == jsm.WatchersType:
			return 0.0, nil
		case f.Type == jsm.MultiUser || f.Type == jsm.Participants:
			return []*record{}, nil
		case f.Type.Set():
			return []string{}, nil
		}
		return nil, missing(f.entity)
	case string:
		return v, nil
	case jsm.Rich:
		doc, err := adf.Parse(v)
		if err != nil {
			return nil, missing(f.entity)
		}
		return doc.Plain(), nil
	case jsm.Number:
		return number(string(v))
	case jsm.Date:
		return day(string(v))
	case time.Time:
		return v, nil
	case jsm.Option:
		name, _ := nameOf(portableOption(v))
		return name, nil
	case jsm.Person:
		return localPerson(v), nil
	case []string:
		return v, nil
	case []jsm.Option:
		names := make([]string, len(v))
		for i, o := range v {
			names[i], _ = nameOf(portableOption(o))
		}
		return names, nil
	case jsm.Effort:
		return effortRecord(replica.Effort{Original: v.Original, Remaining: v.Remaining}), nil
	case []jsm.Person:
		if f.Type == jsm.WatchersType {
			return float64(len(v)), nil
		}
		people := make([]*record, len(v))
		for i, p := range v {
			people[i] = localPerson(p)
		}
		return people, nil
	}
	return nil, missing(f.entity)
}

func number(s string) (any, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(n, 0) {
		return nil, &dataError{"a number is too large for an expression"}
	}
	return n, nil
}

func day(s string) (any, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil, &dataError{"a date is none"}
	}
	return t, nil
}

// fields makes a record of members; empty texts are missing.
func fields(typ string, members map[string]any) *record {
	return &record{typ: celObject(typ), load: func(member string) (any, error) {
		v, ok := members[member]
		if s, isText := v.(string); !ok || isText && s == "" {
			return nil, missing(typ + "." + member)
		}
		return v, nil
	}}
}

func localPerson(p jsm.Person) *record {
	return fields("person", map[string]any{"name": p.Name, "email": p.Email, "id": p.AccountID, "kind": p.Type})
}

// effortRecord is time_tracking: seconds; what was not estimated is missing.
func effortRecord(e replica.Effort) *record {
	parts := map[string]any{}
	if e.Original >= 0 {
		parts["original"] = float64(e.Original)
	}
	if e.Remaining >= 0 {
		parts["remaining"] = float64(e.Remaining)
	}
	return fields("effort", parts)
}

func remotePerson(p replica.Person) *record {
	return fields("person", map[string]any{"name": p.Name, "email": p.Email, "alias": p.Alias, "company": p.Company})
}

// viewRecord is the variable view.
func viewRecord(remote replica.View) *record {
	return &record{typ: celObject("view"), load: func(member string) (any, error) {
		p, elements := viewPath(member)
		if elements {
			names := []string{}
			for one := range remote {
				if one.Kind() == string(p) && one.Element() != "" {
					names = append(names, one.Element())
				}
			}
			slices.Sort(names)
			return names, nil
		}
		it, ok := remote[p]
		if !ok {
			return nil, missing("view." + member)
		}
		v, err := it.Value()
		if err != nil {
			return nil, missing("view." + member)
		}
		return remoteValue(member, v)
	}}
}

// remoteValue is what an expression sees of a peer's item.
func remoteValue(member string, v replica.Value) (any, error) {
	if name, ok := nameOf(v); ok {
		return name, nil
	}
	switch v := v.(type) {
	case replica.Rich:
		doc, err := adf.Parse(v)
		if err != nil {
			return nil, missing("view." + member)
		}
		return doc.Plain(), nil
	case replica.Number:
		return number(string(v))
	case replica.Date:
		return day(string(v))
	case replica.Time:
		return time.UnixMilli(int64(v)).UTC(), nil
	case replica.Person:
		return remotePerson(v), nil
	case replica.Effort:
		return effortRecord(v), nil
	case replica.Ticket:
		return v.Key, nil
	case replica.List:
		if member == "watchers" {
			return float64(len(v)), nil
		}
		names := make([]string, len(v))
		for i, one := range v {
			name, ok := nameOf(one)
			if !ok {
				return nil, missing("view." + member)
			}
			names[i] = name
		}
		return names, nil
	}
	return nil, missing("view." + member)
}
