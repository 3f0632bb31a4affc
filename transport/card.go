package transport

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	cardVersion  = 1
	cardLife     = 7 * 24 * time.Hour
	maxName      = 64       // bytes of a node's name
	maxAddress   = 255      // bytes of one address: a DNS name and a port
	maxAddresses = 16       // of one card
	maxCert      = 8 << 10  // bytes of a node certificate; a company's own PKI writes long ones
	maxCard      = 16 << 10 // bytes of a card before armour
	maxArmour    = 64 << 10 // bytes of text that ParseCard looks at: the card, and the mail around it
	armourLine   = 64       // characters of base64 in a line
	armourBegin  = "-----BEGIN PARLEY CARD-----"
	armourEnd    = "-----END PARLEY CARD-----"
)

// Domains keep a signature or hash made for one purpose from serving another.
const (
	domainCard    = "parley card v1\x00"
	domainNonce   = "parley nonce v1\x00"
	domainWords   = "parley words v1\x00"
	domainConfirm = "parley confirm v1\x00"
	domainClock   = "parley clock v1\x00"
)

const ledgerKeyKind = "ed25519" // stands beside the key, so that another algorithm can follow

// Fields of a card, version 1. See the package documentation.
const (
	cardFieldVersion = iota + 1
	cardFieldCertificate
	cardFieldName
	cardFieldLedgerKind
	cardFieldLedgerKey
	cardFieldAddress
	cardFieldDialsOnly
	cardFieldSchema
	cardFieldIssued
	cardFieldExpires
	cardFieldCommitment
	cardFieldSignature = 255
)

// ErrCard is wrapped by every error of ParseCard; ErrCardExpired too where only its time has passed.
var (
	ErrCard        = errors.New("not a good card")
	ErrCardExpired = errors.New("the card has expired")
)

// Card is what partners exchange: who a node is and where it listens. It is signed and holds nothing secret.
type Card struct {
	NodeID      NodeID
	Name        string            // the node's name for itself, 1 to 64 bytes of printable text
	Certificate []byte            // the node certificate, DER
	LedgerKey   ed25519.PublicKey // signs the node's checkpoints and receipts
	Addresses   []string          // host:port, at most 16
	DialsOnly   bool              // the node listens nowhere
	Schema      int               // lowest protocol version that the node speaks
	Issued      time.Time
	Expires     time.Time // to be accepted before; a pairing outlives its card
	Commitment  [32]byte  // to the nonce that is shown when the nodes meet

	raw  []byte
	cert *x509.Certificate
}

// Fingerprint is the hash behind the node id, in hexadecimal.
func (c *Card) Fingerprint() string { return c.pin().Fingerprint() }

// NotAfter is when the node certificate ends: before it the partners must pair anew.
func (c *Card) NotAfter() time.Time { return c.cert.NotAfter }

// Text is the card as ParseCard reads it, fit for a mail.
func (c *Card) Text() []byte { return armour(c.raw) }

func (c *Card) pin() pin       { return pinOf(c.cert) }
func (c *Card) hash() [32]byte { return sha256.Sum256(c.raw) }

// newCard signs a card with a fresh nonce, which stays with us until the nodes meet.
func newCard(id *Identity, addresses []string, dialsOnly bool, now time.Time) (card *Card, nonce [32]byte, err error) {
	if len(addresses) > maxAddresses {
		return nil, nonce, fmt.Errorf("a card has at most %d addresses", maxAddresses)
	}
	if dialsOnly != (len(addresses) == 0) {
		return nil, nonce, errors.New("a card needs an address that the partner can dial, unless the node only dials out, and then it has none")
	}
	rand.Read(nonce[:])
	commitment := commit(pinOf(id.cert), nonce)
	b := put(nil, cardFieldVersion, []byte{cardVersion})
	b = put(b, cardFieldCertificate, id.cert.Raw)
	b = put(b, cardFieldName, []byte(id.name))
	b = put(b, cardFieldLedgerKind, []byte(ledgerKeyKind))
	b = put(b, cardFieldLedgerKey, id.ledger.Public().(ed25519.PublicKey))
	for _, a := range addresses {
		if err := checkAddress(a); err != nil {
			return nil, nonce, err
		}
		b = put(b, cardFieldAddress, []byte(a))
	}
	if dialsOnly {
		b = put(b, cardFieldDialsOnly, nil)
	}
	b = put(b, cardFieldSchema, []byte{protocolMin})
	b = putNumber(b, cardFieldIssued, uint64(now.Unix()))
	b = putNumber(b, cardFieldExpires, uint64(now.Add(cardLife).Unix()))
	b = put(b, cardFieldCommitment, commitment[:])
	signature, err := id.sign(domainCard, b)
	if err != nil {
		return nil, nonce, fmt.Errorf("signing the card: %w", err)
	}
	card, err = decodeCard(put(b, cardFieldSignature, signature))
	return card, nonce, err
}

// commit binds a nonce to the node that will show it.
func commit(p pin, nonce [32]byte) [32]byte {
	return sha256.Sum256(append(append([]byte(domainNonce), p[:]...), nonce[:]...))
}

