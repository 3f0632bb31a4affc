package exchange_test

import (
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
