package exchange_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley/jsm"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

// BenchmarkEndToEnd posts replicas of about 230 bytes over many links, as many as
// stand at its name at a time, and waits until the peer says of each that it is
// stored: outbox synced, QUIC with mutual TLS, inbox synced. As many workers post
// them as visit a desk's tickets. What is posted is made before the clock runs:
// reading a ticket, its view and their hashes have benchmarks of their own. A new
// ledger compacts its first tables whole, which only a longer run (-benchtime
// 2000000x for the largest) shares out as a node's life does. Beside each figure
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
			cpu := spent(b)
			b.ResetTimer()
			p.post(b, b.N, links)
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

	mu     sync.Mutex // guards the fields below, and what workers have free
	left   int        // replicas to post
	stored replica.Seq
	wait   [2048]*posting // those that are not stored, by their sequence modulo its length: more than are ever outstanding
}

// watch frees each link for its worker when its replica is stored.
func (p *pipe) watch(ctx context.Context) {
	for ctx.Err() == nil {
		moved := p.log.Heard()
		now := p.log.Told().Stored
		p.mu.Lock()
		for ; p.stored < now; p.stored++ {
			if l := p.wait[int(p.stored+1)%len(p.wait)]; l != nil {
				p.wait[int(p.stored+1)%len(p.wait)] = nil
				l.w.free = append(l.w.free, l)
				l.w.some.Signal()
			}
		}
		p.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

const atOnce = 8 // tickets that a desk visits

// post has n replicas cross, one of each link at a time.
func (p *pipe) post(b *testing.B, n int, links []*posting) {
	p.left = n
	workers := make([]*worker, min(atOnce, len(links)))
	for i := range workers {
		workers[i] = &worker{p: p, some: sync.NewCond(&p.mu)}
	}
	for i, l := range links {
		l.w = workers[i%len(workers)]
		l.w.free = append(l.w.free, l)
		l.w.links++
	}
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() { w.run(b) })
	}
	wg.Wait()
}

// worker posts for some of the links, as one of a desk's visits tickets: for all
// of them that are free with one commit.
type worker struct {
	p     *pipe
	links int
	free  []*posting // whose replica the peer has stored
	some  *sync.Cond // free is not empty
}

// run posts until nothing is left to post and the last receipt is there.
func (w *worker) run(b *testing.B) {
	p := w.p
	var ready []*posting
	var steps []ledger.Step
	p.mu.Lock()
	defer p.mu.Unlock()
	for done := 0; done < w.links; {
		for len(w.free) == 0 {
			w.some.Wait()
		}
		ready, w.free = w.free, ready[:0]
		n := min(p.left, len(ready))
		p.left -= n
		done += len(ready) - n
		ready, steps = ready[:n], steps[:0]
		p.mu.Unlock()
		for _, l := range ready {
			steps = append(steps, l.step())
		}
		err := p.log.Commit(steps...)
		p.mu.Lock()
		if err != nil {
			b.Error(err)
			return
		}
		for i, l := range ready {
			if seq := steps[i].Replica.Seq; seq > p.stored {
				p.wait[int(seq)%len(p.wait)] = l
			} else {
				w.free = append(w.free, l)
			}
		}
	}
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
	p.post(b, 1, []*posting{p.link(b, -1)}) // returns when both have met
	return p
}

// posting is one link of the pipe, with its state at hand as a visit has it.
type posting struct {
	w    *worker
	out  *ledger.Outgoing
	next replica.Replica
	n    int // of the next
}

func (p *pipe) link(b *testing.B, n int) *posting {
	id := replica.NewLinkID("bench", "north", fmt.Sprint(n))
	out, err := p.led.Outgoing("bench", id)
	if err != nil {
		b.Fatal(err)
	}
	return &posting{out: out, next: replica.Replica{Version: replica.Version1, Link: id, Rules: replica.Hash{1}}}
}

// value is one that a link's item takes, and what follows from it.
type value struct {
	view replica.View
	hash replica.Hash // the view's
	item replica.Hash // the item's
}

// values are taken one after the other, and round again.
var values = func() (v [4]value) {
	for i := range v {
		it := replica.NewItem(replica.Text(fmt.Sprintf("%052d", i)), time.Now().UnixMilli())
		view := replica.View{"summary": it}
		v[i] = value{view, view.Hash(), it.Hash("summary")}
	}
	return v
}()

// step changes the link's item.
func (l *posting) step() ledger.Step {
	now, r := &values[l.n%len(values)], &l.next
	r.Whole = l.n == 0
	r.Base, r.After, r.Set = r.After, now.hash, now.view
	l.n++
	l.out.Posted["summary"] = now.view["summary"]
	l.out.Bases["summary"] = ledger.Base{Local: now.item}
	l.out.After, l.out.Rules = r.After, r.Rules
	return ledger.Step{Replica: r, Out: l.out, Verdict: ledger.Passed}
}
