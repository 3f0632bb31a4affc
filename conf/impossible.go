package conf

import (
	"fmt"
	"slices"
)

// What no account can write in Jira Service Management (facts section 8): such a wish is refused where it is
// written, with what to do instead. Words that merely do not exist are the business of wordsOf.

// An impossible wish stands in a table under [incoming].
type impossible struct {
	entity string
	words  []string // any of these is the wish; none: naming the entity at all
	as     []string // likewise, as a value of as
	unless func(p People, n *node) bool
	why    string
	hint   string
}

var computing = []string{"value", "map", "from", "else", "otherwise", "mode", "empty", "wins"}

var impossibles = []impossible{
	{entity: "sla", words: append([]string{"set"}, computing...), as: []string{"clock", "answer", "transition"},
		why:  "nobody writes an SLA: Jira runs its own clocks",
		hint: `as = "field" with fields = { "Time to resolution" = "field:Partner due" }, or as = "note", shows the partner's`},
	{entity: "satisfaction", words: append([]string{"set"}, computing...), as: []string{"answer", "rating", "transition"},
		why:  "only the customer may rate",
		hint: `as = "field" writes the rating into a number field, as = "note" into an internal note`},
	{entity: "queue", words: computing, as: []string{"answer", "field", "note", "transition"},
		why:  "nothing can be put into a queue, which is a filter",
		hint: `set = { "field:Team" = "Network", labels = ["vip"] } writes the fields that bring the ticket there`},
	{entity: "queue", words: []string{"set"}, unless: func(_ People, n *node) bool { return n.isTable },
		why:  "nothing can be put into a queue, which is a filter",
		hint: `set = { "field:Team" = "Network", labels = ["vip"] } writes the fields that bring the ticket there`},
	{entity: "approvals", words: append([]string{"set"}, computing...),
		why:  "an approval is answered by its approvers, and begins in the workflow",
		hint: `as = "note", "field" or "transition" shows the partner's decision; as = "answer" gives ours where our account is an approver`},
	{entity: "approvals", as: []string{"answer"}, unless: func(p People, _ *node) bool { return p.Match.IsSet() || p.Map.Pos.IsSet() },
		why:  "an answer is given on somebody's word, and without [people] nobody is known",
		hint: `add [people] with match = "email" or a map; or as = "note"`},
	{entity: "portal", words: append([]string{"set"}, computing...), as: []string{"answer", "transition"},
		why:  "what the portal shows follows from the ticket",
		hint: `write "status", "comments" or "participants" instead; as = "field", "note" or "web_link" shows the partner's`},
	{entity: "watchers", words: []string{"as", "value", "map"},
		why:  "a number of watchers cannot be written, only persons can",
		hint: `remove it, and let the partner share them with as = "people"; or read the number into a field: [incoming."field:Their watchers"] from = "watchers"`},
}

// refuseImpossible reports the first impossible wish of an entity's table, and whether there is one.
func refuseImpossible(t *table, p People, ps *Problems) bool {
	for _, w := range impossibles {
		if w.entity != t.n.name {
			continue
		}
		for _, k := range t.n.kids {
			said, _ := k.value.(string)
			wished := slices.Contains(w.words, k.name) || k.name == "as" && slices.Contains(w.as, said)
			if !wished || w.unless != nil && w.unless(p, k) {
				continue
			}
			ps.Add(k.key, w.hint, "%s: %s in %s", w.why, asWritten(k), t.where)
			return true
		}
	}
	return false
}

// asWritten is a word as it was written, with its value where that is short and plain.
func asWritten(k *node) string {
	if s, ok := k.value.(string); ok && len(s) <= 40 {
		return fmt.Sprintf("%s = %q", k.name, s)
	}
	return k.name
}
