package exchange

import (
	"errors"
	"fmt"
	"time"

	"parley/node/ledger"
	"parley/replica"
)

// mayShare reports whether the link's ticket may leave at all: its first share
// may wait for a person, and its trigger may have stopped matching.
func (l *lane) mayShare(j *job) (bool, error) {
	before := l.link
	if j.release[l.link.ID] {
		l.link.Waits = false
	}
	if j.start[l.c.Name] {
		l.link.Paused = false
	}
	if j.left[l.c.Name] && !l.link.Theirs {
		switch l.r.Leave {
		case "pause":
			l.link.Paused = true
		case "unlink":
			l.link.Ended = true
		}
	}
	if l.link == before && !l.link.Waits {
		return !l.link.Paused && !l.link.Ended, nil
	}
	if l.link.Ended {
		return false, l.d.ended(l.link)
	}
	err := l.d.led.Write(func(b *ledger.Batch) error {
		if err := ledger.PutLink(b, l.link); err != nil {
			return err
		}
		if !l.link.Waits {
			return nil
		}
		return l.d.led.PutHeld(b, l.c.Name, l.link.ID, true, l.d.standing(l.c.Name, l.link.ID, []ledger.Held{{
			Key: l.link.Key, Class: ledger.Policy, Code: codeApprove, Since: time.Now().UnixMilli(), Version: l.version(""),
			Reason: fmt.Sprintf("%s waits for a person before it is shared with %s for the first time (approve_first).", l.link.Key, l.c.Peer),
			Next:   "Look at what would leave, then run: parley held release ID.",
		}}))
	})
	return !l.link.Waits && !l.link.Paused, err
}

// End ends a link by a person's word, and for good: from now on nothing of it crosses either way, and the peer may ask
// for none of its files. What is on both tickets stays. It is on disk when End returns; whether the tenant answers does
// not matter.
func (d *Desk) End(connection string, id replica.LinkID) error {
	k, err := d.led.Link(connection, id)
	if err != nil {
		return fmt.Errorf("finding link %s of connection %q: %w", id, connection, err)
	}
	if err := d.ended(k); err != nil {
		return err
	}
	j := job{lane: k.Ticket, ticket: k.Ticket, connection: connection, link: id, end: map[replica.LinkID]bool{id: true}}
	if k.Ticket == "" {
		j.lane = connection + "/" + id.String()
	}
	d.queue.add(j)
	return nil
}

// endAgain ends links once more that a visit, which was under way when a person ended them, has brought back.
func (d *Desk) endAgain(j *job, links []ledger.Link) error {
	for i, k := range links {
		if !j.end[k.ID] || k.Ended {
			continue
		}
		if err := d.ended(k); err != nil {
			return err
		}
		links[i].Ended = true
	}
	return nil
}

// refuseEnded answers what the peer still sends for links that have ended here, so that its people see that it is used
// for nothing.
func (d *Desk) refuseEnded(j *job, links []ledger.Link) error {
	for _, k := range links {
		c := d.Connection(k.Connection)
		if !k.Ended || c == nil || !j.worksAt(c) {
			continue
		}
		in, err := d.led.Incoming(k.Connection, k.ID)
		if err != nil {
			return err
		}
		done, err := d.led.Done(k.Connection, k.ID)
		if err != nil {
			return err
		}
		newest := max(in.Seq, in.Lost)
		if newest <= done.Seq {
			continue
		}
		done.Seq, done.Pending = newest, nil
		err = c.Log.Commit(ledger.Step{
			Outcome: &replica.Outcome{Link: k.ID, Seq: newest, State: replica.Refused, Code: codeUnlinked},
			Fill: func(b *ledger.Batch) error {
				return errors.Join(ledger.PutDone(b, k.Connection, k.ID, done), c.Log.Reconciled(b, k.ID, in))
			},
		})
		if err != nil {
			return fmt.Errorf("refusing what came for ended link %s: %w", k.ID, err)
		}
	}
	return nil
}

// ended is EndLink, and forgets the files that the link waited for.
func (d *Desk) ended(k ledger.Link) error {
	if err := EndLink(d.led, k); err != nil {
		return err
	}
	return d.DropBlobs(k.Connection, k.ID)
}

// EndLink stores that a link has ended, with what that ends: what the peer may ask for, and what waits. It is for a ledger
// whose node does not run; else End.
func EndLink(led *ledger.Ledger, k ledger.Link) error {
	grants, err := led.Grants(k.Connection, k.ID)
	if err != nil {
		return err
	}
	k.Ended = true
	err = led.Write(func(b *ledger.Batch) error {
		for _, g := range grants {
			if err := ledger.DropGrant(b, g); err != nil {
				return err
			}
		}
		for _, origin := range []ledger.Origin{ledger.Visit, ledger.ByPeer} {
			if err := ledger.DropHeldMark(b, k.Connection, k.ID, origin); err != nil {
				return err
			}
		}
		return errors.Join(ledger.PutLink(b, k), led.PutHeld(b, k.Connection, k.ID, true, nil), led.PutHeld(b, k.Connection, k.ID, false, nil))
	})
	if err != nil {
		return fmt.Errorf("ending link %s of connection %q: %w", k.ID, k.Connection, err)
	}
	return nil
}

// Release lets a link's first share go that waits for a person.
func (d *Desk) Release(connection string, id replica.LinkID) error {
	k, err := d.led.Link(connection, id)
	if err != nil {
		return fmt.Errorf("finding link %s of connection %q: %w", id, connection, err)
	}
	if !k.Waits {
		return fmt.Errorf("%s does not wait for a release", k.Key)
	}
	d.queue.add(job{lane: k.Ticket, ticket: k.Ticket, release: map[replica.LinkID]bool{id: true}})
	return nil
}
