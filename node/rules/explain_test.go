package rules

import (
	"testing"

	"parley/jsm"
	"parley/replica"
)

// TestExplain says of each item why it crosses or does not, and shows nothing that a person typed unless asked.
func TestExplain(t *testing.T) {
	r := compile(t, `
[outgoing]
share = ["summary", "priority"]
[outgoing.labels]
map       = { vip = "gold" }
otherwise = "skip"
[outgoing."field:Impact"]
when = 'ticket.priority == "P3"'
[outgoing.comments]
[incoming]
accept = ["summary"]
[incoming.priority]
map  = { Urgent = "P1" }
[incoming."field:Contract reference"]
from = "view:contract"
`)
	here := ticket(map[string]string{
		"summary": `"VPN drops"`, "priority": `{"id":"1","name":"P1"}`, "labels": `["vip","vpn"]`, "customfield_1": `{"id":"1","value":"Minor"}`,
		"customfield_2": `"C-1"`, "customfield_3": `7`, "customfield_12": `{"id":"1"}`,
	})
	here.Comments = []jsm.Comment{{ID: "5", VisibilityKnown: true, Public: false, Body: jsm.Rich(rich("only ours"))}}
	_, held, out := r.Explain(Local{Ticket: here}, false)
	if len(held) > 0 {
		t.Fatalf("held: %+v", held)
	}
	type row struct {
		verdict Verdict
		mapped  bool
		why     string
	}
	want := map[replica.Path]row{
		"summary": {Written, false, ""}, "priority": {Written, false, ""}, "label/gold": {Written, true, ""},
		"label/vpn": {Skipped, false, "it is not in the map"}, "field:Impact": {Skipped, false, "when does not hold"},
		"comment/5": {Skipped, false, noRule}, "field:Contract reference": {Skipped, false, noRule}, "field:Seats": {Skipped, false, noRule},
		"field:Time to resolution": {Skipped, false, "no rule names sla"},
	}
	check := func(way string, fates []Fate, want map[replica.Path]row) {
		t.Helper()
		got := map[replica.Path]row{}
		for _, f := range fates {
			got[f.Path] = row{f.Verdict, f.Mapped, f.Why}
			if f.From == "VPN drops" || f.To == "VPN drops" || f.To == "C-2" {
				t.Errorf("%s: %s shows what a person typed: %+v", way, f.Path, f)
			}
		}
		for p, w := range want {
			if got[p] != w {
				t.Errorf("%s %s: %+v, want %+v", way, p, got[p], w)
			}
		}
	}
	check("out", out, want)

	remote := replica.View{
		"summary": replica.NewItem(replica.Text("VPN drops"), 1), "priority": replica.NewItem(replica.Option{Name: "Urgent"}, 1),
		"view:contract": replica.NewItem(replica.Text("C-1"), 1), "due_date": replica.NewItem(replica.Date("2027-01-01"), 1),
	}
	in := Arrival{Ticket: here, Remote: remote, Changed: []replica.Path{"due_date", "priority", "summary", "view:contract"}}
	_, fates := r.ExplainArrival(in, false)
	check("in", fates, map[replica.Path]row{
		"summary": {Same, false, ""}, "priority": {Same, true, ""}, "view:contract": {Same, true, ""}, "due_date": {Skipped, false, noRule},
	})
	if _, fates = r.ExplainArrival(in, true); !containsFate(fates, "view:contract", "C-1") {
		t.Error("with contents, what a person typed is not shown")
	}
}

func containsFate(fates []Fate, p replica.Path, from string) bool {
	for _, f := range fates {
		if f.Path == p && f.From == from {
			return true
		}
	}
	return false
}
