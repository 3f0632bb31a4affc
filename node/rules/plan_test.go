package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/jsm"
	"parley/replica"
)

// verdicts lists what became of each item, as "path verdict to".
func verdicts(p Plan) []string {
	var out []string
	for _, d := range p.Decisions {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", d.Path, d.Verdict, d.To)))
	}
	return out
}

func TestPlanMapsAndCompares(t *testing.T) {
	const rules = `
[incoming]
accept = ["summary", "description"]
[incoming.priority]
map = { Urgent = "P1", Critical = "P1", High = "P2" }
else = "P3"
[incoming."field:Impact"]
from = "view:impact"
map = { big = "Extensive" }
[incoming."field:Contract reference"]
value = 'view.priority + "/" + view["view:impact"]'
`
	for _, c := range []struct {
		name   string
		fields map[string]string
		remote items
		want   []string
		set    map[string]jsm.Value
	}{
		{"writes", map[string]string{"summary": `"old"`, "priority": name("P3")}, items{"summary": replica.Text("new"), "priority": replica.Option{Name: "Urgent"}},
			[]string{"summary write new", "priority write P1", "priority held"}, map[string]jsm.Value{"summary": "new", "priority": jsm.Option{Value: "P1"}}},
		{"equal in local terms", map[string]string{"summary": `"new"`, "priority": name("P1")}, items{"summary": replica.Text("new"), "priority": replica.Option{Name: "Critical"}},
			[]string{"summary same new", "priority same P1", "priority held"}, map[string]jsm.Value{}},
		{"else", map[string]string{"priority": name("P1")}, items{"priority": replica.Option{Name: "Whatever"}, "view:impact": replica.Text("big")},
			[]string{"priority write P3", "view:impact write Extensive", "priority write Whatever/big"},
			map[string]jsm.Value{"priority": jsm.Option{Value: "P3"}, "customfield_1": jsm.Option{Value: "Extensive"}, "customfield_2": "Whatever/big"}},
		{"equal rich text", map[string]string{"description": `{"version":1,"type":"doc","content":[{"type":"paragraph","attrs":{"localId":"x"},"content":[{"type":"text","text":"hello"}]}]}`},
			items{"description": replica.Rich(rich("hello"))}, []string{"description same hello"}, map[string]jsm.Value{}},
		{"unmapped, and a value without its data", nil, items{"view:impact": replica.Text("huge")},
			[]string{"view:impact held", "priority held"}, map[string]jsm.Value{}},
	} {
		p := compile(t, rules).Plan(arrive(ticket(c.fields), c.remote))
		if diff := cmp.Diff(c.want, verdicts(p)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if diff := cmp.Diff(c.set, p.Edit.Set); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestAnUnmappedValueSaysWhatToDo(t *testing.T) {
	r := compile(t, "[incoming.priority]\nmap = { Urgent = \"P1\" }\n")
	p := r.Plan(arrive(ticket(nil), items{"priority": replica.Option{Name: "Blocker"}, "summary": replica.Text("s")}))
	want := []Held{{Path: "priority", Class: Definite, Code: Unmapped, Rule: "connections/globex.toml:4:7",
		Reason: `Priority "Blocker" from globex has no mapping in connections/globex.toml line 4.`, Next: "Add it to map, or set else."}}
	if diff := cmp.Diff(want, p.Held); diff != "" {
		t.Error(diff)
	}
	if !p.Empty() {
		t.Error("the plan writes something")
	}
}

// TestWhoKnewThePeersWordSaysTheLast: but only who knew all that a rule is judged for.
func TestWhoKnewThePeersWordSaysTheLast(t *testing.T) {
	for _, c := range []struct {
		rule  string
		known []replica.Path
		want  Verdict
	}{
		{`value = 'view.priority + "/" + view["view:impact"]'`, []replica.Path{"priority", "view:impact"}, Ours},
		{`value = 'view.priority + "/" + view["view:impact"]'`, []replica.Path{"priority"}, Written},
		{`value = 'view.priority + "/" + view["view:impact"]'`, nil, Written},
		{`set = "C-1"`, []replica.Path{"priority", "view:impact"}, Lost}, // due by the rules alone
	} {
		in := arrive(ticket(nil), items{"priority": replica.Option{Name: "P1"}, "view:impact": replica.Text("big")})
		in.RulesChanged = true
		in.Concurrent = func(_, _ replica.Path) (replica.Item, bool) { return replica.NewItem(replica.Text("C-2"), 1), true }
		in.Known = func(path replica.Path) bool { return slices.Contains(c.known, path) }
		p := compile(t, "[outgoing]\nshare = [\"field:Contract reference\"]\n[incoming.\"field:Contract reference\"]\n"+c.rule).Plan(in)
		if len(p.Decisions) != 1 || p.Decisions[0].Verdict != c.want || len(p.Overruled) > 0 && c.want == Ours {
			t.Errorf("%s, known %v: %+v, lost %v", c.rule, c.known, p.Decisions, p.Overruled)
		}
	}
}

func TestOtherwise(t *testing.T) {
	for otherwise, want := range map[string]string{"hold": "held", "same": "write", "skip": "skipped"} {
		r := compile(t, "[incoming.labels]\nmap = { vpn = \"network\" }\notherwise = \""+otherwise+"\"\n")
		p := r.Plan(arrive(ticket(nil), items{"label/other": replica.Text("other")}))
		got := string(Written)
		if len(p.Held) > 0 {
			got = "held"
		} else if len(p.Edit.Add) == 0 {
			got = "skipped"
		}
		if got != want {
			t.Errorf("otherwise = %s: %s", otherwise, got)
		}
	}
}

func TestWins(t *testing.T) {
	late, early := t0.Add(time.Minute).UnixMilli(), t0.Add(-time.Minute).UnixMilli()
	for _, c := range []struct {
		wins    string
		oursAt  int64
		shared  bool
		want    Verdict
		peer    string
		overrul string
	}{
		{"latest", late, true, Lost, "b", "theirs"},
		{"latest", early, true, Written, "b", "ours"},
		{"latest", t0.UnixMilli(), true, Written, "b", "ours"}, // the larger node id
		{"latest", t0.UnixMilli(), true, Lost, "A", "theirs"},
		{"theirs", late, true, Written, "b", "ours"},
		{"ours", early, true, Ours, "b", "theirs"},
		{"hold", early, true, Waits, "b", ""},
		{"ours", early, false, Written, "b", ""}, // nobody can have changed what we do not share
	} {
		text := "[incoming.summary]\nwins = \"" + c.wins + "\"\n"
		if c.shared {
			text = "[outgoing]\nshare = [\"summary\"]\n" + text
		}
		in := arrive(ticket(map[string]string{"summary": `"ours"`}), items{"summary": replica.Text("theirs")})
		in.PeerNode = c.peer
		in.Concurrent = func(remote, outgoing replica.Path) (replica.Item, bool) {
			if remote != "summary" || outgoing != "summary" {
				t.Errorf("asked about %s and %s", remote, outgoing)
			}
			return replica.NewItem(replica.Text("ours"), c.oursAt), true
		}
		p := compile(t, text).Plan(in)
		if got := p.Decisions[0].Verdict; got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		if written := p.Edit.Set["summary"] != nil; written != (c.want == Written) {
			t.Errorf("%+v: written is %t", c, written)
		}
		lost := ""
		for _, o := range p.Overruled {
			lost = map[bool]string{true: "ours", false: "theirs"}[o.Ours]
		}
		if lost != c.overrul {
			t.Errorf("%+v: %q was overruled", c, lost)
		}
	}
}

func TestEmptyOnceWhenAndLiterals(t *testing.T) {
	const rules = `
[const]
ref = "C-17"
[incoming.summary]
empty = "keep"
[incoming.due_date]
empty = "clear"
[incoming.environment]
once = true
[incoming."field:Contract reference"]
set = "C-17"
[incoming."field:Seats"]
value = '3.0'
once = true
[incoming.priority]
when = 'view.summary.contains("urgent")'
`
	r := compile(t, rules)
	tk := ticket(map[string]string{"summary": `"s"`, "duedate": `"2026-01-01"`, "environment": rich("e")})
	in := Arrival{Remote: replica.View{"priority": replica.NewItem(replica.Option{Name: "P1"}, 0), "environment": replica.NewItem(replica.Rich(rich("f")), 0)},
		Ticket: tk, Changed: []replica.Path{"due_date", "environment", "priority", "summary"}}
	p := r.Plan(in)
	if diff := cmp.Diff(map[string]jsm.Value{"duedate": nil}, p.Edit.Set); diff != "" {
		t.Error(diff)
	}
	if len(p.Held) != 1 || p.Held[0].Path != "priority" || p.Held[0].Code != Expression {
		t.Errorf("held %+v", p.Held)
	}
	in.RulesChanged = true
	in.Remote["summary"] = replica.NewItem(replica.Text("urgent"), 0)
	p = r.Plan(in)
	want := map[string]jsm.Value{"duedate": nil, "summary": "urgent", "priority": jsm.Option{Value: "P1"}, "customfield_2": "C-17"}
	if diff := cmp.Diff(want, p.Edit.Set); diff != "" {
		t.Error(diff)
	}
	in.RulesChanged, in.Creating, in.Changed = false, true, nil
	for path := range in.Remote {
		in.Changed = append(in.Changed, path)
	}
	sortPaths(in.Changed)
	p = r.Plan(in)
	if p.Edit.Set["customfield_3"] != jsm.Number("3") || p.Edit.Set["environment"] == nil || p.Edit.Set["customfield_2"] != "C-17" {
		t.Errorf("at creation: %+v", p.Edit.Set)
	}
}

func TestSetsElementByElement(t *testing.T) {
	tk := ticket(map[string]string{"labels": `["ours","gone","both","parley-1"]`})
	in := Arrival{Ticket: tk, Remote: replica.View{}, Changed: []replica.Path{"label/both", "label/never", "label/gone", "label/new", "label/never", "label/parley-2"}}
	for _, l := range []string{"new", "both", "old", "parley-2"} {
		in.Remote[replica.Path("label/"+l)] = replica.NewItem(replica.Text(l), 1)
	}
	r := compile(t, "[outgoing]\nshare = [\"labels\"]\n[incoming]\naccept = [\"labels\"]")
	p := r.Plan(in)
	if diff := cmp.Diff(map[string][]jsm.Value{"labels": {"new"}}, p.Edit.Add); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]jsm.Value{"labels": {"gone"}}, p.Edit.Remove); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]replica.Path{"label/gone", "label/new"}, p.Touched.Paths); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]replica.Path{"label/both", "label/never"}, p.Agreed); diff != "" {
		t.Error(diff)
	}
	// replace: exactly theirs, but our own markers stay
	p = compile(t, "[incoming.labels]\nmode = \"replace\"").Plan(in)
	if diff := cmp.Diff(map[string][]jsm.Value{"labels": {"new", "old"}}, p.Edit.Add); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]jsm.Value{"labels": {"ours", "gone"}}, p.Edit.Remove); diff != "" {
		t.Error(diff)
	}
	// two of theirs stand for one of ours: removing one leaves it
	r = compile(t, "[incoming.labels]\nmap = { a = \"x\", b = \"x\" }\notherwise = \"skip\"")
	p = r.Plan(Arrival{Ticket: ticket(map[string]string{"labels": `["x"]`}), Changed: []replica.Path{"label/a"},
		Remote: replica.View{"label/b": replica.NewItem(replica.Text("b"), 1)}})
	if !p.Empty() {
		t.Errorf("%+v", p.Edit)
	}
	p = r.Plan(Arrival{Ticket: ticket(map[string]string{"labels": `["x"]`}), Changed: []replica.Path{"label/a", "label/b"}, Remote: replica.View{}})
	if len(p.Edit.Remove["labels"]) != 1 && len(p.Edit.Remove["labels"]) != 2 {
		t.Errorf("%+v", p.Edit)
	}
}

