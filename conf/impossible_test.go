package conf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What JSM makes impossible is refused at its place, with what to do instead.
func TestTheImpossibleIsRefused(t *testing.T) {
	const top = "peer = \"globex\"\nproject = \"S\"\n"
	for _, c := range []struct{ text, at, why, hint string }{
		{"[incoming.sla]\nset = \"4h\"", "4:1", "Jira runs its own clocks: set = \"4h\" in [incoming.sla]", `as = "field"`},
		{"[incoming.sla]\nas = \"field\"\nvalue = 'view.sla'", "5:1", "nobody writes an SLA", `as = "note"`},
		{"[incoming.sla]\nmap = { a = \"b\" }", "4:1", "nobody writes an SLA: Jira runs its own clocks: map in", `as = "field"`},
		{"[incoming.satisfaction]\nas = \"answer\"", "4:1", "only the customer may rate", `number field`},
		{"[incoming.satisfaction]\nas = \"rating\"", "4:1", "only the customer may rate", `number field`},
		{"[incoming.satisfaction]\nset = 5", "4:1", "only the customer may rate", `number field`},
		{"[incoming.queue]\nvalue = 'view.queue'", "4:1", "nothing can be put into a queue", "writes the fields"},
		{"[incoming.queue]\nset = \"Network\"", "4:1", "nothing can be put into a queue", "writes the fields"},
		{"[incoming.queue]\nmap = { a = \"b\" }", "4:1", "nothing can be put into a queue", "writes the fields"},
		{"[incoming.approvals]\nset = \"approved\"", "4:1", "answered by its approvers", `as = "answer"`},
		{"[incoming.approvals]\nas = \"answer\"", "4:1", "without [people] nobody is known", `match = "email"`},
		{"[incoming.portal]\nset = \"Done\"", "4:1", "what the portal shows follows", `write "status"`},
		{"[incoming.watchers]\nas = \"count\"", "4:1", "only persons can", `from = "watchers"`},
		{"[incoming.watchers]\nvalue = '3'", "4:1", "only persons can", `as = "people"`},
	} {
		_, err := parseRules(t, top+c.text)
		var ps *Problems
		if !errors.As(err, &ps) || len(ps.List) != 1 {
			t.Errorf("%s\nwant one problem: %v", c.text, err)
			continue
		}
		p := ps.List[0]
		if at := fmt.Sprintf("%d:%d", p.Line, p.Col); at != c.at || !strings.Contains(p.Message, c.why) || !strings.Contains(p.Hint, c.hint) {
			t.Errorf("%s\n%s %s | %s", c.text, at, p.Message, p.Hint)
		}
	}
}

// The same words with what makes them possible are not called impossible.
func TestThePossibleIsNotCalledImpossible(t *testing.T) {
	const top = "peer = \"globex\"\nproject = \"S\"\n"
	for _, text := range []string{
		"[incoming.sla]\nas = \"field\"", "[incoming.satisfaction]\nas = \"note\"", "[incoming.queue]\nset = { labels = [\"vip\"] }",
		"[people]\nmatch = \"email\"\n[incoming.approvals]\nas = \"answer\"", "[incoming.approvals]\nas = \"note\"",
	} {
		_, err := parseRules(t, top+text)
		var ps *Problems
		if !errors.As(err, &ps) {
			continue
		}
		for _, p := range ps.List {
			for _, w := range impossibles {
				if strings.Contains(p.Message, w.why) {
					t.Errorf("%s: %s", text, p.Message)
				}
			}
		}
	}
}
