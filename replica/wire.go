package replica

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// sink writes canonical msgpack through the library's low-level encoder, which
// always picks the shortest form. It writes to memory, so that nothing can
// fail: the encoder's errors are those of its writer.
type sink struct {
	out   []byte
	enc   *msgpack.Encoder // writes to the sink
	items []placed         // see sorted
}

// What is larger is left to the collector.
const (
	keepBuffer = 64 << 10 // bytes
	keepItems  = 256
)

var sinks = sync.Pool{New: func() any {
	s := new(sink)
	s.enc = msgpack.NewEncoder(s)
	return s
}}

func newSink() *sink { return sinks.Get().(*sink) }

func (s *sink) Write(b []byte) (int, error) {
	s.out = append(s.out, b...)
	return len(b), nil
}

func (s *sink) WriteByte(c byte) error {
	s.out = append(s.out, c)
	return nil
}

// take returns what was written, as the caller's own, and gives s back.
func (s *sink) take() []byte {
	out := bytes.Clone(s.out)
	s.free()
	return out
}

// free gives s back.
func (s *sink) free() {
	if cap(s.out) <= keepBuffer && cap(s.items) <= keepItems {
		clear(s.items)
		s.out, s.items = s.out[:0], s.items[:0]
		sinks.Put(s)
	}
}

func (s *sink) arrayLen(n int) { _ = s.enc.EncodeArrayLen(n) }
func (s *sink) bool(b bool)    { _ = s.enc.EncodeBool(b) }
func (s *sink) raw(b []byte)   { s.out = append(s.out, b...) }

// Most of a replica is short strings and maps, hashes and numbers: these are
// written without the library, which asks its writer twice for each.
const (
	fixed    = 1 << 5 // a string's length in bytes below which its head is one byte
	fixedMap = 1 << 4 // likewise the keys of a map
)

func (s *sink) mapLen(n int) {
	if n < fixedMap {
		s.out = append(s.out, msgpcode.FixedMapLow|byte(n))
		return
	}
	_ = s.enc.EncodeMapLen(n)
}

func (s *sink) uint(n uint64) {
	switch {
	case n <= uint64(msgpcode.PosFixedNumHigh):
		s.out = append(s.out, byte(n))
	case n <= math.MaxUint8:
		s.out = append(s.out, msgpcode.Uint8, byte(n))
	case n <= math.MaxUint16:
		s.out = binary.BigEndian.AppendUint16(append(s.out, msgpcode.Uint16), uint16(n))
	case n <= math.MaxUint32:
		s.out = binary.BigEndian.AppendUint32(append(s.out, msgpcode.Uint32), uint32(n))
	default:
		s.out = binary.BigEndian.AppendUint64(append(s.out, msgpcode.Uint64), n)
	}
}

func (s *sink) int(n int64) {
	if n >= 0 {
		s.uint(uint64(n))
		return
	}
	_ = s.enc.EncodeInt(n)
}

func (s *sink) bin(b []byte) {
	if n := len(b); 0 < n && n < fixed<<1 {
		s.out = append(append(s.out, msgpcode.Bin8, byte(n)), b...)
		return
	}
	_ = s.enc.EncodeBytes(b)
}

// ascii writes a string of this package's own.
func (s *sink) ascii(v string) {
	if len(v) < fixed {
		s.out = append(append(s.out, msgpcode.FixedStrLow|byte(len(v))), v...)
		return
	}
	_ = s.enc.EncodeString(v)
}

// str writes a string; what is not UTF-8 in it becomes U+FFFD, for the guard
// of the receiver takes nothing else.
func (s *sink) str(v string) { s.ascii(strings.ToValidUTF8(v, "\uFFFD")) }

// source reads checked msgpack through the library's low-level decoder. Strings
// and raw values are parts of its own copy of the input, so a decoded replica
// costs two copies however many items it has, and keeps nothing of the caller's.
// One that only looks makes no copy, and nothing that is read may be kept.
//
// The first error sticks; reads after it return zero values.
type source struct {
	in   []byte
	text string
	rd   bytes.Reader
	dec  *msgpack.Decoder
	err  error
	look bool // maps are checked and not made
}

var sources = sync.Pool{New: func() any { return &source{dec: msgpack.NewDecoder(nil)} }}

// newSource runs the guard on b and opens it.
func newSource(b []byte) (*source, error) {
	if err := Check(b); err != nil {
		return nil, err
	}
	s := sources.Get().(*source)
	s.open(bytes.Clone(b), string(b))
	return s, nil
}

// newLook is newSource for somebody who only looks.
func newLook(b []byte) (*source, error) {
	if err := Check(b); err != nil {
		return nil, err
	}
	s := sources.Get().(*source)
	s.open(b, unsafe.String(unsafe.SliceData(b), len(b)))
	s.look = true
	return s, nil
}

func (s *source) open(in []byte, text string) {
	s.in, s.text, s.err, s.look = in, text, nil, false
	s.rd.Reset(s.in)
	s.dec.Reset(&s.rd)
}

// close returns the first error, and gives s back.
func (s *source) close() error {
	err := s.err
	s.in, s.text, s.err = nil, "", nil
	s.rd.Reset(nil)
	sources.Put(s)
	return err
}

