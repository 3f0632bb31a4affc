package ledger

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
	"time"

	"parley/replica"
)

// SaltSize is the length in bytes of the salt that each replica travels with.
const SaltSize = 16

// Verdict is what the policy gate said of a replica.
type Verdict byte

// The verdicts of the policy gate.
const (
	Passed   Verdict = 'p' // nothing was taken out
	Dropped  Verdict = 'd' // items were dropped
	Received Verdict = 'r' // an incoming replica: the gate speaks when it is reconciled
	Unread   Verdict = 'u' // an incoming replica that cannot be read, and was refused
)

// Entry is one replica in a connection's log, as it crossed.
type Entry struct {
	Seq        replica.Seq
	At         time.Time // this node's clock, ms
	Link       replica.LinkID
	Rules      replica.Hash // rules version that made it (the sender's)
	Verdict    Verdict
	Salt       [SaltSize]byte
	Commitment replica.Hash // HMAC-SHA-256 of Body under Salt: both nodes hold the same value
	Chain      replica.Hash // SHA-256 over the chain before it and Commitment
	Body       []byte       // the replica's exact bytes; none once they were erased
	Erased     bool         // the body was kept as long as it had to be; what proves it stays
}

const (
	fullVersion   = 1 // as erasedVersion, and its body; read, not written any more
	erasedVersion = 2 // all but the body
	entryVersion  = 3 // without what its body tells: link, rules version, commitment
)

// mac is what a commitment is made in. It is made twice for each replica, so
// that memory for it, which crypto/hmac asks for each time, is asked for once.
type mac struct {
	hash.Hash
	key block
	sum [sha256.Size]byte
}

type block [sha256.BlockSize]byte

var (
	macs       = sync.Pool{New: func() any { return &mac{Hash: sha256.New()} }}
	ipad, opad = filled(0x36), filled(0x5c)
)

func filled(with byte) (b block) {
	for i := range b {
		b[i] = with
	}
	return b
}

// commitment is HMAC-SHA-256 (RFC 2104) of a replica's bytes under its salt.
func commitment(salt [SaltSize]byte, body []byte) replica.Hash {
	m := macs.Get().(*mac)
	defer macs.Put(m)
	m.keyed(&salt, &ipad, body)
	m.keyed(&salt, &opad, m.sum[:])
	return m.sum
}

// keyed hashes b behind the salt on its pad.
func (m *mac) keyed(salt *[SaltSize]byte, pad *block, b []byte) {
	m.key = *pad
	subtle.XORBytes(m.key[:], m.key[:], salt[:])
	m.Reset()
	m.Write(m.key[:])
	m.Write(b)
	m.Sum(m.sum[:0])
}

func chain(before, commitment replica.Hash) replica.Hash {
	var pair [64]byte
	copy(pair[:32], before[:])
	copy(pair[32:], commitment[:])
	return sha256.Sum256(pair[:])
}

// Lengths of an entry before its body, and of an erased one.
const (
	entryHead   = 2 + 8 + SaltSize + 32
	erasedEntry = entryHead + 16 + 32 + 32
)

// size is the length of what encode adds.
func (e *Entry) size() int {
	if e.Erased {
		return erasedEntry
	}
	return entryHead + len(e.Body)
}

func (e *Entry) encode(b []byte) []byte {
	if e.Erased {
		b = append(e.begin(b, erasedVersion), e.Link[:]...)
		b = append(append(b, e.Rules[:]...), e.Salt[:]...)
		return append(append(b, e.Commitment[:]...), e.Chain[:]...)
	}
	b = append(append(e.begin(b, entryVersion), e.Salt[:]...), e.Chain[:]...)
	return append(b, e.Body...)
}

func (e *Entry) begin(b []byte, version byte) []byte {
	return binary.BigEndian.AppendUint64(append(b, version, byte(e.Verdict)), uint64(e.At.UnixMilli()))
}

func (e *Entry) decode(v []byte) error {
	r := reader{b: v}
	version := r.take(1)[0]
	if version < fullVersion || version > entryVersion {
		return fmt.Errorf("the ledger holds a log entry of version %d, this parley reads %d", version, entryVersion)
	}
	e.Erased = version == erasedVersion
	e.Verdict = Verdict(r.take(1)[0])
	e.At = time.UnixMilli(int64(r.num()))
	if version != entryVersion {
		e.Link, e.Rules = r.link(), r.hash()
	}
	copy(e.Salt[:], r.take(SaltSize))
	if version != entryVersion {
		e.Commitment = r.hash()
	}
	e.Chain = r.hash()
	r.bad = r.bad || e.Erased && len(r.b) > 0
	e.Body = append([]byte(nil), r.b...)
	if version == entryVersion {
		e.Commitment = commitment(e.Salt, e.Body)
		if e.Verdict != Unread {
			told, _ := replica.Open(e.Body) // where the disk has damaged it, the chain tells
			e.Link, e.Rules = told.Link, told.Rules
		}
	}
	return r.end("log entry")
}

// head is where one direction of a connection's log stands.
type head struct {
	Epoch   [16]byte // random; a new log names the old one's chain as its beginning
	Seq     replica.Seq
	Chain   replica.Hash
	Settled uint64      // outcomes numbered so far (outgoing head only)
	From    replica.Seq // links' stored states have all entries before it (outgoing head only)
}

func (h head) encode() []byte {
	b := append([]byte(nil), h.Epoch[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Seq))
	b = append(b, h.Chain[:]...)
	b = binary.BigEndian.AppendUint64(b, h.Settled)
	return binary.BigEndian.AppendUint64(b, uint64(h.From))
}

func (h *head) decode(v []byte) error {
	r := reader{b: v}
	copy(h.Epoch[:], r.take(16))
	h.Seq, h.Chain, h.Settled = replica.Seq(r.num()), r.hash(), r.num()
	if h.From = h.Seq + 1; len(r.b) > 0 { // there was a version that stored each state
		h.From = replica.Seq(r.num())
	}
	return r.end("log head")
}
