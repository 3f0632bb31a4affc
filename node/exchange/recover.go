package exchange

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
	"parley/replica/adf"
)

// recover settles what an earlier visit began and did not finish: the process
// died, or Jira's answer was lost. Every open intent is looked up by its mark, or
// by what the ticket's history tells, before anything is tried again.
func (w *work) recover(ctx context.Context) error {
	var comments, uploads, parts, writes []ledger.Intent
	for _, in := range w.open {
		switch in.Effect {
		case ledger.CreateTicket:
			if err := w.findTicket(ctx, in); err != nil {
				return err
			}
		case ledger.AddComment:
			comments = append(comments, in)
		case ledger.AddAttachment:
			uploads = append(uploads, in)
		case ledger.EditComment, ledger.EditWorklog:
			w.rewordings(in)
		case ledger.AddWorklog, ledger.AddLink, ledger.PutWebLink, ledger.AddParticipant:
			parts = append(parts, in)
		case ledger.AnswerApproval, ledger.FillQueue:
			w.recoverService(in)
		default:
			writes = append(writes, in)
		}
	}
	if err := w.ownWrites(ctx, writes); err != nil {
		return err
	}
	if err := w.findComments(ctx, comments); err != nil {
		return err
	}
	if err := w.findFiles(ctx, uploads); err != nil {
		return err
	}
	if err := w.findParts(ctx, parts); err != nil {
		return err
	}
	if err := w.sweep(ctx); err != nil {
		return err
	}
	if err := w.seeFound(ctx); err != nil {
		return err
	}
	w.unkept = len(w.held) > 0
	return nil
}

// seeFound reads the ticket again where it was read before something was made that recovering found: what a judgement
// does not see there passes for deleted by a person.
func (w *work) seeFound(ctx context.Context) error {
	if w.ticket == nil || !slices.ContainsFunc(w.twins, func(t ledger.Twin) bool { return !bears(w.ticket, t.Local) }) {
		return nil
	}
	t, err := w.d.jira.Ticket(ctx, w.link.Ticket)
	if err != nil {
		return fmt.Errorf("reading %s again for what was made there: %w", w.key(), err)
	}
	return w.look(t)
}

// bears reports whether a ticket shows a comment or a file; of other twins' local ids it is always true.
func bears(t *jsm.Ticket, local string) bool {
	if id, ok := strings.CutPrefix(local, rules.FilePrefix); ok {
		return slices.ContainsFunc(t.Attachments, func(a jsm.Attachment) bool { return a.ID == id })
	}
	return strings.Contains(local, "/") || slices.ContainsFunc(t.Comments, func(c jsm.Comment) bool { return c.ID == local })
}

