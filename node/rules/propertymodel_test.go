package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// The whole ticket, for any two schemas: what the rules share arrives equal after both sides' maps, and a second sync
// writes nothing. A case is drawn part by part (propertyfields, propertytalk, …); each part knows what it shares and, in
// plain code of its own, what must then stand on the other side.

// A part of a case: fields, comments, files …
type part interface {
	edit()    // people in the north change it
	arrive()  // moves what is expected in the south, by what the rules share now
	compare() // looks at the south's ticket
}

// A journey is one drawn case: two companies and a ticket of the north's.
type journey struct {
	*rapid.T
	north, south *firm
	people       folk
	parts        []part
	files        *files
	article      *jsm.RemoteLink // that hangs on the north's ticket
	notes        map[string]bool // internal notes that the south must have, beside everything else: plain text, or canonical
	claimed      map[string]bool // ids of the south's comments that some part knows
	joined       bool            // the south's ticket was there before; else it is made
	wakes        bool            // the south's ticket is being made now
	now          time.Time
	since        time.Time // comments and work logs before it stay home; zero: none do
	summary      *summary  // which conditions read
}

// firm is one company: its tenant, its rules and its ticket.
type firm struct {
	j      *journey
	name   string // as [people] and notes call it
	schema *jsm.Schema
	named  []string        // of share or accept
	tables strings.Builder // of the direction that the case uses
	rules  *Rules
	ticket *jsm.Ticket
	site   string
	ids    int

	remote replica.View            // what the peer has posted
	seq    map[replica.Path]int    // how often it has posted an item
	twins  map[replica.Path]string // what was made here of the peer's items
	media  map[string]string       // media ids of files
	others map[string]replica.LinkID
}

func (d *firm) id() string {
	d.ids++
	return fmt.Sprint(d.ids)
}

func (d *firm) table(name string, lines ...string) {
	fmt.Fprintf(&d.tables, "[%s]\n%s\n", name, strings.Join(lines, "\n"))
}

// view is what the desk shows the peer now.
func (d *firm) view(posted replica.View) replica.View {
	in := Local{Ticket: d.ticket, Company: d.name, Secret: []byte("secret"), Twins: map[string]bool{}, Posted: posted, Account: "parley"}
	for _, local := range d.twins {
		in.Twins[local] = true
	}
	in.Site, in.Files = d.site, d.media
	in.Since = d.j.since
	in.Sum = func(a jsm.Attachment) (replica.Hash, bool, *Held) {
		return replica.Hash{byte(len(a.ID)), a.ID[len(a.ID)-1]}, true, nil
	}
	in.Shared = func(id string) (replica.LinkID, bool) { l, ok := d.others[id]; return l, ok }
	in.SharedKey = func(key string) bool { _, ok := d.others[strings.TrimPrefix(key, "NO-")]; return ok }
	in.Origin = d.origin
	view, held := d.rules.View(in)
	for _, h := range held { // what waits on its way out stays as the peer has it, as package exchange does
		if it, was := posted[h.Path]; was && h.Code != Dropped {
			view[h.Path] = it
		}
	}
	return view
}

func (d *firm) origin(local string) (replica.Path, bool) {
	for p, l := range d.twins {
		if l == local {
			return p, true
		}
	}
	return "", false
}

// plan judges what the peer has posted.
func (d *firm) plan(changed []replica.Path) Plan {
	in := Arrival{Remote: d.remote, Changed: changed, Ticket: d.ticket, GlobalID: OursGlobally + "l:", Account: "parley", LocalNode: "s", PeerNode: "n"}
	in.Twin = func(p replica.Path) (string, bool) { l, ok := d.twins[p]; return l, ok }
	in.Shared = func(l replica.LinkID) (jsm.Option, bool) {
		for id, other := range d.others {
			if other == l {
				return jsm.Option{ID: id, Value: "SO-" + id}, true
			}
		}
		return jsm.Option{}, false
	}
	in.TextsIn = TextsIn{NewerTexts: true, Files: d.media, Site: d.site, PeerSite: d.j.north.site, Origin: d.origin,
		TwinKey: func(theirs string) (string, bool) {
			for id, link := range d.j.north.others {
				if "NO-"+id == theirs {
					here, ok := in.Shared(link)
					return here.Value, ok
				}
			}
			return "", false
		}}
	if d.rules.WantsLinkTypes(in) {
		in.LinkTypes = southernLinks
	}
	wanted := d.rules.EmailsWanted(in) // nobody else is looked up
	in.Person = func(mail string) (jsm.Person, bool) {
		i := slices.IndexFunc(southern, func(p jsm.Person) bool { return p.Email == mail && slices.Contains(wanted, mail) })
		if i < 0 {
			return jsm.Person{}, false
		}
		return southern[i], true
	}
	plan := d.rules.Plan(in)
	plan.Comments = slices.DeleteFunc(plan.Comments, func(w CommentWrite) bool { // a change is noted once, as package exchange does
		_, noted := d.twins[d.noteOf(w.Path)]
		return w.Op == NoteComment && noted
	})
	return plan
}

