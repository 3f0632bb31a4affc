package exchange_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/node/ledger"
)

// A mishap befalls one company, once: at one of its durable steps, or at one of its node's writes to its tenant. A story
// is played once for each; what it comes to is always the same.
type mishap struct {
	company string
	kind    string
	n       int // which step or call, from 1
	kept    int // percent of the unsynced data that a death leaves
}

// The kinds of mishap.
const (
	beforeStep = "dies before step"
	afterStep  = "dies after step"
	beforeCall = "dies before call"
	afterCall  = "dies between answer and hearing of it, at call"
	dropCall   = "has no answer, and nothing done, at call"
	lostCall   = "has no answer, but all done, at call"
	lateCall   = "has no answer, and it done seconds later, at call"
	overdue    = "has no answer, and it done once it was given up, at call"
)

func (m mishap) String() string {
	return fmt.Sprintf("%s %s %d, %d%% kept", m.company, m.kind, m.n, m.kept)
}

// perils counts what may go wrong with one company, and lets it.
type perils struct {
	mu     sync.Mutex // guards the fields below
	on     bool
	steps  []string // the tables that each batch wrote
	calls  []string // "POST /rest/…"
	fate   mishap   // zero: none
	struck bool
	doom   *mishap // at the next sync of the log
	left   *vfs.MemFS
}

// befalls reports whether the mishap strikes now.
func (p *perils) befalls(n int, kinds ...string) bool {
	hit := p.on && !p.struck && p.fate.n == n && slices.Contains(kinds, p.fate.kind)
	p.struck = p.struck || hit
	return hit
}

// committing sees each batch before it is committed.
func (c *company) committing(b *ledger.Batch) {
	p := &c.perils
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return
	}
	p.steps = append(p.steps, tablesOf(b))
	if p.befalls(len(p.steps), beforeStep, afterStep) {
		p.doom = &p.fate
	}
}

// tablesOf names the tables that a batch writes, by their bytes.
func tablesOf(b *ledger.Batch) string {
	var in []byte
	for r := b.Reader(); ; {
		_, k, _, ok, err := r.Next()
		if !ok || err != nil {
			slices.Sort(in)
			return string(in)
		}
		if !bytes.Contains(in, k[:1]) {
			in = append(in, k[0])
		}
	}
}

// calling is a call of the node's on its way to the tenant.
func (c *company) calling(r *http.Request) (*http.Response, error) {
	to := inProcess{c.tenant}
	if !writes(r) {
		return to.RoundTrip(r)
	}
	p := &c.perils
	p.mu.Lock()
	kind, kept := "", p.fate.kept
	if p.on {
		p.calls = append(p.calls, r.Method+" "+r.URL.Path)
		if p.befalls(len(p.calls), beforeCall, afterCall, dropCall, lostCall, lateCall, overdue) {
			kind = p.fate.kind
		}
	}
	p.mu.Unlock()
	switch kind {
	case "":
		return to.RoundTrip(r)
	case beforeCall:
		c.die(kept)
	case afterCall, lostCall:
		if a, err := to.RoundTrip(r); err == nil {
			a.Body.Close()
		}
		if kind == afterCall {
			c.die(kept)
		}
	case lateCall, overdue:
		after := settle / 2
		if kind == overdue {
			after = 4 * settle
		}
		again := r.Clone(c.w.t.Context())
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			again.Body = io.NopCloser(bytes.NewReader(body))
		}
		time.AfterFunc(after, func() {
			if a, err := to.RoundTrip(again); err == nil {
				a.Body.Close()
			}
		})
	}
	return nil, errors.New("connection reset by peer")
}

// writes reports whether a call may change the tenant.
func writes(r *http.Request) bool {
	if r.Method == http.MethodGet {
		return false
	}
	return !slices.ContainsFunc([]string{"/search", "/bulkfetch", "/jql/", "/list"}, func(read string) bool { return strings.Contains(r.URL.Path, read) })
}

// die cuts the process off from the world, with the disk as it is now.
func (c *company) die(kept int) {
	if !c.w.cable.dead.CompareAndSwap(nil, c) {
		return
	}
	c.perils.left = c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(uint64(kept), 3))})
}

// revive starts a node that has died.
func (c *company) revive() {
	if c.w.cable.dead.Load() != c {
		return
	}
	c.halt()
	c.halt = nil
	c.w.must(c.led.Close())
	c.w.cable.dead.Store(nil)
	c.fs = c.perils.left
	c.start()
}

// perilous is a disk whose owner may die at a sync of the ledger's log: before it, or after it and before anybody learns
// of it.
type perilous struct {
	*vfs.MemFS
	c *company
}

func (d perilous) Create(name string, k vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.MemFS.Create(name, k)
	return d.watch(name, f), err
}

func (d perilous) ReuseForWrite(old, name string, k vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.MemFS.ReuseForWrite(old, name, k)
	return d.watch(name, f), err
}

