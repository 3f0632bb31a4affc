package rules

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"parley/jsm"
)

// A pair is a field of the north's that is written to one of the south's, perhaps under another name and as another type.
type pair struct {
	j         *journey
	from, to  jsm.Field
	fromAs    string // what the rules call it: an entity
	toAs      string
	elements  bool // each member crosses as an item of its own
	out, in   *naming
	when      bool // the north shares it while the summary begins with "go"
	wants     bool // the south takes it while the summary ends with "on"
	once      bool
	clear     bool // empty = "clear"
	add       bool // mode = "add"
	replace   bool // mode = "replace"
	creates   bool
	otherwise string // else without a map

	value  []string // in the north
	posted []string // what the south was shown last
	want   []string // what the south must hold
}

// naming is a map with what comes of names that are not in it.
type naming struct {
	to    map[string]string
	other string // else
	word  string // otherwise: hold, same, skip
}

type fate int

const (
	lands fate = iota
	skipped
	waits
)

// of is what a name becomes.
func (n *naming) of(name string) (string, fate) {
	if n == nil {
		return name, lands
	}
	if to, ok := n.to[name]; ok {
		return to, lands
	}
	switch {
	case n.other != "":
		return n.other, lands
	case n.word == "same":
		return name, lands
	case n.word == "skip":
		return "", skipped
	}
	return "", waits
}

func (n *naming) lines() (lines []string) {
	var entries []string
	for from, to := range n.to {
		entries = append(entries, fmt.Sprintf("%q = %q", from, to))
	}
	slices.Sort(entries)
	lines = append(lines, "map = { "+strings.Join(entries, ", ")+" }")
	switch {
	case n.other != "":
		lines = append(lines, fmt.Sprintf("else = %q", n.other))
	case n.word != "hold":
		lines = append(lines, fmt.Sprintf("otherwise = %q", n.word))
	}
	return lines
}

func drawNaming(t *rapid.T, label string, from, to []string) *naming {
	n := &naming{to: map[string]string{}, word: rapid.SampledFrom([]string{"hold", "same", "skip"}).Draw(t, label+" otherwise")}
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, min(3, len(from)), rapid.ID).Draw(t, label+" keys") {
		n.to[key] = rapid.SampledFrom(to).Draw(t, label+" gives")
	}
	if rapid.Bool().Draw(t, label+" has else") {
		n.other = rapid.SampledFrom(to).Draw(t, label+" else")
	}
	return n
}

// systemPairs are entities with a name of their own.
var systemPairs = []struct {
	entity string
	field  jsm.Field
}{
	{"priority", jsm.Field{ID: "priority", Name: "Priority", Type: jsm.Priority}},
	{"security_level", jsm.Field{ID: "security", Name: "Security level", Type: jsm.Security}},
	{"status", jsm.Field{ID: "status", Name: "Status", Type: jsm.StatusType}},
	{"environment", jsm.Field{ID: "environment", Name: "Environment", Type: jsm.Paragraph}},
	{"due_date", jsm.Field{ID: "duedate", Name: "Due date", Type: jsm.DateType}},
	{"assignee", jsm.Field{ID: "assignee", Name: "Assignee", Type: jsm.User}},
	{"labels", jsm.Field{ID: "labels", Name: "Labels", Type: jsm.Labels}},
	{"components", jsm.Field{ID: "components", Name: "Components", Type: jsm.Components}},
	{"organizations", jsm.Field{ID: "customfield_70", Name: "Organizations", Custom: true, Type: jsm.Organizations}},
	{"fix_versions", jsm.Field{ID: "fixVersions", Name: "Fix versions", Type: jsm.MultiVersion}},
}

var customTypes = []jsm.FieldType{jsm.Text, jsm.URL, jsm.Paragraph, jsm.NumberType, jsm.DateType, jsm.DateTime, jsm.Select, jsm.Radio,
	jsm.Cascading, jsm.MultiSelect, jsm.Checkboxes, jsm.Labels, jsm.User, jsm.MultiUser, jsm.Group, jsm.MultiGroup, jsm.Version, jsm.MultiVersion,
	jsm.ProjectType, jsm.AssetType}

var fieldNames = []string{"Impact", "Größe / Art", "a.b", "it's \"quoted\"", "x [y]", "Région"}

// hasOptions reports whether the names that a field of the type takes are known.
func hasOptions(t jsm.FieldType) bool {
	return t.OwnOptions() || slices.Contains([]jsm.FieldType{jsm.Priority, jsm.Security, jsm.Components, jsm.Version, jsm.StatusType}, t)
}

