package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// lying serves a session as a paired peer that does with blob streams what it
// likes: it says where its connections stand, and takes what comes otherwise.
func (n *filesNode) lying(with func(ctx context.Context, s *transport.Session)) {
	n.serve = func(ctx context.Context, s *transport.Session) error {
		for _, name := range n.names {
			line, err := json.Marshal(position{Connection: name, At: n.desk.Connection(name).Log.Position()})
			if err == nil {
				err = s.SendControl(ctx, positionKind, line)
			}
			if err != nil {
				return err
			}
		}
		go func() {
			for {
				if _, _, err := s.AcceptStream(ctx); err != nil {
					return
				}
			}
		}()
		go with(ctx, s)
		for {
			if _, _, err := s.RecvControl(ctx); err != nil {
				return nil
			}
		}
	}
}

// giving answers each request for a blob by itself.
func (n *filesNode) giving(answer func(ask blobAsk, b *transport.BlobStream) error) {
	n.lying(func(ctx context.Context, s *transport.Session) {
		for {
			_, b, err := s.AcceptBlob(ctx)
			if err != nil {
				return
			}
			kind, body, err := b.Recv()
			ask, bad := decodeBlobAsk(kind, body)
			if err == nil && bad == nil {
				err = answer(ask, b)
			}
			switch err {
			case nil:
				b.Done()
			case errSilent:
			default:
				b.Reset()
			}
		}
	})
}

var errSilent = errors.New("says nothing more")

// Whatever a peer answers, the pull ends held by the code that says what the
// peer does; nothing stays open, and no byte of it reaches Jira.
func TestBlobOfALyingPeer(t *testing.T) {
	const chunk = transport.MaxBlobChunk
	full := make([]byte, chunk)
	right := content(1, 3*chunk)
	for name, c := range map[string]struct {
		answer func(ask blobAsk, b *transport.BlobStream) error
		code   string
	}{
		"other bytes": {func(ask blobAsk, b *transport.BlobStream) error {
			return errors.Join(b.Send(dataKind, full), b.Send(dataKind, full), b.Send(dataKind, full))
		}, FileWrong},
		"more than announced": {func(ask blobAsk, b *transport.BlobStream) error {
			for at := 0; at < len(right); at += chunk {
				b.Send(dataKind, right[at:at+chunk])
			}
			return b.Send(dataKind, []byte("x"))
		}, FileWrong},
		"small frames":      {func(_ blobAsk, b *transport.BlobStream) error { return b.Send(dataKind, []byte("x")) }, FileWrong},
		"empty frames":      {func(_ blobAsk, b *transport.BlobStream) error { return b.Send(dataKind, nil) }, FileWrong},
		"another kind":      {func(_ blobAsk, b *transport.BlobStream) error { return b.Send('z', full) }, FileWrong},
		"a no of no sense":  {func(_ blobAsk, b *transport.BlobStream) error { return b.Send(noKind, []byte{0}) }, FileWrong},
		"a long no":         {func(_ blobAsk, b *transport.BlobStream) error { return b.Send(noKind, []byte{1, 1}) }, FileWrong},
		"a later version's": {func(_ blobAsk, b *transport.BlobStream) error { return b.Send(noKind, []byte{77}) }, FileRefused},
		"nothing":           {func(blobAsk, *transport.BlobStream) error { return nil }, FileLate},
		"a reset":           {func(blobAsk, *transport.BlobStream) error { return errors.New("no") }, FileLate},
		"later, for ever":   {func(_ blobAsk, b *transport.BlobStream) error { return b.Send(noKind, []byte{byte(noLater)}) }, FileLate},
		"silence":           {func(blobAsk, *transport.BlobStream) error { return errSilent }, FileLate},
		"a no in the middle": {func(_ blobAsk, b *transport.BlobStream) error {
			return errors.Join(b.Send(dataKind, full), b.Send(noKind, []byte{byte(noGone)}))
		}, FileRefused},
	} {
		t.Run(name, func(t *testing.T) {
			inFiles(t, oneLine, func(w *filesWorld) { w.north.giving(c.answer) }, func(w *filesWorld) {
				hash, _ := w.north.put("line", "a", right)
				began := time.Now()
				w.south.held("line", hash, int64(len(right)), c.code)
				if took := time.Since(began); took > 20*time.Minute {
					t.Errorf("it was put up with for %v", took)
				}
				q := w.south.desk.blobs
				time.Sleep(time.Minute)
				q.mu.Lock()
				defer q.mu.Unlock()
				if len(q.running)+len(q.streams)+len(q.waiting) > 0 {
					t.Errorf("still there: %v, %v, %v", q.running, q.streams, q.waiting)
				}
			})
		})
	}
}

