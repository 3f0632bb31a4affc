package ledger

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"parley/replica"
)

// A break is healed in this order: TakeBack (where the peer still has what we
// lost), Begin, what the peer's log brings up to Until, Mended. The peer Adopts
// the new epoch.

const mostAhead = 1 << 40 // replicas that a peer may claim to hold beyond ours; more is no log

// ErrNotBack is returned where what the peer gives back is not our log.
var ErrNotBack = errors.New("what the peer gives back does not go on from this node's log")

// TakeBack stores replicas of ours that this ledger has forgotten, as the peer
// holds them, in order; and moves what the peer holds of each link with them.
func (g *Log) TakeBack(own []Arrived) error {
	e := g.Epoch()
	if !e.Rewound() {
		return fmt.Errorf("taking back replicas of connection %q: %w: nothing is known to be lost", g.connection, ErrNotBack)
	}
	at := g.Position()
	if e.Back == 0 {
		e.Back = at.Seq + 1
	}
	outs := map[replica.LinkID]*Outgoing{}
	var entries []Entry
	for _, a := range own {
		e := Entry{Seq: a.Seq, At: time.Now(), Verdict: Passed, Salt: a.Salt, Body: a.Body, Commitment: commitment(a.Salt, a.Body)}
		r, err := replica.Decode(a.Body)
		if err != nil || r.Seq != a.Seq || a.Seq != at.Seq+1 {
			return fmt.Errorf("taking back replica %d of connection %q after %d: %w", a.Seq, g.connection, at.Seq, errors.Join(ErrNotBack, err))
		}
		e.Chain, e.Link, e.Rules = chain(at.Chain, e.Commitment), r.Link, r.Rules
		at.Seq, at.Chain = e.Seq, e.Chain
		o := outs[r.Link]
		if o == nil {
			if o, err = g.l.Outgoing(g.connection, r.Link); err != nil {
				return err
			}
			outs[r.Link] = o
		}
		if err := o.posted(e.Seq, r); err != nil {
			return fmt.Errorf("taking back replica %d of connection %q: %w", a.Seq, g.connection, errors.Join(ErrNotBack, err))
		}
		entries = append(entries, e)
	}
	err := g.Commit(Step{
		Fill: func(b *Batch) error {
			log := segments{b: b, table: 'o', connection: g.connection}
			for i := range entries {
				if err := log.add(&entries[i]); err != nil {
					return err
				}
			}
			if err := log.close(); err != nil {
				return err
			}
			for link, o := range outs {
				if err := PutOutgoing(b, g.connection, link, o); err != nil {
					return err
				}
			}
			return g.putEpoch(b, e)
		},
		jump: func(now *head) {
			g.forgetTail()
			now.Seq, now.Chain = at.Seq, at.Chain
		},
	})
	if err == nil {
		g.mu.Lock()
		g.epoch = e
		g.mu.Unlock()
	}
	return err
}

// posted moves o past a replica that was posted once: what the peer holds, and
// the bases of what that replica changed.
func (o *Outgoing) posted(seq replica.Seq, r *replica.Replica) error {
	before := o.Posted
	now, err := before.Fold(r)
	if err != nil {
		return err
	}
	set, gone := replica.Diff(before, now)
	for p, it := range set {
		o.Bases[p] = Base{Local: it.Hash(p)}
	}
	for _, p := range gone {
		b := o.Bases[p]
		b.Local = replica.Hash{}
		o.Bases[p] = b
	}
	o.carried(seq, r)
	if r.Whole {
		o.Whole = seq
	}
	o.Posted, o.Last, o.After, o.Rules = now, seq, r.After, r.Rules
	return nil
}

// forgetTail drops the entries kept in memory: the numbers jump.
func (g *Log) forgetTail() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tail, g.held, g.flights = nil, 0, nil
	clear(g.flying)
}

