package exchange_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// Two desks as somebody might have set them up, and what their people do, drawn before a world begins: nothing is drawn
// while two nodes are at work.

// A desk in a saga differs from the other in the names, types and options of its fields, its priorities and statuses.
type taleDesk struct {
	site, project, peer string
	fields              []taleField
	priorities          []string
	statuses            []string
}

// taleField is a custom field.
type taleField struct {
	name, kind string
	options    []string
}

// A bond is a field of the north's that is one with a field of the south's: what either holds the other holds, by names
// that belong together.
type bond struct {
	north, south taleField
	names        map[string]string // from the north's to the south's, one to one; nil: both call it the same
}

// A deed is what somebody does at a desk in one go.
type deed struct {
	values   map[string][]string // by field
	priority string              // "": it stays
	status   string
	comments []taleComment
	files    []taleComment // name and visibility
	work     []int64
	pages    []string
	guests   []string // who takes part then; nil: it stays
}

type taleComment struct {
	text   string
	public bool
}

// A saga is two desks, the bonds between them, and what is done: by the north, the south, the north, and then by both at
// the same time.
type saga struct {
	north, south taleDesk
	bonds        []bond
	priorities   map[string]string // from the north's to the south's
	statuses     map[string]string
	internal     bool // internal comments and files cross, too
	byline       bool
	deeds        []deed
}

// pools are values that fields of some kinds can hold, as sim.Ticket shows them.
var pools = map[string][]string{
	"text": {"Alpha", "two words", "7", "2026-11-22", "Grüße 👍"}, "paragraph": {"one line", "Alpha"}, "number": {"0", "7", "-2.5"},
	"date": {"2026-11-22", "2028-02-29"}, "datetime": {"2026-11-22T10:00:00Z", "1999-01-01T00:00:00Z"}, "url": {"https://a.example/x", "https://b.example/y?z=1"},
	"labels": {"one", "two", "three"}, "version": {"1.0", "2.0"}, "versions": {"1.0", "2.0", "3.0"}, "group": {"first-line", "second-line"},
	"groups": {"first-line", "second-line"}, "assets": {"Core router", "Mail server 1"}, "user": {"agent", "human"}, "users": {"agent", "human", "approver"},
}

// kinsfolk are the kinds that hold what another does, so that nothing is lost either way.
var kinsfolk = map[string][]string{
	"text": {"text", "paragraph"}, "paragraph": {"text", "paragraph"}, "number": {"number", "text"}, "date": {"date", "text"}, "url": {"url", "text"},
	"datetime": {"datetime"}, "select": {"select", "radio", "text"}, "radio": {"select", "radio"}, "multiselect": {"multiselect", "checkboxes", "labels"},
	"checkboxes": {"multiselect", "checkboxes"}, "cascading": {"cascading"}, "labels": {"labels"}, "version": {"version"}, "versions": {"versions"},
	"group": {"group"}, "groups": {"groups"}, "assets": {"assets"}, "user": {"user"}, "users": {"users"},
}

var taleOptions = map[string][][]string{ // of the north, and words for the same of the south
	"select": {{"High", "Low", "Odd one"}, {"hoch", "niedrig", "X/Y"}}, "radio": {{"Live", "Test", "Gone"}, {"live", "probe", "weg"}},
	"multiselect": {{"Router", "Phone", "Switch"}, {"R", "P", "S"}}, "checkboxes": {{"Rebooted", "Cables", "Logs"}, {"neu", "Kabel", "log"}},
	"cascading": {{"EU", "EU > Berlin", "EU > Rome", "Asia > Goa"}, {"Europe", "Europe > BER", "Europe > ROM", "India > Goa"}},
}

var taleNames = []string{"Impact", "Größe / Art", "a.b", "it's \"quoted\"", "x [y]", "Région"}

func drawSaga(t *rapid.T) *saga {
	w := &saga{internal: rapid.Bool().Draw(t, "internal words cross"), byline: rapid.Bool().Draw(t, "byline")}
	w.north = taleDesk{site: "north", project: "SUPPORT", peer: "south", priorities: []string{"Critical", "High", "Low"}, statuses: []string{"Waiting", "Working", "Done"}}
	w.south = taleDesk{site: "south", project: "HELP", peer: "north", priorities: rapid.Permutation([]string{"P1", "High", "Low"}).Draw(t, "south's priorities"),
		statuses: append([]string{"Open"}, rapid.Permutation([]string{"Working", "Shut"}).Draw(t, "south's statuses")...)}
	w.priorities, w.statuses = map[string]string{}, map[string]string{}
	for i, p := range rapid.Permutation(w.south.priorities).Draw(t, "priorities there") {
		w.priorities[w.north.priorities[i]] = p
	}
	for i, s := range rapid.Permutation(w.south.statuses[1:]).Draw(t, "statuses there") {
		w.statuses[w.north.statuses[i+1]] = s
	}
	w.statuses["Waiting"] = "Open" // where both begin
	for i := range rapid.IntRange(1, 5).Draw(t, "fields") {
		w.bonds = append(w.bonds, drawBond(t, i))
		w.north.fields, w.south.fields = append(w.north.fields, w.bonds[i].north), append(w.south.fields, w.bonds[i].south)
	}
	for i := range 5 {
		w.deeds = append(w.deeds, w.drawDeed(t, i))
	}
	return w
}

