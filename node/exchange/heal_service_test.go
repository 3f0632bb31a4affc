package exchange_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/node/exchange"
)

// TestAHomePutBackKnowsWhatItToldOfTheDesk puts either side back to a backup after which one ticket was approved, answered on
// the partner's word, rated and given an article, and another one came, with clocks and portals told both ways. Healed,
// there is one note, one page and one answer for each, fields stand as they were, and what happens next is followed.
func TestAHomePutBackKnowsWhatItToldOfTheDesk(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"north", "south"} {
		for _, how := range []exchange.Remedy{exchange.FromPeer, exchange.Resync} {
			for _, marked := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s %s marked=%v", side, how, marked), func(t *testing.T) {
					inWorld(t, northDesk, southDesk, func(w *world) { deskPutBack(w, side, how, marked) })
				})
			}
		}
	}
}

var (
	northDesk = with(customer, `"sla", "portal", "approvals", "satisfaction", "knowledge"`, "\n[incoming.portal]\nas = \"web_link\"\n"+clocksNoted)
	southDesk = with(strings.Replace(vendor, `share = "name"`, "share = \"name\"\nmatch = \"email\"", 1), `"sla", "portal"`, `
[incoming.approvals]
as = "answer"
[incoming.portal]
as = "note"
[incoming.knowledge]
as = "web_link"
[incoming.satisfaction]
fields = { stars = "field:Number of users", text = "field:History notes" }
[incoming.sla]
clock = "both"
as = "note"
when = 'sla.name == "Time to resolution"'
`)
)

func deskPutBack(w *world, side string, how exchange.Remedy, marked bool) {
	t := w.t
	c := map[string]*company{"north": w.north, "south": w.south}[side]
	key, twin := w.shared("A new laptop")
	agent := w.north.tenant.As(w.north.agent.Email)
	w.must(agent.SetField(key, "reporter", "customer@north.example"))
	w.quiet()
	copied, taken := c.backup()
	w.quiet()

	key2, twin2 := w.shared("Another laptop")
	w.north.stepped(key, "Waiting for approval", "approver@north.example")
	w.must(w.north.tenant.As("approver@north.example").Answer(key, true))
	w.must(agent.Article(key, "https://north.example/wiki/1", "How to order"))
	w.must(agent.Transition(key, "Resolved", map[string]any{"resolution": "Done"}))
	w.must(w.north.tenant.As("customer@north.example").Rate(key, 4, "quick and kind"))
	w.north.comment(key, "Done.", true)
	w.quiet()
	w.south.stepped(twin, "Pending approval", w.south.sync.Email)
	w.until("it is answered on the partner's word, and goes on on both sides", 2*time.Minute, func() bool {
		return w.south.named(twin, "status") == "In Progress" && w.north.named(key, "status") == "In progress"
	})
	w.quiet()
	before := w.deskState(key, twin, key2, twin2)

	c.restore(copied, taken, marked)
	w.until("both sides see it", 2*time.Minute, func() bool { return c.con().Trouble() != "" && c.peer.con().Trouble() != "" })
	w.quiet()
	c.heal(how, marked)
	w.quiet()
	same(t, "the desks after it is healed", strings.Join(w.deskState(key, twin, key2, twin2), "\n"), strings.Join(before, "\n"))
	same(t, "held", append(w.north.held(), w.south.held()...), []string(nil))

	w.south.move(twin2, "In Progress")
	w.south.move(twin2, "Pending customer")
	w.north.stepped(key2, "Waiting for approval", "approver@north.example")
	w.until("what happens next is followed", 2*time.Minute, func() bool {
		return strings.Contains(w.north.about(key2, "Time to resolution at south"), "paused") &&
			strings.Contains(w.south.about(twin2, "Time to resolution at north"), "paused, goal 16hHere: paused") &&
			strings.Contains(w.south.about(twin2, "The customer's portal at north"), "shows: Waiting for approval")
	})
	w.quiet()
	same(t, "notes of the second", fmt.Sprint(len(w.north.notes(key2)), len(w.south.notes(twin2))), "2 2")
	w.must(w.north.led.Check())
	w.must(w.south.led.Check())
}

// TestAPersonsLaterWordStandsOverAHomePutBack: the north heard the south's status before a person there set another one,
// which the south makes nothing of. Put back to before both, and having posted that again before it knew, it does not take
// the south's older word for the newer.
func TestAPersonsLaterWordStandsOverAHomePutBack(t *testing.T) {
	t.Parallel()
	for _, marked := range []bool{true, false} {
		t.Run(fmt.Sprintf("marked=%v", marked), func(t *testing.T) {
			inWorld(t, northDesk, southDesk, func(w *world) {
				key, twin := w.shared("A new laptop")
				w.quiet()
				copied, taken := w.north.backup()
				w.quiet()
				w.north.stepped(key, "Waiting for approval", "approver@north.example")
				w.must(w.north.tenant.As("approver@north.example").Answer(key, true))
				w.south.stepped(twin, "Pending approval", w.south.sync.Email)
				w.until("it is answered on the partner's word", 2*time.Minute, func() bool { return w.south.named(twin, "status") == "In Progress" })
				w.quiet()
				w.must(w.north.tenant.As(w.north.agent.Email).Transition(key, "Resolved", map[string]any{"resolution": "Done"}))
				w.quiet()
				w.north.restore(copied, taken, marked)
				w.quiet()
				w.north.heal(exchange.Resync, marked)
				w.quiet()
				same(t, "north", w.north.named(key, "status"), "Resolved")
				same(t, "south", w.south.named(twin, "status"), "In Progress")
				w.south.move(twin, "Pending customer")
				w.quiet()
				w.south.move(twin, "In Progress")
				w.until("a newer word counts", time.Minute, func() bool { return w.north.named(key, "status") == "In progress" })
				w.quiet()
			})
		})
	}
}

// deskState is what both desks show of two tickets: notes, pages, the rating's fields, and the statuses.
func (w *world) deskState(key, twin, key2, twin2 string) (all []string) {
	w.t.Helper()
	add := func(who string, lines []string) {
		slices.Sort(lines)
		for _, l := range lines {
			all = append(all, who+": "+l)
		}
	}
	add("north", w.north.notes(key))
	add("north page", w.north.pages(key))
	add("south", w.south.notes(twin))
	add("south page", w.south.pages(twin))
	f := w.south.fields(twin)
	add("south rated", []string{fmt.Sprintf("%v %s", f[w.south.fieldID("Number of users")], plain(f[w.south.fieldID("History notes")]))})
	add("status", []string{"north " + w.north.named(key, "status"), "south " + w.south.named(twin, "status")})
	add("north second", append(w.north.notes(key2), w.north.pages(key2)...))
	add("south second", append(w.south.notes(twin2), w.south.pages(twin2)...))
	return all
}
