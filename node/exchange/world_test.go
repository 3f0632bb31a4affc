package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/quic-go/quic-go/testutils/simnet"

	"parley/conf"
	"parley/jsm"
	"parley/jsm/sim"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
	"parley/transport"
)

// A world is two companies in one bubble: simulated tenants, real ledgers on a
// disk that can lose what was not synced, real QUIC over a simulated network,
// virtual time.
type world struct {
	t            *testing.T
	net          *simnet.Simnet
	cable        cable
	north, south *company
}

// cable carries every packet, unless it is cut; nothing of a process that is dead.
type cable struct {
	simnet.PerfectRouter
	cut  atomic.Bool
	dead atomic.Pointer[company]
}

func (c *cable) SendPacket(p simnet.Packet) error {
	if dead := c.dead.Load(); c.cut.Load() || dead != nil && p.From.String() == dead.address.String() {
		return nil
	}
	return c.PerfectRouter.SendPacket(p)
}

// company is one side: its tenant outlives its node.
type company struct {
	w       *world
	name    string
	peer    *company
	tenant  *sim.Tenant
	sync    sim.Account
	agent   sim.Account
	rules   string
	more    map[string]string // rules of further connections, by name
	id      *transport.Identity
	pairs   *transport.MemoryStore
	address *net.UDPAddr
	socket  net.PacketConn // outlives the node, as a host's address does
	fs      *vfs.MemFS

	desk *exchange.Desk
	led  *ledger.Ledger
	jira *jsm.Client
	halt func()

	perils perils
	meddle atomic.Pointer[meddling]
	slow   atomic.Bool // the way to the tenant takes time
	called atomic.Int64
	served atomic.Int64 // sessions
}

const (
	every  = time.Second
	settle = 10 * time.Second

	roundTrip = 10 * time.Millisecond // between the nodes: no file of some MiB crosses within one
)

// inWorld runs a story in a bubble.
func inWorld(t *testing.T, northRules, southRules string, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(exchange.VirtualStart))
		w := &world{t: t}
		w.net = &simnet.Simnet{Router: &w.cable}
		t.Cleanup(func() { // inside the bubble, also after a failure
			for _, c := range []*company{w.north, w.south} {
				if c != nil {
					c.stop()
					c.socket.Close()
				}
			}
			w.must(w.net.Close())
		})
		w.north = w.company("north", northRules, 1)
		w.south = w.company("south", southRules, 2)
		w.north.peer, w.south.peer = w.south, w.north
		w.pair()
		w.must(w.net.Start())
		w.north.start()
		w.south.start()
		story(w)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) company(name, rules string, host byte) *company {
	c := &company{w: w, name: name, rules: rules, fs: vfs.NewCrashableMem(), pairs: &transport.MemoryStore{}, address: &net.UDPAddr{IP: net.IPv4(10, 0, 0, host), Port: 7843}}
	var err error
	c.tenant, err = sim.New(sim.Config{Name: name, NoLimits: true, IndexLag: 2 * time.Second, Seed: seeds[name], Approve: approvalsToPass})
	w.must(err)
	c.socket = w.net.NewEndpoint(c.address, simnet.NodeBiDiLinkSettings{Latency: roundTrip / 2})
	c.sync, c.agent = account(w.t, c.tenant, "sync"), account(w.t, c.tenant, "agent")
	c.id, err = transport.NewIdentity(name)
	w.must(err)
	return c
}

func account(t *testing.T, tenant *sim.Tenant, role sim.Role) sim.Account {
	a, ok := tenant.Account(role)
	if !ok {
		t.Fatalf("%s has no account of role %s", tenant.Name(), role)
	}
	return a
}