// One peer's silence on some connection's files delays no other connection's.
func TestBlobOfASilentConnectionDelaysNoOther(t *testing.T) {
	right := content(1, 100_000)
	inFiles(t, []string{"a", "b"}, func(w *filesWorld) {
		w.north.lying(func(ctx context.Context, s *transport.Session) {
			for {
				name, b, err := s.AcceptBlob(ctx)
				if err != nil {
					return
				}
				if name == "b" {
					b.Recv()
					for at := 0; at < len(right); at += transport.MaxBlobChunk {
						b.Send(dataKind, right[at:min(at+transport.MaxBlobChunk, len(right))])
					}
					b.Done()
				}
			}
		})
	}, func(w *filesWorld) {
		d := w.south.desk
		for i := range 20 {
			_, _, err := d.Fetch(d.Connection("a"), filesLink, replica.Hash{byte(i + 1)}, 1000)
			w.must(err)
		}
		hash, size := w.north.put("b", "x", right)
		began := time.Now()
		if got, err := w.south.pull("b", hash, size); !bytes.Equal(got, right) || time.Since(began) > 10*time.Second {
			t.Errorf("%d bytes after %v, %v", len(got), time.Since(began), err)
		}
	})
}

// Whatever a peer asks, it gets a no or nothing, the tenant is not troubled, and
// honest requests are answered beside it.
func TestBlobAskedForByALyingPeer(t *testing.T) {
	var done chan error // made inside the bubble, whose clock it must not stop
	var hash replica.Hash
	var size int64
	inFiles(t, oneLine, func(w *filesWorld) {
		done = make(chan error, 1)
		ready := make(chan struct{})
		w.south.lying(func(ctx context.Context, s *transport.Session) {
			<-ready
			done <- lies(ctx, s, hash, size)
		})
		w.south.serve = func(inner func(context.Context, *transport.Session) error) func(context.Context, *transport.Session) error {
			return func(ctx context.Context, s *transport.Session) error {
				select {
				case <-ready:
				default:
					hash, size = w.north.put("line", "a", content(1, 200_000))
					close(ready)
				}
				return inner(ctx, s)
			}
		}(w.south.serve)
	}, func(w *filesWorld) {
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := len(w.north.offsets()); n != 1 {
			t.Errorf("the tenant was asked %d times", n)
		}
		if !w.north.desk.Connection("line").Up() {
			t.Error("the session did not outlive it")
		}
	})
}

