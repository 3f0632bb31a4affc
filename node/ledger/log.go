package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"parley/replica"
)

const (
	batchSteps = 1024    // records that one batch of a longer piece of work writes at most
	batchBytes = 4 << 20 // bytes after which a batch takes no further step
	tailBytes  = 4 << 20 // newest entries kept in memory for the sender; an older one is read back from disk
)

// Log is one connection's log: the only writer of its sequence numbers. Steps
// of many lanes are committed in groups: whoever comes first takes along all
// that come until the group before is on disk, so they share one batch and one sync.
type Log struct {
	l          *Ledger
	connection string

	leads sync.Mutex // held by the one that commits a group

	mu      sync.Mutex // guards the fields below
	next    *group     // what may still be joined; nil: nobody waits
	head    head       // as applied; durable tells how far it is on disk
	durable head       // as synced
	tail    []*Entry   // newest entries, without gaps up to head.Seq
	held    int        // bytes of tail
	told    Told
	flying  map[replica.LinkID]replica.Seq // links whose newest replica is not stored by the peer yet
	flights []flight                       // the same, oldest first
	posts   unfolded                       // entries that links' stored states lack
	span    replica.Seq                    // postsSpan; less in a test
	grown   signal                         // an entry became durable
	settled signal                         // an outcome became durable
	heard   signal                         // told moved

	epoch Epoch // the log's breaks

	in inbox // the other direction; receive alone touches it
}

// flight is a replica without a stored receipt.
type flight struct {
	seq  replica.Seq
	link replica.LinkID
}

// signal is closed and renewed when what it stands for happens.
type signal chan struct{}

func (s *signal) fire() {
	close(*s)
	*s = make(signal)
}

// Told is how far the peer has come with our log, as its receipts say.
type Told struct {
	Stored  replica.Seq `json:"stored"`  // cumulative
	Settled uint64      `json:"settled"` // number of its newest outcome we hold
}

// Step is one lane's writes for one connection, committed together.
type Step struct {
	Replica *replica.Replica // posted where not nil; its Seq is set by the log
	Out     *Outgoing        // stored with Replica: its Last and the Seq of the items that Replica carries are set by the log
	Verdict Verdict
	Outcome *replica.Outcome   // told to the peer where not nil
	Fill    func(*Batch) error // the lane's further records of the same step; may be nil

	jump func(now *head) // moves the head itself, where a break is healed
}

// group is the steps that are committed together.
type group struct {
	turns []*turn
	done  chan struct{} // closed when each is on disk, or has failed
}

type turn struct {
	steps []Step
	err   error
}

// Log opens a connection's log, made where there is none.
func (l *Ledger) Log(connection string) (*Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.logs[connection]; g != nil {
		return g, nil
	}
	g := &Log{l: l, connection: connection, span: postsSpan, flying: map[replica.LinkID]replica.Seq{}, grown: make(signal), settled: make(signal), heard: make(signal)}
	if err := g.load(); err != nil {
		return nil, fmt.Errorf("opening the log of connection %q: %w", connection, err)
	}
	l.logs[connection] = g
	return g, nil
}

func (g *Log) load() error {
	err := g.l.get(table('H').str(g.connection), g.head.decode)
	fresh := err == ErrNone
	if fresh {
		rand.Read(g.head.Epoch[:])
		g.head.From = 1
		err = g.l.Write(func(b *Batch) error {
			return b.Set(table('H').str(g.connection), g.head.encode(), nil)
		})
	}
	if err != nil {
		return err
	}
	g.durable = g.head
	err = g.l.get(table('S').str(g.connection), func(v []byte) error { return json.Unmarshal(v, &g.told) })
	if missing(err) != nil {
		return err
	}
	err = g.read(g.told.Stored+1, func(e *Entry) bool {
		g.fly(e)
		return true
	})
	if err != nil {
		return err
	}
	err = g.posts.load(g.l, 'o', g.connection, g.head.From, func(id replica.LinkID) (replica.Seq, error) {
		o, err := g.l.storedOutgoing(g.connection, id)
		if err != nil {
			return 0, err
		}
		return o.Last, nil
	})
	if err != nil {
		return err
	}
	if err := g.in.load(g.l, g.connection); err != nil {
		return err
	}
	return g.loadEpoch(fresh)
}

// Commit returns once the steps, each of another link, are on disk: all with one
// batch, or none. After an error they may or may not be; what a lane commits is
// computed from what is, so doing it again is harmless.
func (g *Log) Commit(steps ...Step) error {
	if len(steps) == 0 {
		return nil
	}
	t := &turn{steps: steps}
	g.mu.Lock()
	with, first := g.next, g.next == nil
	if first {
		with = &group{done: make(chan struct{})}
		g.next = with
	}
	with.turns = append(with.turns, t)
	g.mu.Unlock()
	if first {
		g.lead(with)
	} else {
		<-with.done
	}
	return t.err
}

