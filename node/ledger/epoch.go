package ledger

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"parley/replica"
)

// Epoch is what a connection's log knows of its own breaks: a home that was
// restored from a backup, or put back with its machine, remembers less than its
// peer was told.
type Epoch struct {
	Restore string      `json:"restore,omitempty"` // the newest restore of the home that this log has taken note of
	Since   int64       `json:"since,omitempty"`   // Unix ms: what happened here from then on may be forgotten; 0: nothing is
	Mending bool        `json:"mending,omitempty"` // an admin has chosen; the peer's log is being stored up to Until
	Until   replica.Seq `json:"until,omitempty"`
	Back    replica.Seq `json:"back,omitempty"` // the first number of ours that was taken back; 0: none was
	Past    []Past      `json:"past,omitempty"` // oldest first
}

// Past names the head of a log that a new epoch follows. Numbers and the chain
// go on from it; what was lost between Had and Seq may be missing on disk.
type Past struct {
	In     bool         `json:"in,omitempty"`     // of the peer's log; else of ours
	Epoch  [16]byte     `json:"epoch"`            // of the old log
	Seq    replica.Seq  `json:"seq"`              // its newest number, as the peer holds it
	Chain  replica.Hash `json:"chain"`            // its chain there
	Had    replica.Seq  `json:"had"`              // the newest number that is here
	Afresh bool         `json:"afresh,omitempty"` // both sides owe each other whole views
	At     int64        `json:"at"`               // Unix ms
}

// Halted reports whether the connection must leave the tenant alone: what it
// remembers is older than what happened.
func (e Epoch) Halted() bool { return e.Since != 0 }

// Rewound reports whether an admin has yet to choose how the log is healed.
func (e Epoch) Rewound() bool { return e.Since != 0 && !e.Mending }

func epochFact(connection string) string { return "epoch/" + connection }

const restoreFact = "restore"

// restore is the mark that a restored home bears.
type restore struct {
	ID    string `json:"id"`
	Taken int64  `json:"taken"` // Unix ms: when the backup was begun
}

// MarkRestored notes that this ledger is a copy of what it was at taken: every
// connection's log begins a new epoch when it is opened next, and waits to be
// healed.
func (l *Ledger) MarkRestored(taken time.Time) error {
	v, err := json.Marshal(restore{rand.Text(), taken.UnixMilli()})
	if err != nil {
		return err
	}
	return l.Write(func(b *Batch) error { return PutFact(b, restoreFact, v) })
}

// loadEpoch is load's last step: it reads the log's epoch and takes note of a
// restore. A fresh log, of a connection that the backup does not know, is left
// alone: if it had any entry, the peer's position tells. One that was empty then is
// not: it may have made twins since, and the peer never heard of them.
func (g *Log) loadEpoch(fresh bool) error {
	v, err := g.l.Fact(epochFact(g.connection))
	if err != nil {
		return err
	}
	if len(v) > 0 {
		if err := json.Unmarshal(v, &g.epoch); err != nil {
			return fmt.Errorf("reading the epoch: %w", err)
		}
	}
	if v, err = g.l.Fact(restoreFact); err != nil || len(v) == 0 {
		return err
	}
	var r restore
	if err := json.Unmarshal(v, &r); err != nil {
		return fmt.Errorf("reading the mark of a restore: %w", err)
	}
	if g.epoch.Restore == r.ID {
		return nil
	}
	now, e := g.head, g.epoch
	e.Restore = r.ID
	if !fresh {
		e.Since, e.Mending = earlier(e.Since, r.Taken), false
		rand.Read(now.Epoch[:])
	}
	err = g.l.Write(func(b *Batch) error {
		if err := b.Set(table('H').str(g.connection), now.encode(), nil); err != nil {
			return err
		}
		return g.putEpoch(b, e)
	})
	if err == nil {
		g.head, g.durable, g.epoch = now, now, e
	}
	return err
}

func earlier(a, b int64) int64 {
	if a != 0 && a < b {
		return a
	}
	return b
}

func (g *Log) putEpoch(b *Batch, e Epoch) error {
	v, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding an epoch: %w", err)
	}
	return PutFact(b, epochFact(g.connection), v)
}

// Epoch reports the log's breaks.
func (g *Log) Epoch() Epoch {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.epoch
}

// setEpoch stores e and makes it the log's.
func (g *Log) setEpoch(e Epoch) error {
	if err := g.l.Write(func(b *Batch) error { return g.putEpoch(b, e) }); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch = e
	return nil
}

// named is the old log's head that our newest epoch follows; nil where there
// was never a break. The caller holds mu.
func (g *Log) named() *Past {
	for i := len(g.epoch.Past) - 1; i >= 0; i-- {
		if p := g.epoch.Past[i]; !p.In {
			return &p
		}
	}
	return nil
}

// Parted is the error where two ledgers cannot both be true. It wraps [ErrRewind].
type Parted struct {
	Connection string
	Ours       bool // it is ours that is older than what was exchanged; else the peer's
	Why        string
}

func (p *Parted) Error() string {
	return fmt.Sprintf("connection %q: %s: %v", p.Connection, p.Why, ErrRewind)
}

