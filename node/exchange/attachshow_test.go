package exchange_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
)

// withAllFiles has both sides share internal files as well, and show their customers those that the other's see.
func withAllFiles(text string) string {
	text = strings.Replace(withFiles(text), "\n[outgoing.comments]", "\n[outgoing.\"attachments.internal\"]\n[outgoing.comments]", 1)
	return text + "\n[incoming.\"attachments.internal\"]\n"
}

// publishes has an agent show a file to the customer by an internal file's name in a public comment.
func (c *company) publishes(key, file, words string) {
	c.w.t.Helper()
	_, refused := c.say(key, c.shows(key, file, words), nil)
	same(c.w.t, c.name+" takes it", refused, "")
}

// silent takes comments out of what crosses, so that no text can show a file.
func silent(text string) string {
	return strings.Replace(strings.Replace(text, "[outgoing.comments]\n", "", 1), "[incoming.comments]\nas = \"same\"\n", "", 1)
}

// TestAFileTurnedPublicIsShownWhereItIs has an agent attach a file for agents, and show it to the customer later. On the
// other side the file that is there is shown by one comment, whatever answers are lost; it does not come twice, and
// nothing of it travels back.
func TestAFileTurnedPublicIsShownWhereItIs(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "lost", "late", "drop"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, silent(withAllFiles(customer)), silent(withAllFiles(vendor)), func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.north.attach(key, "plan.png", 70_000, false)
				w.arrives(w.south, twin, 1)
				w.quiet()
				same(t, "south's files", w.south.files(twin), []string{"plan.png 70000 internal"})
				if kind != "" {
					w.must(w.south.tenant.Fault(sim.Fault{Kind: kind, Method: "POST", Path: "/rest/api/3/issue/*/comment", AfterMS: 4000, Account: w.south.sync.Email}))
				}
				w.north.publishes(key, "plan.png", "look")
				w.until("the customer sees it", 3*time.Minute, func() bool { return w.south.ticket(twin).Files[0].Portal })
				w.quiet()
				same(t, "south's files then", w.south.files(twin), []string{"plan.png 70000 portal"})
				same(t, "south's words", w.south.said(twin), []string{"public: Astrid Berg, north: / "})
				same(t, "north's words", len(w.north.said(key)), 1)
				same(t, "north's files", w.north.files(key), []string{"plan.png 70000 portal"})
				same(t, "held", append(w.south.held(), w.north.held()...), []string(nil))

				w.must(w.north.tenant.As(w.north.agent.Email).Detach(w.north.copyOf(key, "plan.png")))
				w.arrives(w.south, twin, 0)
				w.quiet()
				same(t, "what showed it is gone, too", w.south.said(twin), []string(nil))
			})
		})
	}
}

// TestAFileTurnedPublicByACommentThatCrosses needs no comment of our own: the text that showed it there shows it here, also
// where Jira does not tell at once who sees it.
func TestAFileTurnedPublicByACommentThatCrosses(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "status", "drop", "html"} {
		t.Run(kind, func(t *testing.T) {
			inWorld(t, withAllFiles(customer), withAllFiles(vendor), func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.north.attach(key, "plan.png", 70_000, false)
				w.arrives(w.south, twin, 1)
				w.quiet()
				if kind != "" {
					w.must(w.north.tenant.Fault(sim.Fault{Kind: kind, Times: 5, Status: 503, Method: "GET", Path: "/rest/servicedeskapi/request/*/comment", Account: w.north.sync.Email}))
				}
				w.north.publishes(key, "plan.png", "look")
				w.until("the customer sees it", 3*time.Minute, func() bool { return w.south.ticket(twin).Files[0].Portal })
				w.quiet()
				same(t, "south's files", w.south.files(twin), []string{"plan.png 70000 portal"})
				same(t, "south's words", w.south.said(twin), []string{"public: Astrid Berg, north: / look /  / as you see"})
			})
		})
	}
}

// TestAFileTurnedPublicWhileTheNodeWrites has a person show it right before a write of the node's, which reads the ticket
// back with what shows it (seed 79 of the simulation).
func TestAFileTurnedPublicWhileTheNodeWrites(t *testing.T) {
	t.Parallel()
	inWorld(t, withAllFiles(customer), withAllFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.north.attach(key, "plan.png", 70_000, false)
		w.arrives(w.south, twin, 1)
		w.quiet()
		w.north.before("PUT", "/issue/"+w.north.only().Ticket, func() { w.north.publishes(key, "plan.png", "look") })
		w.south.edit(twin, map[string]any{"summary": "Printer burns"})
		w.until("the customer sees it", 3*time.Minute, func() bool { return w.south.ticket(twin).Files[0].Portal })
		w.quiet()
		same(t, "south's files", w.south.files(twin), []string{"plan.png 70000 portal"})
		same(t, "south's words", w.south.said(twin), []string{"public: Astrid Berg, north: / look /  / as you see"})
	})
}

