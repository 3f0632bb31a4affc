package transport

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quic-go/quic-go"
)

// How a session comes up, on its control stream: both sides greet; the node with the smaller id picks the connection; where the
// pairing is not active yet the nodes meet and wait, quarantined, for both administrators; then both say hello.

const (
	clockLabel  = "EXPORTER-parley-clock" // RFC 8446 section 7.5; ties a greeting to its connection
	offsetWarn  = 2 * time.Second         // between two nodes' clocks
	offsetAlarm = 60 * time.Second
)

// open gets the session answered and picked, within helloTimeout. It returns what the peer said.
func (s *Session) open(ctx context.Context) (*greeting, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	if err := s.openControl(ctx); err != nil {
		return nil, fmt.Errorf("opening the control stream: %w", err)
	}
	state := s.conn.ConnectionState().TLS
	exporter, err := state.ExportKeyingMaterial(clockLabel, nil, 32)
	if err != nil {
		return nil, fmt.Errorf("reading the TLS exporter: %w", err)
	}
	if err := s.sendGreeting(ctx, exporter); err != nil {
		return nil, err
	}
	body, err := s.expect(ctx, frameGreeting)
	if err != nil {
		return nil, err
	}
	theirs, err := decodeGreeting(body)
	if err != nil {
		return nil, err
	}
	if err := s.judge(theirs, exporter); err != nil {
		return nil, err
	}
	if _, err := s.e.cfg.Pairing.bind(s.peer, theirs.holds); err != nil {
		return nil, err
	}
	return theirs, s.choose(ctx)
}

// openControl opens the control stream, or takes the one that the dialler opens, and starts its reader.
func (s *Session) openControl(ctx context.Context) (err error) {
	var stream *quic.Stream
	if s.dialled {
		stream, err = s.conn.OpenStreamSync(ctx)
	} else {
		stream, err = s.conn.AcceptStream(ctx)
	}
	if err != nil {
		return err
	}
	stream.SetPriority(0, false) // the most urgent
	s.control, s.out = stream, &FrameWriter{to: stream, over: stream.Context()}
	s.e.wg.Go(func() { s.readControl(&FrameReader{from: stream}) })
	return nil
}

func (s *Session) sendGreeting(ctx context.Context, exporter []byte) error {
	k, ok := s.e.cfg.Pairing.look(s.peer)
	if !ok {
		return closeWith(codeUnpaired, ErrNoPeer)
	}
	cfg := &s.e.cfg
	g := &greeting{
		protocol: cfg.protocol, format: cfg.Format, software: cfg.Software, features: cfg.Features,
		sent: time.Now(), active: k.State == Active, holds: s.card.hash(),
	}
	var err error
	if g.clock, err = cfg.Identity.sign(domainClock, clockStatement(exporter, g.sent, pinOf(cfg.Identity.cert))); err != nil {
		return fmt.Errorf("signing the greeting: %w", err)
	}
	return s.send(ctx, frameGreeting, g.encode())
}

// clockStatement names its signer, so that a greeting sent back to us is not the peer's.
func clockStatement(exporter []byte, sent time.Time, signer pin) []byte {
	b := binary.BigEndian.AppendUint64(slices.Clone(exporter), uint64(sent.UnixMilli()))
	return append(b, signer[:]...)
}

// expect waits for one frame that must be of this kind.
func (s *Session) expect(ctx context.Context, kind byte) ([]byte, error) {
	got, body, err := s.RecvControl(ctx)
	if err != nil {
		return nil, err
	}
	if got != kind {
		return nil, fmt.Errorf("%w: a frame of kind %d where %d is due", ErrProtocol, got, kind)
	}
	return body, nil
}

// judge checks the peer's greeting and keeps what both agree on.
func (s *Session) judge(theirs *greeting, exporter []byte) error {
	if err := verify(s.card.cert, domainClock, clockStatement(exporter, theirs.sent, s.key), theirs.clock); err != nil {
		return fmt.Errorf("%w: the greeting is not signed by its node", ErrProtocol)
	}
	k, ok := s.e.cfg.Pairing.look(s.peer)
	if !ok {
		return closeWith(codeUnpaired, ErrNoPeer)
	}
	cfg := &s.e.cfg
	protocol, err := agree("the protocol", cfg.protocol, theirs.protocol, k.Floor.Protocol)
	if err != nil {
		return err
	}
	format, err := agree("the replica format", cfg.Format, theirs.format, k.Floor.Format)
	if err != nil {
		return err
	}
	s.hello = Hello{
		Protocol: protocol, Format: format, Theirs: theirs.format, Software: theirs.software, Sent: theirs.sent,
		Offset:   time.Until(theirs.sent) + s.conn.ConnectionStats().SmoothedRTT/2,
		Features: slices.DeleteFunc(slices.Clone(cfg.Features), func(f string) bool { return !slices.Contains(theirs.features, f) }),
	}
	switch off := s.hello.Offset.Abs(); {
	case off >= offsetAlarm:
		s.e.log.Error("the clocks of the two nodes differ", "peer", s.peer, "took", s.hello.Offset)
	case off >= offsetWarn:
		s.e.log.Warn("the clocks of the two nodes differ", "peer", s.peer, "took", s.hello.Offset)
	}
	return nil
}

