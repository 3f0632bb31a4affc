package rules

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/conf"
	"parley/replica"
)

// Each wrong use is told once, where it stands, in words that help. The lines count from head's two.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// expressions
		{"[outgoing.summary]\nwhen = 'ticket.priorty == \"P1\"'", `4:15 there is no field "priorty" to read | did you mean "priority"?`},
		{"[outgoing.summary]\nwhen = '''\n  ticket.priority == \"P1\" &&\n  tiket.summary != \"\"'''", `6:3 "tiket" is not known in expressions | did you mean "ticket"?`},
		{"[outgoing.summary]\nwhen = 'ticket[\"Impct\"] == \"x\"'", `4:15 the tenant has no field "Impct" | did you mean "Impact"?`},
		{"[outgoing.summary]\nwhen = 'ticket[\"Twice\"] == \"x\"'", `4:15 two fields are called "Twice": customfield_10 and customfield_11 | write the id: "customfield_10"`},
		{"[outgoing.summary]\nwhen = 'ticket.Impact == \"x\"'", `4:15 there is no field "Impact" to read | a custom field is read as ticket["Impact"]`},
		{"[outgoing.summary]\nwhen = 'ticket.summary'", `4:8 the condition gives a text, not true or false | compare it with something`},
		{"[outgoing.summary]\nwhen = 'ticket == ticket'", `4:9 "ticket" stands alone: name what to read of it | for example ticket.priority; 4:19 "ticket" stands alone: name what to read of it | for example ticket.priority`},
		{"[outgoing.summary]\nwhen = 'view.summary == \"\"'", `4:9 "view" has no value here | here an expression may read: ticket, peer, const`},
		{"[outgoing.summary]\nwhen = 'comment.text == \"\"'", `4:9 "comment" has no value here | here an expression may read: ticket, peer, const`},
		{"[incoming.summary]\nwhen = 'ticket.summary == \"\"'", `4:9 "ticket" has no value here | here an expression may read: view, peer, const`},
		{"[incoming.summary]\nwhen = 'view.sumary == \"\"'", `4:13 there is no field "sumary" to read | did you mean "summary"?`},
		{"[outgoing.summary]\nwhen = 'ticket[\"Seats\"] == 3'", `4:25 found no matching overload for '_==_' applied to '(double, int)' | write the number with a fraction: 3.0`},
		{"[outgoing.summary]\nwhen = 'ticket.summary =! \"\"'", `4:24 Syntax error: token recognition error at: '=!' | ; 4:27 Syntax error: extraneous input '""' expecting <EOF> | `},
		{"[outgoing.summary]\nwhen = 'const.contract == \"\"'", `4:14 there is no field "contract" to read | `},
		{"[outgoing.summary]\nwhen = '[1].exists(ticket, ticket > 0)'", `4:19 "ticket" is a variable of its own and cannot be a loop's | choose another name; 4:28 "ticket" stands alone: name what to read of it | for example ticket.priority`},
		{"[incoming.\"field:Contract reference\"]\nvalue = 'C-17'", `4:10 "C" is not known in expressions | a literal? use set = "C-17"`},
		{"[incoming.\"field:Contract reference\"]\nvalue = \"Acme contract\"", `4:15 Syntax error: extraneous input 'contract' expecting <EOF> | a literal? use set = "Acme contract"`},
		{"[incoming.\"field:Seats\"]\nvalue = 'view.summary'", `4:9 Seats takes a number, the expression gives a text | `},
		{"[incoming.labels]\nvalue = 'view.summary'", `4:9 Labels takes a list of texts, the expression gives a text | `},
		{"[outgoing.\"view:x\"]\nvalue = 'ticket.assignee'", `4:9 a view item takes a text, number, time, list of texts, or true or false, the expression gives a person | `},
		// fields
		{"[outgoing]\nshare = [\"field:Nothing\"]", `4:10 the tenant has no field "Nothing" | `},
		{"[outgoing]\nshare = [\"field:Twice\"]", `4:10 two fields are called "Twice": customfield_10 and customfield_11 | write the id: "customfield_10"`},
		{"[outgoing]\nshare = [\"field:Summary\"]", `4:10 "Summary" is a field of Jira's own | write "summary"`},
		{"[outgoing]\nshare = [\"field:Organizations\"]", `4:10 "Organizations" is not an ordinary custom field | write "organizations"`},
		{"[outgoing]\nshare = [\"field:Time to resolution\"]", `4:10 "Time to resolution" (customfield_12) is a clock, which only Jira runs: it does not cross | Jira runs its own clocks: let "sla" write the partner's goal and breach into a date-time field`},
		{"[outgoing]\nshare = [\"field:Fix versions\"]", `4:10 "Fix versions" is a field of Jira's own | write "fix_versions"`},
		{"[outgoing]\nshare = [\"field:Impact\", \"customfield_1\"]", `4:26 field:Impact is named twice: also at line 4 | `},
		{"[incoming]\naccept = [\"field:Impact\", \"customfield_1\"]", `4:27 field:Impact is named twice: also at line 4 | `},
		{"[outgoing.\"view:x\"]\nfrom = \"impact\"", `4:8 there is no item called "impact" | a custom field is written "field:impact"`},
		{"[outgoing.\"view:x\"]\nfrom = \"view:y\"", `4:8 from = "view:y" cannot be read here | name a field of the ticket`},
		{"[incoming.summary]\nfrom = \"sumary\"", `4:8 the peer's view has no item called "sumary" | did you mean "summary"?`},
		{"[incoming.summary]\nfrom = \"headline\"", `4:8 the peer's view has no item called "headline" | an item that the sender computes is written "view:headline", a custom field "field:headline"`},
		// maps, literals, words
		{"[outgoing.priority]\nmap = { p1 = \"Urgent\" }", `4:9 Priority has no value "p1" here | did you mean "P1"? Case matters`},
		{"[incoming.priority]\nmap = { Urgent = \"P9\" }\nelse = \"P0\"", `4:18 Priority has no value "P9" here | did you mean "P1"?; 5:8 Priority has no value "P0" here | did you mean "P1"?`},
		{"[incoming.status]\nmap = { A = \"Opened\" }\nresolution = { Resolvd = \"Dne\" }", `4:13 Status has no value "Opened" here | did you mean "Open"?; 5:16 Status has no value "Resolvd" here | did you mean "Resolved"?; 5:26 Resolution has no value "Dne" here | did you mean "Done"?`},
		{"[outgoing.due_date]\nmap = { a = \"b\" }", `4:7 Due date has no names that a map could go by | compute it with value`},
		{"[incoming.\"field:Owner\"]\nmap = { a = \"b\" }", `4:7 Owner has no names that a map could give | persons are mapped under [people]; others are computed with value`},
		{"[incoming.\"field:Impact\"]\nset = \"Huge\"", `4:7 Impact has no value "Huge" here | `},
		{"[incoming.\"field:Seats\"]\nset = \"many\"", `4:7 set: Seats takes a number | `},
		{"[incoming.due_date]\nset = \"soon\"", `4:7 set: Due date takes a date like 2026-11-22 | `},
		{"[incoming.labels]\nset = [\"two words\"]", `4:7 set: "two words" does not fit Labels: a label is one word | `},
		{"[incoming.summary]\nset = [\"a\", \"b\"]", `4:7 set: Summary takes one value, not a list | `},
		{"[incoming.summary]\nmode = \"replace\"", `4:8 mode says nothing about Summary | mode is for fields that hold several values`},
		{"[incoming.summary]\nempty = \"clear\"", `4:9 Jira takes no ticket without a summary | `},
		{"[incoming.comments]\nas = \"public\"\npublic_when = 'comment.public'", `5:15 public_when says nothing where as = "public" | as = "internal" keeps the others internal`},
		// types
		{"[incoming.\"field:Starts\"]\nfrom = \"due_date\"", `4:8 the peer's due_date (date) cannot become Starts (datetime): a day has no time of day | compute it with value: value = 'view.due_date' takes midnight in UTC`},
		{"[incoming.\"field:Starts\"]\nfrom = \"labels\"", `4:8 the peer's labels (labels) cannot become Starts (datetime): it is several values | take one with value: value = 'view.labels[0]'`},
		{"[incoming.\"field:Owner\"]\nfrom = \"summary\"", `4:8 the peer's summary (text) cannot become Owner (user): it is no person | let the partner share the person, and match it under [people]`},
		{"[incoming.priority]\nfrom = \"time_tracking\"", `4:8 the peer's time_tracking (time-tracking) cannot become Priority (priority): it is two estimates | compute it with value: value = 'view.time_tracking.remaining / 3600.0' is hours`},
		{"[outgoing.\"field:Day\"]\nfrom = \"field:Starts\"", `4:8 Starts (datetime) cannot become Day (date): which day it is depends on the time zone | compute it with value: value = 'view["field:Starts"]' takes the day in UTC`},
		{"[outgoing.\"field:Impact\"]\nfrom = \"field:Site\"", `4:8 Site (cascading) has two levels, Impact (select) has one | add a map from "Parent / Child" to the names here`},
		{"[incoming.\"field:Time to resolution\"]\nset = \"4h\"", `3:11 "Time to resolution" (customfield_12) is a clock, which only Jira runs: it does not cross | Jira runs its own clocks: let "sla" write the partner's goal and breach into a date-time field`},
		{"[incoming]\naccept = [\"watchers\"]", `4:11 watchers are persons, and without [people] nobody is found here | add [people] with match = "email" or a map`},
		{"[incoming.time_tracking]\nempty = \"clear\"", `4:9 Jira takes no estimates back | remove it: ours is kept`},
		{"[incoming.\"field:Seats\"]\ncreate = true", `4:10 nothing can be made for Seats, which is a number field | create is for selects, radio buttons, checkboxes and cascading selects`},
		{"[incoming.summary]\nelse = \"x\"", `4:8 else has nothing to stand in for: Summary takes any value | add a map, or remove it`},
		{"[incoming.\"field:Impact\"]\nelse = \"Huge\"", `4:8 Impact has no value "Huge" here | `},
		{"[incoming.\"field:Seats\"]\nvalue = 'view.time_tracking'", `4:9 Seats takes a number, the expression gives estimates | `},
		{"[outgoing.summary]\nwhen = 'ticket.time_tracking.spent > 3.0'", `4:29 there is no field "spent" to read | `},
		// create
		{"[incoming.create]\nrequest_type = \"Report\"", `4:16 project SUPPORT has no request type "Report" | `},
		{"[incoming]\naccept = [\"summary\"]\n[incoming.create]\nrequest_type = \"Other\"", `6:16 the form of "Other" demands Impact, and no rule gives it | accept "field:Impact", or give it a value: [incoming."field:Impact"] with set`},
		{"[incoming]\naccept = [\"summary\"]\n[incoming.create]\nrequest_type = { map = { A = \"Othr\" }, else = \"Nil\" }", `6:30 Request type has no value "Othr" here | did you mean "Other"?; 6:47 Request type has no value "Nil" here | `},
		{"[incoming]\naccept = [\"summary\", \"field:Impact\"]\n[incoming.create]\nrequest_type = \"Other\"\non_behalf_of = \"desk\"", `7:16 the account may not raise "Other" for somebody else | give the account the permission, or remove it; 7:16 on_behalf_of = "desk" is no e-mail address | for example "desk@globex.example"`},
	} {
		var got []string
		for _, p := range problems(t, c.text) {
			got = append(got, fmt.Sprintf("%d:%d %s | %s", p.Line, p.Col, p.Message, p.Hint))
		}
		if g := strings.Join(got, "; "); g != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, g, c.want)
		}
	}
}