// lies sends every request that is none, and then an honest one.
func lies(ctx context.Context, s *transport.Session, hash replica.Hash, size int64) error {
	good := blobAsk{hash, size, 0}
	other := good
	other.hash[0] ^= 1
	longer, beyond := good, good
	longer.size++
	beyond.offset = size
	for name, c := range map[string]struct {
		connection string
		kind       byte
		body       []byte
		no         blobNo // 0: the stream is reset
	}{
		"nothing":            {"line", giveKind, nil, 0},
		"too much":           {"line", giveKind, append(good.encode(), 0), 0},
		"another kind":       {"line", dataKind, good.encode(), 0},
		"beyond the end":     {"line", giveKind, beyond.encode(), 0},
		"an enormous size":   {"line", giveKind, bytes.Repeat([]byte{0xff}, blobAskSize), 0},
		"another blob":       {"line", giveKind, other.encode(), noUnknown},
		"another size":       {"line", giveKind, longer.encode(), noUnknown},
		"another connection": {"nowhere", giveKind, good.encode(), noUnknown},
	} {
		b, err := s.OpenBlob(ctx, c.connection)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := errors.Join(b.Send(c.kind, c.body), b.Finish()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		kind, body, err := b.Recv()
		if c.no == 0 && err == nil || c.no != 0 && (err != nil || kind != noKind || !bytes.Equal(body, []byte{byte(c.no)})) {
			return fmt.Errorf("%s: answered %q %x, %v", name, kind, body, err)
		}
		b.Reset()
	}
	b, err := s.OpenBlob(ctx, "line")
	if err != nil {
		return err
	}
	defer b.Reset()
	if err := errors.Join(b.Send(giveKind, good.encode()), b.Finish()); err != nil {
		return err
	}
	for left := size; left > 0; {
		kind, body, err := b.Recv()
		data, no, bad := blobFrame(kind, body, left)
		if err = errors.Join(err, bad); err != nil || no != 0 {
			return fmt.Errorf("the honest one: %v, %v", no, err)
		}
		left -= int64(len(data))
	}
	return nil
}

// A peer that asks as fast as it can is slowed down.
func TestBlobRequestsArePaced(t *testing.T) {
	inFiles(t, oneLine, nil, func(w *filesWorld) {
		hash, size := w.north.put("line", "a", content(1, 10))
		d := w.south.desk
		c := d.Connection("line")
		began := time.Now()
		const times = asksBurst + 40
		for range times {
			if _, err := w.south.pull("line", hash, size); err != nil {
				t.Fatal(err)
			}
		}
		if least := 40 * time.Second / asksPerSecond; time.Since(began) < least-time.Second {
			t.Errorf("%d requests were answered in %v", times, time.Since(began))
		}
		if c.Trouble() != "" {
			t.Error(c.Trouble())
		}
	})
}

// FuzzBlobWire reads arbitrary frames as requests and as answers: what a request
// decodes to encodes to the same bytes, and no answer gives more than is due.
func FuzzBlobWire(f *testing.F) {
	f.Add(byte(giveKind), blobAsk{replica.Hash{1}, 10, 3}.encode(), int64(5))
	f.Add(byte(dataKind), []byte("12345"), int64(5))
	f.Add(byte(noKind), []byte{1}, int64(5))
	f.Fuzz(func(t *testing.T, kind byte, body []byte, left int64) {
		if ask, err := decodeBlobAsk(kind, body); err == nil {
			if !bytes.Equal(ask.encode(), body) || ask.offset < 0 || ask.offset >= ask.size || ask.size > maxBlob {
				t.Errorf("%x decodes to %+v", body, ask)
			}
		}
		data, no, err := blobFrame(kind, body, left)
		if err == nil && (int64(len(data)) > left && no == 0 || len(data) > transport.MaxBlobChunk || len(data) == 0 && no == 0 || len(data) > 0 && no != 0) {
			t.Errorf("%q %x with %d left: %d bytes, %v", kind, body, left, len(data), no)
		}
		if err != nil && !errors.Is(err, transport.ErrProtocol) {
			t.Error(err)
		}
	})
}

// A file that the tenant does not give as it says is never hashed as another.
func TestSumFile(t *testing.T) {
	inFiles(t, oneLine, nil, func(w *filesWorld) {
		want := content(1, 200_000)
		hash, size := w.north.put("line", "a", want)
		file := ledger.FileID{ID: "77", Size: size, Created: 1}
		for range 2 {
			if got, err := w.north.desk.SumFile(t.Context(), file, "a"); got != hash || err != nil {
				t.Errorf("%s, %v", got, err)
			}
		}
		if n := len(w.north.offsets()); n != 1 {
			t.Errorf("it was read %d times", n)
		}
		for _, wrong := range []int64{size - 1, size + 1, 0} {
			if _, err := w.north.desk.SumFile(t.Context(), ledger.FileID{ID: "77", Size: wrong, Created: 1}, "a"); !errors.Is(err, ErrOtherSize) {
				t.Errorf("as %d bytes: %v", wrong, err)
			}
		}
		if _, err := w.north.desk.SumFile(t.Context(), ledger.FileID{ID: "78", Size: size, Created: 1}, "b"); !errors.Is(err, ErrBlobGone) {
			t.Errorf("a file that is gone: %v", err)
		}
	})
}
