package rules

import (
	"fmt"
	"slices"
	"strings"

	"parley/jsm"
	"parley/replica"
)

// set brings a set to what the peer shows. Elements that are items of their own are added and removed
// one by one, so that two desks can each keep their own; a set that crosses as one list is taken whole,
// unless the rule says add.
func (p *planner) set(r *inRule) {
	at := r.origin()
	want, ok := p.members(r, at)
	if !ok {
		return
	}
	now, ok := p.holds(r, at)
	if !ok {
		return
	}
	switch {
	case r.e.Mode.Value == "replace":
		p.replace(r, at, now, want)
	case r.from.elements && !p.in.creating():
		p.oneByOne(r, now, want)
	case r.from.elements || r.set != nil || r.e.Mode.IsSet():
		p.change(r, at, now, lacking(now, want), nil)
	case len(want) == 0 && r.e.Empty.Value != "clear":
		p.decide(r, at, Skipped, "", "the peer has no value, and ours is kept")
	default:
		p.replace(r, at, now, want)
	}
}

// An element is one wanted member of a set, with the remote item behind it.
type element struct {
	path  replica.Path
	value jsm.Value
	stamp int64
}

// members gives what the peer wants in the set, in local terms. One that has no mapping waits alone.
func (p *planner) members(r *inRule, at replica.Path) (out []element, ok bool) {
	v, stamp, err := p.value(r)
	if err != nil {
		p.hold(r, at, Expression, fmt.Sprintf("%s is not written: %s.", r.to.Name, err), "Correct the rule, or guard it with has().")
		return nil, false
	}
	if v == nil {
		return nil, true
	}
	add := func(e element, val jsm.Value) { // several of the peer's may come to one here
		if !slices.ContainsFunc(out, func(o element) bool { return alike(o.value, val) }) {
			e.value = val
			out = append(out, e)
		}
	}
	for _, one := range asList(v) {
		e := element{path: at, stamp: stamp}
		if name, _ := nameOf(one); r.from.elements {
			e.path = at + "/" + replica.Path(name)
			e.stamp = p.in.Remote[e.path].At
		}
		if who, isPerson := one.(replica.Person); isPerson && columnOf(r.to.Type) == cUsers {
			if found, known := p.whoIs(r, e.path, who); known {
				add(e, found)
			}
			continue
		}
		if val, ok := p.member(r, e.path, one); ok {
			add(e, val)
		}
	}
	return out, true
}

// member maps and coerces one element.
func (p *planner) member(r *inRule, path replica.Path, one replica.Value) (jsm.Value, bool) {
	to, verdict, name := r.with.value(one)
	switch {
	case verdict == Waits:
		p.holdAs(r, path, r.with.held(path, r.to.Name, name, p.r.Peer, place(r.e.Map.Pos)))
		return nil, false
	case verdict == Skipped:
		p.decide(r, path, Skipped, "", fmt.Sprintf("%q is not in the map", clip(name)))
		return nil, false
	}
	if columnOf(r.to.Type) == cUsers {
		p.hold(r, path, Nobody, fmt.Sprintf("%q is no person.", shown(to)), "Let the partner share the person, or remove the rule.")
		return nil, false
	}
	val, err := p.option(r, one, to, r.to.member)
	if err != nil {
		p.hold(r, path, Refused, sentence(err), nextStep(err, r))
		return nil, false
	}
	if label, ok := val.(string); ok && strings.HasPrefix(label, ownLabels) {
		p.decide(r, path, Skipped, label, "labels that begin with "+ownLabels+" are this node's own")
		return nil, false
	}
	return val, true
}

