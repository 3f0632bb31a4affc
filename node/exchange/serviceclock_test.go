package exchange_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/jsm/sim"
	"parley/node/exchange"
	"parley/replica"
)

const clocksNoted = "\n[incoming.sla]\nclock = \"theirs\"\nas = \"note\"\n"

// bothClocks is clocksNoted with our own clock of the same name beside theirs.
var bothClocks = strings.Replace(clocksNoted, "theirs", "both", 1)

// about finds the note that begins with these words.
func (c *company) about(key, words string) (note string) {
	for _, n := range c.notes(key) {
		if strings.HasPrefix(n, words) {
			return n
		}
	}
	return ""
}

// TestClocksOfATwinAreToldFromTheFirstMinute has both sides show their clocks and portals: also those that a twin starts by
// itself, which nobody changed. Then nothing moves for an hour.
func TestClocksOfATwinAreToldFromTheFirstMinute(t *testing.T) {
	t.Parallel()
	tables := clocksNoted + "\n[incoming.portal]\nas = \"note\"\n" + noteApprovals
	share := `"sla", "portal", "approvals"`
	inWorld(t, with(customer, share, tables), with(vendor, share, tables), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.until("both hear of the other's clocks and portal", 30*time.Second, func() bool {
			return len(w.north.notes(key)) == 3 && len(w.south.notes(twin)) == 3
		})
		if got := w.north.about(key, "First answer at south"); !strings.Contains(got, "goal 2h") {
			t.Errorf("the north reads of south's clock: %q", got)
		}
		if got := w.north.about(key, "The customer's portal at south shows: Open"); got == "" {
			t.Errorf("the north reads of south's portal nothing: %q", w.north.notes(key))
		}
		w.quiet()
		sent, written := [2]replica.Seq{w.sent(w.north), w.sent(w.south)}, [2]int{w.writes(w.north), w.writes(w.south)}
		same(t, "replicas for all of it", sent, [2]replica.Seq{1, 1})
		time.Sleep(time.Hour)
		synctest.Wait()
		same(t, "replicas of an hour", [2]replica.Seq{w.sent(w.north), w.sent(w.south)}, sent)
		same(t, "writes of an hour", [2]int{w.writes(w.north), w.writes(w.south)}, written)

		w.south.move(twin, "In Progress")
		w.quiet()
		w.south.move(twin, "Pending customer") // theirs pauses, and nothing of the north's does
		w.until("the pause is told", time.Minute, func() bool {
			return strings.Contains(w.north.about(key, "Time to resolution at south"), "paused")
		})
		w.quiet()
		same(t, "notes", [2]int{len(w.north.notes(key)), len(w.south.notes(twin))}, [2]int{3, 3})
		same(t, "replicas: the north's portal says that it is in progress", w.sent(w.north), sent[0]+1)
	})
}

// TestOurClockStandsBesideTheirs follows our own clock in the note, also where only ours moves: from the first minute, by a
// status of ours, by a status that the partner's moved, and by the mere course of time.
func TestOurClockStandsBesideTheirs(t *testing.T) {
	t.Parallel()
	moving := with(vendor, "", bothClocks+"\n[incoming.status]\nmap = { \"Waiting for customer\" = \"Pending customer\", \"In progress\" = \"In Progress\" }\notherwise = \"skip\"\n")
	inWorld(t, with(customer, `"sla"`, ""), moving, func(w *world) {
		key, twin := w.shared("Printer on fire")
		note := func() string { return w.south.about(twin, "Time to resolution at north") }
		w.until("our clock is there", 30*time.Second, func() bool {
			return strings.Contains(note(), "goal 16h") && strings.Contains(note(), "Here: due ") && strings.Contains(note(), "goal 8h")
		})
		w.quiet()
		sent := w.sent(w.north)
		w.south.move(twin, "In Progress")
		w.south.move(twin, "Pending customer")
		w.until("our pause is told", time.Minute, func() bool { return strings.Contains(note(), "Here: paused") })
		w.quiet()
		same(t, "replicas of the north", w.sent(w.north), sent)
		w.north.move(key, "In progress") // moves the twin, and by it our clock
		w.until("our clock runs again", time.Minute, func() bool { return strings.Contains(note(), "Here: due ") })
		w.quiet()
		w.north.stop() // days of polling say nothing
		w.south.stop()
		time.Sleep(time.Until(exchange.VirtualStart.AddDate(0, 0, 2).Add(16*time.Hour + 55*time.Minute))) // eight working hours end with the day …
		w.south.start()
		w.south.comment(twin, "nearly late", true)
		w.until("the goal is spent, and nobody is late before the next morning", 10*time.Minute, func() bool { return time.Now().Hour() == 17 })
		w.south.stop()
		time.Sleep(time.Until(exchange.VirtualStart.AddDate(0, 0, 3).Add(8*time.Hour + 58*time.Minute))) // … and the next one begins too late
		w.south.start()
		w.south.comment(twin, "good morning", true)
		w.until("the breach is told", 20*time.Minute, func() bool { return strings.Contains(note(), "Here: breached") })
		w.north.start()
		w.quiet()
		same(t, "notes", len(w.south.notes(twin)), 2)
	})
}

// TestOurClocksStayOurs is clock = "ours": nothing of theirs is shown.
func TestOurClocksStayOurs(t *testing.T) {
	t.Parallel()
	inWorld(t, with(customer, `"sla"`, ""), with(vendor, "", "\n[incoming.sla]\nclock = \"ours\"\n"), func(w *world) {
		_, twin := w.shared("Printer on fire")
		w.quiet()
		same(t, "notes", w.south.notes(twin), []string(nil))
	})
}

// TestATwinFilledAgainTellsItsClocks has the answer to the completing edit lost: the twin is found complete afterwards.
func TestATwinFilledAgainTellsItsClocks(t *testing.T) {
	t.Parallel()
	inWorld(t, with(customer, "", clocksNoted), with(vendor, `"sla"`, ""), func(w *world) {
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "lost", Method: "PUT", Path: "/rest/api/3/issue/*", Account: w.south.sync.Email}))
		key, _ := w.shared("Printer on fire")
		w.until("both clocks are told", time.Minute, func() bool { return len(w.north.notes(key)) == 2 })
		w.quiet()
		notes := slices.Sorted(slices.Values(w.north.notes(key)))
		if !strings.HasPrefix(notes[0], "First answer at south") || !strings.HasPrefix(notes[1], "Time to resolution at south") {
			t.Errorf("the north reads %q", notes)
		}
	})
}
