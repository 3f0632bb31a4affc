package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// desk is tenant with what JSM's own fields hold, and fields that partners' reports land in.
func desk() *jsm.Schema {
	s := tenant()
	s.Fields = append(s.Fields,
		jsm.Field{ID: "customfield_30", Name: "Approvals", Custom: true, Type: jsm.ApprovalsType},
		jsm.Field{ID: "customfield_31", Name: "Satisfaction", Custom: true, Type: jsm.FeedbackType},
		jsm.Field{ID: "customfield_32", Name: "Late", Custom: true, Type: jsm.Select, Options: []string{"Yes", "No"}},
	)
	return s
}

func deskRules(t *testing.T, text, policy string) *Rules {
	t.Helper()
	r, err := Compile(parse(t, head+text), policyOf(t, policy), desk())
	if err != nil {
		t.Fatalf("compiling:\n%s\n%v", text, err)
	}
	return r
}

func deskTime(ms string) string {
	return `{"epochMillis":` + ms + `,"iso8601":"","jira":"","friendly":""}`
}

const (
	askedAt   = "1795341600000"
	decidedAt = "1795345200000"
	dueAt     = "1795356000000"
)

func clockJSON(cycle string) string {
	return `{"id":"12","name":"Time to resolution","completedCycles":[],"ongoingCycle":{"startTime":` + deskTime(askedAt) + `,"breachTime":` + deskTime(dueAt) +
		`,"goalDuration":{"millis":14400000,"friendly":"4h"},` + cycle + `}}`
}

func approvalJSON(decision, approver string, canAnswer bool) string {
	can, done := "false", ""
	if canAnswer {
		can = "true"
	}
	if decision != "pending" {
		done = `,"completedDate":` + deskTime(decidedAt)
	}
	return `[{"id":"3","name":"Manager approval","finalDecision":"` + decision + `","canAnswerApproval":` + can + `,"createdDate":` + deskTime(askedAt) + done +
		`,"approvers":[{"approver":` + user(approver, approver+"@acme.example") + `,"approverDecision":"` + decision + `"}]}]`
}

// atDesk is a ticket with everything that the desk knows of it.
func atDesk() *jsm.Ticket {
	t := ticket(map[string]string{
		"customfield_12": clockJSON(`"breached":false,"paused":false,"elapsedTime":{"millis":5000},"remainingTime":{"millis":77},"withinCalendarHours":true`),
		"customfield_13": `{"requestType":{"id":"11","name":"Report a problem"},"currentStatus":{"status":"We are on it"},"_links":{"web":"https://acme.example/portal/1/SUPPORT-7"}}`,
		"customfield_30": approvalJSON("approved", "jane", false),
		"customfield_31": `{"rating":4}`,
	})
	t.Rating = &jsm.Rating{Stars: 4, Text: "quick"}
	t.WebLinks = []jsm.RemoteLink{
		{ID: "55", URL: "https://acme.example/wiki/1", Title: "VPN on the train", App: "com.atlassian.confluence"},
		{ID: "56", URL: "https://acme.example/wiki/2", Title: "ours", App: "com.atlassian.confluence", GlobalID: OursGlobally + "x"},
		{ID: "57", URL: "https://example.com/", Title: "no article"},
	}
	return t
}

const shareAll = "[people]\nshare = \"name\"\n[outgoing]\nshare = [\"approvals\", \"sla\", \"portal\", \"satisfaction\", \"knowledge\"]\n"

