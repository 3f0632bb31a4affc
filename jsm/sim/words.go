package sim

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sameValue compares stored values; lists as sets.
func sameValue(a, b any) bool {
	la, isA := a.([]string)
	lb, isB := b.([]string)
	if isA && isB {
		la, lb = slices.Clone(la), slices.Clone(lb)
		slices.Sort(la)
		slices.Sort(lb)
		return slices.Equal(la, lb)
	}
	ra, isA := a.(json.RawMessage)
	rb, isB := b.(json.RawMessage)
	if isA && isB {
		return sameDoc(ra, rb)
	}
	return reflect.DeepEqual(a, b)
}

// sameDoc compares documents without the local ids that Jira gives on every store.
func sameDoc(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return string(a) == string(b)
	}
	return reflect.DeepEqual(dropLocalIDs(x), dropLocalIDs(y))
}

func dropLocalIDs(v any) any {
	switch x := v.(type) {
	case map[string]any:
		delete(x, "localId")
		for k, e := range x {
			x[k] = dropLocalIDs(e)
		}
		if attrs, has := x["attrs"].(map[string]any); has && len(attrs) == 0 {
			delete(x, "attrs")
		}
	case []any:
		for i := range x {
			x[i] = dropLocalIDs(x[i])
		}
	}
	return v
}

// changeItems tells a change of one field in the words of the changelog. Components and versions get one
// item for each value that came or went; everything else gets one.
func (t *Tenant) changeItems(f *field, was, now any) []changeItem {
	kindOf := "jira"
	if f.custom != 0 {
		kindOf = "custom"
	}
	base := changeItem{field: f.history, fieldID: f.id, fieldType: kindOf}
	if base.field == "" {
		base.field = f.id
	}
	if f.kind == kComponents || f.kind == kVersions && f.custom == 0 {
		return t.oneByOne(f, base, was, now)
	}
	if f.kind == kTracking {
		return trackingItems(base, was, now)
	}
	base.from, base.fromString = t.words(f, was)
	base.to, base.toString = t.words(f, now)
	if f.kind == kUser {
		base.tmpFrom, _ = was.(string)
		base.tmpTo, _ = now.(string)
	}
	return []changeItem{base}
}

func (t *Tenant) oneByOne(f *field, base changeItem, was, now any) []changeItem {
	var out []changeItem
	old, _ := was.([]string)
	fresh, _ := now.([]string)
	for _, id := range old {
		if !slices.Contains(fresh, id) {
			it := base
			it.from, it.fromString = t.words(f, []string{id})
			it.from = &id
			out = append(out, it)
		}
	}
	for _, id := range fresh {
		if !slices.Contains(old, id) {
			it := base
			it.to, it.toString = t.words(f, []string{id})
			it.to = &id
			out = append(out, it)
		}
	}
	return out
}

func trackingItems(base changeItem, was, now any) []changeItem {
	old, hadOld := was.(estimate)
	fresh, hasNew := now.(estimate)
	text := func(has bool, n int64) *string {
		if !has || n < 0 {
			return nil
		}
		s := strconv.FormatInt(n, 10)
		return &s
	}
	var out []changeItem
	for _, p := range []struct {
		name string
		a, b int64
	}{{"timeoriginalestimate", old.original, fresh.original}, {"timeestimate", old.remaining, fresh.remaining}} {
		it := base
		it.field, it.fieldID = p.name, p.name
		it.from = text(hadOld, p.a)
		it.to = text(hasNew, p.b)
		it.fromString, it.toString = it.from, it.to
		if !reflect.DeepEqual(it.from, it.to) {
			out = append(out, it)
		}
	}
	return out
}

// words gives a value as the changelog's from/to (ids) and fromString/toString (names).
func (t *Tenant) words(f *field, v any) (id, text *string) {
	str := func(s string) *string { return &s }
	switch x := v.(type) {
	case nil:
		if f.kind == kLabels {
			return str(""), str("")
		}
		return nil, nil
	case json.RawMessage:
		return nil, str(adfToWiki(x))
	case float64:
		return nil, str(strings.TrimSuffix(strconv.FormatFloat(x, 'f', -1, 64), ".0"))
	case time.Time:
		return str(x.Format("2006-01-02T15:04:05-0700")), str(x.Format("02/Jan/06 3:04 PM"))
	case [2]string:
		parent, child := t.optionWords(f, x)
		s := "Parent values: " + parent + "(" + x[0] + ")"
		if x[1] != "" {
			s += "Level 1 values: " + child + "(" + x[1] + ")"
		}
		return str(s), str(s)
	case string:
		switch {
		case f.kind == kUser:
			if u := t.people.byID[x]; u != nil {
				return str(x), str(u.name)
			}
			return str(x), str(x)
		case f.kind == kDate:
			return str(x), str(x + " 00:00:00.0")
		case f.kind.listed() || f.kind == kRequestType || f.kind == kParent:
			return str(x), str(t.nameOf(f, x))
		}
		return nil, str(x)
	case []string:
		switch f.kind {
		case kLabels:
			return str(""), str(strings.Join(x, " "))
		case kGroups:
			return str("[" + strings.Join(x, ", ") + "]"), str(strings.Join(x, ", "))
		}
		names := make([]string, len(x))
		for i, one := range x {
			names[i] = t.nameOf(f, one)
		}
		return str("[" + strings.Join(x, ", ") + "]"), str(strings.Join(names, ","))
	}
	return nil, nil
}

func (t *Tenant) optionWords(f *field, ids [2]string) (parent, child string) {
	for _, o := range f.options {
		if o.id == ids[0] {
			parent = o.value
			for _, c := range o.children {
				if c.id == ids[1] {
					child = c.value
				}
			}
		}
	}
	return parent, child
}

// nameOf is the name that stands for one id of a field.
func (t *Tenant) nameOf(f *field, id string) string {
	switch f.kind {
	case kUser, kUsers, kParticipants:
		if u := t.people.byID[id]; u != nil {
			return u.name
		}
	case kParent:
		if is := t.find(id); is != nil {
			return is.key
		}
	case kRequestType:
		if rt := t.requestType(id); rt != nil {
			return rt.name
		}
	default:
		for _, c := range t.choices(f, nil) {
			if c.id == id {
				return c.name
			}
		}
	}
	return id
}
