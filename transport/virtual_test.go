package transport

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
)

// These tests run two whole nodes over quic-go's simulated network in virtual time: a day of it costs milliseconds.

// virtualStart is when a bubble's story begins. quic-go counts time from the start of
// the process; in the year 2000, where a bubble's clock starts, that is below zero,
// and a lost path probe, whose time is zero, lies ahead for ever: its loop spins.
// This year begins on a Saturday, and has a day more, as that one.
var virtualStart = time.Date(2084, 1, 1, 0, 0, 0, 0, time.UTC)

// virtual runs a story of two nodes that listen and are not paired yet.
func virtual(t *testing.T, story func(t *testing.T, a, b *node, wire *lossy)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(virtualStart))
		a, b, wire := simulated(t)
		a.listen()
		b.listen()
		story(t, a, b, wire)
		for _, n := range []*node{a, b} {
			if n.stop != nil {
				n.stop()
			}
		}
	})
}

// connected has both run and be served.
func connected(a, b *node) (sa, sb *Session) {
	a.run()
	b.run()
	befriend(a, b)
	return a.latest(), b.latest()
}

// latest waits until the waves of a first contact have settled, and returns the session that stays.
func (n *node) latest() *Session {
	n.t.Helper()
	s := n.next()
	time.Sleep(2 * atOnce) // virtual
	for {
		select {
		case s = <-n.sessions:
		default:
			return s
		}
	}
}

func TestQuietLinkStaysUp(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		sa, sb := connected(a, b)
		time.Sleep(24 * time.Hour)
		if sa.conn.Context().Err() != nil || a.endpoint.States()["south"].State != "up" {
			t.Errorf("after a quiet day: %+v", a.endpoint.States())
		}
		talk(t, sa, sb)
	})
}

func TestReconnectsAfterACut(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, wire *lossy) {
		connected(a, b)
		wire.setCut(true)
		time.Sleep(2 * idleTimeout)
		for n, peer := range map[*node]string{a: "south", b: "north"} {
			if s := n.endpoint.States()[peer]; s.State != "down" || s.Err == "" {
				t.Errorf("%s while cut off: %+v", n.id.Name(), s)
			}
		}
		wire.setCut(false)
		began := time.Now()
		talk(t, a.latest(), b.latest())
		if took := time.Since(began); took > 2*lastWindow {
			t.Errorf("back after %v", took)
		}
	})
}

// Both sides dial at the same instant, over and over: each time both keep the same connection, the one that the smaller id dialled.
func TestBothDialAtOnce(t *testing.T) {
	for range 10 {
		virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
			befriend(a, b)
			a.run()
			b.run()
			sa, sb := a.latest(), b.latest()
			small, large := sa, sb
			if a.id.NodeID() > b.id.NodeID() {
				small, large = sb, sa
			}
			if !small.dialled || large.dialled {
				t.Errorf("the connection that stays was dialled by the larger id")
			}
			if sa.number != sb.number {
				t.Errorf("the sides keep different connections: %d and %d", sa.number, sb.number)
			}
			talk(t, sa, sb)
		})
	}
}

// One side loses its state of a connection silently: its new dial replaces the old connection at once, without waiting for the idle timeout.
func TestNewerConnectionReplacesOlder(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		a.cfg.DialOnly, a.endpoint = true, nil
		a.listen()
		old, _ := connected(a, b)
		// A second connection of the same peer, as after a restart that nobody noticed.
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		k, _ := a.pairing.look("south")
		go func() {
			conn, err := a.endpoint.connect(ctx, k)
			if err == nil {
				err = a.endpoint.attend(ctx, conn, true, func() {})
			}
			done <- err
		}()
		began := time.Now()
		sa, sb := a.next(), b.next()
		if took := time.Since(began); took > time.Second {
			t.Errorf("replaced after %v", took)
		}
		if old.conn.Context().Err() == nil {
			t.Error("the old connection lives")
		}
		talk(t, sa, sb)
		cancel()
		<-done
	})
}

