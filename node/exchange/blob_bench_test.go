package exchange

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

const benchFile = 64 << 20 // bytes

// made is a file of the tenant's that is nowhere in memory.
func made(offset int64) io.Reader {
	src := rand.NewChaCha8([32]byte{7})
	io.CopyN(io.Discard, src, offset)
	return io.LimitReader(src, benchFile-offset)
}

// BenchmarkBlob carries 64 MiB from node to node over loopback and real disks:
// bytes a second, and how far the heap of both nodes together grew at most.
func BenchmarkBlob(b *testing.B) {
	sum, err := SumBlob(made(0), benchFile)
	if err != nil {
		b.Fatal(err)
	}
	from, to := benchNodes(b)
	err = from.led.Write(func(batch *ledger.Batch) error {
		return ledger.PutGrant(batch, ledger.Grant{Connection: "line", Link: filesLink, Path: "attachment/1", Hash: sum, Size: benchFile, Source: "1"})
	})
	if err != nil {
		b.Fatal(err)
	}
	c := to.Connection("line")
	b.SetBytes(benchFile)
	peak := uint64(0)
	for b.Loop() {
		grew, err := heapGrowth(func() error {
			return to.Pull(b.Context(), c, filesLink, sum, benchFile, func(f *Blob) error {
				r, err := f.Open()
				if err != nil {
					return err
				}
				_, err = io.Copy(sha256.New(), r)
				return errors.Join(err, r.Close())
			})
		})
		if err != nil {
			b.Fatal(err)
		}
		peak = max(peak, grew)
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	if peak > benchFile/2 {
		b.Errorf("the heap grew by %d MiB for a file of %d MiB", peak>>20, benchFile>>20)
	}
}

// heapGrowth runs f and tells how far the heap grew beyond what it was before.
func heapGrowth(f func() error) (uint64, error) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapInuse, uint64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				if m.HeapInuse > before {
					most = max(most, m.HeapInuse-before)
				}
			case <-stop:
				return
			}
		}
	}()
	err := f()
	close(stop)
	<-done
	return most, err
}

// benchNodes runs two nodes that are connected over loopback.
func benchNodes(b *testing.B) (from, to *Desk) {
	b.Helper()
	var ids [2]*transport.Identity
	var pairs [2]*transport.Pairing
	var ends [2]*transport.Endpoint
	var desks [2]*Desk
	names := [2]string{"north", "south"}
	for i, name := range names {
		id, err := transport.NewIdentity(name)
		if err != nil {
			b.Fatal(err)
		}
		home := b.TempDir()
		led, err := ledger.Open(ledger.Config{Dir: filepath.Join(home, "ledger")})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { led.Close() })
		read := func(_ context.Context, _ string, offset int64) (io.ReadCloser, error) {
			return io.NopCloser(made(offset)), nil
		}
		desks[i], err = blobDesk(led, string(id.NodeID()), id.LedgerKey(), BlobConfig{Read: read, Spool: ledger.SpoolConfig{Dir: filepath.Join(home, "blobs")}}, nil)
		if err == nil {
			err = desks[i].Use("line", "line", names[1-i], replica.Hash{1}, nil, "")
		}
		if err != nil {
			b.Fatal(err)
		}
		ids[i], pairs[i] = id, transport.NewPairing(id, &transport.MemoryStore{})
		ends[i], err = transport.New(transport.Config{
			Identity: id, Pairing: pairs[i], Listen: "127.0.0.1:0", Hello: desks[i].Positions, Serve: desks[i].Serve,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for i := range names {
		card, err := pairs[i].Offer([]string{ends[i].Addr().String()}, false)
		if err != nil {
			b.Fatal(err)
		}
		_, err = pairs[1-i].Accept(card, names[i])
		if err == nil {
			_, err = pairs[1-i].Confirm(names[i], transport.Confirmation{Fingerprint: ids[i].Fingerprint()})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, e := range ends {
		wg.Go(func() { e.Run(ctx) })
	}
	b.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return desks[0], desks[1]
}
