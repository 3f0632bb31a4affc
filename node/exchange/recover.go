package exchange

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
	"parley/replica/adf"
)

// recover settles what an earlier visit began and did not finish: the process
// died, or Jira's answer was lost. Every open intent is looked up by its mark
// before anything is tried again.
func (w *work) recover(ctx context.Context) error {
	open, err := w.d.led.Intents(w.c.Name, w.link.ID)
	if err != nil || len(open) == 0 {
		return err
	}
	var comments []ledger.Intent
	for _, in := range open {
		switch in.Effect {
		case ledger.CreateTicket:
			if err := w.findTicket(ctx, in); err != nil {
				return err
			}
		case ledger.AddComment:
			comments = append(comments, in)
		default:
			if err := w.ownEdit(ctx, in); err != nil {
				return err
			}
		}
	}
	return w.findComments(ctx, comments)
}

// ownEdit takes the items that an unfinished edit or transition did set as our
// own: the history tells whether it was carried out. Whatever is still missing
// is simply due again.
func (w *work) ownEdit(ctx context.Context, in ledger.Intent) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	view, _, err := w.lane.view(w.ticket)
	if err != nil {
		return err
	}
	w.view = view
	w.absorbItems(view, w.ticket.History, in.History, in.Touched)
	w.yield(view, in.Touched)
	w.finished = append(w.finished, in)
	return nil
}

// findComments looks for comments by their marks. One that is not there is made
// again only after the settle time: the first try may still take effect.
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
		var m mark
		if json.Unmarshal(c.Mark, &m) == nil && m.Nonce != "" {
			byNonce[m.Nonce] = c.ID
		}
	}
	for _, in := range open {
		switch local, found := byNonce[in.Nonce]; {
		case found:
			w.made(in, local)
			if err := w.keepTwin(in); err != nil {
				return err
			}
		case time.Now().Before(w.d.settled(in, w.d.cfg.SettleComment)):
			w.wait(in, w.d.cfg.SettleComment)
		default:
			w.finished = append(w.finished, in)
		}
	}
	return nil
}

// keepTwin stores a found comment at once, so that the plan made next knows it.
func (w *work) keepTwin(in ledger.Intent) error {
	t := w.twins[len(w.twins)-1]
	return w.d.led.Write(func(b *ledger.Batch) error {
		if err := ledger.PutTwin(b, t); err != nil {
			return err
		}
		return ledger.DropIntent(b, in)
	})
}

// findTicket looks for a ticket whose creation was not confirmed.
func (w *work) findTicket(ctx context.Context, in ledger.Intent) error {
	if w.link.Ticket != "" {
		w.finished = append(w.finished, in)
		return nil
	}
	var asked creation
	if err := json.Unmarshal(in.Payload, &asked); err != nil {
		return fmt.Errorf("reading an intent to create: %w", err)
	}
	// By time and creator, not by text: the newest part of Jira's index is its
	// tokens of long texts. Clocks of both sides are given five minutes of slack.
	since := time.UnixMilli(in.At).Add(-5 * time.Minute).UnixMilli()
	query := "project = " + jsm.QuoteJQL(asked.Project) + " AND creator = currentUser() AND created >= " + strconv.FormatInt(since, 10) + " ORDER BY created ASC, key ASC"
	found, err := w.d.jira.Search(ctx, query, []string{"summary", "description"})
	if err != nil {
		return fmt.Errorf("looking for the ticket of link %s: %w", w.link.ID, err)
	}
	for _, t := range found {
		if marked(t, in.Nonce) {
			w.ours, err = w.adopt(in, t.ID, t.Key)
			return err
		}
	}
	settled := w.d.settled(in, w.d.cfg.SettleCreate)
	if time.Now().Before(settled) {
		w.waits = map[replica.Path]time.Time{"": settled}
		w.again = sooner(w.again, settled)
		return nil
	}
	w.finished = append(w.finished, in)
	return nil
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
