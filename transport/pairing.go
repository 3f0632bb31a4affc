package transport

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Errors that a caller branches on.
var (
	ErrNoPeer   = errors.New("no such peer")
	ErrPaired   = errors.New("already paired")
	ErrRevoked  = errors.New("the pairing was revoked")
	ErrNotMet   = errors.New("the nodes have not met yet, so there are no check words")
	ErrMismatch = errors.New("they do not match")
	ErrCardUsed = errors.New("the card was used before")
)

const (
	maxOffers  = 256                // live offers of one node
	offerGrace = 7 * 24 * time.Hour // after its expiry a card that was accepted in time may still be met with
	offerNames = "offer:"
)

var peerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Confirmation is how an administrator made sure of a partner: exactly one of its fields is set.
type Confirmation struct {
	Words       string // the four words that the partner reads aloud; the nodes must have met
	Fingerprint string // the partner's full fingerprint or node id, known from elsewhere; works before they meet
	Yes         bool   // nothing was compared
}

// Pairing holds whom a node trusts. Its verbs work with and without a running endpoint, and a running one acts on them at once.
// It is safe for concurrent use; the store's records must not be changed behind its back.
type Pairing struct {
	id    *Identity
	store PeerStore
	turn  chan struct{} // one change at a time: held, unlike a mutex, while the store writes

	mu       sync.Mutex
	peers    map[string]known // guarded by mu; nil until loaded
	pins     map[pin]string   // guarded by mu: names of the peers that may connect
	watchers map[int]func(peer string)
	watching int

	knocks knocks
}

// NewPairing reads nothing yet; a store that fails shows in the first verb.
func NewPairing(id *Identity, store PeerStore) *Pairing {
	return &Pairing{id: id, store: store, turn: make(chan struct{}, 1), watchers: map[int]func(string){}}
}

// Offer makes a card for one partner and remembers its nonce. Give each partner a card of its own: a card is met with once.
func (p *Pairing) Offer(addresses []string, dialsOnly bool) ([]byte, error) {
	now := time.Now()
	card, nonce, err := newCard(p.id, addresses, dialsOnly, now)
	if err != nil {
		return nil, fmt.Errorf("offering a card: %w", err)
	}
	err = p.change(func() (*Peer, error) {
		for i := 1; i <= maxOffers; i++ {
			name := fmt.Sprint(offerNames, i)
			if k, taken := p.peers[name]; taken && k.offerLives(now) {
				continue
			}
			return &Peer{Name: name, State: Offered, OurCard: card.raw, Nonce: nonce}, nil
		}
		return nil, fmt.Errorf("%d cards wait for a partner: use one of them, or wait until they expire", maxOffers)
	})
	if err != nil {
		return nil, fmt.Errorf("offering a card: %w", err)
	}
	return card.Text(), nil
}

// Accept pins a partner's card under our name for it. The partner may connect from now on, and is served only when both sides confirmed.
// Accepting the same card again changes nothing. Until a pairing is active, a newer card of the same node begins it anew.
func (p *Pairing) Accept(card []byte, as string) (*Peer, error) {
	c, err := ParseCard(card)
	if err != nil {
		return nil, fmt.Errorf("accepting a card as %q: %w", as, err)
	}
	if !peerName.MatchString(as) {
		return nil, fmt.Errorf("accepting a card: a peer's name has 1 to %d letters, digits, dots, dashes or underscores, not %q", maxPeerName, as[:min(len(as), maxPeerName)])
	}
	var got *Peer
	err = p.change(func() (*Peer, error) {
		if c.pin() == pinOf(p.id.cert) {
			return nil, errors.New("this is our own card; it is the partner's that must be accepted here")
		}
		if name, ok := p.pins[c.pin()]; ok && name != as {
			return nil, fmt.Errorf("%w: node %s is paired as %q", ErrPaired, c.NodeID, name)
		}
		got = &Peer{Name: as, State: Accepted, Card: c.raw, Addresses: slices.Clone(c.Addresses)}
		old, exists := p.peers[as]
		if !exists || old.State == Revoked {
			return got, nil
		}
		if old.card.pin() != c.pin() {
			return nil, fmt.Errorf("%w: %q is node %s; revoke it first, or choose another name", ErrPaired, as, old.card.NodeID)
		}
		if bytes.Equal(old.Card, c.raw) {
			got = old.clone()
			return nil, nil
		}
		if old.State == Active {
			return nil, fmt.Errorf("%w: %q is active with an earlier card of this node; revoke it first to begin anew", ErrPaired, as)
		}
		got.OurCard, got.Nonce = old.OurCard, old.Nonce
		return got, nil
	})
	if err != nil {
		return nil, fmt.Errorf("accepting a card as %q: %w", as, err)
	}
	return got.clone(), nil
}

