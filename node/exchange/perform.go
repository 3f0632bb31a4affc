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
// our own writes from other people's.
func (w *work) announce(plan *rules.Plan) error {
	var history string
	if w.ticket != nil && len(w.ticket.History) > 0 {
		history = w.ticket.History[0].ID
	}
	add := func(effect ledger.Effect, p replica.Path, fields []string) {
		w.intents = append(w.intents, ledger.Intent{
			Connection: w.c.Name, Link: w.link.ID, Nonce: rand.Text(), Effect: effect,
			Path: p, Fields: fields, Touched: plan.Touched.Paths, History: history, At: time.Now().UnixMilli(),
		})
	}
	if !plan.Edit.Empty() || plan.Organizations != nil {
		add(ledger.EditFields, "", plan.Touched.Fields)
	}
	if plan.Transition != nil {
		add(ledger.Transition, "", []string{"status", "resolution"})
	}
	for _, c := range plan.Comments {
		if c.Op == rules.AddComment || c.Op == rules.NoteComment {
			add(ledger.AddComment, w.twinPath(c), nil)
		}
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
		return nil
	})
}

func (w *work) intent(effect ledger.Effect, p replica.Path) ledger.Intent {
	i := slices.IndexFunc(w.intents, func(in ledger.Intent) bool { return in.Effect == effect && in.Path == p })
	return w.intents[i]
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
		switch {
		case errors.As(err, &refused) && edit.Drop(refused.Fields):
			for field, why := range refused.Fields {
				w.refusedField(plan, field, why)
			}
		case definite(err):
			for _, write := range plan.Writes {
				w.hold(write.Path, ledger.Definite, "refused", fmt.Sprintf("Jira refused the edit of %s: %s", w.key(), plain(err)), write.Rule, "Correct the rule or the ticket, then run: parley held retry.")
			}
			edit = jsm.Edit{}
		default:
			return fmt.Errorf("editing %s: %w", w.key(), err)
		}
	}
	w.finished = append(w.finished, in)
	return nil
}

func (w *work) refusedField(plan *rules.Plan, field, why string) {
	known := false
	for _, write := range plan.Writes {
		if write.Field != field {
			continue
		}
		known = true
		w.hold(write.Path, ledger.Definite, "refused", fmt.Sprintf("Jira refused %s of %s: %s", write.Name, w.key(), why), write.Rule,
			"Put the field on the edit screen, or correct the rule; then run: parley held retry.")
	}
	if !known {
		w.hold("", ledger.Definite, "refused", fmt.Sprintf("Jira refused field %s of %s: %s", field, w.key(), why), "", "Correct the rule or the ticket, then run: parley held retry.")
	}
}

// transition brings the ticket to its target status.
func (w *work) transition(ctx context.Context, plan *rules.Plan) error {
	if plan.Transition == nil {
		return nil
	}
	in := w.intent(ledger.Transition, "")
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
		w.hold(plan.StatusPath(), ledger.Definite, "no-path", nopath.Error(), plan.StatusRule(), "Open the way in the workflow, or name another status in the map; then run: parley held retry.")
	case errors.As(err, &unresolved):
		w.wrote, w.fresh = true, nil
		w.hold(plan.StatusPath(), ledger.Definite, "resolution", unresolved.Error(), plan.StatusRule(), "Put the resolution on the transition's or the edit screen; then run: parley held retry.")
	case definite(err):
		w.wrote, w.fresh = true, nil
		w.hold(plan.StatusPath(), ledger.Definite, "refused", fmt.Sprintf("Jira refused the transition of %s: %s", w.key(), plain(err)), plan.StatusRule(), "See what the transition asks for, then run: parley held retry.")
	default:
		return fmt.Errorf("moving %s to %q: %w", w.key(), plan.Transition.Status, err)
	}
	w.finished = append(w.finished, in)
	return nil
}

// comments adds, edits and takes away comments, in their order.
func (w *work) comments(ctx context.Context, plan *rules.Plan) error {
	for _, c := range plan.Comments {
		var err error
		switch c.Op {
		case rules.AddComment, rules.NoteComment:
			err = w.addComment(ctx, c)
		case rules.EditComment, rules.MarkComment:
			_, err = w.d.jira.EditComment(ctx, w.link.Ticket, c.LocalID, c.Body)
		case rules.DeleteComment:
			if err = w.d.jira.DeleteComment(ctx, w.link.Ticket, c.LocalID); jsm.IsNotFound(err) {
				err = nil
			}
		}
		if err == nil {
			continue
		}
		if !definite(err) {
			return fmt.Errorf("writing a comment of %s: %w", w.key(), err)
		}
		w.hold(c.Path, ledger.Definite, "refused", fmt.Sprintf("Jira refused a comment on %s: %s", w.key(), plain(err)), c.Rule, "See the reason, then run: parley held retry.")
	}
	return nil
}

// twinPath names the twin that a comment becomes. A note on an edit is nobody's
// twin, yet must be known as ours.
func (w *work) twinPath(c rules.CommentWrite) replica.Path {
	if c.Op == rules.NoteComment {
		return replica.Path(fmt.Sprintf("%s%s%d", c.Path, noteInfix, w.in.Items[c.Path].Seq))
	}
	return c.Path
}

const noteInfix = "/note/" // between a comment's path and the sequence that edited it

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
				"See the reason, then run: parley held retry.")
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

func (w *work) addComment(ctx context.Context, c rules.CommentWrite) error {
	in := w.intent(ledger.AddComment, w.twinPath(c))
	m, err := json.Marshal(mark{Nonce: in.Nonce, Link: w.link.ID, Item: c.Path})
	if err != nil {
		return err
	}
	made, err := w.d.jira.AddComment(ctx, w.link.Ticket, jsm.NewComment{Body: c.Body, Public: c.Public, Mark: m})
	var leaked *jsm.LeakedNote
	var narrower *jsm.WrongVisibility
	switch {
	case err == nil:
		w.made(in, made.ID)
	case errors.As(err, &narrower):
		w.made(in, made.ID)
		w.hold(c.Path, ledger.Tenant, "visibility", narrower.Error(), c.Rule, "Check who may comment publicly in this project. The comment is there, for agents only.")
	case errors.As(err, &leaked):
		w.finished = append(w.finished, in)
		w.hold(c.Path, ledger.Tenant, "visibility", leaked.Error(), c.Rule, "Check the project's comment visibility settings before you run: parley held retry.")
	case jsm.MaybeApplied(err):
		// It may be there, or come late: look for its mark once that is settled.
		in.At = time.Now().UnixMilli()
		w.unsure = append(w.unsure, in)
		if err := w.d.led.Write(func(b *ledger.Batch) error { return ledger.PutIntent(b, in) }); err != nil {
			return err // a later write may fail before the closing batch
		}
		w.wait(in, w.d.cfg.SettleComment)
	default:
		if definite(err) {
			w.finished = append(w.finished, in)
		}
		return err
	}
	return nil
}

func (w *work) made(in ledger.Intent, local string) {
	w.twins = append(w.twins, ledger.Twin{Connection: w.c.Name, Link: w.link.ID, Path: in.Path, Ticket: w.link.Ticket, Local: local})
	w.finished = append(w.finished, in)
}

// wait leaves an item alone until an uncertain write has settled.
func (w *work) wait(in ledger.Intent, settle time.Duration) {
	until := w.d.settled(in, settle)
	if w.waits == nil {
		w.waits = map[replica.Path]time.Time{}
	}
	w.waits[in.Path] = until
	w.again = sooner(w.again, until)
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
