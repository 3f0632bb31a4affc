package transport

import (
	"errors"

	"github.com/quic-go/quic-go"
)

// Stopped reports whether err ends one stream alone, because the peer did; the
// session goes on.
func Stopped(err error) bool {
	s, ok := errors.AsType[*quic.StreamError](err)
	return ok && s.Remote
}
