package transport

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"
)

// node is one company's side in a test. Served sessions come out of sessions.
type node struct {
	t        testing.TB
	id       *Identity
	store    *MemoryStore
	pairing  *Pairing
	endpoint *Endpoint
	cfg      Config
	address  string
	sessions chan *Session
	stop     func()
}

func newNode(t testing.TB, name string) *node {
	t.Helper()
	id, err := NewIdentity(name)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, id: id, store: &MemoryStore{}, sessions: make(chan *Session, 16)}
	n.pairing = NewPairing(id, n.store)
	n.cfg = Config{Identity: id, Logger: slog.New(slog.DiscardHandler), ResetKey: [32]byte{1}, TokenKey: [32]byte{2}}
	n.cfg.Serve = func(ctx context.Context, s *Session) error {
		select {
		case n.sessions <- s:
		default:
		}
		<-ctx.Done()
		return nil
	}
	return n
}

// listen opens the node's socket, so that cards can name its address.
func (n *node) listen() *node {
	n.t.Helper()
	n.cfg.Identity, n.cfg.Pairing = n.id, n.pairing
	if n.cfg.Conn == nil && n.cfg.Listen == "" {
		n.cfg.Listen = "127.0.0.1:0"
	}
	e, err := New(n.cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	n.endpoint, n.address = e, e.Addr().String()
	return n
}

// run runs the node until stop, or the end of the test.
func (n *node) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	e := n.endpoint
	go func() { done <- e.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			n.t.Errorf("%s: Run: %v", n.id.Name(), err)
		}
	})
	n.t.Cleanup(n.stop)
}

// restart stops the node and starts it again from what its store holds.
func (n *node) restart() {
	n.t.Helper()
	n.stop()
	n.cfg.Listen = n.address
	n.pairing = NewPairing(n.id, n.store)
	n.listen().run()
}

func (n *node) card() []byte {
	n.t.Helper()
	var addresses []string
	if !n.cfg.DialOnly {
		addresses = []string{n.address}
	}
	card, err := n.pairing.Offer(addresses, n.cfg.DialOnly)
	if err != nil {
		n.t.Fatal(err)
	}
	return card
}

func (n *node) accept(card []byte, as string) {
	n.t.Helper()
	if _, err := n.pairing.Accept(card, as); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) confirm(peer string, by Confirmation) {
	n.t.Helper()
	if _, err := n.pairing.Confirm(peer, by); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) peer(name string) *Peer {
	n.t.Helper()
	p, err := n.pairing.Peer(name)
	if err != nil {
		n.t.Fatal(err)
	}
	return p
}

// next returns the next served session.
func (n *node) next() *Session {
	n.t.Helper()
	select {
	case s := <-n.sessions:
		return s
	case <-time.After(60 * time.Second):
		n.t.Fatalf("%s: no session; links: %+v", n.id.Name(), n.endpoint.States())
		return nil
	}
}

// await waits until the link is in that state. It asks again at every change of the pairing, and often.
func (n *node) await(peer, state string) LinkState {
	n.t.Helper()
	deadline := time.After(120 * time.Second)
	for {
		if s := n.endpoint.States()[peer]; s.State == state {
			return s
		}
		select {
		case <-deadline:
			n.t.Fatalf("%s: %s never %s; links: %+v", n.id.Name(), peer, state, n.endpoint.States())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// exchangeCards has both accept each other's card, named by the other's own name.
func exchangeCards(a, b *node) {
	a.t.Helper()
	cardA, cardB := a.card(), b.card()
	a.accept(cardB, b.id.Name())
	b.accept(cardA, a.id.Name())
}

// befriend makes the pairing whole by fingerprints, before the nodes have met.
func befriend(a, b *node) {
	a.t.Helper()
	exchangeCards(a, b)
	a.confirm(b.id.Name(), Confirmation{Fingerprint: b.id.Fingerprint()})
	b.confirm(a.id.Name(), Confirmation{Fingerprint: string(a.id.NodeID())})
}

// lossy is a network that can be cut.
type lossy struct {
	simnet.PerfectRouter
	mu  sync.Mutex
	cut bool
}

func (l *lossy) SendPacket(p simnet.Packet) error {
	l.mu.Lock()
	cut := l.cut
	l.mu.Unlock()
	if cut {
		return nil
	}
	return l.PerfectRouter.SendPacket(p)
}

func (l *lossy) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
}

// simulated makes two nodes on a simulated network with 40 ms round trips; for use inside a synctest bubble.
func simulated(t *testing.T) (a, b *node, wire *lossy) {
	t.Helper()
	wire = &lossy{}
	net4 := func(last byte, port int) *net.UDPAddr { return &net.UDPAddr{IP: net.IPv4(10, 0, 0, last), Port: port} }
	n := &simnet.Simnet{Router: wire}
	link := simnet.NodeBiDiLinkSettings{Latency: 20 * time.Millisecond}
	connA, connB := n.NewEndpoint(net4(1, 7843), link), n.NewEndpoint(net4(2, 7843), link)
	if err := n.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connA.Close(); connB.Close(); n.Close() })
	a, b = newNode(t, "north"), newNode(t, "south")
	a.cfg.Conn, b.cfg.Conn = connA, connB
	return a, b, wire
}

// awaitPeer waits until a pairing is in that state.
func (n *node) awaitPeer(name string, state PeerState) {
	n.t.Helper()
	deadline := time.After(120 * time.Second)
	for n.peer(name).State != state {
		select {
		case <-deadline:
			n.t.Fatalf("%s: %s never %s: %+v; links: %+v", n.id.Name(), name, state, n.peer(name), n.endpoint.States())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
