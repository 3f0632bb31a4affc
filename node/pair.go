package node

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"parley/transport"
)

// OfferQuestion asks for a card. Empty addresses: those of parley.toml, or else
// the address listened on, where it names one host.
type OfferQuestion struct {
	Addresses []string `json:"addresses"`
}

// Offer is a card for one partner.
type Offer struct {
	Card        string    `json:"card"` // text, nothing secret
	Node        string    `json:"node"`
	Name        string    `json:"name"`
	Fingerprint string    `json:"fingerprint"` // ours
	Addresses   []string  `json:"addresses"`
	DialsOnly   bool      `json:"dials_only"`
	Expires     time.Time `json:"expires"`
}

// PairOffer makes this node's card.
var PairOffer = op("pair/offer", (*Node).pairOffer)

func (n *Node) pairOffer(_ context.Context, q OfferQuestion) (Offer, error) {
	addresses := q.Addresses
	if len(addresses) == 0 {
		addresses = n.ownAddresses()
	}
	text, err := n.pairing.Offer(addresses, n.conf.DialOnly)
	if err != nil {
		return Offer{}, err
	}
	c, err := transport.ParseCard(text)
	if err != nil {
		return Offer{}, fmt.Errorf("reading our own card: %w", err)
	}
	return Offer{
		Card: string(text), Node: string(c.NodeID), Name: c.Name, Fingerprint: c.Fingerprint(),
		Addresses: append([]string{}, c.Addresses...), DialsOnly: c.DialsOnly, Expires: c.Expires,
	}, nil
}

// ownAddresses are what partners can dial as far as this node knows itself.
func (n *Node) ownAddresses() []string {
	if n.conf.DialOnly {
		return nil
	}
	if len(n.conf.Addresses) > 0 {
		return n.conf.Addresses
	}
	listen := n.conf.Listen
	if l := n.live.Load(); l != nil {
		listen = l.end.Addr().String()
	}
	host, port, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	if number, bad := strconv.Atoi(port); err != nil || bad != nil || number == 0 || host == "" || ip != nil && ip.IsUnspecified() {
		return nil
	}
	return []string{listen}
}

// AcceptQuestion brings a partner's card.
type AcceptQuestion struct {
	Card string `json:"card"`
	As   string `json:"as"` // our name for the partner
}

// Pair is a pairing with both fingerprints, to compare.
type Pair struct {
	Peer
	Name string `json:"name"` // the partner's name for itself
	Ours string `json:"our_fingerprint"`
}

// PairAccept pins a partner's card.
var PairAccept = op("pair/accept", (*Node).pairAccept)

func (n *Node) pairAccept(_ context.Context, q AcceptQuestion) (Pair, error) {
	p, err := n.pairing.Accept([]byte(q.Card), q.As)
	switch {
	case errors.Is(err, transport.ErrCardExpired):
		err = advise(err, `ask the partner for a new card: "parley pair offer"`)
	case errors.Is(err, transport.ErrCard):
		err = advise(err, "the card must come whole and unchanged; ask the partner to send the file again, as an attachment")
	case errors.Is(err, transport.ErrPaired):
		err = advise(err, `"parley pair list" shows who is paired; "parley pair revoke PEER" ends a pairing`)
	}
	if err != nil {
		return Pair{}, err
	}
	return n.pair(p)
}

func (n *Node) pair(p *transport.Peer) (Pair, error) {
	pair := Pair{Peer: n.peerLine(p), Ours: n.id.Fingerprint()}
	if c, err := p.PeerCard(); err == nil {
		pair.Name = c.Name
	}
	return pair, nil
}

// ConfirmQuestion says how a person made sure of a partner: one of words,
// fingerprint and yes.
type ConfirmQuestion struct {
	Peer        string `json:"peer"`
	Words       string `json:"words"`
	Fingerprint string `json:"fingerprint"`
	Yes         bool   `json:"yes"`
}

// PairConfirm confirms a pairing.
var PairConfirm = op("pair/confirm", (*Node).pairConfirm)

func (n *Node) pairConfirm(_ context.Context, q ConfirmQuestion) (Pair, error) {
	p, err := n.pairing.Confirm(q.Peer, transport.Confirmation{Words: q.Words, Fingerprint: q.Fingerprint, Yes: q.Yes})
	switch {
	case errors.Is(err, transport.ErrNotMet):
		err = advise(err, "let both nodes run until they have met, or compare the full fingerprint: --fingerprint")
	case errors.Is(err, transport.ErrMismatch):
		err = advise(err, `"parley pair list" shows what is held here; the partner sees its own with "parley pair offer"`)
	default:
		err = unknownPeer(err)
	}
	if err != nil {
		return Pair{}, err
	}
	return n.pair(p)
}

