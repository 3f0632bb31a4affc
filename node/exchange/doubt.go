package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
	"parley/replica/adf"
)

// looks are when, after its call, an effect that was not there at the settle time
// is looked for again. After a day it comes no more.
var looks = []time.Duration{time.Hour, 24 * time.Hour}

// lateInfix stands between a comment's path and the id of a second one made of
// it: it is ours, and so never leaves, but nobody's twin.
const lateInfix = "/late/"

// doubt keeps an intent whose effect did not show, to be looked for again. It
// returns when.
func (w *work) doubt(in ledger.Intent) time.Time {
	d := ledger.Doubt{Intent: in, Next: time.UnixMilli(in.At).Add(looks[0]).UnixMilli()}
	if w.ticket != nil && len(w.ticket.History) > 0 {
		d.Settled = w.ticket.History[0].ID
	}
	w.doubts = append(w.doubts, d)
	return time.UnixMilli(d.Next)
}

// sweep looks again for what may have come late. An old value of ours that came
// over a newer one is taken back; a second comment that says the same is deleted;
// anything else is told to a person and never touched.
func (w *work) sweep(ctx context.Context) error {
	var comments, uploads, parts []*ledger.Doubt
	for i := range w.doubts {
		d := &w.doubts[i]
		var err error
		switch d.Effect {
		case ledger.AddComment:
			comments = append(comments, d)
			continue
		case ledger.AddAttachment:
			uploads = append(uploads, d)
			continue
		case ledger.AddWorklog, ledger.AddLink, ledger.PutWebLink, ledger.AddParticipant:
			parts = append(parts, d)
			continue
		case ledger.CreateTicket:
			err = w.sweepTicket(ctx, d)
		case ledger.EditComment, ledger.EditWorklog:
			w.judgeAgain(d.Path) // judged again by what it says
		default:
			err = w.sweepWrite(ctx, d)
		}
		if err != nil {
			return err
		}
		w.looked(d)
	}
	return errors.Join(w.sweepComments(ctx, comments), w.sweepFiles(ctx, uploads), w.sweepParts(ctx, parts))
}

// looked moves a doubt to its next look.
func (w *work) looked(d *ledger.Doubt) {
	for d.Next != 0 && !time.Now().Before(time.UnixMilli(d.Next)) {
		if d.Looks++; d.Looks < len(looks) {
			d.Next = time.UnixMilli(d.At).Add(looks[d.Looks]).UnixMilli()
		} else {
			d.Next = 0
		}
	}
	if d.Next != 0 {
		w.again = sooner(w.again, time.UnixMilli(d.Next))
	}
}

func due(d *ledger.Doubt) bool { return d.Next != 0 && !time.Now().Before(time.UnixMilli(d.Next)) }

// storeDoubts keeps the doubts that go on and ends the others.
func (w *work) storeDoubts(b *ledger.Batch) error {
	for _, d := range w.doubts {
		put := ledger.PutDoubt
		if d.Next == 0 && d.Twin == "" {
			put = ledger.DropDoubt
		}
		if err := put(b, d); err != nil {
			return err
		}
	}
	return nil
}

// twinsHeld tells of the second tickets and comments that were found.
func (w *work) twinsHeld() (held []ledger.Held) {
	for _, d := range w.doubts {
		if d.Twin == "" {
			continue
		}
		h := ledger.Held{
			Path: replica.Path("twin/" + d.Twin), Key: w.key(), Class: ledger.Definite, Code: codeTwin, Since: time.Now().UnixMilli(),
			Reason: fmt.Sprintf("%s is a second ticket beside %s: Jira carried out a call late whose answer had been lost.", d.TwinKey, w.key()),
			Next:   fmt.Sprintf("Look at both, delete or close %s, then run: parley held retry.", d.TwinKey),
		}
		if d.Effect == ledger.AddComment {
			h.Reason = fmt.Sprintf("%s on %s is a second comment made of the same words of the partner's: Jira carried out a call late whose answer had been lost.", d.TwinKey, w.key())
			h.Next = "Look at both and delete the one that is too much; then run: parley held retry."
		}
		held = append(held, h)
	}
	return held
}