func TestTheDesksKnowledgeIsShown(t *testing.T) {
	v, held := deskRules(t, shareAll, "").View(local(atDesk()))
	if len(held) > 0 {
		t.Fatal(held)
	}
	jane := value(t, v, "approval/3").(replica.Approval).Approvers[0].Person
	if jane.Name != "Jane" || jane.Company != "Acme" || jane.Email != "" {
		t.Errorf("the approver is %+v", jane)
	}
	want := map[replica.Path]replica.Value{
		"approval/3":   replica.Approval{Name: "Manager approval", Decision: "approved", Created: 1795341600000, Completed: 1795345200000, Approvers: []replica.Approver{{Person: jane, Decision: "approved"}}},
		"sla/12":       replica.SLA{Name: "Time to resolution", Goal: 14_400_000, Breach: 1795356000000},
		"portal":       replica.Portal{Status: "We are on it", URL: "https://acme.example/portal/1/SUPPORT-7"},
		"satisfaction": replica.Rating{Stars: 4, Text: "quick"},
		"knowledge/55": replica.Article{Title: "VPN on the train", URL: "https://acme.example/wiki/1"},
	}
	if len(v) != len(want) {
		t.Errorf("%d items: %v", len(v), v)
	}
	for p, w := range want {
		if diff := cmp.Diff(w, value(t, v, p)); diff != "" {
			t.Errorf("%s: %s", p, diff)
		}
	}
}

// Nothing that moves with the time of day is in a clock's item.
func TestTicksAreNoNews(t *testing.T) {
	r := deskRules(t, shareAll, "")
	at := atDesk()
	before, _ := r.View(local(at))
	at.Fields["customfield_12"] = []byte(clockJSON(`"breached":false,"paused":false,"elapsedTime":{"millis":3605000},"remainingTime":{"millis":1},"withinCalendarHours":false`))
	after, _ := r.View(local(at))
	if before.Hash() != after.Hash() {
		t.Error("an hour is news")
	}
	for what, cycle := range map[string]string{"a breach": `"breached":true,"paused":false`, "a pause": `"breached":false,"paused":true`} {
		at.Fields["customfield_12"] = []byte(clockJSON(cycle))
		if now, _ := r.View(local(at)); now.Hash() == before.Hash() {
			t.Errorf("%s is no news", what)
		}
	}
}

func TestWhatTheDeskKnowsPassesRuleAndPolicy(t *testing.T) {
	for _, c := range []struct{ text, policy, path string }{
		{"[outgoing.approvals]\nwhen = 'approval.decision != \"approved\"'", "", ""},
		{"[outgoing.approvals]\nwhen = 'approval.name.startsWith(\"Manager\") && approval.approvers.size() == 1'", "", "approval/3"},
		{"[outgoing.sla]\nwhen = 'sla.goal > 3600.0 && !sla.paused'", "", "sla/12"},
		{"[outgoing.sla]\nwhen = 'sla.name == \"Time to first response\"'", "", ""},
		{shareAll, "[never]\nitems = [\"approvals\", \"sla\", \"portal\", \"satisfaction\"]", "knowledge/55"},
	} {
		v, _ := deskRules(t, c.text, c.policy).View(local(atDesk()))
		var got []string
		for p := range v {
			got = append(got, string(p))
		}
		if strings.Join(got, " ") != c.path {
			t.Errorf("%s: %v", c.text, got)
		}
	}
	v, held := deskRules(t, "[outgoing.sla]\nwhen = 'sla.completed > timestamp(\"2026-01-01T00:00:00Z\")'", "").View(local(atDesk()))
	if len(v) != 0 || len(held) != 1 || held[0].Code != Expression {
		t.Errorf("missing data is an error: %v %v", v, held)
	}
	bad := atDesk()
	bad.Fields["customfield_12"] = []byte(`{"ongoingCycle":7}`)
	if v, held := deskRules(t, shareAll, "").View(local(bad)); len(held) != 1 || held[0].Path != "sla" || held[0].Code != Unreadable || len(v) != 4 {
		t.Errorf("a clock that cannot be read: %v", held)
	}
}

