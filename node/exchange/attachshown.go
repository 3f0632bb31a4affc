package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/rules"
)

// Who sees a file of ours: Jira does not say, so it is proved by the public comments that show it, once for each state
// of the ticket. What is not proved counts as internal.

// prove finds out which of the ticket's files, of those that may leave and of which it is not known, the customer sees.
func (d *Desk) prove(ctx context.Context, t *jsm.Ticket, lanes []*lane) error {
	if t == nil || !slices.ContainsFunc(lanes, func(l *lane) bool { return l.r.SharesFiles() }) {
		return nil
	}
	d.files.apply(t)
	twins, err := d.led.TwinsOn(t.ID)
	if err != nil {
		return err
	}
	var open []string
	for i := range t.Attachments {
		a := &t.Attachments[i]
		if _, ours := twins[rules.FilePrefix+a.ID]; !ours && !a.Customer() {
			open = append(open, a.ID)
		}
	}
	if len(open) == 0 {
		return nil
	}
	now, news := d.files.news(t, open)
	if !news {
		return nil
	}
	if err := d.jira.ProveAttachments(ctx, t, open...); err != nil {
		return fmt.Errorf("finding out who sees the files of %s: %w", t.Key, err)
	}
	d.files.keep(t, now)
	return nil
}

// apply says of the ticket's files what was proved before, as long as the comment that shows them is there and public.
func (f *files) apply(t *jsm.Ticket) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range t.Attachments {
		a := &t.Attachments[i]
		comment := f.shown[a.ID]
		if a.Customer() || comment == shownInternal {
			continue
		}
		if slices.ContainsFunc(t.Comments, func(c jsm.Comment) bool { return c.ID == comment && c.Customer() }) {
			a.Shown, a.Comment = jsm.ByComment, comment
		}
	}
}

// news tells what there is to be proved, and whether that was not looked at before.
func (f *files) news(t *jsm.Ticket, open []string) (now string, news bool) {
	var newest time.Time
	public := 0
	for i := range t.Comments {
		if c := &t.Comments[i]; c.Customer() {
			public++
			newest = later(newest, later(c.Created, c.Updated))
		}
	}
	now = fmt.Sprint(strings.Join(open, " "), public, newest.UnixMilli())
	f.mu.Lock()
	defer f.mu.Unlock()
	return now, f.looked[t.ID] != now
}

// keep remembers what was proved, and of what state of the ticket: one whose proof failed is looked at again.
func (f *files) keep(t *jsm.Ticket, now string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.shown) >= mostShown || len(f.looked) >= mostShown {
		clear(f.shown)
		clear(f.looked)
	}
	f.looked[t.ID] = now
	for _, a := range t.Attachments {
		if a.Shown == jsm.ByComment {
			f.shown[a.ID] = a.Comment
		}
	}
}
