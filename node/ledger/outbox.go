package ledger

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"parley/replica"
)

// A link's state towards the peer follows from what it posted, so most posts
// store their entry alone: the state is replayed from there when it is read.

const (
	mostPosts  = 8        // of a link that are replayed: the next one stores its state
	postsSpan  = 32 << 10 // entries of a log after which a link's state is stored although it posts no more: as many are read at start
	mostSettle = 64       // links whose states are so stored with one batch; more than there are lanes
)

func (g *Log) outgoing(id replica.LinkID) (*Outgoing, error) {
	posts := g.posted(id) // first: what is stored meanwhile is passed over
	o, err := g.l.storedOutgoing(g.connection, id)
	if err != nil {
		return nil, err
	}
	return o, g.replay(o, posts)
}

// posted lists a link's entries that are not in its stored state.
func (g *Log) posted(id replica.LinkID) []replica.Seq {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.posts.of(id))
}

// replay has o take in those of a link's entries that came after it.
func (g *Log) replay(o *Outgoing, posts []replica.Seq) error {
	for _, seq := range posts {
		if seq <= o.Last {
			continue
		}
		body, err := g.body(seq)
		if err != nil {
			return fmt.Errorf("reading replica %d of connection %q: %w", seq, g.connection, err)
		}
		r, err := replica.Decode(body)
		if err != nil {
			return fmt.Errorf("reading replica %d of connection %q: %w", seq, g.connection, err)
		}
		o.replay(seq, r)
	}
	return nil
}

// body is an entry's, also of one that is not on disk yet.
func (g *Log) body(seq replica.Seq) ([]byte, error) {
	g.mu.Lock()
	if len(g.tail) > 0 && seq >= g.tail[0].Seq && seq <= g.tail[len(g.tail)-1].Seq {
		defer g.mu.Unlock()
		return g.tail[seq-g.tail[0].Seq].Body, nil
	}
	g.mu.Unlock()
	e, err := g.l.entry('o', g.connection, seq)
	return e.Body, err
}

// replay moves o past a replica that is no whole view, as gather did when it posted it.
func (o *Outgoing) replay(seq replica.Seq, r *replica.Replica) {
	for p, it := range r.Set {
		o.Posted[p], o.Bases[p] = it, Base{Local: it.Hash(p), Seq: seq}
	}
	for p, at := range r.Gone {
		delete(o.Posted, p)
		o.Bases[p] = Base{Seq: seq, Gone: at}
	}
	o.Last, o.After, o.Rules = seq, r.After, r.Rules
}

// replayed reports whether a post's state need not be stored. The caller holds mu.
func (g *Log) replayed(r *replica.Replica) bool {
	return !r.Whole && len(g.posts.of(r.Link)) < mostPosts
}

// follow checks that what is replayed of the posts is what their lanes hold.
func (g *Log) follow(posts []*Step) error {
	for _, s := range posts {
		o, err := g.outgoing(s.Replica.Link)
		if err != nil {
			return err
		}
		if o.replay(s.Replica.Seq, s.Replica); !reflect.DeepEqual(o, s.Out) {
			return fmt.Errorf("the state of link %s does not follow from replica %d of connection %q", s.Replica.Link, s.Replica.Seq, g.connection)
		}
	}
	return nil
}

// settle puts the states of a few links into b, whose oldest post comes before a
// number, and returns how far each is stored; of those that cannot be read, the
// errors. The caller holds leads, and the ledger's states until b is applied: whoever
// else stores one does so before, or after.
func (g *Log) settle(b *Batch, before replica.Seq) (settled []flight, err error) {
	g.mu.Lock()
	old := g.posts.dueBefore(before, mostSettle)
	g.mu.Unlock()
	for _, f := range old {
		posts := g.posted(f.link)
		o, fault := g.l.storedOutgoing(g.connection, f.link)
		if fault == nil {
			if fault = g.replay(o, posts); fault != nil {
				err = errors.Join(err, fault)
				continue
			}
			fault = PutOutgoing(b, g.connection, f.link, o)
		}
		err = errors.Join(err, fault)
		settled = append(settled, f) // also where what is stored cannot be read: nothing that was posted since changes that
	}
	return settled, err
}

// settleOld stores the states of links whose posts are older than cutoff, a few
// at a time, so that their bodies need not be kept. The error tells of those that
// cannot be read.
func (g *Log) settleOld(cutoff time.Time) error {
	for {
		g.mu.Lock()
		first := g.posts.first(0)
		g.mu.Unlock()
		if first == 0 {
			return nil
		}
		e, err := g.l.entry('o', g.connection, first)
		if err != nil || e.At.After(cutoff) {
			return err
		}
		if n, err := g.settleSome(); n == 0 {
			return err
		}
	}
}

func (g *Log) settleSome() (n int, err error) {
	b := g.l.db.NewBatch()
	defer b.Close()
	g.leads.Lock()
	defer g.leads.Unlock()
	g.l.states.Lock()
	settled, unread := g.settle(b, math.MaxUint64)
	err = g.l.applyUnder(b)
	g.l.states.Unlock()
	if err != nil {
		return 0, err
	}
	g.mu.Lock()
	for _, f := range settled {
		g.posts.fold(f.link, f.seq)
	}
	g.mu.Unlock()
	if err := g.l.synced(b); err != nil {
		return 0, err
	}
	return len(settled), unread
}