func TestListsAreTakenWholeUnlessAdded(t *testing.T) {
	list := replica.List{replica.Option{Name: "Blue"}, replica.Option{Name: "Green"}}
	tk := ticket(map[string]string{"customfield_4": `[{"id":"1","value":"Red"},{"id":"2","value":"Blue"}]`})
	p := compile(t, "[incoming]\naccept = [\"field:Teams\"]").Plan(arrive(tk, items{"field:Teams": list}))
	if len(p.Edit.Add["customfield_4"]) != 1 || len(p.Edit.Remove["customfield_4"]) != 1 {
		t.Errorf("%+v", p.Edit)
	}
	p = compile(t, "[incoming.\"field:Teams\"]\nmode = \"add\"").Plan(arrive(tk, items{"field:Teams": list}))
	if len(p.Edit.Add["customfield_4"]) != 1 || len(p.Edit.Remove["customfield_4"]) != 0 {
		t.Errorf("%+v", p.Edit)
	}
	p = compile(t, "[incoming]\naccept = [\"field:Teams\"]").Plan(arrive(tk, items{"field:Teams": replica.List{replica.Option{Name: "Pink"}, replica.Option{Name: "Red"}, replica.Option{Name: "Blue"}}}))
	if !p.Empty() || len(p.Held) != 1 || p.Held[0].Code != Refused || !strings.Contains(p.Held[0].Reason, `"Pink" does not fit Teams: there is no such option here`) {
		t.Errorf("%+v", p)
	}
}

