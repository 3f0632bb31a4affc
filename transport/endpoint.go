package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	keepAlive    = 15 * time.Second
	idleTimeout  = 45 * time.Second
	helloTimeout = 10 * time.Second // for each answer that opens a session

	maxStreams    = 256 // replica streams that a peer may have open towards us
	streamWindow  = 1 << 20
	windowsInAll  = 1 << 30 // shared by all peers' stream windows
	smallWindow   = 256 << 10
	largeWindow   = 16 << 20
	stalledFactor = 4 // whole streams that may stand still before the rest of the connection does

	dialsAtOnce = 64 // quic-go's accept queue is 32 deep; from 64 diallers none was refused (measured)
)

// Config says what an Endpoint is made of.
type Config struct {
	Identity *Identity // must be set
	Pairing  *Pairing  // must be set, and built from Identity

	Conn     net.PacketConn // the socket, which stays the caller's to close; nil: one is opened at Listen
	Listen   string         // host:port; empty: any address and a free port. Ignored where Conn is set
	DialOnly bool           // accept no connections

	ResetKey, TokenKey [32]byte // kept by the caller over restarts; zero: fresh ones, and a restart is noticed only after the idle timeout

	PQOnly   bool         // refuse peers without X25519MLKEM768; without it that is preferred
	Format   Versions     // of the caller's own format; zero: 1 to 1
	Features []string     // told to the peer; both sides' common ones are in Hello
	Software string       // build, told to the peer for display; empty: "parley"
	Logger   *slog.Logger // nil: slog.Default

	// Hello gives the positions to put into a hello: each at most MaxPosition bytes, at most MaxPositions. It is asked only for active peers. nil: none.
	Hello func(peer string) [][]byte

	// Serve runs for each answered session of an active peer, one at a time for a peer. ctx ends when the session is lost or replaced, and
	// every read and write of the session then fails: Serve must return soon. Its return closes the session. It must be set.
	Serve func(ctx context.Context, s *Session) error

	protocol Versions // zero: what this build speaks
}

// Endpoint is one node on the network: one UDP socket that listens and dials.
type Endpoint struct {
	cfg      Config
	log      *slog.Logger
	socket   net.PacketConn
	owned    bool // the socket is ours to close
	quic     *quic.Transport
	quicConf *quic.Config
	gate     *gate
	dials    chan struct{} // dialsAtOnce places
	running  atomic.Bool
	wg       sync.WaitGroup // everything that Run started

	mu      sync.Mutex
	links   map[string]*link // guarded by mu: by peer name
	changed chan struct{}    // guarded by mu: closed and replaced on every Kick
	number  uint64           // guarded by mu: the last that we picked a connection with
}

// New checks the config and opens the socket; nothing runs before Run. An endpoint that is never run must be closed.
func New(cfg Config) (*Endpoint, error) {
	if cfg.Identity == nil || cfg.Pairing == nil || cfg.Serve == nil {
		return nil, errors.New("making an endpoint: Identity, Pairing and Serve must be set")
	}
	if cfg.Pairing.id != cfg.Identity {
		return nil, errors.New("making an endpoint: Pairing belongs to another identity")
	}
	if cfg.Format == (Versions{}) {
		cfg.Format = Versions{1, 1}
	}
	if cfg.protocol == (Versions{}) {
		cfg.protocol = Versions{protocolMin, protocolMax}
	}
	if cfg.Software == "" {
		cfg.Software = "parley"
	}
	if cfg.Format.Min == 0 || cfg.Format.Min > cfg.Format.Max || len(cfg.Software) > maxName || !printable(cfg.Software) || !goodFeatures(cfg.Features) {
		return nil, errors.New("making an endpoint: Format, Software or Features are out of bounds")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	peers, err := cfg.Pairing.List()
	if err != nil {
		return nil, fmt.Errorf("making an endpoint: %w", err)
	}
	e := &Endpoint{
		cfg: cfg, log: cfg.Logger, socket: cfg.Conn, quicConf: quicConfig(len(peers)),
		gate: newGate(cfg.Pairing, cfg.Logger), dials: make(chan struct{}, dialsAtOnce),
		links: map[string]*link{}, changed: make(chan struct{}),
	}
	if e.socket == nil {
		if e.socket, err = listenUDP(cfg.Listen); err != nil {
			return nil, fmt.Errorf("making an endpoint: %w", err)
		}
		e.owned = true
	}
	e.quic = &quic.Transport{Conn: e.socket, VerifySourceAddress: e.gate.unproven, ConnContext: e.gate.enter}
	if cfg.ResetKey != ([32]byte{}) {
		e.quic.StatelessResetKey = (*quic.StatelessResetKey)(&cfg.ResetKey)
	}
	if cfg.TokenKey != ([32]byte{}) {
		e.quic.TokenGeneratorKey = (*quic.TokenGeneratorKey)(&cfg.TokenKey)
	}
	return e, nil
}

func goodFeatures(features []string) bool {
	return len(features) <= maxFeatures && !slices.ContainsFunc(features, func(f string) bool {
		return f == "" || len(f) > maxFeature || !printable(f)
	})
}

func listenUDP(listen string) (net.PacketConn, error) {
	if listen == "" {
		listen = ":0"
	}
	addr, err := net.ResolveUDPAddr("udp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: %w", listen, err)
	}
	return net.ListenUDP("udp", addr)
}

