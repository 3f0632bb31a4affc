package exchange_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"parley/jsm"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// BenchmarkEndToEnd posts replicas of about 230 bytes over many links and waits
// for the peer's signed receipt of each: outbox synced, QUIC with mutual TLS,
// inbox synced. What is posted is made before the clock runs: reading a ticket,
// its view and their hashes have benchmarks of their own. Beside each figure
// stands what the same disk does in the same round, one bare fdatasync after
// the other, of 230 bytes and of 8 KiB, and what a skeleton does, which carries
// bytes that mean nothing to it; and the ratio to each.
func BenchmarkEndToEnd(b *testing.B) {
	for _, outstanding := range []int{1, 64, 1024} {
		b.Run(fmt.Sprint(outstanding), func(b *testing.B) {
			p := newPipe(b)
			small, large := fdatasyncs(b, 230), fdatasyncs(b, 8<<10)
			links := make([]*posting, outstanding)
			for i := range links {
				links[i] = p.link(b, i)
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			cpu := spent(b)
			b.ResetTimer()
			for _, l := range links {
				wg.Go(func() {
					for next.Add(1) <= int64(b.N) {
						l.post(b)
					}
				})
			}
			wg.Wait()
			took := b.Elapsed()
			b.StopTimer()
			b.ReportMetric(float64((spent(b)-cpu).Nanoseconds())/1e3/float64(b.N), "cpu-µs/replica")
			small, large = (small+fdatasyncs(b, 230))/2, (large+fdatasyncs(b, 8<<10))/2
			rate := float64(b.N) / took.Seconds()
			b.ReportMetric(rate, "replicas/s")
			b.ReportMetric(small, "fdatasync/s")
			b.ReportMetric(rate/small, "×fdatasync")
			b.ReportMetric(large, "8KiB-fdatasync/s")
			b.ReportMetric(rate/large, "×8KiB-fdatasync")
			bare := skeleton(b, outstanding)
			b.ReportMetric(bare, "skeleton/s")
			b.ReportMetric(rate/bare, "of-skeleton")
		})
	}
}

// spent is the processor time of this process so far, both desks together.
func spent(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// fdatasyncs measures the bare disk: so many bytes appended and synced, one after
// the other, for 300 ms.
func fdatasyncs(b *testing.B, size int) float64 {
	const length = 4 << 20
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(length); err != nil { // as a recycled log: no size to journal
		b.Fatal(err)
	}
	buf := make([]byte, size)
	begin, n := time.Now(), 0
	for ; time.Since(begin) < 300*time.Millisecond; n++ {
		if _, err := f.WriteAt(buf, int64(n*size%(length-size))); err != nil {
			b.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(begin).Seconds()
}

// pipe is two desks without tenants, joined over loopback.
type pipe struct {
	led *ledger.Ledger
	log *ledger.Log

	mu     sync.Mutex // guards the fields below
	stored replica.Seq
	wait   [2048]chan struct{} // of those that are not stored, by their sequence modulo its length: more than are ever outstanding
}

// watch tells each posting when its replica is stored.
func (p *pipe) watch(ctx context.Context) {
	for ctx.Err() == nil {
		moved := p.log.Heard()
		now := p.log.Told().Stored
		p.mu.Lock()
		for ; p.stored < now; p.stored++ {
			if c := &p.wait[int(p.stored+1)%len(p.wait)]; *c != nil {
				*c <- struct{}{}
				*c = nil
			}
		}
		p.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

// until waits for one receipt.
func (l *posting) until(seq replica.Seq) {
	p := l.p
	p.mu.Lock()
	if seq <= p.stored {
		p.mu.Unlock()
		return
	}
	p.wait[int(seq)%len(p.wait)] = l.stored
	p.mu.Unlock()
	<-l.stored
}

// join pairs two nodes that are up, each as config makes it of its name and
// identity, until the benchmark ends. What runs beside them does so in wg, and
// ends with ctx.
func join(b *testing.B, config func(name string, id *transport.Identity) transport.Config) (ctx context.Context, wg *sync.WaitGroup) {
	b.Helper()
	type end struct {
		id       *transport.Identity
		pairing  *transport.Pairing
		endpoint *transport.Endpoint
	}
	ends := map[string]*end{}
	for _, name := range []string{"north", "south"} {
		id, err := transport.NewIdentity(name)
		must(b, err)
		e := &end{id: id, pairing: transport.NewPairing(id, &transport.MemoryStore{})}
		cfg := config(name, id)
		cfg.Identity, cfg.Pairing, cfg.Listen, cfg.Logger = id, e.pairing, "127.0.0.1:0", slog.New(slog.DiscardHandler)
		e.endpoint, err = transport.New(cfg)
		must(b, err)
		ends[name] = e
	}
	for name, other := range map[string]string{"north": "south", "south": "north"} {
		us, them := ends[name], ends[other]
		card, err := us.pairing.Offer([]string{us.endpoint.Addr().String()}, false)
		must(b, err)
		_, err = them.pairing.Accept(card, name)
		must(b, err)
		_, err = them.pairing.Confirm(name, transport.Confirmation{Fingerprint: us.id.Fingerprint()})
		must(b, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	wg = new(sync.WaitGroup)
	for _, e := range ends {
		wg.Go(func() { e.endpoint.Run(ctx) })
	}
	b.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return ctx, wg
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func newPipe(b *testing.B) *pipe {
	b.Helper()
	leds := map[string]*ledger.Ledger{}
	ctx, wg := join(b, func(name string, id *transport.Identity) transport.Config {
		led, err := ledger.Open(ledger.Config{Dir: filepath.Join(b.TempDir(), name)})
		must(b, err)
		leds[name] = led
		b.Cleanup(func() { led.Close() })
		jira, err := jsm.New(jsm.Config{Base: "https://unused.example", Auth: jsm.Auth{User: "u", Token: jsm.Token("t")}})
		must(b, err)
		desk, err := exchange.New(exchange.Config{Ledger: led, Tenant: jira, Node: string(id.NodeID()), Sign: id.LedgerKey()})
		must(b, err)
		must(b, desk.Use("bench", "bench", map[string]string{"north": "south", "south": "north"}[name], replica.Hash{}, nil, "no rules: only the pipe is measured"))
		return transport.Config{Hello: desk.Positions, Serve: desk.Serve}
	})
	north := leds["north"]
	log, err := north.Log("bench")
	must(b, err)
	p := &pipe{led: north, log: log}
	wg.Go(func() { p.watch(ctx) })
	p.link(b, -1).post(b) // returns when both have met
	return p
}

// posting is one link of the pipe, with its state at hand as a visit has it.
type posting struct {
	p      *pipe
	id     replica.LinkID
	out    *ledger.Outgoing
	texts  [4]replica.Item     // the item's values, one after the other and round again
	local  [4]replica.Hash     // their hashes
	steps  [4]*replica.Replica // what leads to each from the one before
	n      int                 // of the next
	stored chan struct{}       // the peer has it
}

func (p *pipe) link(b *testing.B, n int) *posting {
	id := replica.NewLinkID("bench", "north", fmt.Sprint(n))
	out, err := p.led.Outgoing("bench", id)
	if err != nil {
		b.Fatal(err)
	}
	l := &posting{p: p, id: id, out: out, stored: make(chan struct{}, 1)}
	for i := range l.texts {
		l.texts[i] = replica.NewItem(replica.Text(fmt.Sprintf("%052d", i)), time.Now().UnixMilli())
	}
	for i, it := range l.texts {
		l.local[i] = it.Hash("summary")
		before := l.texts[(i+len(l.texts)-1)%len(l.texts)]
		l.steps[i] = &replica.Replica{
			Version: replica.Version1, Link: id, Base: replica.View{"summary": before}.Hash(), After: replica.View{"summary": it}.Hash(),
			Set: replica.View{"summary": it}, Rules: replica.Hash{1},
		}
	}
	return l
}

// post changes one item and waits for its stored receipt.
func (l *posting) post(b *testing.B) {
	i := l.n % len(l.steps)
	r, it := l.steps[i], l.texts[i]
	r.Whole = l.n == 0
	l.n++
	l.out.Posted["summary"] = it
	l.out.Bases["summary"] = ledger.Base{Local: l.local[i]}
	l.out.After, l.out.Rules = r.After, r.Rules
	if err := l.p.log.Commit(ledger.Step{Replica: r, Out: l.out, Verdict: ledger.Passed}); err != nil {
		b.Error(err)
		return
	}
	l.until(r.Seq)
}
