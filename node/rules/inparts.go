package rules

import (
	"fmt"
	"slices"
	"strings"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// inPart is the rule of one entity of parts under [incoming].
type inPart struct {
	e     conf.Entity
	when  *expr
	with  *mapping // links: from their kind of link to ours
	block string
}

// PartOp is what is done with a part.
type PartOp string

const (
	AddPart    PartOp = "add"    // becomes the twin of Path
	EditPart   PartOp = "edit"   // LocalID becomes what the write says
	DeletePart PartOp = "delete" // LocalID goes
	ForgetPart PartOp = "forget" // LocalID is gone on both sides: the item has no twin any more
	AdoptPart  PartOp = "adopt"  // LocalID, which somebody here made as well, becomes the twin: nothing is written
)

// PartWrite is one part to be written. Of the last four one is set, by the kind of Path.
type PartWrite struct {
	Op      PartOp
	Path    replica.Path // the remote item
	LocalID string       // of the twin, as the ledger knows it: "worklog/50"
	Created int64        // Unix ms by the peer's Jira; 0 unknown
	Rule    string

	Worklog *jsm.NewWorklog
	Link    *LinkWrite
	Web     *jsm.RemoteLink
	Person  *jsm.Person
}

// LinkWrite is a link from the ticket to Other, or with Reversed from Other to the ticket.
type LinkWrite struct {
	Type     jsm.LinkType
	Reversed bool
	Other    jsm.Option
}

// NoTwin is the code of what points to a ticket that has no twin here yet. It is judged again by itself when one is made.
const NoTwin = "no-twin"

// inPart compiles the rule of a part; false: the entity is none.
func (c *compiler) inPart(e conf.Entity) bool {
	kind, ok := partEntities[e.Name.Value]
	if !ok {
		return false
	}
	i := &inPart{e: e, when: c.condition(e.When, kind.variable), with: newMapping(e), block: c.gate.refuses(e.Name.Value)}
	if i.block != "" {
		c.warning(e.Name.Pos, "they are not taken: remove it here", "%s", i.block)
	}
	if e.Name.Value == "participants" {
		c.bind(e.Name)
		if !c.people.match && len(c.people.to) == 0 && c.people.otherwise != "user" {
			c.ps.Add(e.Name.Pos, `add [people] with match = "email" or a map`, "participants are persons, and without [people] nobody is found here")
		}
	}
	if c.parts.in == nil {
		c.parts.in = map[string]*inPart{}
	}
	c.parts.in[e.Name.Value] = i
	return true
}

// WantsLinkTypes reports whether Plan will look a kind of link up in Arrival.LinkTypes.
func (r *Rules) WantsLinkTypes(in Arrival) bool {
	return r.parts.in["links"] != nil && slices.ContainsFunc(in.Changed, func(p replica.Path) bool {
		_, there := in.Remote[p]
		return there && p.Kind() == "link"
	})
}

// participantsWanted lists the addresses that participants may have here.
func (r *Rules) participantsWanted(in *Arrival) (emails []string) {
	if i := r.parts.in["participants"]; i == nil || i.block != "" {
		return nil
	}
	for _, p := range in.participants() {
		if who, ok := remoteOf[replica.Person](in.Remote, p); ok {
			emails = append(emails, r.people.candidates(who)...)
			if r.people.otherwise == "user" {
				emails = append(emails, r.people.user)
			}
		}
	}
	return emails
}

// participants lists those that have changed; where one is gone, all, for another may take the place here.
func (in *Arrival) participants() (paths []replica.Path) {
	gone := false
	for _, p := range in.Changed {
		if p.Kind() == "participant" {
			_, there := in.Remote[p]
			paths, gone = append(paths, p), gone || !there
		}
	}
	if gone {
		for p := range in.Remote {
			if p.Kind() == "participant" {
				paths = append(paths, p)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func remoteOf[T replica.Value](remote replica.View, p replica.Path) (v T, ok bool) {
	if it, there := remote[p]; there {
		if got, err := it.Value(); err == nil {
			v, ok = got.(T)
		}
	}
	return v, ok
}

// parts plans what the peer's parts come to here.
func (p *planner) parts() {
	var gone []replica.Path // last: what they leave here may have an heir
	for _, path := range p.in.Changed {
		r := p.r.parts.in[PartOf(path.Kind())]
		if r == nil {
			continue
		}
		if _, there := p.in.Remote[path]; !there {
			gone = append(gone, path)
			continue
		}
		if r.block != "" {
			p.plan.Held = append(p.plan.Held, dropped(path, r.block, place(r.e.Name.Pos)))
			p.judgedPart(r, path, Skipped, r.block)
			continue
		}
		p.part(r, path)
	}
	for _, path := range gone {
		p.partGone(p.r.parts.in[PartOf(path.Kind())], path)
	}
	slices.SortStableFunc(p.plan.Parts, func(a, b PartWrite) int { return int(min(max(a.Created-b.Created, -1), 1)) })
}

func (p *planner) part(r *inPart, path replica.Path) {
	s := *p.scope
	var act func()
	switch path.Kind() {
	case "worklog":
		if w, ok := remoteOf[replica.Worklog](p.in.Remote, path); ok {
			s.worklog = worklogRecord(plainOf(w.Text), w.Seconds, remotePerson(w.Author), millis(w.Started), millis(w.Created))
			act = func() { p.worklog(r, path, w) }
		}
	case "link":
		if l, ok := remoteOf[replica.Relation](p.in.Remote, path); ok {
			s.link = fields("link", map[string]any{"kind": "ticket", "type": l.Type})
			act = func() { p.relation(r, path, l) }
		}
	case "web_link":
		if l, ok := remoteOf[replica.WebLink](p.in.Remote, path); ok {
			s.link = fields("link", map[string]any{"kind": "web", "url": l.URL, "title": l.Title})
			act = func() { p.webLink(r, path, l) }
		}
	case "participant":
		if who, ok := remoteOf[replica.Person](p.in.Remote, path); ok {
			s.person = remotePerson(who)
			act = func() { p.participant(r, path, who) }
		}
	}
	if act == nil {
		p.holdPart(r, path, Unreadable, fmt.Sprintf("%s of the peer cannot be read by this version.", path), "Update parley on both sides.")
		return
	}
	if r.when != nil {
		ok, err := r.when.test(&s)
		if err != nil {
			p.holdPart(r, path, Expression, fmt.Sprintf("%s is not written: when cannot be decided, since %s.", path, err), "Correct the condition, or guard it with has().")
			return
		}
		if !ok {
			p.judgedPart(r, path, Skipped, "when does not hold")
			return
		}
	}
	act()
}

func (p *planner) holdPart(r *inPart, path replica.Path, code, reason, next string) {
	p.plan.Held = append(p.plan.Held, Held{Path: path, Class: Definite, Code: code, Rule: place(r.e.Name.Pos), Reason: reason, Next: next})
	p.judgedPart(r, path, Waits, reason)
}

func (p *planner) judgedPart(r *inPart, path replica.Path, verdict Verdict, why string) {
	d := Decision{Path: path, FieldID: r.e.Name.Value, Field: map[string]string{
		"worklog": "Work log", "link": "Link", "web_link": "Web link", "participant": "Participant"}[path.Kind()],
		Rule: place(r.e.Name.Pos), Verdict: verdict, Why: why}
	p.plan.Decisions = append(p.plan.Decisions, d)
}

// writePart plans a write.
func (p *planner) writePart(r *inPart, w PartWrite, why string) {
	w.Rule = place(r.e.Name.Pos)
	p.plan.Parts = append(p.plan.Parts, w)
	p.judgedPart(r, w.Path, Written, why)
}

// partGone follows a deletion at the origin. What was never made of it here stays.
func (p *planner) partGone(r *inPart, path replica.Path) {
	local, known := p.in.twin(path)
	if path.Kind() == "web_link" {
		local, known = twinWebLink+p.in.GlobalID+string(path), true
	}
	if !known || r.block != "" || p.in.Ticket == nil {
		return
	}
	there := false
	w := PartWrite{Op: DeletePart, Path: path, LocalID: local}
	switch path.Kind() {
	case "worklog":
		now, all := p.localWorklog(local)
		there = now != nil || !all
	case "link":
		there = p.holdsLink(local) && !slices.ContainsFunc(p.plan.Parts, func(o PartWrite) bool { return o.Op == AdoptPart && o.LocalID == local })
	case "web_link": // by its own id: it may have come late
		_, there = p.localWeb(strings.TrimPrefix(w.LocalID, twinWebLink))
	case "participant":
		account := strings.TrimPrefix(local, twinParticipant)
		w.Person = &jsm.Person{AccountID: account}
		if f := p.r.fields["participants"]; f != nil {
			now, err := valueOf(p.in.Ticket, f)
			people, _ := now.([]jsm.Person)
			there = err != nil || slices.ContainsFunc(people, func(o jsm.Person) bool { return o.AccountID == account })
		}
		if heir, found := p.heir(r, path, account); there && found { // who comes to the same person here
			p.plan.Parts = append(p.plan.Parts, PartWrite{Op: AdoptPart, Path: heir, LocalID: local, Rule: place(r.e.Name.Pos)})
			there = false
		}
	}
	switch {
	case !there:
		if _, twin := p.in.twin(path); twin {
			w.Op, w.Rule, w.Person = ForgetPart, place(r.e.Name.Pos), nil
			p.plan.Parts = append(p.plan.Parts, w)
		}
		p.judgedPart(r, path, Same, "it is not here")
	case r.e.Deletes.Value == "ignore":
		p.judgedPart(r, path, Skipped, `deletes = "ignore"`)
	default:
		p.writePart(r, w, "deleted by the peer")
	}
}
