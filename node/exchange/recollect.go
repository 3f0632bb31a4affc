package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
)

// recollection reads from the tenant what this node did there in a time that its
// ledger has forgotten.
type recollection struct {
	d     *Desk
	c     *Connection
	since time.Time
	due   map[replica.LinkID]bool             // links that the peer speaks of
	taken map[replica.LinkID]*ledger.Answered // what our replicas of the forgotten time prove
}

// recollect ends the healing of a connection that has caught up with its peer.
// It can be done again at any time: what is known is only found again.
func (d *Desk) recollect(ctx context.Context, c *Connection) error {
	r := c.Rules()
	if r == nil {
		return fmt.Errorf("the rules of %q do not work: %s", c.Name, c.Trouble())
	}
	taken, err := c.Log.TakenBack()
	if err != nil {
		return err
	}
	rec := &recollection{d: d, c: c, taken: taken, due: map[replica.LinkID]bool{}, since: time.UnixMilli(c.Log.Epoch().Since).Add(-d.cfg.Overlap)}
	for _, id := range c.Log.Due() {
		rec.due[id] = true
	}
	ids, err := rec.touched(ctx, r.Projects)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(ids, readAtOnce) {
		tickets, err := d.jira.Tickets(ctx, chunk, d.fields())
		var unreadable *jsm.Unreadable
		if err != nil && !errors.As(err, &unreadable) {
			return fmt.Errorf("reading tickets: %w", err)
		}
		for _, id := range chunk {
			if t := tickets[id]; t != nil {
				if err := rec.ticket(ctx, t); err != nil {
					return fmt.Errorf("recollecting ticket %s: %w", t.Key, err)
				}
			}
		}
	}
	if err := rec.strangers(); err != nil {
		return err
	}
	if err := c.Log.Mended(); err != nil {
		return err
	}
	d.log.Info("a connection is healed", "connection", c.Name, "seq", c.Log.Position().Stored)
	return rec.goOn(ids)
}

// touched lists the tickets that changed, or that we made, since.
func (rec *recollection) touched(ctx context.Context, projects []string) (ids []string, err error) {
	seen := map[string]bool{}
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for since := rec.since; ; {
		hints, err := rec.d.jira.Changed(ctx, projects, since)
		if err != nil && !errors.Is(err, jsm.ErrMore) {
			return nil, err
		}
		for _, h := range hints {
			add(h.ID)
		}
		if err == nil || len(hints) == 0 || !hints[len(hints)-1].Updated.After(since) {
			break
		}
		since = hints[len(hints)-1].Updated
	}
	query := "creator = currentUser() AND created >= " + strconv.FormatInt(rec.since.UnixMilli(), 10) + " ORDER BY created ASC, key ASC"
	made, err := rec.d.jira.Search(ctx, query, []string{"summary"}) // also those that were moved away since
	for _, t := range made {
		add(t.ID)
	}
	return ids, err
}

// ticket takes up what a ticket shows of the forgotten time.
func (rec *recollection) ticket(ctx context.Context, t *jsm.Ticket) error {
	links, err := rec.d.led.LinksOf(t.ID)
	if err != nil {
		return err
	}
	links = slices.DeleteFunc(links, func(k ledger.Link) bool { return k.Connection != rec.c.Name || k.Ended })
	made := false
	if len(links) == 0 {
		k, known := rec.forgotten(t)
		if !known {
			return nil
		}
		links, made = append(links, k), k.Made
	}
	for _, k := range links {
		if err := rec.link(ctx, t, k, made); err != nil {
			return err
		}
	}
	return nil
}

// forgotten finds the link that a ticket had: it bears the link's mark where we
// made it, and else the link's id is made of its own.
func (rec *recollection) forgotten(t *jsm.Ticket) (k ledger.Link, known bool) {
	k = ledger.Link{Connection: rec.c.Name, Ticket: t.ID, Key: t.Key, Complete: true, Born: time.Now().UnixMilli()}
	var m mark
	if id, there := linkInMarker(t); there {
		k.ID, k.Complete = id, false
	} else if json.Unmarshal(t.Marks[jsm.MarkKey], &m) == nil && m.Nonce != "" {
		k.ID = m.Link
	}
	if k.ID != (replica.LinkID{}) && t.Creator.AccountID == rec.d.account().AccountID {
		old, err := rec.d.led.Link(rec.c.Name, k.ID)
		if rec.due[k.ID] || err == nil && old.Ticket == "" {
			k.Theirs, k.Made = true, true
			return k, true
		}
	}
	k.ID, k.Complete = replica.NewLinkID(rec.c.Wire, rec.d.cfg.Node, t.ID), true
	return k, rec.due[k.ID] || rec.taken[k.ID] != nil
}

