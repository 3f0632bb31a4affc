package rules

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"parley/jsm"
	"parley/replica/adf"
)

// Values of this tenant, compared: what a ticket holds with what it should hold, whole or member by member.

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
	case jsm.Effort:
		e, ok := now.(jsm.Effort)
		return ok && sameEstimate(e.Original, want.Original) && sameEstimate(e.Remaining, want.Remaining)
	case []string, []jsm.Option, []jsm.Person:
		a, b := keys(now), keys(want)
		return slices.Equal(a, b)
	}
	return now == want
}

// sameEstimate compares seconds as they are written, in whole minutes; what is not wanted is left as it is.
func sameEstimate(now, want int64) bool {
	return want < 0 || now >= 0 && (now+59)/60 == (want+59)/60
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

// ownIDs keeps which file and which person a text shows, and nothing that the tenant adds about them.
var ownIDs = adf.Outgoing{
	Media:  func(m adf.Medium) (string, string) { return m.ID, "" },
	Person: func(m adf.Mention) (string, string) { return m.ID, "" },
	Link:   func(address string) adf.Target { return adf.Target{URL: address} },
	Keep:   func(*adf.Node) bool { return true },
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
	return doc.PortableFor(ownIDs).JSON()
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
		if v.Value == "" {
			return "id " + v.ID
		}
		name, _ := nameOf(portableOption(v))
		return name
	case jsm.Person:
		return v.AccountID
	}
	return ""
}

// alike reports whether two members of a set are the same one: by id where both have one, else by name.
func alike(a, b jsm.Value) bool {
	x, isOption := a.(jsm.Option)
	y, both := b.(jsm.Option)
	if isOption && both && x.ID != "" && y.ID != "" {
		return x.ID == y.ID
	}
	return keyOf(a) == keyOf(b)
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
	case jsm.Effort: // its estimates, as they are written
		for word, seconds := range map[string]int64{"original": v.Original, "remaining": v.Remaining} {
			if seconds >= 0 {
				out = append(out, fmt.Sprintf("%s %dm", word, (seconds+59)/60))
			}
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
	case jsm.MultiUser, jsm.Participants, jsm.WatchersType:
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
