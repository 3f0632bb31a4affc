package transport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/quic-go/quic-go"
)

// A blob is asked for and given on a bidirectional stream of its own, which begins as a replica stream does. QUIC's windows hold its sender
// back, and everything else of the session is sent first.

const (
	// MaxBlobChunk is the largest frame body on a blob stream, in bytes: with its head it fills the buffer that a busy stream holds
	// anyhow, and no replica waits behind more.
	MaxBlobChunk = bufferSize - frameHead
	// MaxBlobStreams is how many blobs a peer may be asking us for at once.
	MaxBlobStreams = 4

	framePatience = time.Minute // for one frame of a blob, either way: some 1 KiB/s is the slowest that is put up with
	blobUrgency   = 7           // RFC 9218: the least; the control stream has 0, replicas have quic-go's default, 3
)

// ErrStalled is wrapped where a blob stream stood still for a minute.
var ErrStalled = errors.New("nothing moved for a minute")

// BlobStream carries one blob: who opened it asks, the other end gives. It is for one goroutine, but for Reset.
type BlobStream struct {
	stream *quic.Stream
	r      *FrameReader
	w      *FrameWriter
	forget func() bool // the context that the stream lives by
}

// OpenBlob opens a stream to ask for a blob of one connection; it leaves with the first Send. It waits up to a minute for a free stream. The stream
// lives as long as ctx.
func (s *Session) OpenBlob(ctx context.Context, connection string) (*BlobStream, error) {
	if len(connection) == 0 || len(connection) > MaxConnectionID {
		return nil, fmt.Errorf("opening a blob stream: a connection id has 1 to %d bytes", MaxConnectionID)
	}
	waiting, cancel := context.WithTimeoutCause(ctx, framePatience, ErrStalled)
	defer cancel()
	stream, err := s.conn.OpenStreamSync(waiting)
	if err != nil {
		if ctx.Err() == nil && waiting.Err() != nil {
			err = ErrStalled
		}
		return nil, fmt.Errorf("opening a blob stream for %q: %w", connection, err)
	}
	b := s.blob(ctx, stream)
	if err := b.w.WriteFrame(streamOpen, []byte(connection)); err != nil {
		b.Reset()
		return nil, fmt.Errorf("opening a blob stream for %q: %w", connection, err)
	}
	return b, nil
}

// AcceptBlob returns the next blob stream that the peer opens, and the connection it is for. One that does not begin properly is reset and passed over.
func (s *Session) AcceptBlob(ctx context.Context) (connection string, b *BlobStream, err error) {
	for {
		stream, err := s.conn.AcceptStream(ctx)
		if err != nil {
			return "", nil, err
		}
		b := s.blob(ctx, stream)
		stream.SetReadDeadline(time.Now().Add(openTimeout))
		kind, body, err := b.r.ReadFrame()
		if err != nil || kind != streamOpen || len(body) == 0 || len(body) > MaxConnectionID {
			b.Reset()
			s.e.log.Warn("a blob stream did not begin properly", "peer", s.peer, "err", err)
			continue
		}
		return string(body), b, nil
	}
}

func (s *Session) blob(ctx context.Context, stream *quic.Stream) *BlobStream {
	stream.SetPriority(blobUrgency, true) // the blobs under way take turns
	b := &BlobStream{stream: stream}
	b.forget = context.AfterFunc(ctx, b.abort)
	b.r = &FrameReader{from: stream, stop: func() { stream.CancelRead(streamStopped) }}
	b.w = &FrameWriter{to: stream, close: stream.Close, reset: func() { stream.CancelWrite(streamStopped) }, over: stream.Context()}
	return b
}

// Send sends one frame of at most MaxBlobChunk bytes, once the replicas that wait have gone. Where the peer takes nothing for a minute it is an ErrStalled.
func (b *BlobStream) Send(kind byte, body []byte) error {
	if len(body) > MaxBlobChunk {
		return fmt.Errorf("sending %d bytes of a blob: %w", len(body), ErrTooLarge)
	}
	b.stream.SetWriteDeadline(time.Now().Add(framePatience))
	err := b.w.WriteFrame(kind, body)
	if err == nil {
		err = b.w.Flush()
	}
	return stalled(err)
}

// Recv returns the next frame, of at most MaxBlobChunk bytes; the body is good until the next call. It is io.EOF where the peer has ended its side in order, and an
// ErrStalled where no whole frame came within a minute.
func (b *BlobStream) Recv() (kind byte, body []byte, err error) {
	b.stream.SetReadDeadline(time.Now().Add(framePatience))
	kind, n, err := b.r.head()
	switch {
	case err != nil:
		return 0, nil, stalled(err)
	case kind&moreBit != 0 || n > MaxBlobChunk:
		return 0, nil, fmt.Errorf("%w: %d bytes of kind %#x on a blob stream", ErrFrame, n, kind)
	}
	body, err = b.r.body(n)
	return kind, body, stalled(err)
}

// Finish ends our side in order: what was sent still arrives. The other side may go on.
func (b *BlobStream) Finish() error { return b.w.Close() }

// Done ends our side in order and reads no more: for the end that gave. The stream is of no further use.
func (b *BlobStream) Done() error {
	defer b.release()
	b.forget()
	b.stream.CancelRead(streamStopped)
	return b.Finish()
}

// Reset ends both sides at once; a blocked Send or Recv returns. After Done it must not be called.
func (b *BlobStream) Reset() {
	b.forget()
	b.abort()
}

func (b *BlobStream) abort() {
	b.stream.CancelRead(streamStopped)
	b.stream.CancelWrite(streamStopped)
}

// release gives the reader's buffer back.
func (b *BlobStream) release() {
	if b.r.buf != nil {
		buffers.Put(b.r.buf)
		b.r.buf, b.r.r, b.r.n = nil, 0, 0
	}
}

func stalled(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrStalled
	}
	return err
}
