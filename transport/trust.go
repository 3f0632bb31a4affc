package transport

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// What a Pairing has in memory of its store, and the one way to change it.

// known is a record with its card decoded. It is never changed, only replaced.
type known struct {
	*Peer
	card    *Card // theirs; nil for an offer
	offered *Card // of an offer
}

// offerLives says whether the record is a card of ours that can still be met with.
func (k known) offerLives(now time.Time) bool {
	return k.State == Offered && now.Before(k.offered.Expires.Add(offerGrace))
}

func (p *Peer) clone() *Peer {
	c := *p
	c.Addresses = slices.Clone(p.Addresses)
	return &c
}

// look returns what is known of a name; the records are loaded already.
func (p *Pairing) look(name string) (known, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.peers[name]
	return k, ok && k.card != nil
}

// byPin returns the peer that may connect with this key.
func (p *Pairing) byPin(key pin) (known, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name, ok := p.pins[key]
	return p.peers[name], ok
}

// trusted is for use inside change: a peer whose key is pinned.
func (p *Pairing) trusted(name string) (known, error) {
	k, ok := p.peers[name]
	switch {
	case !ok || k.card == nil:
		return known{}, ErrNoPeer
	case k.State == Revoked:
		return known{}, ErrRevoked
	}
	return k, nil
}

// watch has f called, with no lock held, after each change of a peer, until the returned function is called.
func (p *Pairing) watch(f func(peer string)) (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watching++
	n := p.watching
	p.watchers[n] = f
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, n)
	}
}

// load reads the store once.
func (p *Pairing) load() error { return p.change(func() (*Peer, error) { return nil, nil }) }

// change lets step make the next record of one peer while nobody else changes any; nil leaves all as it was.
// The record counts, and is told to the watchers, once the store has it. Step may read p.peers and p.pins: only the holder of the turn writes them.
func (p *Pairing) change(step func() (*Peer, error)) error {
	p.turn <- struct{}{}
	next, err := p.changeInTurn(step)
	<-p.turn
	if next == nil || err != nil {
		return err
	}
	p.mu.Lock()
	watchers := slices.Collect(maps.Values(p.watchers))
	p.mu.Unlock()
	for _, f := range watchers {
		f(next.Name)
	}
	return nil
}

func (p *Pairing) changeInTurn(step func() (*Peer, error)) (*Peer, error) {
	if p.peers == nil {
		if err := p.readStore(); err != nil {
			return nil, err
		}
	}
	next, err := step()
	if next == nil || err != nil {
		return nil, err
	}
	next.Changed = time.Now()
	k, err := know(next)
	if err != nil {
		return nil, err
	}
	if err := p.store.SavePeer(next); err != nil {
		return nil, fmt.Errorf("saving %q: %w", next.Name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.place(k)
	return next, nil
}

func (p *Pairing) readStore() error {
	all, err := p.store.Peers()
	if err != nil {
		return fmt.Errorf("reading the pairings: %w", err)
	}
	var ks []known
	for _, peer := range all {
		k, err := know(peer)
		if err != nil {
			return fmt.Errorf("reading the pairing %q: %w", peer.Name, err)
		}
		ks = append(ks, k)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peers, p.pins = map[string]known{}, map[pin]string{}
	for _, k := range ks {
		p.place(k)
	}
	return nil
}

// know copies a record and decodes its card.
func know(peer *Peer) (k known, err error) {
	k.Peer = peer.clone()
	switch peer.State {
	case Spent:
	case Offered:
		k.offered, err = decodeCard(peer.OurCard)
	default:
		k.card, err = decodeCard(peer.Card)
	}
	return k, err
}

// place puts a record into the maps; mu is held.
func (p *Pairing) place(k known) {
	if old, ok := p.peers[k.Name]; ok && old.card != nil {
		delete(p.pins, old.card.pin())
	}
	p.peers[k.Name] = k
	if k.card != nil && k.State != Revoked {
		p.pins[k.card.pin()] = k.Name
	}
}
