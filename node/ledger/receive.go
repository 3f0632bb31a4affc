package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"parley/replica"
)

// inbox is the incoming direction of a connection's log.
type inbox struct {
	mu   sync.Mutex // guards head; work is held by the one receiver
	head head
	work sync.Mutex
}

func (in *inbox) load(l *Ledger, connection string) error {
	return missing(l.get(table('h').str(connection), in.head.decode))
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

// Receive stores arrivals, in order, and folds each into its link's remote
// view; one that was stored before is passed over. What cannot be folded is
// stored all the same and answered with an outcome of its own, so that one bad
// replica stops nothing else. It returns once everything is on disk.
func (g *Log) Receive(epoch [16]byte, arrivals []Arrived) (Stored, error) {
	g.in.work.Lock()
	defer g.in.work.Unlock()
	now, err := g.in.begin(epoch)
	if err != nil {
		return Stored{}, fmt.Errorf("receiving from connection %q: %w", g.connection, err)
	}
	f := fold{g: g, b: g.l.db.NewBatch(), links: map[replica.LinkID]*Incoming{}}
	defer f.b.Close()
	for _, a := range arrivals {
		if a.Seq <= now.Seq {
			continue
		}
		if a.Seq != now.Seq+1 {
			return Stored{}, fmt.Errorf("receiving replica %d after %d: %w", a.Seq, now.Seq, ErrGap)
		}
		if err := f.take(&now, a); err != nil {
			return Stored{}, fmt.Errorf("receiving replica %d of connection %q: %w", a.Seq, g.connection, err)
		}
	}
	if err := f.finish(now); err != nil {
		return Stored{}, err
	}
	g.in.mu.Lock()
	g.in.head = now
	g.in.mu.Unlock()
	for _, o := range f.refused {
		if err := g.Commit(Step{Outcome: &o}); err != nil {
			return Stored{}, err
		}
	}
	return Stored{Seq: now.Seq, Chain: now.Chain, Due: f.due}, nil
}

// begin checks that the peer's log is the one that we know.
func (in *inbox) begin(epoch [16]byte) (head, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	now := in.head
	if now.Seq == 0 {
		now.Epoch = epoch
	}
	if now.Epoch != epoch {
		return now, ErrRewind
	}
	return now, nil
}

// fold is one batch of arrivals on its way to disk.
type fold struct {
	g       *Log
	b       *Batch
	links   map[replica.LinkID]*Incoming // as of this batch
	due     []replica.LinkID
	refused []replica.Outcome
}

// take logs one arrival and folds it into its link.
func (f *fold) take(now *head, a Arrived) error {
	e := Entry{Seq: a.Seq, At: time.Now(), Verdict: Received, Salt: a.Salt, Body: a.Body, Commitment: commitment(a.Salt, a.Body)}
	e.Chain = chain(now.Chain, e.Commitment)
	r, err := replica.Decode(a.Body)
	if err == nil && r.Seq != a.Seq {
		err = fmt.Errorf("it calls itself replica %d", r.Seq)
	}
	if err != nil {
		f.refuse(replica.Outcome{Seq: a.Seq, State: replica.Refused, Code: "malformed"}, err)
	} else {
		e.Link, e.Rules = r.Link, r.Rules
		if err := f.fold(r); err != nil {
			return err
		}
	}
	now.Seq, now.Chain = e.Seq, e.Chain
	return f.b.Set(table('i').str(f.g.connection).num(uint64(e.Seq)), e.encode(make([]byte, 0, len(a.Body)+144)), nil)
}

func (f *fold) refuse(o replica.Outcome, err error) {
	f.refused = append(f.refused, o)
	f.g.l.log.Warn("a replica cannot be used", "connection", f.g.connection, "seq", o.Seq, "err", err)
}

func (f *fold) fold(r *replica.Replica) error {
	in, known, err := f.incoming(r.Link)
	if err != nil {
		return err
	}
	view, err := in.Remote.Fold(r)
	if err != nil { // not the view that we hold: ask for all of it
		f.refuse(replica.Outcome{Link: r.Link, Seq: r.Seq, State: replica.Resend, Code: "base"}, err)
		return nil
	}
	before := in.Remote
	in.Remote, in.Seq, in.After = view, r.Seq, r.After
	in.merge(before, r)
	if r.Key != "" {
		in.Key, in.URL = r.Key, r.URL
	}
	in.Via = r.Via
	if !known {
		born := Link{ID: r.Link, Connection: f.g.connection, Theirs: true, Born: time.Now().UnixMilli()}
		if err := PutLink(f.b, born); err != nil {
			return err
		}
	}
	if !slices.Contains(f.due, r.Link) {
		f.due = append(f.due, r.Link)
	}
	return nil
}

// incoming reads a link's incoming state as this batch leaves it, and whether
// the link itself exists.
func (f *fold) incoming(id replica.LinkID) (*Incoming, bool, error) {
	if in := f.links[id]; in != nil {
		return in, true, nil
	}
	in, err := f.g.l.Incoming(f.g.connection, id)
	if err != nil {
		return nil, false, err
	}
	f.links[id] = in
	if in.Seq > 0 {
		return in, true, nil
	}
	switch _, err := f.g.l.Link(f.g.connection, id); {
	case errors.Is(err, ErrNone):
		return in, false, nil
	case err != nil:
		return nil, false, err
	}
	return in, true, nil
}

func (f *fold) finish(now head) error {
	for id, in := range f.links {
		if in.Seq == 0 {
			continue
		}
		if err := f.b.Set(linkKey('I', f.g.connection, id), in.encode(), nil); err != nil {
			return err
		}
		if err := f.b.Set(linkKey('Q', f.g.connection, id).num(uint64(in.Seq)), nil, nil); err != nil {
			return err
		}
	}
	if err := f.b.Set(table('h').str(f.g.connection), now.encode(), nil); err != nil {
		return err
	}
	return f.g.l.commit(f.b)
}

// Due lists the links that need reconciling, of all connections.
func (l *Ledger) Due(use func(connection string, id replica.LinkID) bool) error {
	prefix := table('Q')
	return l.scan(prefix, func(k, _ []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		connection, id := r.str(), r.link()
		if err := r.end("due mark"); err != nil {
			return false, err
		}
		return use(connection, id), nil
	})
}

// Reconciled clears a link's due marks up to the sequence that was reconciled;
// those of replicas that came meanwhile stay.
func Reconciled(b *Batch, connection string, id replica.LinkID, seq replica.Seq) error {
	k := linkKey('Q', connection, id)
	return b.DeleteRange(k, append(key(nil), k...).num(uint64(seq)+1), nil)
}

// Overruled is a value that lost against the other side's, so that it stays readable.
type Overruled struct {
	Connection string         `json:"connection"`
	Link       replica.LinkID `json:"link"`
	Path       replica.Path   `json:"path"`
	Ours       bool           `json:"ours"` // whose value lost
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