func (d perilous) watch(name string, f vfs.File) vfs.File {
	if f == nil || !strings.HasSuffix(name, ".log") {
		return f
	}
	return perilousLog{f, d.c}
}

type perilousLog struct {
	vfs.File
	c *company
}

func (f perilousLog) Sync() error     { return f.sync(f.File.Sync) }
func (f perilousLog) SyncData() error { return f.sync(f.File.SyncData) }

func (f perilousLog) sync(do func() error) error {
	p := &f.c.perils
	p.mu.Lock()
	end := p.doom
	p.doom = nil
	p.mu.Unlock()
	if end != nil && end.kind == beforeStep {
		f.c.die(end.kept)
	}
	err := do()
	if end != nil && end.kind == afterStep {
		f.c.die(end.kept)
	}
	return err
}

// pass lets time go by and starts again who dies meanwhile.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(every) {
		w.north.revive()
		w.south.revive()
	}
}

// tale is a story that ends well whatever happens in between.
type tale struct {
	north, south string                      // rules
	begin        func(w *world)              // before anything can go wrong
	deeds        []func(w *world)            // what people do, one after the other
	ends         func(w *world, note string) // what everybody sees then

	missed int // mishaps that were never reached: a few, since no two plays are the same to the last step
}

// plays has a tale's company suffer a mishap, and returns how many steps and calls there were to suffer at.
func (s *tale) plays(t *testing.T, m mishap) (steps, calls map[string][]string) {
	t.Helper()
	steps, calls = map[string][]string{}, map[string][]string{}
	inWorld(t, s.north, s.south, func(w *world) {
		s.begin(w)
		w.quiet()
		both := []*company{w.north, w.south}
		for _, c := range both {
			c.perils.mu.Lock()
			if c.perils.on = true; c.name == m.company {
				c.perils.fate = m
			}
			c.perils.mu.Unlock()
		}
		for _, deed := range s.deeds {
			deed(w)
			w.pass(2 * settle)
		}
		if w.pass(2 * settle); m.kind == overdue {
			time.Sleep(2 * time.Hour) // the second look is after an hour
		}
		for _, c := range both {
			c.perils.mu.Lock()
			c.perils.on = false
			steps[c.name], calls[c.name] = c.perils.steps, c.perils.calls
			if c.name == m.company && !c.perils.struck {
				s.missed++
			}
			c.perils.mu.Unlock()
		}
		w.quiet()
		s.ends(w, m.String())
		for _, c := range both {
			c.w.must(c.led.Check())
			c.w.must(c.led.OpenIntents(func(in ledger.Intent) bool {
				t.Errorf("%s: %s still has an open intent: %s %s", m, c.name, in.Effect, in.Path)
				return true
			}))
			same(t, m.String()+": held in the "+c.name, c.held(), []string(nil))
		}
	})
	return steps, calls
}

// How many mishaps are played.
var (
	everyMishap = flag.Int("mishaps", mishapStep, "play a tale with every so manieth of the mishaps that can befall it; 1: with all")
	onlyMishap  = flag.String("mishap", "", "play a tale with those mishaps alone whose description holds this, as a failure shows it")
)

// suffers plays a tale with the mishaps that can befall either side.
func (s *tale) suffers(t *testing.T) {
	steps, calls := s.plays(t, mishap{})
	found, played := 0, 0
	try := func(m mishap) {
		found++
		if wanted := strings.Contains(m.String(), *onlyMishap); !wanted || *onlyMishap == "" && found%*everyMishap != 0 {
			return
		}
		played++
		s.plays(t, m)
		if t.Failed() {
			t.Fatal(m)
		}
	}
	for _, company := range []string{"north", "south"} {
		seen := map[string]int{}
		for i, name := range steps[company] {
			if seen[name]++; seen[name] > 3 && name == "K" { // a poll that found nothing
				continue
			}
			for _, kept := range kepts(seen[name]) {
				try(mishap{company, beforeStep, i + 1, kept})
				try(mishap{company, afterStep, i + 1, kept})
			}
		}
		for i := range calls[company] {
			kinds := []string{beforeCall, afterCall, dropCall, lostCall, lateCall, overdue}
			for j, kind := range kinds {
				try(mishap{company, kind, i + 1, (i + j) % 3 * 50})
			}
		}
	}
	if s.missed*4 > played {
		t.Errorf("%d of %d mishaps were never reached: the tale has gone blind", s.missed, played)
	}
	t.Logf("%d steps in the north, %d in the south, %d and %d calls: %d of %d mishaps", len(steps["north"]), len(steps["south"]), len(calls["north"]), len(calls["south"]), played, found)
}

// kepts are the percentages of unsynced data that are tried at a step: all where it is the first of its name, one of
// them in turn where it is not.
func kepts(nth int) []int {
	if nth == 1 {
		return []int{0, 50, 100}
	}
	return []int{nth % 3 * 50}
}
