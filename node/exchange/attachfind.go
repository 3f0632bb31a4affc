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

// findFiles looks for uploads whose answer was lost. One that is not there is made again only after the settle time:
// the first try may still take effect.
func (w *work) findFiles(ctx context.Context, open []ledger.Intent) error {
	if len(open) == 0 {
		return nil
	}
	known, err := w.knownFiles()
	if err != nil {
		return err
	}
	for _, in := range open {
		up, public, err := w.findFile(ctx, in, known)
		if err != nil {
			return err
		}
		waits := time.Now().Before(w.d.settled(in, w.d.cfg.SettleComment))
		switch {
		case up != nil && (!public || up.Echo != nil || !waits): // else Jira is about to show it
			known = append(known, up.Attachment.ID)
			from := len(w.twins)
			w.uploaded(in, *up)
			if err := w.keepFound(in, w.twins[from:]); err != nil {
				return err
			}
			if public && up.Echo == nil {
				w.hold(in.Path, ledger.Tenant, "visibility", (&jsm.HiddenUpload{Attachment: up.Attachment.ID}).Error(), "", "Show the file to the customer by a public comment.")
			}
		case waits:
			w.wait(in, w.d.cfg.SettleComment)
		default:
			w.doubt(in)
			w.finished = append(w.finished, in)
		}
	}
	return nil
}

func (w *work) keepFound(in ledger.Intent, twins []ledger.Twin) error {
	return w.d.led.Write(func(b *ledger.Batch) error {
		for _, t := range twins {
			if err := ledger.PutTwin(b, t); err != nil {
				return err
			}
		}
		return ledger.DropIntent(b, in)
	})
}

// findFile looks for what an intent announced among our files of the ticket, but for those that are known.
func (w *work) findFile(ctx context.Context, in ledger.Intent, known []string) (up *jsm.Uploaded, public bool, err error) {
	var s sought
	if err := json.Unmarshal(in.Payload, &s); err != nil {
		return nil, false, fmt.Errorf("reading an intent to attach: %w", err)
	}
	sum := [sha256.Size]byte(s.Hash)
	up, err = w.d.jira.FindUpload(ctx, w.link.Ticket, jsm.Sought{
		Name: s.Name, Size: s.Size, SHA256: &sum, By: w.d.account().AccountID, Since: w.d.theirs(time.UnixMilli(s.Began)), Known: known, Public: s.Public,
	})
	return up, s.Public, err
}

// knownFiles lists the ids of the files here that are accounted for: twins, and what was shared from here.
func (l *lane) knownFiles() (ids []string, err error) {
	twins, err := l.d.led.TwinsOn(l.link.Ticket)
	if err != nil {
		return nil, err
	}
	for local := range twins {
		if id, ok := strings.CutPrefix(local, rules.FilePrefix); ok {
			ids = append(ids, id)
		}
	}
	for p := range l.out.Posted {
		if p.Kind() == "attachment" {
			ids = append(ids, p.Element())
		}
	}
	return ids, nil
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
	known, err := w.knownFiles()
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
		known = append(known, up.Attachment.ID)
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
	from := len(w.twins)
	w.uploaded(in, up)
	d.Next = 0
	if err := w.keepFound(in, w.twins[from:]); err != nil {
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

// mayAttach reports whether an upload of the link may still come, so that a comment of our account without a mark may
// be its echo.
func (l *lane) mayAttach() bool {
	return slices.ContainsFunc(l.open, func(in ledger.Intent) bool { return in.Effect == ledger.AddAttachment }) ||
		slices.ContainsFunc(l.doubts, func(d ledger.Doubt) bool { return d.Effect == ledger.AddAttachment && d.Next != 0 })
}

// files finds which of our files on the ticket are copies of the peer's, where a disk was lost with the record of it:
// by their bytes, since nothing else tells.
func (rec *recollection) files(ctx context.Context, l *lane, t *jsm.Ticket) error {
	twins, err := rec.d.led.Twins(l.c.Name, l.link.ID)
	if err != nil {
		return err
	}
	known, err := l.knownFiles()
	if err != nil {
		return err
	}
	for p, it := range l.in.Remote {
		if _, there := twins[p]; there || it.Kind != replica.KindAttachment {
			continue
		}
		v, err := it.Value()
		if err != nil {
			continue
		}
		theirs, ok := v.(replica.Attachment)
		if !ok {
			continue
		}
		found, err := rec.copyOf(ctx, t, theirs, known)
		if err != nil {
			return err
		}
		if found == "" {
			continue
		}
		known = append(known, found)
		twin := ledger.Twin{Connection: l.c.Name, Link: l.link.ID, Path: p, Ticket: t.ID, Local: rules.FilePrefix + found}
		if err := rec.d.led.Write(func(b *ledger.Batch) error { return ledger.PutTwin(b, twin) }); err != nil {
			return err
		}
	}
	return nil
}

// copyOf is the id of a file of ours with the bytes of the peer's; empty: there is none.
func (rec *recollection) copyOf(ctx context.Context, t *jsm.Ticket, theirs replica.Attachment, known []string) (string, error) {
	me := rec.d.account().AccountID
	for _, a := range t.Attachments {
		if a.Size != theirs.Size || a.Author.AccountID != me || slices.Contains(known, a.ID) {
			continue
		}
		sum, err := rec.d.SumFile(ctx, fileID(a), sourceOf(a))
		if err != nil {
			return "", fmt.Errorf("looking for our copies of files on %s: %w", t.Key, err)
		}
		if sum == theirs.Hash {
			return a.ID, nil
		}
	}
	return "", nil
}