func TestOrganizations(t *testing.T) {
	r := compile(t, "[incoming.organizations]\nset = [\"Globex\", \"Initech\"]\ncreate = true")
	in := Arrival{Ticket: ticket(map[string]string{"customfield_14": `[{"id":"9","name":"Initech"}]`}), RulesChanged: true}
	want := &OrganizationWrite{FieldID: "customfield_14", Keep: []jsm.Option{{ID: "9", Value: "Initech"}}, Names: []string{"Globex"}, Create: true,
		Path: "organization", Rule: "connections/globex.toml:3:11"}
	p := r.Plan(in)
	if diff := cmp.Diff(want, p.Organizations); diff != "" {
		t.Error(diff)
	}
	if in.RulesChanged = false; len(r.Plan(in).Decisions) != 0 {
		t.Error("a literal is due only at creation and with new rules")
	}
}

func TestStatus(t *testing.T) {
	const rules = "[outgoing]\nshare = [\"status\", \"resolution\"]\n[incoming]\naccept = [\"resolution\"]\n[incoming.status]\n" +
		"map = { Working = \"In Progress\", Done = \"Resolved\" }\notherwise = \"skip\"\nresolution = { Resolved = \"Done\" }\nvia = [\"Fix\"]\nreopen = false\n"
	r := compile(t, rules)
	p := r.Plan(arrive(ticket(nil), items{"status": replica.Status{Name: "Done", Category: "done"}}))
	if tr := p.Transition; tr == nil || tr.Status != "Resolved" || tr.Resolution != "Done" || tr.Via[0] != "Fix" || p.StatusPath() != "status" || !p.Wrote("status") {
		t.Fatalf("%+v", p)
	}
	if diff := cmp.Diff([]replica.Path{"resolution", "status"}, p.Touched.Paths); diff != "" {
		t.Error(diff)
	}
	p = r.Plan(arrive(ticket(nil), items{"status": replica.Status{Name: "Paused"}}))
	if !p.Empty() || p.Decisions[0].Verdict != Skipped {
		t.Errorf("%+v", p)
	}
	closed := ticket(nil)
	closed.Status = jsm.Status{ID: "3", Name: "Resolved", Category: "done"}
	if p = r.Plan(arrive(closed, items{"status": replica.Status{Name: "Working"}})); !p.Empty() || p.Decisions[0].Verdict != Ours {
		t.Errorf("reopened: %+v", p)
	}
	p = r.Plan(arrive(ticket(nil), items{"status": replica.Status{Name: "Working"}, "resolution": replica.Option{Name: "Declined"}}))
	if p.Transition.Resolution != "Declined" || len(p.Edit.Set) != 0 {
		t.Errorf("a resolution goes with the transition: %+v", p)
	}
}

