package sim

import (
	"fmt"
	"slices"
	"time"
)

// A transition is one arrow of the workflow. Its conditions decide whether an account sees it; its
// validator answers 400; its post-function runs after it, whoever fired it.
type transition struct {
	id, name string
	from     []*status // empty: global
	to       *status
	screen   []*field
	roles    []Role // condition; empty: everybody
	requires *field // validator; nil: none
	resolve  string // post-function: id of the resolution it sets, "-" clears, "" leaves
	portal   bool
	approval string // "approve" or "decline": fired only by an approver's answer
}

func (tr *transition) conditional() bool { return len(tr.roles) > 0 || tr.approval != "" }

// open tells whether the account may use the transition on the issue now.
func (tr *transition) open(is *issue, me *user) bool {
	return tr.starts(is) && tr.approval == "" && (len(tr.roles) == 0 || me != nil && slices.Contains(tr.roles, me.role))
}

// starts tells whether the transition begins at the issue's status; a global one is not offered where the issue already is.
func (tr *transition) starts(is *issue) bool {
	if len(tr.from) == 0 {
		return is.str("status") != tr.to.id
	}
	return slices.ContainsFunc(tr.from, func(s *status) bool { return s.id == is.str("status") })
}

func (t *Tenant) growWorkflow() error {
	for _, s := range t.seed.Transitions {
		tr := &transition{id: t.nextText("transition"), name: s.Name, to: t.statusNamed(s.To), roles: s.Roles, portal: s.Portal, approval: s.Approval}
		if tr.to == nil {
			return fmt.Errorf("%w: transition %q leads to the unknown status %q", ErrSeed, s.Name, s.To)
		}
		for _, name := range s.From {
			from := t.statusNamed(name)
			if from == nil {
				return fmt.Errorf("%w: transition %q begins at the unknown status %q", ErrSeed, s.Name, name)
			}
			tr.from = append(tr.from, from)
		}
		for _, name := range s.Screen {
			f := t.fieldNamed(name)
			if f == nil {
				return fmt.Errorf("%w: transition %q has the unknown field %q on its screen", ErrSeed, s.Name, name)
			}
			tr.screen = append(tr.screen, f)
		}
		if s.Requires != "" {
			if tr.requires = t.fieldNamed(s.Requires); tr.requires == nil {
				return fmt.Errorf("%w: transition %q requires the unknown field %q", ErrSeed, s.Name, s.Requires)
			}
		}
		switch s.Resolve {
		case "", "-":
			tr.resolve = s.Resolve
		default:
			r, known := pick(t.lists.resolutions, s.Resolve)
			if !known {
				return fmt.Errorf("%w: transition %q sets the unknown resolution %q", ErrSeed, s.Name, s.Resolve)
			}
			tr.resolve = r.id
		}
		t.lists.transitions = append(t.lists.transitions, tr)
	}
	return nil
}

// fire moves the issue along the transition: status, post-function, one history entry, events, approval step.
// set holds what the caller's screen fields say.
func (t *Tenant) fire(is *issue, tr *transition, me *user, set map[*field]any) {
	now, replaced := t.now(), is.replaced(set)
	var items []changeItem
	put := func(f *field, v any) {
		was := is.vals[f.id]
		if sameValue(was, v) {
			return
		}
		items = append(items, t.changeItems(f, was, v)...)
		t.store(is, f, v)
	}
	for _, f := range t.lists.fields { // in field order, so that the history is the same every time
		if v, given := set[f]; given {
			put(f, v)
		}
	}
	switch tr.resolve {
	case "":
	case "-":
		put(t.field("resolution"), nil)
	default:
		if _, given := set[t.field("resolution")]; !given {
			put(t.field("resolution"), tr.resolve)
		}
	}
	typ := "issue_generic"
	if tr.to.category == "done" {
		typ = "issue_resolved"
	} else if s := t.status(is.str("status")); s != nil && s.category == "done" {
		typ = "issue_reopened"
	}
	put(t.field("status"), tr.to.id)
	t.moved(is, now)
	t.record(is, me, items, typ, now)
	t.dropOrphans(is, me, replaced...)
}

// moved notes a new status and begins or ends what hangs on it: approvals, SLA cycles.
func (t *Tenant) moved(is *issue, now time.Time) {
	s := is.str("status")
	if n := len(is.moments); n > 0 && is.moments[n-1].status == s {
		return
	}
	is.moments = append(slices.Clip(is.moments), moment{s, now})
	is.inStatus = now
	t.stepApproval(is, now)
}

// store puts a value into an issue and keeps the resolution date with it.
func (t *Tenant) store(is *issue, f *field, v any) {
	if v == nil {
		delete(is.vals, f.id)
	} else {
		is.vals[f.id] = v
	}
	if f.id == "resolution" {
		is.resolved = time.Time{}
		if v != nil {
			is.resolved = t.now()
		}
	}
}

// record writes one history entry, moves `updated`, tells the index and emits the event. No items: nothing happened.
func (t *Tenant) record(is *issue, me *user, items []changeItem, typ string, now time.Time) {
	if len(items) == 0 {
		return
	}
	ch := &change{id: t.next("history"), author: me, at: now, items: items}
	is.changes = append(slices.Clip(is.changes), ch)
	is.updated = now
	t.index.wrote(t, is)
	t.happened("jira:issue_updated", typ, me, is, func(e *event) { e.Change = ch })
}
