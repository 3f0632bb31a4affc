package exchange

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// findFiles looks for uploads, and for the comments that Jira makes of public ones.
func (w *work) findFiles(ctx context.Context, open []ledger.Intent) error {
	if len(open) == 0 {
		return nil
	}
	known, err := w.claims()
	if err != nil {
		return err
	}
	return w.lookUp(open, func(in ledger.Intent) ([]ledger.Twin, error) {
		up, public, err := w.findFile(ctx, in, known)
		hidden := err == nil && up != nil && public && up.Echo == nil
		if err != nil || up == nil || hidden && time.Now().Before(w.d.settled(in, w.d.cfg.SettleComment)) { // Jira may be about to show it
			return nil, err
		}
		if hidden {
			w.hold(in.Path, ledger.Tenant, "visibility", (&jsm.HiddenUpload{Attachment: up.Attachment.ID}).Error(), "", "Show the file to the customer by a public comment.")
		}
		known.take(up)
		return w.twinsOf(in.Path, up), nil
	})
}

// findFile looks for what an intent announced among our files of the ticket, but for those that are accounted for.
func (w *work) findFile(ctx context.Context, in ledger.Intent, known claimed) (up *jsm.Uploaded, public bool, err error) {
	var s sought
	if err := json.Unmarshal(in.Payload, &s); err != nil {
		return nil, false, fmt.Errorf("reading an intent to attach: %w", err)
	}
	sum := [sha256.Size]byte(s.Hash)
	up, err = w.d.jira.FindUpload(ctx, w.link.Ticket, jsm.Sought{
		Name: s.Name, Size: s.Size, SHA256: &sum, By: w.d.account().AccountID, Since: w.d.theirs(time.UnixMilli(s.Began)), Known: known.files, Said: known.comments, Public: s.Public,
	})
	return up, s.Public, err
}

// claimed are the files and comments of a ticket of which is known what they are.
type claimed struct{ files, comments []string }

// claims are the twins on a link's ticket, and what was shared from there.
func (l *lane) claims() (known claimed, err error) {
	if known, err = l.twinClaims(); err != nil {
		return known, err
	}
	for p := range l.out.Posted {
		switch p.Kind() {
		case "attachment":
			known.files = append(known.files, p.Element())
		case "comment":
			known.comments = append(known.comments, p.Element())
		}
	}
	return known, nil
}

func (l *lane) twinClaims() (known claimed, err error) {
	twins, err := l.d.led.TwinsOn(l.link.Ticket)
	if err != nil {
		return known, err
	}
	for local := range twins {
		if id, ok := strings.CutPrefix(local, rules.FilePrefix); ok {
			known.files = append(known.files, id)
		} else if !strings.Contains(local, "/") {
			known.comments = append(known.comments, local)
		}
	}
	return known, nil
}

// take accounts for an upload that was found.
func (c *claimed) take(up *jsm.Uploaded) {
	c.files = append(c.files, up.Attachment.ID)
	if up.Echo != nil {
		c.comments = append(c.comments, up.Echo.ID)
	}
}

// sweepFiles looks for uploads that came late, after they had been made again. One of ours that repeats another of
// ours byte for byte is our own mistake and is deleted with its comment.
func (w *work) sweepFiles(ctx context.Context, open []*ledger.Doubt) error {
	if !slices.ContainsFunc(open, func(d *ledger.Doubt) bool { return due(d) || w.job.strange }) {
		for _, d := range open {
			w.looked(d)
		}
		return nil
	}
	known, err := w.claims()
	if err != nil {
		return err
	}
	twins, err := w.d.led.Twins(w.c.Name, w.link.ID)
	if err != nil {
		return err
	}
	for _, d := range open {
		up, _, err := w.findFile(ctx, d.Intent, known)
		if err != nil {
			return err
		}
		w.looked(d)
		if up == nil {
			continue
		}
		known.take(up)
		if err := w.lateFile(ctx, d, *up, twins[d.Path].Local); err != nil {
			return err
		}
	}
	return nil
}

// lateFile takes a late upload for the twin, where there is none, and else deletes it.
func (w *work) lateFile(ctx context.Context, d *ledger.Doubt, up jsm.Uploaded, adopted string) error {
	in := d.Intent
	if adopted != "" {
		in.Path += replica.Path(lateInfix + up.Attachment.ID)
	}
	made := w.twinsOf(in.Path, &up)
	w.twins = append(w.twins, made...)
	d.Next = 0
	if err := w.keepFound(in, made); err != nil {
		return err
	}
	if adopted == "" {
		w.judgeAgain(d.Path)
		return nil
	}
	err := w.d.jira.DeleteAttachment(ctx, w.link.Ticket, up.Attachment.ID)
	if err == nil && up.Echo != nil {
		err = w.d.jira.DeleteComment(ctx, w.link.Ticket, up.Echo.ID)
	}
	switch {
	case err == nil, jsm.IsNotFound(err):
		w.d.log.Info("a file that Jira had attached twice was deleted", "connection", w.c.Name, "link", w.link.ID, "ticket", w.link.Ticket)
	case definite(err):
		w.hold(d.Path, ledger.Definite, codeTwin, fmt.Sprintf("%s has a second copy of a file of the partner's: Jira carried out a call late whose answer had been lost, and it cannot be deleted.", w.key()), "", "Delete the second copy by hand; then run: parley held retry.", err)
	default:
		return fmt.Errorf("deleting a doubled attachment of %s: %w", w.key(), err)
	}
	return nil
}

