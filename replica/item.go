package replica

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"unicode/utf8"
)

// Item is one member of a view: a typed value and when it last changed.
type Item struct {
	Kind Kind
	At   int64  // Unix ms by the sender's Jira, 0 unknown; no part of the item's identity
	Raw  []byte // the value as canonical msgpack; shared between views, so never changed in place
}

// NewItem encodes v. What is not UTF-8 in its texts becomes U+FFFD, a number is
// put into canonical form; a time before 1970 counts as unknown.
func NewItem(v Value, at int64) Item {
	if u, ok := v.(Unknown); ok {
		return Item{Kind: u.Name, At: max(at, 0), Raw: bytes.Clone(u.Raw)}
	}
	s := newSink()
	v.encode(s)
	return Item{Kind: v.Kind(), At: max(at, 0), Raw: s.take()}
}

// Value decodes the item and checks the bounds of its kind. A kind that this
// version does not know comes back as Unknown. The error is an ErrMalformed.
func (it Item) Value() (Value, error) {
	if reason := it.Kind.check(); reason != "" {
		return nil, &FormatError{Reason: reason}
	}
	s, err := newSource(it.Raw)
	if err != nil {
		return nil, fmt.Errorf("decoding a %.20q value: %w", it.Kind, err)
	}
	v := decodeValue(s, it.Kind, false)
	if err := s.close(); err != nil {
		return nil, fmt.Errorf("decoding a %.20q value: %w", it.Kind, err)
	}
	return v, nil
}

// Equal says that both items hold the same value. When it changed is no part
// of that.
func (it Item) Equal(o Item) bool { return it.Kind == o.Kind && bytes.Equal(it.Raw, o.Raw) }

// onStack is the size of a hash's input that needs no memory: most items.
const onStack = 512 // bytes

// Hash is the SHA-256 of the canonical msgpack list [path, kind, value].
func (it Item) Hash(p Path) Hash {
	var room [onStack]byte
	in := append(room[:0], 0x93) // a list of three
	in = appendText(in, string(p))
	in = appendText(in, string(it.Kind))
	if len(in)+len(it.Raw) <= onStack {
		return sha256.Sum256(append(in, it.Raw...))
	}
	h := sha256.New()
	h.Write(in)
	h.Write(it.Raw)
	return Hash(h.Sum(nil))
}

// appendText is the sink's str for a path or a kind, which stays on the stack:
// every item of a view is hashed for each replica.
func appendText(in []byte, s string) []byte {
	switch n := len(s); {
	case n < 1<<5:
		in = append(in, 0xa0|byte(n))
	case n < 1<<8:
		in = append(in, 0xd9, byte(n))
	default:
		in = append(in, 0xda, byte(n>>8), byte(n))
	}
	return append(in, s...)
}

func (k Kind) check() string {
	switch {
	case k == "":
		return "empty kind"
	case len(k) > maxKind:
		return "kind too long"
	case !utf8.ValidString(string(k)):
		return "kind is not UTF-8"
	}
	return ""
}

// encodeItem writes {at, k, v}; at is left out where it is 0.
func encodeItem(s *sink, it *Item) {
	if it.At != 0 {
		s.mapLen(3)
		s.ascii("at")
		s.int(it.At)
	} else {
		s.mapLen(2)
	}
	s.ascii("k")
	s.str(string(it.Kind))
	s.ascii("v")
	s.raw(it.Raw)
}

func decodeItem(s *source) (it Item) {
	n := s.mapLen(3)
	if n == 3 {
		s.want("at")
		if it.At = s.int(); it.At <= 0 {
			s.fail("time not after 1970")
		}
	} else if n != 2 {
		s.fail("want an item: at, k, v")
	}
	s.want("k")
	it.Kind = s.kind()
	s.want("v")
	it.Raw = s.raw()
	return it
}

// want reads a map key that can only be this one.
func (s *source) want(key string) {
	if s.str(maxName) != key {
		s.fail("want key " + key)
	}
}

func (s *source) kind() Kind {
	k := Kind(s.str(maxKind))
	if reason := k.check(); reason != "" {
		s.fail(reason)
	}
	return k
}
