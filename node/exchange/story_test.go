package exchange_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/node/ledger"
)

// The customer's and the vendor's rules of most stories, many-to-one both ways.
const (
	customer = `
peer = "south"
connection = "desk"
project = "SUPPORT"

[trigger]
jql = 'project = SUPPORT AND labels = vendor-x'

[outgoing]
share = ["summary", "description", "priority", "status"]

[outgoing.comments]

[people]
share = "name"

[incoming]
accept = ["summary"]

[incoming.comments]
as = "same"

[incoming.priority]
map = { P1 = "Critical", P2 = "High", P3 = "Medium", P4 = "Low" }

[incoming.status]
map = { Resolved = "Resolved", "In Progress" = "In progress" }
otherwise = "skip"
resolution = { Resolved = "Done" }
`
	vendor = `
peer = "north"
connection = "desk"
project = "HELP"

[outgoing]
share = ["summary", "priority", "status"]

[outgoing.comments]

[people]
share = "name"

[incoming]
accept = ["summary", "description"]

[incoming.comments]
as = "same"

[incoming.create]
project = "HELP"
request_type = "Report a problem"

[incoming.priority]
map = { Critical = "P1", Urgent = "P1", High = "P2", Medium = "P3" }
else = "P4"
`
)

// shared raises a ticket in the north that has a twin in the south.
func (w *world) shared(summary string) (key, twin string) {
	w.t.Helper()
	key = w.north.raise(summary, map[string]any{"labels": []string{"vendor-x"}, "priority": map[string]any{"name": "High"}})
	w.until("the twin is there", 2*time.Minute, func() bool {
		twin = w.north.twin(key)
		return twin != ""
	})
	return key, twin
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestATicketCrossesIsWorkedAndComesBack(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		unshared := w.north.raise("Our own affair", nil)
		key, twin := w.shared("Printer on fire")
		w.north.comment(key, "Third floor, please hurry", true)
		w.north.comment(key, "The customer is difficult", false)
		w.until("the public comment crosses", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
		w.south.comment(twin, "On my way", true)
		w.south.comment(twin, "Third time this month", false)
		w.south.move(twin, "In Progress")
		w.until("the work begins in the north", time.Minute, func() bool { return w.north.named(key, "status") == "In progress" })
		w.south.resolve(twin)
		w.until("the ticket closes by itself", time.Minute, func() bool { return w.north.named(key, "status") == "Resolved" })
		w.quiet()

		same(t, "north's summary", w.north.fields(key)["summary"], "Printer on fire")
		same(t, "south's summary", w.south.fields(twin)["summary"], "Printer on fire")
		same(t, "south's description", plain(w.south.fields(twin)["description"]), "Since this morning.")
		same(t, "south's priority", w.south.named(twin, "priority"), "P2")
		same(t, "north's resolution", w.north.named(key, "resolution"), "Done")
		same(t, "south hears", w.south.said(twin), []string{"public: Astrid Berg, north: / Third floor, please hurry", "public: On my way", "internal: Third time this month"})
		same(t, "north hears", w.north.said(key), []string{"public: Third floor, please hurry", "internal: The customer is difficult", "public: Mateo Silva, south: / On my way"})
		same(t, "south's tickets", w.south.keys(), []string{twin})
		same(t, "twin of the unshared", w.north.twin(unshared), "")
	})
}

func TestManyToOneMapsDoNotEcho(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Slow network")
		w.north.edit(key, map[string]any{"priority": map[string]any{"name": "Urgent"}})
		w.until("Urgent becomes P1", time.Minute, func() bool { return w.south.named(twin, "priority") == "P1" })
		w.quiet()
		same(t, "north keeps Urgent, though P1 means Critical", w.north.named(key, "priority"), "Urgent")
		w.south.edit(twin, map[string]any{"priority": map[string]any{"name": "P3"}})
		w.until("P3 becomes Medium", time.Minute, func() bool { return w.north.named(key, "priority") == "Medium" })
		w.north.edit(key, map[string]any{"priority": map[string]any{"name": "Critical"}})
		w.until("Critical becomes P1", time.Minute, func() bool { return w.south.named(twin, "priority") == "P1" })
		// Back to what the south posted before: it must be said again.
		w.south.edit(twin, map[string]any{"priority": map[string]any{"name": "P3"}})
		w.until("P3 becomes Medium again", time.Minute, func() bool { return w.north.named(key, "priority") == "Medium" })
		w.quiet()
	})
}

