package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// The plain story: cards cross, the nodes meet, both administrators compare the words, and the session is served.
func TestPairAndTalk(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south").listen()
	b.cfg.Features = []string{"blobs"}
	a.run()
	b.run()
	exchangeCards(a, b)
	a.awaitPeer("south", Met)
	b.awaitPeer("north", Met)
	words := a.peer("south").Words
	if words == "" || words != b.peer("north").Words {
		t.Fatalf("words %q and %q", words, b.peer("north").Words)
	}
	a.confirm("south", Confirmation{Words: words})
	b.confirm("north", Confirmation{Words: words})
	sa, sb := a.next(), b.next()
	if sa.PeerID() != b.id.NodeID() || sb.PeerID() != a.id.NodeID() || !sa.PeerLedgerKey().Equal(b.id.LedgerKey().Public()) || sa.Peer() != "south" {
		t.Error("sessions with somebody else")
	}
	if h := sa.Hello(); h.Protocol != 1 || h.Format != 1 || h.Software != "parley" || h.Offset.Abs() > time.Second {
		t.Errorf("hello %+v", h)
	}
	if f := a.peer("south").Floor; f != (Floor{1, 1}) {
		t.Errorf("floor %+v", f)
	}
	talk(t, sa, sb)
	talk(t, sb, sa)
}

