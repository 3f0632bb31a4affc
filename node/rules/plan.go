package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"parley/jsm"
	"parley/replica"
)

// Plan says what is to be written here to follow the peer's view. It is pure: what it needs of the
// tenant beyond the ticket is in the Arrival.
func (r *Rules) Plan(in Arrival) Plan {
	p := &planner{r: r, in: &in, scope: &scope{view: viewRecord(in.Remote), peer: r.peer, konst: r.constant}}
	p.plan.Edit = jsm.Edit{Set: map[string]jsm.Value{}, Add: map[string][]jsm.Value{}, Remove: map[string][]jsm.Value{}, Types: map[string]jsm.Field{}}
	if in.Ticket != nil && !slices.Contains(r.Projects, in.Ticket.Project.Value) {
		p.link(Elsewhere, "", fmt.Sprintf("%s is in project %s, which connection %s does not share.", in.Ticket.Key, in.Ticket.Project.Value, r.Connection),
			"Move it back, unlink it, or add the project to the rules and the policy.")
		return p.plan
	}
	for _, rule := range r.in {
		if rule.due(&in) {
			p.rule(rule)
		}
	}
	p.service()
	p.resolution()
	p.attachments()
	p.comments()
	p.showFiles()
	p.parts()
	if in.Ticket == nil {
		p.create()
	}
	p.finish()
	return p.plan
}

// A planner makes one plan.
type planner struct {
	r     *Rules
	in    *Arrival
	scope *scope
	plan  Plan

	toShow []unshown
}

// link holds the whole link.
func (p *planner) link(code, rule, reason, next string) {
	p.plan.Held = append(p.plan.Held, Held{Class: Definite, Code: code, Rule: rule, Reason: reason, Next: next})
}

// hold holds a rule's item.
func (p *planner) hold(r *inRule, path replica.Path, code, reason, next string) {
	p.holdAs(r, path, Held{Path: path, Class: Definite, Code: code, Rule: place(r.e.Name.Pos), Reason: reason, Next: next})
}

func (p *planner) holdAs(r *inRule, path replica.Path, h Held) {
	p.plan.Held = append(p.plan.Held, h)
	p.decide(r, path, Waits, "", h.Reason)
}

// decide notes what became of an item.
func (p *planner) decide(r *inRule, path replica.Path, verdict Verdict, to, why string) {
	d := Decision{Path: path, FieldID: r.to.ID, Field: r.to.Name, To: to, Rule: place(r.e.Name.Pos), Verdict: verdict, Why: why}
	if p.in.Ticket != nil {
		if v, err := valueOf(p.in.Ticket, r.to); err == nil {
			d.From = r.to.local(p.in.Ticket, v)
		}
	}
	p.plan.Decisions = append(p.plan.Decisions, d)
}

// rule judges one rule that is due.
func (p *planner) rule(r *inRule) {
	at := r.origin()
	if r.block != "" {
		if p.present(r) {
			p.plan.Held = append(p.plan.Held, dropped(at, r.block, place(r.e.Name.Pos)))
			p.decide(r, at, Skipped, "", r.block)
		}
		return
	}
	if r.when != nil {
		ok, err := r.when.test(p.scope)
		if err != nil {
			p.hold(r, at, Expression, fmt.Sprintf("%s is not written: when cannot be decided, since %s.", r.to.Name, err), "Correct the condition, or guard it with has().")
			return
		}
		if !ok {
			p.decide(r, at, Skipped, "", "when does not hold")
			return
		}
	}
	if r.to.Type.Set() {
		p.set(r)
		return
	}
	v, stamp, err := p.value(r)
	switch {
	case err != nil:
		p.hold(r, at, Expression, fmt.Sprintf("%s is not written: %s.", r.to.Name, err), "Correct the rule, or guard it with has().")
	case v == nil:
		p.gone(r, at)
	default:
		p.single(r, at, v, stamp)
	}
}

// present reports whether the peer has anything for the rule.
func (p *planner) present(r *inRule) bool {
	for path := range p.in.Remote {
		if r.reads(path) {
			return true
		}
	}
	return false
}

// value is what the rule's source holds, before its map, and when that changed; nil: nothing.
func (p *planner) value(r *inRule) (replica.Value, int64, error) {
	switch {
	case r.set != nil:
		return r.set, 0, nil
	case r.value != nil:
		var stamp int64
		for path, it := range p.in.Remote {
			if r.reads(path) {
				stamp = max(stamp, it.At)
			}
		}
		got, err := r.value.eval(p.scope)
		if err != nil {
			return nil, 0, err
		}
		v, err := result(r.to, got)
		return v, stamp, err
	case r.from.elements:
		list, stamp := p.list(r.from)
		if len(list) == 0 {
			return nil, 0, nil
		}
		return list, stamp, nil
	}
	it, ok := p.in.Remote[r.from.path]
	if !ok {
		return nil, 0, nil
	}
	v, err := it.Value()
	if err != nil {
		return nil, 0, errors.New("the peer's value cannot be read")
	}
	return v, it.At, nil
}

