package jql

import (
	"slices"
	"strings"
	"time"
)

// span is a stretch of a field's life. For WAS it is the time that the values held, set by the one who brought them in;
// for CHANGED it is the moment of one change.
type span struct {
	from, to time.Time // to is zero where it still holds
	by       string
	before   []Datum // CHANGED only
	values   []Datum
}

// was matches an issue whose field has, or ever had, one of the values, within the predicates.
func (k *comparison) was(o Operand, predicates []Predicate) predicate {
	wanted := k.recorded(o)
	within := k.within(predicates)
	env, f := k.env, k.field
	return func(issue Issue) bool {
		return slices.ContainsFunc(spans(env.Values(issue, f), env.History(issue, f)), func(s span) bool {
			return wanted.has(s.values) && within(s)
		})
	}
}

// changed matches an issue of which one change meets all the predicates. The value that it was created with is no change.
func (k *comparison) changed(predicates []Predicate) predicate {
	within := k.within(predicates)
	env, f := k.env, k.field
	return func(issue Issue) bool {
		return slices.ContainsFunc(env.History(issue, f).Steps, func(s Step) bool {
			return within(span{from: s.At, to: s.At, by: s.By, before: s.From, values: s.To})
		})
	}
}

// spans unwinds the changes from the values of today back to creation. It serves single values and sets alike.
func spans(current []Datum, h History) []span {
	list := make([]span, 0, len(h.Steps)+1)
	values, end := current, time.Time{}
	for _, step := range slices.Backward(h.Steps) {
		list = append(list, span{from: step.At, to: end, by: step.By, values: values})
		added := sameAs(step.To)
		earlier := slices.Clone(step.From)
		for _, v := range values {
			if !added(v) {
				earlier = append(earlier, v)
			}
		}
		values, end = earlier, step.At
	}
	return append(list, span{from: h.Created, to: end, by: h.Creator, values: values})
}

// recorded reads an operand as the values it may have had. A function with a verdict of its own knows no past.
func (k *comparison) recorded(o Operand) *meaning {
	m := k.read(o)
	if len(m.verdicts) > 0 {
		k.fail("A value provided by the function '%s' is invalid for the field '%s'.", display(o), k.name)
	}
	return m
}

// within compiles predicates to one test of a span; all must hold of the same span.
func (k *comparison) within(predicates []Predicate) func(span) bool {
	tests := make([]func(span) bool, len(predicates))
	for i, p := range predicates {
		tests[i] = k.predicate(p)
	}
	return func(s span) bool {
		for _, test := range tests {
			if !test(s) {
				return false
			}
		}
		return true
	}
}

func (k *comparison) predicate(p Predicate) func(span) bool {
	switch p.Operator {
	case By:
		people := comparison{compiler: k.compiler, field: userField, name: "by", op: In, inner: true}
		wanted := people.recorded(p.Operand)
		return func(s span) bool {
			var who []Datum
			if s.by != "" {
				who = []Datum{{ID: s.by}}
			}
			return wanted.has(who)
		}
	case From:
		wanted := k.recorded(p.Operand)
		return func(s span) bool { return wanted.has(s.before) }
	case To:
		wanted := k.recorded(p.Operand)
		return func(s span) bool { return wanted.has(s.values) }
	}
	at := k.moments(p)
	if at == nil {
		return nil
	}
	first, last := at[0].time, at[len(at)-1].time
	switch p.Operator {
	case Before:
		return func(s span) bool { return s.from.Before(first) }
	case After:
		return func(s span) bool { return s.to.IsZero() || s.to.After(first) }
	case On:
		last = first.Add(time.Minute)
		if at[0].grain == day {
			y, m, d := first.In(k.session.Zone).Date()
			first, last = time.Date(y, m, d, 0, 0, 0, 0, k.session.Zone), time.Date(y, m, d+1, 0, 0, 0, 0, k.session.Zone)
		}
		return func(s span) bool { return s.from.Before(last) && (s.to.IsZero() || !s.to.Before(first)) }
	}
	return func(s span) bool { return !s.from.After(last) && (s.to.IsZero() || !s.to.Before(first)) }
}

// moments reads a date predicate's operand: two dates for DURING, one for the others; nil where it is wrong.
func (k *comparison) moments(p Predicate) []instant {
	name := strings.ToUpper(string(p.Operator))
	operands := []Operand{p.Operand}
	if l, ok := p.Operand.(List); ok {
		operands = l.Values
	}
	if p.Operator == During && len(operands) != 2 {
		k.fail("The %s predicate must be supplied with exactly 2 date values.", name)
		return nil
	}
	if p.Operator != During && len(operands) != 1 {
		k.fail("The %s predicate must be supplied with only 1 date value.", name)
		return nil
	}
	var list []instant
	for _, o := range operands {
		at, ok := k.predicateDate(p.Operator, o)
		if !ok {
			return nil
		}
		list = append(list, at)
	}
	return list
}

func (k *comparison) predicateDate(op Operator, o Operand) (instant, bool) {
	switch o := o.(type) {
	case Value:
		return k.dateLiteral(o, "predicate '"+string(op)+"'")
	case Func:
		t, known, err := k.session.dateFunction(o)
		switch {
		case err != nil:
			k.fail("%w", err)
		case known:
			return instant{t, day}, true
		case fold(o.Name) == "currentuser":
			k.fail("A date for the predicate '%s' provided by the function '%s' is not valid.", op, o.Name)
		default:
			if _, ok := k.invoke(o); ok {
				k.fail("A date for the predicate '%s' provided by the function '%s' is not valid.", op, o.Name)
			}
		}
		return instant{}, false
	}
	k.fail("The %s predicate must be supplied with only 1 date value.", strings.ToUpper(string(op)))
	return instant{}, false
}
