package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Limits of a frame and a message, in bytes of body.
const (
	MaxFrame   = 1 << 20
	MaxMessage = 16<<20 + 4<<10 // what WriteMessage takes: the largest replica and its header

	frameHead  = 5        // length (4 bytes, big endian, of the body), kind
	moreBit    = 0x80     // in the kind: another frame of this message follows
	bufferSize = 64 << 10 // of a busy stream; an idle one holds none
)

// ErrFrame is wrapped where a peer's frames break a rule: the stream or session must be closed. ErrTooLarge where a body is beyond its limit.
var (
	ErrFrame    = errors.New("malformed frame")
	ErrTooLarge = errors.New("larger than allowed")
)

// buffers lends a busy stream its 64 KiB, so that five thousand idle ones cost nothing.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// FrameWriter writes frames to one stream. It is for one goroutine; nothing is sent before Flush, unless the buffer is full.
// After an error the stream is of no further use: Reset it.
type FrameWriter struct {
	to    io.Writer
	buf   *[bufferSize]byte // nil while nothing waits
	n     int
	close func() error    // ends the stream in order
	reset func()          // ends it at once; safe beside a write
	over  context.Context // done once the stream takes nothing more
}

// WriteFrame adds one frame, its body being the parts together: at most MaxFrame bytes. Kinds are below 0x80.
func (w *FrameWriter) WriteFrame(kind byte, parts ...[]byte) error {
	total := 0
	for _, p := range parts {
		total += len(p)
	}
	if kind&moreBit != 0 {
		return fmt.Errorf("%w: kind %#x is reserved", ErrFrame, kind)
	}
	return w.frame(kind, total, parts...)
}

// WriteMessage adds header and body as one message that ReadMessage gives back in one piece: one frame where it fits, else several.
func (w *FrameWriter) WriteMessage(kind byte, header, body []byte) error {
	total := len(header) + len(body)
	if kind&moreBit != 0 {
		return fmt.Errorf("%w: kind %#x is reserved", ErrFrame, kind)
	}
	if total > MaxMessage {
		return fmt.Errorf("message of %d bytes: %w", total, ErrTooLarge)
	}
	for total > MaxFrame {
		head := header[:min(len(header), MaxFrame)]
		rest := body[:MaxFrame-len(head)]
		if err := w.frame(kind|moreBit, MaxFrame, head, rest); err != nil {
			return err
		}
		header, body = header[len(head):], body[len(rest):]
		total -= MaxFrame
	}
	return w.frame(kind, total, header, body)
}

func (w *FrameWriter) frame(kind byte, total int, parts ...[]byte) error {
	if total > MaxFrame {
		return fmt.Errorf("frame of %d bytes: %w", total, ErrTooLarge)
	}
	if w.buf == nil {
		w.buf = buffers.Get().(*[bufferSize]byte)
	} else if w.n+frameHead > bufferSize {
		if err := w.send(); err != nil {
			return err
		}
	}
	binary.BigEndian.PutUint32(w.buf[w.n:], uint32(total))
	w.buf[w.n+4] = kind
	w.n += frameHead
	for _, p := range parts {
		if err := w.write(p); err != nil {
			return err
		}
	}
	return nil
}

// write copies p into the buffer, or past it where p is larger than the whole buffer.
func (w *FrameWriter) write(p []byte) error {
	for len(p) > bufferSize-w.n {
		if w.n == 0 {
			_, err := w.to.Write(p)
			return err
		}
		k := copy(w.buf[w.n:], p)
		w.n, p = w.n+k, p[k:]
		if err := w.send(); err != nil {
			return err
		}
	}
	w.n += copy(w.buf[w.n:], p)
	return nil
}

func (w *FrameWriter) send() error {
	_, err := w.to.Write(w.buf[:w.n])
	w.n = 0
	return err
}

// Flush sends what waits. It blocks while the peer takes no more: that is the back-pressure.
func (w *FrameWriter) Flush() error {
	if w.buf == nil {
		return nil
	}
	err := w.send()
	buffers.Put(w.buf)
	w.buf = nil
	return err
}

// Close flushes and ends the stream; what was written still arrives.
func (w *FrameWriter) Close() error {
	if err := w.Flush(); err != nil {
		return err
	}
	return w.close()
}

// Reset ends the stream at once; what was written may be lost. A blocked Flush returns.
func (w *FrameWriter) Reset() { w.reset() }

// Over is closed once the stream takes nothing more, and Cause then says why: the peer stopped it ([Stopped]), the session ended,
// or it was closed here. A writer with nothing to write learns of it by no other way.
func (w *FrameWriter) Over() <-chan struct{} { return w.over.Done() }

// Cause is why the stream takes nothing more; nil while it does.
func (w *FrameWriter) Cause() error { return context.Cause(w.over) }

