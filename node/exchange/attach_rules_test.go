package exchange_test

import (
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/replica"
)

// TestAFileThatCameWhileNoRulesWorkedIsAttached is seed 394 of the simulation: what a link fetches was asked for once
// when the node began to run, which may be before its rules are compiled, and then by nobody.
func TestAFileThatCameWhileNoRulesWorkedIsAttached(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.must(w.north.tenant.Fault(sim.Fault{Kind: "drop", Path: "/file/**", Times: -1, Skip: 1})) // it is hashed, and not given
		w.north.attach(key, "shot.png", 70_000, true)
		time.Sleep(20 * time.Second)
		w.must(w.south.desk.Use("link", "desk", "north", replica.Hash{}, nil, "the tenant cannot be read"))
		w.north.tenant.ClearFaults()
		time.Sleep(2 * time.Minute)
		same(t, "south's files", w.south.files(twin), []string(nil))
		w.south.use(w.south.rules)
		w.arrives(w.south, twin, 1)
		w.quiet()
		same(t, "south's files", w.south.files(twin), []string{"shot.png 70000 portal"})
	})
}
