package exchange_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
	"parley/replica"
)

// with adds tables to the end of rules.
func with(rules string, share string, tables string) string {
	if share != "" {
		rules = strings.Replace(rules, "share = [", "share = ["+share+", ", 1)
	}
	return rules + tables
}

// stepped brings a ticket to its approval step with these approvers.
func (c *company) stepped(key, status string, approvers ...string) {
	c.w.t.Helper()
	c.w.must(c.tenant.As(c.agent.Email).Transition(key, status, map[string]any{"Approvers": approvers}))
}

// notes lists the internal comments of a ticket.
func (c *company) notes(key string) (lines []string) {
	for _, said := range c.said(key) {
		if text, ok := strings.CutPrefix(said, "internal: "); ok {
			lines = append(lines, text)
		}
	}
	return lines
}

const noteApprovals = "\n[incoming.approvals]\nas = \"note\"\n"

func TestAnApprovalIsNotedAndFollowed(t *testing.T) {
	t.Parallel()
	inWorld(t, with(customer, `"approvals"`, ""), with(vendor, "", noteApprovals), func(w *world) {
		key, twin := w.shared("A new laptop")
		w.north.stepped(key, "Waiting for approval", "approver@north.example")
		w.until("the step is noted", time.Minute, func() bool { return len(w.south.notes(twin)) == 1 })
		if got := w.south.notes(twin)[0]; !strings.HasPrefix(got, "Manager approval at north: pending") {
			t.Errorf("the south reads %q", got)
		}
		w.must(w.north.tenant.As("approver@north.example").Answer(key, true))
		w.until("the decision is noted", time.Minute, func() bool {
			return strings.HasPrefix(w.south.notes(twin)[0], "Manager approval at north: approved 20")
		})
		w.quiet()
		same(t, "notes", len(w.south.notes(twin)), 1)
		same(t, "the north hears", w.north.said(key), []string(nil))
		w.north.use(customer)
		w.until("it is withdrawn", time.Minute, func() bool { return strings.HasPrefix(w.south.notes(twin)[0], "No longer shown by north") })
		w.quiet()
		same(t, "notes", len(w.south.notes(twin)), 1)
	})
}

// TestANoteIsWrittenOnceUnderFaults has the answer to a note's call lost, or the call carried out late.
func TestANoteIsWrittenOnceUnderFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []sim.Fault{{Kind: "lost"}, {Kind: "late", AfterMS: 4000}} {
		t.Run(fault.Kind, func(t *testing.T) {
			inWorld(t, with(customer, `"approvals"`, ""), with(vendor, "", noteApprovals), func(w *world) {
				key, twin := w.shared("A new laptop")
				w.quiet()
				fault.Method, fault.Path, fault.Account = "POST", "/rest/api/3/issue/*/comment", w.south.sync.Email
				w.must(w.south.tenant.Fault(fault))
				w.north.stepped(key, "Waiting for approval", "approver@north.example")
				w.until("the step is noted", time.Minute, func() bool { return len(w.south.notes(twin)) == 1 })
				w.south.stop()
				w.south.start()
				w.quiet()
				same(t, "notes", len(w.south.notes(twin)), 1)
			})
		})
	}
}

const answering = `
[incoming.approvals]
as = "answer"
`

// answers is the vendor's rules with people by name and answers on the partner's word.
func answers() string {
	return strings.Replace(vendor, "share = \"name\"", "share = \"name\"\nmatch = \"email\"", 1) + answering
}

