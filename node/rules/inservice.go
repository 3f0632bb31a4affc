package rules

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// From the peer's approvals, clocks, portal, rating and articles to what is shown of them here: in fields, in an internal
// note that is kept up to date, as a web link, as a way through the workflow, or as our account's own answer.

// inService is the rule of one such entity under [incoming].
type inService struct {
	e      conf.Entity
	when   *expr
	block  string
	fields []serviceField
	status map[string]*inRule // by decision: what the ticket's status becomes
	to     map[string]string  // likewise, its name
	set    []*inRule          // queue
}

// inService compiles a table; ok is false where e is something else.
func (c *compiler) inService(e conf.Entity) (ok bool) {
	entity := e.Name.Value
	if !conf.ServiceEntity(entity) {
		return false
	}
	c.knowService()
	i := &inService{e: e, when: c.condition(e.When, append(serviceVariable(entity), "view")...), block: c.gate.refuses(entity)}
	if i.block != "" {
		c.warning(e.Name.Pos, "it is not taken: remove it here", "%s", i.block)
	}
	for _, m := range e.Service.Fields.Entries {
		if f, ok := c.serviceField(entity, m); ok {
			i.fields = append(i.fields, f)
		}
	}
	for _, m := range e.Service.Status.Entries {
		if r := c.serviceRule(conf.Text{Value: "status", Pos: m.To.Pos}, "approval"); r != nil {
			c.checkName(r.to, m.To)
			c.partnersWrite(r)
			if i.status == nil {
				i.status, i.to = map[string]*inRule{}, map[string]string{}
			}
			i.status[m.From.Value], i.to[m.From.Value] = r, m.To.Value
		}
	}
	if entity == "queue" {
		c.queueSets(i)
	}
	if _, known := c.service.fields["approvals"]; entity == "approvals" && e.As.Value == "answer" && c.schema != nil && !known {
		c.ps.Add(e.As.Pos, `as = "note" shows the partner's decision`, "the tenant has no approvals that could be answered")
	}
	if c.service.in == nil {
		c.service.in = map[string]*inService{}
	}
	c.service.in[entity] = i
	return true
}

// serviceRule makes a rule that writes a field from an item of the service desk's: what it writes is only shown, so it
// is cleared with its source.
func (c *compiler) serviceRule(name conf.Text, path replica.Path) *inRule {
	r := &inRule{e: conf.Entity{Name: name, Wins: conf.Text{Value: "latest"}, Empty: conf.Text{Value: "clear"}, Mode: conf.Text{Value: "add"}, Reopen: conf.Flag{Value: true}}, from: source{path: path}}
	if r.to = c.bind(name); r.to == nil {
		return nil
	}
	if c.schema != nil && columnOf(r.to.Type) == "" {
		c.ps.Add(name.Pos, "", "%s cannot be written: it is a %s field", r.to.Name, r.to.Type)
		return nil
	}
	if i := slices.IndexFunc(c.src.Incoming.Entities, func(e conf.Entity) bool { return e.Name.Value == name.Value }); i >= 0 && name.Value != "status" {
		c.ps.Add(name.Pos, "", "%s is written twice: also at line %d", r.to.Name, c.src.Incoming.Entities[i].Name.Pos.Line)
		return nil
	}
	return r
}

// partnersWrite applies what the policy says of what partners may write; a literal of the rules is our own word.
func (c *compiler) partnersWrite(r *inRule) {
	if r.block = c.gate.refuses(r.to.entity); r.block != "" {
		c.warning(r.e.Name.Pos, "it is not written: remove it here", "%s", r.block)
	}
}

// service plans what the peer's service desk tells of the ticket.
func (p *planner) service() {
	for _, entity := range []string{"approvals", "knowledge", "portal", "satisfaction", "sla"} {
		r := p.r.service.in[entity]
		if r == nil {
			continue
		}
		for _, path := range p.serviceDue(r, serviceKinds[entity]) {
			if it, there := p.in.Remote[path]; there {
				p.serviceItem(r, path, it)
			} else {
				p.serviceGone(r, path)
			}
		}
	}
	p.queue()
}