// FrameReader reads frames from one stream. It is for one goroutine, and so are the bodies it gives out.
type FrameReader struct {
	from  io.Reader
	first [64]byte          // where an idle stream waits
	buf   *[bufferSize]byte // nil while the stream is idle
	r, n  int               // unread bytes are buf[r:n]
	large []byte            // body of the last frame that did not fit buf
	stop  func()            // tells the peer to stop sending; safe beside a read
}

// ReadFrame returns the next frame. The body is good until the next call. The error is io.EOF where the stream ended between frames.
func (r *FrameReader) ReadFrame() (kind byte, body []byte, err error) {
	kind, n, err := r.head()
	if err != nil {
		return 0, nil, err
	}
	if kind&moreBit != 0 {
		return 0, nil, fmt.Errorf("%w: part of a message where a frame is due", ErrFrame)
	}
	body, err = r.body(n)
	return kind, body, err
}

// ReadMessage returns the next message, which may have come as several frames, together at most limit bytes. The body is good until the next call.
func (r *FrameReader) ReadMessage(limit int) (kind byte, body []byte, err error) {
	kind, n, err := r.head()
	if err != nil {
		return 0, nil, err
	}
	if n > limit {
		return 0, nil, fmt.Errorf("message of %d bytes or more: %w", n, ErrTooLarge)
	}
	if kind&moreBit == 0 {
		body, err = r.body(n)
		return kind, body, err
	}
	// Only full frames may be followed by more, so that the number of frames is bounded too.
	whole := r.large[:0]
	for first := kind; ; {
		if kind&^moreBit != first&^moreBit || (kind&moreBit != 0 && n != MaxFrame) {
			return 0, nil, fmt.Errorf("%w: a message's parts do not belong together", ErrFrame)
		}
		if len(whole)+n > limit {
			return 0, nil, fmt.Errorf("message of more than %d bytes: %w", limit, ErrTooLarge)
		}
		at := len(whole)
		whole = append(whole, make([]byte, n)...)
		if err := r.copyBody(whole[at:]); err != nil {
			return 0, nil, err
		}
		r.large = whole
		if kind&moreBit == 0 {
			return kind, whole, nil
		}
		if kind, n, err = r.head(); err != nil {
			return 0, nil, unexpected(err)
		}
	}
}

// Buffered is how many bytes can be read without waiting: zero means that the next read may block.
func (r *FrameReader) Buffered() int { return r.n - r.r }

// Cancel tells the peer to stop sending on this stream. A blocked read returns.
func (r *FrameReader) Cancel() { r.stop() }

// head reads the next frame's head.
func (r *FrameReader) head() (kind byte, n int, err error) {
	if r.r == r.n {
		if err := r.wait(); err != nil {
			return 0, 0, err
		}
	}
	if err := r.fill(frameHead); err != nil {
		return 0, 0, unexpected(err)
	}
	h := r.buf[r.r:]
	size := binary.BigEndian.Uint32(h)
	if size > MaxFrame {
		return 0, 0, fmt.Errorf("frame of %d bytes: %w", size, ErrTooLarge)
	}
	kind = h[4]
	r.r += frameHead
	return kind, int(size), nil
}

// body reads a frame's body: in place where it fits the buffer.
func (r *FrameReader) body(n int) ([]byte, error) {
	if n <= bufferSize {
		if cap(r.large) > 0 {
			r.large = nil // large bodies are rare; their memory is not kept
		}
		if err := r.fill(n); err != nil {
			return nil, unexpected(err)
		}
		b := r.buf[r.r : r.r+n : r.r+n]
		r.r += n
		return b, nil
	}
	if cap(r.large) < n {
		r.large = make([]byte, n)
	}
	b := r.large[:n]
	return b, r.copyBody(b)
}

// copyBody fills b from the buffer and then straight from the stream.
func (r *FrameReader) copyBody(b []byte) error {
	k := copy(b, r.buf[r.r:r.n])
	r.r += k
	_, err := io.ReadFull(r.from, b[k:])
	return unexpected(err)
}

// wait blocks for a stream's next bytes without holding a buffer.
func (r *FrameReader) wait() error {
	if r.buf != nil {
		buffers.Put(r.buf)
		r.buf = nil
	}
	r.r, r.n = 0, 0
	for {
		k, err := r.from.Read(r.first[:])
		if k > 0 {
			r.buf = buffers.Get().(*[bufferSize]byte)
			r.n = copy(r.buf[:], r.first[:k])
			return nil // an error comes again with the next read
		}
		if err != nil {
			return err
		}
	}
}

// fill makes sure that n unread bytes, at most bufferSize, are in the buffer.
func (r *FrameReader) fill(n int) error {
	if r.r+n > bufferSize {
		r.n = copy(r.buf[:], r.buf[r.r:r.n])
		r.r = 0
	}
	for r.n-r.r < n {
		k, err := r.from.Read(r.buf[r.n:])
		r.n += k
		if err != nil && r.n-r.r < n {
			return err
		}
	}
	return nil
}

// unexpected turns an end of stream inside a frame into what it is.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
