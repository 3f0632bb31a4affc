package replica

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// Bounds of a receipt.
const (
	MaxReceipt  = 1 << 20 // bytes signed
	MaxOutcomes = 10_000
	maxPaths    = 1_000 // paths that one outcome names
)

// receiptDomain sets this signature apart from every other made with the
// ledger key (checkpoints, cosignatures).
const receiptDomain = "parley receipt 1\n"

// ErrSignature says that a receipt does not bear the peer's signature.
var ErrSignature = errors.New("receipt is not signed by the peer's ledger key")

// State is what became of a replica at the receiver.
type State string

// The states that a receipt can tell.
const (
	Applied State = "applied" // the ticket shows it
	Held    State = "held"    // waits at the receiver, Code says why
	Refused State = "refused" // will not be applied as it is, Code says why
	Dropped State = "dropped" // somebody there decided to leave it out
	Resend  State = "resend"  // it does not follow what the receiver holds: post the whole view
)

func (st State) known() bool {
	return st == Applied || st == Held || st == Refused || st == Dropped || st == Resend
}

// Outcome says what became of one replica.
type Outcome struct {
	Link  LinkID // zero where the replica could not be read
	Seq   Seq
	State State
	Twin  string // the receiver's ticket key, where it shares that
	Code  string // reason in one word, empty where applied
	Paths []Path // the items meant; none means all of them
	Kept  []Path // items changed on both sides at once of which the receiver kept its own, by its rules
	Taken []Path // likewise, of which it took the sender's
}

// Receipt is what the receiver owes the sender.
type Receipt struct {
	Connection string
	Epoch      [16]byte  // of the sender's log
	Stored     Seq       // every replica up to this one is on the receiver's disk
	Chain      Hash      // of the sender's log at Stored
	Settled    uint64    // number of the last outcome told so far, counted per connection from 1
	Outcomes   []Outcome // Settled is the last one's number; they have no gaps
}

// Sign returns the receipt in its envelope: a map of the body and its Ed25519
// signature over "parley receipt 1\n" and the body. The error is ErrTooLarge or
// ErrMalformed.
func (r *Receipt) Sign(key ed25519.PrivateKey) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("signing a receipt: key of %d bytes", len(key))
	}
	body := r.encode()
	s := newSink()
	s.mapLen(2)
	s.ascii("body")
	s.bin(body)
	s.ascii("sig")
	s.bin(ed25519.Sign(key, append([]byte(receiptDomain), body...)))
	out := s.take()
	if len(out) > MaxReceipt || len(r.Outcomes) > MaxOutcomes {
		return nil, fmt.Errorf("signing a receipt of %d bytes and %d outcomes: %w", len(out), len(r.Outcomes), ErrTooLarge)
	}
	if _, err := decodeReceipt(body); err != nil {
		return nil, fmt.Errorf("signing a receipt: %w", err)
	}
	return out, nil
}

// OpenReceipt checks the signature before it reads the body. The error is
// ErrSignature, ErrTooLarge or ErrMalformed.
func OpenReceipt(b []byte, key ed25519.PublicKey) (*Receipt, error) {
	if len(b) > MaxReceipt {
		return nil, fmt.Errorf("opening a receipt of %d bytes: %w", len(b), ErrTooLarge)
	}
	s, err := newSource(b)
	if err != nil {
		return nil, fmt.Errorf("opening a receipt: %w", err)
	}
	if s.mapLen(2) != 2 {
		s.fail("want body and sig")
	}
	s.want("body")
	body := s.blob()
	var sig [ed25519.SignatureSize]byte
	s.want("sig")
	s.bin(sig[:])
	if err := s.close(); err != nil {
		return nil, fmt.Errorf("opening a receipt: %w", err)
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, append([]byte(receiptDomain), body...), sig[:]) {
		return nil, fmt.Errorf("opening a receipt: %w", ErrSignature)
	}
	r, err := decodeReceipt(body)
	if err != nil {
		return nil, fmt.Errorf("opening a receipt: %w", err)
	}
	return r, nil
}

