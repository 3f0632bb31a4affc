package main

import (
	"fmt"
	"slices"
	"strings"

	"parley/jsm/sim"
	"parley/node"
)

// cases are the five cases, each with its files in testdata/demo/caseN.
var cases = []demoCase{
	{
		id: 1, name: "Vendor", play: playVendor,
		story:     "Northwind's tickets with the label vendor-x become problems at its vendor south. South resolves, and Northwind's ticket closes by itself.",
		companies: []string{"north", "south"}, partners: [][2]string{{"north", "south"}},
	},
	{
		id: 2, name: "First line, second line", play: playLines,
		story:     "A city's first line marks what the operator's second line must see. The citizen reads only what second line begins with (external).",
		companies: []string{"city", "operator"}, partners: [][2]string{{"city", "operator"}},
	},
	{
		id: 3, name: "Service provider with many clients", play: playProvider,
		story:     "Three clients call their highest priority Urgent, Critical and 1 - Blocker; the provider calls all three P1. No client learns of another.",
		companies: []string{"acme", "globex", "initech", "msp"}, partners: [][2]string{{"acme", "msp"}, {"globex", "msp"}, {"initech", "msp"}},
	},
	{
		id: 4, name: "Contractor", play: playContractor,
		story:     "Acme's contractor Bolt is replaced by Nova while a ticket is open. Nobody has an account at the other company, and the ticket keeps its history.",
		companies: []string{"acme", "bolt", "nova"}, partners: [][2]string{{"acme", "bolt"}},
	},
	{
		id: 5, name: "Subsidiaries", play: playSubsidiaries,
		story:     "The parent sees its subsidiaries' security incidents of the highest priority, and what they label group-visibility. Nothing else.",
		companies: []string{"alpha", "beta", "umbrella"}, partners: [][2]string{{"alpha", "umbrella"}, {"beta", "umbrella"}},
	},
}

func playVendor(s *drama) {
	customer, agent, vendor := s.at("north", sim.Customer), s.at("north", sim.Agent), s.at("south", sim.Agent)

	customer.raise("Get IT help", map[string]any{"summary": "The printer hums", "description": "All day long."})
	key := customer.raise("Get IT help", map[string]any{"summary": "VPN drops hourly", "description": "Since the update.", "priority": "Urgent"})
	agent.notes(key, "Customer is on the blue list.")
	agent.label(key, "vendor-x")
	s.sees("the labelled ticket is in the vendor's queue", s.like("south", "VPN drops", func(t sim.Ticket) (string, bool) {
		return t.RequestType + ", " + t.Status, t.Description == "Since the update."
	}))
	s.also("it bears the customer's name as organization, and Urgent as P1", s.like("south", "VPN drops", func(t sim.Ticket) (string, bool) {
		return fmt.Sprintf("organizations %v, priority %s", t.Organizations, t.Priority), slices.Equal(t.Organizations, []string{"Northwind"}) && t.Priority == "P1"
	}))

	agent.notes(key, "The vendor need not know of our audit.")
	customer.says(key, "It happened again at nine.")
	s.sees("the customer's words reach the vendor", s.commented("south", "VPN drops", "again at nine", false))
	customer.brings(key, "screen.png", 48<<10, "This is what I see: !screen.png|thumbnail!")
	s.sees("the customer's screenshot reaches the vendor, byte for byte", s.bears("south", "VPN drops", "screen.png", "north"))
	s.also("and stands as a picture in its comment", s.pictured("south", "VPN drops", "what I see", "screen.png"))
	twin := s.key("south", "VPN drops")
	vendor.moves(twin, "In Progress", "")
	s.sees("the vendor begins, and so does the customer's ticket", s.like("north", "VPN drops", func(t sim.Ticket) (string, bool) {
		return t.Status, t.Status == "In progress"
	}))
	vendor.says(twin, "A certificate had expired.")
	s.sees("the vendor's answer is an internal note for the customer's desk", s.commented("north", "VPN drops", "certificate had expired", false))
	vendor.moves(twin, "Resolved", "Fixed")
	s.sees("the vendor resolves, and the customer's ticket closes by itself", s.resolved("north", "VPN drops", "Closed", "Done"))

	s.holds("the ticket without the label never crossed", s.only("south", 1))
	s.holds("internal notes never left", s.nowhere("south", "blue list", "audit", "printer hums"))
}