func TestPersonsAreNeverSomebodyElse(t *testing.T) {
	jane := jsm.Person{AccountID: "j", Name: "Jane D", Email: "jane.d@acme.example", Active: true}
	desk := jsm.Person{AccountID: "d", Name: "Desk", Email: "desk@acme.example", Active: true}
	known := func(mail string) (jsm.Person, bool) {
		for _, p := range []jsm.Person{jane, desk} {
			if p.Email == mail {
				return p, true
			}
		}
		return jsm.Person{}, false
	}
	const base = "map = { \"jane@globex.example\" = \"jane.d@acme.example\" }\nmatch = \"email\"\n"
	for _, c := range []struct {
		name, rules string
		who         replica.Person
		want        any
		note        string
		emails      []string
	}{
		{"map", base, replica.Person{Name: "Jane", Email: "jane@globex.example"}, jane, "", []string{"jane.d@acme.example", "jane@globex.example"}},
		{"match", base, replica.Person{Email: "desk@acme.example"}, desk, "", []string{"desk@acme.example"}},
		{"unknown is noted", base, replica.Person{Name: "Eve", Company: "Globex", Email: "eve@globex.example"}, nil, "Assignee at globex: Eve, Globex", []string{"eve@globex.example"}},
		{"a company is nobody", base, replica.Person{Company: "Globex"}, nil, "", nil},
		{"drop", base + "else = \"drop\"\n", replica.Person{Name: "Eve"}, nil, "", nil},
		{"user", base + "else = { user = \"desk@acme.example\" }\n", replica.Person{Name: "Eve"}, desk, "", []string{"desk@acme.example"}},
	} {
		r := compile(t, "[people]\n"+c.rules+"[incoming]\naccept = [\"assignee\"]")
		in := arrive(ticket(nil), items{"assignee": c.who})
		if diff := cmp.Diff(c.emails, r.EmailsWanted(in)); diff != "" && len(c.emails)+len(r.EmailsWanted(in)) > 0 {
			t.Errorf("%s: %s", c.name, diff)
		}
		in.Person = known
		p := r.Plan(in)
		if diff := cmp.Diff(c.want, p.Edit.Set["assignee"]); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		note := ""
		for _, w := range p.Comments {
			note = shown(replica.Rich(w.Body))
			if w.Op != NoteComment || w.Public {
				t.Errorf("%s: %+v", c.name, w)
			}
			in.Ticket.Comments = append(in.Ticket.Comments, jsm.Comment{ID: "1", Body: w.Body})
		}
		if note != c.note {
			t.Errorf("%s: note %q", c.name, note)
		}
		if again := r.Plan(in); c.note != "" && len(again.Comments) != 0 {
			t.Errorf("%s: the note is written twice", c.name)
		}
	}
}

