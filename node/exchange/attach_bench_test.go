package exchange_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/jsm/sim"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/transport"
)

const largeFile = 300 << 20 // bytes

// BenchmarkAttachment carries a file of 300 MiB from tenant to tenant: hashed, fetched into the spool and uploaded, over
// loopback and real disks. It tells how far the heap of the whole process grew at most: both nodes and both tenants.
func BenchmarkAttachment(b *testing.B) {
	d := newDesks(b)
	b.SetBytes(largeFile)
	peak := uint64(0)
	for b.Loop() {
		raised, err := d.north.tenant.As(d.north.agent.Email).CreateRequest("Get IT help", map[string]any{"summary": "A dump", "description": "See the file."})
		if err != nil {
			b.Fatal(err)
		}
		peak = max(peak, heapOver(func() { d.carry(b, raised) }))
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	if peak > 150<<20 {
		b.Errorf("the heap grew by %d MiB for a file of %d MiB", peak>>20, largeFile>>20)
	}
}

// desks are two whole desks with tenants of their own.
type desks struct{ north, south *side }

type side struct {
	tenant *sim.Tenant
	agent  sim.Account
	desk   *exchange.Desk
	led    *ledger.Ledger
}

// carry attaches the file in the north and waits until the south has it.
func (d *desks) carry(b *testing.B, key string) {
	before := len(d.south.large())
	if _, err := d.north.tenant.As(d.north.agent.Email).AttachBy(key, "dump.bin", sim.Noise(1, largeFile), "", true); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	if _, err := d.north.desk.Sync(ctx, "link", []string{key}); err != nil {
		b.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(d.south.large()) == before {
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.Fatal("the file does not arrive")
		}
	}
	want, got := d.north.large(), d.south.large()
	if got[len(got)-1].SHA256 != want[len(want)-1].SHA256 {
		b.Fatal("other bytes arrived")
	}
}

func (s *side) large() (list []sim.File) {
	for _, t := range s.tenant.Issues() {
		for _, f := range t.Files {
			if f.Size == largeFile {
				list = append(list, f)
			}
		}
	}
	return list
}

// heapOver tells how far the heap grew beyond what it was before, while f ran.
func heapOver(f func()) (most uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapInuse
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
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
	})
	f()
	close(stop)
	wg.Wait()
	return most
}

func newDesks(b *testing.B) *desks {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	d := &desks{north: &side{}, south: &side{}}
	names, texts := [2]string{"north", "south"}, [2]string{withFiles(strings.Replace(customer, "[trigger]\njql = 'project = SUPPORT AND labels = vendor-x'", "", 1)), withFiles(vendor)}
	var ids [2]*transport.Identity
	var pairs [2]*transport.Pairing
	var ends [2]*transport.Endpoint
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i, s := range []*side{d.north, d.south} {
		var err error
		s.tenant, err = sim.New(sim.Config{Name: names[i], NoLimits: true})
		must(err)
		me, _ := s.tenant.Account("sync")
		s.agent, _ = s.tenant.Account("agent")
		home := b.TempDir()
		s.led, err = ledger.Open(ledger.Config{Dir: filepath.Join(home, "ledger")})
		must(err)
		wire := &http.Client{Transport: sim.NewWire(s.tenant)}
		jira, err := jsm.New(jsm.Config{Base: s.tenant.URL(), HTTP: wire, Media: wire, Auth: jsm.Auth{User: me.Email, Token: jsm.Token(me.Token)}})
		must(err)
		ids[i], err = transport.NewIdentity(names[i])
		must(err)
		pairs[i] = transport.NewPairing(ids[i], &transport.MemoryStore{})
		s.desk, err = exchange.New(exchange.Config{
			Ledger: s.led, Tenant: jira, Node: string(ids[i].NodeID()), Company: names[i], Sign: ids[i].LedgerKey(), Every: time.Second,
			Blobs: exchange.BlobConfig{Spool: ledger.SpoolConfig{Dir: filepath.Join(home, "blobs")}},
		})
		must(err)
		account, err := jira.Myself(ctx)
		must(err)
		s.desk.SetAccount(account)
		src, err := conf.ParseRules(map[string][]byte{"connections/link.toml": []byte(texts[i])}, "connections/link.toml")
		must(err)
		schema, err := jira.Schema(ctx, rules.SchemaProject(src))
		must(err)
		r, err := rules.Compile(src, nil, schema)
		must(err)
		must(s.desk.Use("link", r.Connection, r.Peer, r.Version(), r, ""))
		ends[i], err = transport.New(transport.Config{Identity: ids[i], Pairing: pairs[i], Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler), Hello: s.desk.Positions, Serve: s.desk.Serve})
		must(err)
	}
	for i := range names {
		card, err := pairs[i].Offer([]string{ends[i].Addr().String()}, false)
		must(err)
		_, err = pairs[1-i].Accept(card, names[i])
		must(err)
		_, err = pairs[1-i].Confirm(names[i], transport.Confirmation{Fingerprint: ids[i].Fingerprint()})
		must(err)
	}
	for i, s := range []*side{d.north, d.south} {
		wg.Go(func() { ends[i].Run(ctx) })
		wg.Go(func() { s.desk.Run(ctx) })
	}
	b.Cleanup(func() {
		cancel()
		wg.Wait()
		d.north.led.Close()
		d.south.led.Close()
	})
	return d
}