func unknownPeer(err error) error {
	if errors.Is(err, transport.ErrNoPeer) || errors.Is(err, transport.ErrRevoked) {
		return advise(err, `"parley pair list" shows who is paired; "parley pair accept FILE --as PEER" adds a partner`)
	}
	return err
}

// PairList lists pairings and offered cards.
var PairList = op("pair/list", func(n *Node, _ context.Context, _ Nothing) ([]Peer, error) { return n.peerLines() })

func (n *Node) peerLines() ([]Peer, error) {
	all, err := n.pairing.List()
	if err != nil {
		return nil, err
	}
	lines := make([]Peer, 0, len(all))
	for _, p := range all {
		lines = append(lines, n.peerLine(p))
	}
	return lines, nil
}

func (n *Node) peerLine(p *transport.Peer) Peer {
	line := Peer{
		Peer: p.Name, Node: string(p.NodeID()), State: string(p.State), Words: p.Words, Fingerprint: p.Fingerprint(),
		Confirmed: p.ConfirmedBy, Addresses: append([]string{}, p.Addresses...), Link: "unknown", Changed: p.Changed,
	}
	if p.State == transport.Accepted {
		line.State = string(transport.Offered) // on the way, not met: one word for both sides' cards
	}
	if l := n.live.Load(); l != nil {
		at, known := l.end.States()[p.Name]
		line.Link, line.Trouble = "down", at.Err
		if known {
			line.Link = at.State
		}
	}
	return line
}

// PeerQuestion names a partner.
type PeerQuestion struct {
	Peer string `json:"peer"`
}

// PairRevoke ends a pairing at once.
var PairRevoke = op("pair/revoke", (*Node).pairRevoke)

func (n *Node) pairRevoke(_ context.Context, q PeerQuestion) (Pair, error) {
	if err := n.pairing.Revoke(q.Peer); err != nil {
		return Pair{}, unknownPeer(err)
	}
	p, err := n.pairing.Peer(q.Peer)
	if err != nil {
		return Pair{}, err
	}
	return n.pair(p)
}

// Knock is somebody who tried to connect with a key that is not paired.
type Knock struct {
	Node        string    `json:"node"`
	Fingerprint string    `json:"fingerprint"`
	Address     string    `json:"address"`
	Count       int       `json:"count"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
}

// Knocks is who knocked, and how many dials nobody listened to because strangers
// dialled faster than a node listens to them.
type Knocks struct {
	Knocked []Knock  `json:"knocked"`
	Unheard *Unheard `json:"unheard,omitempty"` // nil: none
}

// Unheard counts the dials that were refused before their keys were known.
type Unheard struct {
	Count   int       `json:"count"`
	Address string    `json:"address"` // where the last one came from
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// PairPending lists who knocked since the node started; a node that does not
// run hears nobody.
var PairPending = op("pair/pending", (*Node).pairPending)

func (n *Node) pairPending(context.Context, Nothing) (Knocks, error) {
	if n.live.Load() == nil {
		return Knocks{}, notRunning("who knocks is known to a running node only")
	}
	knocks := Knocks{Knocked: []Knock{}}
	for _, k := range n.pairing.Pending() {
		knocks.Knocked = append(knocks.Knocked, Knock{string(k.NodeID), k.Fingerprint, k.Address, k.Count, k.First, k.Last})
	}
	if u := n.pairing.Unheard(); u.Count > 0 {
		knocks.Unheard = &Unheard{u.Count, u.Address, u.First, u.Last}
	}
	return knocks, nil
}

// ErrNotRunning is wrapped where only a running node can do what was asked.
var ErrNotRunning = errors.New("no node runs in this home")

func notRunning(why string) error {
	return advise(fmt.Errorf("%w: %s", ErrNotRunning, why), `start it with "parley run"`)
}

// cardEnd is when the certificate that a peer is pinned by ends.
func cardEnd(p *transport.Peer) (time.Time, error) {
	card, err := p.PeerCard()
	if err != nil {
		return time.Time{}, err
	}
	cert, err := x509.ParseCertificate(card.Certificate)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the certificate of %q: %w", p.Name, err)
	}
	return cert.NotAfter, nil
}