func playLines(s *drama) {
	citizen, first := s.at("city", sim.Customer), s.at("city", sim.Agent)
	second, chief := s.at("operator", sim.Agent), s.at("operator", sim.Approver)

	citizen.raise("Technical question", map[string]any{"summary": "Where is my invoice?"})
	key := citizen.raise("Technical question", map[string]any{"summary": "Street lamps stay dark", "priority": "1 - Urgent"})
	first.label(key, "triage-required")
	s.sees("the marked ticket is with second line", s.like("operator", "Street lamps", func(t sim.Ticket) (string, bool) {
		return t.RequestType + ", priority " + t.Priority, t.Priority == "Highest"
	}))
	citizen.says(key, "The whole of Mill Road.")
	s.sees("the citizen's comment reaches second line", s.commented("operator", "Street lamps", "Mill Road", false))
	first.notes(key, "Fuse box 12 is ours.")
	s.sees("so does first line's internal note", s.commented("operator", "Street lamps", "Fuse box 12", false))

	twin := s.key("operator", "Street lamps")
	second.says(twin, "Box 12 has no power, sending Kim.")
	s.sees("what second line writes is internal at the city", s.commented("city", "Street lamps", "sending Kim", false))
	s.also("and until when second line had promised to answer", s.filled("city", "Street lamps", "Partner due", ""))
	second.says(twin, "(external) Your lamps shine again tonight.")
	s.sees("what it begins with (external) the citizen reads", s.commented("city", "Street lamps", "shine again tonight", true))

	second.moves(twin, "In Progress", "")
	s.sees("second line begins, and the city sees it", s.like("city", "Street lamps", func(t sim.Ticket) (string, bool) { return t.Status, t.Status == "Assigned" }))
	second.asks(twin, "Awaiting approval", chief)
	chief.approves(twin)
	s.sees("second line's chief approves the repair, and the city reads so", s.commented("city", "Street lamps", "pproved", false))
	second.moves(twin, "Done", "")
	s.sees("the resolution travels back", s.resolved("city", "Street lamps", "Finished", "Finished"))
	s.holds("the unmarked ticket stays at the city", s.only("operator", 1))
	s.holds("the citizen's name stays at the city", s.nowhere("operator", "City Customer"))
	s.holds("the citizen reads their own words and the external ones only", s.like("city", "Street lamps", func(t sim.Ticket) (string, bool) {
		n := 0
		for _, c := range t.Comments {
			if c.Public {
				n++
			}
		}
		return fmt.Sprintf("%d of %d comments are public", n, len(t.Comments)), n == 2
	}))
}