// lead commits a group once the one before it is on disk.
func (g *Log) lead(with *group) {
	g.leads.Lock()
	defer g.leads.Unlock()
	runtime.Gosched() // whoever is about to come does so first: they share this sync
	g.mu.Lock()
	if g.next == with {
		g.next = nil
	}
	g.mu.Unlock()
	for left := with.turns; len(left) > 0; {
		left = g.commit(left)
	}
	close(with.done)
}

// commit puts the first of the steps on disk in one batch, and returns those that
// are left. The caller holds leads.
func (g *Log) commit(turns []*turn) (left []*turn) {
	b := g.l.db.NewBatch()
	defer b.Close()
	g.mu.Lock()
	now := g.head
	g.mu.Unlock()

	steps := 0
	for _, t := range turns {
		steps += len(t.steps)
	}
	entries := make([]Entry, 0, steps)
	log := newSegments(b, 'o', g.connection)
	defer log.free()
	log.salts = make([]byte, steps*SaltSize)
	rand.Read(log.salts)
	for i, t := range turns {
		for _, s := range t.steps {
			if entries, t.err = g.fill(log, &now, s, entries); t.err != nil {
				// Nothing of this batch is applied: the others are done again without it.
				return slices.Concat(turns[:i], turns[i+1:])
			}
		}
		if b.Len() > batchBytes {
			turns, left = turns[:i+1], turns[i+1:]
			break
		}
	}
	stored, err := g.apply(log, turns, &now)
	if err == nil {
		g.mu.Lock()
		g.head = now
		g.keep(entries)
		for _, f := range stored {
			g.posts.fold(f.link, f.seq)
		}
		g.mu.Unlock()
		err = g.l.synced(b)
	}
	for _, t := range turns {
		t.err = err
	}
	if err != nil {
		return left
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.durable
	g.durable = now
	if now.Seq > was.Seq {
		g.grown.fire()
	}
	if now.Settled > was.Settled {
		g.settled.fire()
	}
	return left
}

// apply adds the links' new states to the entries, where they are not to be
// replayed, each in the order of their keys, which is the order that costs a
// memtable least, and commits. It returns how far which links' states are stored.
func (g *Log) apply(log *segments, turns []*turn, now *head) (stored []flight, err error) {
	b := log.b
	if err := log.close(); err != nil {
		return nil, err
	}
	var states, replayed []*Step
	now.From = now.Seq + 1
	g.mu.Lock()
	for _, t := range turns {
		for i := range t.steps {
			s := &t.steps[i]
			switch r := s.Replica; {
			case r == nil:
				continue
			case g.replayed(r):
				replayed = append(replayed, s)
			default:
				states = append(states, s)
			}
			now.From = min(now.From, s.Replica.Seq)
		}
	}
	now.From = g.posts.first(now.From)
	g.mu.Unlock()
	if g.l.step != nil {
		if err := g.follow(replayed); err != nil {
			return nil, err
		}
	}
	if now.From+g.span < now.Seq {
		g.l.states.Lock()
		defer g.l.states.Unlock()
		stored, _ = g.settle(b, now.Seq-g.span) // what cannot be read stays its link's trouble
	} else {
		g.l.states.RLock()
		defer g.l.states.RUnlock()
	}
	slices.SortFunc(states, func(a, b *Step) int {
		return bytes.Compare(a.Replica.Link[:], b.Replica.Link[:])
	})
	for _, s := range states {
		log.buf = s.Out.encode(log.buf[:0])
		if err := b.Set(linkKey('O', g.connection, s.Replica.Link), log.buf, nil); err != nil {
			return nil, err
		}
		stored = append(stored, flight{s.Replica.Seq, s.Replica.Link})
	}
	if err := b.Set(table('H').str(g.connection), now.encode(), nil); err != nil {
		return nil, err
	}
	return stored, g.l.applyUnder(b)
}

// fill puts one step into the batch, moves now past it, and adds what it posts to
// the entries.
func (g *Log) fill(log *segments, now *head, s Step, entries []Entry) ([]Entry, error) {
	b := log.b
	if s.Replica != nil {
		e, err := g.post(log, now, s)
		if err != nil {
			return entries, err
		}
		entries = append(entries, e)
		if err := log.add(&entries[len(entries)-1]); err != nil {
			return entries, err
		}
	}
	if s.Outcome != nil {
		now.Settled++
		v, err := json.Marshal(s.Outcome)
		if err != nil {
			return entries, fmt.Errorf("encoding an outcome: %w", err)
		}
		if err := b.Set(table('Y').str(g.connection).num(now.Settled), v, nil); err != nil {
			return entries, err
		}
	}
	if s.Fill != nil {
		if err := s.Fill(b); err != nil {
			return entries, err
		}
	}
	if s.jump != nil {
		s.jump(now)
	}
	return entries, nil
}

// post makes the entry of a step and moves now and the link's state past it.
func (g *Log) post(log *segments, now *head, s Step) (Entry, error) {
	r := s.Replica
	r.Seq = now.Seq + 1
	body, err := r.Encode()
	if err != nil {
		return Entry{}, fmt.Errorf("encoding replica of link %s: %w", r.Link, err)
	}
	e := Entry{Seq: r.Seq, At: log.at, Link: r.Link, Rules: r.Rules, Verdict: s.Verdict, Body: body}
	log.salts = log.salts[copy(e.Salt[:], log.salts):]
	e.Commitment = commitment(e.Salt, body)
	e.Chain = chain(now.Chain, e.Commitment)
	now.Seq, now.Chain = e.Seq, e.Chain

	s.Out.Last = r.Seq
	if r.Whole {
		s.Out.Whole = r.Seq
	}
	s.Out.carried(r.Seq, r)
	return e, nil
}

// keep remembers the newest entries for the sender. The caller holds mu.
func (g *Log) keep(entries []Entry) {
	for i := range entries {
		e := &entries[i]
		g.tail = append(g.tail, e)
		g.held += len(e.Body)
		g.fly(e)
		g.posts.add(flight{e.Seq, e.Link})
	}
	for g.held > tailBytes && len(g.tail) > 0 {
		g.forget()
	}
}

// forget drops the oldest remembered entry. The caller holds mu.
func (g *Log) forget() {
	g.held -= len(g.tail[0].Body)
	g.tail[0] = nil
	g.tail = g.tail[1:] // append moves what is left when the array is used up
}

// fly notes that the peer has yet to store e. The caller holds mu.
func (g *Log) fly(e *Entry) {
	g.flying[e.Link] = e.Seq
	g.flights = append(g.flights, flight{e.Seq, e.Link})
}

// Position is where a connection's log stands, as hello tells the peer.
type Position struct {
	Epoch    [16]byte    // of our outgoing log
	Seq      replica.Seq // newest durable sequence of it
	Chain    replica.Hash
	Settled  uint64      // newest outcome of ours
	InEpoch  [16]byte    // of the peer's log, as known here; zero before its first replica
	Stored   replica.Seq // newest sequence of the peer's log stored here
	InChain  replica.Hash
	PeerSaid uint64 // newest outcome of the peer's held here
	Named    *Past  `json:",omitempty"` // the old log's head that Epoch follows, where there was a break
}

// Position reports where the log stands.
func (g *Log) Position() Position {
	g.in.mu.Lock()
	in := g.in.head
	g.in.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	return Position{Epoch: g.head.Epoch, Seq: g.durable.Seq, Chain: g.durable.Chain, Settled: g.durable.Settled, InEpoch: in.Epoch, Stored: in.Seq, InChain: in.Chain, PeerSaid: g.told.Settled, Named: g.named()}
}

// Told reports how far the peer has come.
func (g *Log) Told() Told {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.told
}

// Grown is closed when an entry became durable since the call.
func (g *Log) Grown() <-chan struct{} { return g.when(&g.grown) }

// Settled is closed when an outcome for the peer became durable since the call.
func (g *Log) Settled() <-chan struct{} { return g.when(&g.settled) }

// Heard is closed when the peer told more since the call.
func (g *Log) Heard() <-chan struct{} { return g.when(&g.heard) }

func (g *Log) when(s *signal) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return *s
}

