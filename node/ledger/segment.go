package ledger

import (
	"encoding/binary"

	"parley/replica"
)

// segmentBytes is the size after which a segment is closed. Larger ones save
// little, and reading one entry costs reading its segment.
const segmentBytes = 32 << 10

// segments writes one batch's entries of a log: those that follow each other
// share a record, each with its length before it, under the first one's number.
// A batch of hundreds costs a handful of records instead of hundreds.
type segments struct {
	b           *Batch
	table       byte
	connection  string
	first, next replica.Seq
	buf         []byte
	whole       bool // it is rewritten: its size closes it not
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
func (l *Ledger) entries(t byte, connection string, from replica.Seq, use func(Entry) bool) error {
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
func readSegment(v []byte, first, from replica.Seq, use func(Entry) bool) (more bool, err error) {
	r := reader{b: v}
	for seq := first; len(r.b) > 0; seq++ {
		stored := r.take(r.count())
		if err := r.end("log segment"); err != nil {
			return false, err
		}
		if seq < from {
			continue
		}
		e := Entry{Seq: seq}
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
	err = l.entries(t, connection, seq, func(found Entry) bool {
		e = found
		return false
	})
	if err == nil && e.Seq != seq {
		err = ErrNone
	}
	return e, err
}