// serviceDue lists a kind's items that are to be judged now: all of them where what when reads of the view has changed.
func (p *planner) serviceDue(r *inService, kind string) (due []replica.Path) {
	add := func(path replica.Path) {
		if path.Kind() == kind && !slices.Contains(due, path) {
			due = append(due, path)
		}
	}
	for _, path := range p.in.Changed {
		add(path)
	}
	for path := range p.in.Waited {
		add(path)
	}
	if p.in.creating() || r.when.readsAny(p.in.Changed) {
		for path := range p.in.Remote {
			add(path)
		}
	}
	slices.Sort(due)
	return due
}

func (p *planner) serviceJudged(r *inService, path replica.Path, verdict Verdict, to, why string) {
	p.plan.Decisions = append(p.plan.Decisions, Decision{Path: path, FieldID: r.e.Name.Value, Field: r.e.Name.Value, To: to, Rule: place(r.e.Name.Pos), Verdict: verdict, Why: why})
}

func (p *planner) serviceHold(r *inService, path replica.Path, code, reason, next string) {
	p.plan.Held = append(p.plan.Held, Held{Path: path, Class: Definite, Code: code, Rule: place(r.e.Name.Pos), Reason: reason, Next: next})
	p.serviceJudged(r, path, Waits, "", reason)
}

// serviceItem judges one item that the peer has.
func (p *planner) serviceItem(r *inService, path replica.Path, it replica.Item) {
	if r.block != "" {
		p.plan.Held = append(p.plan.Held, dropped(path, r.block, place(r.e.Name.Pos)))
		p.serviceJudged(r, path, Skipped, "", r.block)
		return
	}
	v, err := it.Value()
	if err != nil || v.Kind() != serviceValue[path.Kind()] {
		p.serviceHold(r, path, Unreadable, fmt.Sprintf("%s of the peer cannot be read by this version.", path), "Update parley on both sides.")
		return
	}
	if r.e.Service.Clock.Value == "ours" {
		p.serviceJudged(r, path, Skipped, "", `clock = "ours"`)
		return
	}
	if r.when != nil {
		s := *p.scope
		switch v := v.(type) {
		case replica.Approval:
			s.approval = remoteApproval(v)
		case replica.SLA:
			s.sla = slaRecord(v)
		}
		ok, err := r.when.test(&s)
		if err != nil {
			p.serviceHold(r, path, Expression, fmt.Sprintf("%s is not shown: when cannot be decided, since %s.", path, err), "Correct the condition, or guard it with has().")
			return
		}
		if !ok {
			p.serviceJudged(r, path, Skipped, "", "when does not hold")
			return
		}
	}
	switch r.e.As.Value {
	case "field":
		p.serviceFields(r, path, v, it.At)
	case "transition":
		p.decisionMoves(r, path, v.(replica.Approval), it.At)
	case "answer":
		p.answer(r, path, v.(replica.Approval), it.At)
	case "web_link":
		p.page(r, path, v)
	default:
		p.serviceNote(r, path, p.told(r, v), it.At)
	}
}

// serviceValue is what an item of a kind holds.
var serviceValue = map[string]replica.Kind{"approval": replica.KindApproval, "sla": replica.KindSLA, "portal": replica.KindPortal,
	"satisfaction": replica.KindRating, "knowledge": replica.KindArticle}

func remoteApproval(a replica.Approval) *record {
	var people []*record
	for _, one := range a.Approvers {
		people = append(people, remotePerson(one.Person))
	}
	return approvalRecord(a.Name, a.Decision, timeOf(a.Created), timeOf(a.Completed), people)
}

// timeOf is a time that may be left out.
func timeOf(t replica.Time) (at time.Time) {
	if t != 0 {
		at = millis(t)
	}
	return at
}

