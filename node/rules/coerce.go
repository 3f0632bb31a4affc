package rules

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// From what crosses to a value of a local field, as the table in coercion.go says. A coercion that would
// lose something, or that would need a guess, is refused.

// A refusal says in a plain sentence why a value does not fit a field.
type refusal struct {
	reason  string
	next    string // what a person does about it; empty: the usual
	code    string // of what is held for it; empty: Refused
	missing bool   // the field has options, and this is none of them
}

func (r *refusal) Error() string { return r.reason }

// isMissing reports whether a value was refused only because the field has no such option.
func isMissing(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.missing
}

func (f *field) refuse(v replica.Value, why string) error {
	return &refusal{reason: fmt.Sprintf("%q does not fit %s: %s", shown(v), f.Name, why)}
}

// admit asks the table whether a value may come to the field at all.
func (f *field) admit(v replica.Value) error {
	from := formOf(v)
	switch way(from, f.Type) {
	case Never:
		why, instead := refusedNote(from, f.Type)
		return &refusal{reason: f.refuse(v, why).Error(), next: strings.ToUpper(instead[:1]) + instead[1:] + "."}
	case MapOnly:
		return &refusal{reason: f.refuse(v, "it has two levels, the field has one").Error(), next: `Add a map from "Parent / Child" to the names here.`}
	}
	return nil
}

// coerce gives the value that v comes to in a single-valued field. Persons, tickets and request types
// are resolved elsewhere. Where the error isMissing, the value is the option that would have to be made.
func (f *field) coerce(v replica.Value) (jsm.Value, error) {
	if err := f.admit(v); err != nil {
		return nil, err
	}
	switch columnOf(f.Type) {
	case cLine, cURL:
		return f.toText(v)
	case cParagraph:
		return f.toRich(v)
	case cNumber:
		return f.toNumber(v)
	case cDate:
		return f.toDate(v)
	case cTime:
		return f.toTime(v)
	case cChoice, cCascade:
		return f.toOption(v)
	case cEffort:
		e := v.(replica.Effort)
		return jsm.Effort{Original: e.Original, Remaining: e.Remaining}, nil
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
	case replica.Effort:
		return effortText(v), true
	case replica.Ticket:
		return v.Key, v.Key != ""
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

// effortText is an estimate as a person reads it: "estimated 2h, remaining 30m".
func effortText(e replica.Effort) string {
	var parts []string
	for _, p := range []struct {
		word    string
		seconds int64
	}{{"estimated", e.Original}, {"remaining", e.Remaining}} {
		if p.seconds < 0 {
			continue
		}
		minutes := (p.seconds + 59) / 60
		said := strconv.FormatInt(minutes%60, 10) + "m"
		switch hours := minutes / 60; {
		case hours > 0 && minutes%60 == 0:
			said = strconv.FormatInt(hours, 10) + "h"
		case hours > 0:
			said = strconv.FormatInt(hours, 10) + "h " + said
		}
		parts = append(parts, p.word+" "+said)
	}
	return strings.Join(parts, ", ")
}

const maxLine = 255 // characters of a single-line field (facts 12), in UTF-16 units

// units is how long Jira finds a text.
func units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

func (f *field) toText(v replica.Value) (jsm.Value, error) {
	s, ok := plain(v)
	switch {
	case !ok:
		return nil, f.refuse(v, "it has no text")
	case strings.ContainsAny(s, "\r\n"):
		return nil, f.refuse(v, "it has several lines")
	case f.Type == jsm.Text && units(s) > maxLine:
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
	s, _ := plain(v)
	n, err := replica.ParseNumber(strings.TrimSpace(s))
	if err != nil {
		return nil, f.refuse(v, "it is no number")
	}
	return jsm.Number(n), nil
}

func (f *field) toDate(v replica.Value) (jsm.Value, error) {
	s, _ := plain(v)
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return nil, f.refuse(v, "it is no date like 2026-11-22")
	}
	return jsm.Date(s), nil
}

func (f *field) toTime(v replica.Value) (jsm.Value, error) {
	if at, ok := v.(replica.Time); ok {
		return time.UnixMilli(int64(at)).UTC(), nil
	}
	s, _ := plain(v)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, f.refuse(v, "it is no time like 2026-11-22T10:00:00Z")
	}
	return t.UTC(), nil
}

// toOption finds the option that a value names. A path of two levels stays one, whatever its names hold.
func (f *field) toOption(v replica.Value) (jsm.Value, error) {
	name, ok := plain(v)
	if !ok || name == "" {
		return nil, f.refuse(v, "it has no name")
	}
	var out jsm.Option
	o, isOption := v.(replica.Option)
	switch {
	case f.Type == jsm.Cascading && isOption && o.Child != nil:
		out = jsm.Option{Value: o.Name, Child: &jsm.Option{Value: o.Child.Name}}
	case f.Type == jsm.Cascading:
		out = f.twoLevels(name)
	default:
		out = f.named(name)
	}
	if f.Type != jsm.StatusType && !f.takes(name) {
		return out, f.absent(v)
	}
	return out, nil
}

func (f *field) absent(v replica.Value) error {
	return &refusal{reason: fmt.Sprintf("%q does not fit %s: there is no such option here", shown(v), f.Name), missing: true}
}

// between parts the levels of an option's path: "Parent / Child".
const between = " / "

// twoLevels takes a path apart where a parent of that name is known; an option's own name may hold the sign.
func (f *field) twoLevels(path string) jsm.Option {
	for i := 0; ; {
		at := strings.Index(path[i:], between)
		if at < 0 {
			break
		}
		i += at
		parent, child := path[:i], path[i+len(between):]
		if len(f.Options) == 0 || slices.Contains(f.Options, parent) {
			return jsm.Option{Value: parent, Child: &jsm.Option{Value: child}}
		}
		i += len(between)
	}
	if parent, child, two := strings.Cut(path, between); two && !slices.Contains(f.Options, path) {
		return jsm.Option{Value: parent, Child: &jsm.Option{Value: child}} // a parent that is to be made
	}
	return f.named(path)
}

// named is the option of a name, or of an id where no option has that name.
func (f *field) named(name string) jsm.Option {
	if len(f.Options) > 0 && !slices.Contains(f.Options, name) && strings.Trim(name, "0123456789") == "" {
		return jsm.Option{ID: name}
	}
	return jsm.Option{Value: name}
}

// member gives one value of a set, from one element of what crossed. As with coerce, an option that
// isMissing comes with its error.
func (f *field) member(v replica.Value) (jsm.Value, error) {
	if err := f.admit(v); err != nil {
		return nil, err
	}
	name, ok := plain(v)
	switch {
	case !ok || strings.TrimSpace(name) == "":
		return nil, f.refuse(v, "it has no name")
	case f.Type == jsm.Labels:
		if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0xa0 }) {
			return nil, f.refuse(v, "a label is one word")
		}
		if units(name) > maxLine {
			return nil, f.refuse(v, "it has more than 255 characters")
		}
		return name, nil
	case !f.takes(name):
		return f.named(name), f.absent(v)
	}
	return f.named(name), nil
}
