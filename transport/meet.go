package transport

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"
)

// What two nodes do when they meet, one step a function, each durable before it returns: bind finds the card of ours
// that the partner holds, meet checks its nonce and fixes the words, proven takes its signed "confirmed".
//
// The words are a hash over both cards and both nonces, and nothing that a connection brings. So every contact
// gives the same words, and there is nothing to grind: each nonce is committed to by a card that the other side
// accepted before it showed its own. Were a TLS exporter part of it, somebody in between could take our nonce, break the
// contact off, and try again with fresh exporters until the words fit.

// bind settles which card of ours the peer holds, by the hash it names, and takes the card's nonce for this pairing.
func (p *Pairing) bind(peer string, held [32]byte) (known, error) {
	spent := ""
	err := p.change(func() (*Peer, error) {
		old, err := p.trusted(peer)
		if err != nil || sha256.Sum256(old.OurCard) == held {
			return nil, err
		}
		if old.State == Active {
			return nil, fmt.Errorf("%w: %q holds another card of ours than the one this pairing was made with; revoke it and pair again", ErrCard, peer)
		}
		now := time.Now()
		for _, k := range p.peers {
			if k.card != nil && sha256.Sum256(k.OurCard) == held {
				return nil, fmt.Errorf("%w: %q holds the card that %q was paired with; make a card for each partner", ErrCardUsed, peer, k.Name)
			}
			if k.offerLives(now) && k.offered.hash() == held {
				spent = k.Name
				next := old.clone()
				next.OurCard, next.Nonce = k.OurCard, k.Nonce
				next.State, next.Words, next.TheirNonce, next.OurProof, next.TheirProof = Accepted, "", [32]byte{}, nil, nil
				return next, nil
			}
		}
		return nil, fmt.Errorf("%w: %q holds a card that this node did not offer, or that has expired; send it a new one", ErrCard, peer)
	})
	if err == nil && spent != "" {
		// The peer's record came first: a crash in between leaves an offer that the check above finds used.
		err = p.change(func() (*Peer, error) { return &Peer{Name: spent, State: Spent}, nil })
	}
	if err != nil {
		return known{}, err
	}
	k, _ := p.look(peer)
	return k, nil
}

// meet checks the nonce that the peer shows against its card, and fixes the words.
func (p *Pairing) meet(peer string, nonce [32]byte) (known, error) {
	err := p.change(func() (*Peer, error) {
		old, err := p.trusted(peer)
		if err != nil {
			return nil, err
		}
		if len(old.OurCard) == 0 {
			return nil, ErrNotMet
		}
		if commit(old.card.pin(), nonce) != old.card.Commitment {
			return nil, fmt.Errorf("%w: the nonce that %q shows is not the one its card was made with", ErrCard, peer)
		}
		if old.State != Accepted {
			return nil, nil
		}
		next := old.clone()
		next.State, next.TheirNonce = Met, nonce
		next.Words = checkWords(p.transcript(known{Peer: next, card: old.card}))
		return next, p.prove(next)
	})
	if err != nil {
		return known{}, err
	}
	k, _ := p.look(peer)
	return k, nil
}

// proven takes the peer's signed "confirmed".
func (p *Pairing) proven(peer string, proof []byte) (known, error) {
	err := p.change(func() (*Peer, error) {
		old, err := p.trusted(peer)
		if err != nil {
			return nil, err
		}
		if old.Words == "" {
			return nil, ErrNotMet
		}
		sum := p.transcript(old)
		theirs := old.card.pin()
		if err := verify(old.card.cert, domainConfirm, append(sum[:], theirs[:]...), proof); err != nil {
			return nil, fmt.Errorf("%w: the confirmation of %q is not signed by its node", ErrCard, peer)
		}
		if old.TheirProof != nil {
			return nil, nil
		}
		next := old.clone()
		next.TheirProof = bytes.Clone(proof)
		return next, p.prove(next)
	})
	if err != nil {
		return known{}, err
	}
	k, _ := p.look(peer)
	return k, nil
}

// prove signs our "confirmed" as soon as there is something to confirm, and makes the pairing active when both have.
func (p *Pairing) prove(next *Peer) error {
	if next.ConfirmedBy == "" || next.Words == "" {
		return nil
	}
	if next.OurProof == nil {
		k, err := know(next)
		if err != nil {
			return err
		}
		sum, ours := p.transcript(k), pinOf(p.id.cert)
		if next.OurProof, err = p.id.sign(domainConfirm, append(sum[:], ours[:]...)); err != nil {
			return fmt.Errorf("signing the confirmation: %w", err)
		}
	}
	if next.TheirProof != nil {
		next.State = Active
	}
	return nil
}

// transcript is the hash that words show and confirmations sign: both keys, cards and nonces, the smaller key first.
func (p *Pairing) transcript(k known) [32]byte {
	type side struct {
		key         pin
		card, nonce [32]byte
	}
	a := side{pinOf(p.id.cert), sha256.Sum256(k.OurCard), k.Nonce}
	b := side{k.card.pin(), k.card.hash(), k.TheirNonce}
	if bytes.Compare(a.key[:], b.key[:]) > 0 {
		a, b = b, a
	}
	text := []byte(domainWords)
	for _, s := range []side{a, b} {
		text = append(append(append(text, s.key[:]...), s.card[:]...), s.nonce[:]...)
	}
	return sha256.Sum256(text)
}
