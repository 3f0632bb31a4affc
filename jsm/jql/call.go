package jql

import (
	"errors"
	"fmt"
)

// call adds what a function means.
func (k *comparison) call(fn Func, m *meaning) {
	if k.field.Type == Date || k.field.Type == DateTime {
		at, verdict, ok := k.moment(fn)
		switch {
		case verdict != nil:
			m.verdicts = append(m.verdicts, verdict)
		case ok && k.fits(fn, false):
			want := k.grain(at.time)
			m.add(func(d Datum) bool { return k.grain(d.Time).Equal(want) })
		}
		return
	}
	result, ok := k.invoke(fn)
	switch {
	case !ok:
	case result.Match != nil:
		m.verdicts = append(m.verdicts, result.Match)
	case k.fits(fn, result.List):
		k.results(result.Values, m)
	}
}

func (k *comparison) results(values []Datum, m *meaning) {
	switch k.field.Type {
	case Number, Duration, SLA:
		for _, v := range values {
			m.add(func(d Datum) bool { return d.Number == v.Number })
		}
	default:
		m.named = append(m.named, values...)
	}
}

// fits refuses a list where one value belongs, and one value where a list belongs. Inside parentheses and behind the
// predicates of CHANGED both are fine.
func (k *comparison) fits(fn Func, list bool) bool {
	if k.inner || k.op == Changed {
		return true
	}
	listed := k.op == In || k.op == NotIn || k.op == WasIn || k.op == WasNotIn
	switch {
	case list && !listed:
		k.fail("Operator '%s' does not support the list value '%s' for field '%s'.", k.op, display(fn), k.name)
	case listed && !list:
		k.fail("Operator '%s' does not support the non-list value '%s' for field '%s'.", k.op, display(fn), k.name)
	}
	return list == listed
}

// invoke runs a function that yields something other than a date: currentUser here, all others by the store.
func (k *comparison) invoke(fn Func) (Result, bool) {
	if fold(fn.Name) == "currentuser" {
		if k.field.Type != User {
			k.fail("A value provided by the function '%s' is invalid for the field '%s'.", fn.Name, k.name)
			return Result{}, false
		}
		return Result{Values: k.currentUser()}, k.arguments(fn, 0, 0)
	}
	op := k.op
	switch op {
	case NotEquals:
		op = Equals
	case NotIn:
		op = In
	}
	result, err := k.env.Call(k.field, op, fn)
	switch {
	case errors.Is(err, ErrNoFunction):
		k.fail("Unable to find JQL function '%s'.", display(fn))
	case err != nil:
		k.fail("%w", err)
	default:
		return result, true
	}
	return Result{}, false
}

func (c *compiler) currentUser() []Datum {
	if c.session.User == "" {
		return nil
	}
	return []Datum{{ID: c.session.User}}
}

func (c *compiler) arguments(fn Func, least, most int) bool {
	if err := checkArguments(fn, least, most); err != nil {
		c.fail("%w", err)
		return false
	}
	return true
}

func checkArguments(fn Func, least, most int) error {
	n := len(fn.Args)
	switch {
	case n >= least && n <= most:
		return nil
	case least == most:
		return fmt.Errorf("Function '%s' expected '%d' arguments but received '%d'.", fn.Name, least, n)
	}
	return fmt.Errorf("Function '%s' expected between '%d' and '%d' arguments but received '%d'.", fn.Name, least, most, n)
}
