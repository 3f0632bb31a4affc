package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// comments adds, edits and takes away comments, in their order.
func (w *work) comments(ctx context.Context, plan *rules.Plan) error {
	for _, c := range plan.Comments {
		var err error
		switch c.Op {
		case rules.AddComment, rules.NoteComment:
			err = w.addComment(ctx, c)
		case rules.EditComment, rules.MarkComment:
			err = w.editComment(ctx, c)
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
		w.hold(c.Path, ledger.Definite, "refused", fmt.Sprintf("Jira refused a comment on %s: %s", w.key(), plain(err)), c.Rule, "See the reason, then run: parley held retry.", err)
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

func (w *work) addComment(ctx context.Context, c rules.CommentWrite) error {
	in := w.intent(ledger.AddComment, w.twinPath(c))
	m, err := json.Marshal(mark{Nonce: in.Nonce, Link: w.link.ID, Item: in.Path})
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
		return w.unclear(in) // its mark is looked for once that is settled
	default:
		if definite(err) {
			w.finished = append(w.finished, in)
		}
		return err
	}
	return nil
}

// editComment replaces the text of a comment that we made.
func (w *work) editComment(ctx context.Context, c rules.CommentWrite) error {
	in := w.intent(ledger.EditComment, c.Path)
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
	w.twins = append(w.twins, ledger.Twin{Connection: w.c.Name, Link: w.link.ID, Path: in.Path, Ticket: w.link.Ticket, Local: local})
	w.finished = append(w.finished, in)
}
