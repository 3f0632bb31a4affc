package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Reading and writing records (see the package documentation). Nothing is allocated on the word of a length: a field read is a slice of the input.

const maxField = 1<<24 - 1 // bytes of one field: the three length bytes

var errRecord = errors.New("malformed record")

// put appends one field. A value beyond maxField is a bug of ours: every caller has a limit far below.
func put(b []byte, tag byte, value []byte) []byte {
	n := len(value)
	if n > maxField {
		panic("transport: field too long")
	}
	return append(append(b, tag, byte(n>>16), byte(n>>8), byte(n)), value...)
}

// putNumber appends v as 8 bytes, and nothing where v is zero.
func putNumber(b []byte, tag byte, v uint64) []byte {
	if v == 0 {
		return b
	}
	return put(b, tag, binary.BigEndian.AppendUint64(nil, v))
}

// putText appends s, and nothing where it is empty.
func putText[T ~string | ~[]byte](b []byte, tag byte, s T) []byte {
	if len(s) == 0 {
		return b
	}
	return put(b, tag, []byte(s))
}

// walk calls each for every field in order. Which tags may repeat is the callee's to say: see once.
func walk(b []byte, each func(tag byte, value []byte) error) error {
	last := byte(0)
	for len(b) > 0 {
		if len(b) < 4 {
			return fmt.Errorf("%w: a field's head is cut off", errRecord)
		}
		tag, n := b[0], int(b[1])<<16|int(b[2])<<8|int(b[3])
		if tag < last {
			return fmt.Errorf("%w: field %d after field %d", errRecord, tag, last)
		}
		if n > len(b)-4 {
			return fmt.Errorf("%w: field %d claims %d bytes, %d are left", errRecord, tag, n, len(b)-4)
		}
		if err := each(tag, b[4:4+n:4+n]); err != nil {
			return err
		}
		last, b = tag, b[4+n:]
	}
	return nil
}

// seen remembers which single fields have come.
type seen [256]bool

// once refuses a second field of the same tag.
func (s *seen) once(tag byte) error {
	if s[tag] {
		return fmt.Errorf("%w: field %d comes twice", errRecord, tag)
	}
	s[tag] = true
	return nil
}

// number reads what putNumber wrote.
func number(v []byte) (uint64, error) {
	if len(v) != 8 {
		return 0, fmt.Errorf("%w: a number of %d bytes", errRecord, len(v))
	}
	n := binary.BigEndian.Uint64(v)
	if n == 0 {
		return 0, fmt.Errorf("%w: a zero is left out, not written", errRecord)
	}
	return n, nil
}

// fixed copies v into dst and refuses another length.
func fixed(dst, v []byte) error {
	if len(v) != len(dst) {
		return fmt.Errorf("%w: %d bytes where %d are due", errRecord, len(v), len(dst))
	}
	copy(dst, v)
	return nil
}
