package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/jsm"
	"parley/replica"
)

// The rows of the entity list that are fields of Jira's own beyond a text or a choice.

func TestEntitiesOfJirasOwnCross(t *testing.T) {
	r := compile(t, "[people]\nshare = \"email\"\n[outgoing]\nshare = [\"fix_versions\", \"affects_versions\", \"security_level\", \"time_tracking\", \"parent\", \"watchers\"]")
	tk := ticket(map[string]string{
		"fixVersions": "[" + name("2026.1") + "," + name("2026.2") + "]", "versions": "[" + name("2025.9") + "]", "security": name("Staff"),
		"timetracking": `{"originalEstimateSeconds":7200,"timeSpentSeconds":60}`, "parent": `{"id":"10001","key":"SUPPORT-1"}`,
		"watches": `{"watchCount":2,"watchers":[` + user("jane", "j@a") + `]}`,
	})
	in := local(tk)
	in.Shared = func(id string) (replica.LinkID, bool) { return replica.LinkID{7}, id == "10001" }
	view, held := r.View(in)
	want := items{
		"fix_version/2026.1": replica.Text("2026.1"), "fix_version/2026.2": replica.Text("2026.2"), "affects_version/2025.9": replica.Text("2025.9"),
		"security_level": replica.Option{Name: "Staff", ID: "id-Staff"}, "time_tracking": replica.Effort{Original: 7200, Remaining: replica.NoEstimate},
		"parent": replica.Ticket{Link: replica.LinkID{7}, Key: "SUPPORT-1"}, "watchers": replica.Number("1"),
	}
	for p, v := range want {
		if diff := cmp.Diff(v, value(t, view, p)); diff != "" {
			t.Errorf("%s: %s", p, diff)
		}
	}
	if len(view) != len(want) || len(held) > 0 {
		t.Errorf("%v %+v", paths(view), held)
	}
	if _, held := r.View(local(tk)); len(held) != 1 || held[0].Path != "parent" || !strings.Contains(held[0].Reason, "not shared by this connection") {
		t.Errorf("a parent that the peer does not have: %+v", held)
	}
	for _, p := range sortedPaths(view) { // the policy knows the items by their entities
		if e := entityOf(p, view[p]); !strings.HasSuffix(e, "s") && e != "security_level" && e != "time_tracking" && e != "parent" {
			t.Errorf("%s belongs to %s", p, e)
		}
	}
}

func TestWatchersCrossAsPeopleOnlyWhereListed(t *testing.T) {
	r := compile(t, "[people]\nshare = \"email\"\n[outgoing.watchers]\nas = \"people\"")
	if fields := r.TicketFields(); !strings.Contains(fmt.Sprint(fields), "watchers watches") {
		t.Errorf("the list is not asked for: %v", fields)
	}
	counted := ticket(map[string]string{"watches": `{"watchCount":2}`})
	if view, held := r.View(local(counted)); len(view) != 0 || len(held) != 1 {
		t.Errorf("%v %+v", view, held)
	}
	listed := ticket(map[string]string{"watches": `{"watchCount":1,"watchers":[` + user("jane", "j@a") + `]}`})
	view, _ := r.View(local(listed))
	if list, ok := value(t, view, "watchers").(replica.List); !ok || len(list) != 1 || list[0].(replica.Person).Email != "j@a" {
		t.Errorf("%v", view)
	}
}

// The peer's persons watch here where [people] finds them; others are left alone, and ours stay.
func TestWatchersAreAddedAsPeople(t *testing.T) {
	r := compile(t, "[people]\nmatch = \"email\"\nelse = \"drop\"\n[incoming]\naccept = [\"watchers\"]")
	in := arrive(ticket(map[string]string{"watches": `{"watchers":[` + user("ours", "o@a") + `]}`}), items{
		"watchers": replica.List{replica.Person{Email: "j@a", Name: "Jane"}, replica.Person{Email: "x@b", Name: "Who"}},
	})
	jane := jsm.Person{AccountID: "jane", Name: "Jane", Email: "j@a", Active: true}
	in.Person = func(mail string) (jsm.Person, bool) { return jane, mail == "j@a" }
	if mails := r.EmailsWanted(in); !cmp.Equal(mails, []string{"j@a", "x@b"}) {
		t.Errorf("asked for %v", mails)
	}
	p := r.Plan(in)
	if diff := cmp.Diff(map[string][]jsm.Value{"watches": {jane}}, p.Edit.Add); diff != "" {
		t.Error(diff)
	}
	if len(p.Edit.Remove["watches"]) != 1 {
		t.Errorf("a list crosses whole: %+v", p.Edit)
	}
	in.Ticket = ticket(map[string]string{"watches": `{"watchCount":1}`})
	if p := r.Plan(in); !p.Empty() || len(p.Held) != 1 || p.Held[0].Code != Unreadable {
		t.Errorf("who watches here is not known: %+v %+v", p.Edit, p.Held)
	}
}

