package exchange

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// lane is one link during one visit: everything the ledger says of it. Nobody
// else writes what it holds while the visit runs, but the peer's side moves.
type lane struct {
	d    *Desk
	c    *Connection
	r    *rules.Rules // the version of this visit
	hash replica.Hash
	link ledger.Link
	out  *ledger.Outgoing
	in   *ledger.Incoming
	done *ledger.Done
	word ledger.Word
}

// visit brings one ticket's links up to date: first what came in, then what
// goes out. It returns when the lane wants to be visited again; zero: when
// something happens.
func (d *Desk) visit(ctx context.Context, j *job, t *jsm.Ticket) (again time.Time, err error) {
	links, err := d.links(j)
	if err != nil {
		return again, err
	}
	if j.ticket != "" && t == nil {
		return again, d.vanished(ctx, j, links)
	}
	lanes, err := d.lanes(j, links)
	if err != nil {
		return again, err
	}
	if lanes, err = d.starts(ctx, j, t, lanes); err != nil {
		return again, err
	}
	for _, l := range lanes {
		if !l.due(j) {
			continue
		}
		next, fresh, err := l.reconcile(ctx, j, t)
		again = sooner(again, next)
		if err != nil {
			return again, fmt.Errorf("reconciling link %s of connection %q: %w", l.link.ID, l.c.Name, err)
		}
		if fresh != nil {
			t = fresh
		}
	}
	if t == nil {
		return again, nil // its ticket waits to be made
	}
	clean := true
	for _, l := range lanes {
		if l, err = d.lane(l.c, l.link); err != nil { // reconciling moves the bases of all
			return again, err
		}
		if share, err := l.mayShare(j); err != nil {
			return again, err
		} else if !share {
			continue
		}
		posted, err := l.gather(t)
		if err != nil {
			return again, fmt.Errorf("gathering link %s of connection %q: %w", l.link.ID, l.c.Name, err)
		}
		clean = clean && posted
	}
	if clean {
		d.saw(t.ID, t.Updated)
		return again, d.led.ClearDirty(t.ID, j.generation)
	}
	return again, nil
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func (d *Desk) links(j *job) ([]ledger.Link, error) {
	if j.ticket != "" {
		return d.led.LinksOf(j.ticket)
	}
	k, err := d.led.Link(j.connection, j.link)
	if errors.Is(err, ledger.ErrNone) { // the peer has shared it just now
		k, err = ledger.Link{ID: j.link, Connection: j.connection, Theirs: true, Born: time.Now().UnixMilli()}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading link %s: %w", j.link, err)
	}
	return []ledger.Link{k}, nil
}

// lanes reads the state of the links whose connections have rules that work.
func (d *Desk) lanes(j *job, links []ledger.Link) (lanes []*lane, err error) {
	for _, k := range links {
		c := d.Connection(k.Connection)
		if c == nil || k.Ended {
			continue
		}
		if j.ticket == "" && k.Ticket != "" {
			again := job{lane: k.Ticket, ticket: k.Ticket, retry: j.retry} // it has a ticket, and so another lane
			d.queue.add(again)
			continue
		}
		l, err := d.lane(c, k)
		if err != nil {
			return nil, err
		}
		if l.r != nil {
			lanes = append(lanes, l)
		}
	}
	return lanes, nil
}

func (d *Desk) lane(c *Connection, k ledger.Link) (l *lane, err error) {
	l = &lane{d: d, c: c, link: k}
	l.r, l.hash = c.version()
	if l.out, err = d.led.Outgoing(c.Name, k.ID); err != nil {
		return nil, err
	}
	if l.in, err = d.led.Incoming(c.Name, k.ID); err != nil {
		return nil, err
	}
	if l.done, err = d.led.Done(c.Name, k.ID); err != nil {
		return nil, err
	}
	l.word, err = d.led.Word(c.Name, k.ID)
	return l, err
}

// due says whether the incoming side has work: something new, something that
// waited and is asked for again, new rules, or a write whose outcome is open.
func (l *lane) due(j *job) bool {
	if l.in.Lost != 0 || l.in.Seq == 0 {
		return l.in.Lost != 0
	}
	if l.in.Seq > l.done.Seq || l.done.Rules != l.hash || (j.retry && len(l.done.Pending) > 0) {
		return true
	}
	intents, err := l.d.led.Intents(l.c.Name, l.link.ID)
	return err != nil || len(intents) > 0 || (l.link.Made && !l.link.Complete)
}

// vanished holds the links of a ticket that Jira does not show any more.
func (d *Desk) vanished(ctx context.Context, j *job, links []ledger.Link) error {
	if len(links) == 0 {
		return d.led.ClearDirty(j.ticket, j.generation)
	}
	// A single read tells deleted from hidden, and an index fault from both.
	if t, err := d.jira.Ticket(ctx, j.ticket); err == nil {
		return fmt.Errorf("ticket %s was missing from a bulk read, yet it is there", t.Key)
	} else if !jsm.IsNotFound(err) {
		return err
	}
	err := d.led.Write(func(b *ledger.Batch) error {
		for _, k := range links {
			held := ledger.Held{
				Key: k.Key, Class: ledger.Definite, Code: "gone", Since: time.Now().UnixMilli(),
				Reason: fmt.Sprintf("%s is not there any more, or parley's account may not see it.", k.Key),
				Next:   "If it was deleted on purpose, unlink it. If not, restore the account's Browse permission and run: parley held retry.",
			}
			if err := d.led.PutHeld(b, k.Connection, k.ID, true, []ledger.Held{held}); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, d.led.ClearDirty(j.ticket, j.generation))
}