func TestEditsOnBothSidesWhileTheNodesAreDownConverge(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Nobody answers")
		w.quiet()
		w.north.stop()
		w.south.stop()
		w.north.edit(key, map[string]any{"summary": "Nobody answers the phone", "priority": map[string]any{"name": "Low"}})
		time.Sleep(time.Minute)
		w.south.edit(twin, map[string]any{"summary": "Switchboard silent"})
		w.south.comment(twin, "Looking", true)
		w.south.move(twin, "In Progress")
		w.south.start()
		time.Sleep(time.Minute)
		w.north.start()
		w.quiet()
		same(t, "the later summary wins in the north", w.north.fields(key)["summary"], "Switchboard silent")
		same(t, "and in the south", w.south.fields(twin)["summary"], "Switchboard silent")
		same(t, "south's priority", w.south.named(twin, "priority"), "P4")
		same(t, "north's priority", w.north.named(key, "priority"), "Low")
		same(t, "north's status", w.north.named(key, "status"), "In progress")
		same(t, "north hears", w.north.said(key), []string{"public: Mateo Silva, south: / Looking"})
	})
}

// held lists what waits on a side, as "path: code".
func (c *company) held() (lines []string) {
	c.w.must(c.led.Held("", func(h ledger.Held) bool {
		if h.Reason == "" || h.Next == "" || h.Key == "" {
			c.w.t.Errorf("held work without a reason, key or next step: %+v", h)
		}
		lines = append(lines, string(h.Path)+": "+h.Code)
		return true
	}))
	return lines
}

func TestAnUnmappedValueHoldsOnlyItself(t *testing.T) {
	t.Parallel()
	strict := strings.Replace(vendor, "else = \"P4\"\n", "", 1)
	inWorld(t, customer, strict, func(w *world) {
		key, twin := w.shared("Slow network")
		w.north.edit(key, map[string]any{"priority": name("Low"), "summary": "Slow network on floor 3"})
		w.north.comment(key, "since Monday", true)
		w.until("the rest of the ticket crosses", time.Minute, func() bool {
			return w.south.fields(twin)["summary"] == "Slow network on floor 3" && len(w.south.said(twin)) == 1
		})
		w.quiet()
		same(t, "south's priority stays", w.south.named(twin, "priority"), "P2")
		same(t, "south holds", w.south.held(), []string{"priority: unmapped"})
		var word ledger.Word
		w.must(w.north.led.Links("link", func(k ledger.Link) (more bool) {
			word, _ = w.north.led.Word("link", k.ID)
			return true
		}))
		same(t, "north is told", fmt.Sprintln(word.State, word.Code, word.Paths), "held unmapped [priority]\n")

		w.south.use(vendor)
		w.until("the new rules settle it", time.Minute, func() bool { return w.south.named(twin, "priority") == "P4" })
		w.quiet()
		same(t, "south holds nothing", w.south.held(), []string(nil))
	})
}

func TestARefusedCreateHoldsItsLink(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "status", Status: 400, Method: "POST", Path: "/rest/servicedeskapi/request", Account: w.south.sync.Email,
			Body: `{"errorMessage":"The form is closed.","i18nErrorMessage":{"i18nKey":"x","parameters":[]}}`}))
		bad := w.north.raise("Refused", map[string]any{"labels": []string{"vendor-x"}})
		w.until("it is held with Jira's answer", time.Minute, func() bool { return len(w.south.held()) == 1 })
		good, _ := w.shared("Accepted")
		same(t, "south holds", w.south.held(), []string{": create-refused"})
		same(t, "the other ticket's twin", w.north.twin(good) != "", true)
		w.must(w.south.led.Links("", func(k ledger.Link) bool {
			w.must(w.south.desk.Retry(k.Connection, k.ID))
			return true
		}))
		w.until("a retry makes the twin", time.Minute, func() bool { return w.north.twin(bad) != "" && len(w.south.held()) == 0 })
		w.quiet()
		same(t, "south's tickets", len(w.south.keys()), 2)
	})
}