func (s *source) at() int { return len(s.in) - s.rd.Len() }

func (s *source) fail(reason string) {
	if s.err == nil {
		s.err = &FormatError{Offset: s.at(), Reason: reason}
	}
}

// failed keeps an error that has its own words.
func (s *source) failed(doing string, err error) {
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("%s: %w: %w", doing, ErrMalformed, err)
	}
}

// next is the code of the value to read; 0xc1, which the guard never lets
// pass, once something failed.
func (s *source) next() byte {
	if s.err != nil || s.rd.Len() == 0 {
		return 0xc1
	}
	return s.in[s.at()]
}

func isStr(c byte) bool {
	return msgpcode.IsFixedString(c) || c == msgpcode.Str8 || c == msgpcode.Str16 || c == msgpcode.Str32
}

func isMap(c byte) bool {
	return msgpcode.IsFixedMap(c) || c == msgpcode.Map16 || c == msgpcode.Map32
}

func isArray(c byte) bool {
	return msgpcode.IsFixedArray(c) || c == msgpcode.Array16 || c == msgpcode.Array32
}

func (s *source) mapLen(limit int) int {
	return s.count(isMap(s.next()), limit, "map")
}

func (s *source) arrayLen(limit int) int {
	return s.count(isArray(s.next()), limit, "list")
}

func (s *source) count(ok bool, limit int, what string) int {
	if !ok {
		s.fail("want a " + what)
		return 0
	}
	h := s.head()
	if h.count > limit {
		s.fail(what + " too long")
		return 0
	}
	s.to(h.next)
	return h.count
}

// head is the value to read, which the guard has seen.
func (s *source) head() head {
	h, _ := readHead(s.in, s.at())
	return h
}

func (s *source) to(next int) { _, _ = s.rd.Seek(int64(next), io.SeekStart) }

// str reads a string of at most limit bytes.
func (s *source) str(limit int) string {
	c := s.next()
	if !isStr(c) {
		s.fail("want a string")
		return ""
	}
	from := s.at() + 1
	to := from + int(c&(fixed-1))
	if c >= msgpcode.Str8 {
		h := s.head()
		from, to = h.text, h.next
	}
	if to-from > limit {
		s.fail("string too long")
		return ""
	}
	s.to(to)
	return s.text[from:to]
}

// full reads an optional string, which is left out where it is empty.
func (s *source) full(limit int) string {
	v := s.str(limit)
	if v == "" {
		s.fail("empty string, which is left out")
	}
	return v
}

// bin fills dst with a binary of exactly its length.
func (s *source) bin(dst []byte) {
	if b := s.blob(); len(b) == len(dst) {
		copy(dst, b)
	} else {
		s.fail("binary of another length")
	}
}

// blob reads a binary of any length.
func (s *source) blob() []byte {
	if c := s.next(); c < msgpcode.Bin8 || c > msgpcode.Bin32 {
		s.fail("want a binary")
		return nil
	}
	h := s.head()
	s.to(h.next)
	return s.in[h.text:h.next:h.next]
}

func (s *source) hash() (h Hash) {
	if s.bin(h[:]); h.IsZero() {
		s.fail("zero hash, which is left out")
	}
	return h
}

// uint reads a number of at least 0.
func (s *source) uint() uint64 {
	if c := s.next(); c > msgpcode.PosFixedNumHigh && (c < msgpcode.Uint8 || c > msgpcode.Uint64) {
		s.fail("want a number of at least 0")
		return 0
	}
	return s.number64()
}

// number64 reads what the guard has seen to be a number of at least 0.
func (s *source) number64() uint64 {
	from := s.at()
	n, to := uint64(s.in[from]), from+1
	if n > uint64(msgpcode.PosFixedNumHigh) {
		w := wide[n-0xc0].width
		n, to = big(s.in[to:to+w]), to+w
	}
	s.to(to)
	return n
}

func (s *source) int() int64 {
	switch c := s.next(); {
	case c <= msgpcode.PosFixedNumHigh || c >= msgpcode.Uint8 && c <= msgpcode.Uint64:
		n := s.number64()
		if n > math.MaxInt64 {
			s.fail("number beyond 63 bits")
			return 0
		}
		return int64(n)
	case c >= msgpcode.NegFixedNumLow || c >= msgpcode.Int8 && c <= msgpcode.Int64:
		n, err := s.dec.DecodeInt64()
		s.failed("reading a number", err)
		return n
	default:
		s.fail("want a number")
		return 0
	}
}

func (s *source) bool() bool {
	c := s.next()
	if c != msgpcode.True && c != msgpcode.False {
		s.fail("want true or false")
		return false
	}
	v, err := s.dec.DecodeBool()
	s.failed("reading a truth value", err)
	return v
}

// raw reads any one value and returns its bytes.
func (s *source) raw() []byte {
	if s.err != nil {
		return nil
	}
	from := s.at()
	if err := s.dec.Skip(); err != nil { // nested no deeper than the guard allows
		s.fail("value cut short")
		return nil
	}
	to := s.at()
	return s.in[from:to:to]
}
