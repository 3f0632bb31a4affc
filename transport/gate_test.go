package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/time/rate"
)

// deaf makes a node listen to no stranger at all, as in a flood without end.
func (n *node) deaf() *node {
	n.endpoint.gate.strangers = rate.NewLimiter(0, 0)
	return n
}

// count is how many connections have no whole ClientHello. It sees that the addresses' counts agree.
func (g *gate) count() (all int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range g.from {
		all += n
	}
	if all != g.opening {
		return -1
	}
	return all
}

// refused dials with a configuration and returns once the node has refused.
func refused(t *testing.T, address string, conf *tls.Config) {
	t.Helper()
	conn, err := quic.DialAddr(t.Context(), address, conf, nil)
	if err == nil {
		select {
		case <-conn.Context().Done():
		case <-time.After(30 * time.Second):
			t.Fatal("a stranger was let in")
		}
	}
}

// While no stranger is listened to, who holds a card of ours gets in at the first dial: for
// the first meeting, as an active peer, and to be listed where we have not accepted its card yet.
func TestWhoHoldsOurCardIsHeard(t *testing.T) {
	hub := newNode(t, "hub").listen().deaf()
	hub.run()
	stranger, err := NewIdentity("stranger")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		refused(t, hub.address, rawTLS(t, stranger))
	}
	if k, u := hub.pairing.Pending(), hub.pairing.Unheard(); len(k) != 0 || u.Count != 3 || u.Address == "" || u.First.After(u.Last) {
		t.Errorf("knocks %+v, unheard %+v", k, u)
	}
	friend, guest := newNode(t, "friend"), newNode(t, "guest")
	for _, n := range []*node{friend, guest} {
		n.cfg.DialOnly = true
		n.listen()
	}
	befriend(hub, friend)
	friend.run()
	first := hub.next() // they have never met before
	friend.next()
	first.Close(1, "again")
	hub.next()
	friend.next()
	if hub.endpoint.gate.count() != 0 {
		t.Error("a session still counts among those whose ClientHello is not whole")
	}

	guest.accept(hub.card(), "hub") // and the hub has not accepted the guest's
	guest.run()
	for len(hub.pairing.Pending()) == 0 {
		guest.await("hub", "down")
	}
	if k := hub.pairing.Pending()[0]; k.NodeID != guest.id.NodeID() {
		t.Errorf("it heard of %+v", k)
	}
	if err := friend.pairing.Revoke("hub"); err != nil {
		t.Fatal(err)
	}
	if err := hub.pairing.Revoke("friend"); err != nil {
		t.Fatal(err)
	}
	before := hub.pairing.Unheard().Count
	conf := rawTLS(t, friend.id)
	conf.NextProtos = append(conf.NextProtos, proofAt(first.card.hash(), hourOf(time.Now())))
	refused(t, hub.address, conf)
	if after := hub.pairing.Unheard().Count; after != before+1 {
		t.Errorf("%d and then %d unheard: a revoked peer was listened to", before, after)
	}
}

// A partner gets in while strangers flood from the same address, as behind one NAT, within one window
// of its dial loop, and strangers are still listed meanwhile.
func TestPartnerGetsInDuringAFlood(t *testing.T) {
	hub := newNode(t, "hub").listen()
	hub.run()
	crowd := callStrangers(t, hub.address)
	var got outcome
	over := crowd.flood(600, &got)
	for hub.pairing.Unheard().Count == 0 {
		select {
		case <-over:
			t.Fatalf("a flood without anybody unheard: %+v", got)
		case <-time.After(5 * time.Millisecond):
		}
	}
	friend := newNode(t, "friend")
	friend.cfg.DialOnly = true
	friend.listen()
	befriend(hub, friend)
	began := time.Now()
	friend.run()
	talk(t, hub.next(), friend.next())
	if took := time.Since(began); took > lastWindow {
		t.Errorf("it took %v to get in", took)
	}
	<-over
	if k := hub.pairing.Pending(); len(k) != 1 || k[0].Count < strangersBurst/2 {
		t.Errorf("heard of %+v, where one stranger knocked all the time", k)
	}
	if got.Refused < got.Dialled/2 { // the rest found a busy machine
		t.Errorf("the strangers' dials: %+v", got)
	}
}

// firstOnly is a socket that lets the first packet out and no other: its ClientHello never gets whole.
type firstOnly struct {
	net.PacketConn
	once sync.Once
}

func (f *firstOnly) WriteTo(b []byte, to net.Addr) (n int, err error) {
	n = len(b)
	f.once.Do(func() { n, err = f.PacketConn.WriteTo(b, to) })
	return n, err
}