// choose picks the connection, or waits until the peer has.
func (s *Session) choose(ctx context.Context) error {
	if s.e.cfg.Identity.NodeID() < s.card.NodeID {
		number, err := s.e.pick(ctx, s)
		if err == nil {
			err = s.e.follow(s, number)
		}
		if err != nil {
			return err
		}
		return s.send(ctx, framePick, binary.BigEndian.AppendUint64(nil, number))
	}
	body, err := s.expect(ctx, framePick)
	if err != nil {
		return err
	}
	number, err := number(body)
	if err != nil {
		return err
	}
	return s.e.follow(s, number)
}

// A settling is what has crossed on the way from picked to served.
type settling struct {
	s        *Session
	meeting  bool // the pairing is not active on both sides: nonces and confirmations must cross
	theirsOK bool // the peer is known to have confirmed
	metSent, confirmSent, helloSent,
	helloGot bool
}

// settle returns when both sides hold the pairing for active and both hellos have crossed. While quarantined it waits as long as it takes.
func (s *Session) settle(ctx context.Context, theirs *greeting) error {
	k, _ := s.e.cfg.Pairing.look(s.peer)
	w := &settling{s: s, meeting: !theirs.active || k.Peer == nil || k.State != Active, theirsOK: theirs.active}
	var late <-chan time.Time
	for {
		s.e.mu.Lock()
		changed := s.link.changed
		s.e.mu.Unlock()
		if err := w.advance(ctx); err != nil {
			return err
		}
		if w.helloSent && w.helloGot {
			return s.e.cfg.Pairing.raise(s.peer, func(f Floor) Floor {
				return Floor{max(f.Protocol, s.hello.Protocol), max(f.Format, s.hello.Format)}
			})
		}
		if w.helloSent && late == nil {
			timer := time.NewTimer(helloTimeout)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case m := <-s.in:
			if err := w.take(m); err != nil {
				return err
			}
		case <-s.lost:
			return s.readErr
		case <-changed:
		case <-late:
			return closeWith(codeSilent, errors.New("the partner's hello did not come in time"))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// advance sends what the pairing's state now allows, each once.
func (w *settling) advance(ctx context.Context) error {
	s := w.s
	k, ok := s.e.cfg.Pairing.look(s.peer)
	switch {
	case !ok || k.State == Revoked:
		return closeWith(codeUnpaired, ErrRevoked)
	case k.card.hash() != s.card.hash():
		return closeWith(codeReplaced, errors.New("a newer card of the partner was accepted"))
	}
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	if w.meeting && !w.metSent {
		w.metSent = true
		if err := s.send(ctx, frameMeet, k.Nonce[:]); err != nil {
			return err
		}
	}
	if w.meeting && k.OurProof != nil && !w.confirmSent {
		w.confirmSent = true
		if err := s.send(ctx, frameConfirm, k.OurProof); err != nil {
			return err
		}
	}
	if k.State == Active && w.theirsOK && !w.helloSent {
		w.helloSent = true
		return s.sendHello(ctx)
	}
	return nil
}

func (s *Session) sendHello(ctx context.Context) error {
	var positions [][]byte
	if s.e.cfg.Hello != nil {
		positions = s.e.cfg.Hello(s.peer)
	}
	body, err := encodePositions(positions)
	if err != nil {
		return err
	}
	return s.send(ctx, frameHello, body)
}

// take acts on one frame of the peer.
func (w *settling) take(m controlBody) (err error) {
	s, pairing := w.s, w.s.e.cfg.Pairing
	switch {
	case m.kind == frameMeet && w.meeting:
		var nonce [32]byte
		if err := fixed(nonce[:], m.body); err != nil {
			return err
		}
		k, err := pairing.meet(s.peer, nonce)
		if err == nil && k.State == Met {
			s.e.log.Info("the nodes have met; compare the check words and confirm", "peer", s.peer)
		}
		return err
	case m.kind == frameConfirm && w.meeting:
		_, err := pairing.proven(s.peer, m.body)
		w.theirsOK = w.theirsOK || err == nil
		return err
	case m.kind == frameHello && w.theirsOK && !w.helloGot:
		w.helloGot = true
		s.hello.Positions, err = decodePositions(m.body)
		return err
	}
	return fmt.Errorf("%w: a frame of kind %d is not due", ErrProtocol, m.kind)
}

// readControl hands on the control stream's messages until the stream or the connection ends.
func (s *Session) readControl(r *FrameReader) {
	defer close(s.lost)
	limit := maxHello
	for {
		kind, body, err := r.ReadMessage(limit)
		if err != nil {
			s.readErr = fmt.Errorf("reading the control stream: %w", err)
			s.close(codeProtocol) // without its control stream a session is none; where the connection is gone already this does nothing
			return
		}
		if kind == frameHello {
			limit = MaxControl
		}
		select {
		case s.in <- controlBody{kind, slices.Clone(body)}:
		case <-s.conn.Context().Done():
			s.readErr = context.Cause(s.conn.Context())
			return
		}
	}
}

// certificatesEnd is the first end of the handshake's certificates: a QUIC connection would outlive them silently.
func (s *Session) certificatesEnd(state tls.ConnectionState) (time.Time, error) {
	ours, err := s.e.cfg.Identity.currentLeaf()
	if err != nil {
		return time.Time{}, err
	}
	end := ours.Leaf.NotAfter // never after our node certificate's
	for _, c := range state.PeerCertificates {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end, nil
}
