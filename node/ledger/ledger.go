package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the on-disk format that this version ships. Pebble's upgrades are
// one-way, so it is a named constant and never "newest".
const format = pebble.FormatValueSeparation

const (
	memTable  = 16 << 20 // bytes, and two while one is flushed; what a node takes in memory grows with what it writes until the first flush (64 MiB: 14.1 µs of processor a replica, 16: 15.8, 4: 23)
	cacheSize = 16 << 20 // bytes of block cache
)

// ErrNone is returned where a record does not exist.
var ErrNone = errors.New("no such record")

// ErrFailed is returned by every write after a sync failed: what is on disk is
// then unknown, and only a restart, which reads it back, can tell.
var ErrFailed = errors.New("the ledger's disk failed; restart the node when it is healthy")

// Config says where a ledger lives.
type Config struct {
	Dir    string       // the database's folder; made where missing
	FS     vfs.FS       // nil: the operating system's
	Logger *slog.Logger // nil: discards
	// Fatal is called once when the disk fails, with the reason; it should end
	// the process. Nil: writes fail with ErrFailed from then on.
	Fatal    func(reason string)
	ReadOnly bool // nothing is written, not even while opening: to look at a copy
	// Step sees each batch before it is committed: the durable steps, for a test
	// that crashes at each. Then it is also checked that what a link posts leads
	// to the state that its lane holds. Nil: nobody does.
	Step func(*Batch)
}

// Ledger is one node's memory. It is safe for concurrent use.
type Ledger struct {
	db     *pebble.DB
	log    *slog.Logger
	failed atomic.Pointer[string]
	fatal  func(string)
	step   func(*Batch)
	mark   atomic.Uint64 // generation of the newest dirty mark

	states sync.RWMutex // held by whoever applies a batch; alone by who stores links' states that are another's

	mu   sync.Mutex // guards logs
	logs map[string]*Log
}

// Open opens or makes the ledger in cfg.Dir. Only one process can have it open.
func Open(cfg Config) (*Ledger, error) {
	l := &Ledger{log: cfg.Logger, fatal: cfg.Fatal, step: cfg.Step, logs: map[string]*Log{}}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	cache := pebble.NewCache(cacheSize)
	defer cache.Unref()
	if cfg.FS == nil {
		cfg.FS = preallocated(vfs.Default)
	}
	options := &pebble.Options{FS: cfg.FS, FormatMajorVersion: format, MemTableSize: memTable, Cache: cache, Logger: disk{l}, ReadOnly: cfg.ReadOnly}
	// What has just been written is mostly hashes, salts and signatures, and is
	// written again soon: compressing it is time for nothing.
	options.Levels[0].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression }
	options.Levels[1].Compression = func() *sstable.CompressionProfile { return sstable.SnappyCompression }
	// A flush makes one file for each table, and not eight of the largest, which
	// spares a twentieth of the processor; below, the sizes are Pebble's own.
	options.TargetFileSizes[0], options.TargetFileSizes[1] = memTable, 4<<20
	// Each table has files of its own: what lies in the order it came in, as the
	// logs, is then not written anew for the sake of what is always overwritten.
	options.Experimental.SpanPolicyFunc = func(start []byte) (pebble.SpanPolicy, []byte, error) {
		return pebble.SpanPolicy{}, after(start[:1]), nil
	}
	db, err := pebble.Open(cfg.Dir, options)
	if err != nil {
		return nil, fmt.Errorf("opening the ledger in %s: %w", cfg.Dir, err)
	}
	l.db = db
	newest, err := l.newestMark()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the ledger's dirty marks: %w", err), db.Close())
	}
	l.mark.Store(newest)
	return l, nil
}

// Close flushes and closes the database. Every Log must be idle.
func (l *Ledger) Close() error { return l.db.Close() }

// Batch is the writes of one step.
type Batch = pebble.Batch

// Write commits what fill puts into one batch and returns once it is on disk.
// After an error it may or may not be; every step here can be done again.
func (l *Ledger) Write(fill func(*Batch) error) error {
	b := l.db.NewBatch()
	defer b.Close()
	if err := fill(b); err != nil {
		return err
	}
	return l.commit(b)
}

