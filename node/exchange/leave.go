package exchange

import (
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
	err := l.d.led.Write(func(b *ledger.Batch) error {
		if err := ledger.PutLink(b, l.link); err != nil {
			return err
		}
		if l.link.Ended {
			if err := l.endFiles(b); err != nil {
				return err
			}
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
	if err == nil && l.link.Ended {
		err = l.d.DropBlobs(l.c, l.link.ID)
	}
	return !l.link.Waits && !l.link.Paused && !l.link.Ended, err
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
