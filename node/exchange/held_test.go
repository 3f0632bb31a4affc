package exchange_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/node/exchange"
	"parley/node/ledger"
	"parley/replica"
)

// picky maps one priority alone and holds every other.
var picky = strings.Replace(vendor, `map = { Critical = "P1", Urgent = "P1", High = "P2", Medium = "P3" }
else = "P4"`, `map = { Critical = "P1" }
otherwise = "hold"`, 1)

// waiting lists what a side holds, as "code path".
func (c *company) waiting() (all []string) {
	c.w.t.Helper()
	c.w.must(c.led.Held("", func(h ledger.Held) bool {
		all = append(all, strings.TrimSpace(h.Code+" "+string(h.Path)))
		return true
	}))
	return all
}

func (c *company) heldAs(code string) (found ledger.Held) {
	c.w.t.Helper()
	c.w.must(c.led.Held("", func(h ledger.Held) bool {
		if h.Code == code {
			found = h
		}
		return found.Code == ""
	}))
	return found
}

func (w *world) waits(c *company, want ...string) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s holds %q", c.name, want), 3*time.Minute, func() bool { return fmt.Sprint(c.waiting()) == fmt.Sprint(want) })
}

// drop decides as a person does.
func (c *company) drop(h ledger.Held) {
	c.w.t.Helper()
	d := ledger.LeftOut{Connection: h.Connection, Link: h.Link, Path: h.Path, Out: h.Out, Version: h.Version, Key: h.Key, Code: h.Code, Who: "ann", Why: "not ours", At: time.Now().UnixMilli()}
	if !h.Out {
		in, err := c.led.Incoming(h.Connection, h.Link)
		c.w.must(err)
		d.Seq = in.Seq
	}
	c.w.must(c.led.LeaveOut(d, nil))
	c.w.must(c.desk.Retry(h.Connection, h.Link))
}

func (c *company) word(h ledger.Held) ledger.Word {
	c.w.t.Helper()
	w, err := c.led.Word(h.Connection, h.Link)
	c.w.must(err)
	return w
}

// A dropped item is written no more, both sides' lists are empty and the partner
// knows; its next change at the source is judged like any other.
func TestADroppedItemWaitsNoMore(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, picky, func(w *world) {
		key, twin := w.shared("Slow network")
		w.waits(w.south, "unmapped priority")
		w.waits(w.north, "peer-holds")
		h := w.south.heldAs("unmapped")
		w.south.drop(h)
		w.waits(w.south)
		w.waits(w.north)
		if got := w.north.word(h); got.State != replica.Dropped || got.Code != "unmapped" || fmt.Sprint(got.Paths) != "[priority]" {
			t.Errorf("the partner is told %+v", got)
		}
		// Neither other news nor new rules bring it back.
		w.north.comment(key, "Anything new?", true)
		w.until("the comment crosses", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
		w.south.use(picky + "\n# again\n")
		w.quiet()
		same(t, "south's list", w.south.waiting(), "[]")

		w.north.edit(key, map[string]any{"priority": map[string]any{"name": "Low"}})
		w.waits(w.south, "unmapped priority")
		w.north.edit(key, map[string]any{"priority": map[string]any{"name": "Critical"}})
		w.until("what can be mapped is written", time.Minute, func() bool { return w.south.named(twin, "priority") == "P1" })
		w.waits(w.south)
		w.waits(w.north)
		w.quiet()
	})
}

// Where no twin can be made, dropping leaves the whole ticket out; its next
// change tries again, with everything.
func TestADroppedTicketIsMadeOnceItChanges(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(vendor, `request_type = "Report a problem"`, `request_type = { from = "summary", map = { "Good" = "Report a problem" } }`, 1)
	inWorld(t, customer, broken, func(w *world) {
		key := w.north.raise("Bad", map[string]any{"labels": []string{"vendor-x"}, "priority": map[string]any{"name": "High"}})
		w.until("no twin can be made", time.Minute, func() bool { return len(w.south.waiting()) == 1 })
		var h ledger.Held
		w.must(w.south.led.Held("", func(one ledger.Held) bool { h = one; return false }))
		if h.Path != "" || h.Key != key {
			t.Fatalf("what waits is %+v", h)
		}
		w.south.drop(h)
		w.waits(w.south)
		w.waits(w.north)
		same(t, "the partner is told", w.north.word(h).State, replica.Dropped)
		w.quiet()
		same(t, "south's tickets", len(w.south.keys()), 0)
		w.north.edit(key, map[string]any{"summary": "Good"})
		w.until("the twin is made after all", 2*time.Minute, func() bool { return w.north.twin(key) != "" })
		twin := w.north.twin(key)
		same(t, "its description", plain(w.south.fields(twin)["description"]), "Since this morning.")
		same(t, "its priority", w.south.named(twin, "priority"), "P2")
		w.quiet()
		same(t, "south's list", w.south.waiting(), "[]")
	})
}