// list gathers the elements of a kind, in order of their names.
func (p *planner) list(s source) (list replica.List, stamp int64) {
	var names []string
	for path, it := range p.in.Remote {
		if s.is(path) {
			names = append(names, path.Element())
			stamp = max(stamp, it.At)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		list = append(list, replica.Text(n))
	}
	return list, stamp
}

// single brings a single-valued field to the peer's value.
func (p *planner) single(r *inRule, at replica.Path, v replica.Value, stamp int64) {
	to, verdict, name := r.with.value(v)
	switch verdict {
	case Waits:
		p.holdAs(r, at, r.with.held(at, r.to.Name, name, p.r.Peer, place(r.e.Map.Pos)))
		return
	case Skipped:
		p.decide(r, at, Skipped, "", fmt.Sprintf("%q is not in the map", clip(name)))
		return
	}
	if none(to) {
		p.gone(r, at)
		return
	}
	var want jsm.Value
	var err error
	switch r.to.Type {
	case jsm.User:
		p.person(r, at, to, stamp)
		return
	case jsm.RequestTypeType:
		want, err = p.r.requestType(r.to, to)
	case jsm.ParentType:
		want, err = p.in.parent(r.to, to)
	case jsm.Paragraph:
		if text, ok := to.(replica.Rich); ok {
			want, err = p.richField(r, text)
			break
		}
		fallthrough
	default:
		want, err = p.option(r, v, to, r.to.coerce)
	}
	if err != nil {
		p.hold(r, at, refusedAs(err), sentence(err), nextStep(err, r))
		return
	}
	p.write(r, at, want, shown(to), stamp)
}

func sentence(err error) string {
	s := err.Error()
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// gone treats an item that the peer has cleared or withdrawn.
func (p *planner) gone(r *inRule, at replica.Path) {
	switch {
	case p.in.creating():
		return // there was never anything
	case r.e.Empty.Value != "clear" || r.to.ID == "summary" || r.to.Type == jsm.StatusType || r.to.Type == jsm.RequestTypeType || r.to.Type == jsm.EffortType:
		p.decide(r, at, Skipped, "", "the peer has no value, and ours is kept")
	default:
		p.write(r, at, nil, "", p.in.withdrawn(at))
	}
}

// write decides between what the ticket holds and what it should hold, and plans the write.
func (p *planner) write(r *inRule, at replica.Path, want jsm.Value, to string, stamp int64) {
	f, t := r.to, p.in.Ticket
	if t != nil {
		now, err := valueOf(t, f)
		if err != nil {
			p.hold(r, at, Unreadable, fmt.Sprintf("%s of %s cannot be read here.", f.Name, t.Key), "Look at the field in Jira; it is tried again with the next change.")
			return
		}
		if f.same(now, want) {
			p.agree(r, at, to)
			return
		}
	}
	if !p.wins(r, at, stamp, to, p.r.OutgoingPaths(f.ID)) {
		return
	}
	if f.Type == jsm.StatusType {
		p.transition(r, at, want.(jsm.Option), to)
		return
	}
	p.plan.Edit.Set[f.ID] = want
	p.wrote(r, at, to, p.r.OutgoingPaths(f.ID)...)
}

func (p *planner) agree(r *inRule, at replica.Path, to string) {
	p.decide(r, at, Same, to, "")
	for _, o := range p.r.out {
		if !o.elements() && p.r.shows(o, r.to.ID) {
			p.plan.Agreed = append(p.plan.Agreed, o.path)
		}
	}
}

// wrote notes a planned write.
func (p *planner) wrote(r *inRule, at replica.Path, to string, moves ...replica.Path) {
	p.plan.Edit.Types[r.to.ID] = r.to.Field
	p.plan.Writes = append(p.plan.Writes, Write{Path: at, Field: r.to.ID, Name: r.to.Name, Rule: place(r.e.Name.Pos)})
	p.plan.Touched.Fields = append(p.plan.Touched.Fields, r.to.ID)
	p.plan.Touched.Paths = append(p.plan.Touched.Paths, moves...)
	p.decide(r, at, Written, to, "")
}

// wins decides who wins where somebody here changed the same thing at the same time. moves are the
// outgoing items that show it.
func (p *planner) wins(r *inRule, at replica.Path, stamp int64, to string, moves []replica.Path) bool {
	if p.in.creating() || p.in.Concurrent == nil {
		return true
	}
	var ours replica.Item
	concurrent := false
	for _, path := range moves {
		if it, yes := p.in.Concurrent(at, path); yes && (!concurrent || it.At > ours.At) {
			ours, concurrent = it, true
		}
	}
	if !concurrent {
		return true
	}
	if p.known(r) {
		p.decide(r, at, Ours, to, "it was set here since the ticket was made from the peer's")
		return false
	}
	theirs := p.in.Remote[at]
	theirsWin := p.in.theirs(stamp, ours.At)
	switch wins := r.e.Wins.Value; {
	case wins == "hold":
		p.hold(r, at, Concurrent, fmt.Sprintf("%s was changed here and at %s at the same time.", r.to.Name, p.r.Peer), "Agree on a value and set it on either side.")
		return false
	case wins == "ours":
		p.overrule(r, at, theirs, false, moves...)
		p.insist(theirs, ours, moves)
		p.plan.Contested = append(p.plan.Contested, Contested{at, true, moves})
		p.decide(r, at, Ours, to, `changed on both sides at the same time, and wins = "ours"`)
		return false
	case wins == "latest" && !theirsWin:
		p.overrule(r, at, theirs, false, moves...)
		p.insist(theirs, ours, moves)
		p.plan.Contested = append(p.plan.Contested, Contested{at, true, moves})
		p.decide(r, at, Lost, to, "changed on both sides at the same time, and ours is later")
		return false
	}
	p.overrule(r, at, ours, true)
	p.plan.Contested = append(p.plan.Contested, Contested{at, false, moves})
	return true
}

// known reports whether who set here what a rule writes knew all of the peer's that the rule is judged for.
func (p *planner) known(r *inRule) bool {
	paths := slices.DeleteFunc(slices.Clone(p.in.Changed), func(path replica.Path) bool { return !r.reads(path) })
	return p.in.Known != nil && len(paths) > 0 && !slices.ContainsFunc(paths, func(path replica.Path) bool { return !p.in.Known(path) })
}

func (p *planner) overrule(r *inRule, at replica.Path, it replica.Item, ours bool, beaten ...replica.Path) {
	if it.Kind != "" {
		p.plan.Overruled = append(p.plan.Overruled, Overruled{Path: at, Item: it, Ours: ours, Rule: place(r.e.Name.Pos), Beaten: beaten})
	}
}

// insist has ours said again where it stands against a withdrawal: one whose time is not known loses by "latest" on
// either side, and the peer that withdrew it has nothing of its own left by which it would know of the contest.
func (p *planner) insist(theirs, ours replica.Item, moves []replica.Path) {
	if theirs.Kind == "" && ours.Kind != "" {
		p.plan.Insist = append(p.plan.Insist, moves...)
	}
}

// transition plans the way to a status.
func (p *planner) transition(r *inRule, at replica.Path, want jsm.Option, to string) {
	name := want.Value
	if name == "" {
		name = want.ID
	}
	if t := p.in.Ticket; t != nil && !r.e.Reopen.Value && !p.in.creating() && t.Status.Category == "done" && p.r.category(name) != "done" {
		p.decide(r, at, Ours, to, "it is closed here, and reopen = false")
		return
	}
	target := &jsm.Target{Status: name, Ticket: p.in.Ticket}
	for _, via := range r.e.Via {
		target.Via = append(target.Via, via.Value)
	}
	if res, ok := r.e.Resolution.Find(name); ok {
		target.Resolution = res.Value
	}
	p.plan.Transition = target
	moves := append(p.r.OutgoingPaths("status"), p.r.OutgoingPaths("resolution")...)
	p.wrote(r, at, to, moves...)
	delete(p.plan.Edit.Types, r.to.ID)
}

// category is a status's category by its name or id; empty where it is not known.
func (r *Rules) category(nameOrID string) string {
	if r.schema == nil {
		return ""
	}
	for _, s := range r.schema.Statuses {
		if s.Name == nameOrID || s.ID == nameOrID {
			return s.Category
		}
	}
	return ""
}

// resolution moves a resolution into the transition, where Jira takes it most surely.
func (p *planner) resolution() {
	o, ok := p.plan.Edit.Set["resolution"].(jsm.Option)
	if t := p.plan.Transition; ok && t != nil && t.Resolution == "" {
		if t.Resolution = o.Value; t.Resolution == "" {
			t.Resolution = o.ID
		}
		delete(p.plan.Edit.Set, "resolution")
		delete(p.plan.Edit.Types, "resolution")
	}
}

// requestType finds a request type of the desk: jsm writes it by id.
func (r *Rules) requestType(f *field, v replica.Value) (jsm.Value, error) {
	if err := f.admit(v); err != nil {
		return nil, err
	}
	name, _ := plain(v)
	if r.schema == nil {
		return jsm.Option{Value: name}, nil
	}
	rt, err := r.schema.RequestType(name)
	if err != nil {
		return nil, &refusal{reason: fmt.Sprintf("There is no request type %q here.", clip(name))}
	}
	return jsm.Option{ID: rt.ID, Value: rt.Name}, nil
}

// finish sorts what has no order of its own.
func (p *planner) finish() {
	pl := &p.plan
	slices.Sort(pl.Touched.Fields)
	pl.Touched.Fields = slices.Compact(pl.Touched.Fields)
	slices.Sort(pl.Touched.Paths)
	pl.Touched.Paths = slices.Compact(pl.Touched.Paths)
	slices.Sort(pl.Agreed)
	pl.Agreed = slices.Compact(pl.Agreed)
}
