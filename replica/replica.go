package replica

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Replica is the difference between two views, as it crosses.
type Replica struct {
	Version     uint8             // Version1
	Seq         Seq               // place in the sender's outbox of this connection
	Link        LinkID            // which ticket
	Seen        Seq               // the peer's last sequence for this link reconciled here before this was made; 0 none
	Base, After Hash              // view hashes before and after
	Whole       bool              // Set is the entire view; Base is ignored
	Set         View              // items that are new or have a new value
	Gone        map[Path]int64    // paths no longer shown, and when they were withdrawn: Unix ms by the sender's Jira, 0 unknown
	Rules       Hash              // version of the sender's rules
	Key, URL    string            // the sender's ticket key and address, where shared
	Via         []string          // node ids that the ticket came through (relay)
	Extra       map[string][]byte // unknown envelope keys, each one value of msgpack as received
}

// known are the envelope's keys of this version, in the order of the wire.
var known = [...]string{"after", "base", "gone", "key", "link", "rules", "seen", "seq", "set", "url", "v", "via", "whole"}

// Encode is deterministic. The error says what no receiver would take:
// ErrTooLarge, or ErrMalformed.
func (r *Replica) Encode() ([]byte, error) { return r.Append(nil) }

// Append appends what Encode returns to b.
func (r *Replica) Append(b []byte) ([]byte, error) {
	s := newSink()
	defer s.free()
	set := s.sorted(r.Set)
	if err := r.check(set); err != nil {
		return nil, err
	}
	e := envelope{sink: s, extra: r.Extra, names: sortedKeys(r.Extra)}
	s.mapLen(r.keys())
	e.hash("after", &r.After)
	e.hash("base", &r.Base)
	if len(r.Gone) > 0 {
		e.key("gone")
		encodeGone(s, r.Gone)
	}
	e.text("key", r.Key)
	e.key("link")
	s.bin(r.Link[:])
	e.hash("rules", &r.Rules)
	if r.Seen != 0 {
		e.key("seen")
		s.uint(uint64(r.Seen))
	}
	e.key("seq")
	s.uint(uint64(r.Seq))
	if len(set) > 0 {
		e.key("set")
		encodeItems(s, set)
	}
	e.text("url", r.URL)
	e.key("v")
	s.uint(uint64(r.Version))
	if len(r.Via) > 0 {
		e.key("via")
		s.arrayLen(len(r.Via))
		for _, node := range r.Via {
			s.str(node)
		}
	}
	if r.Whole {
		e.key("whole")
		s.bool(true)
	}
	e.rest()
	out := s.out
	if len(out) > MaxReplica {
		return nil, fmt.Errorf("encoding replica %d of %d bytes: %w", r.Seq, len(out), ErrTooLarge)
	}
	if err := r.guard(out, set); err != nil {
		return nil, fmt.Errorf("encoding replica %d: %w", r.Seq, err)
	}
	return append(b, out...), nil
}

// itemDepth is how many values an item's value stands in: replica, set, item.
const itemDepth = 3

// guard runs the guard on what Encode has not made itself: on the items' values,
// counting its own part as if each of it were there, or on everything.
func (r *Replica) guard(out []byte, set []placed) (err error) {
	if len(r.Extra) > 0 {
		return Check(out)
	}
	nodes := 2*len(known) + 8*len(set) + 2*len(r.Gone) + len(r.Via)
	for i := range set {
		if nodes, err = checkWithin(set[i].Raw, itemDepth, nodes); err != nil {
			return err
		}
	}
	return nil
}

// keys counts what Encode writes.
func (r *Replica) keys() int {
	n := 3 + len(r.Extra) // link, seq, v
	for _, there := range [...]bool{
		!r.After.IsZero(), !r.Base.IsZero(), len(r.Gone) > 0, r.Key != "", !r.Rules.IsZero(),
		r.Seen != 0, len(r.Set) > 0, r.URL != "", len(r.Via) > 0, r.Whole,
	} {
		if there {
			n++
		}
	}
	return n
}

// envelope puts the unknown keys where they belong in the order.
type envelope struct {
	*sink
	extra map[string][]byte
	names []string // of extra, sorted, still to write
}

func (e *envelope) key(name string) {
	for len(e.names) > 0 && e.names[0] < name {
		e.unknown()
	}
	e.ascii(name)
}

func (e *envelope) rest() {
	for len(e.names) > 0 {
		e.unknown()
	}
}

func (e *envelope) unknown() {
	e.str(e.names[0])
	e.raw(e.extra[e.names[0]])
	e.names = e.names[1:]
}

func (e *envelope) hash(name string, h *Hash) {
	if !h.IsZero() {
		e.key(name)
		e.bin(h[:])
	}
}

func (e *envelope) text(name, value string) {
	if value != "" {
		e.key(name)
		e.str(value)
	}
}

// Decode reads one replica. The guard runs first; what decodes encodes to the
// same bytes. The error is ErrMalformed, ErrTooLarge or ErrVersion. Nothing of b
// is kept, but the parts of a replica share one copy of it: whoever keeps one
// item for long keeps them all in memory.
func Decode(b []byte) (*Replica, error) {
	if len(b) > MaxReplica {
		return nil, fmt.Errorf("decoding a replica of %d bytes: %w", len(b), ErrTooLarge)
	}
	s, err := newSource(b)
	if err != nil {
		return nil, fmt.Errorf("decoding a replica: %w", err)
	}
	r := new(Replica)
	for range s.mapLen(len(known) + maxExtra) {
		key := s.str(maxExtraKey)
		if s.err != nil {
			break
		}
		r.decodeKey(s, key)
	}
	if err := s.close(); err != nil {
		if v := versionOf(b); v != Version1 && v != 0 {
			return nil, fmt.Errorf("decoding a replica of format %d: %w", v, ErrVersion)
		}
		return nil, fmt.Errorf("decoding a replica: %w", err)
	}
	if r.Version != Version1 {
		return nil, fmt.Errorf("decoding a replica of format %d: %w", r.Version, ErrVersion)
	}
	if reason := r.flaw(); reason != "" {
		return nil, fmt.Errorf("decoding replica %d: %w", r.Seq, &FormatError{Reason: reason})
	}
	return r, nil
}

