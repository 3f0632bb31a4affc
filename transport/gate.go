package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/time/rate"
)

// A handshake costs this node more than a millisecond of a core, and anybody can ask for one. So there are
// three doors before it, each cheaper than the next, and strangers never take more than a small share of the node:
//
//  1. Where many dials are new, the address must be proven first (a Retry, which keeps no state here).
//  2. Connections whose ClientHello is not whole yet are counted, in all and for each address.
//  3. The ClientHello, read before anything is computed for it, shows whether the dialler holds a card of ours
//     (see knockproof.go). Who does has a lane of its own; all others share one, and are refused unheard when it is full.
//
// So partners get in while strangers dial, also from behind the same address.

const (
	freshPerSecond = 200 // handshakes from unproven addresses before the address must be proven
	freshBurst     = 400

	openingFree = 32  // connections without a whole ClientHello before addresses must be proven and time gets short
	openingMost = 256 // 35 KiB and 4 goroutines each (measured), 9 MiB in all; a whole ClientHello takes milliseconds, so partners find room
	openingEach = 64  // of one address, or one /64 of IPv6

	strangersPerSecond = 4 // full handshakes with keys of whom we know nothing: 1/200 of a core
	strangersBurst     = 32

	cardPerSecond = 20 // full handshakes for each card of ours: what one who copied a card can take
	cardBurst     = 40

	crowdedTimeout = time.Second // for each step of a handshake, while connections wait at the second door
	dropWarning    = time.Minute // between two warnings
)

var errUnheard = errors.New("refused unheard: strangers dial faster than this node listens to them")

// gate decides which dials get a handshake.
type gate struct {
	log     *slog.Logger
	pairing *Pairing
	cards   *proofs
	warn    rate.Sometimes

	fresh     *rate.Limiter
	strangers *rate.Limiter

	mu      sync.Mutex
	opening int                // guarded by mu: connections whose ClientHello is not whole
	from    map[netip.Addr]int // guarded by mu: of these, by address
}

func newGate(pairing *Pairing, log *slog.Logger) *gate {
	return &gate{
		log: log, pairing: pairing, cards: newProofs(pairing), warn: rate.Sometimes{Interval: dropWarning},
		fresh: rate.NewLimiter(freshPerSecond, freshBurst), strangers: rate.NewLimiter(strangersPerSecond, strangersBurst),
		from: map[netip.Addr]int{},
	}
}

// unproven is the first door: whether a dial must prove its address.
func (g *gate) unproven(net.Addr) bool { return g.crowded() || !g.fresh.Allow() }

func (g *gate) crowded() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opening >= openingFree
}

// impatient shortens the time that a handshake may stand still while others wait. It is for quic.Config.GetConfigForClient.
func (g *gate) impatient(conf *quic.Config) func(*quic.ClientInfo) (*quic.Config, error) {
	short := conf.Clone()
	short.HandshakeIdleTimeout = crowdedTimeout
	return func(*quic.ClientInfo) (*quic.Config, error) {
		if g.crowded() {
			return short, nil
		}
		return conf, nil
	}
}

// openingKey finds, in a connection's context, the function that takes it off the count.
type openingKey struct{}

// enter is the second door, for quic.Transport.ConnContext: it counts a connection until its ClientHello is whole or it ends.
func (g *gate) enter(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	address := addressOf(info.RemoteAddr)
	g.mu.Lock()
	full := g.opening >= openingMost || g.from[address] >= openingEach
	if !full {
		g.opening++
		g.from[address]++
	}
	g.mu.Unlock()
	if full {
		g.turnAway(info.RemoteAddr)
		return nil, errUnheard
	}
	leave := sync.OnceFunc(func() { g.leave(address) })
	context.AfterFunc(ctx, leave)
	return context.WithValue(ctx, openingKey{}, leave), nil
}

func (g *gate) leave(address netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opening--
	if g.from[address]--; g.from[address] == 0 {
		delete(g.from, address)
	}
}

// hear is the third door, for a ClientHello: an error refuses the handshake before anything is computed for it.
func (g *gate) hear(hello *tls.ClientHelloInfo) error {
	if leave, ok := hello.Context().Value(openingKey{}).(func()); ok {
		leave()
	}
	if g.cards.admit(hello.SupportedProtos) || g.strangers.Allow() {
		return nil
	}
	g.turnAway(hello.Conn.RemoteAddr())
	return errUnheard
}

func (g *gate) turnAway(from net.Addr) {
	all := g.pairing.knocks.turnAway(from.String(), time.Now())
	g.warn.Do(func() {
		g.log.Warn("strangers dial faster than this node listens to them; some are refused unheard", "from", from.String(), "count", all.Count)
	})
}

// addressOf is what connections are counted by: an IPv4 address, or the /64 that one holder of IPv6 addresses has.
func addressOf(a net.Addr) netip.Addr {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := udp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		if network, err := ip.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return ip
}
