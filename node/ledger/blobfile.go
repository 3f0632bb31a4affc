package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const blobBuffer = 64 << 10 // bytes read at once

// Filling is a blob that is being written. It is for one goroutine; there is one
// for a blob at a time.
type Filling struct {
	s    *Spool
	id   BlobID
	b    *spooled
	file vfs.File
	sum  hash.Hash
	have int64 // bytes written
	safe int64 // of them, those surely on disk
}

// Fill goes on writing a blob where its record says. What is there is read
// again for the hash; where it cannot be, it begins anew. ErrNone where nobody
// wants the blob.
func (s *Spool) Fill(id BlobID) (*Filling, error) {
	s.mu.Lock()
	b := s.blobs[id]
	if b == nil {
		s.mu.Unlock()
		return nil, ErrNone
	}
	if b.writing {
		s.mu.Unlock()
		return nil, fmt.Errorf("filling a blob: it is being filled")
	}
	b.writing = true
	have := b.Have
	s.mu.Unlock()
	f := &Filling{s: s, id: id, b: b, sum: sha256.New()}
	if err := f.open(have); err != nil {
		return nil, errors.Join(fmt.Errorf("filling a blob: %w", err), f.Close())
	}
	return f, nil
}

func (f *Filling) open(have int64) (err error) {
	path := f.s.path(f.id)
	if f.file, err = f.s.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified); err != nil {
		return err
	}
	if f.s.cfg.FS == nil { // only the operating system's files have modes
		if err := os.Chmod(path, 0o600); err != nil {
			return err
		}
	}
	if err := f.s.syncDir(f.s.cfg.Dir); err != nil {
		return err
	}
	n, err := io.CopyBuffer(f.sum, io.NewSectionReader(f.file, 0, have), make([]byte, blobBuffer))
	if err == nil && n == have {
		f.have, f.safe = have, have
		return nil
	}
	f.sum.Reset() // the file is shorter than its record, or damaged
	return f.keep(0)
}

// Have is how many bytes there are: where the transfer goes on.
func (f *Filling) Have() int64 { return f.have }

// Write adds p, and sees to it now and then that what there is survives a power
// cut. It refuses more than was announced.
func (f *Filling) Write(p []byte) (int, error) {
	if f.have+int64(len(p)) > f.id.Size {
		return 0, fmt.Errorf("writing a blob: more than the %d bytes that were announced: %w", f.id.Size, ErrWrongBytes)
	}
	n, err := f.file.WriteAt(p, f.have)
	f.sum.Write(p[:n])
	f.have += int64(n)
	if err != nil {
		return n, fmt.Errorf("writing a blob: %w", err)
	}
	if f.have-f.safe >= f.s.cfg.Every {
		return n, f.Sync()
	}
	return n, nil
}

// Sync returns once what was written, and the record of it, is on disk. After a
// failed sync nobody knows what is on disk, so the blob begins anew. ErrNone
// where nobody wants the blob any more.
func (f *Filling) Sync() error {
	if f.have == f.safe {
		return nil
	}
	f.s.mu.Lock()
	wanted := f.s.blobs[f.id] == f.b
	f.s.mu.Unlock()
	if !wanted {
		return ErrNone
	}
	if err := f.file.Sync(); err != nil {
		f.sum.Reset()
		return errors.Join(fmt.Errorf("syncing a blob: %w", err), f.keep(0))
	}
	return f.keep(f.have)
}

// keep records that the first n bytes are safe.
func (f *Filling) keep(n int64) error {
	f.have, f.safe = n, n
	return f.s.save(f.id, f.b, func(a *Arriving) { a.Have = n })
}

// Finish checks the blob, which must be there in whole, by its hash, and
// returns once it is known on disk to be good. With an ErrWrongBytes all of it is
// discarded and counted.
func (f *Filling) Finish() error {
	if f.have != f.id.Size {
		return fmt.Errorf("finishing a blob: %d of %d bytes are there", f.have, f.id.Size)
	}
	if !bytes.Equal(f.sum.Sum(nil), f.id.Hash[:]) {
		return errors.Join(fmt.Errorf("finishing a blob: %w", ErrWrongBytes), f.Discard())
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.s.save(f.id, f.b, func(a *Arriving) { a.Whole = true })
}

// Discard throws away what the peer sent, because it cannot be right, and counts it.
func (f *Filling) Discard() error {
	f.sum.Reset()
	f.have, f.safe = 0, 0
	return f.s.save(f.id, f.b, func(a *Arriving) { a.Have, a.Bad = 0, a.Bad+1 })
}

// Close keeps what was written and lets go of the blob.
func (f *Filling) Close() (err error) {
	if f.file != nil {
		if err = f.Sync(); errors.Is(err, ErrNone) {
			err = nil
		}
		err = errors.Join(err, f.file.Close())
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.b.writing = false
	return err
}

// Forgive forgets how often a peer sent something else: a person asks for
// another attempt.
func (s *Spool) Forgive(id BlobID) error {
	s.mu.Lock()
	b := s.blobs[id]
	nothing := b == nil || b.Bad == 0
	s.mu.Unlock()
	if nothing {
		return nil
	}
	return s.save(id, b, func(a *Arriving) { a.Bad = 0 })
}

// Open reads a blob that is whole. Its bytes are checked once more on the way:
// where the disk has changed them the last Read is an ErrWrongBytes, never an
// end, and the blob has to come again. ErrNone where the blob is not whole.
func (s *Spool) Open(id BlobID) (io.ReadCloser, error) {
	if a, err := s.State(id); err != nil || !a.Whole {
		return nil, ErrNone
	}
	file, err := s.fs.Open(s.path(id))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening a blob: %w", err), s.spoilt(id))
	}
	return &checked{s: s, id: id, file: file, sum: sha256.New(), left: id.Size}, nil
}

// checked reads a file and insists on its hash before the end.
type checked struct {
	s    *Spool
	id   BlobID
	file vfs.File
	sum  hash.Hash
	left int64
}

func (c *checked) Read(p []byte) (int, error) {
	if c.left == 0 {
		if !bytes.Equal(c.sum.Sum(nil), c.id.Hash[:]) {
			return 0, c.bad()
		}
		return 0, io.EOF
	}
	n, err := c.file.Read(p[:min(int64(len(p)), c.left)])
	c.sum.Write(p[:n])
	c.left -= int64(n)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if c.left > 0 {
		return n, c.bad()
	}
	return n, nil // the hash speaks with the next call
}

func (c *checked) bad() error {
	return errors.Join(fmt.Errorf("reading a blob: %w", ErrWrongBytes), c.s.spoilt(c.id))
}

func (c *checked) Close() error { return c.file.Close() }

// spoilt has a blob that does not read back as it was written transferred again.
func (s *Spool) spoilt(id BlobID) error {
	s.mu.Lock()
	b := s.blobs[id]
	leave := b == nil || b.writing
	s.mu.Unlock()
	if leave {
		return nil
	}
	return s.save(id, b, func(a *Arriving) { a.Have, a.Whole = 0, false })
}
