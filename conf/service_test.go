package conf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestServiceWords(t *testing.T) {
	r, err := parseRules(t, `peer = "globex"
project = "S"
[outgoing]
share = ["portal", "satisfaction", "knowledge"]
[outgoing.approvals]
when = 'approval.decision != "pending"'
[incoming]
accept = ["approvals", "portal"]
[incoming.sla]
clock = "both"
fields = { "Time to resolution" = "field:Partner due", "Time to resolution / paused" = "field:Partner paused" }
[incoming.queue]
name = "VIP"
set = { "field:Team" = "Network", labels = ["vip"] }
[incoming.knowledge]
as = "note"
`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range r.Incoming.Items() {
		got[e.Name.Value] = fmt.Sprint(e.As.Value, " ", e.Service.Clock.Value, " ", len(e.Service.Fields.Entries), " ", e.Service.Queue.Value, " ", len(e.Service.Set))
	}
	for entity, want := range map[string]string{
		"approvals": "note  0  0", "portal": "note  0  0", "sla": "field both 2  0", "queue": "internal  0 VIP 2", "knowledge": "note  0  0",
	} {
		if got[entity] != want {
			t.Errorf("%s: %q, want %q", entity, got[entity], want)
		}
	}
}

func TestServiceWordsThatSayNothing(t *testing.T) {
	const top = "peer = \"globex\"\nproject = \"S\"\n"
	for _, c := range []struct{ text, at, why, hint string }{
		{"[outgoing]\nshare = [\"queue\"]", "4:10", "a queue does not cross", "[incoming.queue]"},
		{"[outgoing.queue]\nwhen = 'true'", "3:11", "a queue does not cross", "[incoming.queue]"},
		{"[incoming.sla]\nas = \"field\"", "4:6", "names no field", "Time to resolution"},
		{"[incoming.sla]\nas = \"note\"\nfields = { a = \"field:b\" }", "5:10", "say nothing", `as = "field"`},
		{"[incoming.sla]\nclock = \"mine\"", "4:9", "clock", ""},
		{"[incoming.approvals]\nas = \"transition\"", "4:6", "names no status", "approved"},
		{"[incoming.approvals]\nstatus = { approved = \"Open\" }", "4:10", "says nothing", "transition"},
		{"[incoming.approvals]\nas = \"transition\"\nstatus = { maybe = \"Open\" }", "5:12", "no decision", "declined"},
		{"[incoming.queue]\nname = \"VIP\"", "3:11", "what puts a ticket there", "labels"},
		{"[incoming.queue]\nname = \"VIP\"\nset = { lables = [\"vip\"] }", "5:9", "no item called", "labels"},
		{"[incoming.knowledge]\nfields = { a = \"field:b\" }", "4:1", "unknown word", ""},
		{"[incoming.portal]\nas = \"answer\"", "4:1", "what the portal shows follows", "web_link"},
	} {
		_, err := parseRules(t, top+c.text)
		var ps *Problems
		if !errors.As(err, &ps) {
			t.Errorf("%s\nno problems: %v", c.text, err)
			continue
		}
		p := ps.List[0]
		if at := fmt.Sprintf("%d:%d", p.Line, p.Col); at != c.at || !strings.Contains(p.Message, c.why) || !strings.Contains(p.Hint, c.hint) {
			t.Errorf("%s\n%s %s | %s", c.text, at, p.Message, p.Hint)
		}
	}
}
