package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/replica"
)

// The spool keeps blobs that come in until they are in the tenant: a file each,
// in one folder, and a record each (table a) that says how much of the file is
// surely on disk. The file is synced before its record is, so that after a power
// cut the transfer goes on at the record's place. What has no record is removed
// when the spool is opened; what nobody has asked for in a week, by Sweep.
//
// A blob of the same bytes is another one in another connection: who only names
// a hash must not be given what somebody else has sent.

const (
	spoolMost  = 4 << 30            // bytes of all blobs together
	spoolKeep  = 7 * 24 * time.Hour // of what nobody asks for
	spoolEvery = 4 << 20            // bytes between two syncs: what is transferred again after a kill
	spoolBlobs = 10_000             // blobs, however small they are
	spoolLinks = 1024               // links that may wait for one blob
)

// Errors of a spool, to branch on.
var (
	ErrSpoolFull  = errors.New("no room for another blob")
	ErrTooLarge   = errors.New("larger than any blob may be here")
	ErrWrongBytes = errors.New("the bytes do not have the hash that was announced")
)

// SpoolConfig says where blobs wait.
type SpoolConfig struct {
	Dir   string        // made where missing, for its owner alone
	FS    vfs.FS        // nil: the operating system's
	Most  int64         // bytes of all blobs together, as announced; 0: 4 GiB. One connection has half of it at most
	Keep  time.Duration // after which Sweep removes what nobody has asked for; 0: 7 days
	Every int64         // bytes between two syncs; 0: 4 MiB
}

// BlobID names a blob that comes in.
type BlobID struct {
	Connection string
	Hash       replica.Hash
	Size       int64 // bytes, as announced
}

func (id BlobID) key() key {
	return append(table('a').str(id.Connection), id.Hash[:]...).num(uint64(id.Size))
}

// Arriving is how far a blob has come.
type Arriving struct {
	Have  int64            `json:"have"`            // bytes that are surely on disk
	Whole bool             `json:"whole,omitempty"` // all of them, and they have the hash
	Bad   int              `json:"bad,omitempty"`   // times that the peer sent something else
	Links []replica.LinkID `json:"links"`           // who waits for it
	At    int64            `json:"at"`              // Unix ms: when it was last asked for
}

// Spool is the folder with its records. It is safe for concurrent use.
type Spool struct {
	l   *Ledger
	cfg SpoolConfig
	fs  vfs.FS

	records chan struct{} // one place: who writes a record, so that the newest is the last

	mu    sync.Mutex // guards the fields below
	blobs map[BlobID]*spooled
	used  map[string]share // by connection
	total share
}

// share is what blobs take of the spool.
type share struct {
	bytes int64 // as announced
	blobs int
}

func (a share) plus(bytes int64, blobs int) share { return share{a.bytes + bytes, a.blobs + blobs} }

// fits reports whether a blob more is within one part in n of the spool.
func (s *Spool) fits(a share, size int64, n int64) bool {
	return a.bytes+size <= s.cfg.Most/n && int64(a.blobs) < spoolBlobs/n
}

type spooled struct {
	Arriving
	writing bool // a Filling has it
}

// OpenSpool opens the folder and makes it and the records agree.
func (l *Ledger) OpenSpool(cfg SpoolConfig) (*Spool, error) {
	s := &Spool{l: l, cfg: cfg, fs: cfg.FS, records: make(chan struct{}, 1), blobs: map[BlobID]*spooled{}, used: map[string]share{}}
	if s.fs == nil {
		s.fs = vfs.Default
	}
	if s.cfg.Most <= 0 {
		s.cfg.Most = spoolMost
	}
	if s.cfg.Keep <= 0 {
		s.cfg.Keep = spoolKeep
	}
	if s.cfg.Every <= 0 {
		s.cfg.Every = spoolEvery
	}
	if err := errors.Join(s.makeDir(), s.load(), s.tidy()); err != nil {
		return nil, fmt.Errorf("opening the spool %s: %w", cfg.Dir, err)
	}
	return s, nil
}

