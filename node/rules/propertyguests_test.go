package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"parley/jsm"
)

// guests are the participants of a case.
type guests struct {
	j                   *journey
	shared, taken, kept bool
	near                bool // only those of both.example are shared
	now                 []string
	posted              map[string]bool
	made                map[string]string // by guest: who takes part for them in the south
	own                 []string          // who takes part there anyway
}

func drawGuests(j *journey) {
	g := &guests{j: j, posted: map[string]bool{}, made: map[string]string{}}
	for _, d := range []*firm{j.north, j.south} {
		d.schema.Fields = append(d.schema.Fields, jsm.Field{ID: "customfield_98", Name: "Request participants", Custom: true, Type: jsm.Participants})
	}
	if g.shared = rapid.Bool().Draw(j.T, "shares participants"); g.shared {
		var words []string
		if g.near = rapid.IntRange(0, 2).Draw(j.T, "near ones") == 2; g.near {
			words = append(words, `when = 'person.email.domain() == "both.example"'`)
		}
		j.north.table("outgoing.participants", words...)
	}
	if g.taken = j.people.findable() && rapid.Bool().Draw(j.T, "takes participants"); g.taken {
		g.kept = rapid.Bool().Draw(j.T, "keeps participants")
		j.south.table("incoming.participants", fmt.Sprintf("deletes = %q", map[bool]string{true: "ignore", false: "delete"}[g.kept]))
	}
	if j.joined && rapid.Bool().Draw(j.T, "the lead takes part") {
		g.own = []string{"s-lead"}
		j.south.ticket.Fields["customfield_98"] = json.RawMessage(`[{"accountId":"s-lead"}]`)
	}
	g.edit()
	j.parts = append(j.parts, g)
}

func (g *guests) edit() {
	f := jsm.Field{ID: "customfield_98", Name: "participants", Type: jsm.MultiUser}
	g.now = drawValue(g.j.T, f)
	g.j.north.ticket.Fields[f.ID] = asJira(f, g.now)
}

func (g *guests) shares(p jsm.Person) bool {
	return g.shared && g.j.people.share != "company" && slices.Contains(g.now, p.AccountID) && (!g.near || strings.HasSuffix(p.Email, "@both.example"))
}

func (g *guests) arrive() {
	for _, p := range northern {
		was, now := g.posted[p.AccountID], g.shares(p)
		if g.posted[p.AccountID] = now; !g.taken || was == now {
			continue
		}
		there, nobody := g.j.people.is(p)
		switch {
		case !now:
			if !g.kept {
				delete(g.made, p.AccountID)
			}
		case nobody:
			g.noted(p)
		case !slices.Contains(g.own, there.AccountID):
			g.made[p.AccountID] = there.AccountID
		}
	}
}

// noted is a guest who is nobody in the south.
func (g *guests) noted(p jsm.Person) {
	if g.j.people.otherwise != "note" {
		return
	}
	why := "not known here"
	if len(g.j.people.candidates(p)) > 0 {
		why = "deactivated here"
	}
	g.j.notes[fmt.Sprintf("Takes part at north: %s (%s)", g.j.people.called(p), why)] = true
}

func (g *guests) compare() {
	want := slices.Clone(g.own)
	for _, account := range g.made {
		want = append(want, account)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	got, err := reads(g.j.south.ticket, g.j.south.participantsField())
	if err != nil || !slices.Equal(got, want) {
		g.j.fail("%q take part, and %q is right: %q at the north. %v", got, want, g.now, err)
	}
}
