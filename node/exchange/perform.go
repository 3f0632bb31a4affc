package exchange

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// mark is what a write carries so that it can be found again: the value of the
// entity property "parley" of a ticket or comment. It names nothing of the peer.
type mark struct {
	Nonce string         `json:"nonce"`
	Link  replica.LinkID `json:"link"`
	Item  replica.Path   `json:"item,omitempty"`
}

// announce puts the intents of all the plan's writes on disk before the first
// call. Each carries the ticket's newest history entry: what follows it tells
// our own writes from other people's. The intents that were recovered end in the
// same batch, so a link never has more than one open for an effect.
func (w *work) announce(plan *rules.Plan) error {
	var history string
	if w.ticket != nil && len(w.ticket.History) > 0 {
		history = w.ticket.History[0].ID
	}
	prints, err := json.Marshal(plan.Prints())
	if err != nil {
		return err
	}
	add := func(in ledger.Intent) {
		in.Connection, in.Link, in.Nonce, in.History, in.At = w.c.Name, w.link.ID, rand.Text(), history, time.Now().UnixMilli()
		w.intents = append(w.intents, in)
	}
	var sources []replica.Path
	for _, write := range plan.Writes {
		sources = append(sources, write.Path)
	}
	status := []replica.Path{plan.StatusPath()}
	if !plan.Edit.Empty() || plan.Organizations != nil {
		edit := ledger.Intent{Effect: ledger.EditFields, Fields: plan.Touched.Fields, Touched: plan.Touched.Paths, Sources: sources, Payload: prints}
		add(w.conceding(edit, plan, slices.DeleteFunc(slices.Clone(sources), func(p replica.Path) bool { return p == status[0] })))
	}
	if plan.Transition != nil {
		move := ledger.Intent{Effect: ledger.Transition, Fields: []string{"status", "resolution"}, Touched: plan.Touched.Paths, Sources: status, Payload: prints}
		add(w.conceding(move, plan, status))
	}
	for _, c := range plan.Comments {
		if in, announced := w.commentIntent(c); announced {
			add(in)
		}
	}
	if err := w.announceFiles(plan, add); err != nil {
		return err
	}
	w.announceService(plan, add)
	if err := w.announceParts(plan, add); err != nil {
		return err
	}
	if len(w.intents) == 0 {
		return nil
	}
	return w.d.led.Write(func(b *ledger.Batch) error {
		for _, in := range w.intents {
			if err := ledger.PutIntent(b, in); err != nil {
				return err
			}
		}
		if w.creating {
			w.link.From = w.in.Seq
			if err := ledger.PutLink(b, w.link); err != nil {
				return err
			}
		}
		return w.recovered(b)
	})
}

func (w *work) intent(effect ledger.Effect, p replica.Path) ledger.Intent {
	i := slices.IndexFunc(w.intents, func(in ledger.Intent) bool { return in.Effect == effect && in.Path == p })
	return w.intents[i]
}

// unclear keeps an intent whose call was not answered: it may be carried out, or
// come late. Its items are left alone until that is settled, and then judged by
// what the ticket's history tells.
func (w *work) unclear(in ledger.Intent) error {
	in.At = time.Now().UnixMilli()
	w.unsure = append(w.unsure, in)
	w.wait(in, w.d.cfg.SettleComment)
	return w.d.led.Write(func(b *ledger.Batch) error { return ledger.PutIntent(b, in) }) // a later write may fail before the closing batch
}