func drawBond(t *rapid.T, i int) bond {
	kind := rapid.SampledFrom(slices.Sorted(maps.Keys(kinsfolk))).Draw(t, "kind")
	b := bond{north: taleField{name: taleNames[i], kind: kind}, south: taleField{name: taleNames[i], kind: rapid.SampledFrom(kinsfolk[kind]).Draw(t, "kind in the south")}}
	if rapid.Bool().Draw(t, "called otherwise there") {
		b.south.name = "South " + b.south.name
	}
	options := taleOptions[kind]
	if options == nil {
		return b
	}
	b.north.options = options[0]
	there := options[0]
	if rapid.Bool().Draw(t, "other words there") {
		there = options[1]
		b.names = map[string]string{}
		for i, name := range options[0] {
			b.names[name] = there[i]
		}
	}
	if taleOptions[b.south.kind] != nil {
		b.south.options = there
	}
	return b
}

// there is a value of the north's as the south has it.
func (b bond) there(v []string) (out []string) {
	for _, one := range v {
		if to, ok := b.names[one]; ok {
			one = to
		}
		out = append(out, one)
	}
	slices.Sort(out)
	return out
}

func (w *saga) drawDeed(t *rapid.T, turn int) deed {
	d := deed{values: map[string][]string{}}
	south := turn%2 == 1
	label := fmt.Sprintf("turn %d", turn+1)
	some := func(what string) bool { return turn == 0 || rapid.Bool().Draw(t, label+" sets "+what) }
	for _, b := range w.bonds {
		if !some(b.north.name) {
			continue
		}
		pool, most := b.north.options, 1
		if pool == nil {
			pool = pools[b.north.kind]
		}
		if slices.Contains([]string{"multiselect", "checkboxes", "labels", "versions", "groups", "assets", "users"}, b.north.kind) {
			most = 2
		}
		v := rapid.SliceOfNDistinct(rapid.SampledFrom(pool), 0, most, rapid.ID).Draw(t, label+": "+b.north.name)
		if f := b.north; south {
			f = b.south
			d.values[f.name] = b.there(v)
		} else {
			d.values[f.name] = v
		}
	}
	desk := w.north
	if south {
		desk = w.south
	}
	if turn > 0 {
		d.priority = rapid.SampledFrom(append([]string{""}, desk.priorities...)).Draw(t, label+": priority")
		d.status = rapid.SampledFrom(append([]string{""}, desk.statuses...)).Draw(t, label+": status")
	}
	for i := range rapid.IntRange(0, 2).Draw(t, label+": comments") {
		d.comments = append(d.comments, taleComment{fmt.Sprintf("%s says %d-%d", desk.site, turn+1, i+1), rapid.Bool().Draw(t, "public")})
	}
	for range rapid.IntRange(0, 1).Draw(t, label+": files") {
		d.files = append(d.files, taleComment{rapid.SampledFrom([]string{"plan.png", "log.txt"}).Draw(t, "file"), rapid.Bool().Draw(t, "public")})
	}
	d.work = rapid.SliceOfN(rapid.SampledFrom([]int64{60, 5400}), 0, 1).Draw(t, label+": work")
	d.pages = rapid.SliceOfN(rapid.SampledFrom([]string{"https://else.example/x", "https://else.example/y"}), 0, 1).Draw(t, label+": pages")
	if !south {
		d.guests = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"customer", "human"}), 0, 2, rapid.ID).Draw(t, label+": participants")
	}
	return d
}