// mayEcho reports whether a comment of our own account may be what Jira makes of a public upload that has no clear
// outcome yet. It never leaves before that is settled.
func (l *lane) mayEcho(c *jsm.Comment) bool {
	return c.Author.AccountID == l.d.account().AccountID && slices.ContainsFunc(l.open, func(in ledger.Intent) bool {
		var s sought
		return in.Effect == ledger.AddAttachment && json.Unmarshal(in.Payload, &s) == nil && s.Public &&
			!c.Created.Before(l.d.theirs(time.UnixMilli(s.Began)).Add(-10*time.Minute))
	})
}

// mayCopy reports whether a file of our own account may be an upload that has no clear outcome yet, likewise: it may be
// found before the comment that shows it is.
func (l *lane) mayCopy(a *jsm.Attachment) bool {
	if a.Author.AccountID != l.d.account().AccountID {
		return false
	}
	may := func(in ledger.Intent) bool {
		var s sought
		return in.Effect == ledger.AddAttachment && json.Unmarshal(in.Payload, &s) == nil && s.Size == a.Size &&
			!a.Created.Before(l.d.theirs(time.UnixMilli(s.Began)).Add(-10*time.Minute))
	}
	return slices.ContainsFunc(l.open, may) ||
		slices.ContainsFunc(l.doubts, func(d ledger.Doubt) bool { return d.Next != 0 && may(d.Intent) })
}

// mayAttach reports whether an upload of the link may still come, so that a comment of our account without a mark may
// be its echo.
func (l *lane) mayAttach() bool {
	return slices.ContainsFunc(l.open, func(in ledger.Intent) bool { return in.Effect == ledger.AddAttachment }) ||
		slices.ContainsFunc(l.doubts, func(d ledger.Doubt) bool { return d.Effect == ledger.AddAttachment && d.Next != 0 })
}

// files finds which of our files on the ticket are copies of the peer's, where a disk was lost with the record of it:
// by their bytes, since nothing else tells; and what Jira made of them, also where that bears no mark. What was shared from
// here counts, too, though last: a node that does not know yet what it forgot takes its copies for a person's.
func (rec *recollection) files(ctx context.Context, l *lane, t *jsm.Ticket) error {
	twins, err := rec.d.led.Twins(l.c.Name, l.link.ID)
	if err != nil {
		return err
	}
	known, err := l.twinClaims()
	if err != nil {
		return err
	}
	for p, it := range l.in.Remote {
		theirs, ok := rules.AttachmentOf(it)
		if _, there := twins[p]; there || !ok {
			continue
		}
		ours, err := rec.copyOf(ctx, l, t, theirs, known.files)
		if err != nil {
			return err
		}
		if ours == nil {
			continue
		}
		up := jsm.Uploaded{Attachment: *ours}
		if _, there := twins[p+rules.EchoInfix]; !there {
			if up.Echo, err = rec.d.jira.EchoOf(ctx, t, *ours, known.comments); err != nil {
				return fmt.Errorf("looking for what shows our copies of files on %s: %w", t.Key, err)
			}
		}
		known.take(&up)
		if err := rec.d.keepStrays(l.twinsOf(p, &up)); err != nil {
			return err
		}
	}
	return nil
}

// copyOf is a file of ours with the bytes of the peer's; nil: there is none.
func (rec *recollection) copyOf(ctx context.Context, l *lane, t *jsm.Ticket, theirs replica.Attachment, known []string) (*jsm.Attachment, error) {
	me := rec.d.account().AccountID
	files := slices.DeleteFunc(slices.Clone(t.Attachments), func(a jsm.Attachment) bool {
		return a.Size != theirs.Size || a.Author.AccountID != me || slices.Contains(known, a.ID)
	})
	slices.SortStableFunc(files, func(a, b jsm.Attachment) int { return compareBool(l.posted(a), l.posted(b)) })
	for _, a := range files {
		sum, err := rec.d.SumFile(ctx, fileID(a), sourceOf(a))
		if err != nil {
			return nil, fmt.Errorf("looking for our copies of files on %s: %w", t.Key, err)
		}
		if sum == theirs.Hash {
			return &a, nil
		}
	}
	return nil, nil
}

func (l *lane) posted(a jsm.Attachment) bool {
	_, yes := l.out.Posted[replica.Path(rules.FilePrefix+a.ID)]
	return yes
}