func TestCreate(t *testing.T) {
	everything := items{"summary": replica.Text("VPN"), "description": replica.Rich(rich("d")), "priority": replica.Option{Name: "P1"},
		"label/x": replica.Text("x"), "request_type": replica.Option{Name: "Incident"}, "status": replica.Status{Name: "Open"}}
	const accept = "[incoming]\naccept = [\"summary\", \"description\", \"priority\", \"labels\", \"status\"]\n"
	desk := func(mail string) (jsm.Person, bool) {
		return jsm.Person{AccountID: "desk"}, mail == "desk@globex.example"
	}
	for _, c := range []struct {
		name, rules string
		without     replica.Path
		typ, held   string
	}{
		{"literal", accept + "[incoming.create]\nrequest_type = \"Report a problem\"\non_behalf_of = \"desk@globex.example\"", "", "11", ""},
		{"mapped", accept + "[incoming.\"field:Impact\"]\nset = \"Minor\"\n[incoming.create]\nrequest_type = { from = \"request_type\", map = { Incident = \"Other\" } }", "", "12", ""},
		{"else", accept + "[incoming.create]\nrequest_type = { map = { X = \"Other\" }, else = \"Report a problem\" }", "", "11", ""},
		{"unmapped", accept + "[incoming.create]\nrequest_type = { map = { X = \"Other\" } }", "", "", `Request type "Incident" from globex has no mapping`},
		{"by name", accept, "", "", `No ticket is made: project SUPPORT has no request type "Incident".`},
		{"a form's demand", accept + "[incoming.create]\nrequest_type = \"Report a problem\"", "summary", "", `the form of "Report a problem" demands Summary`},
		{"nobody to raise it for", accept + "[incoming.create]\nrequest_type = \"Report a problem\"\non_behalf_of = \"x@globex.example\"", "", "", "nobody here has the address x@globex.example"},
	} {
		in := arrive(nil, everything)
		delete(in.Remote, c.without)
		in.Person = desk
		r := compile(t, c.rules)
		p := r.Plan(in)
		if c.held != "" {
			if p.Create != nil || len(p.Held) == 0 || p.Held[len(p.Held)-1].Path != "" || !strings.Contains(p.Held[len(p.Held)-1].Reason, c.held) {
				t.Errorf("%s: %+v", c.name, p.Held)
			}
			continue
		}
		if p.Create == nil || p.Create.RequestType != c.typ || p.Create.Project != "SUPPORT" || p.Create.ServiceDesk != "1" {
			t.Errorf("%s: %+v %+v", c.name, p.Create, p.Held)
			continue
		}
		if p.Create.Fields["summary"] != "VPN" || p.Edit.Set["summary"] != nil {
			t.Errorf("%s: the summary belongs on the form: %+v", c.name, p)
		}
		if diff := cmp.Diff(jsm.Value([]string{"x"}), p.Edit.Set["labels"]); diff != "" || p.Transition == nil {
			t.Errorf("%s: %s %v", c.name, diff, p.Transition)
		}
		for id := range p.Edit.Types {
			if _, ok := p.Edit.Set[id]; !ok {
				t.Errorf("%s: a type without a value: %s", c.name, id)
			}
		}
		if strings.Contains(c.rules, "on_behalf_of") != (p.Create.OnBehalfOf == "desk") {
			t.Errorf("%s: on behalf of %q", c.name, p.Create.OnBehalfOf)
		}
	}
}

