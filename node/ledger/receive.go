package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
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

// Receive stores arrivals in the log, in order, each with a due mark for its
// link; one that was stored before is passed over. It returns once everything
// is on disk. Folding them into the link's view is left to the lane that
// reconciles it (see [Ledger.Incoming]): a replica is receipted for two records
// on disk, whatever the size of the view that it changes. One that cannot be
// read is stored all the same and answered with an outcome of its own, so that
// it stops nothing else.
func (g *Log) Receive(epoch [16]byte, arrivals []Arrived) (Stored, error) {
	g.in.work.Lock()
	defer g.in.work.Unlock()
	now, err := g.in.begin(epoch)
	if err != nil {
		return Stored{}, fmt.Errorf("receiving from connection %q: %w", g.connection, err)
	}
	in := intake{g: g, b: g.l.db.NewBatch(), buf: make([]byte, 0, 1024)}
	defer in.b.Close()
	for _, a := range arrivals {
		if a.Seq <= now.Seq {
			continue
		}
		if a.Seq != now.Seq+1 {
			return Stored{}, fmt.Errorf("receiving replica %d after %d: %w", a.Seq, now.Seq, ErrGap)
		}
		if err := in.take(&now, a); err != nil {
			return Stored{}, fmt.Errorf("receiving replica %d of connection %q: %w", a.Seq, g.connection, err)
		}
	}
	if err := in.b.Set(table('h').str(g.connection), now.encode(), nil); err != nil {
		return Stored{}, err
	}
	if err := g.l.commit(in.b); err != nil {
		return Stored{}, err
	}
	g.in.mu.Lock()
	g.in.head = now
	g.in.mu.Unlock()
	for _, o := range in.refused {
		if err := g.Commit(Step{Outcome: &o}); err != nil {
			return Stored{}, err
		}
	}
	return Stored{Seq: now.Seq, Chain: now.Chain, Due: in.due}, nil
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

// intake is one batch of arrivals on its way to disk.
type intake struct {
	g       *Log
	b       *Batch
	buf     []byte
	due     []replica.LinkID
	refused []replica.Outcome
}

// take logs one arrival and marks its link due.
func (in *intake) take(now *head, a Arrived) error {
	e := Entry{Seq: a.Seq, At: time.Now(), Verdict: Received, Salt: a.Salt, Body: a.Body, Commitment: commitment(a.Salt, a.Body)}
	e.Chain = chain(now.Chain, e.Commitment)
	r, err := replica.Decode(a.Body)
	if err == nil && r.Seq != a.Seq {
		err = fmt.Errorf("it calls itself replica %d", r.Seq)
	}
	if err != nil {
		in.refused = append(in.refused, replica.Outcome{Seq: a.Seq, State: replica.Refused, Code: "malformed"})
		in.g.l.log.Warn("a replica cannot be read", "connection", in.g.connection, "seq", a.Seq, "err", err)
	} else {
		e.Link, e.Rules = r.Link, r.Rules
		in.due = append(in.due, r.Link)
		if err := in.b.Set(linkKey('Q', in.g.connection, r.Link).num(uint64(a.Seq)), nil, nil); err != nil {
			return err
		}
	}
	now.Seq, now.Chain = e.Seq, e.Chain
	in.buf = e.encode(in.buf[:0])
	return in.b.Set(table('i').str(in.g.connection).num(uint64(e.Seq)), in.buf, nil)
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

// pending folds what has come for a link since in was stored. A replica that
// was made against another view than ours leaves the link Lost, until a whole
// view brings it back.
func (l *Ledger) pending(connection string, id replica.LinkID, in *Incoming) error {
	prefix := linkKey('Q', connection, id)
	return l.scan(prefix, func(k, _ []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		seq := replica.Seq(r.num())
		if err := r.end("due mark"); err != nil {
			return false, err
		}
		if seq <= in.Seq {
			return true, nil
		}
		var e Entry
		if err := l.get(table('i').str(connection).num(uint64(seq)), e.decode); err != nil {
			return false, fmt.Errorf("reading replica %d of connection %q: %w", seq, connection, err)
		}
		news, err := replica.Decode(e.Body)
		if err != nil {
			return false, fmt.Errorf("reading replica %d of connection %q: %w", seq, connection, err)
		}
		in.fold(seq, news)
		return true, nil
	})
}

// Reconciled stores the peer's side of a link as it was reconciled, and clears
// the due marks up to there; those of replicas that came meanwhile stay.
func Reconciled(b *Batch, connection string, id replica.LinkID, in *Incoming) error {
	if err := b.Set(linkKey('I', connection, id), in.encode(), nil); err != nil {
		return err
	}
	k := linkKey('Q', connection, id)
	return b.DeleteRange(k, append(key(nil), k...).num(uint64(max(in.Seq, in.Lost))+1), nil)
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
