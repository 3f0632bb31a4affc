package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// people is [people] of the tests' participants.
const peopleRules = "[people]\nshare = \"email\"\nmatch = \"email\"\n"

func withParticipants() *jsm.Schema {
	s := tenant()
	s.Fields = append(s.Fields, jsm.Field{ID: "customfield_30", Name: "Request participants", Custom: true, Type: jsm.Participants})
	return s
}

func compileParts(t *testing.T, text, policy string) *Rules {
	t.Helper()
	r, err := Compile(parse(t, head+text), policyOf(t, policy), withParticipants())
	if err != nil {
		t.Fatalf("compiling:\n%s\n%v", text, err)
	}
	return r
}

// busy is a ticket with one of each part.
func busy() *jsm.Ticket {
	t := ticket(map[string]string{"customfield_30": "[" + user("jane", "jane@acme.example") + "," + user("me", "sync@acme.example") + "]"})
	jane := jsm.Person{AccountID: "jane", Name: "Jane", Email: "jane@acme.example", Active: true}
	t.Worklogs = []jsm.Worklog{
		{ID: "1", Author: jane, Started: t0, Seconds: 5400, Text: jsm.Rich(rich("fixed")), Created: t0, Updated: t0},
		{ID: "2", Author: jane, Started: t0, Seconds: 60, Limit: &jsm.Limit{Kind: "role", Name: "Agents"}, Created: t0},
		{ID: "3", Author: jane, Started: t0, Seconds: 120, Created: t0.Add(time.Hour), Updated: t0.Add(2 * time.Hour)},
	}
	t.WorklogsTotal = 3
	blocks := jsm.LinkType{ID: "10", Name: "Blocks", Outward: "blocks", Inward: "is blocked by"}
	t.Links = []jsm.IssueLink{
		{ID: "7", Type: blocks, Outward: true, Other: jsm.Option{ID: "1", Value: "SUPPORT-1"}},
		{ID: "8", Type: blocks, Outward: true, Other: jsm.Option{ID: "2", Value: "SUPPORT-2"}},
		{ID: "9", Type: blocks, Other: jsm.Option{ID: "1", Value: "SUPPORT-1"}},
	}
	t.WebLinks = []jsm.RemoteLink{
		{ID: "20", URL: "https://status.example/1", Title: "Status"},
		{ID: "21", URL: "https://acme.atlassian.net/browse/SECRET-1", Title: "ours"},
		{ID: "22", URL: "https://wiki.example/x", Title: "article", App: "com.atlassian.confluence"},
		{ID: "23", URL: "ftp://files.example/x", Title: "files"},
		{ID: "24", GlobalID: OursGlobally + "x", URL: "https://peer.example", Title: "theirs"},
	}
	t.Subtasks = []jsm.Option{{ID: "1", Value: "SUPPORT-1"}, {ID: "2", Value: "SUPPORT-2"}}
	return t
}

func showing(tk *jsm.Ticket) Local {
	in := local(tk)
	in.Site, in.Account = "https://acme.atlassian.net", "me"
	in.Shared = func(id string) (replica.LinkID, bool) { return replica.LinkID{1}, id == "1" }
	in.Twins = map[string]bool{"web_link/" + OursGlobally + "x": true}
	return in
}

