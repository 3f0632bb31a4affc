package exchange

import (
	"errors"
	"fmt"
	"io"

	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// accept takes the peer's streams and stores what comes in on each.
func (t *talk) accept() error {
	for {
		name, r, err := t.s.AcceptStream(t.ctx)
		if err != nil {
			return fmt.Errorf("waiting for streams of %q: %w", t.s.Peer(), err)
		}
		c := t.d.wired(t.s.Peer(), name)
		if c == nil {
			r.Cancel()
			if err := t.odd.Wait(t.ctx); err != nil {
				return err
			}
			if err := t.s.SendControl(t.ctx, refuseKind, []byte(name)); err != nil {
				return err
			}
			t.d.log.Warn("the peer opened an unknown connection", "peer", t.s.Peer(), "connection", name)
			continue
		}
		t.g.Go(func() error { return t.hear(c, r) })
	}
}

// receive stores arriving replicas, as many as wait together in one batch; the
// next ones are read while a batch is on its way to disk.
func (t *talk) receive(c *Connection, r *transport.FrameReader) error {
	kind, m, err := r.ReadMessage(maxBegin)
	if err != nil {
		return fmt.Errorf("reading the beginning of connection %q: %w", c.Name, err)
	}
	if kind == backKind {
		return t.takeBack(c, r)
	}
	at, err := decodePosition(m)
	if kind != beginKind || err != nil {
		return fmt.Errorf("connection %q begins with a message of kind %q: %w", c.Name, kind, errors.Join(transport.ErrProtocol, err))
	}
	if !t.agree(c, at.At) {
		r.Cancel()
		return nil
	}
	taken := make(chan *ledger.Taken, takenAhead)
	t.g.Go(func() error { return t.store(c, taken) })
	defer close(taken)
	for {
		batch, err := arrivals(r)
		if !t.d.brake.wait(t.ctx) { // what is not read waits with the peer
			return t.ctx.Err()
		}
		if len(batch) > 0 {
			now, err := c.Log.Take(at.At.Epoch, batch)
			if err != nil {
				r.Cancel()
				return t.part(c, err)
			}
			taken <- now
		}
		if err != nil {
			if t.ctx.Err() == nil && errors.Is(err, io.EOF) {
				return nil // the peer ended this connection, not the session
			}
			return fmt.Errorf("reading from connection %q: %w", c.Name, err)
		}
	}
}

// store waits for what was taken, acknowledges it, and sets going what follows
// from it. It goes on to the last that was taken, whatever happens.
func (t *talk) store(c *Connection, taken <-chan *ledger.Taken) (first error) {
	for now := range taken {
		stored, err := now.Stored()
		if err == nil && len(taken) == 0 { // else the next one's acknowledgement says it too
			err = t.acknowledge(c, stored.Seq)
		}
		if err != nil && first == nil {
			first = err
			c.lost(t, trouble(err))
		}
		t.d.wakeLink(c, stored.Due...)
		if c.Log.CaughtUp() {
			t.d.mendSoon()
		}
	}
	return first
}

// acknowledge frees the peer's links at once; a signed receipt is due.
func (t *talk) acknowledge(c *Connection, stored replica.Seq) error {
	if err := t.s.SendControl(t.ctx, storedKind, encodeStored(stored, c.Wire)); err != nil {
		return fmt.Errorf("acknowledging replica %d of connection %q: %w", stored, c.Name, err)
	}
	t.mu.Lock()
	l := t.lines[c.Wire]
	t.mu.Unlock()
	if l != nil {
		select {
		case l.news <- struct{}{}:
		default:
		}
	}
	return nil
}

// arrivals reads one replica, and those that are here already.
func arrivals(r *transport.FrameReader) (batch []ledger.Arrived, err error) {
	var room []byte // of all bodies: what is here already is read into one piece of memory
	size := 0
	for len(batch) == 0 || (r.Buffered() > 0 && len(batch) < takeArrivals && size < takeBytes) {
		var a ledger.Arrived
		if a, room, err = readArrival(r, room); err != nil {
			return batch, err
		}
		batch = append(batch, a)
		size += len(a.Body)
	}
	return batch, nil
}

// readArrival reads one replica, its body into room where that is large enough.
func readArrival(r *transport.FrameReader, room []byte) (a ledger.Arrived, left []byte, err error) {
	kind, m, err := r.ReadMessage(replica.MaxReplica + replicaHead)
	if err != nil {
		return a, room, err
	}
	if a, err = decodeArrival(kind, m); err != nil {
		return a, room, err
	}
	n := len(a.Body)
	if n > len(room) {
		room = make([]byte, n+r.Buffered())
	}
	copy(room, a.Body) // the message is the reader's
	a.Body = room[:n:n]
	return a, room[n:], nil
}
