package exchange_test

import (
	"testing"
	"time"
)

// TestDriftIsFoundAndHealed damages what one side holds of the other, without
// any edit that would show it.
func TestDriftIsFoundAndHealed(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.shared("Another matter")
		w.quiet()
		compare := func(c *company) []string {
			drift, err := c.desk.Compare(w.t.Context(), "link", nil)
			w.must(err)
			same(t, "links compared", drift.Links, 2)
			var found []string
			for _, d := range drift.Differing {
				found = append(found, d.What+" "+d.Key)
			}
			return found
		}
		same(t, "north finds", compare(w.north), []string(nil))
		w.south.confuse(twin)
		same(t, "north finds", compare(w.north), []string{"sent " + key})
		same(t, "south finds", compare(w.south), []string{"received " + twin})
		drift, err := w.south.desk.Compare(w.t.Context(), "link", nil)
		w.must(err)
		n, err := w.south.desk.Realign(w.t.Context(), drift, []string{twin})
		w.must(err)
		same(t, "links healed", n, 1)
		w.quiet()
		same(t, "north finds", compare(w.north), []string(nil))
		same(t, "south's summary", w.south.fields(twin)["summary"], "Printer on fire")
		w.must(w.south.led.Check())
	})
}

func TestNobodyIsAskedWhoIsNotThere(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.shared("Printer on fire")
		w.cable.cut.Store(true)
		time.Sleep(2 * time.Minute)
		if _, err := w.north.desk.Compare(w.t.Context(), "link", nil); err == nil {
			t.Error("a comparison without the partner succeeds")
		}
		w.cable.cut.Store(false)
	})
}
