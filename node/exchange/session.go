package exchange

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// Kinds of control messages.
const (
	storedKind   = 'a' // everything of a connection up to a sequence is on disk: the sequence (8 bytes, big endian), the connection
	receiptKind  = 'r' // the same, signed, and what became of it
	refuseKind   = 'x' // "I have no connection of this name": the name
	askKind      = 'q' // how links stand, asked (see driftwire.go)
	tellKind     = 't' // and answered
	backKind     = 'b' // "give me back my own replicas", which this side has lost; their stream begins with it
	positionKind = 'p' // where a connection stands: one that the hello did not know yet
)

// Kinds of messages on a connection's stream: first where the sender's log
// stands, then replicas.
const (
	beginKind   = 'P'
	replicaKind = 'R'
	replicaHead = 8 + ledger.SaltSize // sequence and salt before a replica's bytes
)

const (
	sendEntries  = 512     // entries read from the log at once
	inFlight     = 1024    // replicas sent ahead of the peer's receipt; a deeper window only makes queues
	takeArrivals = 512     // arrivals that one batch stores at most
	takeBytes    = 4 << 20 // bytes likewise
	takenAhead   = 4       // batches that may wait for the disk at once
	maxOutcomes  = 1000    // outcomes that one receipt carries
	maxBegin     = 4 << 10 // bytes of a position
	oddAtOnce    = 100     // streams of unknown connections that are answered at once; more wait, one a second

	signEvery = 20 * time.Millisecond // between two receipts that tell of storing alone: the links are freed without waiting for them
)

// talk is one session with one peer.
type talk struct {
	d   *Desk
	s   *transport.Session
	ctx context.Context
	g   *errgroup.Group

	mu    sync.Mutex                 // guards the fields below
	known map[string]ledger.Position // the connections of the peer's hello
	at    map[string]ledger.Position // where the peer stood when this session began, by connection
	then  map[string]ledger.Position // and where we stood
	lines map[string]*line           // connections under way
	rests map[string]*rest           // those whose stream was at fault
	met   map[string]*meeting        // done once the peer's word on where a connection stands was judged

	asked     uint32                     // number of the last question to the peer
	answers   map[uint32]chan standsPage // who waits for which
	questions chan standsQuestion        // the peer's

	odd *rate.Limiter // of what the peer says out of turn, so that answers and log do not grow with it
}

// Serve exchanges replicas with one peer until the session or ctx ends. Each
// connection has a stream of its own in each direction, so none waits for another.
func (d *Desk) Serve(ctx context.Context, s *transport.Session) error {
	known, err := theirs(s)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	t := &talk{d: d, s: s, ctx: ctx, g: g, known: known, at: map[string]ledger.Position{}, then: map[string]ledger.Position{}, lines: map[string]*line{}, rests: map[string]*rest{}, met: map[string]*meeting{}, answers: map[uint32]chan standsPage{}, questions: make(chan standsQuestion, asksAhead), odd: rate.NewLimiter(1, oddAtOnce)}
	d.join(t)
	defer d.leave(t)
	for _, c := range d.Connections() {
		if c.Peer != s.Peer() {
			continue
		}
		// Told again: the hello may be older than what the session before this one
		// still carried, and than the connection.
		t.stood(c)
		if err := t.announce(c); err != nil {
			return err
		}
	}
	g.Go(t.accept)
	g.Go(t.control)
	g.Go(t.tell)
	g.Go(t.giveBlobs)
	g.Go(t.pullBlobs)
	err = g.Wait()
	t.ended()
	return err
}

// begin starts a connection once both sides know it.
func (t *talk) begin(c *Connection) {
	t.mu.Lock()
	at, told := t.at[c.Wire]
	_, known := t.known[c.Wire]
	t.mu.Unlock()
	if told {
		met := t.meeting(c)
		defer met.Do(func() { close(met.done) })
		if !t.agree(c, at) {
			return
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !told && known: // it says so any moment
		return
	case !told:
		c.lost(t, fmt.Sprintf("%s does not know a connection %q yet; it needs published rules of that name there", c.Peer, c.Wire))
		return
	case t.lines[c.Wire] != nil:
		if told {
			t.lines[c.Wire].tellAgain(at.PeerSaid)
		}
		return
	case t.rests[c.Wire] != nil && t.rests[c.Wire].over != nil:
		return
	}
	ctx, end := context.WithCancel(t.ctx)
	l := &line{d: t.d, c: c, s: t.s, life: t.ctx, from: c.Log.From(at), told: at.PeerSaid, news: make(chan struct{}, 1), again: make(chan uint64, 1), began: time.Now(), end: end}
	t.lines[c.Wire] = l
	c.live(t)
	c.Log.Confirmed(at.PeerSaid)
	t.g.Go(func() error { return t.part(c, l.until(ctx, l.send)) })
	t.g.Go(func() error { return l.until(ctx, l.receipts) })
}

// stood is where we stood when the session began, before anything of the
// connection was exchanged in it.
func (t *talk) stood(c *Connection) ledger.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	then, ok := t.then[c.Wire]
	if !ok {
		then = c.Log.Position()
		t.then[c.Wire] = then
	}
	return then
}