// makeDir makes the folder, so that it outlives a power cut.
func (s *Spool) makeDir() error {
	if err := s.fs.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	return s.syncDir(s.fs.PathDir(s.cfg.Dir))
}

func (s *Spool) syncDir(path string) error {
	dir, err := s.fs.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (s *Spool) load() error {
	return s.l.scan(table('a'), func(k, v []byte) (bool, error) {
		r := reader{b: k[1:]}
		id := BlobID{Connection: r.str(), Hash: r.hash(), Size: int64(r.num())}
		b := &spooled{}
		if err := errors.Join(r.end("blob"), json.Unmarshal(v, &b.Arriving)); err != nil {
			return false, fmt.Errorf("reading a blob's record: %w", err)
		}
		if b.Have < 0 || b.Have > id.Size {
			b.Have, b.Whole = 0, false
		}
		s.add(id, b)
		return true, nil
	})
}

// tidy removes files without a record, and forgets progress without a file: a
// ledger that was restored comes without its spool.
func (s *Spool) tidy() error {
	names, err := s.fs.List(s.cfg.Dir)
	if err != nil {
		return err
	}
	for id, b := range s.blobs {
		name := s.name(id)
		if i := slices.Index(names, name); i >= 0 {
			names = slices.Delete(names, i, i+1)
		} else {
			b.Have, b.Whole = 0, false
		}
	}
	for _, name := range names {
		if err := s.fs.Remove(s.fs.PathJoin(s.cfg.Dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// name is the blob's file: nothing that a peer chose, and another one in each connection.
func (s *Spool) name(id BlobID) string {
	sum := sha256.Sum256(id.key())
	return hex.EncodeToString(sum[:])
}

func (s *Spool) path(id BlobID) string { return s.fs.PathJoin(s.cfg.Dir, s.name(id)) }

// add takes a blob into the books; mu is held, or nobody else has the spool yet.
func (s *Spool) add(id BlobID, b *spooled) {
	s.blobs[id] = b
	s.used[id.Connection] = s.used[id.Connection].plus(id.Size, 1)
	s.total = s.total.plus(id.Size, 1)
}

func (s *Spool) remove(id BlobID) {
	delete(s.blobs, id)
	s.total = s.total.plus(-id.Size, -1)
	if s.used[id.Connection] = s.used[id.Connection].plus(-id.Size, -1); s.used[id.Connection] == (share{}) {
		delete(s.used, id.Connection)
	}
}

// Want reserves room for a blob that a link waits for, and reports how far it
// has come; it returns once that is on disk. Wanting it again is harmless. The
// error is an ErrSpoolFull, which may pass, or an ErrTooLarge, which does not.
func (s *Spool) Want(id BlobID, link replica.LinkID, now time.Time) (Arriving, error) {
	if id.Size < 0 || id.Size > s.cfg.Most/2 {
		return Arriving{}, fmt.Errorf("a blob of %d bytes, and %d are the most: %w", id.Size, s.cfg.Most/2, ErrTooLarge)
	}
	s.mu.Lock()
	b, total := s.blobs[id], s.total
	if b == nil {
		if !s.fits(total, id.Size, 1) || !s.fits(s.used[id.Connection], id.Size, 2) {
			s.mu.Unlock()
			return Arriving{}, fmt.Errorf("%d blobs of %d MiB wait for the tenant already: %w", total.blobs, total.bytes>>20, ErrSpoolFull)
		}
		b = &spooled{}
		s.add(id, b)
	}
	news := now.Sub(time.UnixMilli(b.At)) > s.cfg.Keep/8 // else the record is new enough
	if !slices.Contains(b.Links, link) && len(b.Links) < spoolLinks {
		b.Links, news = append(slices.Clone(b.Links), link), true
	}
	if news {
		b.At = now.UnixMilli()
	}
	state := b.Arriving
	s.mu.Unlock()
	if !news {
		return state, nil
	}
	return state, s.save(id, b, nil)
}

// save writes a blob's newest record, moved on by move, which takes effect here
// once it is on disk; nil: by nothing. What is no longer wanted has no record.
func (s *Spool) save(id BlobID, b *spooled, move func(*Arriving)) error {
	if move == nil {
		move = func(*Arriving) {}
	}
	s.records <- struct{}{}
	defer func() { <-s.records }()
	s.mu.Lock()
	there, state := s.blobs[id] == b, b.Arriving
	s.mu.Unlock()
	if !there {
		return nil
	}
	move(&state)
	v, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encoding a blob's record: %w", err)
	}
	if err := s.l.Write(func(b *Batch) error { return b.Set(id.key(), v, nil) }); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	move(&b.Arriving)
	return nil
}

// erase removes a blob's record, then its file: one that is left over by a crash
// is removed when the spool is opened.
func (s *Spool) erase(id BlobID) error {
	s.records <- struct{}{}
	defer func() { <-s.records }()
	s.mu.Lock()
	again := s.blobs[id] != nil
	s.mu.Unlock()
	if again { // somebody wants it anew
		return nil
	}
	if err := s.l.Write(func(b *Batch) error { return b.Delete(id.key(), nil) }); err != nil {
		return err
	}
	return s.unlink(id)
}

func (s *Spool) unlink(id BlobID) error {
	if err := s.fs.Remove(s.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a blob: %w", err)
	}
	return nil
}

// Waiters calls use for every link that waits for a blob.
func (s *Spool) Waiters(use func(connection string, link replica.LinkID)) {
	s.mu.Lock()
	waits := map[string]map[replica.LinkID]bool{}
	for id, b := range s.blobs {
		for _, link := range b.Links {
			if waits[id.Connection] == nil {
				waits[id.Connection] = map[replica.LinkID]bool{}
			}
			waits[id.Connection][link] = true
		}
	}
	s.mu.Unlock()
	for connection, links := range waits {
		for link := range links {
			use(connection, link)
		}
	}
}

// State is how far a blob has come; ErrNone where nobody wants it.
func (s *Spool) State(id BlobID) (Arriving, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blobs[id]; b != nil {
		return b.Arriving, nil
	}
	return Arriving{}, ErrNone
}

// Drop takes a link's interest in a blob away: it is in the tenant, or not
// wanted any more. With the last one's the blob is removed.
func (s *Spool) Drop(id BlobID, link replica.LinkID) error {
	s.mu.Lock()
	b := s.blobs[id]
	if b == nil {
		s.mu.Unlock()
		return nil
	}
	b.Links = slices.DeleteFunc(slices.Clone(b.Links), func(k replica.LinkID) bool { return k == link })
	if len(b.Links) > 0 {
		s.mu.Unlock()
		return s.save(id, b, nil)
	}
	s.remove(id)
	s.mu.Unlock()
	return s.erase(id)
}

// DropLink takes away what a link waits for: it has ended.
func (s *Spool) DropLink(connection string, link replica.LinkID) (err error) {
	for _, id := range s.which(func(id BlobID, b *spooled) bool {
		return id.Connection == connection && slices.Contains(b.Links, link)
	}) {
		err = errors.Join(err, s.Drop(id, link))
	}
	return err
}

// Sweep removes what nobody has asked for in a long time.
func (s *Spool) Sweep(now time.Time) (err error) {
	for _, id := range s.which(func(_ BlobID, b *spooled) bool {
		return !b.writing && now.Sub(time.UnixMilli(b.At)) > s.cfg.Keep
	}) {
		s.mu.Lock()
		if s.blobs[id] != nil {
			s.remove(id)
		}
		s.mu.Unlock()
		err = errors.Join(err, s.erase(id))
	}
	return err
}

func (s *Spool) which(yes func(BlobID, *spooled) bool) (ids []BlobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, b := range s.blobs {
		if yes(id, b) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Used is how many bytes are reserved, of how many that may be.
func (s *Spool) Used() (used, most int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total.bytes, s.cfg.Most
}
