package transport

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// NodeID names a node: the SHA-256 of its node certificate's SubjectPublicKeyInfo as base32 (RFC 4648,
// no padding), a check character after every 13, in eight groups of seven: "MFZWI3D-BONSGYC-…".
// The empty NodeID means none.
type NodeID string

// A pin is the hash behind a NodeID.
type pin [sha256.Size]byte

const (
	alphabet   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	idRun      = 13            // characters before each check character
	idRaw      = 4 * idRun     // base32 characters of a SHA-256
	idChecked  = idRaw + 4     // with check characters
	idGroup    = 7             // characters between dashes
	hexGroup   = 8             // characters between colons in a fingerprint
	maxIDInput = 4 * idChecked // what ParseNodeID looks at: room for separators
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// ErrNodeID is wrapped by every error of ParseNodeID.
var ErrNodeID = errors.New("not a node id")

// pinOf hashes a certificate's public key.
func pinOf(cert *x509.Certificate) pin { return sha256.Sum256(cert.RawSubjectPublicKeyInfo) }

// NodeID shows the pin as a node id.
func (p pin) NodeID() NodeID {
	raw := base32Text.EncodeToString(p[:])
	var checked strings.Builder
	for i := 0; i < idRaw; i += idRun {
		run := raw[i : i+idRun]
		checked.WriteString(run)
		checked.WriteByte(checkCharacter(run))
	}
	return NodeID(grouped(checked.String(), idGroup, "-"))
}

// Fingerprint shows the pin as hexadecimal: eight groups of eight with colons between.
func (p pin) Fingerprint() string { return grouped(hex.EncodeToString(p[:]), hexGroup, ":") }

// ParseNodeID reads a node id in any case, with or without separators, forgiving 0 for O, 1 for I and 8 for B.
// A wrong check character names the group, so that it can be read out again.
func ParseNodeID(s string) (NodeID, error) {
	p, err := parsePin(s)
	if err != nil {
		return "", err
	}
	return p.NodeID(), nil
}

func parsePin(s string) (pin, error) {
	var p pin
	if len(s) > maxIDInput {
		return p, fmt.Errorf("%w: %d characters are too many", ErrNodeID, len(s))
	}
	s = strings.NewReplacer("-", "", " ", "", "0", "O", "1", "I", "8", "B").Replace(strings.ToUpper(s))
	if len(s) != idChecked {
		return p, fmt.Errorf("%w: %d characters where %d are due", ErrNodeID, len(s), idChecked)
	}
	var raw strings.Builder
	for i := 0; i < idChecked; i += idRun + 1 {
		run, check := s[i:i+idRun], s[i+idRun]
		if strings.Trim(run, alphabet) != "" || checkCharacter(run) != check {
			return p, fmt.Errorf("%w: a typing error in groups %d and %d", ErrNodeID, i/idGroup+1, i/idGroup+2)
		}
		raw.WriteString(run)
	}
	b, err := base32Text.DecodeString(raw.String())
	if err != nil || copy(p[:], b) != len(p) {
		return p, fmt.Errorf("%w: not base32", ErrNodeID)
	}
	if strings.ReplaceAll(string(p.NodeID()), "-", "") != s {
		return p, fmt.Errorf("%w: the last character is not one that a node id can end in", ErrNodeID)
	}
	return p, nil
}

// parseFingerprint reads a node id or a fingerprint, whichever it is.
func parseFingerprint(s string) (pin, error) {
	if len(s) > maxIDInput {
		return pin{}, fmt.Errorf("a fingerprint of %d characters is too long", len(s))
	}
	plain := strings.NewReplacer(":", "", "-", "", " ", "").Replace(strings.TrimPrefix(strings.ToLower(s), "sha256:"))
	if len(plain) == 2*len(pin{}) {
		var p pin
		if _, err := hex.Decode(p[:], []byte(plain)); err != nil {
			return pin{}, errors.New("a fingerprint has only the characters 0-9 and a-f")
		}
		return p, nil
	}
	p, err := parsePin(s)
	if err != nil {
		return pin{}, fmt.Errorf("neither a fingerprint (64 hexadecimal characters) nor a node id: %w", err)
	}
	return p, nil
}

// checkCharacter is the Luhn algorithm modulo 32: it catches every single wrong character and nearly every swap of neighbours.
func checkCharacter(run string) byte {
	const n = len(alphabet)
	sum, factor := 0, 2
	for i := len(run) - 1; i >= 0; i-- {
		v := factor * strings.IndexByte(alphabet, run[i])
		sum += v/n + v%n
		factor = 3 - factor
	}
	return alphabet[(n-sum%n)%n]
}

func grouped(s string, size int, between string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += size {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(s[i:min(i+size, len(s))])
	}
	return b.String()
}
