package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// mostContests bounds how often one visit decides between us and somebody who
// edits the same field in the very moment of each write.
const mostContests = 3

// contests finds the fields that somebody else set between our reading and our
// writing, decides by their rule, and puts back what must stand. The value that
// lost is recorded. It returns the ticket as it is then, and the outgoing items
// of which the peer must be told that ours stands.
func (w *work) contests(ctx context.Context, t *jsm.Ticket, own written) (_ *jsm.Ticket, forced []replica.Path, err error) {
	if w.creating {
		return t, nil, nil
	}
	judged := map[string]bool{}
	for range mostContests {
		tr := w.trail(t.History, own.before)
		back := rules.Plan{Edit: jsm.Edit{Set: map[string]jsm.Value{}, Types: map[string]jsm.Field{}}}
		for _, field := range own.fields {
			theirs, restored, yes := tr.overwrote(field)
			if !yes || w.r.Field(field).Type.Set() && !restored {
				continue // members are added and removed one by one: nobody's are replaced
			}
			c, known := w.r.Contest(w.arrival(nil, nil), field, theirs.at)
			if !known || c.Verdict == rules.Written && restored {
				continue
			}
			if !judged[theirs.id+field] {
				judged[theirs.id+field] = true
				w.judge(c, theirs)
			}
			if c.Verdict == rules.Written {
				continue
			}
			if !restored && !w.putBack(&back, field, c, theirs) {
				continue
			}
			forced = append(forced, c.Moves...)
		}
		if back.Empty() {
			return t, slices.Compact(slices.Sorted(slices.Values(forced))), nil
		}
		done := false
		if t, done, err = w.undo(ctx, t, &back); err != nil || !done {
			return t, nil, err
		}
	}
	return t, forced, nil
}

// judge records which value lost.
func (w *work) judge(c rules.Contest, theirs step) {
	switch c.Verdict {
	case rules.Written:
		w.overrule(time.Now(), c.Path, replica.NewItem(replica.Text(theirs.item.ToString), theirs.at), true, c.Rule)
	case rules.Waits:
		w.hold(c.Path, ledger.Definite, rules.Concurrent, fmt.Sprintf("%s of %s was changed here and at %s at the same time.", c.Field, w.key(), w.c.Peer),
			c.Rule, "Agree on a value and set it on either side.")
	default:
		if c.Item.Kind != "" {
			w.overrule(time.Now(), c.Path, c.Item, false, c.Rule)
		}
	}
}

// putBack plans to write what somebody else had set; false: the history does not
// tell it exactly, so a person must.
func (w *work) putBack(back *rules.Plan, field string, c rules.Contest, theirs step) bool {
	f := w.r.Field(field)
	v, ok := f.Before(jsm.ChangeItem{From: theirs.item.To, FromString: theirs.item.ToString})
	if !ok {
		w.hold(c.Path, ledger.Definite, CodeOverwritten, fmt.Sprintf("%s of %s was changed by a person in the moment in which parley wrote it; by the rule theirs stands, but it cannot be put back exactly.", c.Field, w.key()),
			c.Rule, "Open the ticket's history and put it back by hand.")
		return false
	}
	back.Writes = append(back.Writes, rules.Write{Path: c.Path, Field: field, Name: c.Field, Rule: c.Rule})
	if f.Type == jsm.StatusType {
		back.Transition = &jsm.Target{Status: theirs.item.ToString}
		return true
	}
	back.Edit.Set[field], back.Edit.Types[field] = v, f
	return true
}

// CodeOverwritten is held work whose text a person must put back.
const CodeOverwritten = "overwritten"

// undo writes back what must stand, and reads the ticket again; false: Jira
// refuses it, which is held.
func (w *work) undo(ctx context.Context, t *jsm.Ticket, back *rules.Plan) (_ *jsm.Ticket, done bool, err error) {
	refused := func(err error) {
		for _, write := range back.Writes {
			w.hold(write.Path, ledger.Definite, CodeOverwritten, fmt.Sprintf("%s of %s was changed by a person in the moment in which parley wrote it; Jira refuses to have it put back: %s", write.Name, w.key(), plain(err)),
				write.Rule, "Open the ticket's history and put it back by hand.")
		}
	}
	if edit := back.Edit; !edit.Empty() {
		fresh, err := w.d.jira.Edit(ctx, w.link.Ticket, edit)
		if definite(err) {
			refused(err)
			return t, false, nil
		} else if err != nil {
			return t, false, fmt.Errorf("putting back a person's edit of %s: %w", w.key(), err)
		}
		t = fresh
	}
	if back.Transition == nil {
		return t, true, nil
	}
	back.Transition.Ticket = t
	err = w.d.jira.TransitionTo(ctx, w.link.Ticket, *back.Transition)
	if err != nil && !stuck(err) {
		return t, false, fmt.Errorf("putting back the status of %s: %w", w.key(), err)
	} else if err != nil {
		refused(err)
	}
	fresh, readErr := w.d.jira.Ticket(ctx, w.link.Ticket)
	if readErr != nil {
		return t, false, fmt.Errorf("reading back ticket %s: %w", w.key(), readErr)
	}
	return fresh, err == nil, nil
}

// stuck reports a transition that cannot be made as the workflow is.
func stuck(err error) bool {
	var nopath *jsm.NoPath
	var unresolved *jsm.NoResolution
	return errors.As(err, &nopath) || errors.As(err, &unresolved) || definite(err)
}