// holds gives what the set holds now.
func (p *planner) holds(r *inRule, at replica.Path) ([]jsm.Value, bool) {
	if p.in.Ticket == nil {
		return nil, true
	}
	v, err := valueOf(p.in.Ticket, r.to)
	if err != nil {
		p.hold(r, at, Unreadable, fmt.Sprintf("%s of %s cannot be read here.", r.to.Name, p.in.Ticket.Key), "Look at the field in Jira; it is tried again with the next change.")
		return nil, false
	}
	now := membersOf(v)
	if _, counted := v.(jsm.Number); counted {
		p.hold(r, at, Unreadable, fmt.Sprintf("The watchers of %s were not listed.", p.in.Ticket.Key), "Let the account see watchers; it is tried again with the next change.")
		return nil, false
	}
	if r.to.Type == jsm.AssetType && slices.ContainsFunc(now, unlabelled) {
		p.hold(r, at, Unreadable, fmt.Sprintf("%s of %s holds an object whose label the account cannot see.", r.to.Name, p.in.Ticket.Key), "Let the account read the object schema in Assets.")
		return nil, false
	}
	return now, true
}

// unlabelled tells an Assets object of which only the id is known.
func unlabelled(v jsm.Value) bool {
	o, ok := v.(jsm.Option)
	return ok && o.Value == ""
}

func has(list []jsm.Value, one jsm.Value) bool {
	return slices.ContainsFunc(list, func(v jsm.Value) bool { return alike(v, one) })
}

func lacking(now []jsm.Value, want []element) (out []element) {
	for _, w := range want {
		if !has(now, w.value) {
			out = append(out, w)
		}
	}
	return out
}