func TestOfflineLintKnowsWhatNeedsNoTenant(t *testing.T) {
	lint := func(text string) error {
		_, err := Compile(parse(t, head+text), nil, nil)
		return err
	}
	if err := lint("[outgoing]\nshare = [\"field:Anything\", \"organizations\"]\n[outgoing.summary]\nwhen = 'ticket[\"Anything\"] == \"x\" && ticket.priority == \"P77\"'\n" +
		"[incoming.create]\nrequest_type = \"Whatever\"\n[incoming.\"field:X\"]\nset = 3"); err != nil {
		t.Error(err)
	}
	var ps *conf.Problems
	if err := lint("[outgoing.summary]\nwhen = 'ticket.priorty == \"x\"'"); !errors.As(err, &ps) || ps.List[0].Line != 4 || ps.List[0].Col != 15 {
		t.Error(err)
	}
}

func TestReadsAreExact(t *testing.T) {
	r := compile(t, `
[const]
group = ["a@acme.example"]
[outgoing."view:x"]
value = 'has(ticket["Impact"]) ? ticket["Impact"] + ticket.labels.filter(l, l != "x")[0] : const.group[0]'
when  = 'ticket.assignee.email in const.group'
[outgoing.reporter]
when = 'person in const.group'
[outgoing.comments]
when = 'comment.author in const.group || comment.text.size() > 3'
[incoming.summary]
value = 'view.severity + view["field:Old"] + view.labels[0]'
`)
	var got []string
	for _, rd := range r.Reads() {
		got = append(got, rd.Item+" "+rd.Word+": "+strings.Join(rd.Reads, " "))
	}
	want := []string{
		"outgoing view:x when: const.group ticket.assignee",
		"outgoing view:x value: const.group ticket.field:Impact ticket.labels",
		"outgoing reporter when: const.group person.email person.name",
		"outgoing comments when: comment.author comment.text const.group",
		"incoming summary value: view.field:Old view.labels view.severity",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// What a value reads decides when it is due.
	for p, want := range map[string]bool{"view:severity": true, "field:Old": true, "label/x": true, "summary": false, "field:New": false} {
		if r.in[0].reads(replica.Path(p)) != want {
			t.Errorf("reads %s is %t", p, !want)
		}
	}
	if diff := cmp.Diff([]string{"assignee", "comment", "created", "customfield_1", "labels", "project", "reporter", "status", "summary", "updated"}, r.TicketFields()); diff != "" {
		t.Error(diff)
	}
}

func TestVersionAndGoverns(t *testing.T) {
	const text = "[outgoing.priority]\nmap = { P1 = \"a\", P2 = \"b\" }\n[outgoing]\nshare = [\"summary\"]\n"
	r := compile(t, text)
	if r.Version() != compile(t, text).Version() || r.Version() == compile(t, text+"# note\n").Version() {
		t.Error("the version is the sources'")
	}
	same := compile(t, "[outgoing]\nshare = [\"summary\", \"labels\"]\n[outgoing.priority]\nmap = { P2 = \"b\", P1 = \"a\" }")
	if r.Governs("priority") != same.Governs("priority") || r.Governs("summary") != same.Governs("summary") || r.Governs("label/x") != "" || same.Governs("label/x") == "" {
		t.Error("order and place do not change what a rule says")
	}
	other := compile(t, "[people]\nshare = \"name\"\n[outgoing.priority]\nmap = { P1 = \"a\" }")
	if r.Governs("priority") == other.Governs("priority") {
		t.Error("a changed map is a changed rule")
	}
}

func TestWarnings(t *testing.T) {
	r := compileUnder(t, "relay = true\n[trigger]\njql = 'project = SUPPORT AND filter = 10001'\n[people]\nshare = \"email\"\n[incoming.comments]\nas = \"public\"",
		"[never]\nrelay = \"forbid\"\npeople = \"alias\"\n[arrive]\ncomments = \"internal\"")
	var got []string
	for _, w := range r.Warnings() {
		got = append(got, fmt.Sprintf("%d %s", w.Line, w.Message))
	}
	want := []string{"8 policy.toml line 5 keeps whatever partners write internal", "5 the trigger uses a saved filter, which others can edit",
		"7 policy.toml line 3 lets persons appear as alias at most", "3 policy.toml line 2 forbids relay"}
	if diff := cmp.Diff(want, got); diff != "" || r.Relay() {
		t.Error(diff)
	}
}