func TestATicketThatCameInLeavesByAnotherConnectionOnlyWithRelay(t *testing.T) {
	t.Parallel()
	// The vendor shares back everything it has; what came in is not its own to share.
	back := strings.Replace(vendor, "[outgoing]", "[trigger]\njql = 'project = HELP'\n\n[outgoing]", 1)
	inWorld(t, customer, back, func(w *world) {
		key, twin := w.shared("Once is enough")
		w.quiet()
		same(t, "north's tickets", w.north.keys(), []string{key})
		same(t, "south's tickets", w.south.keys(), []string{twin})
	})
}

func TestTheFirstShareWaitsForAPerson(t *testing.T) {
	t.Parallel()
	careful := strings.Replace(customer, "[trigger]", "approve_first = true\n[trigger]", 1)
	inWorld(t, careful, vendor, func(w *world) {
		w.north.raise("Think first", map[string]any{"labels": []string{"vendor-x"}})
		w.until("it waits", time.Minute, func() bool { return len(w.north.held()) == 1 })
		w.quiet()
		same(t, "south's tickets", len(w.south.keys()), 0)
		w.must(w.north.led.Links("", func(k ledger.Link) bool {
			w.must(w.north.desk.Release(k.Connection, k.ID))
			return true
		}))
		w.until("it crosses", time.Minute, func() bool { return len(w.south.keys()) == 1 })
		w.quiet()
		same(t, "north holds nothing", w.north.held(), []string(nil))
	})
}

func TestATicketThatLeavesItsTriggerPauses(t *testing.T) {
	t.Parallel()
	pausing := strings.Replace(customer, "labels = vendor-x'", "labels = vendor-x'\nleave = \"pause\"", 1)
	inWorld(t, pausing, vendor, func(w *world) {
		key, twin := w.shared("Ours again")
		w.quiet()
		w.north.edit(key, map[string]any{"labels": []string{}})
		w.quiet()
		w.north.comment(key, "between us", true)
		w.quiet()
		same(t, "south hears nothing", w.south.said(twin), []string(nil))
		w.north.edit(key, map[string]any{"labels": []string{"vendor-x"}})
		w.until("it goes on", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
		w.quiet()
	})
}

func TestAnItemHeldOnItsWayOutStaysAsThePeerHasIt(t *testing.T) {
	t.Parallel()
	picky := strings.Replace(customer, `share = ["summary", "description", "priority", "status"]`,
		"share = [\"summary\", \"description\", \"status\"]\n\n[outgoing.priority]\nmap = { High = \"High\", Medium = \"Medium\" }", 1)
	inWorld(t, picky, vendor, func(w *world) {
		key, twin := w.shared("Slow network")
		same(t, "south's priority", w.south.named(twin, "priority"), "P2")
		w.north.edit(key, map[string]any{"priority": name("Low"), "summary": "Slower network"})
		w.until("the rest crosses", time.Minute, func() bool { return w.south.fields(twin)["summary"] == "Slower network" })
		w.quiet()
		same(t, "north holds", w.north.held(), []string{"priority: unmapped"})
		same(t, "south's priority stays", w.south.named(twin, "priority"), "P2")
		w.north.edit(key, map[string]any{"priority": name("Medium")})
		w.until("a mapped value goes on", time.Minute, func() bool { return w.south.named(twin, "priority") == "P3" })
		w.quiet()
		same(t, "north holds nothing", w.north.held(), []string(nil))
	})
}
