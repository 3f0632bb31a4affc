package rules

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// From what crosses to a value of a local field. A coercion that would lose something, or that would
// need a guess, is refused.

// A refusal says in a plain sentence why a value does not fit a field.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

func (f *field) refuse(v replica.Value, why string) error {
	return &refusal{fmt.Sprintf("%q does not fit %s: %s", shown(v), f.Name, why)}
}

// coerce gives the value that v comes to in a single-valued field. Persons are resolved elsewhere.
func (f *field) coerce(v replica.Value) (jsm.Value, error) {
	switch f.Type {
	case jsm.Text, jsm.URL:
		return f.toText(v)
	case jsm.Paragraph:
		return f.toRich(v)
	case jsm.NumberType:
		return f.toNumber(v)
	case jsm.DateType:
		return f.toDate(v)
	case jsm.DateTime:
		return f.toTime(v)
	case jsm.Select, jsm.Radio, jsm.Priority, jsm.Resolution, jsm.Version, jsm.Group, jsm.StatusType, jsm.Cascading:
		return f.toOption(v)
	}
	return nil, f.refuse(v, "a field of type "+string(f.Type)+" cannot be written")
}

// plain is any value that reads as one text.
func plain(v replica.Value) (string, bool) {
	if name, ok := nameOf(v); ok {
		return name, true
	}
	switch v := v.(type) {
	case replica.Number:
		return string(v), true
	case replica.Date:
		return string(v), true
	case replica.Time:
		return time.UnixMilli(int64(v)).UTC().Format(time.RFC3339), true
	case replica.Rich:
		doc, err := adf.Parse(v)
		if err != nil {
			return "", false
		}
		return doc.Plain(), true
	case replica.Person:
		return personName(v), true
	case replica.List:
		var parts []string
		for _, one := range v {
			s, ok := plain(one)
			if !ok {
				return "", false
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, ", "), true
	}
	return "", false
}

const maxLine = 255 // characters of a single-line field (facts 12)

func (f *field) toText(v replica.Value) (jsm.Value, error) {
	s, ok := plain(v)
	switch {
	case !ok:
		return nil, f.refuse(v, "it has no text")
	case strings.ContainsAny(s, "\r\n"):
		return nil, f.refuse(v, "it has several lines")
	case f.Type == jsm.Text && len([]rune(s)) > maxLine:
		return nil, f.refuse(v, "it has more than 255 characters")
	case f.Type == jsm.URL:
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, f.refuse(v, "it is no web address")
		}
	}
	return s, nil
}

func (f *field) toRich(v replica.Value) (jsm.Value, error) {
	if rich, ok := v.(replica.Rich); ok {
		doc, err := adf.Parse(rich)
		if err != nil {
			return nil, f.refuse(v, "it is no document that can be read")
		}
		return jsm.Rich(doc.Portable().JSON()), nil // a mention's account id would notify somebody here
	}
	s, ok := plain(v)
	if !ok {
		return nil, f.refuse(v, "it has no text")
	}
	return jsm.Rich(adf.Text(s).JSON()), nil
}

func (f *field) toNumber(v replica.Value) (jsm.Value, error) {
	s, ok := plain(v)
	if _, isNumber := v.(replica.Number); !isNumber {
		if _, isName := nameOf(v); !isName || !ok {
			return nil, f.refuse(v, "it is no number")
		}
	}
	n, err := replica.ParseNumber(strings.TrimSpace(s))
	if err != nil {
		return nil, f.refuse(v, "it is no number")
	}
	return jsm.Number(n), nil
}

func (f *field) toDate(v replica.Value) (jsm.Value, error) {
	var s string
	switch v := v.(type) {
	case replica.Date:
		s = string(v)
	case replica.Text:
		s = string(v)
	case replica.Time:
		return nil, f.refuse(v, "which day it is depends on the time zone: compute it with value")
	}
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return nil, f.refuse(v, "it is no date like 2026-11-22")
	}
	return jsm.Date(s), nil
}

func (f *field) toTime(v replica.Value) (jsm.Value, error) {
	switch v := v.(type) {
	case replica.Time:
		return time.UnixMilli(int64(v)).UTC(), nil
	case replica.Text:
		if t, err := time.Parse(time.RFC3339, string(v)); err == nil {
			return t.UTC(), nil
		}
	case replica.Date:
		return nil, f.refuse(v, "a day has no time of day: compute it with value")
	}
	return nil, f.refuse(v, "it is no point in time")
}