func TestCoercions(t *testing.T) {
	for _, c := range []struct {
		field string
		v     replica.Value
		want  any // string: part of the refusal
	}{
		{"field:Contract reference", replica.Option{Name: "X"}, jsm.Value("X")},
		{"field:Contract reference", replica.Number("2.5"), jsm.Value("2.5")},
		{"field:Contract reference", replica.Rich(rich("a\nb")), errorf("several lines")},
		{"field:Contract reference", replica.Text(strings.Repeat("x", 300)), errorf("more than 255")},
		{"field:Contract reference", replica.Unknown{Name: "odd", Raw: []byte{0xc0}}, errorf("do not cross")},
		{"field:Notes", replica.Text("n"), jsm.Rich(rich("n"))},
		{"field:Seats", replica.Text(" 3.50 "), jsm.Number("3.5")},
		{"field:Seats", replica.Text("many"), errorf("no number")},
		{"field:Seats", replica.Date("2026-01-01"), errorf("no number")},
		{"due_date", replica.Date("2026-01-01"), jsm.Date("2026-01-01")},
		{"due_date", replica.Time(1), errorf("time zone")},
		{"due_date", replica.Text("soon"), errorf("no date")},
		{"field:Starts", replica.Time(t0.UnixMilli()), t0},
		{"field:Starts", replica.Date("2026-01-01"), errorf("time of day")},
		{"field:Impact", replica.Text("Minor"), jsm.Option{Value: "Minor"}},
		{"field:Impact", replica.Text("Huge"), errorf("no such option")},
		{"field:Site", replica.Option{Name: "EU", Child: &replica.Option{Name: "Rome"}}, jsm.Option{Value: "EU", Child: &jsm.Option{Value: "Rome"}}},
		{"field:Site", replica.Text("EU / Paris"), errorf("no such option")},
		{"field:Link", replica.Text("https://a.example/x"), jsm.Value("https://a.example/x")},
		{"field:Link", replica.Text("javascript:alert(1)"), errorf("no web address")},
		{"priority", replica.Person{Name: "P1"}, errorf("no names of options")},
		{"field:Site", replica.Option{Name: "EU / x", Child: &replica.Option{Name: "Rome"}}, errorf("no such option")},
		{"field:Contract reference", replica.Effort{Original: 5400, Remaining: -1}, jsm.Value("estimated 1h 30m")},
		{"field:Contract reference", replica.Ticket{Link: replica.LinkID{1}, Key: "HELP-4"}, jsm.Value("HELP-4")},
		{"time_tracking", replica.Effort{Original: 5400, Remaining: 0}, jsm.Effort{Original: 5400}},
		{"time_tracking", replica.Number("3"), errorf("two estimates")},
		{"field:Seats", replica.Effort{Original: 5400}, errorf("two estimates")},
	} {
		p := compile(t, "[incoming]\naccept = [\""+c.field+"\"]").Plan(arrive(ticket(nil), items{replica.Path(c.field): c.v}))
		var got any
		for _, v := range p.Edit.Set {
			got = v
		}
		if refused, ok := c.want.(errorf); ok {
			if got != nil || len(p.Held) != 1 || p.Held[0].Code != Refused || !strings.Contains(p.Held[0].Reason, string(refused)) {
				t.Errorf("%s %#v: %v %+v", c.field, c.v, got, p.Held)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %#v: %s %+v", c.field, c.v, diff, p.Held)
		}
	}
}

// errorf is part of an expected refusal.
type errorf string

func TestPolicyBoundsWhatPartnersWrite(t *testing.T) {
	r := compileUnder(t, "[incoming]\naccept = [\"summary\", \"priority\"]\n[incoming.\"field:Contract reference\"]\nset = \"C-1\"", "[arrive]\nitems = [\"summary\"]")
	in := arrive(ticket(nil), items{"summary": replica.Text("s"), "priority": replica.Option{Name: "P1"}})
	in.RulesChanged = true
	p := r.Plan(in)
	if diff := cmp.Diff(map[string]jsm.Value{"summary": "s", "customfield_2": "C-1"}, p.Edit.Set); diff != "" {
		t.Error(diff)
	}
	if len(p.Held) != 1 || p.Held[0].Code != Dropped || len(r.Warnings()) != 1 {
		t.Errorf("%+v %v", p.Held, r.Warnings())
	}
}