// recovered stores what recovering came to, in the batch that announces what
// comes next.
func (w *work) recovered(b *ledger.Batch) error {
	if w.unkept { // what it holds is stored with the rest, so its intents stay until then
		return nil
	}
	if err := w.storeBases(b); err != nil {
		return err
	}
	for _, in := range w.finished {
		if err := ledger.DropIntent(b, in); err != nil {
			return err
		}
	}
	for _, o := range w.lost {
		if err := ledger.PutOverruled(b, o); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(w.finished, func(in ledger.Intent) bool { return len(in.Disputes) > 0 }) {
		if err := ledger.PutFriction(b, w.c.Name, w.link.ID, w.friction); err != nil {
			return err
		}
	}
	w.finished, w.lost = nil, nil
	return w.storeDoubts(b)
}

// ownWrites takes what unfinished edits and transitions did set as our own: the
// history tells whether they were carried out. One of which it tells nothing may
// still take effect; until that is settled the ticket's fields are left alone.
func (w *work) ownWrites(ctx context.Context, open []ledger.Intent) error {
	if len(open) == 0 {
		return nil
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	var own written
	for _, in := range open {
		landed := in.Answered || w.trail(w.ticket.History, in.History).wrote(in.Fields)
		if !landed && time.Now().Before(w.d.settled(in, w.d.cfg.SettleComment)) {
			w.unsure = append(w.unsure, in)
			w.wait(in, w.d.cfg.SettleComment)
			continue
		}
		if landed {
			w.gaveUp(in)
		} else {
			w.doubt(in)
		}
		var prints []rules.Print
		if len(in.Payload) > 0 {
			if err := json.Unmarshal(in.Payload, &prints); err != nil {
				return fmt.Errorf("reading an intent to edit: %w", err)
			}
		}
		if len(own.fields) == 0 || newer(own.before, in.History) {
			own.before = in.History
		}
		own.touched = append(own.touched, in.Touched...)
		own.fields = append(own.fields, in.Fields...)
		own.prints = append(own.prints, prints...)
		w.finished = append(w.finished, in)
	}
	if len(own.fields) == 0 {
		return nil
	}
	t, err := w.own(ctx, w.ticket, own)
	if err != nil {
		return err
	}
	return w.look(t)
}

// look takes the ticket as it is now.
func (w *work) look(t *jsm.Ticket) error {
	view, _, err := w.lane.view(t)
	if err != nil {
		return err
	}
	if t != w.ticket {
		w.ticket, w.fresh = t, t
	}
	w.view = view
	return nil
}

// rewordings leaves a comment alone whose new text may still come. After that it
// is judged again by what it says.
func (w *work) rewordings(in ledger.Intent) {
	if time.Now().Before(w.d.settled(in, w.d.cfg.SettleComment)) {
		w.wait(in, w.d.cfg.SettleComment)
		return
	}
	w.again = sooner(w.again, w.doubt(in))
	w.finished = append(w.finished, in)
	w.judgeAgain(in.Path)
}

// findComments looks for comments by their marks.
func (w *work) findComments(ctx context.Context, open []ledger.Intent) error {
	if len(open) == 0 {
		return nil
	}
	there, err := w.d.jira.Comments(ctx, w.link.Ticket)
	if err != nil {
		return fmt.Errorf("looking for comments on %s: %w", w.key(), err)
	}
	byNonce := map[string]string{}
	for _, c := range there {
		if nonce := nonceOf(c); nonce != "" {
			byNonce[nonce] = c.ID
		}
	}
	return w.lookUp(open, func(in ledger.Intent) (made []ledger.Twin, err error) {
		if local := byNonce[in.Nonce]; local != "" {
			made = append(made, w.twinAs(in.Path, local))
		}
		return made, nil
	})
}

// findTicket looks for a ticket whose creation was not confirmed.
func (w *work) findTicket(ctx context.Context, in ledger.Intent) error {
	if w.link.Ticket != "" {
		w.finished = append(w.finished, in)
		return nil
	}
	found, err := w.created(ctx, in)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		w.ours, err = w.adopt(in, found[0].ID, found[0].Key)
		return err
	}
	settled := w.d.settled(in, w.d.cfg.SettleCreate)
	if time.Now().Before(settled) {
		w.waits = map[replica.Path]time.Time{"": settled}
		w.again = sooner(w.again, settled)
		return nil
	}
	w.doubt(in)
	w.finished = append(w.finished, in)
	return nil
}

// created looks for tickets that bear the mark of an intent to create.
func (w *work) created(ctx context.Context, in ledger.Intent) (marks []*jsm.Ticket, err error) {
	var asked creation
	if err := json.Unmarshal(in.Payload, &asked); err != nil {
		return nil, fmt.Errorf("reading an intent to create: %w", err)
	}
	// By time and creator, not by text: the newest part of Jira's index is its
	// tokens of long texts. Clocks of both sides are given five minutes of slack.
	since := w.d.theirs(time.UnixMilli(in.At)).Add(-5 * time.Minute).UnixMilli()
	query := "project = " + jsm.QuoteJQL(asked.Project) + " AND creator = currentUser() AND created >= " + strconv.FormatInt(since, 10) + " ORDER BY created ASC, key ASC"
	found, err := w.d.jira.Search(ctx, query, []string{"summary", "description"})
	if err != nil {
		return nil, fmt.Errorf("looking for the ticket of link %s: %w", w.link.ID, err)
	}
	for _, t := range found {
		if marked(t, in.Nonce) {
			marks = append(marks, t)
		}
	}
	return marks, nil
}

// marked reports whether a ticket bears the create marker of a nonce: in its
// texts until the completing edit, as a property from then on.
func marked(t *jsm.Ticket, nonce string) bool {
	var m mark
	if json.Unmarshal(t.Marks[jsm.MarkKey], &m) == nil && m.Nonce == nonce {
		return true
	}
	return strings.Contains(string(t.Fields["summary"]), marker(nonce)) || strings.Contains(string(t.Fields["description"]), marker(nonce))
}

// marker is the line that a portal request carries from its creation to its
// completing edit: the portal takes no entity property, so a text is the only
// sign by which a created ticket can be found when the answer was lost.
func marker(nonce string) string { return markerWord + nonce }

const markerWord = "parley-mark-"

// unfinished reports whether a ticket still bears somebody's create marker: it
// is a twin in the making and starts nothing.
func unfinished(t *jsm.Ticket) bool {
	return strings.Contains(string(t.Fields["summary"]), markerWord) || strings.Contains(string(t.Fields["description"]), markerWord)
}

// markText adds the marker to a rich text.
func markText(body jsm.Rich, nonce string) (jsm.Rich, error) {
	doc := adf.Text("")
	if len(body) > 0 {
		var err error
		if doc, err = adf.Parse(body); err != nil {
			return nil, fmt.Errorf("reading the description: %w", err)
		}
	}
	return jsm.Rich(doc.Append(marker(nonce)).JSON()), nil
}
