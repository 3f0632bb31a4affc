package node_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/node/ledger"
)

// tables names the ledger's tables by their byte, as its package doc does.
var tables = map[byte]string{
	'L': "link", 'T': "ticket index", 'O': "outgoing bases", 'D': "done", 'I': "incoming view", 'P': "peer's word",
	'o': "sent entry", 'i': "received entry", 'H': "outgoing head", 'h': "incoming head", 'S': "told", 'R': "receipt", 'Y': "outcome",
	'N': "intent", 'X': "held", 'W': "twin", 'C': "twin index", 'Z': "overruled", 'M': "dirty mark", 'Q': "oldest waiting",
	'V': "published rules", 'E': "pairing", 'K': "fact",
	'F': "texts that await files", 'U': "doubt", 'G': "friction", 'J': "left out", 'w': "unasked trigger", 'u': "last seen",
	'B': "grant", 'b': "grant index", 'A': "file's sum", 'a': "arriving blob",
}

// named is a durable step's name: the tables that its batch writes.
func named(b *ledger.Batch) string {
	in := map[string]bool{}
	for r := b.Reader(); ; {
		_, k, _, ok, err := r.Next()
		if !ok || err != nil {
			break
		}
		word := tables[k[0]]
		if word == "" {
			word = fmt.Sprintf("table %c", k[0])
		}
		in[word] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(in)), ", ")
}

// A crash is a death of one company at one of its durable steps.
type crash struct {
	company string
	step    int // from 1, in the company's own order
	fate
}

func (c crash) String() string {
	when := "before"
	if c.after {
		when = "after"
	}
	return fmt.Sprintf("%s dies %s step %d, %d%% kept", c.company, when, c.step, c.kept)
}

// TestSimulationDiesAtEachDurableStep plays one scripted flow, counts the
// batches that each side commits, and plays it again for each of them with that
// side dying there: before the sync and after it, with none, half and all of the
// unsynced data kept.
func TestSimulationDiesAtEachDurableStep(t *testing.T) {
	exact(t)
	names := scripted(t, crash{})
	crashed := map[string]int{}
	for _, company := range slices.Sorted(maps.Keys(names)) {
		for i, name := range names[company] {
			if name == poll && crashed[company+": "+name] == mostPolls {
				continue
			}
			for _, f := range fates(crashed[company+": "+name]) {
				c := crash{company, i + 1, f}
				scripted(t, c)
				if t.Failed() {
					t.Fatalf("%s (%s)", c, name)
				}
			}
			crashed[company+": "+name]++
		}
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(crashed)) {
		t.Logf("%3d × %s", crashed[name], name)
		total += crashed[name]
	}
	t.Logf("100%% of %d durable steps crashed, %d kinds of them in all 6 ways", total, len(crashed))
}

// fates are the ways to die at a step: all six where it is the first of its
// name, two of them in turn where it is not.
func fates(before int) (ways []fate) {
	for _, kept := range []int{0, 50, 100} {
		if before == 0 || before%3*50 == kept {
			ways = append(ways, fate{kept: kept}, fate{after: true, kept: kept})
		}
	}
	return ways
}

// A poll that found nothing stores its cursor, every second the same: a few of
// them are enough.
const (
	poll      = "fact"
	mostPolls = 3
)

// scripted plays a ticket's life with one crash, checks what came of it, and
// gives the names of the steps that each company took.
func scripted(t *testing.T, c crash) map[string][]string {
	t.Helper()
	s := everything().apply(shapes()[0])
	var mu sync.Mutex // guards names
	names := map[string][]string{}
	inWorld(t, 1, sound, s.cast(false), func(w *world) {
		d := &drama{world: w, shape: s, north: w.by("north"), south: w.by("south")}
		var died, calm atomic.Bool // the nodes' goroutines ask
		for _, side := range w.companies {
			side.step = func(p *process, b *ledger.Batch) {
				if calm.Load() && (c.company == "" || died.Load()) {
					return // a step may come a little later than it did, but it comes
				}
				mu.Lock()
				defer mu.Unlock()
				names[side.name] = append(names[side.name], named(b))
				if side.name == c.company && len(names[side.name]) == c.step && died.CompareAndSwap(false, true) {
					p.disk.doom(c.fate)
				}
			}
		}
		d.script()
		calm.Store(true)
		d.calm()
		d.check()
		if c.company != "" && !died.Load() {
			t.Errorf("it was never reached")
		}
	})
	return names
}

