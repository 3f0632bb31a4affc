package transport

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// meetNow does what two connected nodes do: each binds the card that the other holds, and each shows its nonce.
func meetNow(t *testing.T, a, b *node) {
	t.Helper()
	sides := [][2]*node{{a, b}, {b, a}}
	for _, side := range sides {
		me, other := side[0], side[1]
		theirs, _ := other.pairing.look(me.id.Name())
		if _, err := me.pairing.bind(other.id.Name(), theirs.card.hash()); err != nil {
			t.Fatal(err)
		}
	}
	for _, side := range sides {
		me, other := side[0], side[1]
		if _, err := other.pairing.meet(me.id.Name(), me.peer(other.id.Name()).Nonce); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPairingWithoutANetwork(t *testing.T) {
	a, b := newNode(t, "north"), newNode(t, "south")
	a.address, b.address = "192.0.2.1:1", "192.0.2.2:1"
	exchangeCards(a, b)
	if _, err := a.pairing.Confirm("south", Confirmation{Words: "badal besik fonar zilim"}); !errors.Is(err, ErrNotMet) {
		t.Errorf("words before the nodes met: %v", err)
	}
	meetNow(t, a, b)
	words := a.peer("south").Words
	if words == "" || words != b.peer("north").Words || a.peer("south").State != Met {
		t.Fatalf("words %q and %q", words, b.peer("north").Words)
	}
	meetNow(t, a, b)
	if again := a.peer("south").Words; again != words {
		t.Errorf("the words changed to %q", again)
	}
	if _, err := a.pairing.Confirm("south", Confirmation{Words: "badal besik fonar zilim"}); !errors.Is(err, ErrMismatch) {
		t.Errorf("wrong words: %v", err)
	}
	a.confirm("south", Confirmation{Words: strings.ToUpper(words)})
	if s := a.peer("south"); s.State != Met || s.ConfirmedBy != "words" {
		t.Errorf("confirmed on one side: %v", s.State)
	}
	b.confirm("north", Confirmation{Yes: true})
	if _, err := a.pairing.proven("south", b.peer("north").OurProof); err != nil {
		t.Fatal(err)
	}
	if s := a.peer("south").State; s != Active {
		t.Errorf("confirmed on both sides: %v", s)
	}
	if _, err := b.pairing.proven("north", b.peer("north").OurProof); !errors.Is(err, ErrCard) {
		t.Errorf("our own confirmation sent back: %v", err)
	}
	// Everything is in the store.
	for name, p := range map[string]*Pairing{"south": NewPairing(a.id, a.store), "north": NewPairing(b.id, b.store)} {
		peer, err := p.Peer(name)
		if err != nil || peer.Words != words {
			t.Errorf("%s after a restart: %+v, %v", name, peer, err)
		}
	}
}

// Somebody who swaps the cards on the way sees other words on either side.
func TestWordsDifferUnderAManInTheMiddle(t *testing.T) {
	a, b := newNode(t, "north"), newNode(t, "south")
	toA, toB := newNode(t, "south"), newNode(t, "north") // the one in between, in either part
	for _, n := range []*node{a, b, toA, toB} {
		n.address = "192.0.2.1:1"
	}
	toB.id = toA.id
	toB.pairing = NewPairing(toB.id, toB.store)
	exchangeCards(a, toA)
	b.accept(toB.card(), "north")
	if _, err := toB.pairing.Accept(b.card(), "south"); err != nil {
		t.Fatal(err)
	}
	meetNow(t, a, toA)
	held, _ := b.pairing.look("north")
	mine, err := toB.pairing.bind("south", held.card.hash())
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := toB.pairing.look("south")
	if _, err := b.pairing.bind("north", theirs.card.hash()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.pairing.meet("north", mine.Nonce); err != nil {
		t.Fatal(err)
	}
	if a.peer("south").Words == b.peer("north").Words || b.peer("north").Words == "" {
		t.Errorf("both sides show %q", b.peer("north").Words)
	}
	// Nor does another nonce than the one committed to get it anywhere.
	if _, err := b.pairing.meet("north", [32]byte{1}); !errors.Is(err, ErrCard) {
		t.Errorf("a nonce of its choice: %v", err)
	}
}

func TestACardIsForOnePartner(t *testing.T) {
	a, b, c := newNode(t, "north"), newNode(t, "south"), newNode(t, "west")
	a.address, b.address, c.address = "192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"
	card := a.card()
	b.accept(card, "north")
	c.accept(card, "north")
	a.accept(b.card(), "south")
	a.accept(c.card(), "west")
	parsed, err := ParseCard(card)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.pairing.bind("south", parsed.hash()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.pairing.bind("west", parsed.hash()); !errors.Is(err, ErrCardUsed) || !strings.Contains(err.Error(), "south") {
		t.Errorf("the second partner with the same card: %v", err)
	}
	if _, err := a.pairing.bind("west", [32]byte{1}); !errors.Is(err, ErrCard) {
		t.Errorf("a card that was never offered: %v", err)
	}
	again := NewPairing(a.id, a.store)
	if err := again.load(); err != nil {
		t.Fatal(err)
	}
	if _, err := again.bind("west", parsed.hash()); !errors.Is(err, ErrCardUsed) {
		t.Errorf("and after a restart: %v", err)
	}
}

func TestAcceptGuardsNames(t *testing.T) {
	a, b, c := newNode(t, "north"), newNode(t, "south"), newNode(t, "west")
	b.address, c.address, a.address = "192.0.2.2:1", "192.0.2.3:1", "192.0.2.1:1"
	card := b.card()
	a.accept(card, "south")
	a.accept(card, "south") // again: nothing changes
	for name, try := range map[string]struct {
		card []byte
		as   string
		want error
	}{
		"same node, other name":  {card, "partner", ErrPaired},
		"other node, same name":  {c.card(), "south", ErrPaired},
		"our own card":           {a.card(), "me", nil},
		"an offer's name":        {c.card(), "offer:1", nil},
		"an empty name":          {c.card(), "", nil},
		"a long name":            {c.card(), strings.Repeat("x", 65), nil},
		"no card":                {[]byte("hello"), "x", ErrCard},
		"a path":                 {c.card(), "../x", nil},
		"text that is no letter": {c.card(), "a\nb", nil},
	} {
		if _, err := a.pairing.Accept(try.card, try.as); err == nil || (try.want != nil && !errors.Is(err, try.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.pairing.Revoke("south"); err != nil {
		t.Fatal(err)
	}
	if err := a.pairing.Revoke("south"); err != nil {
		t.Errorf("revoking again: %v", err)
	}
	if _, err := a.pairing.Confirm("south", Confirmation{Yes: true}); !errors.Is(err, ErrRevoked) {
		t.Errorf("confirming a revoked peer: %v", err)
	}
	if err := a.pairing.Revoke("nobody"); !errors.Is(err, ErrNoPeer) {
		t.Errorf("revoking nobody: %v", err)
	}
	a.accept(c.card(), "south") // the name is free again
}

func TestConfirmTakesExactlyOneProof(t *testing.T) {
	a, b := newNode(t, "north"), newNode(t, "south")
	a.address, b.address = "192.0.2.1:1", "192.0.2.2:1"
	exchangeCards(a, b)
	for _, by := range []Confirmation{{}, {Yes: true, Fingerprint: b.id.Fingerprint()}, {Words: "x", Yes: true},
		{Fingerprint: a.id.Fingerprint()}, {Fingerprint: "abc"}, {Fingerprint: b.id.Fingerprint()[1:]}} {
		if _, err := a.pairing.Confirm("south", by); err == nil {
			t.Errorf("%+v was taken", by)
		}
	}
	if _, err := a.pairing.Confirm("nobody", Confirmation{Yes: true}); !errors.Is(err, ErrNoPeer) {
		t.Error(err)
	}
	a.confirm("south", Confirmation{Fingerprint: strings.ToLower(string(b.id.NodeID()))})
	if _, err := a.pairing.Confirm("south", Confirmation{Fingerprint: a.id.Fingerprint()}); !errors.Is(err, ErrMismatch) {
		t.Errorf("a second confirmation that does not match: %v", err)
	}
	if p := a.peer("south"); p.State != Accepted || p.ConfirmedBy != "fingerprint" {
		t.Errorf("got %+v", p)
	}
}

func TestOffersAreBoundedAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newNode(t, "north")
		for range maxOffers {
			if _, err := a.pairing.Offer(nil, true); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.pairing.Offer(nil, true); err == nil {
			t.Error("one offer more was taken")
		}
		if all, err := a.pairing.List(); err != nil || len(all) != maxOffers {
			t.Errorf("%d offers, %v", len(all), err)
		}
		time.Sleep(cardLife + offerGrace + time.Second) // virtual
		if all, err := a.pairing.List(); err != nil || len(all) != 0 {
			t.Errorf("%d ended offers, %v", len(all), err)
		}
		if _, err := a.pairing.Offer(nil, true); err != nil {
			t.Errorf("after the others ended: %v", err)
		}
	})
}

// A store that fails changes nothing, and the verb can be tried again.
func TestFailingStoreChangesNothing(t *testing.T) {
	a, b := newNode(t, "north"), newNode(t, "south")
	b.address = "192.0.2.2:1"
	broken := &brokenStore{PeerStore: a.store}
	a.pairing = NewPairing(a.id, broken)
	card := b.card()
	broken.err = errors.New("disk full")
	if _, err := a.pairing.Accept(card, "south"); !errors.Is(err, broken.err) {
		t.Errorf("got %v", err)
	}
	if _, err := a.pairing.Peer("south"); !errors.Is(err, broken.err) && !errors.Is(err, ErrNoPeer) {
		t.Errorf("got %v", err)
	}
	broken.err = nil
	a.accept(card, "south")
	broken.err = errors.New("disk full")
	if err := a.pairing.Revoke("south"); !errors.Is(err, broken.err) {
		t.Errorf("got %v", err)
	}
	if s := a.peer("south").State; s != Accepted {
		t.Errorf("state %v", s)
	}
}

type brokenStore struct {
	PeerStore
	err error
}

func (b *brokenStore) Peers() ([]*Peer, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.PeerStore.Peers()
}

func (b *brokenStore) SavePeer(p *Peer) error {
	if b.err != nil {
		return b.err
	}
	return b.PeerStore.SavePeer(p)
}

func TestKnocksAreBounded(t *testing.T) {
	p := &Pairing{}
	k := &p.knocks
	for i := range 3 * maxKnocks {
		k.add(pin{byte(i), byte(i >> 8)}, fmt.Sprint("192.0.2.1:", i), time.Unix(int64(i), 0))
		k.add(pin{2: 1}, "192.0.2.9:9", time.Unix(int64(i), 0))
	}
	all := p.Pending()
	if len(all) != maxKnocks || all[0].Count != 3*maxKnocks || all[0].Address != "192.0.2.9:9" || all[0].Fingerprint != (pin{2: 1}).Fingerprint() {
		t.Errorf("%d knocks, the last %+v", len(all), all[0])
	}
}
