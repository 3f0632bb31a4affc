package sim

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
)

func TestPeopleAct(t *testing.T) {
	tn := MustNew(Config{})
	agent, human, customer, admin := tn.As("agent@north.example"), tn.As("human@north.example"), tn.As("customer@north.example"), tn.As("admin@north.example")
	done := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := agent.RaiseFor("customer@north.example", "Get IT help", map[string]any{"summary": "one", "Impact": "Minor", "Contract number": "C-1"})
	done(err)
	note, err := human.Comment(key, "let *us* see", false)
	done(err)
	_, err = customer.Comment(key, "please", true)
	done(err)
	done(human.EditComment(key, note, "we saw"))
	done(human.ShowComment(note, true))
	done(agent.SetFields(key, map[string]any{"priority": "Urgent", "assignee": "agent@north.example", "Products": []string{"Phone", "Router"}, "Location": "Norway > Oslo",
		"Watch list": "human@north.example", "Responsible group": "network-team", "Organizations": "Globex", "Request Type": "Report an outage", "Affected users": 3,
		"Outage start": "2026-07-12T16:00:00.000+0100", "description": "h1. Wiki", "components": "Mail"}))
	done(agent.Label(key, "a", "b"))
	done(agent.Unlabel(key, "a"))
	done(agent.Log(key, 3600, "work"))
	other, err := agent.CreateIssue("Change", map[string]any{"summary": "two"})
	done(err)
	done(agent.Link(key, "Blocks", other))
	done(agent.Transition(key, "Ask approval", map[string]any{"Approvers": "approver@north.example"}))
	done(tn.As("approver@north.example").Answer(key, true))
	done(agent.Transition(key, "Mark as done", nil))
	done(customer.Rate(key, 5, "thanks"))
	x, _ := tn.Issue(key)
	if x.Status != "Resolved" || x.Resolution != "Done" || x.RequestType != "Report an outage" || x.Assignee != "agent@north.example" || x.Reporter != "customer@north.example" ||
		x.Worklogs != 1 || !slices.Equal(x.Labels, []string{"b"}) || !slices.Equal(x.Links, []string{other}) || !slices.Equal(x.Organizations, []string{"Globex"}) {
		t.Errorf("%+v", x)
	}
	for name, want := range map[string][]string{"Impact": {"Minor"}, "Products": {"Router", "Phone"}, "Location": {"Norway > Oslo"}, "Watch list": {"human@north.example"},
		"Affected users": {"3"}, "Outage start": {"2026-07-12T15:00:00Z"}, "Contract number": {"C-1"}, "Responsible group": {"network-team"}, "Component": nil} {
		if !slices.Equal(x.Fields[name], want) {
			t.Errorf("%s: %q, want %q", name, x.Fields[name], want)
		}
	}
	if len(x.Comments) != 2 || x.Comments[0].Text != "we saw" || !x.Comments[0].Public || x.Approvals[0].State != "approved" {
		t.Errorf("%+v %+v", x.Comments, x.Approvals)
	}
	done(human.DeleteComment(key, note))
	done(admin.Delete(other))
	if len(tn.Issues()) != 1 || len(tn.Find("one")) != 1 || len(tn.Writes()) != 0 {
		t.Error("people's deeds are not the clients' writes")
	}
	for what, err := range map[string]error{
		"no person": tn.As("nobody@north.example").SetField(key, "summary", "x"), "no field": agent.SetField(key, "Nope", 1), "no way": agent.Transition(key, "Hand to vendor", nil),
		"no portal way": customer.Transition(key, "Close", nil), "no approval": agent.Answer(key, true), "not allowed": agent.Delete(key), "bad value": agent.SetField(key, "priority", "Nope"),
	} {
		if !errors.Is(err, ErrDeed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzSeed: a seed is refused or makes a tenant; it never breaks one.
func FuzzSeed(f *testing.F) {
	for _, s := range []*seed{northSeed(), southSeed(), commonSeed("client-a")} {
		raw, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := New(Config{Seed: raw}); err != nil {
			f.Fatalf("a built-in seed as JSON: %v", err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tn, err := New(Config{Seed: raw})
		if err != nil {
			return
		}
		p := Person{tn, tn.people.list[0]}
		key, err := p.CreateRequest(tn.desk.requestTypes[0].name, map[string]any{"summary": "x"})
		if err == nil {
			p.do("GET", "/rest/api/3/issue/"+key+"?expand=changelog,transitions.fields,transitions,editmeta,renderedFields", nil)
		}
	})
}