// quicConfig shares windowsInAll among the peers. Back-pressure is QUIC's, so a stream's window is what may wait unread.
func quicConfig(peers int) *quic.Config {
	stream := uint64(min(max(windowsInAll/max(peers, 1), smallWindow), largeWindow))
	first := min(stream, streamWindow)
	whole := max(stream, stalledFactor*first)
	return &quic.Config{
		KeepAlivePeriod:                keepAlive,
		MaxIdleTimeout:                 idleTimeout,
		MaxIncomingStreams:             1 + MaxBlobStreams, // the control stream is one
		MaxIncomingUniStreams:          maxStreams,
		InitialStreamReceiveWindow:     first,
		MaxStreamReceiveWindow:         stream,
		InitialConnectionReceiveWindow: whole, // from the start, so that streams standing still leave room for the control stream
		MaxConnectionReceiveWindow:     whole,
	}
}

// Addr is the socket's local address.
func (e *Endpoint) Addr() net.Addr { return e.socket.LocalAddr() }

// Close releases the socket of an endpoint that was never run. Run does it by itself.
func (e *Endpoint) Close() error {
	if !e.running.CompareAndSwap(false, true) {
		return errors.New("closing an endpoint: it runs; end Run's context instead")
	}
	return e.closeSocket()
}

func (e *Endpoint) closeSocket() error {
	if !e.owned {
		return nil
	}
	return e.socket.Close()
}

// Run listens, dials every peer with addresses, meets, confirms and serves, until ctx ends (then it returns nil) or the socket fails.
// It returns when everything it started has ended. An endpoint runs once.
func (e *Endpoint) Run(ctx context.Context) error {
	if !e.running.CompareAndSwap(false, true) {
		return errors.New("running an endpoint: it ran before or is closed")
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if !e.cfg.DialOnly {
		listening := e.quicConf.Clone()
		listening.GetConfigForClient = e.gate.impatient(e.quicConf)
		listener, err := e.quic.Listen(e.serverTLS(), listening)
		if err != nil {
			return errors.Join(fmt.Errorf("listening: %w", err), e.quic.Close(), e.closeSocket())
		}
		defer listener.Close()
		e.wg.Go(func() { e.accept(ctx, listener, stop) })
	}
	unwatch := e.cfg.Pairing.watch(func(peer string) {
		e.gate.cards.stale.Store(true)
		e.Kick(peer)
	})
	e.wg.Go(func() { e.supervise(ctx) })
	<-ctx.Done()
	unwatch()
	e.wg.Wait()
	err := errors.Join(e.quic.Close(), e.closeSocket())
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		err = errors.Join(cause, err)
	}
	return err
}

// accept only hands over: the queue behind it is short, and who is not taken out in time is refused.
func (e *Endpoint) accept(ctx context.Context, listener *quic.Listener, stop context.CancelCauseFunc) {
	for {
		conn, err := listener.Accept(ctx)
		if err != nil {
			if ctx.Err() == nil {
				stop(fmt.Errorf("accepting connections: %w", err))
			}
			return
		}
		e.wg.Go(func() { e.attend(ctx, conn, false, func() {}) })
	}
}

// serverTLS judges each client by the pins of the moment and notes who knocked in vain.
func (e *Endpoint) serverTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{protocolName},
		SessionTicketsDisabled: true,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if err := e.gate.hear(hello); err != nil {
				return nil, err
			}
			from := hello.Conn.RemoteAddr().String()
			return e.tlsConfig(func(p pin) bool {
				_, ok := e.cfg.Pairing.byPin(p)
				if !ok {
					e.cfg.Pairing.knocks.add(p, from, time.Now())
					e.log.Debug("refused an unpaired key", "node", string(p.NodeID()), "from", from)
				}
				return ok
			})
		},
	}
}

// tlsConfig is the same for both ends, but for whom it lets in.
func (e *Endpoint) tlsConfig(pinned func(pin) bool) (*tls.Config, error) {
	leaf, err := e.cfg.Identity.currentLeaf()
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{protocolName},
		Certificates:           []tls.Certificate{*leaf},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true, //nolint:gosec // there is no CA: VerifyConnection checks the chain under the pinned key
		VerifyConnection: func(cs tls.ConnectionState) error {
			_, err := checkChain(cs, pinned, time.Now())
			return err
		},
	}
	if e.cfg.PQOnly {
		conf.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768}
	}
	return conf, nil
}
