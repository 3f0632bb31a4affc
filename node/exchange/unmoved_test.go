package exchange_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/node/exchange"
)

// approvalsToPass is how many approvals pass a step in the next world; 0: one.
var approvalsToPass int

// watchful has desks look for what Jira does not call a change, as a node does by itself.
func watchful(t *testing.T) {
	tune(t, func(cfg *exchange.Config) { cfg.Unmoved, cfg.Reread, cfg.Sweep = time.Minute, 600, sweptEvery })
}

const sweptEvery = 40 * time.Minute

const rated = "\n[incoming.satisfaction]\nfields = { stars = \"field:Number of users\", text = \"field:History notes\" }\n"

// resolved raises a request as a customer, shares it and resolves it.
func (w *world) resolved() (key, twin string) {
	w.t.Helper()
	agent := w.north.tenant.As(w.north.agent.Email)
	key, err := w.north.tenant.As("customer@north.example").CreateRequest("Get IT help", map[string]any{"summary": "VPN on the train", "description": "It breaks off."})
	w.must(err)
	w.must(agent.Label(key, "vendor-x"))
	w.until("the twin is there", 2*time.Minute, func() bool { twin = w.north.twin(key); return twin != "" })
	w.north.move(key, "In progress")
	w.must(agent.Transition(key, "Resolved", map[string]any{"resolution": "Done"}))
	w.quiet()
	return key, twin
}

// TestARatingCrossesByItself: a rating moves no ticket, and yet crosses within the period, also one that replaces another of
// as many stars, and one that was given while the node was down.
func TestARatingCrossesByItself(t *testing.T) {
	watchful(t)
	inWorld(t, with(customer, `"satisfaction"`, ""), with(vendor, "", rated), func(w *world) {
		key, twin := w.resolved()
		stars, words := w.south.fieldID("Number of users"), w.south.fieldID("History notes")
		says := func() string {
			f := w.south.fields(twin)
			if f[stars] == nil {
				return ""
			}
			return fmt.Sprintf("%v %s", f[stars], plain(f[words]))
		}
		moved := w.north.fields(key)["updated"]
		customer := w.north.tenant.As("customer@north.example")
		const soon = time.Minute + 20*time.Second // the period, the index, the way
		w.must(customer.Rate(key, 4, "quick and kind"))
		w.until("the rating is there", soon, func() bool { return says() == "4 quick and kind" })
		w.must(customer.Rate(key, 4, "but not quite"))
		w.until("other words are there", soon, func() bool { return says() == "4 but not quite" })
		same(t, "the ticket was changed", w.north.fields(key)["updated"], moved)
		w.quiet()
		sent := w.sent(w.north)
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		same(t, "replicas of half an hour in which the search shows it again", w.sent(w.north), sent)

		w.north.stop()
		time.Sleep(20 * time.Minute)
		w.must(customer.Rate(key, 1, "it broke again"))
		time.Sleep(3 * time.Hour)
		w.north.start()
		w.until("what was said while the node was down is there", soon, func() bool { return says() == "1 it broke again" })
		w.quiet()
	})
}

// TestAnAnswerThatDecidesNothingCrosses: of two approvals that are due the first changes nothing of the ticket.
func TestAnAnswerThatDecidesNothingCrosses(t *testing.T) {
	watchful(t)
	approvalsToPass = 2
	t.Cleanup(func() { approvalsToPass = 0 })
	inWorld(t, strings.Replace(with(customer, `"approvals"`, ""), `share = "name"`, `share = "email"`, 1), with(vendor, "", noteApprovals), func(w *world) {
		key, twin := w.shared("A new laptop")
		agent := w.north.agent.Email
		w.north.stepped(key, "Waiting for approval", "approver@north.example", agent)
		w.until("the step is noted", time.Minute, func() bool { return len(w.south.notes(twin)) == 1 })
		w.quiet()
		moved := w.north.fields(key)["updated"]
		w.must(w.north.tenant.As("approver@north.example").Answer(key, true))
		same(t, "the ticket was changed", w.north.fields(key)["updated"], moved)
		w.until("the first answer is noted", time.Minute+20*time.Second, func() bool {
			note := w.south.notes(twin)[0]
			return strings.Contains(note, "at north: pending") && strings.Contains(note, ": approved") && strings.Contains(note, ": pending")
		})
		w.quiet()
		sent := w.sent(w.north)
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		same(t, "replicas while it waits", w.sent(w.north), sent)
		w.must(w.north.tenant.As(agent).Answer(key, true))
		w.until("the decision is noted", time.Minute, func() bool {
			return strings.HasPrefix(w.south.notes(twin)[0], "Manager approval at north: approved 20")
		})
		w.quiet()
	})
}