// A confirmation given while both are connected takes effect at once.
func TestConfirmTakesEffectAtOnce(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		a.run()
		b.run()
		exchangeCards(a, b)
		time.Sleep(time.Minute)
		a.confirm("south", Confirmation{Words: b.peer("north").Words})
		time.Sleep(24 * time.Hour) // the other administrator is away; the link waits in quarantine
		if len(a.sessions) > 0 || len(b.sessions) > 0 || a.endpoint.States()["south"].State != "meeting" {
			t.Fatalf("served before both confirmed: %+v", a.endpoint.States())
		}
		began := time.Now()
		b.confirm("north", Confirmation{Words: a.peer("south").Words})
		a.next()
		b.next()
		if took := time.Since(began); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A connection would outlive its certificates; a timer ends it, and a renewed leaf begins the next.
func TestLeavesAreRenewed(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		const life = 3 * time.Hour // in place of 90 days
		a.id.leafLife, b.id.leafLife = life, life
		sa, sb := connected(a, b)
		first := sb.conn.ConnectionState().TLS.PeerCertificates[0].NotAfter
		time.Sleep(life + time.Minute)
		if sa.conn.Context().Err() == nil {
			t.Error("a connection outlived its leaf")
		}
		sa, sb = a.latest(), b.latest()
		talk(t, sa, sb)
		if next := sb.conn.ConnectionState().TLS.PeerCertificates[0].NotAfter; !next.After(first.Add(life / 2)) {
			t.Errorf("the leaf after %v ends %v", first, next)
		}
		time.Sleep(5 * life)
		if s := a.endpoint.States()["south"]; s.State != "up" {
			t.Errorf("five leaves later: %+v", s)
		}
	})
}

// The node certificate's own end is the end: nothing connects any more, and the administrator is told why.
func TestNodeCertificateEnds(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		cert, err := newNodeCertificate("south", b.id.key.(ed25519.PrivateKey), time.Now(), 2*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		b.id.cert = cert
		sa, _ := connected(a, b)
		time.Sleep(2*time.Hour - time.Minute)
		if sa.conn.Context().Err() != nil {
			t.Error("ended too soon")
		}
		time.Sleep(2 * time.Minute)
		for n, peer := range map[*node]string{a: "south", b: "north"} {
			if s := n.endpoint.States()[peer]; s.State != "down" || !strings.Contains(s.Err, "certificate") {
				t.Errorf("after the end %s says %+v", n.id.Name(), s)
			}
		}
	})
}

// Who connects and then says nothing is given up on in time, on either side.
func TestSilentPeersAreGivenUp(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		a.run()
		befriend(a, b)
		b.stop = func() {} // b's own endpoint never runs: the test speaks for it
		tr := &quic.Transport{Conn: b.cfg.Conn}
		defer tr.Close()
		listener, err := tr.Listen(rawServerTLS(t, b.id), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			conn, err := listener.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			<-conn.Context().Done()
			if took := time.Since(began); took < helloTimeout-time.Second || took > helloTimeout+time.Second {
				t.Errorf("given up after %v", took)
			}
			app, ok := errors.AsType[*quic.ApplicationError](context.Cause(conn.Context()))
			if !ok || app.ErrorCode != codeSilent {
				t.Errorf("closed with %v", context.Cause(conn.Context()))
			}
		}
		listener.Close()
		a.stop()
	})
}

