package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// A home that was put back to an earlier state (restored, or rolled back with
// its machine) has forgotten what it told its peer and what it wrote to its
// tenant. Both sides see it in each other's positions, and nothing crosses on
// that connection; the side that forgot also leaves its tenant alone. Its admin
// chooses a remedy, and from there it goes on by itself:
//
//  1. FromPeer: our own lost replicas come back from the peer, who has their
//     exact bytes; the hash chain proves that they are what we had posted, in
//     order. Resync goes without, and both sides will post whole views.
//  2. A new epoch of our log follows the head that the peer holds; the peer
//     adopts it. Numbers go on, so that none means two things.
//  3. The peer's log is stored again from where our memory ends. Nothing is
//     judged before all of it is there: an old value would undo a newer one.
//  4. Once no visit from before is under way, the tenant is asked what happened in
//     the forgotten time (see recollect): by their marks we know our tickets and
//     comments again, by the history our own edits. So nothing is made twice, and
//     nothing of ours travels back.

// Remedy is how a rewound connection is healed.
type Remedy string

// The remedies.
const (
	FromPeer Remedy = "from-peer" // what was lost here is taken back from the peer first
	Resync   Remedy = "resync"    // both sides post whole views; fields changed on both sides since are decided by the rules anew
)

const mendAgain = 5 * time.Second // until a tenant that did not answer is asked again

// agree compares where the peer stands with what we remember; where the two part
// the connection alone stops, with the reason. It takes up a new epoch of the peer's.
func (t *talk) agree(c *Connection, at ledger.Position) bool {
	err := c.Log.Compare(at, t.stood(c))
	afresh := false
	if err == nil {
		afresh, err = c.Log.Adopt(at)
	}
	if err != nil {
		t.part(c, err)
		return false
	}
	if c.Log.CaughtUp() { // an earlier process may have begun to heal it
		t.d.mendSoon()
	}
	if afresh {
		if err := t.d.wakeOwing(c); err != nil {
			t.part(c, err)
			return false
		}
	}
	return true
}

// part ends one connection of the session: for a while where its stream is at
// fault, until it is healed where the two ledgers do not agree. The others go on.
// Another error is the session's.
func (t *talk) part(c *Connection, err error) error {
	switch {
	case err == nil:
		return nil
	case faulty(err):
		t.rest(c, c.broken(err))
		return nil
	}
	t.forget(c)
	news := c.lost(t, c.parted(err))
	if !errors.Is(err, ledger.ErrRewind) && !errors.Is(err, ledger.ErrErased) {
		return err
	}
	if news { // a peer may say it again and again
		t.d.log.Warn("a connection stands still: the two ledgers do not agree", "connection", c.Name, "err", err)
	}
	return nil
}

// parted words, for the admin, why the two ledgers do not agree.
func (c *Connection) parted(err error) string {
	var p *ledger.Parted
	switch {
	case errors.As(err, &p) && p.Ours:
		return c.halted()
	case errors.As(err, &p):
		return fmt.Sprintf("%s was put back to an earlier state: %s. Nothing crosses on this connection until the admin there has run \"parley heal\"; the others go on", c.Peer, p.Why)
	}
	if errors.Is(err, ledger.ErrErased) {
		return fmt.Sprintf("%s asks for replicas whose content is not kept any more ([ledger] keep): its admin runs \"parley heal --resync\"", c.Peer)
	}
	return trouble(err)
}

// halted is why this side leaves the connection alone; "" where it does not.
func (c *Connection) halted() string {
	switch e := c.Log.Epoch(); {
	case e.Rewound():
		return fmt.Sprintf("this node was put back to an earlier state, and %s knows more of the exchange than it does: it only reads until you run \"parley heal %s --from-peer\" (or --resync)", c.Peer, c.Name)
	case e.Mending:
		return fmt.Sprintf("it is being healed: %d of %d replicas of %s are here, then the tenant is asked what was written since", c.Log.Position().Stored, e.Until, c.Peer)
	}
	return ""
}

