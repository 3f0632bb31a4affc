package sim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"sync"
)

const (
	smallBlob  = 32 << 10  // bytes of content that stay in memory
	blobChunk  = 256 << 10 // bytes of one piece of the spool, and of the buffer that fills it
	normalSize = 1 << 30   // bytes of an attachment, where Config names no limit: Cloud's default
)

// A blob is the content of a file: kept in memory where it is small, in the spool where it is not. It never changes.
type blob struct {
	size  int64
	sum   [sha256.Size]byte
	small []byte
	file  *os.File // nil: it is all in small
	parts []int64  // where each chunk lies in file
}

// ReadAt implements io.ReaderAt.
func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > b.size {
		return 0, io.EOF
	}
	if b.file == nil {
		n := copy(p, b.small[off:])
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
	total := 0
	for total < len(p) && off < b.size {
		in := off % blobChunk
		want := min(int64(len(p)-total), blobChunk-in, b.size-off)
		n, err := b.file.ReadAt(p[total:total+int(want)], b.parts[off/blobChunk]+in)
		total, off = total+n, off+int64(n)
		if int64(n) < want {
			return total, fmt.Errorf("reading the spool: %w", err)
		}
	}
	if total < len(p) {
		return total, io.EOF
	}
	return total, nil
}

// A blobReader reads a blob from its beginning; it holds nothing that must be closed.
type blobReader struct{ *io.SectionReader }

func (b *blob) reader() blobReader { return blobReader{io.NewSectionReader(b, 0, b.size)} }

// A spool is a temporary file that holds the content of many blobs. It is unlinked as soon as it is made, so
// that nothing is left of it when the tenant is gone.
type spool struct {
	mu   sync.Mutex
	file *os.File
	end  int64
}

// take gives room for one more chunk.
func (s *spool) take() (*os.File, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		f, err := os.CreateTemp("", "parley-sim-*")
		if err != nil {
			return nil, 0, fmt.Errorf("making the spool: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			f.Close()
			return nil, 0, fmt.Errorf("unlinking the spool: %w", err)
		}
		s.file = f
	}
	at := s.end
	s.end += blobChunk
	return s.file, at, nil
}

var errTooLarge = errors.New("sim: longer than the limit")

// keep reads content to its end. It needs one chunk of memory, however long the content is. A content beyond
// most bytes gives errTooLarge.
func (s *spool) keep(r io.Reader, most int64) (*blob, error) {
	w := &spooling{s: s, b: &blob{}, hash: sha256.New()}
	if _, err := io.Copy(w, io.LimitReader(r, most+1)); err != nil {
		return nil, err
	}
	if w.b.size > most {
		return nil, errTooLarge
	}
	if w.b.file != nil || len(w.buf) > smallBlob {
		if err := w.flush(); err != nil {
			return nil, err
		}
	} else {
		w.b.small = slices.Clone(w.buf)
	}
	w.hash.Sum(w.b.sum[:0])
	return w.b, nil
}

// spooling is a blob being written.
type spooling struct {
	s    *spool
	b    *blob
	hash hash.Hash
	buf  []byte // what waits for the next chunk
}

func (w *spooling) Write(p []byte) (int, error) {
	w.hash.Write(p)
	w.b.size += int64(len(p))
	for rest := p; len(rest) > 0; {
		n := min(len(rest), blobChunk-len(w.buf))
		w.buf, rest = append(w.buf, rest[:n]...), rest[n:]
		if len(w.buf) == blobChunk {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), nil
}

func (w *spooling) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	file, at, err := w.s.take()
	if err != nil {
		return err
	}
	if _, err := file.WriteAt(w.buf, at); err != nil {
		return fmt.Errorf("writing the spool: %w", err)
	}
	w.b.file, w.b.parts, w.buf = file, append(w.b.parts, at), w.buf[:0]
	return nil
}