func TestPartsLeaveAsTheirRulesSay(t *testing.T) {
	all := "[outgoing]\nshare = [\"worklogs\", \"links\", \"participants\", \"subtasks\"]\n"
	for _, c := range []struct {
		name, rules, policy string
		in                  func(*Local)
		want                string
	}{
		{"all of them", peopleRules + all, "", nil, "link/7 participant subtasks web_link/20 worklog/1 worklog/3"},
		{"not named", peopleRules + "[outgoing]\nshare = [\"summary\"]\n", "", nil, ""},
		{"persons without names", all, "", nil, "link/7 subtasks web_link/20 worklog/1 worklog/3"},
		{"our own site by its word", "[outgoing.links]\nown_site = true\n", "", nil, "link/7 web_link/20 web_link/21"},
		{"when", "[outgoing.links]\nwhen = 'link.kind == \"web\"'\n[outgoing.worklogs]\nwhen = 'worklog.seconds > 3600.0 && worklog.text == \"fixed\"'\n", "", nil, "web_link/20 worklog/1"},
		{"persons when", peopleRules + "[outgoing.participants]\nwhen = 'person.email.domain() == \"other.example\"'\n", "", nil, ""},
		{"never", peopleRules + all, "[never]\nitems = [\"links\", \"worklogs\", \"participants\"]", nil, "subtasks"},
		{"our own copies stay", peopleRules + all, "", func(in *Local) {
			for _, id := range []string{"worklog/1", "link/7", "web_link/", "participant/jane"} {
				in.Twins[id] = true
			}
		}, "subtasks worklog/3"},
		{"since the link", all, "", func(in *Local) { in.Since = t0.Add(time.Minute) }, "link/7 subtasks web_link/20 worklog/3"},
		{"what was shared and is limited now stays as it was", "[outgoing]\nshare = [\"worklogs\"]\n", "", func(in *Local) {
			in.Posted = replica.View{"worklog/2": replica.NewItem(replica.Worklog{Seconds: 9}, 1)}
		}, "worklog/1 worklog/2 worklog/3"},
		{"what was not read is not deleted", "[outgoing]\nshare = [\"worklogs\"]\n", "", func(in *Local) {
			in.Posted = replica.View{"worklog/99": replica.NewItem(replica.Worklog{Seconds: 9}, 1)}
			in.Ticket.WorklogsTotal = 30
		}, "worklog/1 worklog/3 worklog/99"},
		{"what is gone is gone", "[outgoing]\nshare = [\"worklogs\"]\n", "", func(in *Local) {
			in.Posted = replica.View{"worklog/99": replica.NewItem(replica.Worklog{Seconds: 9}, 1)}
		}, "worklog/1 worklog/3"},
	} {
		in := showing(busy())
		if c.in != nil {
			c.in(&in)
		}
		view, _ := compileParts(t, c.rules, c.policy).View(in)
		var got []string
		for _, p := range slices.Sorted(maps.Keys(view)) {
			if p.Kind() == "participant" {
				p = "participant"
			}
			got = append(got, string(p))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

// Nothing of a ticket that is not shared leaves, by whatever name.
func TestOfUnsharedTicketsNothingLeaves(t *testing.T) {
	view, _ := compileParts(t, "[outgoing]\nshare = [\"links\", \"subtasks\"]\n", "").View(showing(busy()))
	for p, it := range view {
		if strings.Contains(string(it.Raw), "SUPPORT-2") || strings.Contains(string(it.Raw), "SECRET") {
			t.Errorf("%s: %q", p, it.Raw)
		}
	}
	if l, ok := value(t, view, "link/7").(replica.Relation); !ok || l.To.Link != (replica.LinkID{1}) || l.Outward != "blocks" {
		t.Errorf("%+v", l)
	}
}

// arrivingParts is a ticket that holds what was made of the peer's parts before.
func arrivingParts(remote items) Arrival {
	in := arrive(ticket(map[string]string{"customfield_30": "[" + user("jane", "jane@acme.example") + "]"}), remote)
	in.GlobalID = OursGlobally + "l:"
	in.LinkTypes = []jsm.LinkType{{ID: "10", Name: "Blocks", Outward: "blocks", Inward: "is blocked by"}, {ID: "11", Name: "Cause", Outward: "is caused by", Inward: "causes"}}
	in.Shared = func(l replica.LinkID) (jsm.Option, bool) {
		return jsm.Option{ID: "5", Value: "SUPPORT-5"}, l == replica.LinkID{1}
	}
	in.Person = func(mail string) (jsm.Person, bool) {
		who := map[string]jsm.Person{
			"jane@acme.example": {AccountID: "jane", Active: true}, "bob@acme.example": {AccountID: "bob", Active: true},
			"portal@acme.example": {AccountID: "qm:1:2", Type: "customer", Active: true}, "gone@acme.example": {AccountID: "gone"},
		}[mail]
		return who, who.AccountID != ""
	}
	return in
}

// inShort is what a plan does about parts, in short.
func inShort(p Plan) string {
	var out []string
	for _, w := range p.Parts {
		what := ""
		switch {
		case w.Worklog != nil:
			what = fmt.Sprintf("%ds %q", w.Worklog.Seconds, shown(replica.Rich(w.Worklog.Text)))
		case w.Link != nil:
			what = fmt.Sprintf("%s %s reversed=%t", w.Link.Type.Name, w.Link.Other.Value, w.Link.Reversed)
		case w.Web != nil:
			what = w.Web.GlobalID + " " + w.Web.URL + " " + w.Web.Title
		case w.Person != nil:
			what = w.Person.AccountID
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", w.Op, w.Path, w.LocalID, what)))
	}
	for _, c := range p.Comments {
		out = append(out, "note "+shown(replica.Rich(c.Body)))
	}
	for _, h := range p.Held {
		out = append(out, "held "+string(h.Path)+" "+h.Code)
	}
	return strings.Join(out, "; ")
}

func TestPartsArriveAsTheirRulesSay(t *testing.T) {
	work := replica.Worklog{Author: replica.Person{Name: "Eve", Company: "Globex"}, Started: replica.Time(t0.UnixMilli()), Seconds: 5400, Text: replica.Rich(rich("fixed"))}
	relation := func(kind, outward string, link byte) replica.Relation {
		return replica.Relation{Type: kind, Outward: outward, To: replica.Ticket{Link: replica.LinkID{link}, Key: "HELP-1"}}
	}
	web := replica.WebLink{URL: "https://status.example/1", Title: "Status"}
	who := func(mail string) replica.Person { return replica.Person{Ref: "r", Name: "Eve", Email: mail} }
	take := func(names ...string) string {
		return "[incoming]\naccept = [\"" + strings.Join(names, "\", \"") + "\"]\n"
	}
	for _, c := range []struct {
		name, rules string
		remote      items
		want        string
	}{
		{"work", take("worklogs"), items{"worklog/1": work}, `add worklog/1  5400s "Eve, Globex:\nfixed"`},
		{"work without a byline", "[incoming.worklogs]\nbyline = false", items{"worklog/1": work}, `add worklog/1  5400s "fixed"`},
		{"work of nobody and nothing", take("worklogs"), items{"worklog/1": replica.Worklog{Seconds: 5}}, `add worklog/1  60s "globex"`},
		{"work when", "[incoming.worklogs]\nwhen = 'worklog.seconds > 6000.0'", items{"worklog/1": work}, ""},
		{"not named", take("summary"), items{"worklog/1": work, "web_link/1": web}, ""},
		{"another kind at that path", take("worklogs"), items{"worklog/1": web}, "held worklog/1 unreadable"},
		{"a link by its name", take("links"), items{"link/1": relation("Blocks", "holds up", 1)}, "add link/1  Blocks SUPPORT-5 reversed=false"},
		{"a link by its words", take("links"), items{"link/1": relation("Causation", "causes", 1)}, "add link/1  Cause SUPPORT-5 reversed=true"},
		{"a link by the map", "[incoming.links]\nmap = { Relates = \"Blocks\" }", items{"link/1": relation("Relates", "relates to", 1)}, "add link/1  Blocks SUPPORT-5 reversed=false"},
		{"a link turned round by the map", "[incoming.links]\nmap = { Relates = \"is blocked by\" }", items{"link/1": relation("Relates", "relates to", 1)}, "add link/1  Blocks SUPPORT-5 reversed=true"},
		{"a link of no kind here", take("links"), items{"link/1": relation("Relates", "relates to", 1)}, "held link/1 unmapped"},
		{"a link beside the map", "[incoming.links]\nmap = { Relates = \"Blocks\" }\notherwise = \"skip\"", items{"link/1": relation("Blocks", "blocks", 1)}, ""},
		{"a link to no twin", take("links"), items{"link/1": relation("Blocks", "blocks", 2)}, "held link/1 no-twin"},
		{"a web link", take("links"), items{"web_link/1": web}, "add web_link/1  parley:l:web_link/1 https://status.example/1 Status"},
		{"a web link without a title", take("links"), items{"web_link/1": replica.WebLink{URL: "https://x.example"}}, "add web_link/1  parley:l:web_link/1 https://x.example https://x.example"},
		{"a web link that runs", take("links"), items{"web_link/1": replica.WebLink{URL: "javascript:alert(1)", Title: "x"}}, "held web_link/1 refused"},
		{"a web link with a password", take("links"), items{"web_link/1": replica.WebLink{URL: "https://a:b@x.example", Title: "x"}}, "held web_link/1 refused"},
		{"somebody by e-mail", peopleRules + take("participants"), items{"participant/r": who("bob@acme.example")}, "add participant/r  bob"},
		{"somebody of the portal", peopleRules + take("participants"), items{"participant/r": who("portal@acme.example")}, "add participant/r  qm:1:2"},
		{"somebody who takes part already", peopleRules + take("participants"), items{"participant/r": who("jane@acme.example")}, ""},
		{"somebody unknown", peopleRules + take("participants"), items{"participant/r": who("eve@globex.example")}, "note Takes part at globex: Eve (not known here)"},
		{"somebody deactivated", peopleRules + take("participants"), items{"participant/r": who("gone@acme.example")}, "note Takes part at globex: Eve (deactivated here)"},
		{"somebody unknown, dropped", peopleRules + "else = \"drop\"\n" + take("participants"), items{"participant/r": who("eve@globex.example")}, ""},
		{"somebody else by rule", peopleRules + "else = { user = \"bob@acme.example\" }\n" + take("participants"), items{"participant/r": who("eve@globex.example")}, "add participant/r  bob"},
	} {
		in := arrivingParts(c.remote)
		r := compileParts(t, c.rules, "")
		if got := inShort(r.Plan(in)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		in.Ticket = nil
		if plan := r.Plan(in); len(plan.Parts) == 0 && strings.HasPrefix(c.want, "add") {
			t.Errorf("%s: nothing for a twin that is made", c.name)
		}
	}
	in := arrivingParts(items{"worklog/1": work, "web_link/1": web})
	if got := inShort(compileParts(t, take("worklogs", "links"), "[arrive]\nitems = [\"summary\"]").Plan(in)); got != "held web_link/1 dropped; held worklog/1 dropped" {
		t.Errorf("the policy lets partners not write them: %s", got)
	}
	if got := compileParts(t, peopleRules+take("participants"), "").EmailsWanted(arrivingParts(items{"participant/r": who("eve@globex.example")})); !slices.Equal(got, []string{"eve@globex.example"}) {
		t.Errorf("%v", got)
	}
}

func TestPartsFollowTheirOrigin(t *testing.T) {
	work := replica.Worklog{Started: replica.Time(t0.UnixMilli()), Seconds: 5400, Text: replica.Rich(rich("fixed"))}
	relation := replica.Relation{Type: "Blocks", To: replica.Ticket{Link: replica.LinkID{1}}}
	web := replica.WebLink{URL: "https://status.example/2", Title: "Status"}
	here := func(in *Arrival) { // what was made before, as it is here
		in.Ticket.Worklogs = []jsm.Worklog{{ID: "50", Started: t0, Seconds: 5430, Text: jsm.Rich(rich("fixed"))}}
		in.Ticket.WorklogsTotal = 1
		in.Ticket.Links = []jsm.IssueLink{{ID: "60", Type: in.LinkTypes[0], Outward: true, Other: jsm.Option{ID: "5"}}}
		in.Ticket.WebLinks = []jsm.RemoteLink{{ID: "70", GlobalID: in.GlobalID + "web_link/1", URL: "https://status.example/1", Title: "Status"}}
		in.Twin = func(p replica.Path) (string, bool) {
			local, ok := map[replica.Path]string{"worklog/1": "worklog/50", "link/1": "link/60", "web_link/1": "web_link/" + in.GlobalID + "web_link/1",
				"participant/r": "participant/jane"}[p]
			return local, ok
		}
	}
	accept := peopleRules + "[incoming]\naccept = [\"links\", \"participants\"]\n[incoming.worklogs]\nbyline = false\n"
	for _, c := range []struct {
		name, rules string
		remote      items
		gone        []replica.Path
		change      func(*Arrival)
		want        string
	}{
		{"the same", accept, items{"worklog/1": work, "link/1": relation, "web_link/1": replica.WebLink{URL: "https://status.example/1", Title: "Status"}}, nil, nil, ""},
		{"edited work", accept, items{"worklog/1": replica.Worklog{Started: work.Started, Seconds: 7200}}, nil, nil, `edit worklog/1 worklog/50 7200s "(a value that cannot be shown)"`},
		{"edited work, ignored", accept + "edits = \"ignore\"\n", items{"worklog/1": replica.Worklog{Seconds: 7200}}, nil, nil, ""},
		{"an edited web link", accept, items{"web_link/1": web}, nil, nil, "edit web_link/1 web_link/parley:l:web_link/1 parley:l:web_link/1 https://status.example/2 Status"},
		{"a link of another kind", accept, items{"link/1": replica.Relation{Type: "Cause", To: relation.To}}, nil, nil,
			"delete link/1 link/60 Cause SUPPORT-5 reversed=false; add link/1  Cause SUPPORT-5 reversed=false"},
		{"deleted", accept, nil, []replica.Path{"link/1", "participant/r", "web_link/1", "worklog/1"}, nil,
			"delete link/1 link/60; delete participant/r participant/jane jane; delete web_link/1 web_link/parley:l:web_link/1; delete worklog/1 worklog/50"},
		{"deleted, ignored", strings.Replace(accept, "[incoming.worklogs]", "[incoming.worklogs]\ndeletes = \"ignore\"", 1), nil, []replica.Path{"worklog/1"}, nil, ""},
		{"deleted on both sides", accept, nil, []replica.Path{"link/1", "web_link/1", "worklog/1"}, func(in *Arrival) {
			in.Ticket.Worklogs, in.Ticket.WorklogsTotal, in.Ticket.Links, in.Ticket.WebLinks = nil, 0, nil, nil
		}, "forget link/1 link/60; forget web_link/1 web_link/parley:l:web_link/1; forget worklog/1 worklog/50"},
		{"what was never made of it stays", accept, nil, []replica.Path{"worklog/2", "link/2", "participant/s"}, nil, ""},
		{"deleted here", accept, items{"worklog/1": replica.Worklog{Seconds: 60}, "link/1": relation, "web_link/1": web}, nil, func(in *Arrival) {
			in.Ticket.Worklogs, in.Ticket.WorklogsTotal, in.Ticket.Links, in.Ticket.WebLinks = nil, 0, nil, nil
		}, ""},
		{"not all was read", accept, items{"worklog/1": work}, nil, func(in *Arrival) { in.Ticket.Worklogs, in.Ticket.WorklogsTotal = nil, 40 }, "held worklog/1 unreadable"},
		{"made on both sides, the peer is the origin", accept + "[outgoing]\nshare = [\"links\"]\n", items{"link/9": relation}, nil, nil, "adopt link/9 link/60 Blocks SUPPORT-5 reversed=false"},
		{"made on both sides, we are the origin", accept + "[outgoing]\nshare = [\"links\"]\n", items{"link/9": relation}, nil, func(in *Arrival) { in.LocalNode = "c" }, ""},
		{"made on both sides, ours is not shared", accept, items{"link/9": relation}, nil, nil, ""},
	} {
		in := arrivingParts(c.remote)
		in.Changed = append(in.Changed, c.gone...)
		here(&in)
		if c.change != nil {
			c.change(&in)
		}
		if got := inShort(compileParts(t, c.rules, "").Plan(in)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestPartsAreCheckedBeforeTheyWork(t *testing.T) {
	for _, c := range []struct{ rules, want string }{
		{"[incoming]\naccept = [\"subtasks\"]", "a list of sub-tasks cannot be written to"},
		{"[incoming]\naccept = [\"participants\"]", "participants are persons, and without [people] nobody is found here"},
		{"[incoming.worklogs]\nas = \"public\"", `unknown word "as" in [incoming.worklogs]`},
		{"[incoming.worklogs]\ndeletes = \"mark\"", `"mark"`},
		{"[incoming.links]\nown_site = true", `unknown word "own_site" in [incoming.links]`},
		{"[outgoing.worklogs]\nwhen = 'worklog.autor == \"x\"'", "autor"},
		{"[outgoing.links]\nwhen = 'worklog.seconds > 1.0'", "worklog"},
	} {
		list := conf.Problems{}
		src, err := conf.ParseRules(map[string][]byte{"c.toml": []byte(head + c.rules)}, "c.toml")
		if err == nil {
			_, err = Compile(src, nil, withParticipants())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s %v", c.rules, err, c.want, list)
		}
	}
	r := compileParts(t, "[outgoing]\nshare = [\"participants\", \"worklogs\", \"links\"]", "")
	if len(r.Warnings()) == 0 {
		t.Error("nothing says that participants do not cross as their company")
	}
	for p, want := range map[replica.Path]bool{"worklog/1": true, "link/1": true, "web_link/1": true, "participant/r": true, "subtasks": false} {
		if got := r.Governs(p) != ""; got != want {
			t.Errorf("%s is governed: %t", p, got)
		}
	}
	for _, id := range []string{jsm.FieldWorklogs, jsm.FieldLinks, jsm.WebLinkList, jsm.WorklogList, "customfield_30"} {
		if !slices.Contains(r.TicketFields(), id) {
			t.Errorf("%s is not read", id)
		}
	}
}
