package ledger

import (
	"encoding/binary"
	"fmt"

	"parley/replica"
)

// key builds a key: a table byte, then its parts.
type key []byte

func table(t byte) key { return append(make(key, 0, 64), t) }

// str adds a length-prefixed string, so that no name is another's prefix.
func (k key) str(s string) key {
	return append(binary.BigEndian.AppendUint16(k, uint16(len(s))), s...)
}

func (k key) link(id replica.LinkID) key { return append(k, id[:]...) }

func (k key) num(n uint64) key { return binary.BigEndian.AppendUint64(k, n) }

// rest adds a string that ends the key.
func (k key) rest(s string) key { return append(k, s...) }

// after is the first key beyond all that begin with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// reader takes a key or a stored record apart; the first fault sticks.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, max(0, min(n, 64)))
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) str() string { return string(r.take(int(binary.BigEndian.Uint16(r.take(2))))) }

func (r *reader) num() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

func (r *reader) link() (id replica.LinkID) { copy(id[:], r.take(len(id))); return id }

func (r *reader) hash() (h replica.Hash) { copy(h[:], r.take(len(h))); return h }

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

// end reports a record that is not what its table says.
func (r *reader) end(what string) error {
	if r.bad {
		return fmt.Errorf("the ledger holds a damaged record (%s)", what)
	}
	return nil
}