// noteOf names the note about an item as it is now.
func (d *firm) noteOf(p replica.Path) replica.Path {
	return replica.Path(fmt.Sprintf("%s/note/%d", p, d.seq[p]))
}

// sync brings the south to what the north shows now, as often as pictures that come later ask for it.
func (j *journey) sync() {
	before := j.south.remote
	posted := j.north.view(before)
	set, gone := replica.Diff(before, posted)
	j.south.remote = j.crossed(posted)
	changed := append(slices.Collect(maps.Keys(set)), gone...)
	j.wakes = j.south.ticket == nil
	for _, p := range changed {
		j.south.seq[p]++
	}
	for round := 0; ; round++ {
		slices.Sort(changed)
		plan := j.south.plan(slices.Compact(changed))
		j.south.perform(plan)
		if plan.Awaits == nil || round == 2 {
			return
		}
		changed = slices.Collect(maps.Keys(plan.Awaits))
	}
}

// crossed is a view after the wire.
func (j *journey) crossed(v replica.View) replica.View {
	if len(v) == 0 {
		return v
	}
	back, err := replica.DecodeView(v.Encode())
	if err != nil || back.Hash() != v.Hash() {
		j.fail("the view does not survive the wire: %v", err)
	}
	return back
}

// settled: a second sync sends nothing and writes nothing, whatever is judged.
func (j *journey) settled() {
	set, gone := replica.Diff(j.south.remote, j.north.view(j.south.remote))
	if len(set)+len(gone) > 0 {
		j.fail("a second sync sends %v, and takes back %v", slices.Sorted(maps.Keys(set)), gone)
	}
	if plan := j.south.plan(sortedPaths(j.south.remote)); !plan.Empty() {
		j.fail("a second sync writes %+v %+v %s", plan.Edit, plan.Transition, inShort(plan))
	}
}

// perform does what a plan says, as Jira shows it then.
func (d *firm) perform(p Plan) {
	d.j.now = d.j.now.Add(time.Minute)
	if p.Create != nil {
		d.ticket = &jsm.Ticket{ID: "900", Key: "SO-900", Project: d.schema.Project, Created: d.j.now, Status: d.schema.Statuses[0], Fields: map[string]json.RawMessage{}}
		for id, v := range p.Create.Fields {
			f, err := d.schema.Field(id)
			if err != nil {
				d.j.fail("the form's field %s: %v", id, err)
			}
			d.write(f, v)
		}
	}
	if d.ticket == nil {
		d.j.fail("no ticket is made: %+v", p.Held)
	}
	d.change(p)
	for _, w := range p.Attachments {
		d.attach(w)
	}
	for _, w := range p.Comments {
		d.comment(w)
	}
	for _, w := range p.Parts {
		d.part(w)
	}
}

func (j *journey) fail(format string, args ...any) {
	j.T.Helper()
	j.T.Fatalf("%s\n\n--- the north's rules\n%s\n--- the south's rules\n%s\n--- the north's ticket\n%s", fmt.Sprintf(format, args...),
		j.north.text(), j.south.text(), j.north.shown())
}

// text is the desk's rules.
func (d *firm) text() string {
	list, direction := "share", "outgoing"
	if d == d.j.south {
		list, direction = "accept", "incoming"
	}
	names, _ := json.Marshal(d.named)
	return fmt.Sprintf("peer = %q\nproject = %q\n%s[%s]\n%s = %s\n%s", d.peer(), d.schema.Project.Value, d.j.people.table(d), direction, list, names, d.tables.String())
}

func (d *firm) peer() string {
	if d == d.j.south {
		return "north"
	}
	return "south"
}

func (d *firm) shown() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(d.ticket.Fields)) {
		fmt.Fprintf(&b, "%s = %s\n", id, d.ticket.Fields[id])
	}
	for _, c := range d.ticket.Comments {
		fmt.Fprintf(&b, "comment %s public=%t known=%t restricted=%t: %s\n", c.ID, c.Public, c.VisibilityKnown, c.Restricted, c.Body)
	}
	for _, a := range d.ticket.Attachments {
		fmt.Fprintf(&b, "file %s %q %d public=%t\n", a.ID, a.Name, a.Size, a.Customer())
	}
	return b.String()
}

// compile makes the desk's rules.
func (d *firm) compile() {
	src, err := conf.ParseRules(map[string][]byte{"c.toml": []byte(d.text())}, "c.toml")
	if err == nil {
		d.rules, err = Compile(src, nil, d.schema)
	}
	if err != nil {
		d.j.T.Fatalf("%s\n%v", d.text(), err)
	}
}