func TestAParentIsFoundThroughItsLink(t *testing.T) {
	r := compile(t, "[incoming]\naccept = [\"parent\"]")
	in := arrive(ticket(nil), items{"parent": replica.Ticket{Link: replica.LinkID{7}, Key: "HELP-1"}})
	if p := r.Plan(in); !p.Empty() || len(p.Held) != 1 || p.Held[0].Code != NoTwin || !strings.Contains(p.Held[0].Reason, "HELP-1 of the peer has no twin here yet") {
		t.Errorf("%+v", p.Held)
	}
	in.Shared = func(l replica.LinkID) (jsm.Option, bool) {
		return jsm.Option{ID: "10001", Value: "SUPPORT-1"}, l == replica.LinkID{7}
	}
	p := r.Plan(in)
	if diff := cmp.Diff(map[string]jsm.Value{"parent": jsm.Option{ID: "10001", Value: "SUPPORT-1"}}, p.Edit.Set); diff != "" {
		t.Error(diff)
	}
	in.Ticket.Fields["parent"] = []byte(`{"id":"10001","key":"SUPPORT-1"}`)
	if p := r.Plan(in); !p.Empty() {
		t.Errorf("%+v", p.Edit)
	}
}

// Jira fills in a remaining estimate of its own and rounds to minutes: neither is a difference.
func TestEstimatesAgreeToTheMinute(t *testing.T) {
	r := compile(t, "[incoming]\naccept = [\"time_tracking\"]")
	for _, x := range []struct {
		now  string
		want replica.Effort
		same bool
	}{
		{`{"originalEstimateSeconds":7200,"remainingEstimateSeconds":7200}`, replica.Effort{Original: 7200, Remaining: replica.NoEstimate}, true},
		{`{"originalEstimateSeconds":120}`, replica.Effort{Original: 90, Remaining: replica.NoEstimate}, true},
		{`{"originalEstimateSeconds":7200}`, replica.Effort{Original: 7200, Remaining: 0}, false},
		{`{}`, replica.Effort{Original: 7200, Remaining: 0}, false},
	} {
		p := r.Plan(arrive(ticket(map[string]string{"timetracking": x.now}), items{"time_tracking": x.want}))
		if p.Empty() != x.same || len(p.Held) > 0 {
			t.Errorf("%s %+v: %+v", x.now, x.want, p.Edit)
		}
		if p.Empty() {
			continue
		}
		after := ticket(map[string]string{"timetracking": `{"originalEstimateSeconds":7200,"remainingEstimateSeconds":0}`})
		for _, print := range p.Prints() {
			if !r.Bears(after, print) || r.Bears(ticket(nil), print) {
				t.Errorf("the write is not known again: %+v", print)
			}
		}
	}
	cleared := Arrival{Ticket: ticket(map[string]string{"timetracking": `{"originalEstimateSeconds":60}`}), Changed: []replica.Path{"time_tracking"}}
	if p := r.Plan(cleared); !p.Empty() {
		t.Errorf("estimates cannot be taken back: %+v", p.Edit)
	}
}