// script is a ticket's life, one change after the other.
func (d *drama) script() {
	d.n = 1
	d.raise()
	m := d.matters[0]
	d.until("the twin is made", 3*time.Minute, func() bool {
		t, there := d.ticket(d.south, m)
		return there && !unfinished(t)
	})
	twin, _ := d.ticket(d.south, m)
	for _, step := range []func(){
		func() { d.comment(m, d.north, sim.Ticket{Key: m.key}, true) },
		func() { d.comment(m, d.south, twin, true) },
		func() { d.set(m, d.north, "priority", "Urgent") },
		func() { d.set(m, d.south, "summary", "Printer burns") },
		func() {
			d.must(d.south.agent.Transition(twin.Key, "In Progress", nil))
			d.wrote(m, "status", d.south, "Open", "In Progress")
		},
		func() { d.comment(m, d.north, sim.Ticket{Key: m.key}, false) },
		func() {
			r := m.remarks[0]
			d.must(d.north.admin.EditComment(m.key, r.id, r.token+" again-1."))
			r.last, r.edited = "again-1.", true
		},
		func() { d.must(d.south.admin.DeleteComment(twin.Key, m.remarks[1].id)); m.remarks[1].deleted = true },
		func() { d.set(m, d.north, "duedate", "2000-02-02") },
		func() { d.parcel(m, twin) },
		func() { d.joinIn(m, twin) },
		func() { d.follow(m, twin) },
	} {
		d.n++
		step()
		for range 4 {
			time.Sleep(pollEvery)
			d.revive()
		}
	}
}

// parcel has files cross: a large one from the south, and from the north one for the customer.
func (d *drama) parcel(m *matter, twin sim.Ticket) {
	d.bring(m, d.south, twin, &file{by: d.south, name: "file-1.bin", seed: 1, size: 300_000})
	d.bring(m, d.north, sim.Ticket{Key: m.key}, &file{by: d.north, name: "file-2.bin", seed: 2, size: 1000, public: true})
}

// joinIn has work, a person and a page cross.
func (d *drama) joinIn(m *matter, twin sim.Ticket) {
	d.must(d.north.agent.Share(m.key, "customer@north.example"))
	m.joined["customer@north.example"] = true
	w := &work{by: d.south, token: "working-1.", last: "working-1.", seconds: 3600}
	var err error
	w.id, err = d.south.agent.Work(twin.Key, w.seconds, w.token, "")
	d.must(err)
	m.works = append(m.works, w)
}

// follow has what crossed change or go at its origin.
func (d *drama) follow(m *matter, twin sim.Ticket) {
	d.must(d.south.admin.Detach(m.files[0].id))
	m.files[0].gone = true
	d.must(d.north.agent.Unshare(m.key, "customer@north.example"))
	m.joined["customer@north.example"] = false
	w := m.works[0]
	w.seconds = 7200
	d.must(d.south.admin.EditWork(twin.Key, w.id, w.seconds, w.token))
}

func (d *drama) set(m *matter, c *company, item, value string) {
	t, _ := d.ticket(c, m)
	d.must(c.agent.SetField(t.Key, item, value))
	d.wrote(m, item, c, shows(t, item), value)
}

// revive starts the nodes that have died.
func (w *world) revive() {
	for _, c := range w.companies {
		if c.p != nil && c.p.mouth.dead.Load() {
			c.tend()
		}
	}
}