// decodeKey reads the value of one key. Where s only looks, what is judged by its
// map fails.
func (r *Replica) decodeKey(s *source, key string) {
	switch key {
	case "after":
		r.After = s.hash()
	case "base":
		r.Base = s.hash()
	case "gone":
		if s.look {
			s.fail(unjudged)
			break
		}
		r.Gone = decodeGone(s)
	case "key":
		r.Key = s.full(maxName)
	case "link":
		s.bin(r.Link[:])
	case "rules":
		r.Rules = s.hash()
	case "seen":
		r.Seen = s.seq()
	case "seq":
		r.Seq = s.seq()
	case "set":
		var n int
		if r.Set, n = decodeView(s); n == 0 {
			s.fail("empty set, which is left out")
		}
	case "url":
		r.URL = s.full(maxURL)
	case "v":
		v := s.uint()
		if v > 0xff {
			s.fail("version too large")
		}
		r.Version = uint8(v)
	case "via":
		r.Via = decodeVia(s)
	case "whole":
		if r.Whole = s.bool(); !r.Whole {
			s.fail("false, which is left out")
		}
	default:
		if s.look {
			s.fail(unjudged)
			break
		}
		if r.Extra == nil {
			r.Extra = map[string][]byte{}
		}
		r.Extra[key] = s.raw()
	}
}

const unjudged = "only Decode can judge it"

// versionOf looks for the version alone, in an envelope that did not decode: a
// later format may have given other keys another meaning. 0 where there is none.
func versionOf(b []byte) (v uint64) {
	s, err := newSource(b)
	if err != nil {
		return 0
	}
	for range s.mapLen(len(known) + maxExtra) {
		if s.str(maxExtraKey) == "v" {
			v = s.uint()
			break
		}
		s.raw()
	}
	if s.close() != nil {
		return 0
	}
	return v
}

func (s *source) seq() Seq {
	n := Seq(s.uint())
	if n == 0 {
		s.fail("sequence 0, which is left out")
	}
	return n
}

func encodeGone(s *sink, gone map[Path]int64) {
	s.mapLen(len(gone))
	for _, p := range slices.Sorted(maps.Keys(gone)) {
		s.str(string(p))
		s.int(gone[p])
	}
}

func decodeGone(s *source) map[Path]int64 {
	n := s.mapLen(MaxPaths)
	if n == 0 {
		s.fail("empty map, which is left out")
	}
	gone := make(map[Path]int64, min(n, s.rd.Len()/minGone))
	for range n {
		p, at := s.path(), s.int()
		if at < 0 {
			s.fail(beforeTime)
		}
		if s.err != nil {
			return nil
		}
		gone[p] = at
	}
	return gone
}

// minGone is the least size of a withdrawn path with its time on the wire.
const minGone = 3 // bytes

const beforeTime = "path withdrawn before 1970"

func decodeVia(s *source) []string {
	n := s.arrayLen(maxVia)
	if n == 0 {
		s.fail("empty list, which is left out")
	}
	var via []string
	for range n {
		via = append(via, s.full(maxName))
	}
	return via
}

// check is what Encode owes the receiver.
func (r *Replica) check(set []placed) error {
	if r.Version != Version1 {
		return fmt.Errorf("encoding replica %d of format %d: %w", r.Seq, r.Version, ErrVersion)
	}
	if reason := cmp.Or(r.flaw(), r.itemFlaw(set)); reason != "" {
		return fmt.Errorf("encoding replica %d: %w", r.Seq, &FormatError{Reason: reason})
	}
	return nil
}

// flaw is what is wrong with a replica, made here or received, as a whole.
func (r *Replica) flaw() string {
	switch {
	case r.Seq == 0:
		return "no sequence number"
	case r.Link.IsZero():
		return "no link"
	case len(r.Extra) > maxExtra:
		return "too many unknown keys"
	}
	for p := range r.Gone {
		if _, ok := r.Set[p]; ok {
			return "a path is both set and gone"
		}
	}
	return ""
}

// itemFlaw is what decoding sees by itself, part by part.
func (r *Replica) itemFlaw(set []placed) string {
	switch {
	case len(r.Key) > maxName || len(r.URL) > maxURL:
		return "ticket key or address too long"
	case len(r.Via) > maxVia:
		return "came through too many nodes"
	case len(set) > MaxPaths || len(r.Gone) > MaxPaths:
		return "too many items"
	}
	for p, at := range r.Gone {
		if reason := p.check(); reason != "" {
			return reason
		}
		if at < 0 {
			return beforeTime
		}
	}
	for i := range set {
		it := &set[i]
		if reason := cmp.Or(it.path.check(), it.Kind.check()); reason != "" {
			return reason
		}
		if it.At < 0 {
			return "item changed before 1970"
		}
	}
	for _, node := range r.Via {
		if node == "" || len(node) > maxName {
			return "node id empty or too long"
		}
	}
	for key, raw := range r.Extra {
		if len(key) > maxExtraKey || slices.Contains(known[:], key) || Check(raw) != nil {
			return "unknown key is not one value of msgpack"
		}
	}
	return ""
}

func sortedKeys(m map[string][]byte) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
