package replica

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Path names one item of a view: its kind, then "/" and the element's own
// name. "summary" has no element; "label/vpn" and "comment/10012" have one.
//
// A name behind a colon is free text that may hold "/" itself
// ("field:Yes/No", "view:severity"), so such a path is one kind without an
// element. A path is 1 to MaxPath bytes of UTF-8 without control characters.
type Path string

// Kind is the part before the first "/": "label" of "label/vpn", and the
// whole of "field:Yes/No".
func (p Path) Kind() string {
	kind, _ := p.split()
	return kind
}

// Element is the part after the first "/", empty for a path without one.
func (p Path) Element() string {
	_, element := p.split()
	return element
}

func (p Path) split() (kind, element string) {
	kind, element, _ = strings.Cut(string(p), "/")
	if strings.Contains(kind, ":") {
		return string(p), ""
	}
	return kind, element
}

// check reports why p cannot stand in a view; "" means it can.
func (p Path) check() string {
	switch {
	case p == "":
		return "empty path"
	case len(p) > MaxPath:
		return "path too long"
	case !utf8.ValidString(string(p)):
		return "path is not UTF-8"
	}
	for i := range len(p) {
		if p[i] < 0x20 || p[i] == 0x7f {
			return "control character in a path"
		}
	}
	return ""
}

// Seq is a place in one connection's outbox; the first is 1, there are no gaps.
type Seq uint64

// LinkID names a link on both sides: the side that shares a ticket first makes
// it, the other adopts it. It tells an onlooker nothing about the ticket.
type LinkID [16]byte

// NewLinkID derives the link id of a ticket that is shared for the first time:
// the first 16 bytes of SHA-256 over "parley link 1" and the three parts, each
// of the four preceded by its length as 8 bytes, big end first.
func NewLinkID(connection string, node, ticket string) LinkID {
	var in []byte
	for _, part := range [...]string{"parley link 1", connection, node, ticket} {
		in = binary.BigEndian.AppendUint64(in, uint64(len(part)))
		in = append(in, part...)
	}
	sum := sha256.Sum256(in)
	return LinkID(sum[:16])
}

var linkText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String is 26 characters of lower-case base32 (RFC 4648) without padding.
func (l LinkID) String() string { return linkText.EncodeToString(l[:]) }

// Append appends what String returns to b.
func (l LinkID) Append(b []byte) []byte { return linkText.AppendEncode(b, l[:]) }

// IsZero says that l names no link.
func (l LinkID) IsZero() bool { return l == LinkID{} }

// ParseLinkID reads what String writes, and nothing else.
func ParseLinkID(s string) (LinkID, error) {
	b, err := linkText.DecodeString(s)
	if err != nil || len(b) != len(LinkID{}) || linkText.EncodeToString(b) != s {
		return LinkID{}, fmt.Errorf("parsing link id %.40q: want 26 characters a-z 2-7", s)
	}
	return LinkID(b), nil
}

// Hash is a SHA-256. The zero Hash is the hash of the empty view.
type Hash [32]byte

// IsZero says that h is the hash of nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// String is lower-case hexadecimal.
func (h Hash) String() string { return fmt.Sprintf("%x", h[:]) }
