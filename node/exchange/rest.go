package exchange

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"parley/node/ledger"
	"parley/transport"
)

// What breaks on one connection's stream stays with that connection (I5, I6):
// garbage, a message beyond its bound, a gap in the numbers, a stream that begins
// wrongly or that the peer stops. Its line in this session ends, both ways, and
// rests; then it tells the peer its position again and begins anew. Each fault
// doubles the rest, and nothing the peer says shortens it, so that a peer which
// does nothing else costs next to nothing. Its other connections go on.
//
// The session ends only where what all connections hang on is wrong: the control
// stream, or a receipt that the peer's ledger key did not sign, since that speaks
// for whoever sent it and not for one connection.
const (
	firstRest   = 5 * time.Second
	longestRest = 5 * time.Minute // a line that lived longer than this rests as after its first fault
)

// rest is what a session remembers of one connection's faults.
type rest struct {
	c    *Connection
	over chan struct{} // closed when the line may begin again; nil: it does not rest
	next time.Duration // how long it rests after the next fault
	why  string        // what the admin was told
}

// faulty reports whether an error is the fault of one connection's stream.
func faulty(err error) bool {
	for _, fault := range []error{transport.ErrFrame, transport.ErrTooLarge, transport.ErrProtocol, ledger.ErrGap} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return transport.Stopped(err)
}

// hear takes in one stream of the peer's, once its connection's position was
// judged and it has rested.
func (t *talk) hear(c *Connection, r *transport.FrameReader) error {
	if !t.await(t.meeting(c).done) || !t.await(t.rested(c)) {
		return t.ctx.Err()
	}
	err := t.receive(c, r)
	switch {
	case err == nil || t.ctx.Err() != nil:
		return err
	case transport.Stopped(err), errors.Is(err, io.EOF): // taken back; where the peer will not hear us either, our own stream tells
		return nil
	case faulty(err), errors.Is(err, io.ErrUnexpectedEOF):
		r.Cancel()
		t.rest(c, c.broken(err))
		return nil
	}
	return err
}

// await waits for done; false where the session ends first.
func (t *talk) await(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-t.ctx.Done():
		return false
	}
}

// rested is closed while the connection does not rest.
func (t *talk) rested(c *Connection) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.rests[c.Wire]; r != nil && r.over != nil {
		return r.over
	}
	return always
}

var always = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// rest ends a connection's line for a while. One that has no line stands still,
// rests already, or is not known to the peer: it stays as it is.
func (t *talk) rest(c *Connection, why string) {
	t.mu.Lock()
	l := t.lines[c.Wire]
	if l == nil {
		t.mu.Unlock()
		return
	}
	l.end()
	delete(t.lines, c.Wire)
	r := t.rests[c.Wire]
	if r == nil || time.Since(l.began) > longestRest {
		r = &rest{c: c, next: firstRest}
		t.rests[c.Wire] = r
	}
	wait := r.next + rand.N(r.next/4)
	r.next = min(2*r.next, longestRest)
	r.over, r.why = make(chan struct{}), why
	t.mu.Unlock()
	c.lost(t, why)
	t.d.log.Warn("a connection rests, the peer's others go on", "connection", c.Name, "err", why, "took", wait)
	t.g.Go(func() error {
		if !pause(t.ctx, wait) || !t.rises(r) {
			return nil
		}
		return t.announce(c)
	})
}

// rises ends a rest, unless something else did, or the connection works under
// another name by now.
func (t *talk) rises(r *rest) bool {
	now := t.d.wired(r.c.Peer, r.c.Wire)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rests[r.c.Wire] != r {
		return false
	}
	close(r.over)
	r.over = nil
	return now == r.c
}

// forget drops a connection's line and faults, where it is to stand still.
func (t *talk) forget(c *Connection) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.lines[c.Wire]; l != nil {
		l.end()
		delete(t.lines, c.Wire)
	}
	if r := t.rests[c.Wire]; r != nil {
		if r.over != nil {
			close(r.over)
		}
		delete(t.rests, c.Wire)
	}
}

// ended notes that the session carries nothing any more. Why a connection rested
// is no news then: the next session begins it at once.
func (t *talk) ended() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.lines {
		l.c.lost(t, "")
	}
	for _, r := range t.rests {
		r.c.unsaid(r.why)
	}
}

// broken words a fault for the admin.
func (c *Connection) broken(err error) string {
	if transport.Stopped(err) {
		return fmt.Sprintf("%s stopped this connection's stream; its node says why. It is tried again by itself", c.Peer)
	}
	return fmt.Sprintf("what %s sent on this connection is wrong: %v. It is tried again by itself; tell the admin there if it stays", c.Peer, err)
}