// sweepTicket looks for a second ticket.
func (w *work) sweepTicket(ctx context.Context, d *ledger.Doubt) error {
	if d.Twin != "" && w.job.retry {
		if _, err := w.d.jira.Ticket(ctx, d.Twin); jsm.IsNotFound(err) {
			d.Twin, d.TwinKey = "", ""
		} else if err != nil {
			return fmt.Errorf("looking for %s: %w", d.TwinKey, err)
		}
	}
	if !due(d) {
		return nil
	}
	found, err := w.created(ctx, d.Intent)
	if err != nil {
		return err
	}
	for _, t := range found {
		if t.ID != w.link.Ticket {
			d.Twin, d.TwinKey = t.ID, t.Key
		}
	}
	return nil
}

// sweepComments looks for second comments: in the list that Jira gives with the
// marks, which is read only where a look is due or a comment is strange.
func (w *work) sweepComments(ctx context.Context, open []*ledger.Doubt) error {
	for _, d := range open {
		if d.Twin != "" && w.ticket != nil && !slices.ContainsFunc(w.ticket.Comments, func(c jsm.Comment) bool { return c.ID == d.Twin }) {
			d.Twin, d.TwinKey = "", "" // a person deleted it
		}
	}
	if !slices.ContainsFunc(open, func(d *ledger.Doubt) bool { return due(d) || w.job.strange }) {
		for _, d := range open {
			w.looked(d)
		}
		return nil
	}
	there, err := w.d.jira.Comments(ctx, w.link.Ticket)
	if err != nil {
		return fmt.Errorf("looking for late comments on %s: %w", w.key(), err)
	}
	twins, err := w.d.led.Twins(w.c.Name, w.link.ID)
	if err != nil {
		return err
	}
	for _, d := range open {
		w.looked(d)
		i := slices.IndexFunc(there, func(c jsm.Comment) bool { return nonceOf(c) == d.Nonce })
		if i < 0 {
			continue
		}
		if err := w.late(ctx, d, there[i], twins[d.Path].Local, there); err != nil {
			return err
		}
	}
	return nil
}

// markOf reads a comment's mark; zero where it has none of ours.
func markOf(c jsm.Comment) (m mark) {
	if json.Unmarshal(c.Mark, &m) != nil {
		return mark{}
	}
	return m
}

func nonceOf(c jsm.Comment) string { return markOf(c).Nonce }

// late decides about a comment that came after its try had been given up. The
// house's rule: a comment of ours with our mark that nobody has answered, and that
// nobody has edited or that repeats another one word for word, to the same readers,
// is our own mistake and nobody's words: it is deleted. Anything else is a person's
// to decide.
func (w *work) late(ctx context.Context, d *ledger.Doubt, c jsm.Comment, adopted string, there []jsm.Comment) error {
	switch i := slices.IndexFunc(there, func(o jsm.Comment) bool { return o.ID == adopted }); {
	case adopted == "" || adopted == c.ID: // it was not tried again
		w.twins = append(w.twins, ledger.Twin{Connection: w.c.Name, Link: w.link.ID, Path: d.Path, Ticket: w.link.Ticket, Local: c.ID})
		w.judgeAgain(d.Path)
		d.Next, d.Twin = 0, ""
		return w.keepTwins()
	case i >= 0 && (untouched(c) || repeats(c, there[i])) && !answered(c.ID, there):
		if err := w.d.jira.DeleteComment(ctx, w.link.Ticket, c.ID); err != nil && !definite(err) {
			return fmt.Errorf("deleting a doubled comment of %s: %w", w.key(), err)
		} else if err == nil {
			w.d.log.Info("a comment that Jira had made twice was deleted", "connection", w.c.Name, "link", w.link.ID, "ticket", w.link.Ticket)
			d.Next, d.Twin = 0, ""
			return nil
		}
	}
	d.Twin, d.TwinKey = c.ID, "Comment "+c.ID
	w.twins = append(w.twins, ledger.Twin{Connection: w.c.Name, Link: w.link.ID, Path: d.Path + lateInfix + replica.Path(c.ID), Ticket: w.link.Ticket, Local: c.ID})
	return w.keepTwins()
}

