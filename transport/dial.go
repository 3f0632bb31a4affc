package transport

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	firstWindow = time.Second      // a redial waits a random part of its window, which doubles with each failure in a row
	lastWindow  = 15 * time.Second // up to this: 5,000 peers redialling take a hub 4 s of one core (measured)
	settled     = 30 * time.Second // a session that lasted longer was no failure

	expiryLook = 24 * time.Hour
)

var expiryDays = []int{30, 14, 3} // before a node certificate's end: when to warn

// supervise keeps a link for every peer, and a dial loop for those that can be dialled.
func (e *Endpoint) supervise(ctx context.Context) {
	daily := time.NewTicker(expiryLook)
	defer daily.Stop()
	e.warnOfExpiry()
	for {
		e.mu.Lock()
		changed := e.changed
		e.mu.Unlock()
		e.startDials(ctx)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-daily.C:
			e.warnOfExpiry()
		}
	}
}

func (e *Endpoint) startDials(ctx context.Context) {
	peers, err := e.cfg.Pairing.List()
	if err != nil {
		e.log.Error("reading the pairings", "err", err)
		return
	}
	for _, p := range peers {
		if p.State == Offered || p.State == Revoked {
			continue
		}
		e.mu.Lock()
		l := e.linkOf(p.Name)
		start := dialable(p) && !l.dialing
		l.dialing = l.dialing || start
		e.mu.Unlock()
		if start {
			e.wg.Go(func() { e.keepDialled(ctx, p.Name, l) })
		}
	}
}

func dialable(p *Peer) bool {
	return (p.State == Accepted || p.State == Met || p.State == Active) && len(p.Addresses) > 0
}

// keepDialled sees to it that a peer has a connection, until it can no longer be dialled.
func (e *Endpoint) keepDialled(ctx context.Context, peer string, l *link) {
	failures := 0
	for {
		e.mu.Lock()
		current, changed := l.current, l.changed
		k, ok := e.cfg.Pairing.look(peer)
		if !ok || !dialable(k.Peer) || ctx.Err() != nil {
			l.dialing = false // a later Kick starts another loop
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		began := time.Now()
		if current != nil {
			select {
			case <-current.ended:
			case <-ctx.Done():
				continue
			}
		} else if err := e.dial(ctx, l, k); err != nil && ctx.Err() == nil {
			e.dialFailed(l, err)
			e.log.Debug("no session", "peer", peer, "err", explain(err))
		}
		failures++
		if time.Since(began) > settled {
			failures = 0
		}
		e.pause(ctx, failures, changed)
	}
}

// pause waits before a redial, or until there is something new about the peer. What was new before the pause shortens it only.
func (e *Endpoint) pause(ctx context.Context, failures int, changed <-chan struct{}) {
	select {
	case <-changed:
		failures, changed = 0, nil
	default:
	}
	window := min(firstWindow<<min(failures, 10), lastWindow)
	wait := time.NewTimer(below(window))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-changed:
	case <-ctx.Done():
	}
}

// below is a random duration. Its source is crypto/rand, so that a test which fixes that one can be replayed.
func below(window time.Duration) time.Duration {
	var b [8]byte
	rand.Read(b[:])
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(window))
}

// dial connects to a peer and attends to the session until it ends.
func (e *Endpoint) dial(ctx context.Context, l *link, k known) error {
	select {
	case e.dials <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	decided := make(chan struct{})
	e.mu.Lock()
	l.decided = decided
	e.mu.Unlock()
	decide := sync.OnceFunc(func() {
		<-e.dials
		e.mu.Lock()
		l.decided = nil
		e.mu.Unlock()
		close(decided)
	})
	defer decide()
	conn, err := e.connect(ctx, k)
	if err != nil {
		return err
	}
	return e.attend(ctx, conn, true, decide)
}

// connect tries each address of the peer in turn. The key that answers must be the peer's own.
func (e *Endpoint) connect(ctx context.Context, k known) (*quic.Conn, error) {
	want := k.card.pin()
	conf, err := e.tlsConfig(func(p pin) bool { return p == want })
	if err != nil {
		return nil, err
	}
	conf.NextProtos = append(conf.NextProtos, proofAt(k.card.hash(), hourOf(time.Now())))
	var failed []error
	for _, address := range k.Addresses {
		addrs, err := resolve(ctx, address)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, addr := range addrs {
			conn, err := e.quic.Dial(ctx, addr, conf, e.quicConf)
			if err == nil {
				return conn, nil
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if errors.Is(err, ErrUnknownKey) {
				err = fmt.Errorf("another node answers there, not the one paired as %q: %w", k.Name, ErrUnknownKey)
			}
			failed = append(failed, &dialError{address, err})
		}
	}
	return nil, errors.Join(failed...)
}

// dialError names the address that was tried.
type dialError struct {
	address string
	err     error
}

func (d *dialError) Error() string { return d.address + ": " + explain(d.err) }
func (d *dialError) Unwrap() error { return d.err }

// resolve turns host:port into socket addresses; a literal address asks nobody.
func resolve(ctx context.Context, address string) ([]*net.UDPAddr, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address %q: want host:port", address)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("address %q: want a port number", address)
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, fmt.Errorf("looking up %s: %w", address, err)
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("looking up %s: it has no address", address)
	}
	var addrs []*net.UDPAddr
	for _, ip := range ips {
		b := ip.As16()
		addrs = append(addrs, &net.UDPAddr{IP: b[:], Port: int(port), Zone: ip.Zone()})
	}
	return addrs, nil
}

// warnOfExpiry tells of node certificates that end soon: ours and the partners'.
func (e *Endpoint) warnOfExpiry() {
	warn := func(whose string, end time.Time) {
		days := int(time.Until(end) / (24 * time.Hour))
		if slices.Contains(expiryDays, days) || days < slices.Min(expiryDays) {
			e.log.Warn("a node certificate ends soon; pair anew before", "peer", whose, "days", days)
		}
	}
	warn("this node", e.cfg.Identity.NotAfter())
	peers, err := e.cfg.Pairing.List()
	if err != nil {
		e.log.Error("reading the pairings", "err", err)
		return
	}
	for _, p := range peers {
		if c, err := p.PeerCard(); err == nil && p.State != Revoked {
			warn(p.Name, c.NotAfter())
		}
	}
}
