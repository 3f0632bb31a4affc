package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
	"parley/replica/adf"
)

// ownLabels begin our own markers on tickets; they never cross.
const ownLabels = "parley-"

// View makes what the peer is shown of a ticket, and says what waits or was kept home and why. The
// policy's gate has been passed. A ticket outside the connection's projects shows what was shown last.
func (r *Rules) View(in Local) (replica.View, []Held) { return r.show(in, nil) }

// show is View; tell hears why each item came out as it did.
func (r *Rules) show(in Local, tell func(telling)) (replica.View, []Held) {
	if !slices.Contains(r.Projects, in.Ticket.Project.Value) {
		return in.Posted.Clone(), []Held{{
			Class: Definite, Code: Elsewhere,
			Reason: fmt.Sprintf("%s is in project %s, which connection %s does not share.", in.Ticket.Key, in.Ticket.Project.Value, r.Connection),
			Next:   "Move it back, unlink it, or add the project to the rules and the policy.",
		}}
	}
	v := &viewer{r: r, in: in, view: replica.View{}, stamps: stamps(in.Ticket, in.Account), tell: tell}
	v.scope = &scope{ticket: r.ticketRecord(in.Ticket), peer: r.peer, konst: r.constant}
	v.attachments() // before the texts that may show them
	for _, o := range r.out {
		v.rule(o)
	}
	v.comments()
	v.parts()
	v.serviceItems()
	view, held := r.Gate(v.view)
	held = append(v.held, held...)
	sortHeld(held)
	return view, held
}

func sortHeld(held []Held) {
	slices.SortStableFunc(held, func(a, b Held) int { return strings.Compare(string(a.Path), string(b.Path)) })
}

// A viewer makes one view.
type viewer struct {
	r      *Rules
	in     Local
	scope  *scope
	view   replica.View
	held   []Held
	stamps map[string]int64
	tell   func(telling) // hears why; nil: nobody does
	bytes  *int64        // of the attachments that cross; nil: not counted yet
}

func (v *viewer) stamp(fields []*field) int64 {
	var at int64
	for _, f := range fields {
		at = max(at, v.stamps[f.ID])
	}
	if at == 0 && !v.in.Ticket.Created.IsZero() {
		at = v.in.Ticket.Created.UnixMilli()
	}
	return at
}

// rule makes one rule's items.
func (v *viewer) rule(o *outRule) {
	if !v.passes(o) {
		v.stays(o.path, o.e.When.Pos, "when does not hold")
		return
	}
	val, err := v.value(o)
	if err != nil {
		v.hold(o, o.path, Expression, fmt.Sprintf("%s is not sent: %s.", o.e.Name.Value, err), "Correct the rule, or guard it with has().")
		return
	}
	if val == nil {
		return
	}
	if o.never != "" {
		v.held = append(v.held, dropped(o.path, o.never, place(o.e.Name.Pos)))
		return
	}
	at := v.stamp(v.r.sources(o))
	if o.elements() {
		v.elements(o, val, at)
		return
	}
	to, verdict, name := o.with.value(val)
	switch verdict {
	case Waits:
		v.held = append(v.held, o.with.held(o.path, o.said(), name, "this ticket", place(o.e.Name.Pos)))
	case Written:
		if none(to) {
			v.stays(o.path, o.e.Map.Pos, "none of it is in the map")
			return
		}
		v.view[o.path] = replica.NewItem(to, at)
		v.shows(o, o.path, val, to)
	case Skipped:
		v.stays(o.path, o.e.Map.Pos, "it is not in the map")
	}
}

// none is a list of which a map has left nothing: it says what no list says.
func none(v replica.Value) bool {
	list, ok := v.(replica.List)
	return ok && len(list) == 0
}

// said is what a person calls the item.
func (o *outRule) said() string {
	if o.to == nil {
		return string(o.path)
	}
	return o.to.Name
}

// passes evaluates when. A person that it speaks of is the one in the rule's own field.
func (v *viewer) passes(o *outRule) bool {
	if o.when == nil {
		return true
	}
	s := *v.scope
	if o.to != nil && o.to.Type == jsm.User {
		val, _ := valueOf(v.in.Ticket, o.to)
		p, ok := val.(jsm.Person)
		if !ok {
			return false // nobody is there to be shown
		}
		s.person = localPerson(p)
	}
	ok, err := o.when.test(&s)
	if err != nil {
		v.held = append(v.held, Held{Path: o.path, Class: Definite, Code: Expression, Rule: place(o.e.When.Pos),
			Reason: fmt.Sprintf("%s is not sent: when cannot be decided, since %s.", o.e.Name.Value, err), Next: "Correct the condition, or guard it with has()."})
	}
	return err == nil && ok
}

