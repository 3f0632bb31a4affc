package rules

import (
	"errors"
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

// Parts of a ticket that are neither fields nor comments: work logs, links between tickets and to the web,
// participants, sub-tasks. Each is an item of its own, known by the id that it has here, so that it is followed
// and taken back by its origin alone; what came in from the peer is left out by its twin.

// outPart is the rule of one such entity under [outgoing].
type outPart struct {
	e     conf.Entity
	when  *expr
	never string
}

// partEntities are the entities of parts: the kinds of their items, and the variable that when reads.
var partEntities = map[string]struct {
	kinds    []string
	variable string
}{
	"worklogs":     {[]string{"worklog"}, "worklog"},
	"links":        {[]string{"link", "web_link"}, "link"},
	"participants": {[]string{"participant"}, "person"},
	"subtasks":     {[]string{"subtasks"}, "ticket"},
}

// PartOf names the entity that an item of a kind belongs to; "" where it is no part of this file's.
func PartOf(kind string) string {
	for entity, e := range partEntities {
		if slices.Contains(e.kinds, kind) {
			return entity
		}
	}
	return ""
}

// OursGlobally begins the global id of every web link that parley makes: such a link is nobody's word.
const OursGlobally = "parley:"

// Local ids of twins: what other kinds than comments are known by in the ledger.
const (
	twinWorklog     = "worklog/"
	twinLink        = "link/"
	twinWebLink     = "web_link/"
	twinParticipant = "participant/"
)

// outPart compiles the rule of a part; false: the entity is none.
func (c *compiler) outPart(e conf.Entity) bool {
	kind, ok := partEntities[e.Name.Value]
	if !ok {
		return false
	}
	o := &outPart{e: e, when: c.condition(e.When, "ticket", kind.variable), never: c.gate.forbids(e.Name.Value)}
	c.neverWarning(e.Name, o.never)
	if c.parts.out == nil {
		c.parts.out = map[string]*outPart{}
	}
	c.parts.out[e.Name.Value] = o
	if e.Name.Value == "participants" {
		c.bind(e.Name)
		if c.people.share == "company" {
			c.warning(e.Name.Pos, `add [people] share = "alias", "name" or "email"`, "participants do not cross where people.share is company: nothing tells one from another")
		}
	}
	return true
}

// parts are a connection's rules of parts, by entity.
type parts struct {
	out map[string]*outPart
	in  map[string]*inPart
}

// fields lists what must be read of a ticket for its parts.
func (ps *parts) fields() (ids []string) {
	need := map[string][]string{
		"worklogs": {jsm.FieldWorklogs, jsm.WorklogList}, "links": {jsm.FieldLinks, jsm.WebLinkList}, "subtasks": {jsm.FieldSubtasks},
	}
	for entity, fields := range need {
		if ps.out[entity] != nil || ps.in[entity] != nil {
			ids = append(ids, fields...)
		}
	}
	return ids
}

// governsPart is the text of the rule that decides about a part; known is false for an item that is none.
func (r *Rules) governsPart(kind string) (text string, known bool) {
	entity := PartOf(kind)
	if entity == "" {
		return "", false
	}
	if o := r.parts.out[entity]; o != nil && o.never == "" {
		text = fmt.Sprintf("%s own_site=%t", r.ruleText(o.e), o.e.OwnSite.Value)
	}
	return text, true
}

// parts adds the ticket's parts to the view.
func (v *viewer) parts() {
	if o := v.r.parts.out["worklogs"]; o != nil {
		v.worklogs(o)
	}
	if o := v.r.parts.out["links"]; o != nil {
		v.links(o)
		v.webLinks(o)
	}
	if o := v.r.parts.out["participants"]; o != nil {
		v.participants(o)
	}
	if o := v.r.parts.out["subtasks"]; o != nil {
		v.subtasks(o)
	}
}

// part puts one item into the view, where its rule and the policy let it. It reports whether it is there.
func (v *viewer) part(o *outPart, p replica.Path, s scope, make func() (replica.Value, error), at time.Time) bool {
	hold := func(code, reason, next string) bool {
		v.held = append(v.held, Held{Path: p, Class: Definite, Code: code, Rule: place(o.e.Name.Pos), Reason: reason, Next: next})
		return false
	}
	if o.when != nil {
		ok, err := o.when.test(&s)
		if err != nil {
			return hold(Expression, fmt.Sprintf("%s of %s is not sent: when cannot be decided, since %s.", p, v.in.Ticket.Key, err), "Correct the condition, or guard it with has().")
		}
		if !ok {
			v.stays(p, o.e.Name.Pos, "when does not hold")
			return false
		}
	}
	if o.never != "" {
		v.held = append(v.held, dropped(p, o.never, place(o.e.Name.Pos)))
		return false
	}
	val, err := make()
	if err != nil {
		return hold(Unreadable, fmt.Sprintf("%s of %s cannot cross: %s.", p, v.in.Ticket.Key, err), "Edit it in Jira, so that it is stored anew.")
	}
	v.view[p] = replica.NewItem(val, max(0, at.UnixMilli()))
	return true
}

// worklogs adds the work logs. One that is limited to a role or group is internal: it is not sent, and one that
// became so gets no further edits.
func (v *viewer) worklogs(o *outPart) {
	t := v.in.Ticket
	for i := range t.Worklogs {
		w := &t.Worklogs[i]
		p := replica.Path("worklog/" + w.ID)
		if v.in.Twins[twinWorklog+w.ID] {
			continue
		}
		posted, was := v.in.Posted[p]
		if !was && !v.in.Since.IsZero() && w.Created.Before(v.in.Since) {
			v.stays(p, o.e.Name.Pos, "it is older than the link")
			continue
		}
		if w.Limit != nil {
			v.stays(p, o.e.Name.Pos, "it is limited to some of us")
		} else {
			s := *v.scope
			s.worklog = worklogRecord(plainOf(w.Text), w.Seconds, localPerson(w.Author), w.Started, w.Created)
			if v.part(o, p, s, func() (replica.Value, error) { return v.worklog(o, w) }, later(w.Created, w.Updated)) {
				continue
			}
		}
		if was {
			v.view[p] = posted
		}
	}
	if len(t.Worklogs) < t.WorklogsTotal { // not seen is not deleted
		for p, it := range v.in.Posted {
			if _, seen := v.view[p]; p.Kind() == "worklog" && !seen {
				v.view[p] = it
			}
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (v *viewer) worklog(o *outPart, w *jsm.Worklog) (replica.Value, error) {
	out := replica.Worklog{
		Author: v.person(w.Author), Started: replica.Time(w.Started.UnixMilli()), Seconds: min(w.Seconds, 1<<40), Created: replica.Time(max(w.Created.UnixMilli(), 0)),
	}
	if w.Updated.After(w.Created) {
		out.Edited = replica.Time(w.Updated.UnixMilli())
	}
	if w.Text != nil {
		doc, err := adf.Parse(w.Text)
		if err != nil {
			return nil, errors.New("its text is no document that can be read")
		}
		if !doc.Empty() {
			out.Text = v.rich(doc, o.e.Addresses.Value)
		}
	}
	return out, nil
}

// links adds the links to tickets that the peer shares, too: on the ticket that stands before the outward words, so
// that each crosses once. Of any other ticket nothing leaves, not even its key.
func (v *viewer) links(o *outPart) {
	for _, l := range v.in.Ticket.Links {
		p := replica.Path("link/" + l.ID)
		if !l.Outward || v.in.Twins[twinLink+l.ID] {
			continue
		}
		var link replica.LinkID
		shared := false
		if v.in.Shared != nil {
			link, shared = v.in.Shared(l.Other.ID)
		}
		if !shared {
			v.stays(p, o.e.Name.Pos, "the other ticket is not shared")
			continue
		}
		s := *v.scope
		s.link = fields("link", map[string]any{"kind": "ticket", "type": l.Type.Name})
		v.part(o, p, s, func() (replica.Value, error) {
			return replica.Relation{Type: l.Type.Name, Outward: l.Type.Outward, Inward: l.Type.Inward, To: replica.Ticket{Link: link, Key: l.Other.Value}}, nil
		}, time.UnixMilli(0))
	}
}

// webLinks adds the web links. Addresses of the own tenant stay home unless the rule says own_site: the peer could
// not open them, and they name tickets and pages. Knowledge articles are an entity of their own.
func (v *viewer) webLinks(o *outPart) {
	for _, l := range v.in.Ticket.WebLinks {
		p := replica.Path("web_link/" + l.ID)
		if v.in.Twins[twinWebLink+l.GlobalID] || l.Article() {
			continue
		}
		u, err := url.Parse(l.URL)
		switch {
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil:
			v.stays(p, o.e.Name.Pos, "it is no plain address of the web")
			continue
		case !o.e.OwnSite.Value && sameHost(u, v.in.Site):
			v.stays(p, o.e.Name.Pos, "it leads to our own site")
			continue
		}
		s := *v.scope
		s.link = fields("link", map[string]any{"kind": "web", "url": l.URL, "title": l.Title})
		v.part(o, p, s, func() (replica.Value, error) {
			return replica.WebLink{URL: l.URL, Title: clip(l.Title), Summary: clip(l.Summary)}, nil
		}, time.UnixMilli(0))
	}
}

func sameHost(u *url.URL, site string) bool {
	own, err := url.Parse(site)
	return err == nil && own.Host != "" && strings.EqualFold(u.Hostname(), own.Hostname())
}

// participants adds those who take part beside the reporter. Their pseudonym names the item, so that it can be taken
// back; where persons appear as their company alone there is none, and nobody crosses.
func (v *viewer) participants(o *outPart) {
	f := v.r.fields["participants"]
	if f == nil || f.ID == "" {
		return
	}
	raw, err := valueOf(v.in.Ticket, f)
	if err != nil {
		v.held = append(v.held, Held{Path: "participants", Class: Definite, Code: Unreadable, Rule: place(o.e.Name.Pos),
			Reason: fmt.Sprintf("The participants of %s cannot be read.", v.in.Ticket.Key), Next: "Look at the field in Jira; it is read again with the next change."})
		return
	}
	people, _ := raw.([]jsm.Person)
	for _, who := range people {
		shown := v.person(who)
		p := replica.Path("participant/" + shown.Ref)
		if shown.Ref == "" || who.AccountID == v.in.Account || v.in.Twins[twinParticipant+who.AccountID] {
			continue
		}
		s := *v.scope
		s.person = localPerson(who)
		v.part(o, p, s, func() (replica.Value, error) { return shown, nil }, time.UnixMilli(0))
	}
}

// subtasks lists the parts of the ticket that the peer shares, too. They are made there by their own triggers.
func (v *viewer) subtasks(o *outPart) {
	var list replica.List
	for _, sub := range v.in.Ticket.Subtasks {
		if one, err := v.ticket(sub); err == nil {
			list = append(list, one)
		}
	}
	if len(list) > 0 {
		slices.SortFunc(list, func(a, b replica.Value) int { return strings.Compare(shown(a), shown(b)) })
		v.part(o, "subtasks", *v.scope, func() (replica.Value, error) { return list, nil }, time.UnixMilli(0))
	}
}

// plainOf is a rich text as an expression reads it.
func plainOf(text []byte) string {
	doc, err := adf.Parse(text)
	if err != nil {
		return ""
	}
	return doc.Plain()
}

// worklogRecord is the variable worklog.
func worklogRecord(text string, seconds int64, author *record, started, created time.Time) *record {
	members := map[string]any{"text": text, "seconds": float64(seconds), "author": author, "started": started, "created": created}
	return &record{typ: celObject("worklog"), load: func(member string) (any, error) {
		if v, ok := members[member]; ok {
			return v, nil // an empty text is a text
		}
		return nil, missing("worklog." + member)
	}}
}
