package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"parley/replica"
)

// inbox is the incoming direction of a connection's log, and what of it is not
// reconciled yet: the log's own entries are the marks, so a replica that comes
// is one record on disk. Which of them wait is memory, made at start from the
// entries after the oldest that waited.
type inbox struct {
	work    sync.Mutex // held by the one receiver; guards applied
	applied head       // what was taken; head tells how far it is on disk

	mu   sync.Mutex // guards the fields below
	head head
	unfolded
}

func (in *inbox) load(l *Ledger, connection string) error {
	if err := missing(l.get(table('h').str(connection), in.head.decode)); err != nil {
		return err
	}
	in.applied = in.head
	var waited uint64
	err := l.get(table('Q').str(connection), func(v []byte) error {
		r := reader{b: v}
		waited = r.num()
		return r.end("oldest arrival that waits")
	})
	if missing(err) != nil {
		return err
	}
	return in.unfolded.load(l, 'i', connection, replica.Seq(waited), func(id replica.LinkID) (replica.Seq, error) {
		i, err := l.storedIncoming(connection, id)
		if err != nil {
			return 0, err
		}
		return i.Folded, nil
	})
}

// folded forgets a link's arrivals up to seq, and returns those after it.
func (in *inbox) folded(link replica.LinkID, seq replica.Seq) []replica.Seq {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.fold(link, seq)
	return slices.Clone(in.of(link))
}

// oldest is the first arrival that may wait.
func (in *inbox) oldest() replica.Seq {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.first(in.head.Seq + 1)
}

// Arrived is one replica as it came from the peer.
type Arrived struct {
	Seq  replica.Seq
	Salt [SaltSize]byte
	Body []byte
}

// Stored says what a batch of arrivals came to.
type Stored struct {
	Seq   replica.Seq // everything up to here is on disk
	Chain replica.Hash
	Due   []replica.LinkID // links that now need reconciling
}

// ErrGap is returned where an arrival does not follow the last one stored.
var ErrGap = errors.New("a replica is missing before this one")

// Taken is a batch of arrivals on its way to disk.
type Taken struct {
	b   *Batch
	in  intake
	now head
}

// Receive takes arrivals and waits until they are on disk.
func (g *Log) Receive(epoch [16]byte, arrivals []Arrived) (Stored, error) {
	t, err := g.Take(epoch, arrivals)
	if err != nil {
		return Stored{}, err
	}
	return t.Stored()
}

// Take writes arrivals to the log, in order; one that was taken before is passed
// over. They are the peer's to forget only when Stored returns, which must be
// called, in the order of Take; meanwhile the next can be taken. Folding them
// into the link's view is left to the lane that reconciles it (see
// [Ledger.Incoming]): a replica is receipted for one record on disk, whatever
// the size of the view that it changes. One that cannot be read is stored all
// the same and answered with an outcome of its own, so that it stops nothing else.
func (g *Log) Take(epoch [16]byte, arrivals []Arrived) (*Taken, error) {
	g.in.work.Lock()
	defer g.in.work.Unlock()
	now := g.in.applied
	if now.Seq == 0 {
		now.Epoch = epoch
	}
	if now.Epoch != epoch {
		return nil, fmt.Errorf("receiving from connection %q: %w", g.connection, ErrRewind)
	}
	b := g.l.db.NewBatch()
	t := &Taken{b: b, in: intake{g: g, log: newSegments(b, 'i', g.connection)}}
	err := t.fill(&now, arrivals)
	t.in.log.free()
	t.in.log = nil
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	t.now, g.in.applied = now, now
	return t, nil
}

func (t *Taken) fill(now *head, arrivals []Arrived) error {
	g, b := t.in.g, t.b
	for _, a := range arrivals {
		if a.Seq <= now.Seq {
			continue
		}
		if a.Seq != now.Seq+1 {
			return fmt.Errorf("receiving replica %d after %d: %w", a.Seq, now.Seq, ErrGap)
		}
		if err := t.in.take(now, a); err != nil {
			return fmt.Errorf("receiving replica %d of connection %q: %w", a.Seq, g.connection, err)
		}
	}
	if n := len(t.in.refused); n > 0 {
		if err := g.l.unreadable(b, g.connection, n, t.in.refused[n-1].Outcome.Seq, t.in.fault); err != nil {
			return err
		}
	}
	if err := t.in.log.close(); err != nil {
		return err
	}
	if err := b.Set(table('h').str(g.connection), now.encode(), nil); err != nil {
		return err
	}
	return g.l.apply(b)
}

