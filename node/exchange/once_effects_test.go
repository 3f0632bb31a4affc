package exchange_test

import (
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/node/ledger"
	"parley/replica"
)

// TestAPersonsEditInTheMomentOfOurWriteStands has an agent set a priority between
// our reading the ticket and our writing it. By "latest" the agent's is later: it
// is put back, and the peer is told.
func TestAPersonsEditInTheMomentOfOurWriteStands(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.south.before("PUT", "", func() { w.south.edit(twin, map[string]any{"priority": name("P4")}) })
		w.north.edit(key, map[string]any{"priority": name("Critical")})
		w.until("the agent's word stands on both sides", 2*time.Minute, func() bool {
			return w.south.named(twin, "priority") == "P4" && w.north.named(key, "priority") == "Low"
		})
		w.quiet()
		same(t, "the south's priority", w.south.named(twin, "priority"), "P4")
		lost := 0
		w.must(w.south.led.Overruled("", func(o ledger.Overruled) bool { lost++; return true }))
		if lost == 0 {
			t.Error("the value that lost is nowhere to be read")
		}
	})
}

// TestALateEditIsTakenBack has Jira carry out an edit minutes after its answer was
// lost, when the ticket has long moved on.
func TestALateEditIsTakenBack(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "late", Method: "PUT", AfterMS: 240_000, Account: w.south.sync.Email}))
		w.north.edit(key, map[string]any{"priority": name("Critical")})
		time.Sleep(5 * time.Second)
		w.north.edit(key, map[string]any{"priority": name("Low")})
		w.until("the newer word arrives", 2*time.Minute, func() bool { return w.south.named(twin, "priority") == "P4" })
		time.Sleep(4 * time.Minute)
		w.quiet()
		same(t, "late edits that wait", w.south.tenant.PendingLate(), 0)
		same(t, "the south's priority", w.south.named(twin, "priority"), "P4")
		same(t, "the north's priority", w.north.named(key, "priority"), "Low")
	})
}

// TestALateCommentIsNotSaidTwice has Jira carry out a comment after it had been
// made again: the second is our own mistake, and never goes back to its author.
func TestALateCommentIsNotSaidTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "late", Method: "POST", Path: "/rest/api/3/issue/*/comment", AfterMS: 120_000, Account: w.south.sync.Email}))
		w.north.comment(key, "Please hurry", true)
		time.Sleep(4 * time.Minute)
		w.quiet()
		same(t, "late comments that wait", w.south.tenant.PendingLate(), 0)
		if said := w.south.said(twin); len(said) != 1 {
			t.Errorf("the south reads %q", said)
		}
		if said := w.north.said(key); len(said) != 1 {
			t.Errorf("the north reads %q", said)
		}
	})
}

// TestRulesThatNeverAgreeStandStill has both sides keep their own: they are told,
// and nobody writes.
func TestRulesThatNeverAgreeStandStill(t *testing.T) {
	t.Parallel()
	own := func(rules string) string {
		return strings.Replace(rules, "[incoming.priority]", "[incoming.priority]\nwins = \"ours\"", 1)
	}
	inWorld(t, own(customer), own(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.cable.cut.Store(true)
		w.north.edit(key, map[string]any{"priority": name("Critical")})
		w.south.edit(twin, map[string]any{"priority": name("P4")})
		time.Sleep(20 * time.Second) // both are on their way
		w.cable.cut.Store(false)
		w.until("both are told", 3*time.Minute, func() bool { return len(w.north.codes("standing")) == 1 && len(w.south.codes("standing")) == 1 })
		w.quiet()
		same(t, "the north's priority", w.north.named(key, "priority"), "Critical")
		same(t, "the south's priority", w.south.named(twin, "priority"), "P4")
		w.north.edit(key, map[string]any{"priority": name("High")})
		w.until("a person's word ends it", 2*time.Minute, func() bool { return w.south.named(twin, "priority") == "P2" })
		w.quiet()
		same(t, "the north holds", w.north.codes("standing"), []replica.Path(nil))
		same(t, "the south holds", w.south.codes("standing"), []replica.Path(nil))
	})
}

// TestAnItemThatIsWrittenAllTheTimeStops lets an automation change one field for
// ever; beyond its bound the item is held until a person asks.
func TestAnItemThatIsWrittenAllTheTimeStops(t *testing.T) {
	t.Parallel()
	bounded := vendor + "\n[limits]\nwrites_per_item_hour = 4\n"
	inWorld(t, customer, bounded, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		for i := range 7 { // the last word is Critical
			w.north.edit(key, map[string]any{"priority": name([]string{"Critical", "Low"}[i%2])})
			time.Sleep(15 * time.Second)
		}
		w.quiet()
		same(t, "the south's item that stops", w.south.codes("writes"), []replica.Path{"priority"})
		if n := len(w.south.history(twin, "priority")); n > 5 { // one made the twin
			t.Errorf("the south wrote the priority %d times, with a bound of 4 and one at its making", n)
		}
		w.north.comment(key, "and this goes on", true)
		w.until("other items go on", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
		w.south.retryAll()
		w.until("a person has it written", time.Minute, func() bool { return w.south.named(twin, "priority") == "P1" })
		w.quiet()
		same(t, "the south's item that stops", w.south.codes("writes"), []replica.Path(nil))
	})
}

// TestWhatWasSaidSinceTheLabelCrosses has another label come after the one that
// shares the ticket, before the node first looks.
func TestWhatWasSaidSinceTheLabelCrosses(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.quiet()
		w.north.stop()
		key := w.north.raise("Printer on fire", map[string]any{"priority": name("Medium")})
		time.Sleep(time.Second)
		w.north.comment(key, "before", true)
		time.Sleep(time.Second)
		w.north.edit(key, map[string]any{"labels": []string{"vendor-x"}})
		time.Sleep(time.Second)
		w.north.comment(key, "after", true)
		time.Sleep(time.Second)
		w.north.edit(key, map[string]any{"labels": []string{"vendor-x", "vip"}})
		w.north.start()
		w.until("it is shared", 2*time.Minute, func() bool { return len(w.south.keys()) == 1 })
		w.quiet()
		said := strings.Join(w.south.said(w.south.keys()[0]), "\n")
		if !strings.Contains(said, "after") || strings.Contains(said, "before") {
			t.Errorf("the south reads %q", said)
		}
	})
}

// codes lists the items held with a code.
func (c *company) codes(code string) (paths []replica.Path) {
	c.w.must(c.led.Held("", func(h ledger.Held) bool {
		if h.Code == code {
			paths = append(paths, h.Path)
		}
		return true
	}))
	return paths
}

// history lists a field's changes by the node's account.
func (c *company) history(key, field string) (entries []string) {
	page := c.do(c.agent, "GET", "/rest/api/3/issue/"+key+"/changelog", nil)
	me := c.do(c.sync, "GET", "/rest/api/3/myself", nil)["accountId"]
	for _, e := range page["values"].([]any) {
		entry := e.(map[string]any)
		if entry["author"].(map[string]any)["accountId"] != me {
			continue
		}
		for _, it := range entry["items"].([]any) {
			if f := it.(map[string]any); f["fieldId"] == field {
				entries = append(entries, f["toString"].(string))
			}
		}
	}
	return entries
}