// ParseCard reads a card out of a text, however mail wrapped, indented or quoted it, and checks bounds, signature and expiry.
// Every error wraps ErrCard.
func ParseCard(text []byte) (*Card, error) {
	if len(text) > maxArmour {
		return nil, fmt.Errorf("%w: %d bytes of text are more than the %d that a card can need", ErrCard, len(text), maxArmour)
	}
	_, rest, found := bytes.Cut(text, []byte(armourBegin))
	body, _, ended := bytes.Cut(rest, []byte(armourEnd))
	if !found || !ended {
		return nil, fmt.Errorf("%w: no text between %q and %q", ErrCard, armourBegin, armourEnd)
	}
	plain := bytes.Map(func(r rune) rune {
		if r == '>' || unicode.IsSpace(r) {
			return -1 // a quoting or wrapping mail program put it there
		}
		return r
	}, body)
	raw, err := base64.StdEncoding.Strict().DecodeString(string(plain))
	if err != nil {
		return nil, fmt.Errorf("%w: its text is damaged: %v", ErrCard, err)
	}
	card, err := decodeCard(raw)
	if err != nil {
		return nil, err
	}
	if time.Now().After(card.Expires) {
		return nil, fmt.Errorf("%w: %w: it was good until %s; ask for a new one", ErrCard, ErrCardExpired, card.Expires.UTC().Format(time.RFC3339))
	}
	return card, nil
}

func armour(raw []byte) []byte {
	text := base64.StdEncoding.EncodeToString(raw)
	var b strings.Builder
	b.WriteString(armourBegin + "\n")
	for len(text) > armourLine {
		b.WriteString(text[:armourLine] + "\n")
		text = text[armourLine:]
	}
	b.WriteString(text + "\n" + armourEnd + "\n")
	return []byte(b.String())
}

// decodeCard checks everything but the expiry, which matters only on accepting.
func decodeCard(raw []byte) (*Card, error) {
	if len(raw) > maxCard {
		return nil, fmt.Errorf("%w: %d bytes", ErrCard, len(raw))
	}
	c := &Card{raw: bytes.Clone(raw)}
	var signature []byte
	var once seen
	signed := 0 // bytes before the signature field
	err := walk(c.raw, func(tag byte, v []byte) error {
		if tag != cardFieldAddress {
			if err := once.once(tag); err != nil {
				return err
			}
		}
		if tag == cardFieldSignature {
			signature = v
			return nil
		}
		signed += 4 + len(v)
		return c.field(tag, v)
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCard, err)
	}
	for _, must := range []byte{cardFieldVersion, cardFieldCertificate, cardFieldName, cardFieldLedgerKind, cardFieldLedgerKey,
		cardFieldSchema, cardFieldIssued, cardFieldExpires, cardFieldCommitment, cardFieldSignature} {
		if !once[must] {
			return nil, fmt.Errorf("%w: field %d is missing", ErrCard, must)
		}
	}
	if c.DialsOnly != (len(c.Addresses) == 0) {
		return nil, fmt.Errorf("%w: it must have addresses, or say that the node only dials out", ErrCard)
	}
	if err := verify(c.cert, domainCard, c.raw[:signed], signature); err != nil {
		return nil, fmt.Errorf("%w: its signature is not its node's", ErrCard)
	}
	return c, nil
}

// field takes one field; unknown ones are signed over like the rest and otherwise left alone, so that a later version can add some.
func (c *Card) field(tag byte, v []byte) (err error) {
	switch tag {
	case cardFieldVersion:
		if len(v) != 1 || v[0] != cardVersion {
			return fmt.Errorf("card version %x is not known here", v[:min(len(v), 4)])
		}
	case cardFieldCertificate:
		if len(v) > maxCert {
			return fmt.Errorf("a certificate of %d bytes", len(v))
		}
		if c.cert, err = x509.ParseCertificate(v); err != nil {
			return fmt.Errorf("its certificate: %w", err)
		}
		if err := checkNodeKey(c.cert); err != nil {
			return err
		}
		c.Certificate, c.NodeID = v, c.pin().NodeID()
	case cardFieldName:
		c.Name = string(v)
		return checkNodeName(c.Name)
	case cardFieldLedgerKind:
		if string(v) != ledgerKeyKind {
			return errors.New("its ledger key is of a kind not known here")
		}
	case cardFieldLedgerKey:
		c.LedgerKey = make([]byte, ed25519.PublicKeySize)
		return fixed(c.LedgerKey, v)
	case cardFieldAddress:
		if len(c.Addresses) == maxAddresses {
			return fmt.Errorf("more than %d addresses", maxAddresses)
		}
		c.Addresses = append(c.Addresses, string(v))
		return checkAddress(string(v))
	case cardFieldDialsOnly:
		c.DialsOnly = true
		return fixed(nil, v)
	case cardFieldSchema:
		if len(v) != 1 {
			return fmt.Errorf("%w: a schema of %d bytes", errRecord, len(v))
		}
		c.Schema = int(v[0])
	case cardFieldIssued:
		c.Issued, err = moment(v)
	case cardFieldExpires:
		c.Expires, err = moment(v)
	case cardFieldCommitment:
		return fixed(c.Commitment[:], v)
	}
	return err
}

// moment reads Unix seconds, within the years that a time can be printed for.
func moment(v []byte) (time.Time, error) {
	n, err := number(v)
	if err != nil || n > 1<<37 {
		return time.Time{}, fmt.Errorf("%w: not a time", errRecord)
	}
	return time.Unix(int64(n), 0), nil
}

// checkAddress wants host:port; whether it can be reached is the dialler's business.
func checkAddress(a string) error {
	host, port, err := net.SplitHostPort(a)
	if err != nil || len(a) > maxAddress || host == "" || port == "" || port == "0" || !printable(a) || strings.ContainsAny(a, " ,") {
		return fmt.Errorf("address %q: want host:port", a[:min(len(a), maxAddress)])
	}
	return nil
}

// printable says whether s is valid text without control or invisible formatting characters: it will be shown on a screen.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