func playProvider(s *drama) {
	clients := []struct{ name, urgent, contract, secret, city string }{
		{"acme", "Urgent", "C-2026-017", "Acme's heron runs hot", "Oslo"},
		{"globex", "Critical", "C-2025-203", "Globex's otter stalls", "Berlin"},
		{"initech", "1 - Blocker", "C-2026-001", "Initech's stapler burns", "Oslo"},
	}
	provider := s.at("msp", sim.Agent)
	for _, c := range clients {
		s.at(c.name, sim.Customer).raise("Report a problem", map[string]any{"summary": c.secret, "priority": c.urgent, "Site": "Europe > " + c.city})
		s.sees(fmt.Sprintf("%s of %s becomes P1 at the provider", c.urgent, c.name), s.like("msp", c.secret, func(t sim.Ticket) (string, bool) {
			return "priority " + t.Priority, t.Priority == "P1"
		}))
		s.also("with the client's name and contract in its fields", s.like("msp", c.secret, func(t sim.Ticket) (string, bool) {
			who, what := strings.Join(t.Fields["Client"], ""), strings.Join(t.Fields["Contract reference"], "")
			return who + ", " + what, strings.EqualFold(who, c.name) && what == c.contract
		}))
		s.also("in the client's organization, with both levels of its site", s.like("msp", c.secret, func(t sim.Ticket) (string, bool) {
			site := strings.Join(t.Fields["Client site"], ", ")
			return fmt.Sprintf("organizations %v, %s", t.Organizations, site), len(t.Organizations) == 1 && strings.EqualFold(t.Organizations[0], c.name) && strings.Contains(site, c.city)
		}))
	}
	for _, c := range clients {
		provider.says(s.key("msp", c.secret), "We look into "+c.secret)
		s.sees("the provider's answer reaches "+c.name, s.commented(c.name, c.secret, "We look into", false))
	}
	for _, c := range clients {
		s.holds(fmt.Sprintf("P1 does not come back: %s still calls it %s", c.name, c.urgent), s.like(c.name, c.secret, func(t sim.Ticket) (string, bool) {
			return "priority " + t.Priority, t.Priority == c.urgent
		}))
	}
	provider.set(s.key("msp", clients[0].secret), "priority", "P2")
	s.sees("the provider lowers P1, and acme's ticket follows", s.like("acme", clients[0].secret, func(t sim.Ticket) (string, bool) {
		return "priority " + t.Priority, t.Priority == "Normal"
	}))
	for i, c := range clients {
		a, b := clients[(i+1)%3], clients[(i+2)%3]
		s.holds(c.name+" sees nothing of the other two", s.nowhere(c.name, a.secret, b.secret, a.contract, b.contract))
	}
}

func playContractor(s *drama) {
	customer, agent := s.at("acme", sim.Customer), s.at("acme", sim.Agent)
	bolt, nova := s.at("bolt", sim.Agent), s.at("nova", sim.Agent)

	key := customer.raise("Report a fault", map[string]any{"summary": "Gate 4 does not open"})
	agent.label(key, "contractor-bolt")
	s.sees("the ticket is with the contractor Bolt", s.like("bolt", "Gate 4", func(t sim.Ticket) (string, bool) { return t.RequestType, true }))
	customer.says(key, "It clicks twice.")
	s.sees("Bolt reads what the customer says", s.commented("bolt", "Gate 4", "clicks twice", false))
	bolt.says(s.key("bolt", "Gate 4"), "Changed the relay, the motor is next.")
	s.sees("the customer reads what Bolt says", s.commented("acme", "Gate 4", "motor is next", true))
	bolt.logs(s.key("bolt", "Gate 4"), 5400, "Relay changed.")
	s.sees("the hours that Bolt books are booked at Acme", s.like("acme", "Gate 4", func(t sim.Ticket) (string, bool) {
		return fmt.Sprintf("%d work logs", len(t.Work)), len(t.Work) == 1 && t.Work[0].Seconds == 5400
	}))

	s.replace("acme", "bolt", "nova")
	agent.unlabel(key, "contractor-bolt")
	agent.label(key, "contractor-nova")
	s.sees("Bolt is replaced: the ticket is with Nova", s.like("nova", "Gate 4", func(t sim.Ticket) (string, bool) { return t.RequestType, true }))
	s.also("with its history, in its order, and who said it", s.like("nova", "Gate 4", func(t sim.Ticket) (string, bool) {
		var said []string
		for _, c := range t.Comments {
			said = append(said, c.Text)
		}
		all := strings.Join(said, "\n")
		clicks, motor := strings.Index(all, "clicks twice"), strings.Index(all, "motor is next")
		return fmt.Sprintf("%d comments", len(said)), len(said) == 2 && clicks >= 0 && motor > clicks && strings.Contains(all, "bolt")
	}))

	twin := s.key("nova", "Gate 4")
	nova.moves(twin, "Assigned", "")
	s.sees("Nova begins", s.like("acme", "Gate 4", func(t sim.Ticket) (string, bool) { return t.Status, t.Status == "Working" }))
	nova.says(twin, "New motor fitted.")
	s.sees("the customer reads what Nova says", s.commented("acme", "Gate 4", "motor fitted", true))
	nova.moves(twin, "Finished", "")
	s.sees("Nova finishes, and Acme's ticket is solved", s.resolved("acme", "Gate 4", "Solved", "Solved"))
	s.holds("Bolt learns nothing of what came after", s.nowhere("bolt", "motor fitted", "nova", "Nova"))
	s.holds("nobody has an account at another company", s.strangers)
}