// A version that was agreed on once is the floor from then on, until an administrator resets it.
func TestVersionFloorHolds(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		a.cfg.Format, b.cfg.Format = Versions{1, 3}, Versions{1, 2}
		a.listen()
		b.listen()
		sa, _ := connected(a, b)
		if h := sa.Hello(); h.Format != 2 || h.Theirs != (Versions{1, 2}) {
			t.Errorf("hello %+v", h)
		}
		b.stop()
		b.cfg.Format = Versions{1, 1}
		b.listen().run()
		time.Sleep(time.Minute)
		if s := a.endpoint.States()["south"]; s.State != "down" || len(a.sessions) > 0 {
			t.Errorf("the version sank silently: %+v", s)
		}
		if s := b.endpoint.States()["north"]; s.Err == "" {
			t.Errorf("and the other side knows nothing: %+v", s)
		}
		for n, peer := range map[*node]string{a: "south", b: "north"} {
			if err := n.pairing.ResetFloor(peer); err != nil {
				t.Fatal(err)
			}
		}
		if h := a.latest().Hello(); h.Format != 1 {
			t.Errorf("after the reset: %+v", h)
		}
	})
}

func TestPositionsReachOnlyActivePeers(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		asked := make(chan string, 16)
		a.cfg.Hello = func(peer string) [][]byte {
			asked <- peer
			return [][]byte{[]byte("one"), bytes.Repeat([]byte{2}, MaxPosition)}
		}
		a.listen().run()
		b.run()
		exchangeCards(a, b)
		a.confirm("south", Confirmation{Yes: true})
		time.Sleep(time.Minute)
		if len(asked) > 0 {
			t.Error("a quarantined peer was told positions")
		}
		b.confirm("north", Confirmation{Yes: true})
		got := b.next().Hello().Positions
		if len(got) != 2 || string(got[0]) != "one" || len(got[1]) != MaxPosition || <-asked != "south" {
			t.Errorf("got %d positions", len(got))
		}
	})
}

// The peer moved: a new address is dialled without waiting.
func TestNewAddressIsDialled(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		b.cfg.DialOnly = true // so that only a dials
		a.run()
		b.run()
		card, err := b.pairing.Offer([]string{"10.9.9.9:1"}, false)
		if err != nil {
			t.Fatal(err)
		}
		b.endpoint.Kick("nobody")
		a.accept(card, "south")
		time.Sleep(time.Hour)
		if s := a.endpoint.States()["south"]; s.State != "down" || s.Err == "" {
			t.Errorf("at the wrong address: %+v", s)
		}
		b.accept(a.card(), "north")
		if err := b.pairing.SetAddresses("north", nil); err != nil {
			t.Fatal(err)
		}
		if err := a.pairing.SetAddresses("south", []string{b.address}); err != nil {
			t.Fatal(err)
		}
		a.await("south", "meeting")
	})
}

// A node that crashed and came back with the same reset key is noticed by the first packet, not by the idle timeout.
func TestCrashIsNoticedByTheResetKey(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, wire *lossy) {
		b.cfg.DialOnly = true // for its cards: only a dials
		a.run()
		b.run()
		card, err := b.pairing.Offer([]string{b.address}, false)
		if err != nil {
			t.Fatal(err)
		}
		a.accept(card, "south")
		b.accept(a.card(), "north")
		if err := b.pairing.SetAddresses("north", nil); err != nil {
			t.Fatal(err)
		}
		a.confirm("south", Confirmation{Yes: true})
		b.confirm("north", Confirmation{Yes: true})
		sa := a.latest()
		b.latest()
		wire.setCut(true) // so that b's goodbye is lost
		b.stop()
		time.Sleep(time.Second) // it is on its way for 20 ms
		wire.setCut(false)
		b.cfg.DialOnly = false
		b.pairing = NewPairing(b.id, b.store)
		b.listen().run()
		began := time.Now()
		sa.SendControl(t.Context(), 1, []byte("are you there"))
		a.next()
		if took := time.Since(began); took > idleTimeout/2 { // a lost packet or two is asked for again within seconds
			t.Errorf("back after %v", took)
		}
		if _, ok := errors.AsType[*quic.StatelessResetError](context.Cause(sa.conn.Context())); !ok {
			t.Errorf("the old session ended with %v", context.Cause(sa.conn.Context()))
		}
	})
}
