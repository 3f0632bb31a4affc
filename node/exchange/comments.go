package exchange

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// comments adds, edits and takes away comments, in their order.
func (w *work) comments(ctx context.Context, plan *rules.Plan) error {
	for _, c := range plan.Comments {
		err := w.comment(ctx, c)
		if tooLong(err) && c.Parts != nil {
			err = w.commentParts(ctx, c.Parts)
		}
		if err == nil {
			continue
		}
		if !definite(err) {
			return fmt.Errorf("writing a comment of %s: %w", w.key(), err)
		}
		w.refused(c.Path, "a comment on "+w.key(), c.Rule, seeReason, err)
	}
	return nil
}

func (w *work) comment(ctx context.Context, c rules.CommentWrite) error {
	switch {
	case c.Op.Adds():
		return w.addComment(ctx, c)
	case c.Op != rules.DeleteComment:
		return w.editComment(ctx, c)
	}
	err := w.d.jira.DeleteComment(ctx, w.link.Ticket, c.LocalID)
	if err != nil && !jsm.IsNotFound(err) {
		return err
	}
	if c.Part > 1 { // it may be needed again
		twin := w.twinAs(w.twinPath(c), c.LocalID)
		twin.Gone = true
		w.twins = append(w.twins, twin)
	}
	return nil
}

// tooLong reports Jira's refusal of a text for its length (facts 9).
func tooLong(err error) bool {
	var api *jsm.APIError
	return errors.As(err, &api) && api.Class == jsm.Definite && slices.Contains(api.Messages, "CONTENT_LIMIT_EXCEEDED")
}

// commentIntent announces the write of one comment, where that needs announcing.
func (w *work) commentIntent(c rules.CommentWrite) (in ledger.Intent, announced bool) {
	switch {
	case c.Op.Adds():
		in.Effect = ledger.AddComment
	case c.Op == rules.DeleteComment:
		return in, false
	default:
		in.Effect = ledger.EditComment
	}
	in.Connection, in.Link, in.Nonce, in.Path, in.At = w.c.Name, w.link.ID, rand.Text(), w.twinPath(c), time.Now().UnixMilli()
	return in, true
}

// commentParts writes in parts what Jira did not take whole.
func (w *work) commentParts(ctx context.Context, parts []rules.CommentWrite) error {
	var more []ledger.Intent
	for _, part := range parts {
		if in, announced := w.commentIntent(part); announced {
			w.intents = slices.DeleteFunc(w.intents, func(old ledger.Intent) bool { return old.Effect == in.Effect && old.Path == in.Path }) // of the whole
			more = append(more, in)
		}
	}
	w.intents = append(w.intents, more...)
	err := w.d.led.Write(func(b *ledger.Batch) error {
		for _, in := range more {
			if err := ledger.PutIntent(b, in); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := w.comment(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// twinPath names the twin that a comment becomes. A note on an edit is nobody's
// twin, yet must be known as ours.
func (w *work) twinPath(c rules.CommentWrite) replica.Path {
	p := c.Path
	switch c.Op {
	case rules.ShowFile:
		p += rules.EchoInfix
	case rules.NoteComment:
		p = replica.Path(fmt.Sprintf("%s%s%d", p, noteInfix, w.in.Items[p].Seq))
	}
	return rules.PartPath(p, c.Part)
}

const noteInfix = "/note/" // between a comment's path and the sequence that edited it

func (w *work) addComment(ctx context.Context, c rules.CommentWrite) error {
	in := w.intent(ledger.AddComment, w.twinPath(c))
	m, err := json.Marshal(mark{Nonce: in.Nonce, Link: w.link.ID, Item: in.Path})
	if err != nil {
		return err
	}
	said := jsm.NewComment{Body: c.Body, Public: c.Public, Mark: m, Parent: w.replyTo(c)}
	made, err := w.d.jira.AddComment(ctx, w.link.Ticket, said)
	if said.Parent != "" && (definite(err) || errors.Is(err, jsm.ErrParentVisibility)) { // nothing was written: it can stand alone
		said.Parent = ""
		made, err = w.d.jira.AddComment(ctx, w.link.Ticket, said)
	}
	var leaked *jsm.LeakedNote
	var narrower *jsm.WrongVisibility
	switch {
	case err == nil:
		w.made(in, made.ID)
		if w.madeAs == nil {
			w.madeAs = map[madeComment]bool{}
		}
		w.madeAs[madeComment{in.Path, c.Public}] = true
	case errors.As(err, &narrower):
		w.made(in, made.ID)
		w.hold(c.Path, ledger.Tenant, "visibility", narrower.Error(), c.Rule, "Check who may comment publicly in this project. The comment is there, for agents only.")
	case errors.As(err, &leaked):
		w.finished = append(w.finished, in)
		w.hold(c.Path, ledger.Tenant, "visibility", leaked.Error(), c.Rule, "Check the project's comment visibility settings before you run: parley held retry.")
	case jsm.MaybeApplied(err):
		return w.unclear(in) // its mark is looked for once that is settled
	default:
		if definite(err) {
			w.finished = append(w.finished, in)
		}
		return err
	}
	return nil
}

// replyTo is the comment here that one answers: one that this visit has just made, too, where the same people read it.
func (w *work) replyTo(c rules.CommentWrite) string {
	if c.ReplyTo != "" || c.Parent == "" || !w.madeAs[madeComment{c.Parent, c.Public}] {
		return c.ReplyTo
	}
	i := slices.IndexFunc(w.twins, func(t ledger.Twin) bool { return t.Path == c.Parent })
	return w.twins[i].Local
}

// madeComment is a comment that this visit has made, and who reads it.
type madeComment struct {
	path   replica.Path
	public bool
}

// editComment replaces the text of a comment that we made.
func (w *work) editComment(ctx context.Context, c rules.CommentWrite) error {
	in := w.intent(ledger.EditComment, w.twinPath(c))
	_, err := w.d.jira.EditComment(ctx, w.link.Ticket, c.LocalID, c.Body)
	var leaked *jsm.LeakedNote
	var narrower *jsm.WrongVisibility
	switch {
	case errors.As(err, &leaked), errors.As(err, &narrower):
		w.hold(c.Path, ledger.Tenant, "visibility", err.Error(), c.Rule, "Check the project's comment visibility settings before you run: parley held retry.")
		err = nil
	case jsm.MaybeApplied(err):
		return w.unclear(in)
	}
	if err == nil || definite(err) {
		w.finished = append(w.finished, in)
	}
	return err
}

func (w *work) made(in ledger.Intent, local string) {
	w.twins = append(w.twins, w.twinAs(in.Path, local))
	w.finished = append(w.finished, in)
}