// Mend begins to heal a connection whose memory this side has lost; it returns
// when the new epoch has begun, and the rest goes on by itself. The partner must
// be connected.
func (d *Desk) Mend(ctx context.Context, name string, how Remedy) error {
	c := d.Connection(name)
	if c == nil {
		return fmt.Errorf("there is no connection %q with published rules", name)
	}
	switch e := c.Log.Epoch(); {
	case e.Mending:
		return nil
	case !e.Rewound() && c.Trouble() != "":
		return fmt.Errorf("connection %q cannot be healed from here: %s", name, c.Trouble())
	case !e.Rewound():
		return fmt.Errorf("connection %q needs no healing: both ledgers agree", name)
	}
	t, at, err := d.talking(c)
	if err != nil {
		return err
	}
	if own := c.Log.Position(); how == FromPeer && at.Stored > own.Seq {
		if err := t.fetch(ctx, c, own.Seq+1); err != nil {
			return fmt.Errorf("taking back what %s holds: %w", c.Peer, err)
		}
	}
	if err := c.Log.Begin(at, how == Resync); err != nil {
		return err
	}
	d.log.Info("a connection is being healed", "connection", name, "seq", at.Stored, "rule", string(how))
	if err := t.announce(c); err != nil {
		return err
	}
	d.mendSoon()
	return nil
}

// talking finds the session with a connection's peer, and where the peer stands.
func (d *Desk) talking(c *Connection) (*talk, ledger.Position, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for t := range d.talks {
		if t.s.Peer() != c.Peer || t.ctx.Err() != nil {
			continue
		}
		t.mu.Lock()
		at, known := t.at[c.Wire]
		t.mu.Unlock()
		if known {
			return t, at, nil
		}
	}
	return nil, ledger.Position{}, fmt.Errorf("%s is not connected: healing needs its copy of what was exchanged", c.Peer)
}