// pair pairs both sides before either runs.
func (w *world) pair() {
	for _, c := range []*company{w.north, w.south} {
		card, err := transport.NewPairing(c.id, c.pairs).Offer([]string{c.address.String()}, false)
		w.must(err)
		theirs := transport.NewPairing(c.peer.id, c.peer.pairs)
		_, err = theirs.Accept(card, c.name)
		w.must(err)
		_, err = theirs.Confirm(c.name, transport.Confirmation{Fingerprint: c.id.Fingerprint()})
		w.must(err)
	}
}

// start opens what the last run left on disk and works on it.
func (c *company) start() {
	led, err := ledger.Open(ledger.Config{Dir: "ledger", FS: perilous{c.fs, c}, Step: c.committing})
	c.w.must(err)
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("PARLEY_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", c.name)
	}
	jira, err := jsm.New(jsm.Config{
		Base: c.tenant.URL(), HTTP: &http.Client{Transport: meddled{c}}, Media: &http.Client{Transport: meddled{c}},
		Auth: jsm.Auth{User: c.sync.Email, Token: jsm.Token(c.sync.Token)},
	})
	c.w.must(err)
	desk, err := exchange.New(tuned(exchange.Config{
		Ledger: led, Tenant: jira, Node: string(c.id.NodeID()), Company: c.name, Sign: c.id.LedgerKey(), Site: c.tenant.URL(),
		Every: every, Overlap: 20 * time.Second, IndexLag: 3 * time.Second, SettleComment: settle, SettleCreate: settle, Log: log,
		Blobs: exchange.BlobConfig{Spool: ledger.SpoolConfig{Dir: "blobs", FS: c.fs, Every: 256 << 10}},
	}))
	c.w.must(err)
	c.led, c.desk, c.jira = led, desk, jira
	me, err := jira.Myself(context.Background())
	c.w.must(err)
	desk.SetAccount(me)
	c.use(c.rules)
	for name, text := range c.more {
		c.publish(name, text)
	}

	endpoint, err := transport.New(transport.Config{
		Identity: c.id, Pairing: transport.NewPairing(c.id, c.pairs), Conn: c.socket, ResetKey: [32]byte{1}, TokenKey: [32]byte{2},
		Logger: log, Hello: desk.Positions,
		Serve: func(ctx context.Context, s *transport.Session) error {
			c.served.Add(1)
			return desk.Serve(ctx, s)
		},
	})
	c.w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := endpoint.Run(ctx); err != nil && ctx.Err() == nil {
			c.w.t.Errorf("%s: transport: %v", c.name, err)
		}
	})
	wg.Go(func() {
		if err := desk.Run(ctx); err != nil && ctx.Err() == nil {
			c.w.t.Errorf("%s: desk: %v", c.name, err)
		}
	})
	c.halt = func() {
		cancel()
		wg.Wait()
	}
}

// use publishes the rules of the first connection to the running desk.
func (c *company) use(text string) {
	c.w.t.Helper()
	c.publish("link", text)
	c.rules = text
}

// also makes a further connection.
func (c *company) also(name, text string) {
	c.w.t.Helper()
	if c.more == nil {
		c.more = map[string]string{}
	}
	c.more[name] = text
	c.publish(name, text)
}

func (c *company) publish(name, text string) {
	c.w.t.Helper()
	file := "connections/" + name + ".toml"
	src, err := conf.ParseRules(map[string][]byte{file: []byte(text)}, file)
	c.w.must(err)
	schema, err := c.jira.Schema(context.Background(), rules.SchemaProject(src))
	c.w.must(err)
	r, err := rules.Compile(src, nil, schema)
	c.w.must(err)
	c.w.must(c.desk.Use(name, r.Connection, r.Peer, r.Version(), r, ""))
}

// stop ends the node in good order.
func (c *company) stop() {
	if c.halt == nil {
		return
	}
	c.halt()
	c.halt = nil
	c.w.must(c.led.Check())
	c.w.must(c.led.Close())
}