// drawPair adds a pair of fields that neither side has used.
func drawPair(j *journey, n int) {
	p := &pair{j: j}
	p.from, p.fromAs = drawField(j, j.north, n, nil)
	may := reaches[looks[p.from.Type]]
	if p.from.Type == jsm.StatusType {
		may = reaches[sStatus]
	}
	p.to, p.toAs = drawField(j, j.south, n, may)
	p.elements = slices.Contains([]string{"labels", "components", "fix_versions", "organizations"}, p.fromAs)
	p.drawOutgoing(n)
	p.drawIncoming()
	p.put(drawValue(j.T, p.from))
	if j.joined {
		p.want = drawHeld(j.T, p.to)
		if p.to.Type != jsm.StatusType {
			j.south.ticket.Fields[p.to.ID] = asJira(p.to, p.want)
		}
	}
	if p.to.Type == jsm.StatusType {
		p.want = []string{j.south.schema.Statuses[0].Name}
	}
	j.parts = append(j.parts, p)
}

// drawHeld is what the south's field holds before.
func drawHeld(t *rapid.T, f jsm.Field) []string {
	switch looks[f.Type] {
	case sPerson, sPeople:
		return rapid.SampledFrom([][]string{nil, {"s-lead"}}).Draw(t, "south's "+f.Name)
	}
	return drawValue(t, jsm.Field{ID: f.ID, Name: "in the south: " + f.Name, Type: f.Type, Options: f.Options})
}

// drawField gives a side a field of one of some looks; nil: of any.
func drawField(j *journey, d *firm, n int, of []look) (f jsm.Field, entity string) {
	fits := func(t jsm.FieldType) bool { return of == nil || slices.Contains(of, looks[t]) }
	var kinds []int // of systemPairs, and then of customTypes
	for i, s := range systemPairs {
		// A status that is not there is Jira's to refuse, so what is written to one goes by a map.
		named := s.field.Type != jsm.StatusType || of == nil || slices.Contains(of, sCascade)
		if _, err := d.schema.Field(s.field.ID); err != nil && named && fits(s.field.Type) {
			kinds = append(kinds, i)
		}
	}
	for i, t := range customTypes {
		if fits(t) {
			kinds = append(kinds, len(systemPairs)+i)
		}
	}
	kind := rapid.SampledFrom(kinds).Draw(j.T, d.name+"'s kind of field")
	if kind < len(systemPairs) {
		f, entity = systemPairs[kind].field, systemPairs[kind].entity
	} else {
		t := customTypes[kind-len(systemPairs)]
		f = jsm.Field{ID: "customfield_" + d.id(), Name: fieldNames[n], Custom: true, Type: t}
		if d == j.south && rapid.Bool().Draw(j.T, "called otherwise there") {
			f.Name = "South " + f.Name
		}
		entity = "field:" + f.Name
		if rapid.IntRange(0, 4).Draw(j.T, "has a namesake") == 4 {
			d.schema.Fields = append(d.schema.Fields, jsm.Field{ID: "customfield_" + d.id(), Name: f.Name, Custom: true, Type: jsm.Text})
			entity = f.ID
		}
	}
	switch {
	case f.Type == jsm.StatusType:
		for _, s := range d.schema.Statuses {
			f.Options = append(f.Options, s.Name)
		}
	case looks[f.Type] == sCascade:
		f.Options = rapid.SliceOfNDistinct(rapid.SampledFrom(treeOptions), 1, 4, rapid.ID).Draw(j.T, d.name+"'s options of "+f.Name)
		for _, o := range f.Options { // a child is listed with its parent
			if parent, _, _ := strings.Cut(o, " / "); !slices.Contains(f.Options, parent) {
				f.Options = append(f.Options, parent)
			}
		}
	case looks[f.Type] == sChoice, looks[f.Type] == sNames:
		f.Options = rapid.SliceOfNDistinct(rapid.SampledFrom(options), 2, 6, rapid.ID).Draw(j.T, d.name+"'s options of "+f.Name)
	}
	known := f
	if !hasOptions(f.Type) {
		known.Options = nil
	}
	d.schema.Fields = append(d.schema.Fields, known)
	return f, entity
}

// mappable are the looks whose values have names.
var mappable = []look{sLine, sChoice, sCascade, sNames, sLabels}

