package exchange_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"parley/node/exchange"
)

// TestAFullDiskHoldsEverythingBackAndLosesNothing brakes one side: what the
// partner sends and what people do waits where it is, and all of it arrives once
// the brake is off.
func TestAFullDiskHoldsEverythingBackAndLosesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.south.desk.Brake("the disk is 91 % full")
		time.Sleep(2 * every) // what has begun is finished
		received, posted, writes := w.south.con().Log.Position().Stored, w.sent(w.south), w.writes(w.south)
		for i := range 200 { // more than one batch, and one link posts only one at a time
			w.north.edit(key, map[string]any{"summary": "Printer burns " + string(rune('a'+i%26))})
		}
		key2 := w.north.raise("Scanner on fire", map[string]any{"labels": []string{"vendor-x"}})
		w.south.comment(twin, "meanwhile", true)
		_, err := w.south.desk.Sync(context.Background(), "link", []string{twin})
		if !errors.Is(err, exchange.ErrNoRoom) {
			t.Errorf("sharing a ticket by hand: %v", err)
		}
		time.Sleep(5 * time.Minute)
		if now := w.south.con().Log.Position().Stored; now > received {
			t.Errorf("%d replicas were taken in by a node without room", now-received)
		}
		same(t, "posted by the south", w.sent(w.south), posted)
		same(t, "written in the south", w.writes(w.south), writes)
		same(t, "the session", w.south.con().Up(), true)
		w.south.desk.Brake("")
		w.until("the last summary arrives", time.Minute, func() bool { return w.south.fields(twin)["summary"] == w.north.fields(key)["summary"] })
		w.until("the other ticket arrives", time.Minute, func() bool { return w.north.twin(key2) != "" })
		w.until("the comment arrives", time.Minute, func() bool { return len(w.north.said(key)) == 1 })
		w.quiet()
	})
}