// replace ends a partnership and begins another.
func (s *drama) replace(at, old, next string) {
	if s.err != nil {
		return
	}
	c := s.w.companies[at]
	if _, err := node.Pause.Ask(s.w.ctx, c.home, node.ConnectionQuestion{Connection: old}); err != nil {
		s.fail(fmt.Errorf("pausing %s: %w", old, err))
		return
	}
	if _, err := node.PairRevoke.Ask(s.w.ctx, c.home, node.PeerQuestion{Peer: old}); err != nil {
		s.fail(fmt.Errorf("ending the pairing with %s: %w", old, err))
		return
	}
	s.fail(s.w.join(c, s.w.companies[next]))
}

// strangers makes sure that each company's accounts are its own.
func (s *drama) strangers() (string, bool) {
	n := 0
	for _, name := range s.w.names {
		for _, a := range s.w.companies[name].tenant.Accounts() {
			n++
			if !strings.HasSuffix(a.Email, "@"+name+".example") {
				return a.Email + " has an account at " + name, false
			}
		}
	}
	return fmt.Sprintf("%d accounts looked at", n), true
}

func playSubsidiaries(s *drama) {
	incident := func(summary, priority string) map[string]any {
		return map[string]any{"summary": summary, "priority": priority, "description": "Details stay in the subsidiary."}
	}
	visible := func(sub, words string) look {
		return s.like("umbrella", words, func(t sim.Ticket) (string, bool) {
			who := strings.Join(t.Fields["Partner reference"], "")
			return "from " + who + ", priority " + t.Priority, strings.EqualFold(who, sub)
		})
	}
	user, agent, beta := s.at("alpha", sim.Customer), s.at("alpha", sim.Agent), s.at("beta", sim.Customer)

	user.raise("IT help", incident("Alpha: laptop is slow", "Highest"))
	low := user.raise("Security Incident", incident("Alpha: odd mail", "Low"))
	label := user.raise("IT help", incident("Alpha: office moves", "Low"))
	user.raise("Security Incident", incident("Alpha: laptop stolen", "Highest"))
	s.sees("a security incident of the highest priority is seen by the parent", visible("alpha", "laptop stolen"))
	beta.raise("Security Incident", incident("Beta: door forced", "Highest"))
	s.sees("the other subsidiary's too", visible("beta", "door forced"))
	s.also("confidentially: by the parent's own security level", s.filled("umbrella", "laptop stolen", "Security Level", "Internal"))
	agent.points(label, "https://alpha.example/floor/7", "Plan of the new floor")
	agent.label(label, "group-visibility")
	s.sees("so is a ticket that gets the label", visible("alpha", "office moves"))
	s.also("with its link to the web", s.like("umbrella", "office moves", func(t sim.Ticket) (string, bool) {
		return strings.Join(t.WebLinks, ", "), slices.Contains(t.WebLinks, "https://alpha.example/floor/7")
	}))
	agent.set(low, "priority", "Highest")
	s.sees("and an incident that is raised to the highest priority", visible("alpha", "odd mail"))
	agent.moves(low, "In Progress", "")
	agent.moves(low, "Done", "")
	s.sees("the parent sees that it is closed, not the subsidiary's workflow", s.resolved("umbrella", "odd mail", "Done", "Done"))
	s.holds("the parent sees these four and no others", s.only("umbrella", 4))
	s.holds("descriptions stay in the subsidiaries", s.nowhere("umbrella", "Details stay", "laptop is slow"))
	s.holds("subsidiaries see nothing of each other", func() (string, bool) {
		if seen, ok := s.nowhere("alpha", "Beta:")(); !ok {
			return seen, ok
		}
		return s.nowhere("beta", "Alpha:")()
	})
}
