package transport

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
)

// A blob is asked for and given beside everything else of a session.
func TestBlobStreamCarriesBothWays(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		sa, sb := connected(a, b)
		for _, way := range [][2]*Session{{sa, sb}, {sb, sa}} { // whoever dialled
			askBlob(t, way[0], way[1], "acme")
			talk(t, way[0], way[1])
		}
	})
}

// askBlob has one side ask and the other give one chunk.
func askBlob(t *testing.T, from, to *Session, connection string) {
	t.Helper()
	in, err := from.OpenBlob(t.Context(), connection)
	if err == nil {
		err = errors.Join(in.Send('g', []byte("which")), in.Finish())
	}
	if err != nil {
		t.Fatal(err)
	}
	name, out, err := to.AcceptBlob(t.Context())
	if err != nil || name != connection {
		t.Fatalf("a stream for %q: %v", name, err)
	}
	if kind, body, err := out.Recv(); kind != 'g' || string(body) != "which" || err != nil {
		t.Fatalf("asked %q %q %v", kind, body, err)
	}
	chunk := bytes.Repeat([]byte("x"), MaxBlobChunk)
	if err := errors.Join(out.Send('d', chunk), out.Done()); err != nil {
		t.Fatal(err)
	}
	if kind, body, err := in.Recv(); kind != 'd' || !bytes.Equal(body, chunk) || err != nil {
		t.Fatalf("given %q, %d bytes, %v", kind, len(body), err)
	}
	if _, _, err := in.Recv(); err != io.EOF {
		t.Fatalf("after the last chunk: %v", err)
	}
	in.Reset()
}

// A peer that stands still, in either role, is given up within a minute or two,
// and its place is free again.
func TestBlobStreamThatStandsStill(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		sa, sb := connected(a, b)
		in, err := sa.OpenBlob(t.Context(), "acme")
		if err == nil {
			err = in.Send('g', nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, out, err := sb.AcceptBlob(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for err == nil { // nobody reads: the window fills
			err = out.Send('d', make([]byte, MaxBlobChunk))
		}
		if !errors.Is(err, ErrStalled) {
			t.Errorf("sending to somebody who does not read: %v", err)
		}
		began := time.Now()
		if _, _, err = out.Recv(); err != nil {
			t.Fatal(err)
		}
		if _, _, err = out.Recv(); !errors.Is(err, ErrStalled) || time.Since(began) > 2*framePatience {
			t.Errorf("waiting for somebody who says nothing: %v after %v", err, time.Since(began))
		}
		out.Reset()
		in.Reset()
		talk(t, sa, sb)
		for range 3 * MaxBlobStreams {
			askBlob(t, sa, sb, "acme")
		}
	})
}

// A peer has four blob streams at once and no more; the fifth waits for one to end.
func TestBlobStreamsAreBounded(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		sa, sb := connected(a, b)
		var open []*BlobStream
		for len(open) <= MaxBlobStreams { // the dialled side allows one more than it needs
			s, err := sa.OpenBlob(t.Context(), "acme")
			if err == nil {
				err = s.Send('g', nil)
			}
			if err != nil {
				if errors.Is(err, ErrStalled) {
					break
				}
				t.Fatal(err)
			}
			open = append(open, s)
		}
		if len(open) < MaxBlobStreams {
			t.Fatalf("%d streams could be opened", len(open))
		}
		began := time.Now()
		if _, err := sa.OpenBlob(t.Context(), "acme"); !errors.Is(err, ErrStalled) || time.Since(began) != framePatience {
			t.Errorf("one more: %v after %v", err, time.Since(began))
		}
		talk(t, sb, sa) // nothing else waits for them
		for _, s := range open {
			s.Reset()
		}
		for range open {
			_, s, err := sb.AcceptBlob(t.Context())
			if err != nil {
				break // it was reset before it began
			}
			s.Reset()
		}
		synctest.Wait()
		askBlob(t, sa, sb, "acme")
	})
}

// What does not begin as a blob stream does, or says too much at once, is refused alone.
func TestBlobStreamOfAHostilePeer(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		sa, sb := connected(a, b)
		done := make(chan error, 1)
		go func() {
			_, out, err := sb.AcceptBlob(t.Context()) // passes over all of them
			if err == nil {
				_, _, err = out.Recv()
				out.Reset()
			}
			done <- err
		}()
		for name, wire := range map[string][]byte{
			"noise":          bytes.Repeat([]byte{0x55}, 100),
			"a huge frame":   {0xff, 0xff, 0xff, 0xff, 1},
			"another kind":   frames(t, func(w *FrameWriter) { w.WriteFrame('g', []byte("acme")) }),
			"no connection":  frames(t, func(w *FrameWriter) { w.WriteFrame(streamOpen, nil) }),
			"a long name":    frames(t, func(w *FrameWriter) { w.WriteFrame(streamOpen, make([]byte, MaxConnectionID+1)) }),
			"end of stream":  {0, 0},
			"part of a name": frames(t, func(w *FrameWriter) { w.WriteFrame(streamOpen, []byte("acme")) })[:7],
		} {
			s, err := sa.conn.OpenStreamSync(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			s.Write(wire)
			s.Close()
		}
		in, err := sa.OpenBlob(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		in.w.WriteFrame('d', make([]byte, MaxBlobChunk+1)) // the peer may stop reading in the middle of it
		in.w.Flush()
		if err := <-done; !errors.Is(err, ErrFrame) {
			t.Errorf("a chunk that is too large: %v", err)
		}
		in.Reset()
		if err := in.Send('d', make([]byte, MaxBlobChunk+1)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("our own: %v", err)
		}
		talk(t, sa, sb)
	})
}

// Replicas have the line; blobs take what is left of it.
func TestReplicasGoBeforeBlobs(t *testing.T) {
	virtual(t, func(t *testing.T, a, b *node, _ *lossy) {
		sa, sb := connected(a, b)
		var given atomic.Int64
		for range MaxBlobStreams {
			in, err := sb.OpenBlob(t.Context(), "acme")
			if err == nil {
				err = in.Send('g', nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for err := error(nil); err == nil; {
					var body []byte
					_, body, err = in.Recv()
					given.Add(int64(len(body)))
				}
			}()
			_, out, err := sa.AcceptBlob(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for err := error(nil); err == nil; {
					err = out.Send('d', make([]byte, MaxBlobChunk))
				}
			}()
		}
		time.Sleep(time.Second)
		w, err := sa.OpenStream(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		_, r, err := sb.AcceptStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const large, times = 4 << 20, 4
		before := given.Load()
		go func() {
			for range times {
				w.WriteMessage(2, nil, make([]byte, large))
			}
			w.Flush()
		}()
		for range times {
			if _, _, err := r.ReadMessage(MaxMessage); err != nil {
				t.Fatal(err)
			}
		}
		meanwhile := given.Load() - before
		if meanwhile == 0 || meanwhile > 5*large*times/2 { // by turns it would be four times as much as the replicas, or more
			t.Errorf("%d KiB of blobs came while %d KiB of replicas did", meanwhile>>10, large*times>>10)
		}
		sa.conn.CloseWithError(quic.ApplicationErrorCode(codeOurs), "")
		synctest.Wait()
	})
}
