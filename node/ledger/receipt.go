package ledger

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"parley/replica"
)

// ErrRewind is returned where the peer's numbers and ours cannot both be true:
// one of the two ledgers was restored from a backup or copied.
var ErrRewind = errors.New("the two ledgers disagree about what was exchanged: one of them was restored or copied")

// Acknowledged takes in the peer's word, under the session's authentication
// alone, that it stored everything up to a number. It returns the links that may
// post their next replica. The signed receipt follows.
func (g *Log) Acknowledged(stored replica.Seq) (freed []replica.LinkID, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if stored > g.durable.Seq {
		return nil, fmt.Errorf("replica %d of connection %q is acknowledged: %w", stored, g.connection, ErrRewind)
	}
	return g.free(Told{Stored: stored, Settled: g.told.Settled}), nil
}

// Receipt takes in a receipt of the peer, whose signed bytes are kept where it
// speaks of outcomes: what it stored, and the outcomes that are new to us. It returns the links that may post their next replica, and
// those whose outcome is news. Outcomes are on disk when it returns.
func (g *Log) Receipt(r *replica.Receipt, signed []byte) (freed []replica.LinkID, news []replica.LinkID, err error) {
	if err := g.agrees(r); err != nil {
		return nil, nil, err
	}
	now := g.Told()
	first := r.Settled - uint64(len(r.Outcomes)) + 1
	if len(r.Outcomes) > 0 && (uint64(len(r.Outcomes)) > r.Settled || first > now.Settled+1) {
		return nil, nil, fmt.Errorf("receipt skips outcomes %d to %d of connection %q: %w", now.Settled+1, first-1, g.connection, ErrRewind)
	}
	b := g.l.db.NewIndexedBatch() // a receipt may speak of one link twice
	defer b.Close()
	for i, o := range r.Outcomes {
		if first+uint64(i) <= now.Settled {
			continue // told before
		}
		link, err := g.outcome(b, o)
		if err != nil {
			return nil, nil, err
		}
		news = append(news, link)
	}
	next := Told{Stored: max(now.Stored, r.Stored), Settled: max(now.Settled, r.Settled)}
	if len(news) == 0 { // how far the peer stored it tells again at the next session
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.free(next), nil, nil
	}
	v, err := json.Marshal(next)
	if err != nil {
		return nil, nil, err
	}
	if err := b.Set(table('S').str(g.connection), v, nil); err != nil {
		return nil, nil, err
	}
	if err := b.Set(table('R').str(g.connection).num(r.Settled), signed, nil); err != nil {
		return nil, nil, err
	}
	if err := g.l.commit(b); err != nil {
		return nil, nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.free(next), news, nil
}

// agrees checks that the receipt speaks of the log that we know: its epoch, a
// number that was sent, and the chain up to there.
func (g *Log) agrees(r *replica.Receipt) error {
	if r.Stored == 0 {
		return nil
	}
	at := g.Position()
	if r.Stored > at.Seq || r.Epoch != at.Epoch {
		return fmt.Errorf("receipt for replica %d of connection %q: %w", r.Stored, g.connection, ErrRewind)
	}
	chain, err := g.chainAt(r.Stored)
	if err != nil {
		return fmt.Errorf("reading replica %d of connection %q: %w", r.Stored, g.connection, err)
	}
	if r.Chain != chain {
		return fmt.Errorf("receipt for replica %d of connection %q: its chain is not ours: %w", r.Stored, g.connection, ErrRewind)
	}
	return nil
}

// Proof is the peer's signed receipt that tells the outcome of a number, which
// whoever has its ledger key can check; ErrNone where it has not been told.
func (g *Log) Proof(outcome uint64) (signed []byte, err error) {
	prefix := table('R').str(g.connection)
	err = g.l.scanFrom(prefix, table('R').str(g.connection).num(outcome), func(_, v []byte) (bool, error) {
		signed = append([]byte(nil), v...)
		return false, nil
	})
	if err == nil && signed == nil {
		err = ErrNone
	}
	return signed, err
}

// outcome stores what the peer says became of a replica, as its word on the link.
func (g *Log) outcome(b *Batch, o replica.Outcome) (replica.LinkID, error) {
	e, err := g.l.entry('o', g.connection, o.Seq)
	link := e.Link
	if err != nil && !(errors.Is(err, ErrNone) && g.forgotten(o.Seq)) {
		return link, fmt.Errorf("outcome of replica %d of connection %q, which was never sent: %w", o.Seq, g.connection, ErrRewind)
	}
	var before Word
	v, closer, err := b.Get(linkKey('P', g.connection, link))
	if err == nil {
		err = errors.Join(json.Unmarshal(v, &before), closer.Close())
	}
	if err != nil && !errors.Is(err, pebble.ErrNotFound) {
		return link, fmt.Errorf("reading the peer's word on link %s: %w", link, err)
	}
	w := Word{Seq: o.Seq, State: o.State, Twin: cmp.Or(o.Twin, before.Twin), Code: o.Code, Paths: o.Paths, Kept: o.Kept, Taken: o.Taken, Lost: before.Lost}
	if o.State == replica.Resend {
		w.Lost = max(w.Lost, o.Seq)
		if o.Code == Drifted { // also where that one was a whole view
			w.Lost = max(w.Lost, g.Position().Seq+1)
		}
	}
	if err := g.l.peerSaid(b, g.connection, link, before, w); err != nil {
		return link, err
	}
	return link, putWord(b, g.connection, link, w)
}

// free notes how far the peer is and returns the links without a replica in
// flight. The caller holds mu.
func (g *Log) free(now Told) (freed []replica.LinkID) {
	now.Stored, now.Settled = max(now.Stored, g.told.Stored), max(now.Settled, g.told.Settled)
	if now == g.told {
		return nil
	}
	g.told = now
	for len(g.tail) > 0 && g.tail[0].Seq <= now.Stored {
		g.forget()
	}
	for ; len(g.flights) > 0 && g.flights[0].seq <= now.Stored; g.flights = g.flights[1:] {
		if f := g.flights[0]; g.flying[f.link] == f.seq {
			delete(g.flying, f.link)
			freed = append(freed, f.link)
		}
	}
	g.heard.fire()
	return freed
}

// Confirmed forgets the outcomes up to number n, which the peer says it holds on
// its disk. It need not wait for ours: what comes back is passed over.
func (g *Log) Confirmed(n uint64) {
	if err := g.l.clear(table('Y').str(g.connection), table('Y').str(g.connection).num(n+1)); err != nil {
		g.l.log.Warn("outcomes that the peer holds stay on disk", "connection", g.connection, "err", err)
	}
}

// Outcomes returns what is to be told to the peer after number n, at most max.
func (g *Log) Outcomes(n uint64, max int) (last uint64, out []replica.Outcome, err error) {
	durable := g.Position().Settled
	prefix := table('Y').str(g.connection)
	last = n
	err = g.l.scanFrom(prefix, table('Y').str(g.connection).num(n+1), func(k, v []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		number := r.num()
		if number > durable {
			return false, nil
		}
		var o replica.Outcome
		if err := json.Unmarshal(v, &o); err != nil {
			return false, fmt.Errorf("reading outcome %d: %w", number, err)
		}
		out, last = append(out, o), number
		return len(out) < max, nil
	})
	return last, out, err
}