func (r *Receipt) encode() []byte {
	s := newSink()
	n := 3
	for _, there := range [...]bool{!r.Chain.IsZero(), len(r.Outcomes) > 0, r.Settled > 0} {
		if there {
			n++
		}
	}
	s.mapLen(n)
	if !r.Chain.IsZero() {
		s.ascii("chain")
		s.bin(r.Chain[:])
	}
	s.ascii("connection")
	s.str(r.Connection)
	s.ascii("epoch")
	s.bin(r.Epoch[:])
	if len(r.Outcomes) > 0 {
		s.ascii("outcomes")
		s.arrayLen(len(r.Outcomes))
		for i := range r.Outcomes {
			r.Outcomes[i].encode(s)
		}
	}
	if r.Settled > 0 {
		s.ascii("settled")
		s.uint(r.Settled)
	}
	s.ascii("stored")
	s.uint(uint64(r.Stored))
	return s.take()
}

func (o *Outcome) encode(s *sink) {
	n := 3 + present(o.Code) + present(o.Twin)
	for _, list := range [...][]Path{o.Paths, o.Kept, o.Taken} {
		if len(list) > 0 {
			n++
		}
	}
	s.mapLen(n)
	s.field(field{"code", o.Code})
	s.paths("kept", o.Kept)
	s.ascii("link")
	s.bin(o.Link[:])
	s.paths("paths", o.Paths)
	s.ascii("seq")
	s.uint(uint64(o.Seq))
	s.ascii("state")
	s.str(string(o.State))
	s.paths("taken", o.Taken)
	s.field(field{"twin", o.Twin})
}

// paths writes a list under its key; an empty one is left out.
func (s *sink) paths(key string, list []Path) {
	if len(list) == 0 {
		return
	}
	s.ascii(key)
	s.arrayLen(len(list))
	for _, p := range list {
		s.str(string(p))
	}
}

func (s *source) paths() (list []Path) {
	n := s.arrayLen(maxPaths)
	if n == 0 {
		s.fail("empty list, which is left out")
	}
	for range n {
		list = append(list, s.path())
	}
	return list
}

func decodeReceipt(body []byte) (*Receipt, error) {
	s, err := newSource(body)
	if err != nil {
		return nil, err
	}
	r, seen := new(Receipt), 0
	s.keys(6, func(key string) bool {
		switch key {
		case "chain":
			r.Chain = s.hash()
		case "connection":
			r.Connection, seen = s.full(maxName), seen+1
		case "epoch":
			s.bin(r.Epoch[:])
			seen++
		case "outcomes":
			r.Outcomes = decodeOutcomes(s)
		case "settled":
			if r.Settled = s.uint(); r.Settled == 0 {
				s.fail("zero, which is left out")
			}
		case "stored":
			r.Stored, seen = Seq(s.uint()), seen+1
		default:
			return false
		}
		return true
	})
	switch {
	case seen != 3:
		s.fail("receipt without connection, epoch or stored")
	case uint64(len(r.Outcomes)) > r.Settled:
		s.fail("more outcomes than were settled")
	}
	return r, s.close()
}

func decodeOutcomes(s *source) []Outcome {
	n := s.arrayLen(MaxOutcomes)
	if n == 0 {
		s.fail("empty list, which is left out")
	}
	var all []Outcome
	for range n {
		o := decodeOutcome(s)
		if s.err != nil {
			return nil
		}
		all = append(all, o)
	}
	return all
}

func decodeOutcome(s *source) (o Outcome) {
	seen := 0
	s.keys(8, func(key string) bool {
		switch key {
		case "code":
			o.Code = s.full(maxName)
		case "kept":
			o.Kept = s.paths()
		case "link":
			s.bin(o.Link[:])
			seen++
		case "paths":
			o.Paths = s.paths()
		case "seq":
			o.Seq, seen = s.seq(), seen+1
		case "state":
			o.State, seen = State(s.str(maxKind)), seen+1
			if !o.State.known() {
				s.fail("unknown state")
			}
		case "taken":
			o.Taken = s.paths()
		case "twin":
			o.Twin = s.full(maxName)
		default:
			return false
		}
		return true
	})
	if seen != 3 {
		s.fail("outcome without link, seq or state")
	}
	return o
}
