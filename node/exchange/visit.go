package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// lane is one link during one visit: everything the ledger says of it. Nobody
// else writes what it holds while the visit runs, but the peer's side moves.
type lane struct {
	d        *Desk
	c        *Connection
	r        *rules.Rules // the version of this visit
	hash     replica.Hash
	link     ledger.Link
	out      *ledger.Outgoing
	in       *ledger.Incoming
	done     *ledger.Done
	word     ledger.Word
	open     []ledger.Intent // writes to Jira whose outcome is open
	doubts   []ledger.Doubt  // writes given up that may yet come
	friction ledger.Friction
	awaits   ledger.Awaits  // texts that show files which were not here yet
	arrived  []replica.Path // those of them whose files have come

	ticket *jsm.Ticket // what gather looks at; nil before
	unread bool        // its view lacks a file that is yet to be read
}

// visit brings one ticket's links up to date: first what came in, then what
// goes out. It returns when the lane wants to be visited again; zero: when
// something happens.
func (d *Desk) visit(ctx context.Context, j *job, t *jsm.Ticket) (again time.Time, err error) {
	links, err := d.links(j)
	if err != nil {
		return again, err
	}
	if err := errors.Join(d.endAgain(j, links), d.refuseEnded(j, links)); err != nil {
		return again, err
	}
	if j.ticket != "" && t == nil {
		return again, d.vanished(ctx, j, links)
	}
	if j.asked {
		d.files.again(j.ticket)
	}
	lanes, err := d.lanes(j, links)
	if err != nil {
		return again, err
	}
	if lanes, err = d.starts(ctx, j, t, lanes); err != nil {
		return again, err
	}
	if t, err = d.complete(ctx, j, t, lanes); err != nil {
		return again, err
	}
	if err := d.strays(ctx, j, t, lanes); err != nil {
		return again, err
	}
	if err := d.prove(ctx, t, lanes); err != nil {
		return again, err
	}
	if err := d.strayWork(ctx, j, t, lanes); err != nil {
		return again, err
	}
	if err := d.learn(ctx, t, lanes); err != nil {
		return again, err
	}
	for _, l := range lanes {
		if !l.due(j) && !l.answerable(t) && !l.clocksMoved(t) {
			continue
		}
		next, fresh, err := l.reconcile(jsm.OnBehalf(ctx, l.c.Name), j, t)
		again = sooner(again, next)
		if err != nil {
			return again, fmt.Errorf("reconciling link %s of connection %q: %w", l.link.ID, l.c.Name, err)
		}
		if fresh != nil {
			if l.startedClocks(t, fresh) {
				again = sooner(again, time.Now())
			}
			t = fresh
		}
	}
	if t == nil {
		return again, nil // its ticket waits to be made
	}
	if err := errors.Join(d.prove(ctx, t, lanes), d.learn(ctx, t, lanes)); err != nil { // a person may have shown another one meanwhile
		return again, err
	}
	clean := !d.asleep(j, links)
	for _, was := range lanes {
		l, err := d.lane(was.c, was.link) // reconciling moves the bases of all
		if err != nil {
			return again, err
		}
		l.r, l.hash, l.ticket = was.r, was.hash, t // whatever was published meanwhile, or does not work any more
		if l.link.Made && !l.link.Complete {
			clean = false // what the portal form made of it is nobody's word
			continue
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
	again = sooner(again, d.nextBreach(t, lanes))
	if unread, err := d.unread(t.ID); err != nil {
		return again, err
	} else if clean && !unread {
		d.saw(t)
		return again, d.led.ClearDirty(t.ID, j.generation)
	}
	return again, nil
}

// complete reads a ticket again where it was read for other rules than those that
// judge it now: a field that nobody had asked for would look like one that a
// person has emptied.
func (d *Desk) complete(ctx context.Context, j *job, t *jsm.Ticket, lanes []*lane) (*jsm.Ticket, error) {
	if t == nil || !slices.ContainsFunc(lanes, func(l *lane) bool { return !t.Bears(l.r.TicketFields()) }) {
		return t, nil
	}
	return d.jira.Ticket(ctx, j.ticket)
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
			again := job{lane: k.Ticket, ticket: k.Ticket, retry: j.retry, backfill: j.backfill} // it has a ticket, and so another lane
			d.queue.add(again)
			continue
		}
		l, err := d.lane(c, k)
		if err != nil {
			return nil, err
		}
		if l.r != nil && j.worksAt(c) {
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
	if l.word, err = d.led.Word(c.Name, k.ID); err != nil {
		return nil, err
	}
	if l.open, err = d.led.Intents(c.Name, k.ID); err != nil {
		return nil, err
	}
	if l.doubts, err = d.led.Doubts(c.Name, k.ID); err != nil {
		return nil, err
	}
	if l.friction, err = d.led.Friction(c.Name, k.ID); err != nil {
		return nil, err
	}
	c.keys.put(k.Key, cmp.Or(l.in.Key, l.word.Twin))
	if l.awaits, err = d.led.Awaits(c.Name, k.ID); err != nil {
		return nil, err
	}
	l.arrived, err = l.arrivedTexts()
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
	return len(l.open) > 0 || len(l.arrived) > 0 || len(l.doubts) > 0 || len(l.friction.Disputes) > 0 || (l.link.Made && !l.link.Complete)
}

// vanished holds the links of a ticket that Jira does not show any more.
func (d *Desk) vanished(ctx context.Context, j *job, links []ledger.Link) error {
	links = slices.DeleteFunc(links, func(k ledger.Link) bool { return k.Ended })
	awake := slices.DeleteFunc(slices.Clone(links), func(k ledger.Link) bool {
		c := d.Connection(k.Connection)
		return c != nil && !j.worksAt(c)
	})
	if err := d.goneFrom(ctx, j, awake); err != nil {
		return err
	}
	if len(awake) < len(links) {
		return nil // the mark stays for those that cannot be worked at now
	}
	return d.led.ClearDirty(j.ticket, j.generation)
}

// goneFrom is vanished for those links that can be worked at.
func (d *Desk) goneFrom(ctx context.Context, j *job, links []ledger.Link) error {
	if len(links) == 0 {
		return nil
	}
	// A single read tells deleted from hidden, and an index fault from both.
	if t, err := d.jira.Ticket(ctx, j.ticket); err == nil {
		return fmt.Errorf("ticket %s was missing from a bulk read, yet it is there", t.Key)
	} else if !jsm.IsNotFound(err) {
		return err
	}
	var failed error
	for _, k := range links {
		failed = errors.Join(failed, d.gone(j, k))
	}
	return failed
}

// gone holds one link of a ticket that is not there, and tells the peer so where
// something of it waits.
func (d *Desk) gone(j *job, k ledger.Link) error {
	held := []ledger.Held{{
		Key: k.Key, Class: ledger.Definite, Code: "gone", Since: time.Now().UnixMilli(),
		Reason: fmt.Sprintf("%s is not there any more, or parley's account may not see it.", k.Key),
		Next:   "If it was deleted on purpose, unlink it. If not, restore the account's Browse permission and run: parley held retry.",
	}}
	err := d.led.Write(func(b *ledger.Batch) error {
		return d.led.PutHeld(b, k.Connection, k.ID, true, d.standing(k.Connection, k.ID, held))
	})
	c := d.Connection(k.Connection)
	if err != nil || c == nil || k.Ended {
		return err
	}
	l, err := d.lane(c, k)
	switch {
	case err != nil || l.r == nil:
		return err
	case l.in.Lost != 0:
		return l.lost()
	case l.in.Seq <= l.done.Seq:
		return nil
	}
	w := &work{lane: l, job: j, held: held}
	return w.close(&rules.Plan{})
}
