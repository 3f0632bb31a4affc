package exchange

import (
	"context"
	"crypto/sha256"
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

// The peer's files on their way into Jira: a plan names them, their bytes are fetched (blob.go), and what is here in
// whole is uploaded from the spool. An attachment can bear no mark, so an upload without an answer is looked up by
// who, when, how long and the hash of its bytes (attachfind.go).

// sought is what is needed to look an upload up: the payload of its intent.
type sought struct {
	Name   string       `json:"name"`
	Size   int64        `json:"size"`
	Hash   replica.Hash `json:"hash"`
	Public bool         `json:"public,omitempty"`
	Began  int64        `json:"began"` // Unix ms, by our clock
}

const smallFile = 4 << 20 // bytes; larger ones are uploaded when the rest of the ticket is written

// fetchFiles keeps of a plan's attachments those that can be written now: it has the others fetched, and says what each
// waits for. While a file is on its way only its item waits, and nothing is held.
func (w *work) fetchFiles(plan *rules.Plan) error {
	kept := plan.Attachments[:0]
	for _, a := range plan.Attachments {
		ready := true
		if a.Op == rules.AddAttachment {
			var err error
			if ready, err = w.ready(a); err != nil {
				return err
			}
		}
		if ready {
			kept = append(kept, a)
		}
	}
	plan.Attachments = kept
	return nil
}

// ready reports whether a file can be uploaded; where it cannot, it waits.
func (w *work) ready(a rules.AttachmentWrite) (bool, error) {
	if until, waiting := w.waits[a.Path]; waiting {
		w.again = sooner(w.again, until)
		return false, nil
	}
	counted := w.d.blobs.wanted(w.c, w.link.ID, a.Hash, a.Size)
	if ok, err := w.d.spendBytes(w.c, bytesIn, w.link.ID, a.Path, a.Size, w.r.Limits.BytesPerDay, counted); err != nil {
		return false, err
	} else if !ok {
		again := tomorrow()
		w.hold(a.Path, ledger.Definite, rules.Budget, rules.DayFull(w.c.Peer, w.r.Limits.BytesPerDay), a.Rule, "It goes on by itself tomorrow (UTC), or raise [limits] bytes_per_day.")
		w.held[len(w.held)-1].Retry = again.UnixMilli()
		w.again = sooner(w.again, again)
		return false, nil
	}
	fetch := w.d.Fetch
	if w.job.asked {
		fetch = w.d.Refetch
	}
	blob, wait, err := fetch(w.c, w.link.ID, a.Hash, a.Size)
	switch {
	case errors.Is(err, ErrNoSpool):
		w.hold(a.Path, ledger.Definite, FileRoom, "This node has no place for files on their way.", a.Rule, "Run the node with a home that it may write to.")
		return false, nil
	case err != nil:
		return false, fmt.Errorf("fetching a file of %s: %w", w.key(), err)
	case blob != nil:
		if w.blobs == nil {
			w.blobs = map[replica.Path]*Blob{}
		}
		w.blobs[a.Path] = blob
		return true, nil
	case wait.Stuck():
		w.hold(a.Path, wait.Class, wait.Code, wait.Reason, a.Rule, wait.Next)
		if !wait.Again.IsZero() {
			w.held[len(w.held)-1].Retry = wait.Again.UnixMilli()
			w.again = sooner(w.again, wait.Again)
		}
		return false, nil
	}
	if w.waits == nil {
		w.waits = map[replica.Path]time.Time{}
	}
	w.waits[a.Path] = time.Time{} // its coming has the link visited again
	return false, nil
}

// announceFiles adds the intents of a plan's uploads. A deletion needs none: it can be repeated.
func (w *work) announceFiles(plan *rules.Plan, add func(ledger.Intent)) error {
	for _, a := range plan.Attachments {
		if a.Op != rules.AddAttachment {
			continue
		}
		payload, err := json.Marshal(sought{Name: a.Name, Size: a.Size, Hash: a.Hash, Public: a.Public, Began: time.Now().UnixMilli()})
		if err != nil {
			return fmt.Errorf("encoding an intent to attach: %w", err)
		}
		add(ledger.Intent{Effect: ledger.AddAttachment, Path: a.Path, Payload: payload})
	}
	return nil
}

// attachments uploads and deletes a plan's files: the small ones, or the large ones.
func (w *work) attachments(ctx context.Context, plan *rules.Plan, large bool) error {
	for _, a := range plan.Attachments {
		if (a.Size > smallFile) != large {
			continue
		}
		var err error
		if a.Op == rules.DeleteAttachment {
			err = w.detach(ctx, a)
		} else {
			err = w.attach(ctx, a)
		}
		if err == nil {
			continue
		}
		if !definite(err) {
			return fmt.Errorf("writing an attachment of %s: %w", w.key(), err)
		}
		w.refused(a.Path, "an attachment of "+w.key(), a.Rule, seeReason, err)
	}
	return nil
}

// attach uploads one file from the spool, as often as a call needs it, never holding it in memory.
func (w *work) attach(ctx context.Context, a rules.AttachmentWrite) error {
	in, blob := w.intent(ledger.AddAttachment, a.Path), w.blobs[a.Path]
	sum := [sha256.Size]byte(a.Hash)
	up := jsm.Upload{Name: a.Name, Size: a.Size, MIME: a.MIME, SHA256: &sum, Open: blob.Open}
	var made jsm.Uploaded
	var err error
	if a.Public {
		up.Say = a.Byline
		if up.Mark, err = json.Marshal(mark{Nonce: in.Nonce, Link: w.link.ID, Item: a.Path + rules.EchoInfix}); err != nil {
			return err
		}
		made, err = w.d.jira.AttachPublic(ctx, w.link.Ticket, w.r.Desk(), up)
	} else {
		made, err = w.d.jira.AttachInternal(ctx, w.link.Ticket, up)
	}
	var hidden *jsm.HiddenUpload
	var unmarked *jsm.UnmarkedEcho
	switch {
	case err == nil, errors.As(err, &unmarked): // without its mark the echo is known by its twin
		w.uploaded(in, made)
	case errors.As(err, &hidden):
		w.uploaded(in, made)
		w.hold(a.Path, ledger.Tenant, "visibility", hidden.Error(), a.Rule, "Check who may attach publicly in this project. The file is there, for agents only.")
	case errors.Is(err, jsm.ErrSource): // nothing is attached; the disk's copy is damaged
		w.finished = append(w.finished, in)
		w.waits = put(w.waits, a.Path, time.Now().Add(lookAgain))
		w.again = sooner(w.again, w.waits[a.Path])
	case jsm.MaybeApplied(err):
		return w.unclear(in) // it is looked for once that is settled
	default:
		if definite(err) {
			w.finished = append(w.finished, in)
			w.spent = append(w.spent, blob)
		}
		return err
	}
	return nil
}

func put(m map[replica.Path]time.Time, p replica.Path, at time.Time) map[replica.Path]time.Time {
	if m == nil {
		m = map[replica.Path]time.Time{}
	}
	m[p] = at
	return m
}

// uploaded notes a file that is attached, and the comment that shows it to the customer.
func (w *work) uploaded(in ledger.Intent, up jsm.Uploaded) {
	w.twins = append(w.twins, w.twinsOf(in.Path, &up)...)
	w.finished = append(w.finished, in)
	if blob := w.blobs[in.Path]; blob != nil {
		w.spent = append(w.spent, blob)
	}
}

// twinsOf are the twins of an upload: the file, and the comment that shows it.
func (l *lane) twinsOf(p replica.Path, up *jsm.Uploaded) []ledger.Twin {
	twins := []ledger.Twin{l.twinAs(p, rules.FilePrefix+up.Attachment.ID)}
	if up.Echo != nil {
		twins = append(twins, l.twinAs(p+rules.EchoInfix, up.Echo.ID))
	}
	return twins
}

// detach deletes our copy of a file, and the comment that showed it.
func (w *work) detach(ctx context.Context, a rules.AttachmentWrite) error {
	if err := w.d.jira.DeleteAttachment(ctx, w.link.Ticket, a.LocalID); err != nil {
		return err
	}
	twins, err := w.d.led.Twins(w.c.Name, w.link.ID)
	if err != nil {
		return err
	}
	echo, there := twins[a.Path+rules.EchoInfix]
	if !there || w.ticket == nil || !slices.ContainsFunc(w.ticket.Comments, func(c jsm.Comment) bool { return c.ID == echo.Local }) {
		return nil
	}
	if err := w.d.jira.DeleteComment(ctx, w.link.Ticket, echo.Local); err != nil && !jsm.IsNotFound(err) {
		return err
	}
	return nil
}

// letGo gives the spool's room back, once it is on disk that the files are in Jira.
func (w *work) letGo() {
	for _, blob := range w.spent {
		if err := blob.Applied(); err != nil {
			w.d.log.Warn("a file that is in Jira could not be taken out of the spool; it goes by itself in a week", "connection", w.c.Name, "link", w.link.ID, "err", err)
		}
	}
	w.spent = nil
}