func TestAnAnswerIsGivenOnThePartnersWord(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "lost", "late", "drop"} {
		t.Run("fault "+kind, func(t *testing.T) {
			inWorld(t, with(customer, `"approvals"`, ""), answers(), func(w *world) {
				key, twin := w.shared("A new laptop")
				w.north.stepped(key, "Waiting for approval", "approver@north.example")
				w.must(w.north.tenant.As("approver@north.example").Answer(key, true))
				w.until("it waits, for nobody asks our account", time.Minute, func() bool { return len(w.south.codes("approval")) == 1 })
				if kind != "" {
					w.must(w.south.tenant.Fault(sim.Fault{Kind: kind, AfterMS: 3000, Method: "POST", Path: "/rest/servicedeskapi/request/*/approval/*", Account: w.south.sync.Email}))
				}
				w.south.stepped(twin, "Pending approval", w.south.sync.Email)
				w.until("the workflow goes on", 2*time.Minute, func() bool { return w.south.named(twin, "status") == "In Progress" })
				w.quiet()
				same(t, "the south holds", w.south.held(), []string(nil))
				notes := w.south.notes(twin)
				if len(notes) != 1 || !strings.Contains(notes[0], "Approval by the lead: approved here on the word of north.") || !strings.Contains(notes[0], "Manager approval at north: approved") {
					t.Errorf("the south reads %q", notes)
				}
				same(t, "the peer is told where the answer led", w.north.named(key, "status"), "In progress")
			})
		})
	}
}

func TestADecisionOfThePartnersMovesTheTicket(t *testing.T) {
	t.Parallel()
	moving := with(vendor, "", "\n[incoming.approvals]\nas = \"transition\"\nstatus = { approved = \"In Progress\", declined = \"Closed\" }\n")
	inWorld(t, with(customer, `"approvals"`, ""), moving, func(w *world) {
		key, twin := w.shared("A new laptop")
		w.north.stepped(key, "Waiting for approval", "approver@north.example")
		w.quiet()
		same(t, "nothing is decided", w.south.named(twin, "status"), "Open")
		w.must(w.north.tenant.As("approver@north.example").Answer(key, true))
		w.until("the decision moves it", time.Minute, func() bool { return w.south.named(twin, "status") == "In Progress" })
		w.quiet()
	})
}

// TestAnHourOfAClockIsNoNews is the promise that seconds never tick across: only goal, breach, pause and completion do.
func TestAnHourOfAClockIsNoNews(t *testing.T) {
	t.Parallel()
	showing := with(vendor, "", "\n[incoming.sla]\nfields = { \"Time to resolution\" = \"field:Due for partner\", \"*\" = \"field:Partner key\" }\n")
	inWorld(t, with(customer, `"sla"`, ""), showing, func(w *world) {
		key, twin := w.shared("Printer on fire")
		due := w.south.fieldID("Due for partner")
		w.until("the breach time is there", time.Minute, func() bool { return w.south.fields(twin)[due] != nil })
		w.quiet()
		sent, written := w.sent(w.north), w.writes(w.south)
		time.Sleep(time.Hour)
		same(t, "replicas of an hour", w.sent(w.north)-sent, replica.Seq(0))
		same(t, "writes of an hour", w.writes(w.south)-written, 0)
		w.north.edit(key, map[string]any{"priority": name("Critical")})
		was := w.south.fields(twin)[due]
		w.until("another goal moves the breach", time.Minute, func() bool { return fmt.Sprint(w.south.fields(twin)[due]) != fmt.Sprint(was) })
		w.north.move(key, "Waiting for customer")
		w.until("a pause puts it off", time.Minute, func() bool { return w.south.fields(twin)[due] == nil })
		w.quiet()
	})
}

func TestABreachIsToldByItself(t *testing.T) {
	t.Parallel()
	noting := with(vendor, "", "\n[incoming.sla]\nas = \"note\"\nwhen = 'sla.name == \"Time to resolution\"'\n")
	inWorld(t, with(customer, `"sla"`, ""), noting, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.north.edit(key, map[string]any{"priority": name("Critical")}) // four hours
		w.until("it is noted", time.Minute, func() bool {
			return len(w.south.notes(twin)) == 1 && strings.Contains(w.south.notes(twin)[0], "goal 4h")
		})
		_, rest, _ := strings.Cut(w.south.notes(twin)[0], "due ")
		due, err := time.Parse("2006-01-02 15:04 UTC", rest[:len("2006-01-02 15:04 UTC")])
		w.must(err)
		w.north.stop() // days of polling say nothing
		w.south.stop()
		time.Sleep(time.Until(due) - 5*time.Minute)
		w.north.start()
		w.south.start()
		w.north.comment(key, "nearly late", true) // the ticket is looked at, and from then on by nobody
		w.quiet()
		if got := w.south.notes(twin)[0]; strings.Contains(got, "breached") {
			t.Fatalf("five minutes early the south reads %q", got)
		}
		w.until("nobody touches it, and the breach is told", 10*time.Minute, func() bool { return strings.Contains(w.south.notes(twin)[0], "breached") })
		w.quiet()
		same(t, "notes", len(w.south.notes(twin)), 1)
	})
}