// TestAFileTurnedPublicStaysInternalWhereTheRulesSaySo: by the rule, by its condition.
func TestAFileTurnedPublicStaysInternalWhereTheRulesSaySo(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]string{"rule": "as = \"internal\"", "condition": "as = \"same\"\nwhen = '!attachment.public'"} {
		t.Run(name, func(t *testing.T) {
			strict := strings.Replace(silent(withAllFiles(vendor)), "[incoming.attachments]\nas = \"same\"", "[incoming.attachments]\n"+rule, 1)
			inWorld(t, silent(withAllFiles(customer)), strict, func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.north.attach(key, "plan.png", 70_000, false)
				w.arrives(w.south, twin, 1)
				w.north.publishes(key, "plan.png", "look")
				w.quiet()
				same(t, "south's files", w.south.files(twin), []string{"plan.png 70000 internal"})
				same(t, "south's words", w.south.said(twin), []string(nil))
				same(t, "held", w.south.held(), []string(nil))
			})
		})
	}
}

// TestWhatTheCustomerHasSeenStaysSeen: rules that would keep a file internal come too late, and an explanation says so.
func TestWhatTheCustomerHasSeenStaysSeen(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		id := w.north.attach(key, "plan.png", 70_000, true)
		w.arrives(w.south, twin, 1)
		w.quiet()
		w.south.use(strings.Replace(withFiles(vendor), "[incoming.attachments]\nas = \"same\"", "[incoming.attachments]\nas = \"internal\"", 1))
		w.must(w.north.tenant.As(w.north.agent.Email).DeleteComment(key, w.north.echoOf(key)))
		w.quiet()
		same(t, "south's files", w.south.files(twin), []string{"plan.png 70000 portal"})
		for _, c := range []struct {
			side *company
			key  string
		}{{w.south, twin}, {w.north, key}} {
			reports, err := c.side.desk.Report(context.Background(), "link", c.key, false)
			w.must(err)
			why := ""
			for _, line := range append(reports[0].In, reports[0].Out...) {
				if line.Path == "attachment/"+id {
					why = line.Why
				}
			}
			if !strings.Contains(why, "cannot take that back") {
				t.Errorf("the %s explains %q", c.side.name, why)
			}
		}
	})
}

// echoOf is the first comment of a ticket.
func (c *company) echoOf(key string) string {
	c.w.t.Helper()
	return c.ticket(key).Comments[0].ID
}

// TestAFileTurnedPublicThroughEveryMishap kills either side at each step and call on the way.
func TestAFileTurnedPublicThroughEveryMishap(t *testing.T) {
	t.Parallel()
	var key, twin string
	(&tale{
		north: silent(withAllFiles(customer)), south: silent(withAllFiles(vendor)),
		begin: func(w *world) {
			key, twin = w.shared("Printer on fire")
			w.north.attach(key, "plan.png", 70_000, false)
			w.arrives(w.south, twin, 1)
		},
		deeds: []func(w *world){func(w *world) { w.north.publishes(key, "plan.png", "look") }},
		ends: func(w *world, note string) {
			same(w.t, note+": south's files", w.south.files(twin), []string{"plan.png 70000 portal"})
			same(w.t, note+": south's words", w.south.said(twin), []string{"public: Astrid Berg, north: / "})
			same(w.t, note+": north's words", len(w.north.said(key)), 1)
		},
	}).suffers(t)
}

// TestAPublicFileSaysWhoseItIs has a byline above what our account attaches for the customer, unless the rules say no.
func TestAPublicFileSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{"": "public: Astrid Berg, north: / ", "byline = false\n": "public: "} {
		inWorld(t, silent(withFiles(customer)), silent(withFiles(vendor))+rule, func(w *world) {
			key, twin := w.shared("Printer on fire")
			w.north.attach(key, "plan.png", 70_000, true)
			w.arrives(w.south, twin, 1)
			w.quiet()
			same(t, "south's words", strings.ReplaceAll(strings.Join(w.south.said(twin), "|"), "north:", "north: / ")[:len(want)], want)
			same(t, "south's files", w.south.files(twin), []string{"plan.png 70000 portal"})
		})
	}
}