func TestServiceRulesThatCannotWork(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[incoming.sla]\nfields = { \"Time to resolution\" = \"field:Seats\" }", "due of sla cannot land in Seats"},
		{"[incoming.sla]\nfields = { \"Time to resolution / goal\" = \"field:Starts\" }", "goal of sla cannot land in Starts"},
		{"[incoming.satisfaction]\nfields = { star = \"field:Seats\" }", "no part called \"star\""},
		{"[incoming.portal]\nfields = { status = \"field:Nowhere\" }", "no field \"Nowhere\""},
		{"[incoming.sla]\nfields = { \"*\" = \"field:Starts\" }\n[incoming.\"field:Starts\"]\nset = \"2026-11-22T10:00:00Z\"", "written twice"},
		{"[incoming.approvals]\nas = \"transition\"\nstatus = { approved = \"Nowhere\" }", "no value \"Nowhere\""},
		{"[incoming.queue]\nname = \"VIP\"\nset = { \"field:Impact\" = \"Huge\" }", "Huge"},
		{"[outgoing.sla]\nwhen = 'sla.gaol > 1.0'", "gaol"},
	} {
		src, err := conf.ParseRules(map[string][]byte{"c.toml": []byte(head + c.text)}, "c.toml")
		if err == nil {
			_, err = Compile(src, nil, desk())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
}

var (
	bob      = replica.Person{Name: "Bob", Company: "Globex"}
	approved = replica.Approval{Name: "Manager approval", Decision: "approved", Completed: 1795345200000, Approvers: []replica.Approver{{Person: bob, Decision: "approved"}}}
	running  = replica.SLA{Name: "Time to resolution", Goal: 14_400_000, Breach: 1795356000000}
)

func TestNotesAreWrittenAndKept(t *testing.T) {
	r := deskRules(t, "[incoming]\naccept = [\"approvals\", \"sla\", \"portal\", \"satisfaction\"]\n[incoming.knowledge]\nas = \"note\"\n", "")
	in := arrive(ticket(nil), items{"approval/3": approved, "sla/12": running, "portal": replica.Portal{Status: "On it", URL: "https://g.example/p"},
		"satisfaction": replica.Rating{Stars: 5, Text: "nice"}, "knowledge/1": replica.Article{Title: "VPN", URL: "https://g.example/kb"}})
	p := r.Plan(in)
	if len(p.Comments) != 5 || len(p.Held) > 0 {
		t.Fatalf("%+v %+v", p.Comments, p.Held)
	}
	want := map[replica.Path]string{
		"approval/3":   "Manager approval at globex: approved 2026-11-22 11:00 UTC\nBob, Globex: approved",
		"sla/12":       "Time to resolution at globex: due 2026-11-22 14:00 UTC, goal 4h",
		"portal":       "The customer's portal at globex shows: On it\nhttps://g.example/p",
		"satisfaction": "The customer at globex rated the work: 5 of 5 stars\nnice",
		"knowledge/1":  "Knowledge of globex: VPN\nhttps://g.example/kb",
	}
	in.Ticket.Comments = nil
	for i, c := range p.Comments {
		if got := plainOf(replica.Rich(c.Body)); got != want[c.Path] || c.Public || c.Op != AddComment {
			t.Errorf("%s: %q, want %q", c.Path, got, want[c.Path])
		}
		in.Ticket.Comments = append(in.Ticket.Comments, jsm.Comment{ID: string(rune('1' + i)), Body: c.Body, VisibilityKnown: true})
	}
	ids := map[replica.Path]string{}
	for i, c := range p.Comments {
		ids[c.Path] = string(rune('1' + i))
	}
	in.Twin = func(p replica.Path) (string, bool) { id, ok := ids[p]; return id, ok }
	if p := r.Plan(in); !p.Empty() {
		t.Errorf("a second time it writes %+v", p.Comments)
	}
	late := running
	late.Breached = true
	in.Remote["sla/12"] = replica.NewItem(late, 1)
	delete(in.Remote, "portal")
	p = r.Plan(in)
	if len(p.Comments) != 2 || p.Comments[0].Op != MarkComment || p.Comments[0].LocalID != ids["portal"] || p.Comments[1].Op != EditComment || p.Comments[1].LocalID != ids["sla/12"] {
		t.Errorf("a breach and a withdrawal: %+v", p.Comments)
	}
}

func TestReportsLandInFields(t *testing.T) {
	r := deskRules(t, `[incoming.sla]
fields = { "Time to resolution" = "field:Starts", "Time to resolution / goal" = "field:Seats", "Time to resolution / breached" = "field:Late", "*" = "field:Notes" }
[incoming.approvals]
as = "field"
fields = { "*" = "field:Contract reference" }
[incoming.portal]
fields = { link = "field:Link" }
`, "")
	in := arrive(ticket(nil), items{"approval/3": approved, "sla/12": running, "sla/13": replica.SLA{Name: "First answer", Paused: true, Goal: 5_400_000},
		"portal": replica.Portal{Status: "On it", URL: "https://g.example/p"}})
	p := r.Plan(in)
	if len(p.Held) > 0 || len(p.Comments) > 0 {
		t.Fatalf("%+v", p.Held)
	}
	got := map[string]string{}
	for id, v := range p.Edit.Set {
		switch v := v.(type) {
		case time.Time:
			got[id] = v.UTC().Format(time.RFC3339)
		case jsm.Option:
			got[id] = v.Value
		case jsm.Rich:
			got[id] = plainOf(replica.Rich(v))
		case jsm.Number:
			got[id] = string(v)
		case string:
			got[id] = v
		}
	}
	want := map[string]string{"customfield_7": "2026-11-22T14:00:00Z", "customfield_3": "240", "customfield_32": "No", "customfield_15": "paused, goal 1h 30m",
		"customfield_2": "Manager approval at globex: approved 2026-11-22 11:00 UTC\nBob, Globex: approved", "customfield_8": "https://g.example/p"}
	want["customfield_2"] = strings.ReplaceAll(want["customfield_2"], "\n", "; ")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	in.Ticket.Fields["customfield_7"] = []byte(`"2026-11-22T14:00:00.000+0000"`)
	paused := running
	paused.Breach, paused.Paused = 0, true
	in.Remote["sla/12"], in.Changed = replica.NewItem(paused, 1), []replica.Path{"sla/12"}
	if v, there := r.Plan(in).Edit.Set["customfield_7"]; !there || v != nil {
		t.Errorf("a pause puts the breach off, so no time stays: %v %v", v, there)
	}
}

func TestThePolicyBoundsWhatReportsWrite(t *testing.T) {
	const rules = "[incoming.sla]\nfields = { \"*\" = \"field:Starts\" }\n[incoming.queue]\nname = \"VIP\"\nset = { \"field:Impact\" = \"Minor\" }"
	for policy, wrote := range map[string]int{"": 2, "[arrive]\nitems = [\"sla\"]": 1, "[arrive]\nitems = [\"summary\"]": 1, "[arrive]\nitems = [\"sla\", \"field:Starts\"]": 2} {
		in := arrive(ticket(nil), items{"sla/12": running})
		in.Creating = true
		if p := deskRules(t, rules, policy).Plan(in); len(p.Edit.Set) != wrote {
			t.Errorf("%s: %v, held %v", policy, p.Edit.Set, p.Held)
		}
	}
}

func TestOursHidesTheirClock(t *testing.T) {
	in := arrive(atDesk(), items{"sla/12": running})
	if p := deskRules(t, "[incoming.sla]\nclock = \"ours\"", "").Plan(in); !p.Empty() || len(p.Held) > 0 {
		t.Errorf("%+v", p)
	}
	p := deskRules(t, "[incoming.sla]\nclock = \"both\"", "").Plan(in)
	if len(p.Comments) != 1 || !strings.Contains(plainOf(replica.Rich(p.Comments[0].Body)), "\nHere: due 2026-11-22 14:00 UTC") {
		t.Errorf("%+v", p.Comments)
	}
}

func TestADecisionMovesTheTicket(t *testing.T) {
	r := deskRules(t, "[incoming.approvals]\nas = \"transition\"\nstatus = { approved = \"In Progress\", declined = \"Closed\" }", "")
	in := arrive(ticket(map[string]string{"status": name("Open")}), items{"approval/3": approved})
	p := r.Plan(in)
	if p.Transition == nil || p.Transition.Status != "In Progress" || p.StatusPath() != "approval/3" {
		t.Errorf("%+v", p)
	}
	in.Changed = nil
	if p := r.Plan(in); !p.Empty() {
		t.Errorf("once: %+v", p)
	}
	in = arrive(ticket(map[string]string{"status": name("Open")}), items{"approval/3": replica.Approval{Name: "x", Decision: "pending"}})
	if p := r.Plan(in); !p.Empty() {
		t.Errorf("pending: %+v", p)
	}
}

func TestAnAnswerIsGivenOnTheirWord(t *testing.T) {
	const rules = "[people]\nmatch = \"email\"\n[incoming.approvals]\nas = \"answer\""
	for _, c := range []struct {
		what, here string
		theirs     replica.Approval
		answers    int
		notes      int
		held       string
	}{
		{"it waits for us", approvalJSON("pending", "sync", true), approved, 1, 1, ""},
		{"it waits for somebody else", approvalJSON("pending", "jane", false), approved, 0, 0, Unasked},
		{"there is none", `null`, approved, 0, 0, Unasked},
		{"we have answered, and the note is missing", approvalJSON("approved", "sync", false), approved, 0, 1, ""},
		{"what we have answered was another one", approvalJSON("approved", "sync", false), replica.Approval{Name: "CAB", Decision: "approved", Completed: 1795345200000 + 3_600_000}, 0, 0, Unasked},
		{"somebody else has decided", approvalJSON("declined", "jane", false), approved, 0, 0, ""},
		{"they have not decided", approvalJSON("pending", "sync", true), replica.Approval{Name: "Manager approval", Decision: "pending"}, 0, 0, ""},
	} {
		in := arrive(ticket(map[string]string{"customfield_30": c.here}), items{"approval/3": c.theirs})
		in.Account = "sync"
		p := deskRules(t, rules, "").Plan(in)
		held := ""
		for _, h := range p.Held {
			held = h.Code
		}
		if len(p.Answers) != c.answers || len(p.Comments) != c.notes || held != c.held {
			t.Errorf("%s: %d answers, %d notes, held %q", c.what, len(p.Answers), len(p.Comments), held)
		}
		if c.notes == 1 && !strings.Contains(plainOf(replica.Rich(p.Comments[0].Body)), "approved here on the word of globex.\nManager approval at globex: approved 2026-11-22 11:00 UTC\nBob, Globex: approved") {
			t.Errorf("%s: %s", c.what, plainOf(replica.Rich(p.Comments[0].Body)))
		}
	}
}

func TestPagesBecomeWebLinks(t *testing.T) {
	r := deskRules(t, "[incoming]\naccept = [\"knowledge\"]\n[incoming.portal]\nas = \"web_link\"", "")
	in := arrive(ticket(nil), items{"knowledge/1": replica.Article{Title: "VPN", URL: "https://g.example/kb"}, "knowledge/2": replica.Article{Title: "x", URL: "javascript:alert(1)"},
		"portal": replica.Portal{Status: "On it", URL: "https://g.example/p"}})
	in.GlobalID = OursGlobally + "link:"
	p := r.Plan(in)
	if len(p.Parts) != 2 || p.Parts[0].Web.GlobalID != "parley:link:knowledge/1" || p.Parts[0].Web.Title != "VPN" || p.Parts[1].Web.Summary != "On it" {
		t.Errorf("%+v", p.Parts)
	}
	if len(p.Held) != 1 || p.Held[0].Path != "knowledge/2" || p.Held[0].Code != Refused {
		t.Errorf("%+v", p.Held)
	}
}

func TestAQueueIsFilledByItsFields(t *testing.T) {
	r := deskRules(t, "[incoming.queue]\nname = \"VIP\"\nset = { \"field:Impact\" = \"Minor\", labels = [\"vip\"] }\nwhen = 'view.priority == \"High\"'", "")
	in := arrive(ticket(nil), items{"priority": replica.Option{Name: "High"}})
	in.Creating = true
	p := r.Plan(in)
	if p.Queue == nil || p.Queue.Name != "VIP" || p.Edit.Set["customfield_1"] == nil || len(p.Edit.Add["labels"]) != 1 || len(p.Held) > 0 {
		t.Errorf("%+v", p)
	}
	in.Creating, in.Changed = false, []replica.Path{"summary"}
	if p := r.Plan(in); !p.Empty() {
		t.Errorf("nothing that it reads has changed: %+v", p)
	}
	in.Remote["priority"], in.Changed = replica.NewItem(replica.Option{Name: "Low"}, 1), []replica.Path{"priority"}
	if p := r.Plan(in); !p.Empty() {
		t.Errorf("when does not hold: %+v", p)
	}
}