// abandon keeps what a visit that fails has come to: what was made, what Jira
// said is done, and what may be. What was never asked of Jira, or surely not
// carried out, needs no looking for.
func (w *work) abandon(cause error) error {
	if len(w.intents) == 0 {
		return cause
	}
	settled := map[string]bool{}
	err := w.d.led.Write(func(b *ledger.Batch) error {
		for _, t := range w.twins {
			if err := ledger.PutTwin(b, t); err != nil {
				return err
			}
		}
		for _, in := range w.unsure {
			settled[in.Nonce] = true
			if err := ledger.PutIntent(b, in); err != nil {
				return err
			}
		}
		for _, in := range w.finished {
			settled[in.Nonce] = true
			if in.Effect == ledger.EditFields || in.Effect == ledger.Transition {
				in.Answered = true
				if err := ledger.PutIntent(b, in); err != nil {
					return err
				}
			} else if err := ledger.DropIntent(b, in); err != nil {
				return err
			}
		}
		for _, in := range w.intents {
			if !settled[in.Nonce] {
				if err := ledger.DropIntent(b, in); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(cause, err)
}

// edit writes all changed fields with one call. Jira refuses it as a whole
// where one field is wrong, so refused fields are dropped, held, and the rest
// written again.
func (w *work) edit(ctx context.Context, plan *rules.Plan) error {
	edit, err := w.organizations(ctx, plan)
	if err != nil || edit.Empty() {
		return err
	}
	in := w.intent(ledger.EditFields, "")
	if w.creating {
		if edit.Mark, err = json.Marshal(mark{Nonce: in.Nonce, Link: w.link.ID}); err != nil {
			return err
		}
	}
	for !edit.Empty() {
		fresh, err := w.d.jira.Edit(ctx, w.link.Ticket, edit)
		if err == nil {
			w.fresh, w.wrote = fresh, true
			break
		}
		var refused *jsm.FieldErrors
		var unread *jsm.Unread
		switch {
		case errors.As(err, &unread):
			w.fresh, w.wrote = nil, true
			edit = jsm.Edit{}
		case jsm.MaybeApplied(err):
			return w.unclear(in)
		case errors.As(err, &refused) && edit.Drop(refused.Fields):
			for field, why := range refused.Fields {
				w.refusedField(plan, field, why, err)
			}
		case definite(err):
			for _, write := range plan.Writes {
				w.refused(write.Path, "the edit of "+w.key(), write.Rule, "Correct the rule or the ticket, then run: parley held retry.", err)
			}
			edit = least(edit)
		default:
			return fmt.Errorf("editing %s: %w", w.key(), err)
		}
	}
	w.finished = append(w.finished, in)
	return nil
}

// least is what is left to be done of an edit that Jira refuses without saying
// why: nothing, but where it completes a twin, taking the create marker off, and
// if that is refused, bearing the mark by which the twin is known.
func least(e jsm.Edit) (less jsm.Edit) {
	fields := len(e.Set) + len(e.Add) + len(e.Remove)
	if e.Mark == nil || fields == 0 {
		return less
	}
	less.Mark, less.Types, less.Set = e.Mark, e.Types, map[string]jsm.Value{}
	for _, field := range markedFields {
		if v, ok := e.Set[field]; ok && fields > 1 {
			less.Set[field] = v
		}
	}
	if len(less.Set) == fields {
		less.Set = nil
	}
	return less
}

func (w *work) refusedField(plan *rules.Plan, field, why string, err error) {
	known := false
	for _, write := range plan.Writes {
		if write.Field != field {
			continue
		}
		known = true
		w.hold(write.Path, ledger.Definite, "refused", fmt.Sprintf("Jira refused %s of %s: %s", write.Name, w.key(), why), write.Rule,
			"Put the field on the edit screen, or correct the rule; then run: parley held retry.", err)
	}
	if !known {
		w.hold("", ledger.Definite, "refused", fmt.Sprintf("Jira refused field %s of %s: %s", field, w.key(), why), "", "Correct the rule or the ticket, then run: parley held retry.", err)
	}
}

// transition brings the ticket to its target status.
func (w *work) transition(ctx context.Context, plan *rules.Plan) error {
	if plan.Transition == nil {
		return nil
	}
	in := w.intent(ledger.Transition, "")
	if w.waitsFor(ledger.EditFields) {
		w.finished = append(w.finished, in) // nothing was asked: the edit before it comes first
		w.delay(plan.StatusPath())
		return nil
	}
	target := *plan.Transition
	target.Ticket = w.ticket
	if w.fresh != nil {
		target.Ticket = w.fresh
	}
	err := w.d.jira.TransitionTo(ctx, w.link.Ticket, target)
	var nopath *jsm.NoPath
	var unresolved *jsm.NoResolution
	switch {
	case err == nil:
		w.wrote, w.fresh = true, nil
	case errors.As(err, &nopath):
		w.wrote, w.fresh = true, nil // it may have gone part of the way
		w.hold(plan.StatusPath(), ledger.Definite, "no-path", nopath.Error(), plan.StatusRule(), "Open the way in the workflow, or name another status in the map; then run: parley held retry.", err)
	case errors.As(err, &unresolved):
		w.wrote, w.fresh = true, nil
		w.hold(plan.StatusPath(), ledger.Definite, "resolution", unresolved.Error(), plan.StatusRule(), "Put the resolution on the transition's or the edit screen; then run: parley held retry.", err)
	case definite(err):
		w.wrote, w.fresh = true, nil
		w.refused(plan.StatusPath(), "the transition of "+w.key(), plan.StatusRule(), "See what the transition asks for, then run: parley held retry.", err)
	case jsm.MaybeApplied(err):
		w.wrote, w.fresh = true, nil // it may have gone part of the way
		return w.unclear(in)
	default:
		w.finished = append(w.finished, in) // likewise: the history tells
		return fmt.Errorf("moving %s to %q: %w", w.key(), plan.Transition.Status, err)
	}
	w.finished = append(w.finished, in)
	return nil
}

// organizations looks up, or where the rule allows makes, the organizations
// that the plan names, and puts them into the edit.
func (w *work) organizations(ctx context.Context, plan *rules.Plan) (jsm.Edit, error) {
	edit, o := plan.Edit, plan.Organizations
	if o == nil {
		return edit, nil
	}
	list := slices.Clone(o.Keep)
	for _, name := range o.Names {
		org, err := w.d.jira.EnsureOrganization(ctx, name, w.r.Desk(), o.Create)
		switch {
		case errors.Is(err, jsm.ErrNoOrganization):
			w.hold(o.Path, ledger.Definite, "organization", fmt.Sprintf("There is no organization %q on this desk.", name), o.Rule,
				"Add it to the service project, or set create = true in the rule; then run: parley held retry.")
			return edit, nil
		case definite(err):
			w.hold(o.Path, ledger.Definite, "organization", fmt.Sprintf("Jira refused organization %q: %s", name, plain(err)), o.Rule,
				seeReason, err)
			return edit, nil
		case err != nil:
			return edit, fmt.Errorf("looking up organization %q: %w", name, err)
		}
		list = append(list, org)
	}
	set := map[string]jsm.Value{o.FieldID: list}
	for field, v := range edit.Set {
		set[field] = v
	}
	edit.Set = set
	return edit, nil
}

// wait leaves an item alone until an uncertain write has settled.
func (w *work) wait(in ledger.Intent, settle time.Duration) {
	until := w.d.settled(in, settle)
	if w.waits == nil {
		w.waits = map[replica.Path]time.Time{}
	}
	if in.Path != "" {
		w.waits[in.Path] = until
	}
	for _, p := range in.Sources {
		w.waits[p] = until
	}
	w.again = sooner(w.again, until)
}

// waitsFor reports whether a write of a kind waits for an earlier one to settle.
func (w *work) waitsFor(effect ledger.Effect) bool {
	return slices.ContainsFunc(w.unsure, func(in ledger.Intent) bool { return in.Effect == effect })
}

// delay leaves an item alone until what is unsure has settled.
func (w *work) delay(p replica.Path) {
	for _, in := range w.unsure {
		until := w.d.settled(in, w.d.cfg.SettleComment)
		w.waits[p] = until
		w.again = sooner(w.again, until)
	}
}

// settled is when an uncertain write can take effect no more. Its intent tells
// when the call was about to be made, or was given up; what another process
// began may have been under way until this one started.
func (d *Desk) settled(in ledger.Intent, settle time.Duration) time.Time {
	last := time.UnixMilli(in.At)
	if d.began.After(last) {
		last = d.began
	}
	return last.Add(settle)
}

func definite(err error) bool {
	var api *jsm.APIError
	var fields *jsm.FieldErrors
	if errors.As(err, &api) {
		return api.Class == jsm.Definite
	}
	return errors.As(err, &fields)
}

// plain is Jira's answer in one line.
func plain(err error) string {
	var api *jsm.APIError
	if errors.As(err, &api) && len(api.Messages) > 0 {
		return strings.Join(api.Messages, " ")
	}
	return err.Error()
}