// fetch has the peer give back our own replicas from one on, and waits for the last.
func (t *talk) fetch(ctx context.Context, c *Connection, from replica.Seq) error {
	b, err := asked{c.Wire, from}.encode()
	if err != nil {
		return err
	}
	back := c.expectBack()
	if err := t.s.SendControl(t.ctx, backKind, b); err != nil {
		return err
	}
	select {
	case err := <-back:
		return err
	case <-t.ctx.Done():
		return errors.New("the session ended; run it again")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// give sends a peer its own replicas back, as they came, on a stream of its own.
func (t *talk) give(body []byte) error {
	q, err := decodeAsked(body)
	if err != nil {
		return fmt.Errorf("reading what %q asks back: %w", t.s.Peer(), err)
	}
	c := t.d.wired(t.s.Peer(), q.Connection)
	if c == nil || !c.giving.TryLock() { // one at a time
		return nil
	}
	t.g.Go(func() error {
		defer c.giving.Unlock()
		if err := t.giveFrom(c, q.From); err != nil && t.ctx.Err() == nil {
			t.d.log.Warn("a peer's own replicas could not be given back", "connection", c.Name, "err", err)
		}
		return nil
	})
	return nil
}

func (t *talk) giveFrom(c *Connection, next replica.Seq) error {
	w, err := t.s.OpenStream(t.ctx, c.Wire)
	if err != nil {
		return fmt.Errorf("opening a stream: %w", err)
	}
	if err := w.WriteMessage(backKind, nil, nil); err != nil {
		return err
	}
	for {
		entries, err := c.Log.Received(next, sendEntries)
		if err != nil {
			w.Reset()
			return err
		}
		for _, e := range entries {
			if err := writeReplica(w, e); err != nil {
				return err
			}
			next = e.Seq + 1
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if len(entries) == 0 {
			return w.Close()
		}
	}
}

// takeBack stores what the peer gives back, where it was asked for.
func (t *talk) takeBack(c *Connection, r *transport.FrameReader) error {
	back := c.takeExpected()
	if back == nil {
		r.Cancel()
		return nil
	}
	for {
		batch, err := arrivals(r)
		if len(batch) > 0 {
			if bad := c.Log.TakeBack(batch); bad != nil {
				r.Cancel()
				back <- bad
				return nil
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			r.Cancel()
			back <- err
			return nil
		}
	}
}

// expectBack makes ready for what the peer will give back.
func (c *Connection) expectBack() <-chan error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.back = make(chan error, 1)
	return c.back
}

func (c *Connection) takeExpected() chan<- error {
	c.mu.Lock()
	defer c.mu.Unlock()
	back := c.back
	c.back = nil
	return back
}

// mendSoon has mend look whether a connection has caught up.
func (d *Desk) mendSoon() {
	select {
	case d.mending <- struct{}{}:
	default:
	}
}

// mend finishes what Mend began, for each connection that has caught up and that
// no visit works at any more.
func (d *Desk) mend(ctx context.Context) error {
	for {
		var again <-chan time.Time
		for _, c := range d.Connections() {
			if !c.Log.CaughtUp() || c.visited() {
				continue
			}
			if err := d.recollect(ctx, c); err != nil {
				d.log.Warn("what was forgotten cannot be read from the tenant yet", "connection", c.Name, "err", quiet(err))
				again = time.After(mendAgain)
			}
		}
		select {
		case <-d.mending:
		case <-again:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// engage takes hold of the connections that a visit may work at. It comes before
// anything is read for the visit, from the tenant as from the ledger: what was
// read while a connection stood still knows nothing of what its healing found.
func (d *Desk) engage(j *job) {
	for _, c := range d.Connections() {
		c.mu.Lock()
		if !c.Log.Epoch().Halted() {
			c.visits++
			j.at = append(j.at, c)
		}
		c.mu.Unlock()
	}
}

// release ends what engage began; healing waits for the last visit that began before.
func (d *Desk) release(j *job) {
	for _, c := range j.at {
		c.mu.Lock()
		c.visits--
		c.mu.Unlock()
		if c.Log.CaughtUp() {
			d.mendSoon()
		}
	}
	j.at = nil
}

// worksAt reports whether a visit may work at a connection.
func (j *job) worksAt(c *Connection) bool {
	return slices.Contains(j.at, c) && !c.Log.Epoch().Halted()
}

// visited reports whether visits are under way that may work at the connection.
func (c *Connection) visited() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.visits > 0
}

// carries reports whether a connection is under way in this session.
func (t *talk) carries(c *Connection) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lines[c.Wire] != nil
}

// asleep reports whether a visit cannot work at a link's connection, so that
// what changed must stay marked.
func (d *Desk) asleep(j *job, links []ledger.Link) bool {
	return slices.ContainsFunc(links, func(k ledger.Link) bool {
		c := d.Connection(k.Connection)
		return c != nil && !k.Ended && (c.Rules() == nil || !j.worksAt(c))
	})
}

// codeForgotten is held work whose ticket this node does not know any more.
const codeForgotten = "forgotten"

// unknownTicket holds a link that the peer speaks of as ours: a twin of it would
// be a second ticket.
func (w *work) unknownTicket() *ledger.Held {
	return &ledger.Held{
		Key: w.key(), Class: ledger.Definite, Code: codeForgotten, Since: time.Now().UnixMilli(),
		Reason: fmt.Sprintf("%s speaks of a ticket of ours that this node has forgotten since its backup, and that could not be found again.", w.c.Peer),
		Next:   "Find the ticket that the partner's one belongs to, and share it again: parley sync CONNECTION KEY.",
	}
}

// ErrNotBack is wrapped where what the peer holds of us does not go on from what
// is here, so that only a resync heals.
var ErrNotBack = ledger.ErrNotBack
