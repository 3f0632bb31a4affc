package rules

import (
	"fmt"
	"slices"
	"strings"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// An inRule writes one local field from the peer's items.
type inRule struct {
	e     conf.Entity
	to    *field
	from  source // what is read as it is; zero with value or set
	when  *expr
	value *expr
	set   replica.Value
	with  *mapping
	block string // why the policy lets partners not write it; empty: they may
}

// A source is one remote item, or all of a kind.
type source struct {
	path     replica.Path
	elements bool
}

func (s source) is(p replica.Path) bool {
	if s.elements {
		return p.Kind() == string(s.path) && p.Element() != ""
	}
	return p == s.path && p != ""
}

// inComments is [incoming.comments] or [incoming."comments.internal"].
type inComments struct {
	e          conf.Entity
	when       *expr
	publicWhen *expr
	block      string
}

// incoming compiles [incoming].
func (c *compiler) incoming() {
	for _, e := range c.src.Incoming.Items() {
		if i := slices.Index([]string{"comments.internal", "comments"}, e.Name.Value); i >= 0 {
			c.arriving[i] = c.inComments(e)
			continue
		}
		if c.inAttachments(e) {
			continue
		}
		if c.inPart(e) || c.inService(e) {
			continue
		}
		if r := c.inRule(e); r != nil {
			c.in = append(c.in, r)
		}
	}
	if c.arriving[0] == nil {
		c.arriving[0] = c.arriving[1]
	}
}

func (c *compiler) inComments(e conf.Entity) *inComments {
	ic := &inComments{e: e, when: c.condition(e.When, "comment"), publicWhen: c.condition(e.PublicWhen, "comment"), block: c.gate.refuses(e.Name.Value)}
	if e.PublicWhen.IsSet() && e.As.Value == "public" {
		c.ps.Add(e.PublicWhen.Pos, `as = "internal" keeps the others internal`, `public_when says nothing where as = "public"`)
	}
	if c.gate.internalOnly && (e.As.Value != "internal" || e.PublicWhen.IsSet()) {
		c.warning(e.Name.Pos, "", "%s keeps whatever partners write internal", c.gate.internalAt)
	}
	if ic.block != "" {
		c.warning(e.Name.Pos, "they are not taken: remove it here", "%s", ic.block)
	}
	return ic
}

func (c *compiler) inRule(e conf.Entity) *inRule {
	r := &inRule{e: e, to: c.bind(e.Name), with: newMapping(e)}
	if r.to == nil {
		return nil
	}
	for _, before := range c.in {
		if before.to.entity == r.to.entity {
			c.ps.Add(e.Name.Pos, "", "%s is named twice: also at line %d", r.to.entity, before.e.Name.Pos.Line)
			return nil
		}
	}
	if c.schema != nil && columnOf(r.to.Type) == "" {
		c.ps.Add(e.Name.Pos, "", "%s cannot be written: it is a %s field", r.to.Name, r.to.Type)
		return nil
	}
	r.when = c.condition(e.When, "view")
	switch {
	case e.Value.IsSet():
		if r.value = c.expr(e.Value, "view"); r.value != nil {
			c.checkResult(r.value, r.to)
		}
	case e.Set.IsSet():
		r.set = c.inLiteral(e.Set, r.to)
	case e.From.IsSet():
		r.from = c.sourceOf(e.From)
		if f, ok := usual(e.From.Value); ok {
			c.checkCoercion(e, "the peer's "+e.From.Value, f.Type, r.to)
		}
	default:
		r.from = source{path: r.to.path, elements: r.to.elements}
	}
	c.checkInMap(r)
	c.checkWords(r)
	if r.set == nil {
		if r.block = c.gate.refuses(r.to.entity); r.block != "" {
			c.warning(e.Name.Pos, "it is not written: remove it here", "%s", r.block)
		}
	}
	return r
}

// usual are the entities whose type is the same in every tenant.
func usual(entity string) (jsm.Field, bool) {
	if f, ok := system[entity]; ok {
		return f, true
	}
	f, ok := typed[entity]
	return f, ok
}

// checkCoercion refuses a rule whose values can never come to the field, by the table of coercions.
func (c *compiler) checkCoercion(e conf.Entity, from string, t jsm.FieldType, to *field) {
	if to.Type == jsm.UnknownType || t == jsm.UnknownType {
		return // no tenant was asked
	}
	cell := CoercionOf(t, to.Type)
	switch {
	case cell.Way == Never:
		c.ps.Add(e.From.Pos, cell.Instead, "%s (%s) cannot become %s (%s): %s", from, t, to.Name, to.Type, cell.Note)
	case cell.Way == MapOnly && !e.Map.Pos.IsSet():
		c.ps.Add(e.From.Pos, "add a map from \"Parent / Child\" to the names here", "%s (%s) has two levels, %s (%s) has one", from, t, to.Name, to.Type)
	}
}

// sourceOf is what from names: an item of the peer's view.
func (c *compiler) sourceOf(from conf.Text) source {
	p, elements := viewPath(from.Value)
	_, custom := conf.CustomField(from.Value)
	if _, known := usual(from.Value); !known && !custom && !strings.HasPrefix(from.Value, "view:") {
		hint := conf.DidYouMean(from.Value, slices.Sorted(func(yield func(string) bool) {
			for name := range c.env.shapes["view"].members {
				if !yield(name) {
					return
				}
			}
		}))
		if hint == "" {
			hint = fmt.Sprintf("an item that the sender computes is written \"view:%s\", a custom field \"field:%s\"", from.Value, from.Value)
		}
		c.ps.Add(from.Pos, hint, "the peer's view has no item called %q", from.Value)
	}
	return source{path: p, elements: elements}
}

// checkInMap checks what a map gives: names of this tenant.
func (c *compiler) checkInMap(r *inRule) {
	e := r.e
	if r.with == nil {
		if e.Else.IsSet() && r.to.Type != jsm.UnknownType {
			c.checkName(r.to, conf.Text{Value: e.Else.String(), Pos: e.Else.Pos})
		}
		return
	}
	if !named(r.to.Type) && r.to.Type != jsm.UnknownType {
		c.ps.Add(e.Map.Pos, "persons are mapped under [people]; others are computed with value", "%s has no names that a map could give", r.to.Name)
		return
	}
	for _, m := range e.Map.Entries {
		c.checkName(r.to, m.To)
	}
	if e.Else.IsSet() {
		other, isText := e.Else.Value.(string)
		if !isText {
			c.ps.Add(e.Else.Pos, "", "else in a map must be a string")
			return
		}
		c.checkName(r.to, conf.Text{Value: other, Pos: e.Else.Pos})
	}
}

// checkWords refuses words that say nothing for the field's type.
func (c *compiler) checkWords(r *inRule) {
	e, f := r.e, r.to
	known := f.Type != jsm.UnknownType
	c.checkAddresses(e, f)
	if e.Mode.IsSet() && known && !f.Type.Set() {
		c.ps.Add(e.Mode.Pos, "mode is for fields that hold several values", "mode says nothing about %s", f.Name)
	}
	if e.Empty.IsSet() && e.Empty.Value == "clear" && f.ID == "summary" {
		c.ps.Add(e.Empty.Pos, "", "Jira takes no ticket without a summary")
	}
	if f.Type == jsm.WatchersType && !c.people.match && len(c.people.to) == 0 && c.people.otherwise != "user" {
		c.ps.Add(e.Name.Pos, `add [people] with match = "email" or a map`, "watchers are persons, and without [people] nobody is found here")
	}
	if e.Empty.IsSet() && e.Empty.Value == "clear" && f.Type == jsm.EffortType {
		c.ps.Add(e.Empty.Pos, "remove it: ours is kept", "Jira takes no estimates back")
	}
	if e.Creates.Pos.IsSet() && known && f.Type != jsm.Organizations && !f.Type.OwnOptions() {
		c.ps.Add(e.Creates.Pos, "create is for selects, radio buttons, checkboxes and cascading selects", "nothing can be made for %s, which is a %s field", f.Name, f.Type)
	}
	if e.Else.IsSet() && r.with == nil && known && !f.Type.OwnOptions() && columnOf(f.Type) != cChoice {
		c.ps.Add(e.Else.Pos, "add a map, or remove it", "else has nothing to stand in for: %s takes any value", f.Name)
	}
	if f.Type == jsm.StatusType && c.schema != nil {
		for _, m := range e.Resolution.Entries {
			c.checkName(f, m.From)
			if res := c.bind(conf.Text{Value: "resolution", Pos: m.To.Pos}); res != nil {
				c.checkName(res, m.To)
			}
		}
	}
}

// inLiteral is the value of set, checked against the field.
func (c *compiler) inLiteral(l conf.Literal, f *field) replica.Value {
	v, err := typedValue(f, l.Value)
	if err == nil && f.Type != jsm.UnknownType {
		err = c.fits(f, v, l)
	}
	if err != nil {
		c.ps.Add(l.Pos, "", "set: %s", err)
		return nil
	}
	return v
}

func (c *compiler) fits(f *field, v replica.Value, l conf.Literal) error {
	if text, ok := l.Value.(string); ok {
		if !f.takes(text) {
			c.checkName(f, conf.Text{Value: text, Pos: l.Pos})
			return nil
		}
	}
	switch f.Type {
	case jsm.User, jsm.MultiUser, jsm.Participants, jsm.WatchersType, jsm.RequestTypeType:
		return nil
	}
	var err error
	if !f.Type.Set() {
		_, err = f.coerce(v)
		return err
	}
	for _, one := range asList(v) {
		if _, err = f.member(one); err != nil {
			break
		}
	}
	return err
}

func asList(v replica.Value) replica.List {
	if list, ok := v.(replica.List); ok {
		return list
	}
	return replica.List{v}
}

// due reports whether what the rule reads has changed, or whether a literal is to be written.
func (r *inRule) due(in *Arrival) bool {
	if in.creating() {
		return true
	}
	if in.Waited[r.origin()] {
		return true
	}
	if r.e.Once.Value {
		return false
	}
	if r.set != nil && in.RulesChanged {
		return true
	}
	return slices.ContainsFunc(in.Changed, r.reads)
}

// reads reports whether the rule looks at a remote item.
func (r *inRule) reads(p replica.Path) bool {
	if r.from.is(p) {
		return true
	}
	return r.value.readsAny([]replica.Path{p}) || r.when.readsAny([]replica.Path{p})
}

// readsAny reports whether an expression looks at one of some remote items; nil looks at none.
func (x *expr) readsAny(paths []replica.Path) bool {
	if x == nil {
		return false
	}
	for _, rd := range x.reads {
		path, elements := viewPath(rd.member)
		if rd.variable == "view" && slices.ContainsFunc(paths, source{path, elements}.is) {
			return true
		}
	}
	return false
}

// origin is the item that decisions and held entries name: the one read, else the field's own.
func (r *inRule) origin() replica.Path {
	if r.from.path != "" {
		return r.from.path
	}
	if r.value != nil {
		for _, rd := range r.value.reads {
			if rd.variable == "view" {
				p, _ := viewPath(rd.member)
				return p
			}
		}
	}
	return r.to.path
}
