package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/jsm"
	"parley/replica"
)

func TestViewOfEveryType(t *testing.T) {
	r := compile(t, `
[people]
share = "email"
[outgoing]
share = ["summary", "description", "environment", "priority", "status", "resolution", "labels", "components", "due_date", "assignee",
  "reporter", "request_type", "organizations", "field:Impact", "customfield_2", "field:Seats", "field:Teams", "field:Site",
  "field:Watch list", "field:Starts", "field:Link", "field:Notes", "field:Day", "field:Group"]
`)
	tk := ticket(map[string]string{
		"summary": `"VPN down"`, "description": rich("since noon"), "priority": name("P1"), "resolution": name("Done"), "environment": "null",
		"labels": `["vpn","parley-x","b/c"]`, "components": "[" + name("Mail") + "]", "duedate": `"2026-12-01"`,
		"assignee": user("jane", "jane@acme.example"), "customfield_1": `{"id":"5","value":"Minor"}`, "customfield_2": `"C-1"`,
		"customfield_3": "3.0", "customfield_4": `[{"value":"Red"},{"value":"Blue"}]`,
		"customfield_5": `{"value":"EU","child":{"value":"Rome"}}`, "customfield_6": "[" + user("bob", "bob@acme.example") + "]",
		"customfield_7": `"2026-11-22T12:00:00.000+0200"`, "customfield_8": `"https://acme.example/x"`, "customfield_14": `[{"id":"9","name":"Initech"}]`,
		"customfield_17": `"2026-01-02"`, "customfield_18": `{"name":"admins","groupId":"g"}`,
	})
	tk.RequestType = &jsm.Option{ID: "11", Value: "Report a problem"}
	tk.History = []jsm.Change{{ID: "2", At: t0.Add(time.Hour), Items: []jsm.ChangeItem{{FieldID: "priority"}}}}
	view, held := r.View(local(tk))
	if len(held) != 0 {
		t.Errorf("held: %+v", held)
	}
	want := items{
		"summary": replica.Text("VPN down"), "priority": replica.Option{Name: "P1", ID: "id-P1"}, "resolution": replica.Option{Name: "Done", ID: "id-Done"},
		"status": replica.Status{Name: "Open", ID: "1", Category: "new"}, "label/vpn": replica.Text("vpn"), "label/b/c": replica.Text("b/c"),
		"component/Mail": replica.Text("Mail"), "due_date": replica.Date("2026-12-01"), "request_type": replica.Option{Name: "Report a problem", ID: "11"},
		"organization/Initech": replica.Text("Initech"), "field:Impact": replica.Option{Name: "Minor", ID: "5"},
		"field:Contract reference": replica.Text("C-1"), "field:Seats": replica.Number("3"),
		"field:Teams": replica.List{replica.Option{Name: "Blue"}, replica.Option{Name: "Red"}},
		"field:Site":  replica.Option{Name: "EU", Child: &replica.Option{Name: "Rome"}},
		"field:Link":  replica.Text("https://acme.example/x"), "field:Starts": replica.Time(t0.UnixMilli()), "field:Day": replica.Date("2026-01-02"),
		"field:Group": replica.Option{Name: "admins", ID: "g"},
	}
	got := items{}
	for p := range view {
		switch v := value(t, view, p).(type) {
		case replica.Rich:
			if p != "description" || !strings.Contains(string(v), "since noon") {
				t.Errorf("%s: %s", p, v)
			}
		case replica.Person:
			if p != "assignee" || v.Email != "jane@acme.example" || v.Name != "Jane" || v.Company != "Acme" || v.Ref == "" {
				t.Errorf("%s: %+v", p, v)
			}
		default:
			if p == "field:Watch list" {
				continue
			}
			got[p] = v
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if at := view["priority"].At; at != t0.Add(time.Hour).UnixMilli() {
		t.Errorf("priority's stamp is %d", at)
	}
	if at := view["summary"].At; at != t0.UnixMilli() {
		t.Errorf("summary's stamp is %d, not the creation", at)
	}
}

func TestPersonsAreShownAsAllowed(t *testing.T) {
	for _, c := range []struct {
		share, never string
		want         replica.Person
	}{
		{"company", "", replica.Person{Company: "Acme"}},
		{"name", "", replica.Person{Company: "Acme", Name: "Jane"}},
		{"email", "alias", replica.Person{Company: "Acme"}},
		{"alias", "", replica.Person{Company: "Acme"}},
		{"email", "", replica.Person{Company: "Acme", Name: "Jane", Email: "j@a"}},
		{"company", "email", replica.Person{Company: "Acme"}},
	} {
		policy := ""
		if c.never != "" {
			policy = "[never]\npeople = \"" + c.never + "\""
		}
		r := compileUnder(t, "[people]\nshare = \""+c.share+"\"\n[outgoing]\nshare = [\"assignee\"]", policy)
		view, _ := r.View(local(ticket(map[string]string{"assignee": user("jane", "j@a")})))
		got := value(t, view, "assignee").(replica.Person)
		if (got.Ref != "") != (c.share != "company") {
			t.Errorf("share %s: ref %q", c.share, got.Ref)
		}
		if alias := r.people.share == "alias"; alias != (got.Alias != "") {
			t.Errorf("share %s under %s: alias %q", c.share, c.never, got.Alias)
		}
		got.Ref, got.Alias = "", ""
		if got != c.want {
			t.Errorf("share %s under %s: %+v", c.share, c.never, got)
		}
	}
}

func TestComputedItemsAndMaps(t *testing.T) {
	r := compile(t, `
[const]
region = "EU"
[outgoing]
share = ["priority"]
[outgoing."view:severity"]
value = 'ticket["Impact"] == "Extensive" ? "Critical" : ticket.priority'
[outgoing."view:seats"]
value = 'ticket["Seats"] * 2.0'
[outgoing."view:region"]
value = 'const.region + " " + peer.name'
[outgoing."view:type"]
from = "field:Impact"
map = { Minor = "small" }
[outgoing.labels]
map = { vpn = "network", vip = "gold" }
otherwise = "skip"
[outgoing.status]
map = { Open = "New" }
otherwise = "same"
[outgoing.summary]
when = '"secret" in ticket.labels ? false : ticket.priority != "P3"'
`)
	tk := ticket(map[string]string{"summary": `"s"`, "priority": name("P2"), "customfield_1": `{"value":"Extensive"}`, "customfield_3": "1.5", "labels": `["vpn","other"]`})
	view, held := r.View(local(tk))
	want := items{
		"priority": replica.Option{Name: "P2", ID: "id-P2"}, "view:severity": replica.Text("Critical"), "view:seats": replica.Number("3"),
		"view:region": replica.Text("EU globex"), "label/network": replica.Text("network"),
		"status": replica.Status{Name: "New", Category: "new"}, "summary": replica.Text("s"),
	}
	got := items{}
	for p := range view {
		got[p] = value(t, view, p)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(held) != 1 || held[0].Code != Unmapped || held[0].Path != "view:type" ||
		held[0].Reason != `view:type "Extensive" from this ticket has no mapping in connections/globex.toml line 16.` {
		t.Errorf("held: %+v", held)
	}
	if diff := cmp.Diff([]replica.Path{"view:severity", "view:type"}, r.OutgoingPaths("customfield_1")); diff != "" {
		t.Error(diff)
	}
	if !r.Feeds("labels", "label/network") || r.Feeds("labels", "summary") {
		t.Error("Feeds: a condition shows nothing, a label does")
	}
}

func TestMissingDataIsAnErrorNotAnEmptyValue(t *testing.T) {
	r := compile(t, `
[outgoing.summary]
when = 'ticket["Impact"] != "Extensive"'
[outgoing.description]
when = 'has(ticket["Impact"]) && ticket["Impact"] != "Extensive"'
[outgoing.assignee]
when = 'person.email.domain() != "globex.example"'
[outgoing."view:x"]
value = 'ticket.priority'
`)
	hidden := `{"accountId":"h","displayName":"H"}`
	view, held := r.View(local(ticket(map[string]string{"summary": `"s"`, "description": rich("d"), "assignee": hidden})))
	if len(view) != 0 {
		t.Errorf("the view holds %v", view)
	}
	var reasons []string
	for _, h := range held {
		reasons = append(reasons, h.Reason)
		if h.Code != Expression || h.Class != Definite || h.Rule == "" || h.Next == "" {
			t.Errorf("%+v", h)
		}
	}
	want := []string{
		"assignee is not sent: when cannot be decided, since person.email is missing.",
		"summary is not sent: when cannot be decided, since field:Impact is missing.",
		"view:x is not sent: priority is missing.",
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Error(diff)
	}
}

func TestCommentsLeaveOnlyAsNamed(t *testing.T) {
	unknown := comment("4", "unknown", true)
	unknown.VisibilityKnown = false
	restricted := comment("5", "restricted", true)
	restricted.Restricted = true
	old := comment("6", "old", true)
	old.Created, old.Updated = t0.Add(-time.Hour), t0.Add(-time.Hour)
	tk := ticket(nil)
	tk.Comments = []jsm.Comment{comment("1", "public", true), comment("2", "(external) note", false), comment("3", "internal", false), unknown, restricted, old,
		comment("7", "ours", true)}
	for _, c := range []struct{ name, rules, want string }{
		{"none", `[outgoing]` + "\n" + `share = ["summary"]`, ""},
		{"public only", `[outgoing]` + "\n" + `share = ["comments"]`, "1:public"},
		{"with prefix", "[outgoing.comments]\n[outgoing.\"comments.internal\"]\nstrip = \"(external)\"", "1:public 2:note"},
		{"all internal", `[outgoing]` + "\n" + `share = ["comments.internal"]`, "2:(external) note 3:internal 4:unknown 5:restricted"},
		{"when sees the original", "[outgoing.\"comments.internal\"]\nstrip = \"(external)\"\nwhen = 'comment.text.startsWith(\"(ext\") && !comment.public'", "2:note"},
		{"by author", "[outgoing.comments]\nwhen = 'comment.author in [\"JANE@acme.example\"] && comment.author.email.domain() == \"acme.example\"'", "1:public"},
		{"not by author", "[outgoing.comments]\nwhen = 'comment.author in [\"bob@acme.example\"]'", ""},
	} {
		in := local(tk)
		in.Since, in.Twins = t0, map[string]bool{"7": true}
		view, _ := compile(t, c.rules).View(in)
		var got []string
		for _, id := range []string{"1", "2", "3", "4", "5", "6", "7"} {
			if _, ok := view[replica.Path("comment/"+id)]; ok {
				body := value(t, view, replica.Path("comment/"+id)).(replica.Comment)
				got = append(got, id+":"+shown(body.Body))
				if body.Public != (id == "1") {
					t.Errorf("%s: comment %s is public: %t", c.name, id, body.Public)
				}
			}
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s: got %q, want %q", c.name, g, c.want)
		}
	}
}

func TestACommentThatNoLongerPassesStaysAsItWas(t *testing.T) {
	for _, c := range []struct {
		name, rules string
		change      func(*jsm.Comment)
		gone        bool
		want        string
	}{
		{"edited", "[outgoing.comments]", func(c *jsm.Comment) { c.Body = jsm.Rich(rich("new")) }, false, "new"},
		{"turned internal", "[outgoing.comments]", func(c *jsm.Comment) { c.Public = false; c.Body = jsm.Rich(rich("new")) }, false, "old"},
		{"turned internal, retract", "[outgoing.comments]\nretract = true", func(c *jsm.Comment) { c.Public = false }, false, ""},
		{"no longer passes when", "[outgoing.comments]\nwhen = '!comment.text.contains(\"no\")'", func(c *jsm.Comment) { c.Body = jsm.Rich(rich("no")) }, false, "old"},
		{"lost its prefix", "[outgoing.comments]\nstrip = \"o\"", func(c *jsm.Comment) { c.Body = jsm.Rich(rich("x")) }, false, "ld"},
		{"deleted", "[outgoing.comments]", nil, true, ""},
	} {
		r := compile(t, c.rules)
		tk := ticket(nil)
		tk.Comments = []jsm.Comment{comment("1", "old", true)}
		in := local(tk)
		in.Posted, _ = r.View(in)
		if c.gone {
			tk.Comments = nil
		} else {
			c.change(&tk.Comments[0])
		}
		view, _ := r.View(in)
		got := ""
		if _, ok := view["comment/1"]; ok {
			got = shown(value(t, view, "comment/1").(replica.Comment).Body)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnreadCommentsAreNotDeleted(t *testing.T) {
	r := compile(t, "[outgoing.comments]")
	tk := ticket(nil)
	tk.Comments = []jsm.Comment{comment("1", "one", true), comment("2", "two", true)}
	in := local(tk)
	in.Posted, _ = r.View(in)
	tk.Comments, tk.CommentsTotal = tk.Comments[:1], 2
	view, held := r.View(in)
	if len(view) != 2 || len(held) != 1 {
		t.Errorf("view %d items, held %v", len(view), held)
	}
}

func TestPolicyKeepsItemsHome(t *testing.T) {
	r := compileUnder(t, `
[outgoing]
share = ["summary", "comments", "comments.internal", "labels", "customfield_16"]
[outgoing."view:pay"]
value = 'ticket["Salary"] * 12.0'
[outgoing."view:grade"]
from = "field:Salary"
`, "[never]\nitems = [\"comments.internal\", \"field:Salary\", \"labels\"]\n")
	tk := ticket(map[string]string{"summary": `"s"`, "customfield_16": "100", "labels": `["x"]`})
	tk.Comments = []jsm.Comment{comment("1", "p", true), comment("2", "i", false)}
	view, held := r.View(local(tk))
	if diff := cmp.Diff(map[replica.Path]bool{"summary": true, "comment/1": true}, paths(view)); diff != "" {
		t.Error(diff)
	}
	for _, h := range held {
		if h.Code != Dropped || h.Class != Policy || !strings.Contains(h.Reason, "policy.toml line 2 forbids") {
			t.Errorf("%+v", h)
		}
	}
	if len(held) != 5 || len(r.Warnings()) != 5 {
		t.Errorf("held %d, warnings %d", len(held), len(r.Warnings()))
	}
	if r.Governs("field:Salary") != "" || r.Governs("summary") == "" {
		t.Error("Governs must not name what the policy keeps")
	}
	// The gate is the second net: it catches what comes from elsewhere.
	foreign := view.Clone()
	foreign["comment/9"] = replica.NewItem(replica.Text("no comment at all"), 0)
	foreign["field:Salary"] = replica.NewItem(replica.Number("1"), 0)
	again, dropped := r.Gate(foreign)
	if len(again) != len(view) || len(dropped) != 2 {
		t.Errorf("the gate let %v through", paths(again))
	}
}

func paths(v replica.View) map[replica.Path]bool {
	out := map[replica.Path]bool{}
	for p := range v {
		out[p] = true
	}
	return out
}

func TestATicketOfAnotherProjectShowsNothingNew(t *testing.T) {
	r := compile(t, "[outgoing]\nshare = [\"summary\"]")
	tk := ticket(map[string]string{"summary": `"s"`})
	in := local(tk)
	in.Posted, _ = r.View(in)
	tk.Project.Value, tk.Fields["summary"] = "SECRET", []byte(`"t"`)
	view, held := r.View(in)
	if view.Hash() != in.Posted.Hash() || len(held) != 1 || held[0].Path != "" {
		t.Errorf("view %v held %v", view, held)
	}
	bounded := compileUnder(t, "[outgoing]\nshare = [\"summary\"]", "[peers]\nglobex = { projects = [\"OTHER\"] }")
	if len(bounded.Projects) != 0 || len(bounded.Warnings()) != 1 {
		t.Errorf("projects %v", bounded.Projects)
	}
}
