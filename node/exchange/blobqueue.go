package exchange

import (
	"errors"
	"slices"
	"time"

	"parley/node/ledger"
	"parley/transport"
)

// Which blob is pulled when: of the connections that have one waiting, the one
// whose last pull began longest ago, and of its blobs the one that was asked for
// first. So a connection with a thousand files delays another by two.

const (
	pullsEach = 2               // of one connection at once
	lookAgain = 5 * time.Second // for a connection that cannot pull now
)

// pull is one blob that somebody waits for. Its fields are guarded by blobs.mu.
type pull struct {
	id      ledger.BlobID
	running bool
	next    time.Time // no attempt before
	failed  int       // attempts in a row that brought nothing
	refused int       // times that the peer said no
	wait    BlobWait  // why it stands still; without a code it does not
}

// news is closed when something has changed since the call.
func (q *blobs) news() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.changed
}

// tell wakes whoever waits for news; mu is held.
func (q *blobs) tell() {
	close(q.changed)
	q.changed = make(signal)
}

// ask puts a blob into the queue, unless it is there, and reports why it stands
// still where it does.
func (q *blobs) ask(c *Connection, id ledger.BlobID, state ledger.Arriving) BlobWait {
	if state.Bad >= maxBad {
		return wrongBytes(c.Peer)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.pulls[id]
	switch {
	case p == nil:
		p = &pull{id: id}
		q.pulls[id] = p
	case !p.wait.Stuck():
		return BlobWait{} // it is under way
	case time.Now().Before(p.wait.Again):
		return p.wait
	default:
		*p = pull{id: id}
	}
	q.waiting = append(q.waiting, p)
	q.tell()
	return BlobWait{}
}

// forgive lets a blob that was given up be asked for anew.
func (q *blobs) forgive(id ledger.BlobID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p := q.pulls[id]; p != nil && p.wait.Stuck() {
		delete(q.pulls, id)
	}
}

// begin takes the next pull that a session may carry out; nil where there is
// none, and when to look again (zero: on news alone).
func (q *blobs) begin(t *talk) (c *Connection, p *pull, again time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.streams[t] >= transport.MaxBlobStreams {
		return nil, nil, again
	}
	now := time.Now()
	later := func(at time.Time) {
		if again.IsZero() || at.Before(again) {
			again = at
		}
	}
	seen := map[string]bool{}
	for _, w := range q.waiting {
		name := w.id.Connection
		if seen[name] || q.running[name] >= pullsEach {
			continue
		}
		if w.next.After(now) {
			if o := t.d.Connection(name); o != nil && o.Peer == t.s.Peer() {
				later(w.next)
			}
			continue
		}
		seen[name] = true
		o := t.d.Connection(name)
		switch {
		case o == nil || o.Peer != t.s.Peer():
		case !t.carries(o) || o.halted() != "" || t.d.brake.on() != "":
			later(now.Add(lookAgain))
		case p == nil || q.turns[name] < q.turns[p.id.Connection]:
			c, p = o, w
		}
	}
	if p == nil {
		return nil, nil, again
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(w *pull) bool { return w == p })
	q.turn++
	p.running, q.turns[c.Name] = true, q.turn
	q.running[c.Name]++
	q.streams[t]++
	return c, p, again
}

// ended takes a pull back after an attempt, and reports whether whoever waits
// for it should look: it is here, or held.
func (q *blobs) ended(t *talk, c *Connection, p *pull, moved bool, err error) (look bool) {
	state, gone := q.spool.State(p.id)
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.tell()
	p.running = false
	if q.running[c.Name]--; q.running[c.Name] == 0 {
		delete(q.running, c.Name)
	}
	if q.streams[t]--; q.streams[t] == 0 {
		delete(q.streams, t)
	}
	switch {
	case err == nil || errors.Is(gone, ledger.ErrNone): // here, or nobody waits for it any more
		delete(q.pulls, p.id)
		return err == nil
	case t.ctx.Err() != nil: // the session ended: the next one goes on
		q.waiting = slices.Insert(q.waiting, 0, p)
		return false
	}
	pause, wait := p.judge(err, moved, state.Bad, c.Peer)
	if p.wait = wait; wait.Stuck() {
		return true
	}
	p.next = time.Now().Add(pause)
	q.waiting = append(q.waiting, p)
	return false
}
