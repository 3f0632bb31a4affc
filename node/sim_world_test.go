package node_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/quic-go/quic-go/testutils/simnet"

	"parley/conf"
	"parley/jsm/sim"
	"parley/node"
	"parley/node/ledger"
)

const (
	pollEvery = time.Second
	settle    = 10 * time.Second
	indexLag  = 2 * time.Second
)

// A world is some companies in one bubble.
type world struct {
	t         testing.TB // who is told of what is wrong
	rng       *rand.Rand // what happens; drawn by the story alone
	net       *simnet.Simnet
	cable     *cable
	companies []*company
	mutant    mutant
	logs      *logbook
}

// A company is one side: its tenant, address, disk and home outlive its node.
type company struct {
	w      *world
	name   string
	home   string
	tenant *sim.Tenant
	sync   sim.Account
	agent  sim.Person // who works on tickets
	human  sim.Person // who works beside the agent
	admin  sim.Person
	socket *simnet.SimConn
	fs     *vfs.MemFS
	rules  map[string]string // connection → its rules
	step   func(*process, *ledger.Batch)
	slow   atomic.Bool // the way to the tenant takes time, each call another
	p      *process    // nil while no node runs
	saved  *vfs.MemFS  // a backup of its disk
	taken  time.Time   // when it was made
	died   time.Time   // when its last process did
	forgot time.Time   // when the process died whose disk was replaced by the backup
}

// A process is one life of a company's node.
type process struct {
	c      *company
	n      *node.Node
	disk   *disk
	mouth  *mouth
	cancel func()
	ended  chan error
}

// homes are made once for a process of the test: identities cost time, and every
// bubble begins at the same moment. They are the same ones whatever is played, so
// that a seed plays alike alone and among others.
var homes struct {
	sync.Mutex
	dir string
}

// virtualStart is when a bubble's story begins. quic-go counts time from the start of
// the process; in the year 2000, where a bubble's clock starts, that is below zero,
// and a lost path probe, whose time is zero, lies ahead for ever: its loop spins.
// This year begins on a Saturday, and has a day more, as that one.
var virtualStart = time.Date(2084, 1, 1, 0, 0, 0, 0, time.UTC)

// homesFor gives the folder that holds the companies' homes.
func homesFor(t *testing.T) string {
	homes.Lock()
	defer homes.Unlock()
	if homes.dir == "" {
		dir, err := os.MkdirTemp("", "parley-simulation-")
		if err != nil {
			t.Fatal(err)
		}
		homes.dir = dir
		cryptotest.SetGlobalRandom(t, 1)
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(virtualStart))
			for _, name := range []string{"north", "south", "client-a"} {
				c := &company{w: &world{t: t}, name: name, home: filepath.Join(dir, name)}
				c.settle(role{name: name})
				c.w.must(node.Init(c.home, node.InitOptions{Name: name, Tenant: conf.Tenant{URL: c.tenant.URL(), User: c.sync.Email, TokenFile: "token"}}))
				c.w.must(os.WriteFile(filepath.Join(c.home, "token"), []byte(c.sync.Token+"\n"), 0o600))
			}
		})
	}
	return homes.dir
}

// single makes the test single-threaded, which most seeds need to be replayed
// exactly, and gives back what that took.
func single(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// exact is single for a test that counts on a seed's playing as it did before,
// which it does not under the race detector.
func exact(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("the race detector changes what is scheduled when; run it without")
	}
	single(t)
}

// inWorld plays a story of companies in a bubble of its own. What is found wrong
// with a mutant is given back; what is wrong with a sound node fails the test.
func inWorld(t *testing.T, seed uint64, m mutant, cast []role, story func(w *world)) (found []string) {
	t.Helper()
	dir := homesFor(t)
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(virtualStart))
		w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 7)), mutant: m, logs: &logbook{}}
		if m != sound {
			all := &tally{TB: t}
			w.t = all
			defer func() {
				if end := recover(); end != nil && end != (giveUp{}) {
					panic(end)
				}
				found = all.found
			}()
		}
		w.cable = newCable(rand.New(rand.NewPCG(seed, 11)))
		w.net = &simnet.Simnet{Router: w.cable}
		defer func() { // inside the bubble, also after a failure
			for _, c := range w.companies {
				if c.p != nil {
					c.p.end()
				}
			}
			for _, c := range w.companies {
				c.socket.Close()
			}
			w.must(w.net.Close())
		}()
		for i, r := range cast {
			w.company(filepath.Join(dir, r.name), r, byte(i+1))
		}
		w.must(w.net.Start())
		w.prepare()
		for _, c := range w.companies {
			c.start()
		}
		story(w)
	})
	return found
}

