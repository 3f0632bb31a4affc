package transport

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/time/rate"
)

const (
	benchHead = 24  // bytes of a header, as a replica has
	benchBody = 206 // and of a body: 230 together
	benchWave = 512 // messages between two flushes
)

// pipes connects two nodes over loopback and returns a stream from one to the other.
func pipes(b *testing.B) (w *FrameWriter, r *FrameReader) {
	b.Helper()
	x, y := newNode(b, "north").listen(), newNode(b, "south")
	y.cfg.DialOnly = true
	y.listen()
	x.run()
	y.run()
	befriend(x, y)
	sx, sy := x.next(), y.next()
	w, err := sx.OpenStream(b.Context(), "acme")
	if err != nil {
		b.Fatal(err)
	}
	_, r, err = sy.AcceptStream(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return w, r
}

// quicMessages sends n messages over one stream of a session and returns how long they took.
func quicMessages(b *testing.B, w *FrameWriter, r *FrameReader, n int) time.Duration {
	head, body := make([]byte, benchHead), make([]byte, benchBody)
	failed := make(chan error, 1)
	began := time.Now()
	go func() {
		var err error
		for i := 0; i < n && err == nil; i++ {
			if err = w.WriteMessage(1, head, body); err == nil && i%benchWave == benchWave-1 {
				err = w.Flush()
			}
		}
		if err == nil {
			err = w.Flush()
		}
		failed <- err
	}()
	for range n {
		if _, m, err := r.ReadMessage(MaxMessage); err != nil || len(m) != benchHead+benchBody {
			b.Fatal(len(m), err)
		}
	}
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// tcpMessages does the same over plain TCP with bufio at both ends: the limit of this machine's loopback for such frames.
func tcpMessages(b *testing.B, w *bufio.Writer, r *bufio.Reader, n int) time.Duration {
	body := make([]byte, benchHead+benchBody)
	failed := make(chan error, 1)
	began := time.Now()
	go func() {
		var err error
		var head [frameHead]byte
		binary.BigEndian.PutUint32(head[:], uint32(len(body)))
		for i := 0; i < n && err == nil; i++ {
			w.Write(head[:])
			if _, err = w.Write(body); err == nil && i%benchWave == benchWave-1 {
				err = w.Flush()
			}
		}
		w.Flush()
		failed <- err
	}()
	got := make([]byte, len(body))
	var head [frameHead]byte
	for range n {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(r, got[:binary.BigEndian.Uint32(head[:])]); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// BenchmarkMessages gives messages of 230 bytes a second over a session, and its ratio to framed plain TCP, measured in turns.
func BenchmarkMessages(b *testing.B) {
	w, r := pipes(b)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	out, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	tw, tr := bufio.NewWriterSize(out, bufferSize), bufio.NewReaderSize(in, bufferSize)
	const turn = 20_000
	var overQUIC, overTCP time.Duration
	turns := 0
	b.ResetTimer()
	for b.Loop() {
		overQUIC += quicMessages(b, w, r, turn)
		overTCP += tcpMessages(b, tw, tr, turn)
		turns++
	}
	b.ReportMetric(float64(turns*turn)/overQUIC.Seconds(), "msg/s")
	b.ReportMetric(float64(turns*turn)/overTCP.Seconds(), "tcp-msg/s")
	b.ReportMetric(overTCP.Seconds()/overQUIC.Seconds(), "of-tcp")
}

// BenchmarkFrames is the framing alone, without a network: what one message costs the writer and the reader.
func BenchmarkFrames(b *testing.B) {
	head, body := make([]byte, benchHead), make([]byte, benchBody)
	b.Run("write", func(b *testing.B) {
		w := &FrameWriter{to: io.Discard}
		b.ReportAllocs()
		for b.Loop() {
			w.WriteMessage(1, head, body)
		}
	})
	b.Run("read", func(b *testing.B) {
		wire := frames(b, func(w *FrameWriter) {
			for range 1000 {
				w.WriteMessage(1, head, body)
			}
		})
		at := 0
		r := &FrameReader{from: readerFunc(func(p []byte) (int, error) {
			n := copy(p, wire[at:])
			at = (at + n) % len(wire)
			return n, nil
		})}
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := r.ReadMessage(MaxMessage); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStreamOpen is what opening a connection's stream costs, until the other side has it.
func BenchmarkStreamOpen(b *testing.B) {
	x, y := newNode(b, "north").listen(), newNode(b, "south")
	y.cfg.DialOnly = true
	y.listen()
	x.run()
	y.run()
	befriend(x, y)
	sx, sy := x.next(), y.next()
	for b.Loop() {
		w, err := sx.OpenStream(b.Context(), "acme")
		if err != nil {
			b.Fatal(err)
		}
		_, r, err := sy.AcceptStream(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		w.Close()
		r.Cancel()
	}
}

// BenchmarkHandshake is a mutual TLS 1.3 handshake with both chains judged, and "session" what it takes from a dial until both sides are served.
func BenchmarkHandshake(b *testing.B) {
	x, y := newNode(b, "north").listen(), newNode(b, "south")
	y.cfg.DialOnly = true
	y.listen()
	befriend(x, y)
	b.Run("tls", func(b *testing.B) {
		conf, err := x.endpoint.tlsConfig(func(pin) bool { return true })
		if err != nil {
			b.Fatal(err)
		}
		l, err := quic.ListenAddr("127.0.0.1:0", conf, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		for b.Loop() {
			conf, err := y.endpoint.tlsConfig(func(p pin) bool { return p == pinOf(x.id.cert) })
			if err != nil {
				b.Fatal(err)
			}
			conn, err := quic.DialAddr(b.Context(), l.Addr().String(), conf, nil)
			if err != nil {
				b.Fatal(err)
			}
			conn.CloseWithError(0, "")
		}
	})
	x.endpoint.gate.cards.limit = rate.Inf // it dials more often than any partner does
	x.run()
	y.run()
	x.next()
	y.next()
	b.Run("session", func(b *testing.B) {
		k, _ := y.pairing.look("north")
		for b.Loop() {
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() {
				conn, err := y.endpoint.connect(ctx, k)
				if err == nil {
					err = y.endpoint.attend(ctx, conn, true, func() {})
				}
				done <- err
			}()
			x.next()
			y.next()
			cancel()
			<-done
		}
	})
}

// BenchmarkIdleSession is what a quiet session with a stream each way costs one node, in live heap and goroutines (of which one here is the waiting reader); both ends run here, so the figures are halved.
func BenchmarkIdleSession(b *testing.B) {
	const many = 100
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	hub := newNode(b, "hub").listen()
	hub.sessions = make(chan *Session, 10*many)
	hub.run()
	var held []any
	for i := range many {
		n := newNode(b, fmt.Sprint("n", i))
		n.cfg.DialOnly = true
		n.listen().run()
		befriend(hub, n)
		x, y := hub.next(), n.next()
		for _, way := range [][2]*Session{{x, y}, {y, x}} {
			w, err := way[0].OpenStream(b.Context(), "acme")
			if err != nil {
				b.Fatal(err)
			}
			_, r, err := way[1].AcceptStream(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			held = append(held, w)
			go r.ReadFrame() // waits, as a receiver does, until the session ends
		}
	}
	for b.Loop() {
		runtime.GC()
		runtime.GC() // pools let go of what they hold only at the second
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(2*many), "heap-B/session")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/(2*many), "goroutines/session")
	runtime.KeepAlive(held)
}
