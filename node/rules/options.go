package rules

import (
	"errors"

	"parley/jsm"
	"parley/replica"
)

// Options that the peer has and this tenant does not.

// option reads a value, or one member of a set, that theirs came to by the rule's map. What is an option only elsewhere
// is made here where the rule says create, or comes to else. A number is the id of an option here where our own rules
// say it, and a name where the peer does.
func (p *planner) option(r *inRule, theirs, v replica.Value, read func(replica.Value) (jsm.Value, error)) (jsm.Value, error) {
	want, err := read(v)
	if o, ok := want.(jsm.Option); err == nil && ok && o.ID != "" && r.set == nil && r.value == nil && shown(theirs) == shown(v) {
		want, err = jsm.Option{Value: o.ID}, r.to.absent(v)
	}
	switch {
	case !isMissing(err):
	case r.e.Creates.Value && r.to.Type.OwnOptions():
		p.makes(r.to)
		err = nil
	case r.e.Else.IsSet():
		want, err = read(replica.Text(r.e.Else.String()))
	}
	return want, err
}

// makes lets the edit add to a field's list of options what it lacks.
func (p *planner) makes(f *field) {
	if p.plan.Edit.Create == nil {
		p.plan.Edit.Create = map[string]bool{}
	}
	p.plan.Edit.Create[f.ID] = true
}

// refusedAs is the code under which a refused value is held.
func refusedAs(err error) string {
	var refused *refusal
	if errors.As(err, &refused) && refused.code != "" {
		return refused.code
	}
	return Refused
}

// nextStep says what a person does about a refused value.
func nextStep(err error, r *inRule) string {
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.next != "":
		return refused.next
	case r.to.Type == jsm.ParentType:
		return "Share the parent too; then run: parley held retry."
	case isMissing(err):
		return "Add the option here, or a map or else to the rule."
	}
	return "Add a map or a value to the rule, or correct the ticket at the peer's."
}