func (l *Ledger) commit(b *Batch) error {
	if err := l.apply(b); err != nil {
		return err
	}
	return l.synced(b)
}

// synced returns once what was applied is on disk.
func (l *Ledger) synced(b *Batch) error {
	if err := b.SyncWait(); err != nil {
		l.fail(err.Error())
		return fmt.Errorf("committing to the ledger: %w", err)
	}
	return nil
}

// apply commits b without waiting for the disk: synced does.
func (l *Ledger) apply(b *Batch) error {
	l.states.RLock()
	defer l.states.RUnlock()
	return l.applyUnder(b)
}

// applyUnder is apply for somebody who holds states.
func (l *Ledger) applyUnder(b *Batch) error {
	if l.failed.Load() != nil {
		return ErrFailed
	}
	if l.step != nil {
		l.step(b)
	}
	if err := l.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		l.fail(err.Error())
		return fmt.Errorf("committing to the ledger: %w", err)
	}
	return nil
}

// fail stops every later write, once.
func (l *Ledger) fail(reason string) {
	if l.failed.CompareAndSwap(nil, &reason) && l.fatal != nil {
		l.fatal(reason)
	}
}

// get calls use with the value of key, which is valid only inside it.
func (l *Ledger) get(key []byte, use func([]byte) error) error {
	v, closer, err := l.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return ErrNone
	}
	if err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	defer closer.Close()
	return use(v)
}

// scan calls use for each record under prefix, in order, until it says stop.
func (l *Ledger) scan(prefix []byte, use func(key, value []byte) (bool, error)) error {
	return l.scanFrom(prefix, prefix, use)
}

// scanFrom is scan beginning at the key from, which lies under prefix.
func (l *Ledger) scanFrom(prefix, from []byte, use func(key, value []byte) (bool, error)) error {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("scanning the ledger: %w", err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		more, err := use(it.Key(), it.Value())
		if err != nil || !more {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("scanning the ledger: %w", err)
	}
	return nil
}

// fewKeys are deleted one by one. A range deletion stays in the memtable until that is
// flushed, hours later, and each iterator that is opened after a new one sorts all of
// them anew: with one for each of 2,000 changes of a ticket, these took 200 s, not 0.2 s.
const fewKeys = 256

// clear deletes the keys from first to before end. It does not wait for the disk.
func (l *Ledger) clear(first, end []byte) error {
	b := l.db.NewBatch()
	defer b.Close()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: first, UpperBound: end})
	if err != nil {
		return fmt.Errorf("clearing in the ledger: %w", err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if b.Count() == fewKeys {
			return l.db.DeleteRange(first, end, pebble.NoSync)
		}
		if err := b.Delete(it.Key(), nil); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("clearing in the ledger: %w", err)
	}
	if b.Empty() {
		return nil
	}
	return b.Commit(pebble.NoSync)
}

// floor is the last key under prefix that is not beyond k; k where there is none.
func (l *Ledger) floor(prefix, k []byte) ([]byte, error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: append(k[:len(k):len(k)], 0)})
	if err != nil {
		return nil, fmt.Errorf("seeking in the ledger: %w", err)
	}
	defer it.Close()
	if it.Last() {
		k = append([]byte(nil), it.Key()...)
	}
	if err := it.Error(); err != nil {
		return nil, fmt.Errorf("seeking in the ledger: %w", err)
	}
	return k, nil
}

// Checkpoint writes a consistent copy of the whole ledger into dir, which must
// not exist. It may run beside everything else.
func (l *Ledger) Checkpoint(dir string) error {
	return l.db.Checkpoint(dir, pebble.WithFlushedWAL())
}

// disk is Pebble's logger: its news to slog, its death to fail.
type disk struct{ l *Ledger }

func (d disk) Infof(format string, args ...any) {
	if d.l.log.Enabled(context.Background(), slog.LevelDebug) {
		d.l.log.Debug("pebble: " + fmt.Sprintf(format, args...))
	}
}

func (d disk) Errorf(format string, args ...any) {
	d.l.log.Error("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf is called where a WAL sync failed. Pebble relies on its not returning.
func (d disk) Fatalf(format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	d.l.log.Error("the ledger's disk failed", "err", reason)
	d.l.fail(reason)
	select {}
}
