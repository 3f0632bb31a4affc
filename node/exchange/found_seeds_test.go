package exchange_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
)

// TestAFileOnAnUnfinishedTwinIsNews is seeds 1468 and 1931 of the simulation: a file that a person attached to a twin, and
// that was read, before the twin was complete passed for ours, and never left.
func TestAFileOnAnUnfinishedTwinIsNews(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "drop", Method: "PUT", Path: "/rest/api/3/issue/*", Account: w.south.sync.Email, Times: -1}))
		key := w.north.raise("Printer on fire", map[string]any{"labels": []string{"vendor-x"}})
		w.until("the twin is there", 2*time.Minute, func() bool { return len(w.south.keys()) == 1 })
		twin := w.south.keys()[0]
		w.south.attach(twin, "shot.png", 70_000, true)
		time.Sleep(2 * time.Minute) // it is looked at, and read
		w.south.tenant.ClearFaults()
		w.quiet()
		same(t, "north's files", w.north.files(key), []string{"shot.png 70000 portal"})
		same(t, "south's files", w.south.files(twin), []string{"shot.png 70000 portal"})
	})
}

// TestACommentThatComesWhileItIsLookedForIsNotTakenForDeleted is seed 1630 of the same: a comment without an answer came
// after the ticket had been read and before it was looked for, so its newer text was not written to what nobody saw there.
func TestACommentThatComesWhileItIsLookedForIsNotTakenForDeleted(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "late", Method: "POST", Path: "/rest/api/3/issue/*/comment", AfterMS: 8000, Account: w.south.sync.Email}))
		id, refused := w.north.say(key, paragraphOf(run("Hurry")), nil)
		same(t, "north takes it", refused, "")
		w.until("it may come late", time.Minute, func() bool { return w.south.tenant.PendingLate() == 1 })
		came := false
		w.south.before("GET", "/comment", func() {
			came = w.south.tenant.PendingLate() == 1
			time.Sleep(settle)
		})
		w.north.rewords(key, id, paragraphOf(run("No hurry")))
		w.quiet()
		same(t, "it came while it was looked for", came, true)
		same(t, "south hears", w.south.said(twin), []string{"public: Astrid Berg, north: / No hurry"})
	})
}

// TestAnUploadFoundBeforeTheCommentThatShowsItIsNotShared is seed 158 of the same: an upload without an answer was found
// while nothing showed it yet, and meanwhile passed for a person's file, so it went back to where it had come from. Here an
// agent deletes the comment that shows it; the words that came with it show it in the end.
func TestAnUploadFoundBeforeTheCommentThatShowsItIsNotShared(t *testing.T) {
	t.Parallel()
	inWorld(t, withAllFiles(customer), withAllFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "lost", Method: "POST", Path: "/rest/servicedeskapi/request/*/attachment", Account: w.south.sync.Email}))
		w.north.attach(key, "shot.png", 70_000, true)
		shows := func(c sim.Note) bool { return strings.Contains(c.Wiki, "shot.png") && c.Properties["parley"] == "" }
		w.catching(roundTrip, "it is shown", time.Minute, func() bool { return slices.ContainsFunc(w.south.ticket(twin).Comments, shows) })
		said := w.south.ticket(twin).Comments
		w.south.do(w.south.agent, "DELETE", "/rest/api/3/issue/"+twin+"/comment/"+said[slices.IndexFunc(said, shows)].ID, nil)
		w.quiet()
		same(t, "north's files", w.north.files(key), []string{"shot.png 70000 portal"})
		same(t, "south's files", w.south.files(twin), []string{"shot.png 70000 portal"})
	})
}
