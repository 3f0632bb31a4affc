package exchange_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
)

var (
	seeds = flag.Int("seeds", 12, "how many seeds TestSimulation plays")
	seed  = flag.Int("seed", -1, "the one seed that TestSimulation plays, to replay a failure")
)

// TestSimulation lets people work on both sides while nodes are killed and Jira
// fails, then lets everything go quiet and checks what must always be true:
// once (I2), convergence without echo (I3), no silent loss (I4), nothing unnamed
// leaves (I1), and a ledger that holds together (I7).
func TestSimulation(t *testing.T) {
	from, to := 0, *seeds
	if *seed >= 0 {
		from, to = *seed, *seed+1
	}
	for n := from; n < to; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("replay: go test ./node/exchange -run 'TestSimulation' -args -seed %d", n)
				}
			}()
			inWorld(t, labelled(customer), labelled(vendor), func(w *world) { play(w, rand.New(rand.NewPCG(uint64(n), 7))) })
		})
	}
}

// labelled shares labels both ways, too.
func labelled(rules string) string {
	rules = strings.Replace(rules, `"status"]`, `"status", "labels"]`, 1)
	return strings.Replace(rules, `accept = ["summary"`, `accept = ["labels", "summary"`, 1)
}

// drama is one simulation: who said what, for the checks at its end.
type drama struct {
	*world
	rng    *rand.Rand
	shared []string          // north's keys
	public map[string]string // text → north's key, of public comments made in the north
	notes  []string          // texts of internal notes, both sides
	back   map[string]string // text → north's key, of public comments made in the south
	n      int
}

func play(w *world, rng *rand.Rand) {
	d := &drama{world: w, rng: rng, public: map[string]string{}, back: map[string]string{}}
	for _, c := range []*company{w.north, w.south} {
		c.slow.Store(true)
	}
	for range 40 {
		d.act()
		time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond)
	}
	w.cable.cut.Store(false)
	w.north.tenant.ClearFaults()
	w.south.tenant.ClearFaults()
	for _, c := range []*company{w.north, w.south} {
		if c.halt == nil {
			c.start()
		}
	}
	w.quiet()
	d.check()
}

// act is one thing that happens.
func (d *drama) act() {
	d.n++
	text := fmt.Sprintf("saying %d", d.n)
	switch p := d.rng.IntN(26); {
	case len(d.shared) == 0 || p == 0:
		key := d.north.raise(fmt.Sprintf("ticket %d", d.n), map[string]any{"labels": []string{"vendor-x"}, "priority": name("Medium")})
		d.shared = append(d.shared, key)
	case p < 4:
		key := d.any()
		d.north.comment(key, text, true)
		d.public[text] = key
	case p < 5:
		d.north.comment(d.any(), text, false)
		d.notes = append(d.notes, text)
	case p < 7:
		d.north.edit(d.any(), map[string]any{"priority": name([]string{"Critical", "Urgent", "High", "Medium", "Low"}[d.rng.IntN(5)])})
	case p < 8:
		d.north.edit(d.any(), map[string]any{"summary": fmt.Sprintf("ticket %d", d.n)})
	case p < 13:
		d.southActs(p, text)
	case p < 17:
		d.fault()
	case p < 20:
		d.crash()
	case p < 22:
		d.world.cable.cut.Store(!d.world.cable.cut.Load())
	case p < 23:
		for _, c := range []*company{d.north, d.south} {
			if c.halt != nil && d.rng.IntN(2) == 0 {
				c.confuse()
			}
		}
	case p < 24:
		if c := d.one(); c.halt != nil {
			c.use(c.rules + "\n# another version\n")
		}
	default:
		d.label()
	}
}

// label adds a label on one side, or takes one away.
func (d *drama) label() {
	key, c := d.any(), d.north
	twin := ""
	if d.south.halt != nil && d.north.halt != nil {
		twin = d.north.twin(key)
	}
	if twin == "" {
		return // before it is shared, the last change of its labels says from when on
	}
	if d.rng.IntN(2) == 0 {
		key, c = twin, d.south
	}
	verb := []string{"add", "remove"}[d.rng.IntN(2)]
	c.do(c.agent, "PUT", "/rest/api/3/issue/"+key, map[string]any{"update": map[string]any{"labels": []any{map[string]any{verb: []string{"vip", "vpn"}[d.rng.IntN(2)]}}}})
}

func name(s string) map[string]any { return map[string]any{"name": s} }

func (d *drama) any() string { return d.shared[d.rng.IntN(len(d.shared))] }

// southActs lets the vendor's agent work on a twin, where there is one.
func (d *drama) southActs(p int, text string) {
	keys := d.south.keys()
	if len(keys) == 0 {
		return
	}
	twin := keys[d.rng.IntN(len(keys))]
	origin := d.origin(twin)
	switch {
	case origin == "":
	case p < 10:
		d.south.comment(twin, text, true)
		d.back[text] = origin
	case p < 11:
		d.south.comment(twin, text, false)
		d.notes = append(d.notes, text)
	default:
		d.south.edit(twin, map[string]any{"priority": name([]string{"P1", "P2", "P3", "P4"}[d.rng.IntN(4)])})
	}
}