// talk sends a control message, a small and a large message one way.
func talk(t *testing.T, from, to *Session) {
	t.Helper()
	ctx := t.Context()
	if err := from.SendControl(ctx, 7, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if kind, body, err := to.RecvControl(ctx); kind != 7 || string(body) != "hello" || err != nil {
		t.Fatalf("got %d %q %v", kind, body, err)
	}
	w, err := from.OpenStream(ctx, "acme")
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), MaxMessage/16)
	sent := make(chan error, 1)
	go func() {
		err := w.WriteMessage(3, []byte("head "), []byte("body"))
		sent <- errors.Join(err, w.WriteMessage(4, nil, large), w.Close())
	}()
	connection, r, err := to.AcceptStream(ctx)
	if connection != "acme" || err != nil {
		t.Fatalf("got %q %v", connection, err)
	}
	if kind, body, err := r.ReadMessage(MaxMessage); kind != 3 || string(body) != "head body" || err != nil {
		t.Fatalf("got %d %q %v", kind, body, err)
	}
	if kind, body, err := r.ReadMessage(MaxMessage); kind != 4 || !bytes.Equal(body, large) || err != nil {
		t.Fatalf("got %d, %d bytes, %v", kind, len(body), err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func TestDialOnlyNodeConnects(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south")
	b.cfg.DialOnly = true
	b.listen()
	a.run()
	b.run()
	befriend(a, b)
	if s := a.next(); s.dialled {
		t.Error("somebody dialled a node that listens nowhere")
	}
	b.next()
	if !b.endpoint.States()["north"].Dialled || b.endpoint.States()["north"].State != "up" {
		t.Errorf("states %+v", b.endpoint.States())
	}
}

func TestPostQuantumOnly(t *testing.T) {
	a, b := newNode(t, "north"), newNode(t, "south")
	a.cfg.PQOnly = true
	a.listen().run()
	b.listen().run()
	befriend(a, b)
	if curve := a.next().conn.ConnectionState().TLS.CurveID; curve != tls.X25519MLKEM768 {
		t.Errorf("agreed on %v", curve)
	}
	// Who has nothing better than X25519 is refused.
	conf := rawTLS(t, b.id)
	conf.CurvePreferences = []tls.CurveID{tls.X25519}
	if _, err := quic.DialAddr(t.Context(), a.address, conf, nil); err == nil {
		t.Error("a connection without a post-quantum key exchange")
	}
}

// An unpaired key gets no further than the handshake, and is listed.
func TestUnpairedKeyIsRefusedAndListed(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south").listen()
	a.run()
	b.run()
	b.accept(a.card(), "north") // only on one side
	for len(a.pairing.Pending()) == 0 {
		b.await("north", "down")
	}
	k := a.pairing.Pending()[0]
	if k.NodeID != b.id.NodeID() || k.Fingerprint != b.id.Fingerprint() || k.Address != b.address || k.Count < 1 || k.Last.IsZero() {
		t.Errorf("knock %+v", k)
	}
	for b.endpoint.States()["north"].Err == "" {
		b.await("north", "down")
	}
	const want = "the partner's node refused our key"
	if err := b.endpoint.States()["north"].Err; !bytes.Contains([]byte(err), []byte(want)) {
		t.Errorf("the refused side is told %q", err)
	}
	if len(a.endpoint.States()) != 0 {
		t.Errorf("the refusing side has links: %+v", a.endpoint.States())
	}
	// Once accepted, the same knock is let in.
	a.accept(b.card(), "south")
	b.await("north", "meeting")
}

// At the partner's address another node answers, with a key of its own.
func TestWrongKeyAtTheAddress(t *testing.T) {
	a, b, c := newNode(t, "north").listen(), newNode(t, "south"), newNode(t, "west").listen()
	a.run()
	c.run()
	b.address = c.address
	c.accept(a.card(), "north") // so that it is not c that refuses
	a.accept(b.card(), "south")
	for a.endpoint.States()["south"].Err == "" {
		a.await("south", "down")
	}
	if err := a.endpoint.States()["south"].Err; !bytes.Contains([]byte(err), []byte("another node answers there")) {
		t.Errorf("got %q", err)
	}
}

func TestRevokeClosesAtOnce(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south").listen()
	a.run()
	b.run()
	befriend(a, b)
	s, _ := a.next(), b.next()
	began := time.Now()
	if err := a.pairing.Revoke("south"); err != nil {
		t.Fatal(err)
	}
	if s.conn.Context().Err() == nil || time.Since(began) > time.Second {
		t.Error("the session lives on")
	}
	if _, _, err := s.RecvControl(t.Context()); err == nil {
		t.Error("a message from a revoked peer")
	}
	b.await("north", "down")
	for len(a.pairing.Pending()) == 0 { // it tries again, in vain
		b.await("north", "down")
	}
	// And it can be paired anew, under the same name.
	if err := b.pairing.Revoke("north"); err != nil {
		t.Fatal(err)
	}
	befriend(a, b)
	a.next()
	b.next()
}

func TestRestartWithTheSameKeys(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south").listen()
	a.run()
	b.run()
	befriend(a, b)
	a.next()
	b.next()
	a.restart()
	talk(t, a.next(), b.next())
	if p := a.peer("south"); p.State != Active {
		t.Errorf("after a restart: %v", p.State)
	}
}

// Many nodes reach a hub at once; none is lost on the way.
func TestManyReachAHub(t *testing.T) {
	const many = 40
	hub := newNode(t, "hub").listen()
	hub.sessions = make(chan *Session, 10*many)
	var all []*node
	for i := range many {
		n := newNode(t, fmt.Sprint("n", i))
		n.cfg.DialOnly = true
		all = append(all, n.listen())
		befriend(hub, n)
	}
	hub.run()
	for _, n := range all {
		n.run()
	}
	for _, n := range all {
		n.await("hub", "up")
		hub.await(n.id.Name(), "up")
	}
}

// Run ends while sessions, dials and streams are under way; goleak sees to the rest.
func TestRunWaitsForServe(t *testing.T) {
	a, b := newNode(t, "north"), newNode(t, "south").listen()
	left := make(chan struct{})
	a.cfg.Serve = func(ctx context.Context, s *Session) error {
		defer close(left)
		a.sessions <- s
		_, r, err := s.AcceptStream(ctx)
		if err != nil {
			return err
		}
		_, _, err = r.ReadFrame() // blocks: nothing is sent
		return err
	}
	a.listen().run()
	b.run()
	befriend(a, b)
	a.next()
	s := b.next()
	if _, err := s.OpenStream(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	a.stop()
	select {
	case <-left:
	default:
		t.Error("Run returned before Serve")
	}
}

// A stream ends with its context, on either side.
func TestStreamsEndWithTheirContext(t *testing.T) {
	a, b := newNode(t, "north").listen(), newNode(t, "south").listen()
	a.run()
	b.run()
	befriend(a, b)
	sa, sb := a.next(), b.next()
	ctx, cancel := context.WithCancel(t.Context())
	w, err := sa.OpenStream(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := sb.AcceptStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() { _, _, err := r.ReadFrame(); read <- err }()
	cancel()
	if err := <-read; err == nil {
		t.Error("a read outlived its context")
	}
	// The writer learns of it too, and the session is none the worse.
	for err == nil {
		if err = w.WriteFrame(1, make([]byte, 1000)); err == nil {
			err = w.Flush()
		}
	}
	w.Reset()
	talk(t, sb, sa)
}

func TestConfigIsChecked(t *testing.T) {
	a, b := newNode(t, "north"), newNode(t, "south")
	good := a.cfg
	good.Pairing, good.Listen = a.pairing, "127.0.0.1:0"
	for name, spoil := range map[string]func(c *Config){
		"no identity":       func(c *Config) { c.Identity = nil },
		"no pairing":        func(c *Config) { c.Pairing = nil },
		"no serve":          func(c *Config) { c.Serve = nil },
		"another's pairing": func(c *Config) { c.Pairing = b.pairing },
		"bad address":       func(c *Config) { c.Listen = "nowhere" },
		"bad versions":      func(c *Config) { c.Format = Versions{3, 2} },
		"bad features":      func(c *Config) { c.Features = []string{""} },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	e, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := e.Run(t.Context()); err == nil {
		t.Error("a closed endpoint ran")
	}
	socket, err := net.ListenPacket("udp", e.Addr().String())
	if err != nil {
		t.Fatalf("the socket is still open: %v", err)
	}
	socket.Close()
}