// seed is the desk as the simulation takes it.
func (d *taleDesk) seed(ids int) []byte {
	type m = map[string]any
	at := "@" + d.site + ".example"
	fields := []m{{"name": "Request Type", "type": "requesttype"}, {"name": "Organizations", "type": "organizations"}, {"name": "Request participants", "type": "participants"}, {"name": "Own note", "type": "text"},
		{"name": "Approvals", "type": "approvals"}, {"name": "Approvers", "type": "users"}, {"name": "Satisfaction", "type": "rating"}, {"name": "Satisfaction date", "type": "ratingdate"}}
	for _, f := range d.fields {
		one := m{"name": f.name, "type": f.kind}
		var options []m
		for _, o := range f.options {
			parent, child, two := strings.Cut(o, " > ")
			i := slices.IndexFunc(options, func(have m) bool { return have["value"] == parent })
			if i < 0 {
				i, options = len(options), append(options, m{"value": parent, "children": []string{}})
			}
			if two {
				options[i]["children"] = append(options[i]["children"].([]string), child)
			}
		}
		one["options"] = options
		fields = append(fields, one)
	}
	var people, statuses, transitions []m
	for _, role := range []string{"agent", "sync", "admin", "approver", "customer", "human"} {
		people = append(people, m{"email": role + at, "name": strings.ToUpper(role[:1]) + role[1:] + " " + d.site, "role": role})
	}
	for i, s := range d.statuses {
		statuses = append(statuses, m{"name": s, "category": []string{"new", "indeterminate", "done"}[i]})
		transitions = append(transitions, m{"name": "To " + s, "to": s})
	}
	seed, err := json.Marshal(m{
		"site": d.site, "project": d.project, "projectName": d.project, "otherProject": "OTHER", "ids": ids, "people": people, "priorities": d.priorities,
		"statuses": statuses, "transitions": transitions, "resolutions": []string{"Done"}, "issueTypes": []string{"Incident"}, "versions": []string{"1.0", "2.0", "3.0"},
		"groups": []m{{"name": "first-line", "members": []string{}}, {"name": "second-line", "members": []string{}}}, "fields": fields,
		"assets":       []m{{"label": "Core router", "type": "Router"}, {"label": "Mail server 1", "type": "Host"}},
		"requestTypes": []m{{"name": "Report", "issueType": "Incident", "form": []m{{"field": "summary", "required": true}, {"field": "description"}}}},
	})
	if err != nil {
		panic(err)
	}
	return seed
}

// rules are a side's: everything is shared and taken, each by the names of the other.
func (w *saga) rules(d *taleDesk) string {
	south := d == &w.south
	share := []string{"summary", "description", "priority", "status", "attachments", "comments", "worklogs", "links", "participants"}
	if w.internal {
		share = append(share, "comments.internal", "attachments.internal")
	}
	var tables strings.Builder
	for _, b := range w.bonds {
		ours, theirs, names := b.north, b.south, inverse(b.names)
		if south {
			ours, theirs, names = b.south, b.north, b.names
		}
		share = append(share, "field:"+ours.name)
		fmt.Fprintf(&tables, "[incoming.%q]\nfrom = %q\nempty = \"clear\"\n%s", "field:"+ours.name, "field:"+theirs.name, mapLine(names))
	}
	people := map[string]string{}
	for _, role := range []string{"agent", "human", "customer", "approver"} {
		people[role+"@"+d.peer+".example"] = role + "@" + d.site + ".example"
	}
	priorities, statuses := inverse(w.priorities), inverse(w.statuses)
	if south {
		priorities, statuses = w.priorities, w.statuses
	}
	trigger := ""
	if !south {
		trigger = "[trigger]\njql = 'project = SUPPORT AND labels = vendor-x'\n"
	}
	list, _ := json.Marshal(share)
	return fmt.Sprintf("peer = %q\nconnection = \"desk\"\nproject = %q\n%s[people]\nshare = \"email\"\n%s[outgoing]\nshare = %s\n[incoming]\naccept = [\"summary\", \"description\", \"worklogs\", \"links\", \"participants\"]\n"+
		"[incoming.create]\nproject = %q\nrequest_type = \"Report\"\n[incoming.comments]\nas = \"same\"\nbyline = %t\n[incoming.attachments]\nas = \"same\"\n[incoming.priority]\n%s[incoming.status]\n%s%s",
		d.peer, d.project, trigger, mapLine(people), list, d.project, w.byline, mapLine(priorities), mapLine(statuses), tables.String())
}

func inverse(names map[string]string) map[string]string {
	out := map[string]string{}
	for from, to := range names {
		out[to] = from
	}
	return out
}

func mapLine(names map[string]string) string {
	if len(names) == 0 {
		return ""
	}
	var entries []string
	for _, from := range slices.Sorted(maps.Keys(names)) {
		path := func(s string) string { return strconv.Quote(strings.ReplaceAll(s, " > ", " / ")) }
		entries = append(entries, path(from)+" = "+path(names[from]))
	}
	return "map = { " + strings.Join(entries, ", ") + " }\n"
}