// Unwrap makes every Parted an ErrRewind.
func (p *Parted) Unwrap() error { return ErrRewind }

// Compare judges where the peer stands against what we remember of both logs;
// then is where we stood when the session began, before the peer said where it
// stands: what came in meanwhile is newer than its word. It returns a *Parted
// where one of the two was put back to an earlier state; where that is ours, it is
// remembered and halts the connection until it is healed.
func (g *Log) Compare(at, then Position) error {
	why, err := g.ours(at)
	if err != nil {
		return err
	}
	if why != "" {
		if !g.Epoch().Halted() {
			if err := g.forgot(); err != nil {
				return err
			}
		}
		return &Parted{g.connection, true, why}
	}
	if why = theirs(at, then); why != "" {
		return &Parted{g.connection, false, why}
	}
	return nil
}

// ours says why our own log is older than what the peer holds of it.
func (g *Log) ours(at Position) (why string, err error) {
	e := g.Epoch()
	if e.Rewound() {
		return "this home was put back to an earlier state", nil
	}
	now := g.Position()
	if at.PeerSaid > now.Settled {
		return fmt.Sprintf("the peer was told of %d outcomes by this node, which knows of %d", at.PeerSaid, now.Settled), nil
	}
	if at.Stored == 0 {
		return "", nil
	}
	if at.Stored > now.Seq {
		return fmt.Sprintf("the peer holds replicas up to %d of this node, which knows of %d", at.Stored, now.Seq), nil
	}
	known := at.InEpoch == now.Epoch
	for _, p := range e.Past {
		if p.In || p.Epoch != at.InEpoch || at.Stored > p.Seq {
			continue
		}
		if p.Afresh { // whatever it holds of the old log, whole views follow
			return "", nil
		}
		known = true
	}
	chain, err := g.chainAt(at.Stored)
	if err != nil {
		return "", err
	}
	if !known || chain != at.InChain {
		return fmt.Sprintf("the peer holds another replica %d of this node than this node does", at.Stored), nil
	}
	return "", nil
}

// theirs says why the peer's log is older than what we held of it.
func theirs(at, now Position) string {
	switch {
	case at.Settled < now.PeerSaid:
		return fmt.Sprintf("the peer knows of %d outcomes of its own, this node was told of %d", at.Settled, now.PeerSaid)
	case now.Stored == 0:
		return ""
	case at.Epoch == now.InEpoch && at.Seq >= now.Stored:
		return ""
	case at.Epoch == now.InEpoch:
		return fmt.Sprintf("the peer knows of its own replicas up to %d, this node holds %d", at.Seq, now.Stored)
	case at.Named != nil && at.Named.follows(now):
		return ""
	}
	return "the peer began a new log that does not follow the one known here"
}

// follows reports whether a peer's new epoch goes on from what we hold of the
// old one; what we lack in between is still to come, or is made up for by whole views.
func (p *Past) follows(now Position) bool {
	return p.Epoch == now.InEpoch && (p.Seq == now.Stored && p.Chain == now.InChain || p.Seq > now.Stored)
}

// forgot remembers that this log was put back, without a mark to say since when:
// nothing that came from the peer later than the newest that is here is known.
func (g *Log) forgot() error {
	e := g.Epoch()
	e.Since, e.Mending = 1, false
	last, err := g.l.entry('i', g.connection, g.Position().Stored)
	if err == nil {
		e.Since = last.At.UnixMilli()
	}
	if missing(err) != nil {
		return err
	}
	return g.setEpoch(e)
}

// chainAt is our own log's chain at a number; zero where that is not here.
func (g *Log) chainAt(seq replica.Seq) (replica.Hash, error) {
	for _, p := range g.Epoch().Past {
		if !p.In && p.Seq == seq {
			return p.Chain, nil
		}
	}
	e, err := g.l.entry('o', g.connection, seq)
	return e.Chain, missing(err)
}

// forgotten reports whether a number of ours lies in a gap that a lost home left.
func (g *Log) forgotten(seq replica.Seq) bool {
	for _, p := range g.Epoch().Past {
		if !p.In && seq > p.Had && seq <= p.Seq {
			return true
		}
	}
	return false
}

// pasts lists the breaks of one direction of a connection's log, for Check.
func (l *Ledger) pasts(t byte, connection string) (past []Past, err error) {
	v, err := l.Fact(epochFact(connection))
	if err != nil || len(v) == 0 {
		return nil, err
	}
	var e Epoch
	if err := json.Unmarshal(v, &e); err != nil {
		return nil, fmt.Errorf("reading the epoch of %q: %w", connection, err)
	}
	for _, p := range e.Past {
		if p.In == (t == 'i') {
			past = append(past, p)
		}
	}
	return past, nil
}

// From is the first sequence to be sent to a peer who stands at at: what follows
// the newest that it stores, or where a new epoch owes whole views instead of
// what was lost, the first of that epoch.
func (g *Log) From(at Position) replica.Seq {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.named(); p != nil && p.Afresh && at.Stored < p.Seq {
		return p.Seq + 1
	}
	return at.Stored + 1
}
