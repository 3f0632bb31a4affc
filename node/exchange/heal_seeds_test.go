package exchange_test

import (
	"testing"
	"time"

	"parley/node/exchange"
)

// TestAWholeViewWaitsForTheFilesItNames is seed 24 of the simulation of a home that was put back: the whole view that it
// owed was made before it had read its file again, and the peer took what the view lacked for deleted.
func TestAWholeViewWaitsForTheFilesItNames(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		copied, taken := w.north.backup()
		w.quiet()
		w.north.attach(key, "shot.png", 70_000, true)
		w.arrives(w.south, twin, 1)
		w.quiet()
		was := w.south.copyOf(twin, "shot.png")
		w.north.restore(copied, taken, true)
		w.north.heal(exchange.Resync, true)
		w.quiet()
		same(t, "south's files", w.south.files(twin), []string{"shot.png 70000 portal"})
		same(t, "south's copy", w.south.copyOf(twin, "shot.png"), was)
		same(t, "north's files", w.north.files(key), []string{"shot.png 70000 portal"})
	})
}

// TestWhatWasInFlightAtABackupHoldsNothingUp is seed 34 of the same: a replica that the peer had stored, and of which the
// backup did not know so, stayed in flight for good, and its link posted nothing more.
func TestWhatWasInFlightAtABackupHoldsNothingUp(t *testing.T) {
	t.Parallel()
	for _, how := range []exchange.Remedy{exchange.FromPeer, exchange.Resync} {
		t.Run(string(how), func(t *testing.T) {
			inWorld(t, customer, vendor, func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.quiet()
				w.cable.cut.Store(true)
				sent := w.sent(w.north)
				w.north.edit(key, map[string]any{"summary": "Printer burns"})
				w.until("it is posted", time.Minute, func() bool { return w.sent(w.north) == sent+1 })
				copied, taken := w.north.backup()
				w.cable.cut.Store(false)
				w.until("it is there", 2*time.Minute, func() bool { return w.south.ticket(twin).Summary == "Printer burns" })
				w.south.comment(twin, "which one?", true) // so that the backup has something to have forgotten
				w.quiet()
				w.north.restore(copied, taken, true)
				w.north.heal(how, true)
				w.quiet()
				same(t, "north is told of", w.north.con().Log.Told().Stored >= sent+1, true)
				w.north.edit(key, map[string]any{"summary": "It is out"})
				w.until("the next word is there", 2*time.Minute, func() bool { return w.south.ticket(twin).Summary == "It is out" })
				w.quiet()
			})
		})
	}
}
