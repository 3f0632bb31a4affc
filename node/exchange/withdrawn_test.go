package exchange_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/node/ledger"
	"parley/replica"
)

// relabel has an agent add a label or take it away.
func (c *company) relabel(key, verb, label string) {
	c.w.t.Helper()
	c.do(c.agent, "PUT", "/rest/api/3/issue/"+key, map[string]any{"update": map[string]any{"labels": []any{map[string]any{verb: label}}}})
}

// labels lists a ticket's labels, sorted.
func (c *company) labels(key string) string {
	c.w.t.Helper()
	return fmt.Sprint(sorted(c.fields(key)["labels"]))
}

func sorted(labels any) (out []string) {
	for _, l := range labels.([]any) {
		out = append(out, l.(string))
	}
	slices.Sort(out)
	return out
}

// labelled shares labels both ways, too.
func labelled(rules string) string {
	rules = strings.Replace(rules, `"status"]`, `"status", "labels"]`, 1)
	return strings.Replace(rules, `accept = ["summary"`, `accept = ["labels", "summary"`, 1)
}

// TestTheLaterWordAboutALabelStands has one side take a label away and the other
// bring it back, while neither hears of the other.
func TestTheLaterWordAboutALabelStands(t *testing.T) {
	t.Parallel()
	const with, without = "[vendor-x vip]", "[vendor-x]"
	for _, c := range []struct {
		what           string
		confused, gone bool // the taker lost track of the other before; the removal is the last word
	}{
		{"taken away last", false, true},
		{"taken away last, told by a whole view", true, true},
		{"brought back last", false, false},
		{"brought back last, told by a whole view", true, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			inWorld(t, labelled(customer), labelled(vendor), func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.north.relabel(key, "add", "vip")
				w.until("the label arrives", time.Minute, func() bool { return w.south.labels(twin) == with })
				w.quiet()
				w.cable.cut.Store(true)
				w.south.relabel(twin, "remove", "vip")
				time.Sleep(5 * time.Second) // noticed
				if !c.gone {
					w.north.relabel(key, "remove", "vip")
					time.Sleep(5 * time.Second)
					w.north.relabel(key, "add", "vip")
					time.Sleep(5 * time.Second)
				}
				if c.confused {
					w.north.confuse()
					w.south.confuse()
				}
				w.cable.cut.Store(false)
				w.south.edit(twin, map[string]any{"summary": "Printer burns"})
				w.quiet()
				want := with
				if c.gone {
					want = without
				}
				same(t, "the north's labels", w.north.labels(key), want)
				same(t, "the south's labels", w.south.labels(twin), want)
			})
		})
	}
}

// TestALabelTakenAwayBeforeOurWriteWasKnown has a person take away what we had
// just added, while Jira's answer to that was lost.
func TestALabelTakenAwayBeforeOurWriteWasKnown(t *testing.T) {
	t.Parallel()
	inWorld(t, labelled(customer), labelled(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "lost", Method: "PUT", Account: w.south.sync.Email}))
		w.north.relabel(key, "add", "vip")
		w.until("the label is there", time.Minute, func() bool { return w.south.labels(twin) == "[vendor-x vip]" })
		w.south.relabel(twin, "remove", "vip")
		w.quiet()
		same(t, "the north's labels", w.north.labels(key), "[vendor-x]")
		same(t, "the south's labels", w.south.labels(twin), "[vendor-x]")
	})
}

// TestAWholeViewBringsNoLabelBack has a side resend its whole view long after the
// other took a label of it away: what it posted once still names the label.
func TestAWholeViewBringsNoLabelBack(t *testing.T) {
	t.Parallel()
	inWorld(t, labelled(customer), labelled(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.north.relabel(key, "add", "vip")
		w.until("the label arrives", time.Minute, func() bool { return w.south.labels(twin) == "[vendor-x vip]" })
		w.quiet()
		w.south.relabel(twin, "remove", "vip")
		w.until("it goes", time.Minute, func() bool { return w.north.labels(key) == "[vendor-x]" })
		w.quiet()
		w.south.forget()
		w.north.edit(key, map[string]any{"summary": "Printer burns"})
		w.until("the edit arrives", 3*time.Minute, func() bool { return w.south.fields(twin)["summary"] == "Printer burns" })
		w.quiet()
		same(t, "the north's labels", w.north.labels(key), "[vendor-x]")
		same(t, "the south's labels", w.south.labels(twin), "[vendor-x]")
	})
}

// forget has a node lose all that the peer showed it.
func (c *company) forget() {
	c.w.must(c.led.Links("", func(k ledger.Link) bool {
		in, err := c.led.Incoming(k.Connection, k.ID)
		c.w.must(err)
		in.Remote, in.After = replica.View{}, replica.Hash{}
		g, err := c.led.Log(k.Connection)
		c.w.must(err)
		c.w.must(c.led.Write(func(b *ledger.Batch) error { return g.Reconciled(b, k.ID, in) }))
		return true
	}))
}
