package transport

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// MaxControl is the largest control message, in bytes.
	MaxControl = 1 << 20
	// MaxConnectionID is the longest connection id on a stream, in bytes.
	MaxConnectionID = 255

	streamOpen    = 1 // kind of a replica stream's first frame: its body is the connection's id
	openTimeout   = 10 * time.Second
	streamStopped = quic.StreamErrorCode(1)
)

// Session is one answered connection to an active peer. Its methods are safe for concurrent use.
type Session struct {
	e       *Endpoint
	conn    *quic.Conn
	link    *link
	peer    string
	card    *Card
	key     pin
	dialled bool
	hello   Hello
	ended   chan struct{} // closed when nothing of it is left

	number uint64    // guarded by Endpoint.mu: the place among the peer's connections
	picked time.Time // guarded by Endpoint.mu

	control *quic.Stream
	out     *FrameWriter
	sending chan struct{}    // one place: who writes to the control stream
	in      chan controlBody // from the control stream's reader
	lost    chan struct{}    // closed when the control stream's reader has ended
	readErr error            // why; read after lost is closed
}

type controlBody struct {
	kind byte
	body []byte
}

// Peer is our name for the peer.
func (s *Session) Peer() string { return s.peer }

// PeerID is the peer's node id, proven by the handshake.
func (s *Session) PeerID() NodeID { return s.card.NodeID }

// PeerLedgerKey verifies the peer's checkpoints and receipts.
func (s *Session) PeerLedgerKey() ed25519.PublicKey { return s.card.LedgerKey }

// Hello is what the peer said of itself.
func (s *Session) Hello() Hello { return s.hello }

// Stats returns the path's round trip time, losses and volumes.
func (s *Session) Stats() quic.ConnectionStats { return s.conn.ConnectionStats() }

// SendControl sends one message of at most MaxControl bytes, of a kind below 0x80, in order with the others. It returns when QUIC has it, which is
// no sign that the peer has. Where ctx ends in the middle of a message the session is closed.
func (s *Session) SendControl(ctx context.Context, kind byte, body []byte) error {
	if len(body) > MaxControl {
		return fmt.Errorf("sending a control message of %d bytes: %w", len(body), ErrTooLarge)
	}
	return s.send(ctx, kind, body)
}

func (s *Session) send(ctx context.Context, kind byte, body []byte) error {
	select {
	case s.sending <- struct{}{}:
		defer func() { <-s.sending }()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.conn.Context().Done():
		return context.Cause(s.conn.Context())
	}
	broken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		s.control.SetWriteDeadline(time.Now())
		close(broken)
	})
	err := s.out.WriteMessage(kind, nil, body)
	if err == nil {
		err = s.out.Flush()
	}
	if !stop() {
		<-broken
		s.control.SetWriteDeadline(time.Time{})
	}
	if err != nil && !errors.Is(err, ErrFrame) {
		s.close(codeOurs) // half a message may be on the way
	}
	return err
}

// RecvControl returns the next message of the peer. The body is the caller's to keep.
func (s *Session) RecvControl(ctx context.Context) (kind byte, body []byte, err error) {
	select {
	case m := <-s.in:
		return m.kind, m.body, nil
	case <-s.lost:
		return 0, nil, s.readErr
	case <-ctx.Done():
		return 0, nil, context.Cause(ctx)
	}
}

// OpenStream opens an ordered stream for one connection's replicas. It waits where the peer allows no more streams yet. The stream lives as long
// as ctx: when that ends first, the stream is reset and a blocked Flush returns.
func (s *Session) OpenStream(ctx context.Context, connection string) (*FrameWriter, error) {
	if len(connection) == 0 || len(connection) > MaxConnectionID {
		return nil, fmt.Errorf("opening a stream: a connection id has 1 to %d bytes", MaxConnectionID)
	}
	stream, err := s.conn.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening a stream for %q: %w", connection, err)
	}
	reset := func() { stream.CancelWrite(streamStopped) }
	forget := context.AfterFunc(ctx, reset)
	w := &FrameWriter{to: stream,
		close: func() error { forget(); return stream.Close() },
		reset: func() { forget(); reset() },
		over:  stream.Context(),
	}
	err = w.WriteFrame(streamOpen, []byte(connection))
	if err == nil {
		err = w.Flush() // the peer learns of a stream only by its first bytes
	}
	if err != nil {
		w.Reset()
		return nil, fmt.Errorf("opening a stream for %q: %w", connection, err)
	}
	return w, nil
}