func TestThePortalTheRatingAndAnArticleCross(t *testing.T) {
	t.Parallel()
	landing := with(vendor, "", `
[incoming.portal]
as = "web_link"
[incoming.satisfaction]
fields = { stars = "field:Number of users", text = "field:History notes" }
[incoming.knowledge]
`)
	inWorld(t, with(customer, `"portal", "satisfaction", "knowledge"`, ""), landing, func(w *world) {
		customer := w.north.tenant.As("customer@north.example")
		key, err := customer.CreateRequest("Get IT help", map[string]any{"summary": "VPN on the train", "description": "It breaks off."})
		w.must(err)
		w.must(w.north.tenant.As(w.north.agent.Email).Label(key, "vendor-x"))
		w.north.do(w.north.agent, "POST", "/rest/api/3/issue/"+key+"/remotelink", map[string]any{
			"application": map[string]any{"type": "com.atlassian.confluence", "name": "Knowledge"},
			"object":      map[string]any{"url": "https://north.example/wiki/1", "title": "VPN on the train"}})
		twin := ""
		w.until("the twin is there", 2*time.Minute, func() bool { twin = w.north.twin(key); return twin != "" })
		pages := func() []string { return w.south.pages(twin) }
		w.until("both pages hang on the twin", time.Minute, func() bool { return len(pages()) == 2 })
		w.north.move(key, "In progress")
		w.must(w.north.tenant.As(w.north.agent.Email).Transition(key, "Resolved", map[string]any{"resolution": "Done"}))
		w.must(customer.Rate(key, 4, "quick and kind"))
		w.north.comment(key, "Thank you", true) // a rating alone moves no ticket, so nobody is told of it
		stars, words := w.south.fieldID("Number of users"), w.south.fieldID("History notes")
		w.until("the rating is there", time.Minute, func() bool { return w.south.fields(twin)[stars] != nil })
		w.quiet()
		same(t, "stars", w.south.fields(twin)[stars], 4)
		same(t, "words", plain(w.south.fields(twin)[words]), "quick and kind")
		same(t, "pages", pages(), []string{"Request at north: Resolved", "VPN on the train: "})

		link := w.north.list("/rest/api/3/issue/" + key + "/remotelink")[0].(map[string]any)["id"]
		w.north.do(w.north.agent, "DELETE", fmt.Sprintf("/rest/api/3/issue/%s/remotelink/%v", key, link), nil)
		w.north.comment(key, "It was the wrong article", true) // nor does a link
		w.until("the article goes", time.Minute, func() bool { return len(pages()) == 1 })
		w.quiet()
		same(t, "pages", pages(), []string{"Request at north: Resolved"})
		same(t, "the south holds", w.south.held(), []string(nil))
	})
}

// pages lists a ticket's web links as "title: summary", sorted.
func (c *company) pages(key string) (lines []string) {
	r := c.list("/rest/api/3/issue/" + key + "/remotelink")
	for _, l := range r {
		o := l.(map[string]any)["object"].(map[string]any)
		summary, _ := o["summary"].(string)
		lines = append(lines, fmt.Sprintf("%v: %s", o["title"], summary))
	}
	slices.Sort(lines)
	return lines
}

