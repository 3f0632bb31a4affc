package jql

import (
	"slices"
	"strconv"
)

// meaning is all that an operand may stand for; one of it is enough.
type meaning struct {
	empty    bool               // no value at all
	test     func(Datum) bool   // one of the named values
	tests    []func(Datum) bool // anything else that a single value can show
	verdicts []predicate        // functions that decide by themselves
	named    []Datum
}

// read compiles an operand of = != IN NOT IN ~ !~ IS, of WAS, or of a predicate. Lists within lists are one list.
func (k *comparison) read(o Operand) *meaning {
	m := &meaning{}
	k.gather(o, m)
	m.test = sameAs(m.named)
	return m
}

func (k *comparison) gather(o Operand, m *meaning) {
	switch o := o.(type) {
	case Keyword:
		k.emptyValue(m)
	case List:
		inner := *k
		inner.inner = true
		for _, v := range o.Values {
			inner.gather(v, m)
		}
	case Func:
		k.call(o, m)
	case Value:
		_, err := strconv.ParseInt(o.Text, 10, 64)
		switch {
		case o.Number() && err != nil: // the grammar takes it, Jira does not
			k.fail("Error in the JQL Query: '%s' is not a valid number. Numbers must be between -9,223,372,036,854,775,808 and 9,223,372,036,854,775,807.", o.Text)
		case k.field.ID == "resolution" && fold(o.Text) == "unresolved":
			k.emptyValue(m)
		default:
			k.literal(o, m)
		}
	}
}

func (k *comparison) emptyValue(m *meaning) {
	if !slices.Contains(k.field.Operators, Is) {
		k.fail("The field '%s' does not support searching for EMPTY values.", k.name)
	}
	m.empty = true
}

// has says whether one of the values, or their absence, is meant.
func (m *meaning) has(values []Datum) bool {
	if len(values) == 0 {
		return m.empty
	}
	for _, v := range values {
		if m.test(v) {
			return true
		}
		for _, test := range m.tests {
			if test(v) {
				return true
			}
		}
	}
	return false
}

// holds asks the functions that decide by themselves.
func (m *meaning) holds(issue Issue) bool {
	for _, verdict := range m.verdicts {
		if verdict(issue) {
			return true
		}
	}
	return false
}

// sameAs tests for one of the values: by id where both sides have one, else by name without case.
func sameAs(wanted []Datum) func(Datum) bool {
	switch {
	case len(wanted) == 0:
		return func(Datum) bool { return false }
	case len(wanted) == 1 && wanted[0].ID != "":
		id, name := wanted[0].ID, wanted[0].Name
		return func(d Datum) bool { return d.ID == id || d.ID == "" && d.Name != "" && fold(d.Name) == fold(name) }
	}
	ids, names, labels := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, w := range wanted {
		if w.ID != "" {
			ids[w.ID] = true
			names[fold(w.Name)] = true
		} else {
			labels[fold(w.Name)] = true
		}
	}
	return func(d Datum) bool {
		if d.ID == "" {
			name := fold(d.Name)
			return name != "" && (labels[name] || names[name])
		}
		return ids[d.ID] || len(labels) > 0 && d.Name != "" && labels[fold(d.Name)]
	}
}
