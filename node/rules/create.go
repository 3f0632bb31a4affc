package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// createRule is [incoming.create]: how a twin is made.
type createRule struct {
	pos        conf.Pos
	project    string
	fixed      string // request type, by name or id
	from       source
	with       *mapping
	word       conf.Pos // of request_type
	onBehalfOf conf.Text
}

// creation compiles [incoming.create]. Without it twins are made by the request type's name alone.
func (c *compiler) creation() {
	w := c.src.Create
	cr := &createRule{pos: w.Pos, project: SchemaProject(c.src), onBehalfOf: w.OnBehalfOf, word: w.RequestType.Name.Pos,
		from: source{path: "request_type"}, with: newMapping(w.RequestType)}
	if !cr.pos.IsSet() {
		cr.pos = c.src.Incoming.Pos
	}
	c.create = cr
	if s := w.RequestType.Set; s.IsSet() {
		cr.fixed = s.String()
		c.checkForm(cr, s.Pos)
	} else if w.RequestType.From.IsSet() {
		cr.from = c.sourceOf(w.RequestType.From)
	}
	if rt, err := bind("request_type", c.schema); err == nil {
		for _, m := range w.RequestType.Map.Entries {
			c.checkName(rt, m.To)
		}
		if w.RequestType.Else.IsSet() {
			c.checkName(rt, conf.Text{Value: w.RequestType.Else.String(), Pos: w.RequestType.Else.Pos})
		}
	}
	if mail := w.OnBehalfOf; mail.IsSet() && !strings.Contains(mail.Value, "@") {
		c.ps.Add(mail.Pos, `for example "desk@globex.example"`, "on_behalf_of = %q is no e-mail address", mail.Value)
	}
	if w.Pos.IsSet() && c.schema != nil && c.schema.Desk == "" {
		c.ps.Add(w.Pos, "", "project %s is no service desk that the account can see: requests cannot be made there", cr.project)
	}
}

// checkForm checks a literal request type: it is there, and every field that its form demands has a rule.
func (c *compiler) checkForm(cr *createRule, at conf.Pos) {
	if c.schema == nil || c.schema.Desk == "" {
		return
	}
	rt, err := c.schema.RequestType(cr.fixed)
	if err != nil {
		var names []string
		for _, one := range c.schema.RequestTypes {
			names = append(names, one.Name)
		}
		c.ps.Add(at, conf.DidYouMean(cr.fixed, names), "project %s has no request type %q", cr.project, cr.fixed)
		return
	}
	for _, f := range rt.Fields {
		if !f.Required || slices.ContainsFunc(c.in, func(r *inRule) bool { return r.to.ID == f.ID }) {
			continue
		}
		name := "field:" + f.Name
		for entity, sys := range system {
			if sys.ID == f.ID {
				name = entity
			}
		}
		c.ps.Add(at, fmt.Sprintf("accept %q, or give it a value: [incoming.%q] with set", name, name),
			"the form of %q demands %s, and no rule gives it", rt.Name, f.Name)
	}
	if c.src.Create.OnBehalfOf.IsSet() && !rt.OnBehalfOf {
		c.ps.Add(c.src.Create.OnBehalfOf.Pos, "give the account the permission, or remove it", "the account may not raise %q for somebody else", rt.Name)
	}
}