func TestATicketIsBroughtIntoItsQueue(t *testing.T) {
	t.Parallel()
	queue := func(name, team string) string {
		return with(vendor, "", fmt.Sprintf("\n[incoming.queue]\nname = %q\nset = { \"field:Team\" = %q, labels = [\"vip\"] }\n", name, team))
	}
	t.Run("there", func(t *testing.T) {
		inWorld(t, customer, queue("Network", "Network"), func(w *world) {
			_, twin := w.shared("Printer on fire")
			w.quiet()
			same(t, "labels", w.south.fields(twin)["labels"], []any{"vip"})
			same(t, "the south holds", w.south.held(), []string(nil))
		})
	})
	t.Run("not there", func(t *testing.T) {
		inWorld(t, customer, queue("Network", "Mail"), func(w *world) {
			w.shared("Printer on fire")
			w.until("it is held", 2*time.Minute, func() bool { return len(w.south.codes("queue")) == 1 })
			w.quiet()
			same(t, "the south holds", w.south.held(), []string{"queue: queue"})
			w.south.use(queue("Network", "Network"))
			w.until("other rules bring it there", 2*time.Minute, func() bool { return len(w.south.held()) == 0 })
			w.quiet()
		})
	})
	t.Run("no such queue", func(t *testing.T) {
		inWorld(t, customer, queue("Nowhere", "Mail"), func(w *world) {
			w.shared("Printer on fire")
			w.until("it is held", 2*time.Minute, func() bool { return len(w.south.codes("queue")) == 1 })
			w.quiet()
		})
	})
}

// list is a read whose answer is a list.
func (c *company) list(path string) (all []any) {
	c.w.t.Helper()
	r, err := http.NewRequest("GET", c.tenant.URL()+path, nil)
	c.w.must(err)
	r.SetBasicAuth(c.agent.Email, c.agent.Token)
	a, err := inProcess{c.tenant}.RoundTrip(r)
	c.w.must(err)
	c.w.must(json.NewDecoder(a.Body).Decode(&all))
	return all
}

// fieldID finds a custom field of the tenant by its name.
func (c *company) fieldID(name string) string {
	c.w.t.Helper()
	for _, f := range c.list("/rest/api/3/field") {
		if f := f.(map[string]any); f["name"] == name {
			return f["id"].(string)
		}
	}
	c.w.t.Fatalf("no field %q", name)
	return ""
}

// TestAnAnswerIsGivenOnceThroughAPowerCut has Jira take the answer while nobody hears of it, and then the power fail.
func TestAnAnswerIsGivenOnceThroughAPowerCut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, with(customer, `"approvals"`, ""), answers(), func(w *world) {
				key, twin := w.shared("A new laptop")
				w.north.stepped(key, "Waiting for approval", "approver@north.example")
				w.must(w.north.tenant.As("approver@north.example").Answer(key, true))
				w.quiet()
				for method, kind := range map[string]string{"POST": "lost", "GET": "drop"} {
					w.must(w.south.tenant.Fault(sim.Fault{Kind: kind, Method: method, Path: "/rest/servicedeskapi/request/*/approval/*", Account: w.south.sync.Email}))
				}
				w.south.stepped(twin, "Pending approval", w.south.sync.Email)
				w.until("Jira has taken the answer", time.Minute, func() bool { return w.south.named(twin, "status") == "In Progress" })
				w.south.kill(rand.New(rand.NewPCG(seed, 1)))
				w.south.start()
				w.until("the note is there", 2*time.Minute, func() bool { return len(w.south.notes(twin)) == 1 })
				w.quiet()
				same(t, "notes", len(w.south.notes(twin)), 1)
				same(t, "the south holds", w.south.held(), []string(nil))
				same(t, "the peer is told where the answer led", w.north.named(key, "status"), "In progress")
			})
		})
	}
}

func TestAPageIsLinkedOnceUnderFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []sim.Fault{{Kind: "lost"}, {Kind: "late", AfterMS: 4000}} {
		t.Run(fault.Kind, func(t *testing.T) {
			inWorld(t, with(customer, `"portal"`, ""), with(vendor, "", "\n[incoming.portal]\nas = \"web_link\"\n"), func(w *world) {
				fault.Method, fault.Path, fault.Account = "POST", "/rest/api/3/issue/*/remotelink", w.south.sync.Email
				w.must(w.south.tenant.Fault(fault))
				key, twin := w.shared("A new laptop")
				w.north.move(key, "In progress")
				w.until("the portal's page hangs on the twin", 2*time.Minute, func() bool {
					pages := w.south.pages(twin)
					return len(pages) == 1 && pages[0] == "Request at north: In progress"
				})
				w.south.stop()
				w.south.start()
				w.quiet()
				same(t, "pages", w.south.pages(twin), []string{"Request at north: In progress"})
				same(t, "the south holds", w.south.held(), []string(nil))
			})
		})
	}
}
