package rules

import (
	"fmt"
	"slices"
	"strings"

	"parley/conf"
	"parley/replica"
)

// A mapping takes names of one side to names of the other.
type mapping struct {
	to        map[string]string
	other     string // else
	hasElse   bool
	otherwise string // hold, same, skip
	at        string // "connections/globex.toml line 41"
}

func newMapping(e conf.Entity) *mapping {
	if !e.Map.Pos.IsSet() {
		return nil
	}
	m := &mapping{to: make(map[string]string, len(e.Map.Entries)), otherwise: e.Otherwise.Value,
		at: fmt.Sprintf("%s line %d", e.Map.Pos.File, e.Map.Pos.Line)}
	for _, one := range e.Map.Entries {
		m.to[one.From.Value] = one.To.Value
	}
	if e.Else.IsSet() {
		m.hasElse, m.other = true, e.Else.String()
	}
	return m
}

// apply maps a name; id is another key that a map may use. The verdict is Written for a mapped value,
// Skipped, or Waits where nothing says what the value comes to.
func (m *mapping) apply(name, id string) (string, Verdict) {
	if m == nil {
		return name, Written
	}
	if to, ok := m.to[name]; ok {
		return to, Written
	}
	if to, ok := m.to[id]; ok && id != "" {
		return to, Written
	}
	switch {
	case m.hasElse:
		return m.other, Written
	case m.otherwise == "same":
		return name, Written
	case m.otherwise == "skip":
		return "", Skipped
	}
	return "", Waits
}

// value maps a value by its name. In a list each element is mapped; one that waits makes the list wait.
func (m *mapping) value(v replica.Value) (out replica.Value, verdict Verdict, unmapped string) {
	if m == nil {
		return v, Written, ""
	}
	if list, ok := v.(replica.List); ok {
		mapped := replica.List{}
		for _, one := range list {
			to, verdict, name := m.value(one)
			switch {
			case verdict == Waits:
				return nil, Waits, name
			case verdict == Written && !slices.ContainsFunc(mapped, func(o replica.Value) bool { return shown(o) == shown(to) }):
				mapped = append(mapped, to)
			}
		}
		return mapped, Written, ""
	}
	name, ok := nameOf(v)
	if !ok {
		return v, Waits, shown(v)
	}
	to, verdict := m.apply(name, idOf(v))
	if verdict != Written {
		return nil, verdict, name
	}
	if to == name {
		return v, Written, ""
	}
	switch was := v.(type) {
	case replica.Status:
		return replica.Status{Name: to, Category: was.Category}, Written, ""
	case replica.Option:
		parent, child, two := strings.Cut(to, " / ")
		if was.Child != nil && two {
			return replica.Option{Name: parent, Child: &replica.Option{Name: child}}, Written, ""
		}
		return replica.Option{Name: to}, Written, ""
	}
	return replica.Text(to), Written, ""
}

// heldUnmapped says that a value has no mapping, and what to do.
func (m *mapping) held(p replica.Path, field, value, from, rule string) Held {
	return Held{
		Path: p, Class: Definite, Code: Unmapped, Rule: rule,
		Reason: fmt.Sprintf("%s %q from %s has no mapping in %s.", field, clip(value), from, m.at),
		Next:   "Add it to map, or set else.",
	}
}
