package exchange

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// What the service desk alone can do with a partner's word: an answer to an approval that waits for our account, and a
// queue that is to hold the ticket. Notes, fields, transitions and pages go the ways of all others.

// announceService adds the intents of a plan's answers, and of a queue that fields are written for: that one is how long
// Jira's search may lag behind, also over a restart.
func (w *work) announceService(plan *rules.Plan, add func(ledger.Intent)) {
	for _, a := range plan.Answers {
		add(ledger.Intent{Effect: ledger.AnswerApproval, Path: a.Path})
	}
	if plan.Queue != nil && (w.creating || !plan.Edit.Empty() || plan.Transition != nil) {
		add(ledger.Intent{Effect: ledger.FillQueue, Path: plan.Queue.Path})
	}
}

// recoverService settles an answer or a queue that an earlier visit left open. A second answer is refused by Jira, so an
// answer is simply judged again by what the ticket shows.
func (w *work) recoverService(in ledger.Intent) {
	settle := w.d.cfg.SettleComment
	if in.Effect == ledger.FillQueue {
		settle = w.d.cfg.IndexLag
	}
	if time.Now().Before(w.d.settled(in, settle)) {
		w.wait(in, settle)
		return
	}
	w.finished = append(w.finished, in)
	if w.done.Pending == nil {
		w.done.Pending = map[replica.Path]bool{}
	}
	w.done.Pending[in.Path] = true
}

// keepService takes out of a plan what waits for an earlier write to settle.
func (w *work) keepService(plan *rules.Plan) {
	if plan.Queue != nil {
		if _, waiting := w.waits[plan.Queue.Path]; waiting {
			plan.Queue = nil
		}
	}
	plan.Answers = slices.DeleteFunc(plan.Answers, func(a rules.AnswerWrite) bool {
		_, waiting := w.waits[a.Path]
		return waiting
	})
}

// service gives the plan's answers, and looks whether the queue holds the ticket.
func (w *work) service(ctx context.Context, plan *rules.Plan) error {
	for _, a := range plan.Answers {
		given, err := w.answer(ctx, a)
		if err != nil {
			return err
		}
		if !given {
			w.unnote(plan, a.Path)
		}
	}
	return w.queue(ctx, plan)
}

// answer gives our account's answer; given is false where no note may say so.
func (w *work) answer(ctx context.Context, a rules.AnswerWrite) (given bool, err error) {
	in := w.intent(ledger.AnswerApproval, a.Path)
	got, err := w.d.jira.AnswerApproval(ctx, w.link.Ticket, a.Approval, a.Decision)
	switch {
	case err == nil:
		given = !got.Already || slices.ContainsFunc(got.Approval.Approvers, func(one jsm.Approver) bool {
			return one.Person.AccountID == w.d.account().AccountID && one.Decision == a.Decision
		})
		w.wrote, w.fresh, w.answered = true, nil, true // what the workflow did then is only known by reading
	case errors.Is(err, jsm.ErrNotApprover):
		w.hold(a.Path, ledger.Definite, rules.Unasked, fmt.Sprintf("Parley's account is not asked for an approval of %s any more.", w.key()), a.Rule,
			`Name the account among the approvers, or set as = "note"; then run: parley held retry.`, err)
	case jsm.MaybeApplied(err):
		return false, w.unclear(in)
	case definite(err):
		w.refused(a.Path, "an answer to an approval of "+w.key(), a.Rule, seeReason, err)
	default:
		return false, fmt.Errorf("answering an approval of %s: %w", w.key(), err)
	}
	w.finished = append(w.finished, in)
	return given, nil
}

// unnote takes a note out of a plan. Nothing was asked of Jira for it.
func (w *work) unnote(plan *rules.Plan, p replica.Path) {
	plan.Comments = slices.DeleteFunc(plan.Comments, func(c rules.CommentWrite) bool { return c.Path == p })
	for _, in := range w.intents {
		if in.Path == p && (in.Effect == ledger.AddComment || in.Effect == ledger.EditComment) {
			w.finished = append(w.finished, in)
		}
	}
}

// sayAnswered has the peer told where an answer moved the ticket through our workflow. The history names our account, and
// yet the new status is nobody's echo.
func (w *work) sayAnswered() error {
	if !w.answered || w.fresh == nil {
		return nil
	}
	view, _, err := w.lane.view(w.fresh)
	if err != nil {
		return err
	}
	for _, field := range []string{"status", "resolution"} {
		for _, p := range w.r.OutgoingPaths(field) {
			if hashOf(view, p) != hashOf(w.view, p) {
				w.force(p)
			}
		}
	}
	return nil
}