// kill ends the node as a power cut does: what was not synced is gone, or half
// of it is.
func (c *company) kill(rng *rand.Rand) {
	c.w.cable.dead.Store(c) // what it does until it has ended reaches nobody
	left := c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(3) * 50, RNG: rng})
	c.halt()
	c.halt = nil
	c.w.cable.dead.Store(nil)
	c.w.must(c.led.Close())
	c.fs = left
}

// inProcess hands requests to a tenant without a socket, which would stop the
// virtual clock.
type inProcess struct{ tenant *sim.Tenant }

func (p inProcess) RoundTrip(r *http.Request) (a *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context()) // as a server would see it
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.1:1", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	defer func() {
		switch dropped := recover(); {
		case dropped == http.ErrAbortHandler: // the tenant dropped the connection
			a, err = nil, errors.New("connection reset by peer")
		case dropped != nil:
			panic(dropped)
		}
	}()
	p.tenant.ServeHTTP(rec, in)
	return rec.Result(), nil
}

// meddled is a node's way to its tenant, where a person may come in between.
type meddled struct{ c *company }

func (m meddled) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.c.w.cable.dead.Load() == m.c {
		return nil, errors.New("the process is dead")
	}
	if m.c.slow.Load() {
		time.Sleep(time.Duration(m.c.called.Add(1)%7) * 40 * time.Millisecond)
	}
	if act := m.c.meddle.Load(); act != nil && r.Method == act.method && strings.HasSuffix(r.URL.Path, act.path) && m.c.meddle.CompareAndSwap(act, nil) {
		act.act()
	}
	return m.c.calling(r)
}

// meddling is what happens once, right before a certain call of the node's.
type meddling struct {
	method, path string
	act          func()
}

func (c *company) before(method, path string, act func()) {
	c.meddle.Store(&meddling{method, path, act})
}

// until waits, in virtual time, for something to become true.
func (w *world) until(what string, limit time.Duration, holds func() bool) {
	w.t.Helper()
	w.catching(every/4, what, limit, holds)
}

// catching waits for what is true for a while only, such as a file on its way, and looks that often.
func (w *world) catching(step time.Duration, what string, limit time.Duration, holds func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(step) {
		synctest.Wait()
		if holds() {
			return
		}
		if time.Now().After(end) {
			w.explain()
			w.t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

// explain logs what both nodes think, for whoever reads a failure.
func (w *world) explain() {
	for _, c := range []*company{w.north, w.south} {
		if c.halt == nil {
			continue
		}
		con := c.desk.Connection("link")
		w.t.Logf("%s: up %v, trouble %q, tenant %q, position %+v told %+v", c.name, con.Up(), con.Trouble(), c.desk.TenantTrouble(), con.Log.Position(), con.Log.Told())
		c.led.Links("", func(k ledger.Link) bool {
			w.t.Logf("  link %+v", k)
			return true
		})
		c.led.Held("", func(h ledger.Held) bool {
			w.t.Logf("  held %s %s out=%v: %s (%s) %s", h.Key, h.Path, h.Out, h.Reason, h.Rule, h.Next)
			return true
		})
	}
}

// quiet waits until everything has settled and then insists that nothing moves
// any more: no replica, no write to either tenant.
func (w *world) quiet() {
	w.t.Helper()
	time.Sleep(4*settle + 20*every)
	synctest.Wait()
	count := func() string {
		return fmt.Sprintf("replicas %d/%d, writes %d/%d", w.sent(w.north), w.sent(w.south), w.writes(w.north), w.writes(w.south))
	}
	before := count()
	time.Sleep(60 * every)
	synctest.Wait()
	if after := count(); before != after {
		w.explain()
		w.t.Fatalf("it does not go quiet: %s, a minute later %s", before, after)
	}
}

func (w *world) sent(c *company) replica.Seq { return c.desk.Connection("link").Log.Position().Seq }

func (w *world) writes(c *company) (n int) {
	for _, k := range c.tenant.WritesBy(c.sync.Email) {
		n += k
	}
	return n
}
