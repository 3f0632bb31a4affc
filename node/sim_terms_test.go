package node_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// terms are what two companies agree beside a shape: which parts of a ticket cross, each way, and in which words.
type terms struct{ down, up passage } // from the north to the south, and back

// passage is what crosses one way. The zero value: no part does.
type passage struct {
	closed    bool   // the receiver's policy shows its customer nothing of a partner's
	files     bool   // those that the customer sees
	hidden    bool   // those that only agents see
	as        string // who sees them where they land: same, internal, public
	works     bool
	links     bool // between tickets, and to the web
	people    bool // participants
	approvals bool // noted
	rating    bool // put into fields
}

// everything crosses, and is shown to whom it was shown.
func everything() terms {
	all := passage{files: true, hidden: true, as: "same", works: true, links: true, people: true, approvals: true}
	down := all
	down.rating = true
	return terms{down, all}
}

// agreed draws the terms of a seed.
func agreed(seed int) terms {
	rng := rand.New(rand.NewPCG(uint64(seed), 13))
	most := func() bool { return rng.IntN(4) > 0 }
	draw := func() passage {
		return passage{
			closed: rng.IntN(4) == 0,
			files:  most(), hidden: rng.IntN(2) == 0, as: []string{"same", "same", "internal", "public"}[rng.IntN(4)],
			works: most(), links: most(), people: most(), approvals: most(),
		}
	}
	t := terms{draw(), draw()}
	t.down.rating = most()
	return t
}

// The persons who take part, each told of by one side alone, and who they are on the other.
var (
	northern = map[string]string{"customer@north.example": "customer@south.example", "portal@north.example": "portal@south.example"}
	southern = map[string]string{"desk@globex.example": "approver@north.example"}
)

// apply puts the terms into a shape's rules.
func (t terms) apply(s shape) shape {
	s.terms = t
	s.customer = peopled(s.customer, t, southern) + t.down.out() + t.up.in("")
	s.vendor = peopled(s.vendor, t, northern) + t.up.out() + t.down.in(`{ stars = "field:Number of users", text = "field:History notes" }`)
	return s
}

// peopled has rules know who takes part there.
func peopled(text string, t terms, persons map[string]string) string {
	if !t.down.people && !t.up.people {
		return text
	}
	var pairs []string
	for _, theirs := range slices.Sorted(maps.Keys(persons)) {
		pairs = append(pairs, fmt.Sprintf("%q = %q", theirs, persons[theirs]))
	}
	list := strings.Join(pairs, ", ")
	if strings.Contains(text, `share = "email"`) {
		return with(text, "\nmap = { ", "\nmap = { "+list+", ")
	}
	return with(text, `share = "name"`, "share = \"email\"\nmap = { "+list+" }\nelse = \"drop\"")
}

// out is what the sender's rules say.
func (p passage) out() (text string) {
	for _, one := range []struct {
		crosses bool
		entity  string
	}{{p.files, "attachments"}, {p.hidden, `"attachments.internal"`}, {p.works, "worklogs"}, {p.links, "links"},
		{p.people, "participants"}, {p.approvals, "approvals"}, {p.rating, "satisfaction"}} {
		if one.crosses {
			text += "\n[outgoing." + one.entity + "]\n"
		}
	}
	return text
}

// in is what the receiver's rules say.
func (p passage) in(ratingFields string) (text string) {
	if p.files || p.hidden {
		text += fmt.Sprintf("\n[incoming.attachments]\nas = %q\n", p.as)
	}
	for _, one := range []struct {
		crosses bool
		entity  string
	}{{p.works, "worklogs"}, {p.links, "links"}, {p.people, "participants"}} {
		if one.crosses {
			text += "\n[incoming." + one.entity + "]\n"
		}
	}
	if p.approvals {
		text += "\n[incoming.approvals]\nas = \"note\"\n"
	}
	if p.rating {
		text += "\n[incoming.satisfaction]\nfields = " + ratingFields + "\n"
	}
	return text
}

// sends reports whether a file leaves.
func (p passage) sends(public bool) bool { return public && p.files || !public && p.hidden }

// shows reports whether the customer sees a file where it lands.
func (p passage) shows(public bool) bool {
	return !p.closed && (p.as == "public" || p.as == "same" && public)
}
