package replica

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// The guard's bounds. The library trusts a count that it reads, so that five
// bytes can cost 34 GB, and recurses on nesting, so that 20 MB end the process
// (measured on v5.4.1).
const (
	maxDepth = 32      // a comment in a list in a view needs 8
	maxNodes = 4 << 20 // values of any kind; the largest ticket that Jira allows has about 500,000
)

// level is one open map or array. Offsets fit: nobody checks 2 GB.
type level struct {
	left    int32 // values still to come; a map's key and value are two
	keyFrom int32 // where the last key's text starts; 0 before the first, for no key starts there
	keyTo   int32
	isMap   bool
}

// Check is the guard before the msgpack library: b is one value in canonical
// form, with counts that the bytes at hand can fill. It needs no memory, does not
// recurse, and costs one to two nanoseconds a byte.
//
// Canonical: shortest forms, map keys are strings in strictly rising byte order,
// text is UTF-8, no floats, no extensions, nothing after the value. An error
// is a *FormatError.
func Check(b []byte) error {
	_, err := checkWithin(b, 0, 0)
	return err
}

// checkWithin is Check of a value which stands in so many others, after so many
// values in all. It returns how many values there are then.
func checkWithin(b []byte, within, nodes int) (int, error) {
	if len(b) > math.MaxInt32 {
		return nodes, &FormatError{Reason: "too many bytes"}
	}
	var stack [maxDepth]level
	depth, pos := 0, 0
	for {
		start := pos
		h, reason := readHead(b, pos)
		if nodes++; nodes > maxNodes {
			reason = "too many values"
		}
		if reason != "" {
			return nodes, &FormatError{Offset: start, Reason: reason}
		}
		pos = h.next
		if depth > 0 {
			top := &stack[depth-1]
			if top.isMap && top.left&1 == 0 {
				if reason := top.key(b, h); reason != "" {
					return nodes, &FormatError{Offset: start, Reason: reason}
				}
			}
			top.left--
		}
		if h.class >= classArray {
			per := int(h.class - classArray + 1) // a map's key and value
			if h.count > (len(b)-pos)/per {
				return nodes, &FormatError{Offset: start, Reason: "count beyond the bytes at hand"}
			}
			if depth+within >= maxDepth {
				return nodes, &FormatError{Offset: start, Reason: "nested too deep"}
			}
			stack[depth] = level{left: int32(h.count * per), isMap: h.class == classMap}
			depth++
		}
		for depth > 0 && stack[depth-1].left == 0 {
			depth--
		}
		if depth == 0 {
			if pos != len(b) {
				return nodes, &FormatError{Offset: pos, Reason: "bytes after the value"}
			}
			return nodes, nil
		}
	}
}

// key takes the next key of a map.
func (l *level) key(b []byte, h head) (reason string) {
	if h.class != classText {
		return "map key is not a string"
	}
	if l.keyFrom > 0 && string(b[l.keyFrom:l.keyTo]) >= string(b[h.text:h.next]) {
		return "map keys out of order"
	}
	l.keyFrom, l.keyTo = int32(h.text), int32(h.next)
	return ""
}

type class uint8

const (
	classPlain class = iota // nil, a truth value, a number
	classText
	classBinary
	classArray
	classMap
)

// head is one value without what it contains.
type head struct {
	class class
	count int // of a map or an array
	text  int // where a string's bytes start
	next  int // where the next value starts
}

// readHead reads the value at pos; reason is "" where it is canonical.
func readHead(b []byte, pos int) (h head, reason string) {
	if pos >= len(b) {
		return h, "cut short"
	}
	c := b[pos]
	pos++
	switch {
	case c <= 0x7f || c >= 0xe0:
		return head{next: pos}, ""
	case c <= 0x8f:
		return head{class: classMap, count: int(c & 0x0f), next: pos}, ""
	case c <= 0x9f:
		return head{class: classArray, count: int(c & 0x0f), next: pos}, ""
	case c <= 0xbf:
		return body(b, pos, uint64(c&0x1f), classText)
	case c == 0xc0 || c == 0xc2 || c == 0xc3:
		return head{next: pos}, ""
	}
	w := wide[c-0xc0]
	if w.width == 0 {
		return h, "float, extension or unused code"
	}
	if len(b)-pos < w.width {
		return h, "cut short"
	}
	n := big(b[pos : pos+w.width])
	pos += w.width
	if w.form == formInt { // negative only, and below what the narrower form holds
		if v := signed(n, w.width); v >= -int64(w.least) {
			return h, "number not in its shortest form"
		}
		return head{next: pos}, ""
	}
	if n < w.least {
		return h, "number or length not in its shortest form"
	}
	switch w.form {
	case formUint:
		return head{next: pos}, ""
	case formText:
		return body(b, pos, n, classText)
	case formBinary:
		return body(b, pos, n, classBinary)
	case formArray:
		return head{class: classArray, count: int(n), next: pos}, ""
	default:
		return head{class: classMap, count: int(n), next: pos}, ""
	}
}

// body is a string's or a binary's.
func body(b []byte, pos int, n uint64, kind class) (h head, reason string) {
	if n > uint64(len(b)-pos) {
		return h, "length beyond the bytes at hand"
	}
	end := pos + int(n)
	if kind == classText && !(n < fixed && ascii(b[pos:end])) && !utf8.Valid(b[pos:end]) {
		return h, "text is not UTF-8"
	}
	return head{class: kind, text: pos, next: end}, ""
}

// ascii is what most short texts are, and is seen in less time than UTF-8.
func ascii(b []byte) bool {
	var all byte
	for _, c := range b {
		all |= c
	}
	return all < utf8.RuneSelf
}

type form uint8

const (
	formUint form = iota
	formInt
	formText
	formBinary
	formArray
	formMap
)

// wide tells of the codes from 0xc0 on that have a number behind them: in how
// many bytes, and the least value that has no shorter form (for negative numbers
// the magnitude that a shorter form still holds). Width 0: not allowed, or no
// number.
var wide = [0x20]struct {
	width int
	least uint64
	form  form
}{
	0x04: {1, 0, formBinary},
	0x05: {2, 1 << 8, formBinary},
	0x06: {4, 1 << 16, formBinary},
	0x0c: {1, 1 << 7, formUint},
	0x0d: {2, 1 << 8, formUint},
	0x0e: {4, 1 << 16, formUint},
	0x0f: {8, 1 << 32, formUint},
	0x10: {1, 1 << 5, formInt},
	0x11: {2, 1 << 7, formInt},
	0x12: {4, 1 << 15, formInt},
	0x13: {8, 1 << 31, formInt},
	0x19: {1, 1 << 5, formText},
	0x1a: {2, 1 << 8, formText},
	0x1b: {4, 1 << 16, formText},
	0x1c: {2, 1 << 4, formArray},
	0x1d: {4, 1 << 16, formArray},
	0x1e: {2, 1 << 4, formMap},
	0x1f: {4, 1 << 16, formMap},
}

// big reads 1, 2, 4 or 8 bytes, big end first.
func big(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	default:
		return binary.BigEndian.Uint64(b)
	}
}

// signed reads n as two's complement of width bytes.
func signed(n uint64, width int) int64 {
	shift := 64 - 8*width
	return int64(n<<shift) >> shift
}