// A first share that a person refused is not asked for again, until the ticket changes.
func TestARefusedFirstShareStaysHome(t *testing.T) {
	t.Parallel()
	careful := strings.Replace(customer, "[trigger]", "approve_first = true\n[trigger]", 1)
	inWorld(t, careful, vendor, func(w *world) {
		key := w.north.raise("Private matter", map[string]any{"labels": []string{"vendor-x"}})
		w.waits(w.north, "approve-first")
		w.north.drop(w.north.heldAs("approve-first"))
		w.until("nothing but the dropped one is held", time.Minute, func() bool { return len(w.north.waiting()) == 0 })
		w.quiet()
		same(t, "north's list", w.north.waiting(), "[]")
		same(t, "south's tickets", len(w.south.keys()), 0)
		w.north.edit(key, map[string]any{"summary": "No longer private"})
		w.waits(w.north, "approve-first")
		w.must(w.north.desk.Release("link", w.north.heldAs("approve-first").Link))
		w.until("what is released crosses", 2*time.Minute, func() bool { return w.north.twin(key) != "" })
		w.waits(w.north)
		w.quiet()
	})
}

// One ticket's failing call holds that ticket, in the open, ever more seldom
// tried; the others go on, and the record goes when the call succeeds.
func TestAFailingVisitIsShownAndHeals(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Sick")
		other, otherTwin := w.shared("Healthy")
		w.quiet()
		id := w.south.do(w.south.agent, "GET", "/rest/api/3/issue/"+twin, nil)["id"].(string)
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "status", Status: 409, Method: "PUT", Path: "/rest/api/3/issue/" + id, Times: -1}))
		w.north.edit(key, map[string]any{"summary": "Sicker"})
		w.north.edit(other, map[string]any{"summary": "Healthier"})
		w.until("the other goes on", time.Minute, func() bool { return w.south.fields(otherTwin)["summary"] == "Healthier" })
		w.waits(w.south, exchange.JiraBusy)
		h := w.south.heldAs(exchange.JiraBusy)
		if h.Class != ledger.Transient || h.Origin != ledger.Visit || h.Key != twin || h.Retry <= h.Since || h.Answer == nil || h.Answer.Status != 409 || h.Next == "" {
			t.Errorf("it shows as %+v, answer %+v", h, h.Answer)
		}
		before := w.south.tenant.Calls(w.south.sync.Email)["PUT issue"]
		time.Sleep(10 * time.Minute)
		if calls := w.south.tenant.Calls(w.south.sync.Email)["PUT issue"] - before; calls > 60 {
			t.Errorf("%d tries in ten minutes", calls)
		}
		if again := w.south.heldAs(exchange.JiraBusy); again.Since != h.Since || again.Tries <= h.Tries {
			t.Errorf("after ten minutes it shows as %+v", again)
		}
		// A restart forgets neither the record nor the way to end it.
		w.south.stop()
		w.south.start()
		w.south.tenant.ClearFaults()
		w.until("it heals by itself", 3*time.Minute, func() bool { return w.south.fields(twin)["summary"] == "Sicker" })
		w.waits(w.south)
		w.quiet()
	})
}

// What Jira refuses is kept with Jira's own answer, and a retry uses what is true then.
func TestARefusalKeepsJirasAnswer(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Plain")
		w.quiet()
		id := w.south.do(w.south.agent, "GET", "/rest/api/3/issue/"+twin, nil)["id"].(string)
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "status", Status: 400, Method: "PUT", Path: "/rest/api/3/issue/" + id, Times: -1,
			Body: `{"errorMessages":["Something is amiss."],"errors":{"summary":"Summaries must rhyme."}}`}))
		w.north.edit(key, map[string]any{"summary": "Unrhymed"})
		w.until("it is held", time.Minute, func() bool { return w.south.heldAs("refused").Code != "" })
		h := w.south.heldAs("refused")
		if h.Answer == nil || h.Answer.Status != 400 || h.Answer.Fields["summary"] != "Summaries must rhyme." || fmt.Sprint(h.Answer.Messages) != "[Something is amiss.]" || h.Rule == "" {
			t.Fatalf("held %+v, answer %+v", h, h.Answer)
		}
		w.north.edit(key, map[string]any{"summary": "Newer"})
		w.until("a newer value is tried", time.Minute, func() bool { return w.south.heldAs("refused").Tries > h.Tries })
		w.south.tenant.ClearFaults()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		w.must(w.south.desk.RetryNow(ctx, h.Connection, h.Link))
		same(t, "south's summary right after the retry", w.south.fields(twin)["summary"], "Newer")
		same(t, "south's list", w.south.waiting(), "[]")
		w.waits(w.north)
		w.quiet()
	})
}
