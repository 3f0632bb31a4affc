package transport

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// PeerState is how far a pairing has come.
type PeerState string

// The states, in order. Only an active peer's sessions are served.
const (
	Offered  PeerState = "offered"  // a card of ours that no node has shown us yet
	Spent    PeerState = "spent"    // an offer's place, free for the next
	Accepted PeerState = "accepted" // we pinned their card
	Met      PeerState = "met"      // the nonces are shown and the words fixed
	Active   PeerState = "active"   // both sides signed "confirmed"
	Revoked  PeerState = "revoked"  // the pin is dropped
)

var states = []PeerState{Offered, Spent, Accepted, Met, Active, Revoked} // by their number on disk, from 1

const (
	maxPeer     = 64 << 10 // bytes of a stored record
	maxPeerName = 64
)

// Peer is one pairing with all its state, or (Offered) one card of ours. Records are values: change one through Pairing.
type Peer struct {
	Name        string // our name for the partner: letters, digits, dot, dash, underscore. Of an offer: "offer:1" and so on
	State       PeerState
	Card        []byte   // theirs as decoded bytes; see PeerCard
	OurCard     []byte   // the card of ours that they hold; of an offer: the offered one
	Nonce       [32]byte // behind OurCard's commitment; secret until the nodes meet
	TheirNonce  [32]byte // zero until then
	Words       string   // four check words, fixed when the nodes met
	ConfirmedBy string   // "words", "fingerprint" or "yes"; empty until we confirm
	OurProof    []byte   // our signature "confirmed"
	TheirProof  []byte   // theirs
	Addresses   []string // where to dial; from their card unless changed here
	Floor       Floor    // versions below which a hello of theirs is refused
	Changed     time.Time
}

// Floor is the highest pair of versions that was ever agreed on with a peer.
type Floor struct{ Protocol, Format uint16 }

// PeerCard decodes the partner's card; its expiry no longer matters.
func (p *Peer) PeerCard() (*Card, error) { return decodeCard(p.Card) }

// NodeID is the partner's, empty for an offer.
func (p *Peer) NodeID() NodeID {
	if c, err := p.PeerCard(); err == nil {
		return c.NodeID
	}
	return ""
}

// Fingerprint is the partner's, empty for an offer.
func (p *Peer) Fingerprint() string {
	if c, err := p.PeerCard(); err == nil {
		return c.Fingerprint()
	}
	return ""
}

// Fields of a stored peer, version 1.
const (
	peerFieldVersion = iota + 1
	peerFieldName
	peerFieldState
	peerFieldCard
	peerFieldOurCard
	peerFieldNonce
	peerFieldTheirNonce
	peerFieldWords
	peerFieldConfirmedBy
	peerFieldOurProof
	peerFieldTheirProof
	peerFieldAddress
	peerFieldFloorProtocol
	peerFieldFloorFormat
	peerFieldChanged
)

const peerVersion = 1

// Encode writes the record for storage. It holds a nonce: keep it where the ledger is.
func (p *Peer) Encode() []byte {
	b := put(nil, peerFieldVersion, []byte{peerVersion})
	b = put(b, peerFieldName, []byte(p.Name))
	b = put(b, peerFieldState, []byte{byte(slices.Index(states, p.State) + 1)})
	b = putText(b, peerFieldCard, p.Card)
	b = putText(b, peerFieldOurCard, p.OurCard)
	b = put(b, peerFieldNonce, p.Nonce[:])
	b = put(b, peerFieldTheirNonce, p.TheirNonce[:])
	b = putText(b, peerFieldWords, p.Words)
	b = putText(b, peerFieldConfirmedBy, p.ConfirmedBy)
	b = putText(b, peerFieldOurProof, p.OurProof)
	b = putText(b, peerFieldTheirProof, p.TheirProof)
	for _, a := range p.Addresses {
		b = put(b, peerFieldAddress, []byte(a))
	}
	b = putNumber(b, peerFieldFloorProtocol, uint64(p.Floor.Protocol))
	b = putNumber(b, peerFieldFloorFormat, uint64(p.Floor.Format))
	return putNumber(b, peerFieldChanged, uint64(max(p.Changed.Unix(), 0)))
}

