package sim

import (
	"fmt"
	"strings"
)

// written turns what a person says about fields into the JSON that API v2 wants. The lock is held.
func (t *Tenant) written(fields map[string]any) (obj, error) {
	out := obj{}
	for name, v := range fields {
		f := t.fieldNamed(name)
		if f == nil {
			return nil, fmt.Errorf("%w: no field %q", ErrDeed, name)
		}
		j, err := t.writtenValue(f, v)
		if err != nil {
			return nil, err
		}
		out[f.id] = j
	}
	return out, nil
}

func (t *Tenant) writtenValue(f *field, v any) (any, error) {
	if one, is := v.(string); is && f.kind.many() {
		v = []string{one}
	}
	switch x := v.(type) {
	case string:
		return t.writtenOne(f, x)
	case []string:
		out := make([]any, len(x))
		for i, one := range x {
			j, err := t.writtenOne(f, one)
			if err != nil {
				return nil, err
			}
			out[i] = j
		}
		return out, nil
	}
	return v, nil
}

func (t *Tenant) writtenOne(f *field, s string) (any, error) {
	switch f.kind {
	case kUser, kUsers, kParticipants:
		u := t.person(s)
		if u == nil {
			return nil, fmt.Errorf("%w: no such person: %s", ErrDeed, s)
		}
		return obj{"accountId": u.id}, nil
	case kGroup, kGroups:
		return obj{"name": s}, nil
	case kCascade:
		parent, child, two := strings.Cut(s, " > ")
		if !two {
			return obj{"value": s}, nil
		}
		return obj{"value": parent, "child": obj{"value": child}}, nil
	case kAssets:
		for _, a := range t.lists.assets {
			if a.label == s || a.key == s {
				return obj{"id": t.workspace() + ":" + a.id}, nil
			}
		}
		return nil, fmt.Errorf("%w: no asset %q", ErrDeed, s)
	case kPicked, kParent:
		return obj{"key": s}, nil
	case kOrgs:
		for _, o := range t.lists.orgs {
			if o.name == s {
				return number(o.id), nil
			}
		}
		return nil, fmt.Errorf("%w: no organization %q", ErrDeed, s)
	case kRequestType:
		for _, rt := range t.desk.requestTypes {
			if rt.name == s {
				return rt.id, nil
			}
		}
		return nil, fmt.Errorf("%w: no request type %q", ErrDeed, s)
	}
	if f.kind.listed() {
		return obj{f.kind.nameKey(): s}, nil
	}
	return s, nil
}