// untouched reports whether a comment is as it was made.
func untouched(c jsm.Comment) bool { return !c.Updated.After(c.Created) }

// repeats reports whether two comments of ours say the same to the same readers.
func repeats(a, b jsm.Comment) bool {
	x, errA := adf.Parse(a.Body)
	y, errB := adf.Parse(b.Body)
	return errA == nil && errB == nil && a.Author.AccountID == b.Author.AccountID && a.Customer() == b.Customer() &&
		bytes.Equal(x.JSON(), y.JSON())
}

func answered(id string, there []jsm.Comment) bool {
	return slices.ContainsFunc(there, func(c jsm.Comment) bool { return c.Parent == id })
}

// sweepWrite takes back an old edit or transition of ours that came late: what
// it replaced is written again, since that was decided knowing more.
func (w *work) sweepWrite(ctx context.Context, d *ledger.Doubt) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	var prints []rules.Print
	if err := json.Unmarshal(d.Payload, &prints); err != nil {
		return fmt.Errorf("reading a doubtful edit: %w", err)
	}
	tr := w.trail(w.ticket.History, d.Settled)
	back := rules.Plan{Edit: jsm.Edit{Set: map[string]jsm.Value{}, Add: map[string][]jsm.Value{}, Remove: map[string][]jsm.Value{}, Types: map[string]jsm.Field{}}}
	for _, p := range prints {
		steps := tr.fields[p.Field]
		if !slices.Contains(d.Fields, p.Field) || len(steps) == 0 || !steps[0].ours || !w.r.Bears(w.ticket, p) {
			continue
		}
		w.takeBack(&back, d, steps)
	}
	if back.Empty() {
		return nil
	}
	w.d.log.Info("an old write of ours came late and is taken back", "connection", w.c.Name, "link", w.link.ID, "ticket", w.link.Ticket)
	t, _, err := w.undo(ctx, w.ticket, &back)
	if err != nil {
		return err
	}
	w.accounted(t)
	return w.look(t)
}

// takeBack plans to undo one late change of ours. Where the history does not
// tell what it replaced, the field is judged again by what the peer says.
func (w *work) takeBack(back *rules.Plan, d *ledger.Doubt, steps []step) {
	field := jsm.FieldOf(steps[0].item)
	f := w.r.Field(field)
	back.Edit.Types[field] = f
	if gone, added, known := f.Members(steps[0].item); known {
		back.Edit.Add[field], back.Edit.Remove[field] = members(f, gone), members(f, added)
		return
	}
	if v, ok := f.Before(steps[0].item); ok && f.Type == jsm.StatusType {
		back.Transition = &jsm.Target{Status: steps[0].item.FromString}
		return
	} else if ok {
		back.Edit.Set[field] = v
		return
	}
	delete(back.Edit.Types, field)
	for _, p := range w.r.OutgoingPaths(field) {
		w.base(w.view, p)
	}
	for _, p := range d.Sources {
		w.judgeAgain(p)
	}
	if len(steps) > 1 && !steps[1].ours {
		w.hold(replica.Path(field), ledger.Definite, CodeOverwritten, fmt.Sprintf("%s of %s was changed by a person, and then by an old write of parley's that Jira carried out late; it cannot be put back exactly.", f.Name, w.key()),
			"", "Open the ticket's history and put the text back by hand.")
	}
}

func members(f jsm.Field, list []jsm.Option) (out []jsm.Value) {
	for _, o := range list {
		if f.Type == jsm.Labels {
			out = append(out, o.Value)
		} else {
			out = append(out, o)
		}
	}
	return out
}

// accounted notes that everything of ours in the ticket's history is known: what
// comes after it, of a doubtful write, is late.
func (w *work) accounted(t *jsm.Ticket) {
	if len(t.History) == 0 {
		return
	}
	for i := range w.doubts {
		w.doubts[i].Settled = t.History[0].ID
	}
}