// linkInMarker reads the link out of a create marker, which a ticket bears until
// its completing edit.
func linkInMarker(t *jsm.Ticket) (id replica.LinkID, there bool) {
	for _, field := range markedFields {
		_, after, found := strings.Cut(string(t.Fields[field]), markerWord)
		if !found {
			continue
		}
		end := strings.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune(markerLetters, r) })
		if end >= 0 {
			after = after[:end]
		}
		if _, name, found := strings.Cut(after, markerInfix); found {
			id, err := replica.ParseLinkID(name)
			return id, err == nil
		}
	}
	return id, false
}

// markerInfix stands in a create's nonce before the link that the ticket is made
// for; markerLetters are those that a nonce is made of.
const (
	markerInfix   = "."
	markerLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567abcdefghijklmnopqrstuvwxyz."
)

// link takes up one link: the comments that we wrote, what our replicas prove to
// be reconciled, and our own edits as seen.
func (rec *recollection) link(ctx context.Context, t *jsm.Ticket, k ledger.Link, made bool) error {
	l, err := rec.d.lane(rec.c, k)
	if err != nil {
		return err
	}
	if l.r == nil {
		return fmt.Errorf("recollecting link %s: the rules of connection %q do not work just now", k.ID, rec.c.Name)
	}
	if k.Since == 0 && !k.Theirs && !made && rec.taken[k.ID] != nil && l.r.Since == "link" {
		begun, err := rec.d.since(ctx, t, l.r.Trigger, time.Now(), l.r.Trigger == "")
		if err != nil {
			return err
		}
		l.link.Since = min(begun, oldestComment(t, l.out.Posted))
	}
	if err := rec.twins(ctx, l, t); err != nil {
		return err
	}
	if err := rec.workTwins(ctx, l, t); err != nil {
		return err
	}
	if err := rec.files(ctx, l, t); err != nil {
		return err
	}
	side := &work{lane: l, fresh: t, ticket: t}
	if made {
		if err := side.absorbAll(t); err != nil {
			return err
		}
	} else {
		view, held, err := l.view(t)
		if err != nil {
			return err
		}
		side.absorbItems(view, held, t, l.trail(t.History, ""), written{sure: true})
	}
	l.force(rec.undone(l, t, made)...)
	rec.taken[k.ID].Recall(l.in, l.done)
	return rec.d.led.Write(func(b *ledger.Batch) error {
		return errors.Join(ledger.PutLink(b, l.link), ledger.PutOutgoing(b, rec.c.Name, k.ID, l.out), ledger.PutDone(b, rec.c.Name, k.ID, l.done))
	})
}

// undone lists what we moved in the forgotten time and somebody has moved since:
// taken away, or brought back. The bases know nothing of the first, so the second
// would be no news, and undone. So would be what somebody moved and we posted
// before we knew that we had been put back: the peer never took that.
func (rec *recollection) undone(l *lane, t *jsm.Ticket, made bool) (news []replica.Path) {
	view, _, err := l.view(t)
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(t.History, func(c jsm.Change) bool { return c.At.Before(rec.since) }) // newest first
	before := ""
	if i >= 0 {
		before = t.History[i].ID
	}
	tr := l.trail(t.History, before)
	for p, ours := range tr.items {
		_, shown := view[p]
		_, theirs := l.in.Remote[p]
		if posted := l.out.Bases[p].Local == hashOf(view, p); !ours && (shown || theirs) && (made || tr.moved[p] || posted) {
			news = append(news, p)
		}
	}
	for field := range tr.fields {
		if _, restored, _ := tr.overwrote(field); !restored {
			continue
		}
		for p := range view { // the newest entry is ours, the word is somebody's
			if p.Element() == "" && l.r.Feeds(field, p) {
				news = append(news, p)
			}
		}
	}
	return news
}

