package replica

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
)

// View is what one side shows the other of a ticket. Its items' bytes are
// shared with other views and never changed in place.
type View map[Path]Item

// viewDomain sets the hash of a view apart from every other hash.
const viewDomain = "parley view 1"

// Hash is the SHA-256 of "parley view 1" and the item hashes in rising byte
// order. It depends on paths, kinds and values, not on times. The empty view
// has the zero Hash.
func (v View) Hash() Hash {
	hashes := make([]Hash, 0, len(v))
	for p, it := range v {
		hashes = append(hashes, it.Hash(p))
	}
	return hashOf(hashes)
}

// hashOf sorts the item hashes in place.
func hashOf(items []Hash) Hash {
	switch len(items) {
	case 0:
		return Hash{}
	case 1: // the commonest replica by far, without memory
		var in [len(viewDomain) + len(Hash{})]byte
		copy(in[:], viewDomain)
		copy(in[len(viewDomain):], items[0][:])
		return sha256.Sum256(in[:])
	}
	slices.SortFunc(items, func(a, b Hash) int { return bytes.Compare(a[:], b[:]) })
	in := make([]byte, 0, len(viewDomain)+len(items)*len(Hash{}))
	in = append(in, viewDomain...)
	for i := range items {
		in = append(in, items[i][:]...)
	}
	return sha256.Sum256(in)
}

// Clone is a view of its own, never nil: what is set in one does not show in
// the other.
func (v View) Clone() View {
	out := make(View, len(v))
	maps.Copy(out, v)
	return out
}

// Diff tells what leads from base to now: the items to set, and the paths that
// are gone, in rising order. An item that only changed its time is no difference.
func Diff(base, now View) (set View, gone []Path) {
	set = View{}
	for p, it := range now {
		if old, ok := base[p]; !ok || !old.Equal(it) {
			set[p] = it
		}
	}
	for p := range base {
		if _, ok := now[p]; !ok {
			gone = append(gone, p)
		}
	}
	slices.Sort(gone)
	return set, gone
}

// Encode is the stored form: the map that a replica's "set" is. The items must
// come from NewItem or from decoding.
func (v View) Encode() []byte {
	s := newSink()
	encodeView(s, v)
	return s.take()
}

// Append appends the stored form to b.
func (v View) Append(b []byte) []byte {
	s := newSink()
	encodeView(s, v)
	b = append(b, s.out...)
	s.free()
	return b
}

// DecodeView reads the stored form. What decodes encodes to the same bytes. The
// error is an ErrMalformed.
func DecodeView(b []byte) (View, error) {
	if len(b) > MaxView {
		return nil, fmt.Errorf("decoding a view of %d bytes: %w", len(b), ErrTooLarge)
	}
	s, err := newSource(b)
	if err != nil {
		return nil, fmt.Errorf("decoding a view: %w", err)
	}
	v, _ := decodeView(s)
	if err := s.close(); err != nil {
		return nil, fmt.Errorf("decoding a view: %w", err)
	}
	return v, nil
}

// placed is an item with its place in a view.
type placed struct {
	path Path
	Item
}

// sorted is v in the order of the wire, good until s is freed.
func (s *sink) sorted(v View) []placed {
	for p, it := range v {
		s.items = append(s.items, placed{p, it})
	}
	if len(s.items) > 1 {
		slices.SortFunc(s.items, func(a, b placed) int { return cmp.Compare(a.path, b.path) })
	}
	return s.items
}

func encodeView(s *sink, v View) { encodeItems(s, s.sorted(v)) }

func encodeItems(s *sink, items []placed) {
	s.mapLen(len(items))
	for i := range items {
		s.str(string(items[i].path))
		encodeItem(s, &items[i].Item)
	}
}

// decodeView reads n items; where s only looks, none of them is in v.
func decodeView(s *source) (v View, n int) {
	n = s.mapLen(MaxPaths)
	if !s.look {
		v = make(View, min(n, s.rd.Len()/minItem))
	}
	for range n {
		p := s.path()
		it := decodeItem(s)
		if s.err != nil {
			return nil, n
		}
		if !s.look {
			v[p] = it
		}
	}
	return v, n
}

// minItem is the least size of an item with its path on the wire; it keeps a
// count from costing more memory than its bytes are worth.
const minItem = 10 // bytes

func (s *source) path() Path {
	p := Path(s.str(MaxPath))
	if reason := p.check(); reason != "" {
		s.fail(reason)
	}
	return p
}
