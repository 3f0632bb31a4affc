package ledger

import (
	"encoding/binary"
	"sync"
	"time"

	"parley/replica"
)

// segmentBytes is the size after which a segment is closed: small enough to be
// read for one entry, and as large as saves the file system work (with 1,024
// replicas in flight each took 11.4 µs of processor at 32 KiB, 10.8 at 64, 10.1 at
// 128, 10.4 at 256).
const segmentBytes = 128 << 10

// segments writes one batch's entries of a log: those that follow each other
// share a record, each with its length before it, under the first one's number.
// A batch of hundreds costs a handful of records instead of hundreds.
type segments struct {
	b           *Batch
	table       byte
	connection  string
	first, next replica.Seq
	buf         []byte
	at          time.Time // of new entries
	salts       []byte    // for the next of them
	whole       bool      // it is rewritten: its size closes it not
}

// drafts lends each batch the memory that its segments are made in, so that what a
// burst asked for stays with no connection.
var drafts = sync.Pool{New: func() any { return new(segments) }}

// newSegments is for entries of this moment. They must be freed.
func newSegments(b *Batch, t byte, connection string) *segments {
	s := drafts.Get().(*segments)
	s.b, s.table, s.connection, s.at = b, t, connection, time.Now()
	return s
}

func (s *segments) free() {
	if cap(s.buf) <= 4*segmentBytes {
		*s = segments{buf: s.buf[:0]}
		drafts.Put(s)
	}
}

func (s *segments) add(e *Entry) error {
	if e.Seq != s.next {
		if err := s.close(); err != nil {
			return err
		}
	}
	if len(s.buf) == 0 {
		s.first = e.Seq
	}
	s.next = e.Seq + 1
	s.buf = e.encode(binary.AppendUvarint(s.buf, uint64(e.size())))
	if s.whole || len(s.buf) < segmentBytes {
		return nil
	}
	return s.close()
}

func (s *segments) close() error {
	if len(s.buf) == 0 {
		return nil
	}
	err := s.b.Set(table(s.table).str(s.connection).num(uint64(s.first)), s.buf, nil)
	s.buf = s.buf[:0]
	return err
}

// entries calls use for each entry of a log from seq on, until it says stop.
func (l *Ledger) entries(t byte, connection string, from replica.Seq, use func(*Entry) bool) error {
	prefix := table(t).str(connection)
	start, err := l.floor(prefix, table(t).str(connection).num(uint64(from)))
	if err != nil {
		return err
	}
	return l.scanFrom(prefix, start, func(k, v []byte) (bool, error) {
		key := reader{b: k[len(prefix):]}
		return readSegment(v, replica.Seq(key.num()), from, use)
	})
}

// readSegment calls use for the entries of one segment from seq on.
func readSegment(v []byte, first, from replica.Seq, use func(*Entry) bool) (more bool, err error) {
	r := reader{b: v}
	for seq := first; len(r.b) > 0; seq++ {
		stored := r.take(r.count())
		if err := r.end("log segment"); err != nil {
			return false, err
		}
		if seq < from {
			continue
		}
		e := &Entry{Seq: seq}
		if err := e.decode(stored); err != nil {
			return false, err
		}
		if !use(e) {
			return false, nil
		}
	}
	return true, nil
}

// entry reads one entry of a log; ErrNone where there is none.
func (l *Ledger) entry(t byte, connection string, seq replica.Seq) (e Entry, err error) {
	err = l.entries(t, connection, seq, func(found *Entry) bool {
		e = *found
		return false
	})
	if err == nil && e.Seq != seq {
		err = ErrNone
	}
	return e, err
}