// TestWebLinksAndWatchersCrossByTurns: nothing tells of them but a read of the ticket, which comes within ten minutes while
// few are open. Of a ticket that is done it comes with the sweep, once something else of it has changed.
func TestWebLinksAndWatchersCrossByTurns(t *testing.T) {
	watchful(t)
	inWorld(t, with(customer, `"links", "watchers", "knowledge"`, ""), with(vendor, "", "\n[incoming.links]\n[incoming.knowledge]\n[incoming.\"field:Number of users\"]\nfrom = \"watchers\"\n"), func(w *world) {
		key, twin := w.shared("Printer on fire")
		done, doneTwin := w.shared("Scanner on fire")
		w.north.move(done, "In progress")
		agent := w.north.tenant.As(w.north.agent.Email)
		w.must(agent.Transition(done, "Resolved", map[string]any{"resolution": "Done"}))
		w.quiet()
		moved := w.north.fields(key)["updated"]
		for _, k := range []string{key, done} {
			w.must(agent.WebLink(k, "https://wiki.example/fire", "What to do"))
		}
		w.must(agent.Watch(key, "human@north.example"))
		same(t, "the ticket was changed", w.north.fields(key)["updated"], moved)
		count := w.south.fieldID("Number of users")
		watching := fmt.Sprint(w.south.fields(twin)[count])
		w.until("the link is there", 11*time.Minute, func() bool {
			return slices.Equal(w.south.pages(twin), []string{"What to do: "}) && fmt.Sprint(w.south.fields(twin)[count]) != watching
		})
		same(t, "links of what is done", len(w.south.pages(doneTwin)), 0)
		w.quiet()
		sent := w.sent(w.north)
		time.Sleep(25 * time.Minute)
		synctest.Wait()
		same(t, "replicas of rounds without news", w.sent(w.north), sent)
		w.north.comment(done, "reopened?", true)
		w.until("the other's crosses with the sweep after its next change", sweptEvery+2*time.Minute, func() bool { return len(w.south.pages(doneTwin)) == 1 })
		w.quiet()
	})
}

// TestWhatIsLookedForCosts bounds the calls of an hour in which nothing happens, and the tickets that are read in turn.
func TestWhatIsLookedForCosts(t *testing.T) {
	tune(t, func(cfg *exchange.Config) { cfg.Unmoved, cfg.Reread, cfg.Every = time.Minute, 30, 20*time.Minute })
	inWorld(t, with(customer, `"links", "satisfaction", "approvals"`, ""), vendor, func(w *world) {
		for i := range 12 {
			w.north.raise(fmt.Sprint("Printer ", i), map[string]any{"labels": []string{"vendor-x"}})
		}
		w.until("all are shared", 30*time.Minute, func() bool { return len(w.south.keys()) == 12 })
		time.Sleep(30 * time.Minute)
		before, sent := w.north.calls(), w.sent(w.north)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		now, n := w.north.calls(), [3]int{}
		for i, call := range []string{"POST /rest/api/{v}/search/jql", "POST /rest/api/{v}/issue/bulkfetch", "GET /rest/api/{v}/issue/{key}/remotelink"} {
			n[i] = now[call] - before[call]
		}
		t.Logf("in two hours: %d searches, %d reads of tickets, %d of web links", n[0], n[1], n[2])
		if n[0] > 2*(2*60+3)+8 { // two questions a minute, three polls an hour, a round or two
			t.Errorf("%d searches in two hours", n[0])
		}
		if n[2] < 50 || n[2] > 66 { // 30 tickets an hour
			t.Errorf("%d tickets were read in turn in two hours", n[2])
		}
		same(t, "replicas", w.sent(w.north), sent)
	})
}
