package replica

import (
	"bytes"
	"fmt"
	"io"
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
	buf bytes.Buffer
	enc *msgpack.Encoder
}

const keepBuffer = 64 << 10 // bytes; a larger buffer is left to the collector

var sinks = sync.Pool{New: func() any {
	s := new(sink)
	s.enc = msgpack.NewEncoder(&s.buf)
	return s
}}

func newSink() *sink { return sinks.Get().(*sink) }

// take returns what was written, as the caller's own, and gives s back.
func (s *sink) take() []byte {
	out := bytes.Clone(s.buf.Bytes())
	s.free()
	return out
}

// free gives s back.
func (s *sink) free() {
	if s.buf.Cap() <= keepBuffer {
		s.buf.Reset()
		sinks.Put(s)
	}
}

func (s *sink) mapLen(n int)   { _ = s.enc.EncodeMapLen(n) }
func (s *sink) arrayLen(n int) { _ = s.enc.EncodeArrayLen(n) }
func (s *sink) uint(n uint64)  { _ = s.enc.EncodeUint(n) }
func (s *sink) int(n int64)    { _ = s.enc.EncodeInt(n) }
func (s *sink) bool(b bool)    { _ = s.enc.EncodeBool(b) }
func (s *sink) raw(b []byte)   { s.buf.Write(b) }

// fixed is the length in bytes below which a string's head is one byte. Most of
// a replica is such strings and hashes, so these are written without the
// library, which asks its writer twice for each.
const fixed = 1 << 5

func (s *sink) bin(b []byte) {
	if n := len(b); 0 < n && n < fixed<<1 {
		s.buf.Write(append(append(s.buf.AvailableBuffer(), msgpcode.Bin8, byte(n)), b...))
		return
	}
	_ = s.enc.EncodeBytes(b)
}

// ascii writes a string of this package's own.
func (s *sink) ascii(v string) {
	if len(v) < fixed {
		s.buf.Write(append(append(s.buf.AvailableBuffer(), msgpcode.FixedStrLow|byte(len(v))), v...))
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
	return s.count(isMap(s.next()), limit, "map", (*msgpack.Decoder).DecodeMapLen)
}

func (s *source) arrayLen(limit int) int {
	return s.count(isArray(s.next()), limit, "list", (*msgpack.Decoder).DecodeArrayLen)
}

func (s *source) count(ok bool, limit int, what string, read func(*msgpack.Decoder) (int, error)) int {
	if !ok {
		s.fail("want a " + what)
		return 0
	}
	n, err := read(s.dec)
	if err != nil || n < 0 || n > limit {
		s.fail(what + " too long")
		return 0
	}
	return n
}

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
		h, _ := readHead(s.in, from-1) // the guard has seen it
		from, to = h.text, h.next
	}
	if to-from > limit {
		s.fail("string too long")
		return ""
	}
	_, _ = s.rd.Seek(int64(to), io.SeekStart)
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
	h, _ := readHead(s.in, s.at()) // the guard has seen it
	_, _ = s.rd.Seek(int64(h.next), io.SeekStart)
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
	n, err := s.dec.DecodeUint64()
	if err != nil {
		s.fail("number cut short")
	}
	return n
}

func (s *source) int() int64 {
	c := s.next()
	if c > msgpcode.PosFixedNumHigh && c < msgpcode.NegFixedNumLow && (c < msgpcode.Uint8 || c > msgpcode.Int64) {
		s.fail("want a number")
		return 0
	}
	n, err := s.dec.DecodeInt64()
	if err != nil || c == msgpcode.Uint64 && n < 0 {
		s.fail("number beyond 63 bits")
		return 0
	}
	return n
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