// serviceNote writes an internal note, or brings the one that is there up to date.
func (p *planner) serviceNote(r *inService, path replica.Path, text string, at int64) {
	w := CommentWrite{Op: AddComment, Path: path, Body: jsm.Rich(adf.Text(text).JSON()), Created: at, Rule: place(r.e.Name.Pos)}
	local, known := p.in.twin(path)
	if !known || strings.HasPrefix(local, twinWebLink) { // a page, by rules of another time
		p.plan.Comments = append(p.plan.Comments, w)
		p.serviceJudged(r, path, Written, "a note", "new")
		return
	}
	switch twin := p.local(local); {
	case twin == nil:
		p.serviceJudged(r, path, Ours, "", "the note was deleted here")
	case slices.Equal(canonical(twin.Body), canonical(w.Body)):
		p.serviceJudged(r, path, Same, "a note", "")
	default:
		w.Op, w.LocalID, w.Public = EditComment, local, twin.Public
		p.plan.Comments = append(p.plan.Comments, w)
		p.serviceJudged(r, path, Written, "a note", "changed")
	}
}

// serviceGone follows the withdrawal of an item: its fields are cleared, its page goes, and its note says so.
func (p *planner) serviceGone(r *inService, path replica.Path) {
	local, known := p.in.twin(path)
	switch {
	case r.block != "" || p.in.Ticket == nil:
	case r.e.As.Value == "field":
		p.fieldsGone(r, path)
	case strings.HasPrefix(local, twinWebLink):
		p.plan.Parts = append(p.plan.Parts, PartWrite{Op: DeletePart, Path: path, LocalID: local, Rule: place(r.e.Name.Pos),
			Web: &jsm.RemoteLink{GlobalID: strings.TrimPrefix(local, twinWebLink)}})
		p.serviceJudged(r, path, Written, "", "withdrawn by the peer")
	case known:
		twin := p.local(local)
		if twin == nil {
			return
		}
		mark := fmt.Sprintf("No longer shown by %s", p.r.Peer)
		doc, err := adf.Parse(twin.Body)
		if err != nil || strings.HasPrefix(doc.Plain(), mark) {
			p.serviceJudged(r, path, Same, "", "it is marked already")
			return
		}
		p.plan.Comments = append(p.plan.Comments, CommentWrite{Op: MarkComment, Path: path, LocalID: local, Public: twin.Public,
			Created: twin.Created.UnixMilli(), Rule: place(r.e.Name.Pos), Body: jsm.Rich(doc.Prepend(mark + ":").JSON())})
		p.serviceJudged(r, path, Written, "", "withdrawn by the peer")
	}
}

// page plans a web link to an article, or to the portal's page. Its global id is made of the link and the item, so that
// the same one is written again and never a second.
func (p *planner) page(r *inService, path replica.Path, v replica.Value) {
	want := jsm.RemoteLink{GlobalID: p.in.GlobalID + string(path), AppName: "Knowledge base of " + p.r.Peer}
	switch v := v.(type) {
	case replica.Article:
		want.URL, want.Title = v.URL, v.Title
	case replica.Portal:
		want.URL, want.Title, want.Summary, want.AppName = v.URL, "Request at "+p.r.Peer, v.Status, "Portal of "+p.r.Peer
	}
	u, err := url.Parse(want.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || len(want.URL) > maxAddress {
		p.serviceHold(r, path, Refused, "A page of the peer has no plain address of the web.", `Let the partner correct it, or set as = "note".`)
		return
	}
	want.Title, want.Summary = cut(cmp.Or(strings.TrimSpace(want.Title), want.URL), maxTitle), cut(want.Summary, maxTitle)
	w := PartWrite{Op: AddPart, Path: path, Rule: place(r.e.Name.Pos), Web: &want}
	now, there := p.localWeb(want.GlobalID)
	local, known := p.in.twin(path)
	known = known && strings.HasPrefix(local, twinWebLink) // else a note, by rules of another time
	switch {
	case there && now.URL == want.URL && now.Title == want.Title && now.Summary == want.Summary:
		p.serviceJudged(r, path, Same, want.URL, "")
		return
	case known && !there:
		p.serviceJudged(r, path, Ours, "", "the link was deleted here")
		return
	case known:
		w.Op, w.LocalID = EditPart, twinWebLink+want.GlobalID
	}
	p.plan.Parts = append(p.plan.Parts, w)
	p.serviceJudged(r, path, Written, want.URL, "")
}
