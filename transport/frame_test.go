package transport

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// frames returns what write writes.
func frames(t testing.TB, write func(w *FrameWriter)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := &FrameWriter{to: &b}
	write(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFramesOfEverySizeCross(t *testing.T) {
	sizes := []int{0, 1, 229, 230, 4000, bufferSize - frameHead - 1, bufferSize - frameHead, bufferSize - frameHead + 1, bufferSize, bufferSize + 1,
		3*bufferSize + 7, MaxFrame - 1, MaxFrame, MaxFrame + 1, 2 * MaxFrame, 2*MaxFrame + 1, MaxMessage}
	random := rand.New(rand.NewPCG(1, 2))
	body := make([]byte, MaxMessage)
	for i := range body {
		body[i] = byte(random.Uint32())
	}
	wire := frames(t, func(w *FrameWriter) {
		for _, n := range sizes {
			cut := random.IntN(n + 1)
			if err := w.WriteMessage(9, body[:cut], body[cut:n]); err != nil {
				t.Fatal(err)
			}
			for range 5 { // small ones between, so that every offset in the buffer comes up
				if err := w.WriteFrame(8, body[:3], body[3:random.IntN(400)+3]); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	for name, from := range map[string]io.Reader{"at once": bytes.NewReader(wire), "in halves": iotest.HalfReader(bytes.NewReader(wire)), "end with data": iotest.DataErrReader(bytes.NewReader(wire))} {
		r := &FrameReader{from: from}
		for _, n := range sizes {
			kind, got, err := r.ReadMessage(MaxMessage)
			if err != nil || kind != 9 || !bytes.Equal(got, body[:n]) {
				t.Fatalf("%s: %d bytes came as kind %d, %d bytes, %v", name, n, kind, len(got), err)
			}
			for range 5 {
				if kind, got, err := r.ReadFrame(); err != nil || kind != 8 || !bytes.HasPrefix(body, got) {
					t.Fatalf("%s: after %d: kind %d, %d bytes, %v", name, n, kind, len(got), err)
				}
			}
		}
		if _, _, err := r.ReadFrame(); err != io.EOF || r.Buffered() != 0 {
			t.Errorf("%s: at the end: %v", name, err)
		}
	}
}

func TestWriterRefusesTooMuch(t *testing.T) {
	w := &FrameWriter{to: io.Discard}
	if err := w.WriteFrame(1, make([]byte, MaxFrame), []byte{1}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if err := w.WriteMessage(1, []byte{1}, make([]byte, MaxMessage)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if err := w.WriteFrame(0x80); !errors.Is(err, ErrFrame) {
		t.Error(err)
	}
	if err := w.WriteMessage(0xff, nil, nil); !errors.Is(err, ErrFrame) {
		t.Error(err)
	}
}

func TestBadFramesAreRefused(t *testing.T) {
	full := make([]byte, MaxFrame)
	raw := func(parts ...any) (b []byte) {
		for i := 0; i < len(parts); i += 2 {
			b = append(b, frames(t, func(w *FrameWriter) {
				body := parts[i+1].([]byte)
				w.frame(byte(parts[i].(int)), len(body), body)
			})...)
		}
		return b
	}
	for name, c := range map[string]struct {
		wire  []byte
		limit int
		want  error
	}{
		"4 GiB":               {[]byte{0xff, 0xff, 0xff, 0xff, 1, 0}, MaxMessage, ErrTooLarge},
		"a byte over":         {[]byte{0, 0x10, 0, 1, 1, 0}, MaxMessage, ErrTooLarge},
		"over the limit":      {raw(1, []byte("abcd")), 3, ErrTooLarge},
		"together over":       {raw(0x81, full, 1, []byte("x")), MaxFrame, ErrTooLarge},
		"cut head":            {[]byte{0, 0, 0}, 10, io.ErrUnexpectedEOF},
		"cut body":            {[]byte{0, 0, 0, 9, 1, 2}, 10, io.ErrUnexpectedEOF},
		"cut large body":      {raw(1, full)[:MaxFrame/2], MaxMessage, io.ErrUnexpectedEOF},
		"cut between parts":   {raw(0x81, full), MaxMessage, io.ErrUnexpectedEOF},
		"a part not full":     {raw(0x81, full[1:], 1, []byte("x")), MaxMessage, ErrFrame},
		"empty parts":         {raw(0x81, []byte{}, 0x81, []byte{}), MaxMessage, ErrFrame},
		"parts of two kinds":  {raw(0x81, full, 2, []byte("x")), MaxMessage, ErrFrame},
		"nothing":             {nil, 10, io.EOF},
		"endless full frames": {bytes.Repeat(raw(0x81, full), 17), MaxMessage, ErrTooLarge},
	} {
		r := &FrameReader{from: bytes.NewReader(c.wire)}
		if _, _, err := r.ReadMessage(c.limit); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := &FrameReader{from: bytes.NewReader(raw(0x81, full, 1, []byte("x")))}
	if _, _, err := r.ReadFrame(); !errors.Is(err, ErrFrame) {
		t.Errorf("a part where a frame is due: %v", err)
	}
}

// An idle stream holds no buffer, so that thousands of them are cheap.
func TestIdleStreamsHoldNoBuffer(t *testing.T) {
	wire := frames(t, func(w *FrameWriter) {
		w.WriteFrame(1, []byte("x"))
		if err := w.Flush(); err != nil || w.buf != nil {
			t.Errorf("the writer keeps its buffer: %v", err)
		}
	})
	from, to := io.Pipe()
	waiting := make(chan struct{}, 8)
	r := &FrameReader{from: readerFunc(func(b []byte) (int, error) {
		if len(b) < bufferSize/2 {
			waiting <- struct{}{}
		}
		return from.Read(b)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 {
			if _, body, err := r.ReadFrame(); err != nil || string(body) != "x" {
				t.Errorf("got %q, %v", body, err)
			}
		}
	}()
	<-waiting
	to.Write(wire)
	<-waiting // for the second frame, into the small buffer: the large one is back in the pool
	to.Write(wire)
	<-done
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func FuzzFrameReader(f *testing.F) {
	f.Add(frames(f, func(w *FrameWriter) { w.WriteFrame(1, []byte("abc")); w.WriteMessage(2, []byte("d"), []byte("ef")) }))
	f.Add([]byte{0, 0, 0, 5, 0x81, 1, 2})
	f.Fuzz(func(t *testing.T, wire []byte) {
		const limit = 1 << 16
		r := &FrameReader{from: bytes.NewReader(wire)}
		again := frames(t, func(w *FrameWriter) {
			for {
				kind, body, err := r.ReadMessage(limit)
				if err != nil {
					return
				}
				if len(body) > limit || len(body) > len(wire) {
					t.Fatalf("a body of %d bytes out of %d", len(body), len(wire))
				}
				if err := w.WriteMessage(kind, nil, body); err != nil {
					t.Fatal(err)
				}
			}
		})
		if !bytes.HasPrefix(wire, again) {
			t.Error("what was read does not write to the same bytes")
		}
	})
}
