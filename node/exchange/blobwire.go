package exchange

import (
	"encoding/binary"
	"fmt"

	"parley/replica"
	"parley/transport"
)

// Kinds of frames on a blob stream, after the one that names the connection.
// Who wants the blob opens the stream, sends one ask, and ends its side. Who has
// it answers with its bytes from the offset on, every frame full but the last,
// and ends its side with the last; or, there or in between, says no.
//
//	'g'  give me: SHA-256 (32 bytes) ‖ size ‖ offset (8 bytes each, big endian; offset < size)
//	'd'  data: transport.MaxBlobChunk bytes, or what is left
//	'n'  no: one byte, a blobNo
const (
	giveKind = 'g'
	dataKind = 'd'
	noKind   = 'n'
)

const (
	blobAskSize = 32 + 8 + 8
	maxBlob     = 1 << 40 // bytes; what is really taken, the spool bounds far below
)

// blobNo is why a blob is not given.
type blobNo byte

const (
	noUnknown blobNo = 1 // this connection has no such blob, or never was to know of it: one cannot be told from the other
	noLater   blobNo = 2 // the tenant does not give it now
	noGone    blobNo = 3 // the tenant has other bytes by now, or none
)

func (n blobNo) String() string {
	switch n {
	case noUnknown:
		return "it knows no such file on this connection"
	case noLater:
		return "its Jira does not give the file now"
	case noGone:
		return "its Jira does not have the file any more"
	}
	return fmt.Sprintf("it refuses the file for a reason of a later version (%d)", byte(n))
}

// blobAsk asks for one blob from an offset on.
type blobAsk struct {
	hash         replica.Hash
	size, offset int64 // bytes
}

func (a blobAsk) encode() []byte {
	b := append(make([]byte, 0, blobAskSize), a.hash[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(a.size))
	return binary.BigEndian.AppendUint64(b, uint64(a.offset))
}

func decodeBlobAsk(kind byte, b []byte) (a blobAsk, err error) {
	if kind != giveKind || len(b) != blobAskSize {
		return a, fmt.Errorf("a blob is asked for by a frame of kind %q and %d bytes: %w", kind, len(b), transport.ErrProtocol)
	}
	copy(a.hash[:], b)
	size, offset := binary.BigEndian.Uint64(b[32:]), binary.BigEndian.Uint64(b[40:])
	if size > maxBlob || offset >= size {
		return a, fmt.Errorf("bytes %d of %d of a blob are asked for: %w", offset, size, transport.ErrProtocol)
	}
	a.size, a.offset = int64(size), int64(offset)
	return a, nil
}

// blobFrame judges one frame of an answer where left bytes are still due: data,
// or why there is none. Anything else is a breach.
func blobFrame(kind byte, body []byte, left int64) (data []byte, no blobNo, err error) {
	switch {
	case kind == dataKind && int64(len(body)) == min(left, transport.MaxBlobChunk) && left > 0:
		return body, 0, nil
	case kind == noKind && len(body) == 1 && body[0] != 0:
		return nil, blobNo(body[0]), nil
	}
	return nil, 0, fmt.Errorf("a frame of kind %q and %d bytes where %d of a blob are left: %w", kind, len(body), left, transport.ErrProtocol)
}