// drawOutgoing writes the north's rule. source is what the south reads.
func (p *pair) drawOutgoing(n int) {
	t, name := p.j.T, p.fromAs
	words := []string{}
	if rapid.IntRange(0, 4).Draw(t, "through a view item") == 4 && p.fromAs != "assignee" {
		name, p.elements = fmt.Sprintf("view:item %d", n), false
		words = append(words, fmt.Sprintf("from = %q", p.fromAs))
	}
	if p.when = rapid.IntRange(0, 3).Draw(t, "shared when") == 3; p.when {
		words = append(words, `when = 'ticket.summary.startsWith("go")'`)
	}
	if slices.Contains(mappable, looks[p.from.Type]) && rapid.IntRange(0, 2).Draw(t, "mapped by the north") == 2 {
		keys := p.from.Options
		if keys == nil {
			keys = labels
		}
		p.out = drawNaming(t, "north's map", keys, options)
		words = append(words, p.out.lines()...)
	}
	if len(words) == 0 && rapid.Bool().Draw(t, "by share") {
		p.j.north.named = append(p.j.north.named, name)
	} else {
		p.j.north.table(fmt.Sprintf("outgoing.%q", name), words...)
	}
	if p.fromAs = name; name == p.from.ID && p.from.Custom {
		p.fromAs = "field:" + p.from.Name
	}
}

// drawIncoming writes the south's rule.
func (p *pair) drawIncoming() {
	t, to := p.j.T, looks[p.to.Type]
	var words []string
	say := func(word, value string) { words = append(words, word+" = "+value) }
	flag := func(word string, weight int) bool { return rapid.IntRange(0, weight).Draw(t, word) == weight }
	if own := p.toAs == p.fromAs || p.toAs == p.to.ID && "field:"+p.to.Name == p.fromAs; !own || flag("from is written", 2) {
		say("from", fmt.Sprintf("%q", p.fromAs))
	}
	if slices.Contains(mappable, to) && slices.Contains(mappable, looks[p.from.Type]) && (flag("mapped by the south", 1) || looks[p.from.Type] == sCascade && to != sLine || p.to.Type == jsm.StatusType) {
		values, keys := p.to.Options, slices.Concat(p.from.Options, options[:2])
		if values == nil {
			values = labels
		}
		if p.from.Options == nil {
			keys = slices.Concat(labels, lines)
		}
		if p.in = drawNaming(t, "south's map", keys, values); p.to.Type == jsm.StatusType && p.in.word == "same" {
			p.in.word = "skip"
		}
		words = append(words, p.in.lines()...)
	}
	if p.wants = flag("when", 3); p.wants {
		say("when", `'view.summary.endsWith("on")'`)
	}
	if p.once = flag("once", 4); p.once {
		say("once", "true")
	}
	if p.clear = flag("empty", 1) && p.to.Type != jsm.StatusType; p.clear {
		say("empty", `"clear"`)
	}
	if p.to.Type.Set() {
		p.add, p.replace = flag("mode add", 4), flag("mode replace", 4)
		if p.replace = p.replace && !p.add; p.replace {
			say("mode", `"replace"`)
		} else if p.add {
			say("mode", `"add"`)
		}
	}
	if p.to.Custom && p.to.Type.OwnOptions() {
		if p.creates = flag("create", 3); p.creates {
			say("create", "true")
		}
		if p.in == nil && flag("else alone", 3) {
			p.otherwise = p.to.Options[0]
			say("else", fmt.Sprintf("%q", p.otherwise))
		}
	}
	if len(words) == 0 && flag("by accept", 1) {
		p.j.south.named = append(p.j.south.named, p.toAs)
		return
	}
	p.j.south.table(fmt.Sprintf("incoming.%q", p.toAs), words...)
}

// put sets the north's field.
func (p *pair) put(v []string) {
	p.value = v
	if p.from.Type == jsm.StatusType {
		i := slices.IndexFunc(p.j.north.schema.Statuses, func(s jsm.Status) bool { return s.Name == v[0] })
		p.j.north.ticket.Status = p.j.north.schema.Statuses[i]
		return
	}
	p.j.north.ticket.Fields[p.from.ID] = asJira(p.from, v)
}

func (p *pair) edit() { p.put(drawValue(p.j.T, p.from)) }

func (p *pair) compare() {
	got, err := reads(p.j.south.ticket, p.to)
	for i := range got {
		got[i] = unaliased(got[i])
	}
	if looks[p.to.Type] == sRich && len(p.want) > 0 {
		p.want = []string{squeezed(p.want[0])}
	}
	if err != nil || !slices.Equal(got, p.want) {
		p.j.fail("%s (%s) holds [%s], and [%s] is right: %s (%s) at the north is [%s], shown as [%s]. %v",
			p.toAs, p.to.Type, quotes(got), quotes(p.want), p.fromAs, p.from.Type, quotes(p.value), quotes(p.posted), err)
	}
}