// oldestComment is since when a ticket's comments are known to be shared; now
// where none is.
func oldestComment(t *jsm.Ticket, posted replica.View) int64 {
	oldest := time.Now()
	for _, c := range t.Comments {
		if _, shared := posted[replica.Path("comment/"+c.ID)]; shared && c.Created.Before(oldest) {
			oldest = c.Created
		}
	}
	return oldest.UnixMilli()
}

// twins finds the comments that bear our mark for the link and are not known.
func (rec *recollection) twins(ctx context.Context, l *lane, t *jsm.Ticket) error {
	there, err := rec.d.jira.Comments(ctx, t.ID)
	if err != nil {
		return err
	}
	twins, err := rec.d.led.Twins(rec.c.Name, l.link.ID)
	if err != nil {
		return err
	}
	known := map[string]ledger.Twin{}
	for _, twin := range twins {
		known[twin.Local] = twin
	}
	var write []func(*ledger.Batch) error
	for _, c := range there {
		var m mark
		ours := json.Unmarshal(c.Mark, &m) == nil && m.Link == l.link.ID && m.Item != "" && c.Author.AccountID == rec.d.account().AccountID
		if !ours {
			continue
		}
		if was, there := known[c.ID]; there {
			if _, taken := twins[m.Item]; !taken && was.Path != m.Item { // taken for a second one, before it was known what is forgotten
				twins[m.Item] = was
				write = append(write, func(b *ledger.Batch) error { return ledger.RenameTwin(b, was, m.Item) })
			}
			continue
		}
		if _, taken := twins[m.Item]; taken { // made twice, or a note of an older version: ours in any case
			m.Item = replica.Path(fmt.Sprintf("%s%s%s", m.Item, noteInfix, c.ID))
		}
		twin := ledger.Twin{Connection: rec.c.Name, Link: l.link.ID, Path: m.Item, Ticket: t.ID, Local: c.ID}
		twins[m.Item] = twin
		write = append(write, func(b *ledger.Batch) error { return ledger.PutTwin(b, twin) })
	}
	if len(write) == 0 {
		return nil
	}
	return rec.d.led.Write(func(b *ledger.Batch) error {
		for _, one := range write {
			if err := one(b); err != nil {
				return err
			}
		}
		return nil
	})
}

// strangers keeps the links apart that the peer speaks of as ours and whose
// ticket was not found: no twin may be made of them.
func (rec *recollection) strangers() error {
	for id := range rec.due {
		if _, err := rec.d.led.Link(rec.c.Name, id); !errors.Is(err, ledger.ErrNone) {
			if err != nil {
				return err
			}
			continue
		}
		seen, err := rec.c.Log.FirstDue(id)
		if err != nil {
			return err
		}
		if seen == 0 && rec.taken[id] == nil {
			continue // the peer shares it, and we never made a ticket of it
		}
		k := ledger.Link{ID: id, Connection: rec.c.Name, Complete: true, Born: time.Now().UnixMilli()}
		if err := rec.d.led.Write(func(b *ledger.Batch) error { return ledger.PutLink(b, k) }); err != nil {
			return err
		}
	}
	return nil
}

// goOn has everything visited that may have waited while the connection stood still.
func (rec *recollection) goOn(ids []string) error {
	d := rec.d
	for chunk := range slices.Chunk(ids, readAtOnce) {
		hints := make([]jsm.Hint, len(chunk))
		for i, id := range chunk {
			hints[i].ID = id
		}
		if err := d.Hint(hints); err != nil { // also asks the triggers
			return err
		}
	}
	for _, id := range rec.c.Log.Due() {
		d.wakeLink(rec.c, id)
	}
	return errors.Join(d.wakeMarked(), d.wakeOwing(rec.c))
}

// wakeOwing has the links visited that owe the peer a whole view; their marks
// keep that over a restart.
func (d *Desk) wakeOwing(c *Connection) error {
	owing, err := c.Log.Owing()
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(owing, readAtOnce) {
		var tickets []string
		for _, id := range chunk {
			if k, err := d.led.Link(c.Name, id); err == nil && k.Ticket != "" && !k.Ended {
				tickets = append(tickets, k.Ticket)
			}
		}
		generation, err := d.led.MarkDirty(tickets, "")
		if err != nil {
			return err
		}
		for _, id := range tickets {
			d.queue.add(job{lane: id, ticket: id, generation: generation})
		}
	}
	return nil
}