func (f *field) toOption(v replica.Value) (jsm.Value, error) {
	name, ok := nameOf(v)
	if n, isNumber := v.(replica.Number); isNumber {
		name, ok = string(n), true
	}
	if !ok || name == "" {
		return nil, f.refuse(v, "it has no name")
	}
	if f.Type != jsm.StatusType && !f.takes(name) {
		return nil, f.refuse(v, "there is no such option here")
	}
	if f.Type == jsm.Cascading {
		parent, child, two := strings.Cut(name, " / ")
		o := jsm.Option{Value: parent}
		if two {
			o.Child = &jsm.Option{Value: child}
		}
		return o, nil
	}
	return f.named(name), nil
}

// named is the option of a name, or of an id where no option has that name.
func (f *field) named(name string) jsm.Option {
	if len(f.Options) > 0 && !slices.Contains(f.Options, name) && strings.Trim(name, "0123456789") == "" {
		return jsm.Option{ID: name}
	}
	return jsm.Option{Value: name}
}

// member gives one value of a set, from one element of what crossed.
func (f *field) member(v replica.Value) (jsm.Value, error) {
	name, ok := nameOf(v)
	if n, isNumber := v.(replica.Number); isNumber {
		name, ok = string(n), true
	}
	switch {
	case !ok || strings.TrimSpace(name) == "":
		return nil, f.refuse(v, "it has no name")
	case f.Type == jsm.Labels:
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0xa0 }) {
			return nil, f.refuse(v, "a label is one word")
		}
		if len([]rune(name)) > maxLine {
			return nil, f.refuse(v, "it has more than 255 characters")
		}
		return name, nil
	case !f.takes(name):
		return nil, f.refuse(v, "there is no such option here")
	}
	return f.named(name), nil
}

// same compares in local terms what a ticket holds with what it should hold.
func (f *field) same(now, want jsm.Value) bool {
	if isEmpty(now) || isEmpty(want) {
		return isEmpty(now) && isEmpty(want)
	}
	switch want := want.(type) {
	case jsm.Rich:
		return bytes.Equal(canonical(now), canonical(want))
	case time.Time:
		t, ok := now.(time.Time)
		return ok && t.UnixMilli() == want.UnixMilli()
	case jsm.Option:
		o, ok := now.(jsm.Option)
		return ok && sameOption(&o, &want)
	case jsm.Person:
		p, ok := now.(jsm.Person)
		return ok && p.AccountID == want.AccountID
	case []string, []jsm.Option, []jsm.Person:
		a, b := keys(now), keys(want)
		return slices.Equal(a, b)
	}
	return now == want
}

func isEmpty(v jsm.Value) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case jsm.Rich:
		doc, err := adf.Parse(v)
		return err == nil && doc.Empty()
	case []string:
		return len(v) == 0
	case []jsm.Option:
		return len(v) == 0
	case []jsm.Person:
		return len(v) == 0
	}
	return false
}

// canonical is a rich text in the one form that its meaning has; plain text counts as rich.
func canonical(v jsm.Value) []byte {
	var doc *adf.Doc
	switch v := v.(type) {
	case string:
		doc = adf.Text(v)
	case jsm.Rich:
		var err error
		if doc, err = adf.Parse(v); err != nil {
			return v
		}
	default:
		return nil
	}
	return doc.Portable().JSON() // the tenant's own ids never crossed, so they are no difference
}

func sameOption(a, b *jsm.Option) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.ID != "" && b.ID != "" {
		if a.ID != b.ID {
			return false
		}
	} else if a.Value != b.Value {
		return false
	}
	return sameOption(a.Child, b.Child)
}

// keyOf identifies one member of a set, in local terms.
func keyOf(v jsm.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case jsm.Option:
		name, _ := nameOf(portableOption(v))
		return name
	case jsm.Person:
		return v.AccountID
	}
	return ""
}

// membersOf takes a set apart.
func membersOf(v jsm.Value) (out []jsm.Value) {
	switch v := v.(type) {
	case []string:
		for _, s := range v {
			out = append(out, s)
		}
	case []jsm.Option:
		for _, o := range v {
			out = append(out, o)
		}
	case []jsm.Person:
		for _, p := range v {
			out = append(out, p)
		}
	}
	return out
}

func keys(v jsm.Value) []string {
	var out []string
	for _, m := range membersOf(v) {
		out = append(out, keyOf(m))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// setOf puts members together as the field's type wants them.
func (f *field) setOf(members []jsm.Value) jsm.Value {
	switch f.Type {
	case jsm.Labels:
		out := make([]string, 0, len(members))
		for _, m := range members {
			out = append(out, m.(string))
		}
		return out
	case jsm.MultiUser, jsm.Participants:
		out := make([]jsm.Person, 0, len(members))
		for _, m := range members {
			out = append(out, m.(jsm.Person))
		}
		return out
	}
	out := make([]jsm.Option, 0, len(members))
	for _, m := range members {
		out = append(out, m.(jsm.Option))
	}
	return out
}