// create plans the request that makes the ticket: what its form takes goes into it, the rest stays in
// the edit that follows. Where it cannot be made the whole link is held.
func (p *planner) create() {
	cr := p.r.create
	if !slices.Contains(p.r.Projects, cr.project) {
		p.link(Elsewhere, place(cr.pos), fmt.Sprintf("No ticket is made: the policy keeps %s from project %s.", p.r.Peer, cr.project), "Ask the security team to name the project under [peers].")
		return
	}
	rt, ok := p.createType(cr)
	if !ok {
		return
	}
	c := &Create{Project: cr.project, ServiceDesk: p.r.schema.Desk, RequestType: rt.ID, Fields: map[string]jsm.Value{}, Rule: place(cr.pos)}
	var lacks []string
	for _, f := range rt.Fields {
		if f.ID == "description" {
			c.Describes = true
		}
		if v, there := p.plan.Edit.Set[f.ID]; there && v != nil && !p.plan.Edit.Create[f.ID] && !nearLimit(v) { // an option to be made is not there yet
			c.Fields[f.ID] = v
			delete(p.plan.Edit.Set, f.ID)
		} else if f.Required && (p.plan.Organizations == nil || p.plan.Organizations.FieldID != f.ID) {
			lacks = append(lacks, f.Name)
		}
	}
	if len(lacks) > 0 {
		p.link(Form, place(cr.pos), fmt.Sprintf("No ticket is made: the form of %q demands %s, which the peer's view does not give.", rt.Name, strings.Join(lacks, ", ")),
			"Give them a value in the rules, or let the partner share them.")
		return
	}
	if mail := cr.onBehalfOf; mail.Value != "" {
		who, found := p.in.person(mail.Value)
		if !found {
			p.link(Nobody, place(mail.Pos), fmt.Sprintf("No ticket is made: nobody here has the address %s, on whose behalf it is to be raised.", mail.Value),
				"Add the customer to the service desk, or correct on_behalf_of.")
			return
		}
		c.OnBehalfOf = who.AccountID
	}
	// The request's own type is no write of its own.
	for id, v := range p.plan.Edit.Set {
		if o, isOption := v.(jsm.Option); isOption && o.ID == rt.ID && p.plan.Edit.Types[id].Type == jsm.RequestTypeType {
			delete(p.plan.Edit.Set, id)
		}
	}
	p.plan.Create = c
	maps.DeleteFunc(p.plan.Edit.Types, func(id string, _ jsm.Field) bool { return p.plan.Edit.Set[id] == nil && !p.later(id) })
}

// nearLimit reports a text that Jira may refuse for its length: alone it holds itself, in the form the whole ticket.
func nearLimit(v jsm.Value) bool {
	text, ok := v.(jsm.Rich)
	return ok && adf.Size(text) > maxText-1000
}

// later reports whether the edit after the creation adds to a field.
func (p *planner) later(id string) bool {
	return len(p.plan.Edit.Add[id]) > 0 || p.plan.Organizations != nil && p.plan.Organizations.FieldID == id
}

// createType finds the request type, or holds the link.
func (p *planner) createType(cr *createRule) (jsm.RequestType, bool) {
	if p.r.schema == nil || p.r.schema.Desk == "" {
		p.link(Form, place(cr.pos), fmt.Sprintf("No ticket is made: project %s is no service desk that the account can see.", cr.project), "Give the account the Service Desk Team role, or correct [incoming.create].")
		return jsm.RequestType{}, false
	}
	name := cr.fixed
	if name == "" {
		v, ok := p.remoteType(cr)
		if !ok {
			return jsm.RequestType{}, false
		}
		name = v
	}
	rt, err := p.r.schema.RequestType(name)
	if err != nil {
		p.link(Form, place(cr.pos), fmt.Sprintf("No ticket is made: project %s has no request type %q.", cr.project, clip(name)), "Map it: request_type in [incoming.create] takes { from, map, else }.")
		return jsm.RequestType{}, false
	}
	return rt, true
}

// remoteType is the peer's request type, mapped.
func (p *planner) remoteType(cr *createRule) (string, bool) {
	if cr.from.elements {
		p.link(Form, place(cr.word), "No ticket is made: request_type reads a set.", "Let it read one item.")
		return "", false
	}
	var v replica.Value
	if it, ok := p.in.Remote[cr.from.path]; ok {
		if got, err := it.Value(); err == nil {
			v = got
		}
	}
	name, ok := nameOf(v)
	if !ok {
		if cr.with != nil && cr.with.hasElse {
			return cr.with.other, true
		}
		p.link(Form, place(cr.pos), fmt.Sprintf("No ticket is made: %s does not say which request type it is.", p.r.Peer), "Name one: request_type in [incoming.create].")
		return "", false
	}
	to, verdict := cr.with.apply(name, idOf(v))
	if verdict != Written {
		h := cr.with.held("", "Request type", name, p.r.Peer, place(cr.word))
		p.plan.Held = append(p.plan.Held, h)
		return "", false
	}
	return to, true
}