// Dials that never finish their ClientHello take few places, and no partner's.
func TestHalfDialsTakeLittleRoom(t *testing.T) {
	hub := newNode(t, "hub").listen()
	hub.run()
	stranger, err := NewIdentity("stranger")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var dials sync.WaitGroup
	defer dials.Wait()
	defer cancel()
	for range openingFree + 20 {
		socket, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conf := rawTLS(t, stranger)
		dials.Go(func() {
			defer socket.Close()
			from := &quic.Transport{Conn: &firstOnly{PacketConn: socket}}
			defer from.Close()
			if _, err := from.Dial(ctx, hub.endpoint.Addr(), conf, nil); err == nil {
				t.Error("a half dial came through")
			}
		})
	}
	for !hub.endpoint.gate.crowded() {
		select {
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	friend := newNode(t, "friend")
	friend.cfg.DialOnly = true
	friend.listen()
	befriend(hub, friend)
	friend.run()
	talk(t, hub.next(), friend.next())
	cancel()
	dials.Wait()
	deadline := time.After(30 * time.Second)
	for { // whoever opened a connection and vanished is forgotten
		opening := hub.endpoint.gate.count()
		if opening == 0 {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("%d half dials stay", opening)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// The second door: so many of one address, so many in all, and each leaves once, heard or not.
func TestOpeningConnectionsAreCounted(t *testing.T) {
	n := newNode(t, "hub")
	g := newGate(n.pairing, n.cfg.Logger)
	from := func(i int) *quic.ClientInfo {
		return &quic.ClientInfo{RemoteAddr: &net.UDPAddr{IP: net.ParseIP(fmt.Sprintf("2001:db8:0:%x::%x", i, i+1)), Port: 1000 + i}}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var inside []context.Context
	enter := func(i int) error {
		in, err := g.enter(ctx, from(i))
		if err == nil {
			inside = append(inside, in)
		}
		return err
	}
	for range openingEach {
		if err := enter(0); err != nil {
			t.Fatal(err)
		}
	}
	if err := enter(0); err != errUnheard {
		t.Errorf("one address too many: %v", err)
	}
	for i := 1; len(inside) < openingMost; i++ {
		if err := enter(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := enter(openingMost); err != errUnheard || !g.unproven(nil) {
		t.Errorf("one too many in all: %v", err)
	}
	leave := inside[0].Value(openingKey{}).(func())
	leave()
	leave()
	if n := g.count(); n != openingMost-1 || enter(0) != nil {
		t.Errorf("%d inside after one left", n)
	}
	cancel()
	deadline := time.After(30 * time.Second)
	for g.count() != 0 {
		select {
		case <-deadline:
			t.Fatalf("%d are still counted", g.count())
		case <-time.After(time.Millisecond):
		}
	}
	if u := n.pairing.Unheard(); u.Count != 2 {
		t.Errorf("unheard %+v", u)
	}
}

func TestConnectionsAreCountedByNetwork(t *testing.T) {
	for _, c := range [][2]string{
		{"192.0.2.7", "192.0.2.7"}, {"::ffff:192.0.2.7", "192.0.2.7"}, {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"}, {"fe80::1", "fe80::"},
	} {
		if got := addressOf(&net.UDPAddr{IP: net.ParseIP(c[0])}); got.String() != c[1] {
			t.Errorf("%s counts as %v, want %s", c[0], got, c[1])
		}
	}
	if got := addressOf(&net.TCPAddr{}); got.IsValid() {
		t.Errorf("another kind of address counts as %v", got)
	}
}

// A proof is good an hour before and after, for live offers and pairings, and each card's lane is its own.
func TestProofsOfCards(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south").listen()
	defer a.endpoint.Close()
	defer b.endpoint.Close()
	one, err := ParseCard(a.card())
	if err != nil {
		t.Fatal(err)
	}
	two, err := ParseCard(a.card())
	if err != nil {
		t.Fatal(err)
	}
	p := newProofs(a.pairing)
	p.limit = 0 // a lane that is full stays full
	hour := hourOf(time.Now())
	shows := func(c *Card, hour int64) bool { return p.admit([]string{protocolName, proofAt(c.hash(), hour)}) }
	for _, c := range []struct {
		off  int64
		good bool
	}{{-2, false}, {-1, true}, {0, true}, {1, true}, {2, false}} {
		if got := shows(one, hour+c.off); got != c.good {
			t.Errorf("%+d hours: %v", c.off, got)
		}
	}
	for _, list := range [][]string{nil, {protocolName}, {proofPrefix}, {proofPrefix + "nonsense"}, {proofPrefix + "guess", proofAt(one.hash(), hour)}} {
		if p.admit(list) {
			t.Errorf("%q was admitted", list)
		}
	}
	for shows(one, hour) {
	}
	if !shows(two, hour) {
		t.Error("one card's lane is another's")
	}
	p.stale.Store(true) // a pairing changed: the full lane stays full
	if shows(one, hour) {
		t.Error("a change of any pairing empties the lanes")
	}
	a.accept(b.card(), "south")
	p.stale.Store(true)
	if _, err := a.pairing.bind("south", two.hash()); err != nil {
		t.Fatal(err)
	}
	if !shows(two, hour) {
		t.Error("a card that became a pairing's is no longer known")
	}
	if err := a.pairing.Revoke("south"); err != nil {
		t.Fatal(err)
	}
	p.stale.Store(true)
	if shows(two, hour) {
		t.Error("a revoked partner's card still opens its lane")
	}
	if got := proofAt([32]byte{1, 2, 3}, 498_000); got != "parley-card/shJ-uJp9OTSlPVV5bS3TQg" {
		t.Errorf("the proof of a known card and hour: %s", got)
	}
	if proof := proofAt(one.hash(), hour); slices.Contains([]string{proofAt(two.hash(), hour), proofAt(one.hash(), hour+1)}, proof) || len(proof) > 64 {
		t.Errorf("proof %q", proof)
	}
}
