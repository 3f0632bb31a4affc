package rules

import (
	"fmt"
	"slices"
	"strings"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// A Fate is what the rules make of one item, and why. From and To are set only where both are names of a
// list (options, statuses), so that they show nothing that a person typed; with Explain's content they are
// set for every value, bounded.
type Fate struct {
	Decision
	Mapped bool // it becomes another value, or goes into a field of another name
}

// Explain is View with the reason for each item of a ticket that was read in full: what crosses and as
// what, what stays home although a rule names it, and what no rule names. What waits is in held alone.
func (r *Rules) Explain(in Local, content bool) (replica.View, []Held, []Fate) {
	waits, told := map[replica.Path]bool{}, map[replica.Path]bool{}
	var said []telling
	view, held := r.show(in, func(t telling) { said = append(said, t) })
	for _, h := range held {
		waits[h.Path], told[h.Path] = true, true
	}
	var fates []Fate
	for _, t := range said {
		if told[t.Path] = true; waits[t.Path] {
			continue
		}
		if !content && !t.named {
			t.From, t.To = "", ""
		}
		fates = append(fates, t.Fate)
	}
	for p, it := range view { // items of kinds that tell nothing of themselves
		if !told[p] {
			fates = append(fates, Fate{Decision: Decision{Path: p, Rule: r.placeOf(r.src.Outgoing, entityOf(p, it)), Verdict: Written}})
		}
	}
	fates = append(fates, r.unnamed(in.Ticket)...)
	slices.SortStableFunc(fates, func(a, b Fate) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return view, held, fates
}

// ExplainArrival is Plan with the reason for each item that the peer shows: by which rule it is here, and as
// what, or why it is not taken. in.Changed is to name them all.
func (r *Rules) ExplainArrival(in Arrival, content bool) (Plan, []Fate) {
	plan := r.Plan(in)
	told := map[replica.Path]bool{}
	var fates []Fate
	for _, d := range plan.Decisions {
		told[d.Path] = true
		f := Fate{Decision: d}
		if f.To == "" && f.Verdict == Same {
			f.To = f.From // what the field holds already
		}
		f.arrives(r, in.Remote, content)
		fates = append(fates, f)
	}
	for _, h := range plan.Held {
		told[h.Path] = true
	}
	for p, it := range in.Remote {
		if told[p] || told[replica.Path(p.Kind())] {
			continue
		}
		d := r.unjudged(p, it)
		fates = append(fates, Fate{Decision: d})
	}
	slices.SortStableFunc(fates, func(a, b Fate) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return plan, fates
}

// unjudged tells of an item of the peer's that the plan said nothing of: a rule of an entity that is followed item by
// item, or one whose time is over (once), or none.
func (r *Rules) unjudged(p replica.Path, it replica.Item) Decision {
	d := Decision{Path: p, Verdict: Same}
	if i := slices.IndexFunc(r.in, func(i *inRule) bool { return i.reads(p) }); i >= 0 {
		d.Rule, d.Field = place(r.in[i].e.Name.Pos), r.in[i].to.Name
		return d
	}
	entity := entityOf(p, it)
	if i := slices.IndexFunc(r.in, func(i *inRule) bool { return i.to.entity == entity }); i >= 0 {
		d.Rule, d.Verdict, d.Why = place(r.in[i].e.Name.Pos), Skipped, "its rule does not read it"
		return d
	}
	if from := r.src.Create.RequestType.From; from.IsSet() {
		if made, _ := viewPath(from.Value); made == p {
			d.Rule, d.Why = place(from.Pos), "it decided the request type when the ticket was made"
			return d
		}
	}
	if d.Rule = r.placeOf(r.src.Incoming, entity); d.Rule == "" {
		d.Verdict, d.Why = Skipped, noRule
	}
	return d
}

// arrives fills in what an item was at the peer's and what it comes to here.
func (f *Fate) arrives(r *Rules, remote replica.View, content bool) {
	var v replica.Value
	it, there := remote[f.Path]
	if there {
		v, _ = it.Value() // what cannot be read says so by being held
	}
	if v == nil || f.Path.Kind() == "comment" {
		f.From, f.To = "", ""
		return
	}
	if f.Path.Element() != "" {
		v = replica.Option{Name: f.Path.Element()} // the member of a set, by the name that its path tells
	}
	f.From = shown(v)
	i := slices.IndexFunc(r.in, func(i *inRule) bool { return i.to.ID == f.FieldID })
	if i < 0 {
		f.Mapped = serviceOf(f.Path) != "" && f.FieldID != "" && f.FieldID != serviceOf(f.Path) // it lands in a field
		if !content {
			f.From, f.To = "", ""
		}
		return
	}
	f.Mapped = f.To != "" && f.From != f.To || r.in[i].to.path != f.Path && !r.in[i].to.elements
	if !content && !(listed(v) && named(r.in[i].to.Type)) {
		f.From, f.To = "", ""
	}
}

// A telling is a fate on its way out of a viewer; named says that its texts are names of a list.
type telling struct {
	Fate
	named bool
}

// shows tells of a value that crosses.
func (v *viewer) shows(o *outRule, p replica.Path, from, to replica.Value) {
	if v.tell == nil {
		return
	}
	d := Decision{Path: p, Field: o.said(), From: shown(from), To: shown(to), Rule: place(o.e.Name.Pos), Verdict: Written}
	if o.from != nil {
		d.FieldID, d.Field = o.from.ID, o.from.Name
	}
	moved := o.from != nil && o.to != nil && o.from != o.to || o.value != nil
	v.tell(telling{Fate{d, d.From != d.To || moved}, listed(from) && listed(to)})
}

// stays tells of an item that a rule names and yet keeps home.
func (v *viewer) stays(p replica.Path, at conf.Pos, why string) {
	if v.tell != nil {
		v.tell(telling{Fate{Decision: Decision{Path: p, Rule: place(at), Verdict: Skipped, Why: why}}, true})
	}
}

// listed reports whether a value is a name of a list of the tenant, or several of them.
func listed(v replica.Value) bool {
	switch v := v.(type) {
	case replica.Option, replica.Status:
		return true
	case replica.List:
		return !slices.ContainsFunc(v, func(one replica.Value) bool { return !listed(one) })
	}
	return false
}

// placeOf is where rules name an entity; "" where they do not.
func (r *Rules) placeOf(d conf.Direction, entity string) string {
	for _, e := range d.Items() {
		if e.Name.Value == entity {
			return place(e.Name.Pos)
		}
	}
	return ""
}

const noRule = "no rule names it"

// unnamed lists what the ticket holds and no outgoing rule looks at.
func (r *Rules) unnamed(t *jsm.Ticket) (fates []Fate) {
	used := map[string]bool{}
	for _, o := range r.out {
		for _, f := range r.sources(o) {
			used[f.ID] = true
		}
	}
	stays := func(p replica.Path, field, why string) {
		fates = append(fates, Fate{Decision: Decision{Path: p, Field: field, Verdict: Skipped, Why: why}})
	}
	look := func(f *field) {
		if f.ID == "" || used[f.ID] {
			return
		}
		used[f.ID] = true
		if v, err := valueOf(t, f); err == nil && !isEmpty(v) && v != jsm.Value(jsm.Number("0")) { // 0: nobody watches
			stays(f.path, f.Name, noRule)
		}
	}
	for _, known := range []map[string]jsm.Field{system, typed} {
		for entity := range known {
			if f, err := bind(entity, r.schema); err == nil {
				look(f)
			}
		}
	}
	if r.schema != nil {
		for _, one := range r.schema.Fields {
			if !one.Custom || used[one.ID] || blank(t.Fields[one.ID]) {
				continue
			}
			if why, special := r.apart(one); special {
				if why != "" {
					stays(replica.Path("field:"+one.Name), one.Name, why)
				}
			} else if f, err := bind(one.ID, r.schema); err == nil {
				look(f)
			}
		}
	}
	r.unnamedParts(t, stays)
	return fates
}

// apart tells of a custom field that crosses only as an entity of another name, or not at all: why it does not; ""
// where that entity's rule carries it.
func (r *Rules) apart(f jsm.Field) (why string, special bool) {
	for entity, t := range map[string]jsm.FieldType{"request_type": jsm.RequestTypeType, "organizations": jsm.Organizations,
		"participants": jsm.Participants, "sla": jsm.SLAType, "approvals": jsm.ApprovalsType, "satisfaction": jsm.FeedbackType} {
		switch {
		case t != f.Type:
		case r.placeOf(r.src.Outgoing, entity) != "":
			return "", true
		default:
			return "no rule names " + entity, true
		}
	}
	if formOfType(f.Type) != "" {
		return "", false
	}
	return uncarried(f).Error(), true
}

// unnamedParts does the same for what a ticket has many of.
func (r *Rules) unnamedParts(t *jsm.Ticket, stays func(p replica.Path, field, why string)) {
	open := 0
	for i := range t.Comments {
		if public(&t.Comments[i]) {
			open++
		}
	}
	if t.RequestType != nil && r.placeOf(r.src.Outgoing, "portal") == "" {
		stays("portal", "", noRule)
	}
	for _, part := range []struct {
		entity string
		n      int
	}{
		{"comments", open}, {"comments.internal", len(t.Comments) - open}, {"attachments", len(t.Attachments)},
		{"worklogs", max(len(t.Worklogs), t.WorklogsTotal)}, {"links", len(t.Links)}, {"subtasks", len(t.Subtasks)},
	} {
		if part.n > 0 && r.placeOf(r.src.Outgoing, part.entity) == "" {
			stays(replica.Path(part.entity), "", fmt.Sprintf("%s (%d there)", noRule, part.n))
		}
	}
}

// blank reports whether a field's raw value holds nothing.
func blank(raw []byte) bool {
	switch strings.TrimSpace(string(raw)) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}
