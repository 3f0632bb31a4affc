package transport

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/quic-go/quic-go"
)

// Codes that a connection is closed with. Those of Session.Close begin at codeCaller.
const (
	codeEnded     quic.ApplicationErrorCode = 0 // Serve returned
	codeStopping  quic.ApplicationErrorCode = 1
	codeReplaced  quic.ApplicationErrorCode = 2
	codeDuplicate quic.ApplicationErrorCode = 3
	codeProtocol  quic.ApplicationErrorCode = 4
	codeVersion   quic.ApplicationErrorCode = 5
	codeUnpaired  quic.ApplicationErrorCode = 6
	codeExpired   quic.ApplicationErrorCode = 7
	codeSilent    quic.ApplicationErrorCode = 8
	codeCard      quic.ApplicationErrorCode = 9
	codeBusy      quic.ApplicationErrorCode = 10
	codeOurs      quic.ApplicationErrorCode = 11 // a fault on the closing side, such as its disk
	codeCaller    quic.ApplicationErrorCode = 0x100
)

// Errors that end a session.
var (
	// ErrVersion is wrapped where two nodes speak no version in common, or only one below what they agreed on before.
	ErrVersion = errors.New("no version in common")
	// ErrProtocol is wrapped where a peer says what is not due.
	ErrProtocol = errors.New("protocol violation")
)

// closings say what a code means: what we tell the peer when we close, and what we tell our administrator when the peer did.
var closings = map[quic.ApplicationErrorCode]struct{ tell, told string }{
	codeEnded:     {"ended", "the partner ended the session"},
	codeStopping:  {"this node is stopping", "the partner's node is stopping"},
	codeReplaced:  {"replaced by a newer connection", "replaced by a newer connection"},
	codeDuplicate: {"both dialled; the other connection stays", "both dialled; the other connection stays"},
	codeProtocol:  {"protocol violation", "the partner's node calls our messages malformed"},
	codeVersion:   {"no version in common", "no version in common with the partner's parley; compare what both sides run"},
	codeUnpaired:  {"not paired", "the partner has ended this pairing, or replaced it"},
	codeExpired:   {"a certificate ended", "a certificate ended; the nodes connect anew"},
	codeSilent:    {"no answer in time", "the partner's node waited in vain for our answer"},
	codeCard:      {"the cards do not fit", "the partner's node does not know the card that we hold, or has paired it with somebody else; ask for a new card"},
	codeBusy:      {"too many connections", "the partner's node has too many connections of ours open"},
	codeOurs:      {"a fault on this side", "a fault on the partner's side; its log tells"},
}

// A closing is an error that says how the connection is closed over it.
type closing struct {
	code quic.ApplicationErrorCode
	err  error
}

func (c *closing) Error() string { return c.err.Error() }
func (c *closing) Unwrap() error { return c.err }

func closeWith(code quic.ApplicationErrorCode, err error) error { return &closing{code, err} }

// closingCode finds the code for an error that ends a session.
func closingCode(err error) quic.ApplicationErrorCode {
	if c, ok := errors.AsType[*closing](err); ok {
		return c.code
	}
	switch {
	case err == nil:
		return codeEnded
	case errors.Is(err, ErrVersion):
		return codeVersion
	case errors.Is(err, ErrCard), errors.Is(err, ErrCardUsed):
		return codeCard
	case errors.Is(err, ErrNoPeer), errors.Is(err, ErrRevoked):
		return codeUnpaired
	case errors.Is(err, errRecord), errors.Is(err, ErrFrame), errors.Is(err, ErrTooLarge), errors.Is(err, ErrProtocol):
		return codeProtocol
	case errors.Is(err, context.DeadlineExceeded):
		return codeSilent
	case errors.Is(err, context.Canceled):
		return codeStopping
	}
	return codeOurs
}

// tlsAlert is where QUIC's error codes for TLS alerts begin (RFC 9001, section 4.8).
const tlsAlert = 0x100

// TLS alerts that a refused key shows as (RFC 8446, section 6.2): bad_certificate, certificate_expired, unknown_ca, access_denied, certificate_required.
var refusedAlerts = []quic.TransportErrorCode{tlsAlert + 42, tlsAlert + 45, tlsAlert + 48, tlsAlert + 49, tlsAlert + 116}

// explain says in plain words why a link is down. Nothing that a peer wrote goes into it unseen: a remote reason is cut and cleaned.
func explain(err error) string {
	if err == nil {
		return ""
	}
	if app, ok := errors.AsType[*quic.ApplicationError](err); ok {
		known, listed := closings[app.ErrorCode]
		switch {
		case !listed && app.Remote:
			return "the partner ended the session: " + clean(app.ErrorMessage)
		case !listed:
			return app.ErrorMessage
		case app.Remote:
			return known.told
		}
		return known.tell
	}
	if _, ok := errors.AsType[*quic.IdleTimeoutError](err); ok {
		return fmt.Sprintf("the partner's node has not been heard of for %v", idleTimeout)
	}
	if _, ok := errors.AsType[*quic.HandshakeTimeoutError](err); ok {
		return "no answer: wrong address, nothing listens there, or UDP is filtered on the way"
	}
	if _, ok := errors.AsType[*quic.StatelessResetError](err); ok {
		return "the partner's node restarted"
	}
	if _, ok := errors.AsType[*quic.VersionNegotiationError](err); ok {
		return "what answers there speaks another QUIC version"
	}
	if t, ok := errors.AsType[*quic.TransportError](err); ok && t.Remote {
		for _, alert := range refusedAlerts {
			if t.ErrorCode == alert {
				return "the partner's node refused our key: it has not accepted our card yet, has revoked it, or finds our certificate out of date (clocks?)"
			}
		}
		switch t.ErrorCode {
		case quic.ConnectionRefused:
			return "the partner's node is busy and refused the connection"
		case tlsAlert + 80: // internal_error
			return "the partner's node did not listen to us: strangers flood it and it does not know us for a partner (do the clocks differ by an hour or more?), or its own certificate has ended"
		}
		return "the partner's node broke off: " + t.ErrorCode.String()
	}
	return strings.TrimPrefix(err.Error(), "transport: ")
}

// clean cuts and cleans text of a peer's for a screen or a log.
func clean(s string) string {
	const most = 200 // bytes
	return strings.Map(func(r rune) rune {
		if !printable(string(r)) || r == '\uFFFD' {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), most)], "?"))
}