// AcceptStream returns the next stream that the peer opens, and the connection it is for. A stream that does not begin properly is stopped and passed over.
// The stream lives as long as ctx: when that ends first, a blocked read returns.
func (s *Session) AcceptStream(ctx context.Context) (connection string, r *FrameReader, err error) {
	for {
		stream, err := s.conn.AcceptUniStream(ctx)
		if err != nil {
			return "", nil, err
		}
		cancel := func() { stream.CancelRead(streamStopped) }
		in := &incoming{stream: stream, forget: context.AfterFunc(ctx, cancel)}
		r := &FrameReader{from: in, stop: func() { in.forget(); cancel() }}
		stream.SetReadDeadline(time.Now().Add(openTimeout))
		kind, body, err := r.ReadFrame()
		if err != nil || kind != streamOpen || len(body) == 0 || len(body) > MaxConnectionID {
			r.Cancel()
			s.e.log.Warn("a stream did not begin properly", "peer", s.peer, "err", err)
			continue
		}
		stream.SetReadDeadline(time.Time{})
		return string(body), r, nil
	}
}

// incoming forgets the context that a stream lives by when the stream has ended first.
type incoming struct {
	stream *quic.ReceiveStream
	forget func() bool
}

func (i *incoming) Read(b []byte) (int, error) {
	n, err := i.stream.Read(b)
	if err != nil {
		i.forget()
	}
	return n, err
}

// Close ends the session for a reason that the peer's administrator is shown: it must hold nothing of a ticket. Codes are the caller's own.
func (s *Session) Close(code uint16, reason string) {
	s.conn.CloseWithError(codeCaller+quic.ApplicationErrorCode(code), clean(reason))
}

func (s *Session) close(code quic.ApplicationErrorCode) {
	s.conn.CloseWithError(code, closings[code].tell)
}

// why is what ended the session, of which err is what its user met: whatever failed, how the connection ended is the reason,
// but where we broke it off ourselves over half a message, whose sender was stopped by err.
func (s *Session) why(err error) error {
	cause := context.Cause(s.conn.Context())
	if err == nil || cause == nil {
		return err
	}
	if app, ok := errors.AsType[*quic.ApplicationError](cause); ok && !app.Remote && app.ErrorCode == codeOurs {
		return err
	}
	return cause
}

// attend looks after one connection from its handshake to its end, and returns why it ended. decided is called as soon as
// it is clear what comes of it.
func (e *Endpoint) attend(ctx context.Context, conn *quic.Conn, dialled bool, decided func()) error {
	s := &Session{
		e: e, conn: conn, dialled: dialled,
		ended: make(chan struct{}), sending: make(chan struct{}, 1), in: make(chan controlBody), lost: make(chan struct{}),
	}
	// A connection outlives its certificates and Run's context silently; nothing of a session must.
	stop := context.AfterFunc(ctx, func() { s.close(codeStopping) })
	defer stop()
	err := s.identify()
	if err == nil {
		err = e.register(s)
	}
	if err == nil {
		err = s.live(decided)
	}
	err = s.why(err)
	s.close(closingCode(err))
	if s.control != nil {
		<-s.lost
	}
	if s.link != nil {
		e.unregister(s, err)
	}
	return err
}

// identify finds out whose connection this is. The handshake has proven the key.
func (s *Session) identify() error {
	certs := s.conn.ConnectionState().TLS.PeerCertificates
	if len(certs) != 2 {
		return closeWith(codeUnpaired, ErrUnknownKey)
	}
	s.key = pinOf(certs[1])
	k, ok := s.e.cfg.Pairing.byPin(s.key)
	if !ok {
		return closeWith(codeUnpaired, ErrUnknownKey)
	}
	s.peer, s.card = k.Name, k.card
	return nil
}

// live opens the session, serves it, and closes it when a certificate ends.
func (s *Session) live(decided func()) error {
	end, err := s.certificatesEnd(s.conn.ConnectionState().TLS)
	if err != nil {
		return err
	}
	expiry := time.AfterFunc(time.Until(end), func() { s.close(codeExpired) })
	defer expiry.Stop()
	ctx := s.conn.Context()
	theirs, err := s.open(ctx)
	if err != nil {
		return err
	}
	decided()
	s.e.mark(s, "meeting")
	if err := s.settle(ctx, theirs); err != nil {
		return err
	}
	select {
	case s.link.serving <- struct{}{}: // the session before this one must have let go
		defer func() { <-s.link.serving }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.e.mark(s, "up")
	s.e.log.Info("session up", "peer", s.peer, "from", s.conn.RemoteAddr().String(), "dialled", s.dialled)
	err = s.e.cfg.Serve(ctx, s)
	s.e.log.Info("session over", "peer", s.peer, "err", explain(cmp.Or(s.why(err), context.Cause(ctx))))
	if err != nil {
		return closeWith(codeEnded, err)
	}
	return nil
}