// Stored returns once the batch is on disk.
func (t *Taken) Stored() (Stored, error) {
	g := t.in.g
	if err := errors.Join(g.l.synced(t.b), t.b.Close()); err != nil {
		return Stored{}, fmt.Errorf("receiving from connection %q: %w", g.connection, err)
	}
	stored := Stored{Seq: t.now.Seq, Chain: t.now.Chain}
	g.in.mu.Lock()
	g.in.head = t.now
	for _, f := range t.in.due {
		g.in.add(f)
		stored.Due = append(stored.Due, f.link)
	}
	g.in.mu.Unlock()
	return stored, g.Commit(t.in.refused...)
}

// intake is one batch of arrivals on its way to disk.
type intake struct {
	g       *Log
	log     *segments
	due     []flight
	refused []Step // the outcomes that say so
	fault   error  // why the last of them cannot be read
}

// take logs one arrival.
func (in *intake) take(now *head, a Arrived) error {
	e := Entry{Seq: a.Seq, At: in.log.at, Verdict: Received, Salt: a.Salt, Body: a.Body, Commitment: commitment(a.Salt, a.Body)}
	e.Chain = chain(now.Chain, e.Commitment)
	r, err := replica.Open(a.Body) // folding it makes its items
	if err == nil && r.Seq != a.Seq {
		err = fmt.Errorf("it calls itself replica %d", r.Seq)
	}
	if err != nil {
		in.refused = append(in.refused, Step{Outcome: &replica.Outcome{Seq: a.Seq, State: replica.Refused, Code: Malformed}})
		in.fault, e.Verdict = err, Unread
		in.g.l.log.Warn("a replica cannot be read", "connection", in.g.connection, "seq", a.Seq, "err", err)
	} else {
		e.Link, e.Rules = r.Link, r.Rules
		in.due = append(in.due, flight{a.Seq, r.Link})
	}
	now.Seq, now.Chain = e.Seq, e.Chain
	return in.log.add(&e)
}

// Due lists the links of the connection that need reconciling.
func (g *Log) Due() []replica.LinkID {
	g.in.mu.Lock()
	defer g.in.mu.Unlock()
	var links []replica.LinkID
	for _, f := range g.in.dueBefore(math.MaxUint64, len(g.in.due)) {
		links = append(links, f.link)
	}
	return links
}

// pending folds what has come for a link since in was stored. A replica that
// was made against another view than ours leaves the link Lost, until a whole
// view brings it back.
func (g *Log) pending(id replica.LinkID, in *Incoming) error {
	e := g.Epoch()
	unbroken := len(e.Past) == 0 && e.Since == 0
	for _, seq := range g.in.folded(id, in.Folded) {
		e, err := g.l.entry('i', g.connection, seq)
		if err != nil {
			return fmt.Errorf("reading replica %d of connection %q: %w", seq, g.connection, err)
		}
		news, err := replica.Decode(e.Body)
		if err != nil {
			return fmt.Errorf("reading replica %d of connection %q: %w", seq, g.connection, err)
		}
		in.fold(seq, news, unbroken)
	}
	return nil
}

// Reconciled stores the peer's side of a link as it was reconciled; what came
// meanwhile still waits.
func (g *Log) Reconciled(b *Batch, id replica.LinkID, in *Incoming) error {
	in.Folded = max(in.Seq, in.Lost)
	if err := b.Set(linkKey('I', g.connection, id), in.encode(), nil); err != nil {
		return err
	}
	return b.Set(table('Q').str(g.connection), key(nil).num(uint64(g.in.oldest())), nil)
}

// Overruled is a value that lost against the other side's, so that it stays readable.
type Overruled struct {
	Connection string         `json:"connection"`
	Link       replica.LinkID `json:"link"`
	Path       replica.Path   `json:"path"`
	Ours       bool           `json:"ours"`           // whose value lost
	Rule       string         `json:"rule,omitempty"` // file:line:col of the rule that decided; "" where Jira gave no choice
	Value      []byte         `json:"value"`
	Kind       replica.Kind   `json:"kind"`
	At         int64          `json:"at"` // Unix ms
}

// PutOverruled stores a value that lost.
func PutOverruled(b *Batch, o Overruled) error {
	v, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encoding an overruled value: %w", err)
	}
	return b.Set(linkKey('Z', o.Connection, o.Link).num(uint64(o.At)).rest(string(o.Path)), v, nil)
}
