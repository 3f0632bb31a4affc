package exchange_test

import (
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
)

// TestAnOlderStatusDoesNotClaimToKnowTheNewer has both sides move their tickets;
// the vendor's node hears of both moves at once. No rule of the vendor's takes a
// status, so only the customer can decide, and the later word is the customer's own.
func TestAnOlderStatusDoesNotClaimToKnowTheNewer(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.south.tenant.SetIndexLag(time.Minute, false)
		w.south.move(twin, "In Progress")
		time.Sleep(3 * time.Second)
		w.north.move(key, "Waiting for customer")
		time.Sleep(2 * time.Minute)
		w.quiet()
		same(t, "the customer's status", w.north.named(key, "status"), "Waiting for customer")
	})
}

// TestACompletedTwinIsNotCompletedAgain loses the answer to the edit that completes
// a twin. People work on the ticket before parley comes back to it.
func TestACompletedTwinIsNotCompletedAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "lost", Method: "PUT", Account: w.south.sync.Email}))
		key, twin := w.shared("Printer on fire")
		w.south.edit(twin, map[string]any{"priority": name("P4")})
		w.quiet()
		same(t, "the vendor's priority", w.south.named(twin, "priority"), "P4")
		same(t, "the customer's priority", w.north.named(key, "priority"), "Low")
	})
}

// labels has both sides share them, too.
var labels = strings.NewReplacer(`"status"]`, `"status", "labels"]`, `accept = [`, `accept = ["labels", `)

// TestALabelTakenOffATwinInTheMakingIsTakenOff has somebody do that before the last
// write that makes the twin.
func TestALabelTakenOffATwinInTheMakingIsTakenOff(t *testing.T) {
	t.Parallel()
	theirs := labels.Replace(vendor) + "\n[incoming.status]\nmap = { \"Waiting for support\" = \"In Progress\" }\n"
	inWorld(t, labels.Replace(customer), theirs, func(w *world) {
		w.south.before("POST", "/transitions", func() { w.south.edit("HELP-1", map[string]any{"labels": []string{"vendor-x"}}) })
		key := w.north.raise("Printer on fire", map[string]any{"labels": []string{"vendor-x", "vpn"}})
		w.until("the twin is made", time.Minute, func() bool { return w.north.twin(key) != "" })
		w.quiet()
		same(t, "the vendor's labels", w.south.fields("HELP-1")["labels"], "[vendor-x]")
		same(t, "the customer's labels", w.north.fields(key)["labels"], "[vendor-x]")
	})
}

// TestWhatIsSaidOnATwinAnswersWhatItWasMadeFrom has the node die when the edit that
// completes a twin is carried out, before it hears of that. People work on the twin
// while no node runs. The customer's clock is an hour ahead: by the times all that
// the twin was made from is later than what they say.
func TestWhatIsSaidOnATwinAnswersWhatItWasMadeFrom(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{afterCall, lostCall} {
		t.Run(kind, func(t *testing.T) { answersWhatItWasMadeFrom(t, kind) })
	}
}

func answersWhatItWasMadeFrom(t *testing.T, kind string) {
	inWorld(t, labels.Replace(customer), labels.Replace(vendor), func(w *world) {
		w.north.tenant.Advance(time.Hour)
		p := &w.south.perils
		p.mu.Lock()
		p.on, p.fate = true, mishap{kind: kind, n: 2}
		p.mu.Unlock()
		key := w.north.raise("Printer on fire", map[string]any{"labels": []string{"vendor-x", "vpn", "wifi"}, "priority": name("High")})
		w.catching(100*time.Millisecond, "the mishap", 2*time.Minute, func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.struck
		})
		twin := "HELP-1"
		same(t, "the twin's labels", w.south.fields(twin)["labels"], "[vendor-x vpn wifi]")
		w.south.edit(twin, map[string]any{"priority": name("P4"), "labels": []string{"vendor-x", "wifi"}, "summary": "Printer smokes"})
		w.south.move(twin, "In Progress")
		w.north.edit(key, map[string]any{"summary": "Printer burns"}) // of which nobody on the twin knows
		w.pass(time.Minute)
		w.quiet()
		same(t, "the vendor's summary", w.south.fields(twin)["summary"], "Printer burns")
		same(t, "the customer's summary", w.north.fields(key)["summary"], "Printer burns")
		same(t, "the vendor's priority", w.south.named(twin, "priority"), "P4")
		same(t, "the customer's priority", w.north.named(key, "priority"), "Low")
		same(t, "the customer's status", w.north.named(key, "status"), "In progress")
		same(t, "the vendor's labels", w.south.fields(twin)["labels"], "[vendor-x wifi]")
		same(t, "the customer's labels", w.north.fields(key)["labels"], "[vendor-x wifi]")
	})
}