// value reads or computes a rule's value before its map; nil: nothing to send.
func (v *viewer) value(o *outRule) (replica.Value, error) {
	switch {
	case o.value != nil:
		got, err := o.value.eval(v.scope)
		if err != nil {
			return nil, err
		}
		return result(o.to, got)
	case o.set != nil:
		return o.set, nil
	case o.from == nil:
		return nil, errors.New("its field is not known without the tenant's schema")
	}
	raw, err := valueOf(v.in.Ticket, o.from)
	if err != nil {
		return nil, err
	}
	if o.from.Type == jsm.WatchersType {
		if raw, err = watchers(raw, o.e.As.Value == "people"); err != nil {
			return nil, err
		}
	}
	val, err := portable(o.from, v.in.Ticket, raw, crosser{v.person, v.ticket, func(doc *adf.Doc) replica.Rich { return v.rich(doc, o.e.Addresses.Value) }})
	if err != nil || val == nil || o.to == nil || o.to == o.from {
		return val, err
	}
	return crossType(o.to, val), nil
}

// crossType gives a value read from another field the kind that the item's own field has, where that
// loses nothing.
func crossType(to *field, val replica.Value) replica.Value {
	name, ok := nameOf(val)
	if !ok {
		return val
	}
	typed, err := typedText(to, name)
	if err != nil || typed.Kind() == replica.KindPerson {
		return val
	}
	return typed
}

func (v *viewer) person(p jsm.Person) replica.Person {
	return v.r.people.show(p, v.in.Company, v.in.Secret)
}

// ticket is another ticket as the peer may know of it: by the link that both sides share.
func (v *viewer) ticket(o jsm.Option) (replica.Value, error) {
	if v.in.Shared != nil {
		if link, ok := v.in.Shared(o.ID); ok {
			return replica.Ticket{Link: link, Key: o.Value}, nil
		}
	}
	return nil, errors.New("the ticket that it points to is not shared by this connection")
}

// watchers are a count, or the persons where the rule says so.
func watchers(raw jsm.Value, people bool) (jsm.Value, error) {
	list, listed := raw.([]jsm.Person)
	switch {
	case raw == nil, listed == people:
		return raw, nil
	case people:
		return nil, errors.New("the watchers were not listed")
	}
	return jsm.Number(strconv.Itoa(len(list))), nil
}

// elements makes an item of each element of a set.
func (v *viewer) elements(o *outRule, val replica.Value, at int64) {
	list, ok := val.(replica.List)
	if !ok {
		list = replica.List{val}
	}
	for _, one := range list {
		name, _ := nameOf(one)
		if o.path == "label" && strings.HasPrefix(name, ownLabels) {
			continue
		}
		to, verdict := o.with.apply(name, idOf(one))
		if verdict == Skipped {
			v.stays(o.path+"/"+replica.Path(name), o.e.Map.Pos, "it is not in the map")
			continue
		}
		p := o.path + "/" + replica.Path(to)
		switch {
		case verdict == Waits:
			v.held = append(v.held, o.with.held(o.path+"/"+replica.Path(name), o.said(), name, "this ticket", place(o.e.Name.Pos)))
		case to == "" || len(p) > replica.MaxPath || !utf8.ValidString(to) || strings.ContainsFunc(to, isControl):
			v.hold(o, o.path, Unreadable, fmt.Sprintf("One of %s has a name that cannot cross.", nameFor(o.to)), "Rename it.")
		default:
			v.view[p] = replica.NewItem(replica.Text(to), v.memberStamp(o, name, at))
			v.shows(o, p, replica.Option{Name: name}, replica.Option{Name: to})
		}
	}
}

// memberStamp is when an element came in, by the history; at where that does not tell. A neighbour's change says
// nothing of it.
func (v *viewer) memberStamp(o *outRule, name string, at int64) int64 {
	f := o.from
	if f == nil {
		return at
	}
	for _, c := range v.in.Ticket.History { // newest first
		for _, it := range c.Items {
			if jsm.FieldOf(it) != f.ID {
				continue
			}
			_, added, known := f.Members(it)
			if !known {
				return at
			}
			if slices.ContainsFunc(added, func(m jsm.Option) bool { return m.Value == name }) {
				return c.At.UnixMilli()
			}
		}
	}
	if len(v.in.Ticket.History) < v.in.Ticket.HistoryTotal {
		return at // it came before what was read
	}
	return max(v.in.Ticket.Created.UnixMilli(), 0)
}

func (v *viewer) hold(o *outRule, p replica.Path, code, reason, next string) {
	pos := o.e.Name.Pos
	for _, better := range []conf.Text{o.e.From, o.e.Value} {
		if better.IsSet() {
			pos = better.Pos
		}
	}
	v.held = append(v.held, Held{Path: p, Class: Definite, Code: code, Rule: place(pos), Reason: reason, Next: next})
}
