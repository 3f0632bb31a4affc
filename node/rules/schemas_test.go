package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// A pairing is one field of the sender's written to one of the receiver's, perhaps under other names.
type pairing struct {
	Coercion
	text   string // what the sender's field holds, where its type leaves a choice
	mapped bool   // Alpha is called beta here
}

// pairings draws, for some of the receiver's types, another type of the sender's that can come to it.
func pairings(t *rapid.T) (all []pairing) {
	free := rapid.Permutation(crossing).Draw(t, "sender's types")
	for _, to := range rapid.SliceOfNDistinct(rapid.SampledFrom(crossing), 1, 12, rapid.ID).Draw(t, "receiver's types") {
		i := slices.IndexFunc(free, func(from jsm.FieldType) bool {
			return CoercionOf(from, to).Way != Never && (from != jsm.WatchersType || columnOf(to) != cUsers)
		})
		if i < 0 {
			continue
		}
		p := pairing{Coercion: CoercionOf(free[i], to), text: fits(columnOf(to))}
		free = slices.Delete(free, i, i+1)
		named := p.Way == ByMap && slices.Contains([]column{cChoice, cChoices, cLabels}, columnOf(to)) && p.text == "Alpha"
		p.mapped = p.Way == MapOnly || named && p.From != jsm.NumberType && p.From != jsm.WatchersType && rapid.Bool().Draw(t, "mapped")
		if p.Way == Lossless && to == jsm.Text {
			p.text = rapid.StringMatching(`[\pL\pN .,:/äß-]{1,80}`).Draw(t, "text")
		}
		all = append(all, p)
	}
	return all
}

// said is what a view says of an entity, as a person reads it: an order of members means nothing.
func said(v replica.View, entity string) string {
	var parts []string
	for p, it := range v {
		if entityOf(p, it) != entity {
			continue
		}
		val, err := it.Value()
		if err != nil {
			return err.Error()
		}
		for _, one := range asList(val) {
			parts = append(parts, shown(one))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// Any two schemas and any ticket: what the rules share arrives as it was, after the maps, and a second sync
// writes nothing.
func TestAnyTwoSchemas(t *testing.T) {
	north, south := everyType(100), everyType(500)
	rapid.Check(t, func(t *rapid.T) {
		all := pairings(t)
		tk := ticket(nil)
		var share, back []string
		in := head + "[people]\nmatch = \"email\"\n"
		for _, p := range all {
			mine := holding(north, p.From, p.text)
			for id, raw := range mine.Fields {
				tk.Fields[id] = raw
			}
			if p.From == jsm.StatusType {
				tk.Status = mine.Status
			}
			if p.From == jsm.RequestTypeType {
				tk.RequestType = mine.RequestType
			}
			share, back = append(share, entityOfType(p.From)), append(back, entityOfType(p.To))
			in += fmt.Sprintf("[incoming.%q]\nfrom = %q\n", entityOfType(p.To), entityOfType(p.From))
			if p.mapped {
				in += "map = { Alpha = \"beta\", \"Alpha / One\" = \"beta\" }\notherwise = \"same\"\n"
			}
		}
		out := compiled(t, head+"[people]\nshare = \"email\"\n[outgoing]\nshare = "+list(share), north)
		theirs, held := out.View(linked(tk))
		if len(held) > 0 {
			t.Fatalf("not sent: %+v", held)
		}
		r := compiled(t, in+"[outgoing]\nshare = "+list(back), south)
		twin := ticket(nil)
		arrived := both(Arrival{Remote: theirs, Changed: sortedPaths(theirs), Ticket: twin})
		plan := r.Plan(arrived)
		if len(plan.Held) > 0 {
			t.Fatalf("%s\nheld: %+v", in, plan.Held)
		}
		carryOut(t, r, twin, plan)
		if again := r.Plan(arrived); !again.Empty() {
			t.Fatalf("%s\na second sync writes %+v %+v", in, again.Edit, again.Transition)
		}
		ours, held := r.View(linked(twin))
		if len(held) > 0 {
			t.Fatalf("unreadable afterwards: %+v", held)
		}
		for _, p := range all {
			agreed(t, p, said(theirs, entityOfType(p.From)), said(ours, entityOfType(p.To)))
		}
	})
}

func linked(tk *jsm.Ticket) Local {
	in := local(tk)
	in.Shared = func(string) (replica.LinkID, bool) { return replica.LinkID{1}, true }
	return in
}

// agreed: the receiver says what the sender said. Persons and tickets are others here; they must be there.
func agreed(t *rapid.T, p pairing, sent, got string) {
	want := sent
	if p.mapped {
		var parts []string
		for part := range strings.SplitSeq(strings.ReplaceAll(want, "Alpha / One", "beta"), ", ") {
			if part == "Alpha" {
				part = "beta"
			}
			if !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
		want = strings.Join(parts, ", ")
	}
	switch col := columnOf(p.To); {
	case col == cUser, col == cUsers, col == cParent, p.To == jsm.WatchersType:
		if got == "" {
			t.Fatalf("%+v: nobody arrived", p)
		}
		return
	}
	if got != want {
		t.Fatalf("%+v: sent %q, arrived %q", p, want, got)
	}
}

func compiled(t *rapid.T, text string, s *jsm.Schema) *Rules {
	src, err := conf.ParseRules(map[string][]byte{"c.toml": []byte(text)}, "c.toml")
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	r, err := Compile(src, nil, s)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return r
}