// Begin heals our own log: a new epoch follows the old log's head as the peer,
// who stands at at, holds it. From then on the peer's log is stored; when that
// has come to where the peer stands now, what Jira tells of the forgotten time
// can be read and the connection goes on (see [Log.Mended]). Afresh: both sides
// owe each other the whole view of every link; without it the log must have been
// taken back first.
func (g *Log) Begin(at Position, afresh bool) error {
	e, own := g.Epoch(), g.Position()
	if !e.Rewound() {
		return fmt.Errorf("connection %q: there is nothing to heal", g.connection)
	}
	past := Past{Epoch: at.InEpoch, Seq: at.Stored, Chain: at.InChain, Had: own.Seq, Afresh: afresh, At: time.Now().UnixMilli()}
	switch chain, err := g.chainAt(at.Stored); {
	case err != nil:
		return err
	case at.Stored > own.Seq+mostAhead:
		return fmt.Errorf("connection %q: the peer claims to hold replica %d of a log that ends at %d", g.connection, at.Stored, own.Seq)
	case own.Seq >= at.Stored && chain == at.InChain: // nothing is missing, or all was taken back
	case !afresh:
		return fmt.Errorf("connection %q: %w", g.connection, ErrNotBack)
	case own.Seq >= at.Stored: // the two parted: what was posted here since is told by whole views
		past.Seq, past.Chain = own.Seq+1, own.Chain
	}
	e.Mending, e.Until, e.Past = true, at.Seq, append(slices.Clone(e.Past), past)
	told := Told{Stored: past.Seq, Settled: at.Settled}
	v, err := json.Marshal(told)
	if err != nil {
		return err
	}
	if err := g.owe(max(own.Seq, past.Seq)+1, afresh); err != nil {
		return err
	}
	err = g.Commit(Step{
		Fill: func(b *Batch) error {
			return errors.Join(b.Set(table('S').str(g.connection), v, nil), g.putEpoch(b, e))
		},
		jump: func(now *head) {
			if now.Seq < past.Seq {
				g.forgetTail()
				now.Seq, now.Chain = past.Seq, past.Chain
			}
			now.Settled = max(now.Settled, at.PeerSaid)
			rand.Read(now.Epoch[:])
		},
	})
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.free(told) // what the peer holds is in flight no more: no receipt will say so again
	g.epoch, g.told = e, told
	return nil
}

// owe has links post their whole view with the next number, from: all of them,
// or those whose outcome at the peer's is not known here.
func (g *Log) owe(from replica.Seq, all bool) error {
	var owing []replica.LinkID
	prefix := table('O').str(g.connection)
	err := g.l.scan(prefix, func(k, v []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		id := r.link()
		last := reader{b: v}
		w, err := g.l.Word(g.connection, id)
		seq := replica.Seq(last.num())
		if posts := g.posted(id); len(posts) > 0 {
			seq = max(seq, posts[len(posts)-1])
		}
		if seq > 0 && (all || w.Seq < seq) {
			owing = append(owing, id)
		}
		return true, errors.Join(err, r.end("link"))
	})
	if err != nil {
		return err
	}
	return g.Owe(owing, from)
}

// Owing lists the links that owe the peer a whole view.
func (g *Log) Owing() (owing []replica.LinkID, err error) {
	prefix := table('P').str(g.connection)
	err = g.l.scan(prefix, func(k, v []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		id := r.link()
		var w Word
		if err := json.Unmarshal(v, &w); err != nil {
			return false, fmt.Errorf("reading the peer's word on link %s: %w", id, err)
		}
		if w.Lost == 0 {
			return true, nil
		}
		o, err := g.l.Outgoing(g.connection, id)
		if err == nil && w.Lost > o.Whole {
			owing = append(owing, id)
		}
		return true, err
	})
	return owing, err
}

// Adopt takes note of a new epoch of the peer's log that follows what is held
// here, and reports whether both sides owe each other whole views. [Log.Compare]
// has found nothing amiss.
func (g *Log) Adopt(at Position) (afresh bool, err error) {
	g.in.work.Lock()
	defer g.in.work.Unlock()
	g.in.mu.Lock()
	now := g.in.applied
	g.in.mu.Unlock()
	if now.Seq == 0 && at.Named == nil || now.Epoch == at.Epoch || at.Named == nil {
		return false, nil
	}
	past := *at.Named
	past.In, past.Had, past.At = true, now.Seq, time.Now().UnixMilli()
	e := g.Epoch()
	if past.Afresh {
		if past.Seq > math.MaxInt64 || past.Seq > now.Seq+mostAhead {
			return false, fmt.Errorf("connection %q: the peer's log jumps to %d: %w", g.connection, past.Seq, ErrRewind)
		}
		now.Seq, now.Chain = past.Seq, past.Chain
		if err := g.owe(g.Position().Seq+1, true); err != nil {
			return false, err
		}
	}
	now.Epoch = at.Epoch
	e.Past = append(fewer(e.Past), past)
	err = g.l.Write(func(b *Batch) error {
		return errors.Join(b.Set(table('h').str(g.connection), now.encode(), nil), g.putEpoch(b, e))
	})
	if err != nil {
		return false, err
	}
	g.in.applied = now
	g.in.mu.Lock()
	g.in.head = now
	g.in.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch = e
	return past.Afresh, nil
}