// queue looks whether the queue holds the ticket. Right after a write Jira may not know yet: it is asked again once its
// search must, and then the ticket is held.
func (w *work) queue(ctx context.Context, plan *rules.Plan) error {
	q := plan.Queue
	if q == nil {
		return nil
	}
	i := slices.IndexFunc(w.intents, func(in ledger.Intent) bool { return in.Effect == ledger.FillQueue })
	if w.waitsFor(ledger.EditFields) || w.waitsFor(ledger.Transition) {
		w.delay(q.Path)
		return nil
	}
	reason, err := w.outside(ctx, q.Name)
	switch {
	case err != nil && !definite(err):
		return fmt.Errorf("looking whether queue %q holds %s: %w", q.Name, w.key(), err)
	case err != nil:
		reason = fmt.Sprintf("Jira refused to tell whether queue %q holds %s: %s", q.Name, w.key(), plain(err))
	case reason != "" && i >= 0:
		w.wait(w.intents[i], w.d.cfg.IndexLag)
		return nil
	}
	if reason != "" {
		w.hold(q.Path, ledger.Definite, rules.OutsideQueue, reason, q.Rule, "Compare the queue's JQL with what set writes, correct one of them, then run: parley held retry.", err)
	}
	if i >= 0 {
		w.finished = append(w.finished, w.intents[i])
	}
	return nil
}

// outside says why the ticket is not in a queue; empty: it is.
func (w *work) outside(ctx context.Context, name string) (reason string, err error) {
	queues, err := w.d.jira.Queues(ctx, w.r.Desk())
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(queues, func(q jsm.Queue) bool { return q.Name == name || q.ID == name })
	if i < 0 {
		var names []string
		for _, q := range queues[:min(len(queues), 10)] {
			names = append(names, clip(q.Name, 40))
		}
		return fmt.Sprintf("This desk has no queue %q, only: %s.", name, strings.Join(names, ", ")), nil
	}
	there, err := w.d.jira.QueueHolds(ctx, w.r.Desk(), queues[i], w.link.Ticket)
	if err != nil || there {
		return "", err
	}
	return fmt.Sprintf("Queue %q does not hold %s, though its fields were written.", name, w.key()), nil
}

// answerable reports whether a decision of the partner's waits that an approval of the ticket can take now.
func (l *lane) answerable(t *jsm.Ticket) bool {
	for p := range l.done.Pending {
		if p.Kind() == "approval" {
			return l.r.Answerable(t)
		}
	}
	return false
}

// clocksMoved reports whether a note shows our own clock beside the partner's, and not as it stands now.
func (l *lane) clocksMoved(t *jsm.Ticket) bool {
	if l.r.OurClocks(t) == nil {
		return false
	}
	twins, err := l.d.led.Twins(l.c.Name, l.link.ID)
	return err == nil && len(l.staleClocks(t, twins)) > 0
}

// startedClocks reports whether what we wrote moved clocks of ours that notes show: by a new status, or by making the
// ticket. The next visit, which sees the notes as they are then, brings them up to date.
func (l *lane) startedClocks(before, after *jsm.Ticket) bool {
	return !maps.Equal(l.r.OurClocks(before), l.r.OurClocks(after))
}

func (l *lane) staleClocks(t *jsm.Ticket, twins map[replica.Path]ledger.Twin) []replica.Path {
	return l.r.StaleClocks(rules.Arrival{Remote: l.in.Remote, Ticket: t, Twin: twinIn(twins)})
}

// nextBreach is when a ticket is to be looked at for a clock that is breached by the mere course of time, of which Jira
// tells nobody: a moment later, so that Jira's own clock has passed it. Zero: never.
func (d *Desk) nextBreach(t *jsm.Ticket, lanes []*lane) (at time.Time) {
	now := time.Now()
	theirs := d.theirs(now)
	for _, l := range lanes {
		switch due := l.r.NextBreach(t); {
		case due.IsZero():
		case due.After(theirs):
			at = sooner(at, now.Add(due.Sub(theirs)+breachGrace))
		default: // the goal is spent to the last moment of a working day, or Jira is late
			at = sooner(at, now.Add(breachAgain))
		}
	}
	return at
}

const (
	breachGrace = 5 * time.Second
	breachAgain = 15 * time.Minute
)