// A role is one company of a story.
type role struct {
	name    string
	rules   map[string]string // connection → rules; the peer's name stands in them
	skew    time.Duration     // the tenant's clock before the nodes'
	limited bool              // the tenant refuses bursts, as Jira does
	closed  bool              // its policy shows customers nothing of a partner's
	swept   bool              // every ticket is asked after within minutes
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) by(name string) *company {
	for _, c := range w.companies {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (w *world) company(home string, r role, host byte) {
	c := &company{w: w, name: r.name, home: home, rules: r.rules, fs: vfs.NewCrashableMem()}
	c.settle(r)
	address := &net.UDPAddr{IP: net.IPv4(10, 0, 0, host), Port: 7843}
	c.socket = w.net.NewEndpoint(address, simnet.NodeBiDiLinkSettings{Latency: 5 * time.Millisecond})
	c.furnish(address.String(), r)
	w.companies = append(w.companies, c)
}

// settle gives the company its tenant and the people there.
func (c *company) settle(r role) {
	var err error
	c.tenant, err = sim.New(sim.Config{Name: r.name, NoLimits: !r.limited, IndexLag: indexLag})
	c.w.must(err)
	c.tenant.Advance(r.skew)
	account := func(of sim.Role) sim.Account {
		a, ok := c.tenant.Account(of)
		if !ok {
			c.w.t.Fatalf("%s has no account of role %s", r.name, of)
		}
		return a
	}
	c.sync = account(sim.Sync)
	c.agent, c.human, c.admin = c.tenant.As(account(sim.Agent).Email), c.tenant.As(account(sim.Human).Email), c.tenant.As(account(sim.Admin).Email)
}

// furnish writes what may differ in a home from one story to the next.
func (c *company) furnish(address string, r role) {
	w := c.w
	n := conf.DefaultNode()
	n.Name, n.Listen, n.Console, n.Addresses = c.name, ":7843", "", []string{address}
	n.Tenant.URL, n.Tenant.User, n.Tenant.TokenFile = c.tenant.URL(), c.sync.Email, "token"
	n.Poll = conf.Poll{Every: pollEvery, Overlap: 20 * time.Second, IndexLag: indexLag + time.Second}
	if r.swept {
		n.Poll.Sweep = 2 * time.Minute
	}
	n.Settle = conf.Settle{Comment: settle, Create: settle}
	if w.mutant == impatient {
		n.Settle = conf.Settle{Comment: time.Millisecond, Create: time.Millisecond}
	}
	w.must(os.WriteFile(filepath.Join(c.home, "parley.toml"), []byte(conf.NodeText(n)), 0o600))
	arrive := "public"
	if r.closed {
		arrive = "internal"
	}
	w.must(os.WriteFile(filepath.Join(c.home, "policy.toml"), []byte(fmt.Sprintf("[arrive]\ncomments = %q\n", arrive)), 0o600))
	w.must(os.RemoveAll(filepath.Join(c.home, "connections")))
	w.must(os.Mkdir(filepath.Join(c.home, "connections"), 0o700))
}

// prepare pairs who has a connection with whom and publishes the rules, before
// any node runs.
func (w *world) prepare() {
	open := map[string]*node.Node{}
	for _, c := range w.companies {
		n, err := node.OpenIn(node.Outside{Disk: c.fs, Jira: &mouth{p: &process{c: c}}}, c.home, nil)
		w.must(err)
		open[c.name] = n
	}
	for _, c := range w.companies {
		for _, peer := range c.peers() {
			offer, err := node.PairOffer.Do(open[c.name], node.OfferQuestion{})
			w.must(err)
			_, err = node.PairAccept.Do(open[peer], node.AcceptQuestion{Card: offer.Card, As: c.name})
			w.must(err)
			_, err = node.PairConfirm.Do(open[peer], node.ConfirmQuestion{Peer: c.name, Fingerprint: offer.Fingerprint})
			w.must(err)
		}
	}
	for _, c := range w.companies {
		c.publish(open[c.name])
		w.must(open[c.name].Close())
	}
}

func (c *company) peers() (names []string) {
	for _, other := range c.w.companies {
		for _, text := range c.rules {
			if strings.Contains(text, fmt.Sprintf("peer = %q\n", other.name)) {
				names = append(names, other.name)
			}
		}
	}
	return names
}

// publish makes the rules as they stand the ones that work.
func (c *company) publish(n *node.Node) {
	c.w.t.Helper()
	for name, text := range c.rules {
		c.w.must(os.WriteFile(filepath.Join(c.home, "connections", name+".toml"), []byte(text), 0o600))
	}
	_, err := node.RulesPublish.Do(n, node.RulesQuestion{})
	c.w.must(err)
}

// publishLive publishes on the running node, and leaves it where the tenant
// cannot be read now.
func (c *company) publishLive() {
	for name, text := range c.rules {
		c.w.must(os.WriteFile(filepath.Join(c.home, "connections", name+".toml"), []byte(text), 0o600))
	}
	if _, err := node.RulesPublish.Do(c.p.n, node.RulesQuestion{Offline: true}); err != nil && !c.p.mouth.dead.Load() {
		c.w.t.Errorf("%s: publishing: %v", c.name, err)
	}
}

// start opens what the last life left on disk and runs on it.
func (c *company) start() {
	c.w.t.Helper()
	p := &process{c: c, ended: make(chan error, 1)}
	p.disk, p.mouth = &disk{MemFS: c.fs, p: p, lies: c.w.mutant == hasty}, &mouth{p: p}
	step := func(b *ledger.Batch) {
		if c.step != nil {
			c.step(p, b)
		}
	}
	var err error
	p.n, err = node.OpenIn(node.Outside{Disk: p.disk, Step: step, Wire: &wire{c.socket, p}, Jira: p.mouth}, c.home, c.w.logs.logger(c.name))
	c.w.must(err)
	c.w.must(p.n.Check())
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() { p.ended <- p.n.Run(ctx, func(node.Ready) {}) }()
	c.p = p
}

// end waits until the process has let go of everything.
func (p *process) end() {
	p.cancel()
	if !p.mouth.dead.Load() {
		p.c.died = time.Now()
	}
	if err := <-p.ended; err != nil && !p.mouth.dead.Load() {
		p.c.w.t.Errorf("%s: %v", p.c.name, err)
	}
	if err := p.n.Close(); err != nil {
		p.c.w.t.Errorf("%s: %v", p.c.name, err)
	}
	p.c.p = nil
}

// halt ends the node in good order, if it runs.
func (c *company) halt() {
	if c.p == nil || c.bury() {
		return
	}
	c.w.must(c.p.n.Check())
	c.p.end()
}

// kill ends the node as a power cut does: what was not synced is gone, or some
// of it is. What was on its way to the tenant arrives, and nobody hears the answer.
func (c *company) kill(kept int) {
	if c.p == nil {
		return
	}
	c.p.die(kept)
	c.bury()
}

// die cuts the process off from the world, with the disk as it is now.
func (p *process) die(kept int) {
	if p.mouth.dead.CompareAndSwap(false, true) {
		p.c.died = time.Now()
		p.c.fs = p.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(uint64(kept), 3))})
	}
}

// bury ends what is left of a process that died, and reports whether it had.
func (c *company) bury() bool {
	if c.p == nil || !c.p.mouth.dead.Load() {
		return false
	}
	c.p.end()
	c.w.mutant.afterDeath(c)
	return true
}

// tend starts a node anew that has died or was stopped.
func (c *company) tend() {
	c.bury()
	if c.p == nil {
		c.start()
	}
}
