package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/replica"
)

// A replica's body is kept for a time; what proves that it crossed (time, rules
// version, verdict, commitment, chain) is kept for good. Salts stay with it, so
// whoever still has the bytes can prove that they are those.

// ErrErased is returned where a replica is asked for whose body is not kept any more.
var ErrErased = errors.New("the replica's content is not kept any more")

const (
	pruneSegments = 64      // segments that one step rewrites at most
	pruneBytes    = 2 << 20 // of them after which it rewrites no further one
	mostDays      = 4000
)

// pruned is how far a connection's retention has come.
type pruned struct {
	Out  replica.Seq `json:"out"`            // every body before has been looked at
	In   replica.Seq `json:"in"`             // likewise
	Days []day       `json:"days,omitempty"` // oldest first: where the receipts stood
}

// day remembers the newest receipt of a day: a receipt has no time of its own.
type day struct {
	At int64  `json:"at"` // Unix ms
	N  uint64 `json:"n"`  // number of the newest outcome then
}

func prunedFact(connection string) string { return "pruned/" + connection }

// Prune erases, of one connection, bodies older than keep that nothing needs any
// more, receipts that old but for the newest, and values that lost a conflict
// that long ago. It does a bounded step and reports whether more is to be done.
func (g *Log) Prune(now time.Time, keep time.Duration) (more bool, err error) {
	var p pruned
	v, err := g.l.Fact(prunedFact(g.connection))
	if err == nil && len(v) > 0 {
		err = json.Unmarshal(v, &p)
	}
	if err != nil {
		return false, fmt.Errorf("reading the retention of connection %q: %w", g.connection, err)
	}
	before := p
	cutoff := now.Add(-keep)
	if err := g.settleOld(cutoff); err != nil {
		g.l.log.Error("bodies are kept for links that cannot be read", "connection", g.connection, "err", err)
	}
	b := g.l.db.NewBatch()
	defer b.Close()
	p.Out, more, err = g.erase(b, 'o', p.Out, g.needed()-1, cutoff)
	if err == nil && !more {
		p.In, more, err = g.erase(b, 'i', p.In, g.in.oldest()-1, cutoff)
	}
	if err == nil && !more {
		err = errors.Join(g.dropReceipts(b, &p, now, cutoff), g.dropOverruled(b, cutoff))
	}
	if err != nil {
		return false, fmt.Errorf("erasing old replicas of connection %q: %w", g.connection, err)
	}
	if b.Empty() && p.Out == before.Out && p.In == before.In && len(p.Days) == len(before.Days) {
		return false, nil
	}
	if v, err = json.Marshal(p); err != nil {
		return false, err
	}
	if err := PutFact(b, prunedFact(g.connection), v); err != nil {
		return false, err
	}
	return more, g.l.commit(b)
}

// needed is the first entry of ours that the peer may ask for, or a link's state.
func (g *Log) needed() replica.Seq {
	g.mu.Lock()
	defer g.mu.Unlock()
	return min(g.told.Stored+1, g.posts.first(g.head.Seq+1))
}

// erase rewrites the segments from a number on without their bodies, up to last
// and to the first entry that is younger than cutoff.
func (g *Log) erase(b *Batch, t byte, from, last replica.Seq, cutoff time.Time) (next replica.Seq, more bool, err error) {
	from = max(from, 1)
	prefix := table(t).str(g.connection)
	start, err := g.l.floor(prefix, table(t).str(g.connection).num(uint64(from)))
	if err != nil {
		return from, false, err
	}
	next = from
	rewritten, read := 0, 0
	err = g.l.scanFrom(prefix, start, func(k, v []byte) (bool, error) {
		if rewritten >= pruneSegments || read >= pruneBytes {
			more = true
			return false, nil
		}
		name := reader{b: k[len(prefix):]}
		first := replica.Seq(name.num())
		young := false
		s := segments{b: b, table: t, connection: g.connection, whole: true}
		_, err := readSegment(v, first, first, func(e *Entry) bool {
			if young = young || e.Seq > last || e.At.After(cutoff); !young {
				e.Body, e.Erased = nil, true
				next = e.Seq + 1
			}
			err := s.add(e)
			return err == nil
		})
		if err == nil && next > max(first, from) {
			rewritten, read = rewritten+1, read+len(v)
			err = s.close()
		}
		return !young, err
	})
	return next, more, err
}

// dropReceipts forgets signed receipts from before cutoff but the newest: it
// proves, by its chain, that everything before was stored.
func (g *Log) dropReceipts(b *Batch, p *pruned, now, cutoff time.Time) error {
	newest := g.Told().Settled
	if n := len(p.Days); newest > 0 && (n == 0 || now.Sub(time.UnixMilli(p.Days[n-1].At)) >= 24*time.Hour && p.Days[n-1].N < newest) {
		p.Days = append(p.Days, day{now.UnixMilli(), newest})
	}
	upto := uint64(0)
	for len(p.Days) > 1 && (time.UnixMilli(p.Days[0].At).Before(cutoff) || len(p.Days) > mostDays) {
		upto = p.Days[0].N
		p.Days = p.Days[1:]
	}
	if upto == 0 {
		return nil
	}
	return b.DeleteRange(table('R').str(g.connection), table('R').str(g.connection).num(upto+1), nil)
}

// dropOverruled forgets values that lost a conflict before cutoff.
func (g *Log) dropOverruled(b *Batch, cutoff time.Time) error {
	prefix := table('Z').str(g.connection)
	dropped := 0
	return g.l.scan(prefix, func(k, v []byte) (bool, error) {
		var o Overruled
		if err := json.Unmarshal(v, &o); err != nil {
			return false, fmt.Errorf("reading an overruled value: %w", err)
		}
		if o.At >= cutoff.UnixMilli() {
			return true, nil
		}
		dropped++
		return dropped < batchSteps, b.Delete(append(key(nil), k...), nil)
	})
}

// Reclaim has Pebble rewrite what erased bodies still occupy of a connection's logs.
func (g *Log) Reclaim(ctx context.Context) error {
	for _, t := range []byte{'o', 'i'} {
		prefix := table(t).str(g.connection)
		if err := g.l.db.Compact(ctx, prefix, after(prefix), false); err != nil {
			return fmt.Errorf("compacting the log of connection %q: %w", g.connection, err)
		}
	}
	return nil
}