// refused ends a connection that the peer does not know; its position, when it
// knows it again, begins it anew.
func (t *talk) refused(wire string) {
	c := t.d.wired(t.s.Peer(), wire)
	if c == nil {
		return
	}
	why := fmt.Sprintf("%s does not know a connection %q; it needs published rules of that name there", c.Peer, wire)
	t.mu.Lock()
	r := t.rests[wire]
	rests := r != nil && r.over != nil
	if !rests && t.lines[wire] == nil {
		t.mu.Unlock()
		return
	}
	delete(t.at, wire)
	delete(t.known, wire)
	if rests { // the end of its stream came first
		r.why = why
	}
	t.mu.Unlock()
	if rests {
		c.lost(t, why)
	} else {
		t.rest(c, why)
	}
}

// announce tells the peer of a connection that is new here, and begins it where
// the peer knows it already.
func (t *talk) announce(c *Connection) error {
	b, err := position{Connection: c.Wire, At: c.Log.Position()}.encode()
	if err != nil {
		return err
	}
	if err := t.s.SendControl(t.ctx, positionKind, b); err != nil {
		return fmt.Errorf("telling %q of connection %q: %w", t.s.Peer(), c.Name, err)
	}
	t.begin(c)
	return nil
}

// line is one connection within one session.
type line struct {
	d     *Desk
	c     *Connection
	s     *transport.Session
	life  context.Context // the session's: a control message that is begun is finished, whatever becomes of the line
	from  replica.Seq     // the first sequence the peer lacks
	told  uint64          // the newest outcome it holds
	again chan uint64     // the peer's line began anew: the newest outcome it holds then
	news  chan struct{}   // something was stored: a receipt is due
	began time.Time
	end   func() // ends this line alone
}