// origin finds north's ticket of a twin by its first words, as a person would.
func (d *drama) origin(twin string) string {
	if d.south.halt == nil || d.north.halt == nil {
		return ""
	}
	return d.south.twin(twin)
}

// fault makes a call of one node go wrong, in one of its two faces.
func (d *drama) fault() {
	c := d.one()
	kinds := []sim.Fault{
		{Kind: "lost", Writes: true}, {Kind: "lost", Writes: true}, {Kind: "applied", Writes: true}, {Kind: "drop"}, {Kind: "status", Status: 503},
		{Kind: "html"}, {Kind: "rate", RetryAfter: 2}, {Kind: "late", Writes: true, AfterMS: 4000}, {Kind: "lost", Method: "POST", Path: "/rest/servicedeskapi/request"},
		{Kind: "lost", Method: "POST", Path: "/rest/api/3/issue/*/comment"}, {Kind: "lost", Method: "PUT"},
	}
	f := kinds[d.rng.IntN(len(kinds))]
	f.Account, f.Skip = c.sync.Email, d.rng.IntN(3)
	d.must(c.tenant.Fault(f))
}

func (d *drama) one() *company {
	if d.rng.IntN(2) == 0 {
		return d.north
	}
	return d.south
}

// crash kills or stops a node, or starts one that is down.
func (d *drama) crash() {
	switch c := d.one(); {
	case c.halt == nil:
		c.start()
	case d.rng.IntN(3) == 0:
		c.stop()
	default:
		c.kill(d.rng)
		if d.rng.IntN(2) == 0 {
			c.start()
		}
	}
}

// check looks at both tenants, never at parley's own word.
func (d *drama) check() {
	t := d.t
	twins := map[string]string{}
	for _, key := range d.shared {
		twin := d.north.twin(key)
		if twin == "" || twins[twin] != "" {
			t.Errorf("%s has the twin %q, which belongs to %q", key, twin, twins[twin])
		}
		twins[twin] = key
	}
	if got := d.south.keys(); len(got) != len(d.shared) {
		t.Errorf("the south has %d tickets %v for %d shared ones %v", len(got), got, len(d.shared), d.shared)
	}
	for twin, key := range twins {
		if twin == "" {
			continue
		}
		same(t, key+"'s labels in the south", sorted(d.south.fields(twin)["labels"]), sorted(d.north.fields(key)["labels"]))
		same(t, key+"'s summary in the south", d.south.fields(twin)["summary"], d.north.fields(key)["summary"])
		if strings.Contains(fmt.Sprint(d.south.fields(twin)), "parley-mark") {
			t.Errorf("%s still bears a create marker", twin)
		}
		ours, theirs := d.north.named(key, "priority"), d.south.named(twin, "priority")
		to := map[string]string{"Critical": "P1", "Urgent": "P1", "High": "P2", "Medium": "P3", "Low": "P4"}
		if to[ours] != theirs {
			t.Errorf("%s is %s, its twin %s is %s", key, ours, twin, theirs)
		}
		d.saidOnce(d.public, key, d.south.said(twin))
		d.saidOnce(d.back, key, d.north.said(key))
		for _, note := range d.notes {
			for _, line := range d.south.said(twin) {
				if strings.HasSuffix(line, "/ "+note) {
					t.Errorf("the note %q crossed to %s", note, twin)
				}
			}
			for _, line := range d.north.said(key) {
				if strings.HasSuffix(line, "/ "+note) {
					t.Errorf("the note %q crossed to %s", note, key)
				}
			}
		}
	}
	if t.Failed() {
		d.explain()
		for _, c := range []*company{d.north, d.south} {
			for _, e := range c.tenant.Writes() {
				if e.Account == c.sync.Email {
					t.Logf("%s %s %s %s status %d applied %v lost %v", c.name, e.At.Format("04:05.000"), e.Endpoint, e.Key, e.Status, e.Applied, e.Lost)
				}
			}
		}
	}
}

// saidOnce insists that each text said on one side is on the other exactly once.
func (d *drama) saidOnce(texts map[string]string, key string, lines []string) {
	for text, of := range texts {
		if of != key {
			continue
		}
		n := 0
		for _, line := range lines {
			if strings.HasSuffix(line, "/ "+text) {
				n++
			}
		}
		if n != 1 {
			slices.Sort(lines)
			d.t.Errorf("%q of %s is on the other side %d times: %q", text, key, n, lines)
		}
	}
}

func sorted(labels any) (out []string) {
	for _, l := range labels.([]any) {
		out = append(out, l.(string))
	}
	slices.Sort(out)
	return out
}