// DecodePeer reads what Encode wrote. A field that it does not know is an error: a record written by a later version is not half understood.
func DecodePeer(b []byte) (*Peer, error) {
	if len(b) > maxPeer {
		return nil, fmt.Errorf("decoding a peer: %w: %d bytes", errRecord, len(b))
	}
	p := &Peer{}
	var once seen
	err := walk(b, func(tag byte, v []byte) error {
		if tag != peerFieldAddress {
			if err := once.once(tag); err != nil {
				return err
			}
		}
		return p.field(tag, v)
	})
	if err != nil {
		return nil, fmt.Errorf("decoding a peer: %w", err)
	}
	for _, must := range []byte{peerFieldVersion, peerFieldName, peerFieldState, peerFieldNonce, peerFieldTheirNonce} {
		if !once[must] {
			return nil, fmt.Errorf("decoding a peer: %w: field %d is missing", errRecord, must)
		}
	}
	return p, nil
}

func (p *Peer) field(tag byte, v []byte) (err error) {
	if len(v) == 0 {
		return fmt.Errorf("%w: field %d is empty", errRecord, tag)
	}
	switch tag {
	case peerFieldVersion:
		if len(v) != 1 || v[0] != peerVersion {
			return errors.New("a record of another version")
		}
	case peerFieldName:
		p.Name = string(v)
		if len(p.Name) > maxPeerName || !printable(p.Name) {
			return fmt.Errorf("%w: its name", errRecord)
		}
	case peerFieldState:
		if len(v) != 1 || v[0] == 0 || int(v[0]) > len(states) {
			return fmt.Errorf("%w: its state", errRecord)
		}
		p.State = states[v[0]-1]
	case peerFieldCard:
		p.Card = bytes.Clone(v)
	case peerFieldOurCard:
		p.OurCard = bytes.Clone(v)
	case peerFieldNonce:
		return fixed(p.Nonce[:], v)
	case peerFieldTheirNonce:
		return fixed(p.TheirNonce[:], v)
	case peerFieldWords:
		p.Words = string(v)
	case peerFieldConfirmedBy:
		p.ConfirmedBy = string(v)
	case peerFieldOurProof:
		p.OurProof = bytes.Clone(v)
	case peerFieldTheirProof:
		p.TheirProof = bytes.Clone(v)
	case peerFieldAddress:
		p.Addresses = append(p.Addresses, string(v))
		if len(p.Addresses) > maxAddresses {
			return fmt.Errorf("%w: too many addresses", errRecord)
		}
	case peerFieldFloorProtocol:
		p.Floor.Protocol, err = version(v)
	case peerFieldFloorFormat:
		p.Floor.Format, err = version(v)
	case peerFieldChanged:
		p.Changed, err = moment(v)
	default:
		return fmt.Errorf("%w: field %d is not known here; was it written by a later parley?", errRecord, tag)
	}
	return err
}

// version reads a number that fits 16 bits.
func version(v []byte) (uint16, error) {
	n, err := number(v)
	if err != nil || n > 1<<16-1 {
		return 0, fmt.Errorf("%w: not a version", errRecord)
	}
	return uint16(n), nil
}

// PeerStore keeps peer records. The node keeps them in its ledger.
type PeerStore interface {
	// Peers returns every record, in any order.
	Peers() ([]*Peer, error)
	// SavePeer replaces the record of the same name, and returns once it is on disk.
	SavePeer(*Peer) error
}

// MemoryStore is a PeerStore for tests; its zero value is ready. It stores records encoded, as a ledger does.
type MemoryStore struct {
	mu    sync.Mutex
	peers map[string][]byte // guarded by mu
}

// Peers returns every record.
func (m *MemoryStore) Peers() ([]*Peer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*Peer
	for _, b := range m.peers {
		p, err := DecodePeer(b)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// SavePeer replaces the record of the same name.
func (m *MemoryStore) SavePeer(p *Peer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peers == nil {
		m.peers = map[string][]byte{}
	}
	m.peers[p.Name] = p.Encode()
	return nil
}