// until runs one half of a line; what its own end breaks off is no failure.
func (l *line) until(ctx context.Context, run func(context.Context) error) error {
	err := run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// send writes the log to the peer in order, from what it lacks on.
func (l *line) send(ctx context.Context) error {
	w, err := l.s.OpenStream(ctx, l.c.Wire)
	if err != nil {
		return fmt.Errorf("opening the stream of connection %q: %w", l.c.Name, err)
	}
	defer w.Close()
	begin, err := position{Connection: l.c.Wire, At: l.c.Log.Position()}.encode()
	if err != nil {
		return err
	}
	if err := w.WriteMessage(beginKind, nil, begin); err != nil {
		return fmt.Errorf("beginning connection %q: %w", l.c.Name, err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("beginning connection %q: %w", l.c.Name, err)
	}
	next, over := l.from, w.Over()
	for {
		grown, heard := l.c.Log.Grown(), l.c.Log.Heard()
		room := l.room(next)
		if room > 0 {
			heard = nil // the peer's word matters only where it makes room
		}
		entries, err := l.c.Log.Entries(next, min(sendEntries, room))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := writeReplica(w, e); err != nil {
				return fmt.Errorf("sending replica %d of connection %q: %w", e.Seq, l.c.Name, err)
			}
			next = e.Seq + 1
		}
		if len(entries) > 0 {
			if err := w.Flush(); err != nil {
				return fmt.Errorf("sending to connection %q: %w", l.c.Name, err)
			}
			continue
		}
		select {
		case <-grown:
		case <-heard:
		case <-over:
			if err := w.Cause(); transport.Stopped(err) {
				return fmt.Errorf("sending to connection %q: %w", l.c.Name, err)
			}
			over = nil // the session ends
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func writeReplica(w *transport.FrameWriter, e *ledger.Entry) error {
	if e.Erased {
		return ledger.ErrErased
	}
	head := encodeHead(e.Seq, e.Salt)
	return w.WriteMessage(replicaKind, head[:], e.Body)
}

// room is how many replicas may still be sent before the peer stores some.
func (l *line) room(next replica.Seq) int {
	stored := max(l.c.Log.Told().Stored, l.from-1)
	return max(0, inFlight-int(next-1-stored))
}

// receipts tells the peer, signed, what is stored and what became of it: an
// outcome as soon as it is true, and within signEvery what is stored.
func (l *line) receipts(ctx context.Context) error {
	var pause <-chan time.Time
	for first := true; ; first = false {
		settled, news := l.c.Log.Settled(), l.news
		if pause != nil {
			news = nil
		}
		at := l.c.Log.Position()
		if !first && at.Settled <= l.told {
			select {
			case <-settled:
				continue
			case <-pause:
				pause = nil
				continue
			case l.told = <-l.again:
			case <-news:
			case <-ctx.Done():
				return ctx.Err()
			}
			at = l.c.Log.Position()
		}
		if err := l.receipt(at); err != nil {
			return err
		}
		pause = time.After(signEvery)
	}
}

// tellAgain has the next receipt begin where the peer stands: while its line
// rested, it passed over ours.
func (l *line) tellAgain(held uint64) {
	select {
	case <-l.again:
	default:
	}
	l.again <- held
}

// receipt signs and sends one receipt.
func (l *line) receipt(at ledger.Position) error {
	r := replica.Receipt{Connection: l.c.Wire, Epoch: at.InEpoch, Stored: at.Stored, Chain: at.InChain, Settled: l.told}
	if at.Settled > l.told {
		var err error
		if r.Settled, r.Outcomes, err = l.c.Log.Outcomes(l.told, maxOutcomes); err != nil {
			return err
		}
	}
	b, err := r.Sign(l.d.sign)
	if err != nil {
		return fmt.Errorf("signing a receipt of connection %q: %w", l.c.Name, err)
	}
	if err := l.s.SendControl(l.life, receiptKind, b); err != nil {
		return fmt.Errorf("sending a receipt of connection %q: %w", l.c.Name, err)
	}
	l.told = r.Settled
	return nil
}

// control takes in the peer's receipts, refusals and positions.
func (t *talk) control() error {
	for {
		kind, body, err := t.s.RecvControl(t.ctx)
		if err != nil {
			return fmt.Errorf("listening to %q: %w", t.s.Peer(), err)
		}
		switch kind {
		case storedKind:
			err = t.acknowledged(body)
		case receiptKind:
			err = t.receipt(body)
		case askKind:
			err = t.ask(body)
		case tellKind:
			err = t.told(body)
		case refuseKind:
			t.refused(string(body))
		case backKind:
			err = t.give(body)
		case positionKind:
			err = t.position(body)
		default: // a later version's message
			t.d.log.Debug("an unknown control message was passed over", "peer", t.s.Peer(), "kind", kind)
		}
		if err != nil {
			return err
		}
	}
}

func (t *talk) position(body []byte) error {
	p, err := decodePosition(body)
	if err != nil {
		return fmt.Errorf("reading a position of %q: %w", t.s.Peer(), err)
	}
	t.mu.Lock()
	if _, told := t.at[p.Connection]; told || len(t.at) < maxConnections {
		t.at[p.Connection] = p.At
	}
	t.mu.Unlock()
	if c := t.d.wired(t.s.Peer(), p.Connection); c != nil {
		t.begin(c)
	}
	return nil
}

// meeting is done once the peer's first position of a connection was judged. Its
// stream may overtake that, and is judged after it: what it says is newer.
type meeting struct {
	sync.Once
	done chan struct{}
}

func (t *talk) meeting(c *Connection) *meeting {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.met[c.Wire] == nil {
		t.met[c.Wire] = &meeting{done: make(chan struct{})}
	}
	return t.met[c.Wire]
}

const maxConnections = 4096 // connections that one peer may name

func (t *talk) acknowledged(body []byte) error {
	seq, wire, err := decodeStored(body)
	if err != nil {
		return fmt.Errorf("reading an acknowledgement of %q: %w", t.s.Peer(), err)
	}
	c := t.d.wired(t.s.Peer(), wire)
	if c == nil || !t.carries(c) {
		return nil // the connection is not ours any more, or stands still
	}
	freed, err := c.Log.Acknowledged(seq)
	if err != nil {
		return t.part(c, err)
	}
	for _, link := range freed {
		t.d.freed(c, link)
	}
	return nil
}

func (t *talk) receipt(body []byte) error {
	r, err := replica.OpenReceipt(body, t.s.PeerLedgerKey())
	if err != nil {
		return fmt.Errorf("reading a receipt of %q: %w", t.s.Peer(), err)
	}
	c := t.d.wired(t.s.Peer(), r.Connection)
	if c == nil || !t.carries(c) {
		return nil // the connection is not ours any more, or stands still
	}
	freed, news, err := c.Log.Receipt(r, body)
	if err != nil {
		return t.part(c, err)
	}
	for _, link := range freed {
		t.d.freed(c, link)
	}
	for _, link := range news {
		t.d.told(c, link)
	}
	return nil
}

// trouble words an error of the exchange for the admin.
func trouble(err error) string {
	if errors.Is(err, ledger.ErrRewind) {
		return "the two ledgers disagree about what was exchanged: one of them was restored from a backup or copied; nothing crosses until an admin has chosen which one is right"
	}
	return err.Error()
}