// InFlight reports whether the link's newest replica is still without a stored receipt.
func (g *Log) InFlight(link replica.LinkID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, yes := g.flying[link]
	return yes
}

// Unstored counts the replicas without a stored receipt, and tells when the
// oldest of them was posted (zero where there is none).
func (g *Log) Unstored() (n int, oldest time.Time, err error) {
	from := g.Told().Stored + 1
	err = g.read(from, func(e *Entry) bool {
		if n == 0 {
			oldest = e.At
		}
		n++
		return true
	})
	return n, oldest, err
}

// Entries returns durable entries from seq on, at most max of them; none where
// there is nothing yet. They are the caller's to read, never to change.
func (g *Log) Entries(from replica.Seq, max int) (entries []*Entry, err error) {
	if max <= 0 {
		return nil, nil
	}
	g.mu.Lock()
	durable := g.durable.Seq
	if len(g.tail) > 0 && from >= g.tail[0].Seq {
		if from <= durable {
			start := int(from - g.tail[0].Seq)
			end := min(start+max, int(durable-g.tail[0].Seq)+1)
			entries = append(entries, g.tail[start:end]...)
		}
		g.mu.Unlock()
		return entries, nil
	}
	g.mu.Unlock()
	err = g.read(from, func(e *Entry) bool {
		if e.Seq <= durable {
			entries = append(entries, e)
		}
		return len(entries) < max && e.Seq < durable
	})
	return entries, err
}

// read calls use for each entry that left, from seq on, until it says stop.
func (g *Log) read(from replica.Seq, use func(*Entry) bool) error {
	return g.l.entries('o', g.connection, from, use)
}
