package transport

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// floodEvery paces unpaired dials: 10,000 a minute.
const floodEvery = time.Minute / 10_000

// BenchmarkUnpairedDials has strangers dial a node 10,000 times a minute while a
// paired peer talks to it: the peer's round trips with and without them, and how
// much memory this process, which holds the strangers too, grew by. A whole
// minute is -benchtime 10000x.
func BenchmarkUnpairedDials(b *testing.B) {
	hub, friend := newNode(b, "hub").listen(), newNode(b, "friend")
	friend.cfg.DialOnly = true
	friend.listen()
	hub.run()
	friend.run()
	befriend(hub, friend)
	there, here := hub.next(), friend.next()
	ctx, cancel := context.WithCancel(b.Context())
	var echo sync.WaitGroup
	echo.Go(func() {
		for {
			kind, body, err := there.RecvControl(ctx)
			if err != nil || there.SendControl(ctx, kind, body) != nil {
				return
			}
		}
	})
	defer echo.Wait()
	defer cancel()
	quiet := roundTrips(b, here, time.After(3*time.Second))

	stranger := newNode(b, "stranger")
	stranger.cfg.DialOnly = true
	stranger.listen()
	conf, err := stranger.endpoint.tlsConfig(func(pin) bool { return true })
	if err != nil {
		b.Fatal(err)
	}
	socket, err := listenUDP("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	from := &quic.Transport{Conn: socket}
	defer socket.Close()
	defer from.Close()
	before, n, over := resident(b), b.N, make(chan time.Time)
	var dials sync.WaitGroup
	dials.Go(func() {
		defer close(over)
		tick := time.NewTicker(floodEvery)
		defer tick.Stop()
		for range n {
			<-tick.C
			dials.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
				defer cancel()
				conn, err := from.Dial(ctx, hub.endpoint.Addr(), conf, nil)
				if err == nil { // the refusal comes after the handshake, as TLS 1.3 has it
					<-conn.Context().Done()
				}
			})
		}
	})
	b.ResetTimer()
	flooded := roundTrips(b, here, over)
	b.StopTimer()
	dials.Wait()
	if k := hub.pairing.Pending(); len(k) != 1 || k[0].Count < n/2 {
		b.Errorf("the hub heard of %+v, want one stranger who knocked about %d times", k, n)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Minutes(), "dials/min")
	b.ReportMetric(float64(quantile(flooded, 0.5))/float64(quantile(quiet, 0.5)), "p50-ratio")
	b.ReportMetric(float64(quantile(flooded, 0.99))/float64(quantile(quiet, 0.99)), "p99-ratio")
	b.ReportMetric(float64(resident(b)-before)/(1<<20), "grown-MiB")
}

// roundTrips measures control messages there and back until enough comes.
func roundTrips(b *testing.B, s *Session, enough <-chan time.Time) (took []time.Duration) {
	for {
		select {
		case <-enough:
			slices.Sort(took)
			return took
		case <-time.After(2 * time.Millisecond):
		}
		began := time.Now()
		if err := s.SendControl(b.Context(), 'e', []byte("still there?")); err != nil {
			b.Fatal(err)
		}
		if _, _, err := s.RecvControl(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))]
}

// resident is this process's resident memory in bytes; the benchmark needs Linux.
func resident(b *testing.B) int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip("resident memory is read from /proc: ", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
