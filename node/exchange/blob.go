package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"parley/node/ledger"
	"parley/replica"
)

// A file's bytes do not travel in replicas. A replica names them by hash and
// size; the side that wants them asks for them by that, on a stream of their own.
//
// Who has them (blobgive.go) gives them only where a replica that was posted on
// the same connection names them (ledger.Grant), and reads them from its tenant
// each time they are asked for: it keeps no copy.
//
// Who wants them (blobpull.go) keeps what has come in the ledger's spool, goes
// on from there after a lost session or a kill, and hands nothing to Jira before
// the whole has the hash that was announced. What fails is tried again a bounded
// number of times and then holds what waits for it, with the reason.

// BlobConfig says where files are read, and where those of partners wait.
type BlobConfig struct {
	// Read opens the bytes of a Grant's Source from an offset on, as far as they
	// go. The error wraps ErrBlobGone where they are gone for good. Nil: this node
	// the tenant's client.
	Read  func(ctx context.Context, source string, offset int64) (io.ReadCloser, error)
	Spool ledger.SpoolConfig // with no Dir this node takes no files
}

// blobs is the files of one desk that are on their way.
type blobs struct {
	cfg   BlobConfig
	spool *ledger.Spool // nil: none are taken
	log   *slog.Logger

	mu      sync.Mutex // guards the fields below
	pulls   map[ledger.BlobID]*pull
	waiting []*pull                  // in the order in which they were asked for
	running map[string]int           // by connection
	streams map[*talk]int            // pulls that a session carries
	turns   map[string]uint64        // by connection: when one of its pulls began last
	turn    uint64                   // the newest of them
	changed signal                   // something of the above
	paces   map[string]*rate.Limiter // by connection: the peer's requests
}

// signal is closed and renewed when what it stands for happens.
type signal chan struct{}

func newBlobs(cfg Config) (*blobs, error) {
	q := &blobs{
		cfg: cfg.Blobs, log: cfg.Log, pulls: map[ledger.BlobID]*pull{}, running: map[string]int{}, streams: map[*talk]int{}, turns: map[string]uint64{},
		changed: make(signal), paces: map[string]*rate.Limiter{},
	}
	if q.cfg.Read == nil {
		q.cfg.Read = readFiles(cfg.Tenant)
	}
	if cfg.Blobs.Spool.Dir == "" {
		return q, nil
	}
	var err error
	q.spool, err = cfg.Ledger.OpenSpool(cfg.Blobs.Spool)
	return q, err
}

// ErrNoSpool is returned where a node that takes no files is to fetch one.
var ErrNoSpool = errors.New("this node has no place for files")

// Blob is a file of a partner's, here in whole and with the hash that was announced.
type Blob struct {
	spool *ledger.Spool
	id    ledger.BlobID
	link  replica.LinkID
}

// Size is its length in bytes.
func (b *Blob) Size() int64 { return b.id.Size }

// Open reads it, as often as an upload takes; the caller closes it. A read that
// fails with ledger.ErrWrongBytes found the disk's copy damaged: Fetch gets another.
func (b *Blob) Open() (io.ReadCloser, error) { return b.spool.Open(b.id) }

// Applied says that the link needs it no more: it is in Jira, or will never be.
// The spool's copy goes with the last link that waits for it.
func (b *Blob) Applied() error { return b.spool.Drop(b.id, b.link) }

// Fetch is how a visit gets a file that the peer's view names: the blob where it
// is here in whole; else it is on its way, or the wait says why it is not. The link
// is visited again when that has changed. It never waits.
func (d *Desk) Fetch(c *Connection, link replica.LinkID, hash replica.Hash, size int64) (*Blob, BlobWait, error) {
	q := d.blobs
	if q.spool == nil {
		return nil, BlobWait{}, ErrNoSpool
	}
	id := ledger.BlobID{Connection: c.Name, Hash: hash, Size: size}
	state, err := q.spool.Want(id, link, time.Now())
	switch {
	case errors.Is(err, ledger.ErrSpoolFull), errors.Is(err, ledger.ErrTooLarge):
		return nil, noRoom(err), nil
	case err != nil:
		return nil, BlobWait{}, err
	case state.Whole:
		return &Blob{q.spool, id, link}, BlobWait{}, nil
	}
	wait := q.ask(c, id, state)
	wait.Have, wait.Size = state.Have, size
	return nil, wait, nil
}

// Refetch is Fetch where a person asks: what was given up is tried anew.
func (d *Desk) Refetch(c *Connection, link replica.LinkID, hash replica.Hash, size int64) (*Blob, BlobWait, error) {
	if d.blobs.spool != nil {
		id := ledger.BlobID{Connection: c.Name, Hash: hash, Size: size}
		if err := d.blobs.spool.Forgive(id); err != nil {
			return nil, BlobWait{}, err
		}
		d.blobs.forgive(id)
	}
	return d.Fetch(c, link, hash, size)
}

// Pull waits for a file and gives it to sink; once that has returned nil, the
// file is no longer kept. The error is a *BlobError where it is held.
func (d *Desk) Pull(ctx context.Context, c *Connection, link replica.LinkID, hash replica.Hash, size int64, sink func(*Blob) error) error {
	for {
		news := d.blobs.news()
		blob, wait, err := d.Fetch(c, link, hash, size)
		switch {
		case err != nil:
			return err
		case blob != nil:
			if err := sink(blob); err != nil {
				return fmt.Errorf("passing a file of connection %q on: %w", c.Name, err)
			}
			return blob.Applied()
		case wait.Stuck():
			return &BlobError{c.Name, wait}
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wakeAgain has a link visited, with what waited there.
func (d *Desk) wakeAgain(connection string, link replica.LinkID) {
	d.queue.add(job{lane: connection + "/" + link.String(), connection: connection, link: link, retry: true})
}

// DropBlobs forgets every file that a link waits for: it has ended.
func (d *Desk) DropBlobs(connection string, link replica.LinkID) error {
	if d.blobs.spool == nil {
		return nil
	}
	return d.blobs.spool.DropLink(connection, link)
}

const sweepBlobs = time.Hour // between two looks for files that nobody asks for

// sweepBlobs removes files that nobody has asked for in a long time, until ctx ends.
func (d *Desk) sweepBlobs(ctx context.Context) error {
	if d.blobs.spool == nil {
		return nil
	}
	tick := time.NewTicker(sweepBlobs)
	defer tick.Stop()
	for {
		if err := d.blobs.spool.Sweep(time.Now()); err != nil {
			d.log.Warn("old files could not be removed", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