// A missing option waits, comes to else, or is made where the rule says so.
func TestMissingOptions(t *testing.T) {
	rome, paris := replica.Option{Name: "EU", Child: &replica.Option{Name: "Rome"}}, replica.Option{Name: "EU", Child: &replica.Option{Name: "Paris"}}
	for _, x := range []struct {
		field, words string
		v            replica.Value
		want         jsm.Value
		made         bool
	}{
		{"field:Impact", "", replica.Option{Name: "Huge"}, nil, false},
		{"field:Impact", "else = \"Minor\"", replica.Option{Name: "Huge"}, jsm.Option{Value: "Minor"}, false},
		{"field:Impact", "else = \"Minor\"", replica.Option{Name: "Extensive"}, jsm.Option{Value: "Extensive"}, false},
		{"field:Impact", "create = true", replica.Option{Name: "Huge"}, jsm.Option{Value: "Huge"}, true},
		{"field:Impact", "create = true", replica.Option{Name: "Minor"}, jsm.Option{Value: "Minor"}, false},
		{"priority", "else = \"P3\"", replica.Text("Odd"), jsm.Option{Value: "P3"}, false},
		{"field:Site", "create = true", rome, jsm.Option{Value: "EU", Child: &jsm.Option{Value: "Rome"}}, false},
		{"field:Site", "create = true", paris, jsm.Option{Value: "EU", Child: &jsm.Option{Value: "Paris"}}, true},
		{"field:Site", "else = \"EU / Berlin\"", paris, jsm.Option{Value: "EU", Child: &jsm.Option{Value: "Berlin"}}, false},
		{"field:Site", "map = { \"EU / Paris\" = \"EU / Rome\" }", paris, jsm.Option{Value: "EU", Child: &jsm.Option{Value: "Rome"}}, false},
	} {
		r := compile(t, "[incoming.\""+x.field+"\"]\n"+x.words)
		p := r.Plan(arrive(ticket(nil), items{replica.Path(x.field): x.v}))
		var got jsm.Value
		for _, v := range p.Edit.Set {
			got = v
		}
		if diff := cmp.Diff(x.want, got); diff != "" || len(p.Edit.Create) > 0 != x.made || (got == nil) != (len(p.Held) == 1) {
			t.Errorf("%s %s: %s create %v held %+v", x.field, x.words, diff, p.Edit.Create, p.Held)
		}
	}
	p := compile(t, "[incoming.\"field:Teams\"]\ncreate = true").Plan(arrive(ticket(nil), items{"field:Teams": replica.List{replica.Option{Name: "Red"}, replica.Option{Name: "Pink"}}}))
	if len(p.Edit.Add["customfield_4"]) != 2 || !p.Edit.Create["customfield_4"] || len(p.Held) > 0 {
		t.Errorf("%+v %+v", p.Edit, p.Held)
	}
}

// An option to be made is not there yet when the portal's form is filled: it follows with the edit.
func TestAnOptionToBeMadeIsNotInTheForm(t *testing.T) {
	r := compile(t, "[incoming]\naccept = [\"summary\"]\n[incoming.create]\nrequest_type = \"Other\"\n[incoming.\"field:Impact\"]\ncreate = true")
	in := arrive(nil, items{"summary": replica.Text("s"), "field:Impact": replica.Text("Minor")})
	if p := r.Plan(in); p.Create == nil || p.Create.Fields["customfield_1"] == nil {
		t.Errorf("%+v", p)
	}
	in = arrive(nil, items{"summary": replica.Text("s"), "field:Impact": replica.Text("Huge")})
	if p := r.Plan(in); p.Create != nil || len(p.Held) != 1 || p.Held[0].Code != Form {
		t.Errorf("the form demands an option that is not there: %+v %+v", p.Create, p.Held)
	}
	free := strings.Replace("[incoming]\naccept = [\"summary\"]\n[incoming.create]\nrequest_type = \"Other\"\n[incoming.\"field:Impact\"]\ncreate = true", "Other", "Report a problem", 1)
	if p := compile(t, free).Plan(in); p.Create == nil || p.Create.Fields["customfield_1"] != nil || p.Edit.Set["customfield_1"] == nil || !p.Edit.Create["customfield_1"] {
		t.Errorf("%+v %+v", p.Create, p.Edit)
	}
}

// An option's own name may hold the sign that parts the levels.
func TestPathsOfTwoLevels(t *testing.T) {
	f := &field{Field: jsm.Field{Type: jsm.Cascading, Options: []string{"A / B", "A / B / C", "D", "D / E / F"}}}
	child := func(p, c string) jsm.Option { return jsm.Option{Value: p, Child: &jsm.Option{Value: c}} }
	for path, want := range map[string]jsm.Option{"A / B": {Value: "A / B"}, "A / B / C": child("A / B", "C"), "D / E / F": child("D", "E / F"), "D": {Value: "D"}, "New / One": child("New", "One")} {
		if diff := cmp.Diff(want, f.twoLevels(path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