// Confirm records that an administrator made sure of the partner. The pairing is active when both sides have; where both are connected, at once.
// Confirming again changes nothing, but what is compared must still match.
func (p *Pairing) Confirm(peer string, by Confirmation) (*Peer, error) {
	var got *Peer
	err := p.change(func() (*Peer, error) {
		old, err := p.trusted(peer)
		if err != nil {
			return nil, err
		}
		how, err := compare(old, by)
		if err != nil {
			return nil, err
		}
		got = old.clone()
		if got.ConfirmedBy != "" {
			return nil, nil
		}
		got.ConfirmedBy = how
		return got, p.prove(got)
	})
	if err != nil {
		return nil, fmt.Errorf("confirming %q: %w", peer, err)
	}
	return got.clone(), nil
}

// compare judges one way of making sure.
func compare(k known, by Confirmation) (how string, err error) {
	switch {
	case by.Words != "" && by.Fingerprint == "" && !by.Yes:
		if k.Words == "" {
			return "", ErrNotMet
		}
		if !sameWords(by.Words, k.Words) {
			return "", fmt.Errorf("the words: %w; ask the partner to read them again, and if they still differ do not confirm: somebody may sit between you", ErrMismatch)
		}
		return "words", nil
	case by.Fingerprint != "" && by.Words == "" && !by.Yes:
		given, err := parseFingerprint(by.Fingerprint)
		if err != nil {
			return "", err
		}
		if given != k.card.pin() {
			return "", fmt.Errorf("the fingerprints: %w; the accepted card's is %s", ErrMismatch, k.card.Fingerprint())
		}
		return "fingerprint", nil
	case by.Yes && by.Words == "" && by.Fingerprint == "":
		return "yes", nil
	}
	return "", errors.New("give one of the words, the fingerprint, or yes")
}

// Revoke drops the pin. A running endpoint closes the partner's sessions at once.
func (p *Pairing) Revoke(peer string) error {
	err := p.change(func() (*Peer, error) {
		old, ok := p.peers[peer]
		if !ok || old.card == nil {
			return nil, ErrNoPeer
		}
		if old.State == Revoked {
			return nil, nil
		}
		gone := old.clone()
		gone.State = Revoked
		return gone, nil
	})
	if err != nil {
		return fmt.Errorf("revoking %q: %w", peer, err)
	}
	return nil
}

// SetAddresses says where to dial a peer from now on, instead of where its card said.
func (p *Pairing) SetAddresses(peer string, addresses []string) error {
	err := p.change(func() (*Peer, error) {
		if len(addresses) > maxAddresses {
			return nil, fmt.Errorf("at most %d addresses", maxAddresses)
		}
		for _, a := range addresses {
			if err := checkAddress(a); err != nil {
				return nil, err
			}
		}
		old, err := p.trusted(peer)
		if err != nil {
			return nil, err
		}
		moved := old.clone()
		moved.Addresses = slices.Clone(addresses)
		return moved, nil
	})
	if err != nil {
		return fmt.Errorf("moving %q: %w", peer, err)
	}
	return nil
}

// ResetFloor lets a peer go back to versions below those agreed on before: after it went back to an older parley on purpose.
func (p *Pairing) ResetFloor(peer string) error {
	return p.raise(peer, func(Floor) Floor { return Floor{} })
}

func (p *Pairing) raise(peer string, f func(Floor) Floor) error {
	err := p.change(func() (*Peer, error) {
		old, err := p.trusted(peer)
		if err != nil || f(old.Floor) == old.Floor {
			return nil, err
		}
		next := old.clone()
		next.Floor = f(old.Floor)
		return next, nil
	})
	if err != nil {
		return fmt.Errorf("keeping the version floor of %q: %w", peer, err)
	}
	return nil
}

// List returns all pairings and live offers, by name.
func (p *Pairing) List() ([]*Peer, error) {
	if err := p.load(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var all []*Peer
	for _, name := range slices.Sorted(maps.Keys(p.peers)) {
		k := p.peers[name]
		if k.card == nil && !k.offerLives(now) {
			continue
		}
		all = append(all, k.clone())
	}
	return all, nil
}

// Peer returns one pairing, or ErrNoPeer.
func (p *Pairing) Peer(name string) (*Peer, error) {
	if err := p.load(); err != nil {
		return nil, err
	}
	k, ok := p.look(name)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoPeer, name)
	}
	return k.clone(), nil
}