// mostPast bounds the epochs of a peer that are remembered; one may begin as many
// as it likes.
const mostPast = 16

// fewer makes room for one more epoch of the peer's. Our own stay: the peer may
// speak of any of them.
func fewer(past []Past) (kept []Past) {
	theirs := 0
	for _, p := range past {
		if p.In {
			theirs++
		}
	}
	for _, p := range past {
		if p.In && theirs >= mostPast {
			theirs--
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// CaughtUp reports whether a log that is being healed has stored what the peer
// had when it began.
func (g *Log) CaughtUp() bool {
	e := g.Epoch()
	return e.Mending && g.Position().Stored >= e.Until
}

// Mended ends the healing: the connection goes on.
func (g *Log) Mended() error {
	e := g.Epoch()
	e.Since, e.Mending, e.Until, e.Back = 0, false, 0, 0
	return g.setEpoch(e)
}

// Received returns the peer's replicas from seq on, as they came, at most max.
func (g *Log) Received(from replica.Seq, max int) (entries []*Entry, err error) {
	err = g.l.entries('i', g.connection, from, func(e *Entry) bool {
		entries = append(entries, e)
		return len(entries) < max
	})
	return entries, err
}

// TakenBack tells, of the replicas that were taken back, how far each link had
// reconciled the peer when it posted (Seen), and which items it then sent: what
// the peer had said of those before was answered.
func (g *Log) TakenBack() (map[replica.LinkID]*Answered, error) {
	links := map[replica.LinkID]*Answered{}
	g.mu.Lock()
	past, back := g.named(), g.epoch.Back
	g.mu.Unlock()
	if past == nil || back == 0 {
		return links, nil
	}
	var fault error
	err := g.read(back, func(e *Entry) bool {
		var r *replica.Replica
		if r, fault = replica.Decode(e.Body); fault != nil || e.Seq > past.Seq {
			return false
		}
		a := links[r.Link]
		if a == nil {
			a = &Answered{Items: map[replica.Path]replica.Seq{}}
			links[r.Link] = a
		}
		a.Seen = max(a.Seen, r.Seen)
		for _, p := range slices.AppendSeq(slices.Collect(maps.Keys(r.Set)), maps.Keys(r.Gone)) {
			a.Items[p] = max(a.Items[p], r.Seen)
		}
		return true
	})
	return links, errors.Join(err, fault)
}

// Answered is what our own replicas prove about the peer's side of a link.
type Answered struct {
	Seen  replica.Seq                  // everything of the peer up to here was reconciled
	Items map[replica.Path]replica.Seq // items that we sent after having reconciled this
}

// Recall moves d to what our own replicas prove was reconciled. What came in
// between and was not answered may have been held, so it is judged again.
func (a *Answered) Recall(in *Incoming, d *Done) (moved bool) {
	if a == nil || a.Seen <= d.Seq {
		return false
	}
	for p, came := range in.Items {
		if came.Seq > d.Seq && came.Seq <= a.Seen && a.Items[p] < came.Seq {
			d.Pending[p] = true
		}
	}
	d.Seq = min(a.Seen, in.Seq)
	return true
}

// FirstDue is how far the peer had reconciled us when it made the oldest replica
// of a link that waits here: of a link that the peer shares first that is
// nothing, of one that we shared it is something.
func (g *Log) FirstDue(id replica.LinkID) (seen replica.Seq, err error) {
	g.in.mu.Lock()
	var first replica.Seq
	if due := g.in.of(id); len(due) > 0 {
		first = due[0]
	}
	g.in.mu.Unlock()
	if first == 0 {
		return 0, nil
	}
	e, err := g.l.entry('i', g.connection, first)
	if err != nil {
		return 0, fmt.Errorf("reading replica %d of connection %q: %w", first, g.connection, err)
	}
	r, err := replica.Decode(e.Body)
	if err != nil {
		return 0, fmt.Errorf("reading replica %d of connection %q: %w", first, g.connection, err)
	}
	return r.Seen, nil
}

// RenameTwin gives a comment of ours, which was known under another path, the
// path of the remote one that it was made from.
func RenameTwin(b *Batch, t Twin, path replica.Path) error {
	if err := b.Delete(linkKey('W', t.Connection, t.Link).rest(string(t.Path)), nil); err != nil {
		return err
	}
	t.Path = path
	return PutTwin(b, t)
}