// judgedNow lists a set's elements that are to be judged: what has changed, and all of them where what when reads has,
// for when may have kept them out.
func (p *planner) judgedNow(r *inRule) (paths []replica.Path) {
	for _, path := range p.in.Changed {
		if r.from.is(path) {
			paths = append(paths, path)
		}
	}
	if r.when.readsAny(p.in.Changed) {
		for path := range p.in.Remote {
			if r.from.is(path) {
				paths = append(paths, path)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// oneByOne adds what appeared and removes what the peer removed; what was always only ours stays.
func (p *planner) oneByOne(r *inRule, now []jsm.Value, want []element) {
	var add []element
	var remove []jsm.Value
	for _, path := range p.judgedNow(r) {
		if _, there := p.in.Remote[path]; there {
			i := slices.IndexFunc(want, func(e element) bool { return e.path == path })
			if i < 0 {
				continue // it waits, is skipped, or comes to what another element comes to
			}
			if has(now, want[i].value) {
				p.decide(r, path, Same, keyOf(want[i].value), "")
				p.agreeElement(r, want[i].value)
			} else if p.wins(r, path, want[i].stamp, keyOf(want[i].value), p.r.elementPaths(r.to, want[i].value)) {
				add = append(add, want[i])
			}
			continue
		}
		if val, ok := p.removed(r, path, now, want); ok {
			remove = append(remove, val)
		}
	}
	p.change(r, r.origin(), now, add, remove)
}

func (p *planner) agreeElement(r *inRule, v jsm.Value) {
	p.plan.Agreed = append(p.plan.Agreed, p.r.elementPaths(r.to, v)...)
}

// removed gives the local member that goes with an element that the peer removed.
func (p *planner) removed(r *inRule, path replica.Path, now []jsm.Value, want []element) (jsm.Value, bool) {
	to, verdict := r.with.apply(path.Element(), "")
	if verdict != Written || strings.HasPrefix(to, ownLabels) && r.to.Type == jsm.Labels {
		p.decide(r, path, Skipped, "", "the peer removed what has no counterpart here")
		return nil, false
	}
	i := slices.IndexFunc(now, func(v jsm.Value) bool { return keyOf(v) == to })
	if i < 0 {
		p.decide(r, path, Same, "", "it is not here")
		if val, err := r.to.member(replica.Text(to)); err == nil {
			p.agreeElement(r, val)
		}
		return nil, false
	}
	if slices.ContainsFunc(want, func(e element) bool { return keyOf(e.value) == to }) {
		p.decide(r, path, Skipped, to, "another value of the peer stands for the same here")
		return nil, false
	}
	return now[i], p.wins(r, path, p.in.withdrawn(path), "", p.r.elementPaths(r.to, now[i]))
}

// replace brings the set to exactly what is wanted.
func (p *planner) replace(r *inRule, at replica.Path, now []jsm.Value, want []element) {
	var remove []jsm.Value
	var stamp int64
	for _, w := range want {
		stamp = max(stamp, w.stamp)
	}
	for _, path := range p.in.Changed {
		if r.from.is(path) {
			stamp = max(stamp, p.in.withdrawn(path))
		}
	}
	for _, v := range now {
		own := r.to.Type == jsm.Labels && strings.HasPrefix(keyOf(v), ownLabels)
		if !own && !slices.ContainsFunc(want, func(e element) bool { return alike(e.value, v) }) {
			remove = append(remove, v)
		}
	}
	add := lacking(now, want)
	if len(add)+len(remove) > 0 {
		var moves []replica.Path
		for _, a := range add {
			moves = append(moves, p.r.elementPaths(r.to, a.value)...)
		}
		for _, v := range remove {
			moves = append(moves, p.r.elementPaths(r.to, v)...)
		}
		if !p.wins(r, at, stamp, "", moves) {
			return
		}
	}
	p.change(r, at, now, add, remove)
}

// change plans additions and removals in the form that the field's type takes.
func (p *planner) change(r *inRule, at replica.Path, now []jsm.Value, add []element, remove []jsm.Value) {
	if len(add)+len(remove) == 0 {
		if !r.from.elements || p.in.creating() {
			p.agree(r, at, "")
		}
		return
	}
	f := r.to
	var names []string
	var moves []replica.Path
	after := slices.Clone(now)
	for _, a := range add {
		names = append(names, "+"+keyOf(a.value))
		after = append(after, a.value)
		moves = append(moves, p.r.elementPaths(f, a.value)...)
	}
	for _, v := range remove {
		names = append(names, "-"+keyOf(v))
		after = slices.DeleteFunc(after, func(o jsm.Value) bool { return alike(o, v) })
		moves = append(moves, p.r.elementPaths(f, v)...)
	}
	switch {
	case f.Type == jsm.Organizations:
		p.organizations(r, at, after)
	case f.Type.Whole() || p.in.Ticket == nil && f.Type != jsm.WatchersType:
		p.plan.Edit.Set[f.ID] = f.setOf(after)
	default:
		for _, a := range add {
			p.plan.Edit.Add[f.ID] = append(p.plan.Edit.Add[f.ID], a.value)
		}
		if len(remove) > 0 {
			p.plan.Edit.Remove[f.ID] = remove
		}
	}
	p.wrote(r, at, clip(strings.Join(names, ", ")), moves...)
}

// organizations plans the set of organizations: those that are there are known by id, new ones by name.
func (p *planner) organizations(r *inRule, at replica.Path, after []jsm.Value) {
	w := &OrganizationWrite{FieldID: r.to.ID, Create: r.e.Creates.Value, Path: at, Rule: place(r.e.Name.Pos)}
	for _, v := range after {
		if o := v.(jsm.Option); o.ID != "" {
			w.Keep = append(w.Keep, o)
		} else {
			w.Names = append(w.Names, o.Value)
		}
	}
	if len(w.Names) == 0 {
		p.plan.Edit.Set[r.to.ID] = r.to.setOf(after)
		return
	}
	p.plan.Organizations = w
}

// elementPaths are the outgoing items that show a member of a set: its own item where elements have
// one, else the whole field's.
func (r *Rules) elementPaths(f *field, v jsm.Value) (paths []replica.Path) {
	for _, o := range r.out {
		if !r.shows(o, f.ID) {
			continue
		}
		if !o.elements() {
			paths = append(paths, o.path)
			continue
		}
		var id string
		if opt, ok := v.(jsm.Option); ok {
			id = opt.ID
		}
		if to, verdict := o.with.apply(keyOf(v), id); verdict == Written {
			paths = append(paths, o.path+"/"+replica.Path(to))
		}
	}
	return paths
}
