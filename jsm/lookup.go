package jsm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Sentinels of the look-ups below, for errors.Is.
var (
	ErrNoField       = errors.New("no such field")
	ErrNoRequestType = errors.New("no such request type")
)

// NotThere is a name that the tenant does not have. It matches ErrNoField or ErrNoRequestType.
type NotThere struct {
	Kind error    // the sentinel
	Name string   // as asked for
	Near []string // the nearest names, best first, at most three
}

func (e *NotThere) Error() string {
	s := fmt.Sprintf("%v: %q", e.Kind, e.Name)
	if len(e.Near) > 0 {
		s += "; did you mean " + quoted(e.Near) + "?"
	}
	return s
}

func (e *NotThere) Unwrap() error { return e.Kind }

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}

// AmbiguousField is a name that several fields bear; only their ids tell them apart.
type AmbiguousField struct {
	Name string
	IDs  []string
}

func (e *AmbiguousField) Error() string {
	return fmt.Sprintf("field name %q is borne by %s; use the id", e.Name, strings.Join(e.IDs, " and "))
}

// Field finds a field by id, else by exact name as Jira shows it in the account's language.
// Errors: *NotThere (ErrNoField) with the nearest names, *AmbiguousField.
func (s *Schema) Field(nameOrID string) (Field, error) {
	var named []Field
	for _, f := range s.Fields {
		if f.ID == nameOrID {
			return f, nil
		}
		if f.Name == nameOrID {
			named = append(named, f)
		}
	}
	switch len(named) {
	case 0:
		names := make([]string, 0, 2*len(s.Fields))
		for _, f := range s.Fields {
			names = append(names, f.Name, f.ID)
		}
		return Field{}, &NotThere{Kind: ErrNoField, Name: nameOrID, Near: nearest(nameOrID, names)}
	case 1:
		return named[0], nil
	}
	e := &AmbiguousField{Name: nameOrID}
	for _, f := range named {
		e.IDs = append(e.IDs, f.ID)
	}
	slices.Sort(e.IDs)
	return Field{}, e
}

// RequestType finds a request type by id, else by exact name. Error: *NotThere (ErrNoRequestType).
func (s *Schema) RequestType(nameOrID string) (RequestType, error) {
	var names []string
	for _, want := range []func(RequestType) bool{
		func(r RequestType) bool { return r.ID == nameOrID },
		func(r RequestType) bool { return r.Name == nameOrID },
	} {
		if i := slices.IndexFunc(s.RequestTypes, want); i >= 0 {
			return s.RequestTypes[i], nil
		}
	}
	for _, r := range s.RequestTypes {
		names = append(names, r.Name)
	}
	return RequestType{}, &NotThere{Kind: ErrNoRequestType, Name: nameOrID, Near: nearest(nameOrID, names)}
}

// FormField finds a field on the form.
func (r *RequestType) FormField(id string) (FormField, bool) {
	i := slices.IndexFunc(r.Fields, func(f FormField) bool { return f.ID == id })
	if i < 0 {
		return FormField{}, false
	}
	return r.Fields[i], true
}

// nearest picks up to three names by edit distance without case; a name further away than a third of
// what was asked for (at least 2 edits) is no help.
func nearest(asked string, names []string) []string {
	type near struct {
		name string
		dist int
	}
	limit := max(2, len([]rune(asked))/3)
	var found []near
	for _, n := range names {
		if d := distance(strings.ToLower(asked), strings.ToLower(n)); d <= limit {
			found = append(found, near{n, d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.dist - b.dist })
	var out []string
	for _, f := range found {
		if len(out) < 3 && !slices.Contains(out, f.name) {
			out = append(out, f.name)
		}
	}
	return out
}

// distance is Levenshtein's, over runes, bounded for hostile lengths.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 200 || len(y) > 200 {
		return len(x) + len(y)
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
