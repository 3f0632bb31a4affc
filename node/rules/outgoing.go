package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// An outRule makes one entity's items from a ticket.
type outRule struct {
	e     conf.Entity
	path  replica.Path // of the item; the bare kind where each element is an item
	to    *field       // what the item is; nil for view:NAME
	from  *field       // what is read; nil with value or set
	when  *expr
	value *expr
	set   replica.Value
	with  *mapping
	never string // why the policy keeps it home; empty: it may leave
}

// outComments is [outgoing.comments] or [outgoing."comments.internal"].
type outComments struct {
	e     conf.Entity
	when  *expr
	strip string
	never string
}

func (o *outRule) elements() bool { return o.to != nil && o.to.elements }

// makes reports whether an item comes from this rule.
func (o *outRule) makes(p replica.Path) bool {
	if o.elements() {
		return p.Kind() == string(o.path) && p.Element() != ""
	}
	return p == o.path
}

// outgoing compiles [outgoing].
func (c *compiler) outgoing() {
	for _, e := range c.src.Outgoing.Items() {
		if i := slices.Index([]string{"comments.internal", "comments"}, e.Name.Value); i >= 0 {
			c.comments[i] = &outComments{e: e, when: c.condition(e.When, "comment"), strip: strings.TrimSpace(e.Strip.Value),
				never: c.gate.forbids(e.Name.Value)}
			c.neverWarning(e.Name, c.comments[i].never)
			continue
		}
		if c.outAttachments(e) {
			continue
		}
		if c.outPart(e) || c.outService(e) {
			continue
		}
		if o := c.outRule(e); o != nil {
			c.out = append(c.out, o)
		}
	}
}

func (c *compiler) outRule(e conf.Entity) *outRule {
	o := &outRule{e: e, path: replica.Path(e.Name.Value), with: newMapping(e)}
	if !strings.HasPrefix(e.Name.Value, "view:") {
		if o.to = c.bind(e.Name); o.to == nil {
			return nil
		}
		o.path = o.to.path
	} else if len(e.Name.Value) > replica.MaxPath || strings.ContainsFunc(e.Name.Value, isControl) {
		c.ps.Add(e.Name.Pos, "", "the name is too long, or holds control characters")
		return nil
	}
	for _, before := range c.out {
		if before.path == o.path {
			c.ps.Add(e.Name.Pos, "", "%s is named twice: also at line %d", o.path, before.e.Name.Pos.Line)
			return nil
		}
	}
	when := []string{"ticket"}
	if o.to != nil && o.to.Type == jsm.User {
		when = append(when, "person")
	}
	o.when = c.condition(e.When, when...)
	switch {
	case e.Value.IsSet():
		if o.value = c.expr(e.Value, "ticket"); o.value != nil {
			c.checkResult(o.value, o.to)
		}
	case e.Set.IsSet():
		o.set = c.outLiteral(e, o.to)
	case e.From.IsSet():
		if o.from = c.readable(e.From); o.from != nil && o.to != nil {
			c.checkCoercion(e, o.from.Name, o.from.Type, o.to)
		}
	default:
		o.from = o.to
	}
	c.checkOutMap(o)
	if o.to != nil {
		c.checkAddresses(e, o.to)
	}
	sources := []string{string(o.path)}
	if o.to != nil {
		sources[0] = o.to.entity
	}
	for _, f := range c.sources(o) {
		sources = append(sources, f.entity)
	}
	for _, s := range sources {
		if why := c.gate.forbids(s); why != "" {
			o.never = why
		}
	}
	c.neverWarning(e.Name, o.never)
	return o
}

func (c *compiler) neverWarning(name conf.Text, why string) {
	if why != "" {
		c.warning(name.Pos, "it will not leave: remove it here", "%s, which %s needs", why, name.Value)
	}
}

// readable binds a source of an outgoing item.
func (c *compiler) readable(from conf.Text) *field {
	if strings.HasPrefix(from.Value, "view:") || strings.HasPrefix(from.Value, "comments") {
		c.ps.Add(from.Pos, "name a field of the ticket", "from = %q cannot be read here", from.Value)
		return nil
	}
	if !conf.EntityKnown(from.Value) {
		c.ps.Add(from.Pos, fmt.Sprintf("a custom field is written \"field:%s\"", from.Value), "there is no item called %q", from.Value)
		return nil
	}
	return c.bind(from)
}

// sources are the fields whose contents the item shows (a condition shows none).
func (r *Rules) sources(o *outRule) []*field {
	var out []*field
	if o.from != nil {
		out = append(out, o.from)
	}
	if o.value == nil {
		return out
	}
	for _, rd := range o.value.reads {
		if f := r.fields[rd.member]; rd.variable == "ticket" && f != nil {
			out = append(out, f)
		} else if rd.variable == "ticket" {
			if f := r.fieldOf(rd.member); f != nil {
				out = append(out, f)
			}
		}
	}
	return out
}

// condition compiles an expression that must give true or false.
func (c *compiler) condition(src conf.Text, allowed ...string) *expr {
	x := c.expr(src, allowed...)
	if x != nil && !x.out.IsExactType(cel.BoolType) && !x.out.IsExactType(cel.DynType) {
		c.ps.Add(src.Pos, "compare it with something", "the condition gives %s, not true or false", typeName(x.out))
		return nil
	}
	return x
}

func typeName(t *cel.Type) string {
	switch {
	case t.IsExactType(cel.StringType):
		return "a text"
	case t.IsExactType(cel.BoolType):
		return "true or false"
	case t.IsExactType(cel.IntType), t.IsExactType(cel.DoubleType), t.IsExactType(cel.UintType):
		return "a number"
	case t.IsExactType(cel.TimestampType):
		return "a point in time"
	case t.IsExactType(personType):
		return "a person"
	case t.IsExactType(effortType):
		return "estimates"
	}
	return t.String()
}

// checkResult refuses an expression whose result can never be a value of the field; f nil takes any
// plain result.
func (c *compiler) checkResult(x *expr, f *field) {
	is := func(types ...*cel.Type) bool {
		return slices.ContainsFunc(append(types, cel.DynType), func(t *cel.Type) bool { return x.out.IsExactType(t) })
	}
	texts := cel.ListType(cel.StringType)
	want := ""
	switch {
	case f == nil:
		if !is(cel.StringType, cel.BoolType, cel.IntType, cel.DoubleType, cel.TimestampType, texts) {
			want = "a text, number, time, list of texts, or true or false"
		}
	case columnOf(f.Type) == cUser || columnOf(f.Type) == cUsers:
		c.ps.Add(x.src.Pos, "use from, and [people]", "a person cannot be computed")
	case f.Type == jsm.EffortType || f.Type == jsm.ParentType:
		c.ps.Add(x.src.Pos, "use from", "%s cannot be computed", f.Name)
	case f.Type.Set():
		if !is(texts, cel.ListType(cel.DynType)) {
			want = "a list of texts"
		}
	case f.Type == jsm.NumberType:
		if !is(cel.IntType, cel.DoubleType) {
			want = "a number"
		}
	case f.Type == jsm.DateType || f.Type == jsm.DateTime:
		if !is(cel.TimestampType, cel.StringType) {
			want = "a date"
		}
	case f.Type != jsm.UnknownType && !is(cel.StringType):
		want = "a text"
	}
	if want != "" {
		c.ps.Add(x.src.Pos, "", "%s takes %s, the expression gives %s", nameFor(f), want, typeName(x.out))
	}
}

func nameFor(f *field) string {
	if f == nil {
		return "a view item"
	}
	return f.Name
}

// checkOutMap checks a map's keys, which are names of this tenant.
func (c *compiler) checkOutMap(o *outRule) {
	m := o.e.Map
	if !m.Pos.IsSet() {
		return
	}
	if o.from == nil {
		return // what a computed value may be is not known
	}
	if !named(o.from.Type) {
		c.ps.Add(m.Pos, "compute it with value", "%s has no names that a map could go by", o.from.Name)
		return
	}
	for _, e := range m.Entries {
		c.checkName(o.from, e.From)
	}
}

// named tells the types whose values have names.
func named(t jsm.FieldType) bool {
	switch t {
	case jsm.Paragraph, jsm.NumberType, jsm.DateType, jsm.DateTime, jsm.User, jsm.MultiUser, jsm.Participants,
		jsm.EffortType, jsm.ParentType, jsm.WatchersType:
		return false
	}
	return true
}

// checkName refuses a name that no value of the field has.
func (c *compiler) checkName(f *field, name conf.Text) {
	if !f.takes(name.Value) {
		c.ps.Add(name.Pos, conf.DidYouMean(name.Value, f.Options), "%s has no value %q here", f.Name, name.Value)
	}
}

// outLiteral is the value of set.
func (c *compiler) outLiteral(e conf.Entity, f *field) replica.Value {
	v, err := typedValue(f, e.Set.Value)
	if err != nil {
		c.ps.Add(e.Set.Pos, "", "set: %s", err)
		return nil
	}
	return v
}

// Governs is the canonical text of the outgoing rules that decide about an item; empty where it is not
// shared. Two versions with the same text treat the item alike.
func (r *Rules) Governs(p replica.Path) string {
	if p.Kind() == "comment" {
		var parts []string
		for _, c := range r.comments {
			if c != nil && c.never == "" {
				parts = append(parts, r.ruleText(c.e))
			}
		}
		return strings.Join(parts, "\n")
	}
	if p.Kind() == "attachment" {
		return r.governsAttachment()
	}
	if text, known := r.governsPart(p.Kind()); known {
		return text
	}
	if text, known := r.governsService(p); known {
		return text
	}
	for _, o := range r.out {
		if o.makes(p) && o.never == "" {
			return r.ruleText(o.e)
		}
	}
	return ""
}

func (r *Rules) ruleText(e conf.Entity) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q from=%q when=%q value=%q set=%q strip=%q retract=%t addresses=%s people=%s", e.Name.Value, e.From.Value,
		e.When.Value, e.Value.Value, fmt.Sprint(e.Set.Value), e.Strip.Value, e.Retract.Value, e.Addresses.Value, r.people.share)
	if e.Map.Pos.IsSet() {
		fmt.Fprintf(&b, " else=%q otherwise=%s", fmt.Sprint(e.Else.Value), e.Otherwise.Value)
		entries := slices.Clone(e.Map.Entries)
		slices.SortFunc(entries, func(a, b conf.MapEntry) int { return strings.Compare(a.From.Value, b.From.Value) })
		for _, m := range entries {
			fmt.Fprintf(&b, " %q=%q", m.From.Value, m.To.Value)
		}
	}
	if e.When.IsSet() || e.Value.IsSet() {
		for _, k := range r.src.Const {
			fmt.Fprintf(&b, " const.%s=%q", k.Name, k.Value.String())
		}
	}
	return b.String()
}

// OutgoingPaths lists the items that show a field's contents: what a write of the field moves. An entity
// whose elements are items of their own is listed by its bare kind ("label"); see Feeds.
func (r *Rules) OutgoingPaths(fieldID string) (paths []replica.Path) {
	for _, o := range r.out {
		if r.shows(o, fieldID) {
			paths = append(paths, o.path)
		}
	}
	return paths
}

// Feeds reports whether an item shows the field's contents.
func (r *Rules) Feeds(fieldID string, p replica.Path) bool {
	return slices.ContainsFunc(r.out, func(o *outRule) bool { return o.makes(p) && r.shows(o, fieldID) })
}

func (r *Rules) shows(o *outRule, fieldID string) bool {
	return slices.ContainsFunc(r.sources(o), func(f *field) bool { return f.ID != "" && f.ID == fieldID })
}

// TicketFields lists the field ids that must be read for views and plans, sorted.
func (r *Rules) TicketFields() []string {
	ids := []string{"summary", "status", "project", "created", "updated"}
	if r.comments[0] != nil || r.comments[1] != nil || r.arriving[0] != nil || r.arriving[1] != nil {
		ids = append(ids, "comment")
	}
	if r.namesFiles() {
		ids = append(ids, jsm.FieldAttachments)
	}
	for _, f := range r.fields {
		if f.ID != "" {
			ids = append(ids, f.ID)
		}
	}
	ids = append(append(ids, r.parts.fields()...), r.service.reads()...)
	if r.namesWatchers() {
		ids = append(ids, jsm.WatcherList)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// namesWatchers reports whether the persons who watch must be known, not only how many they are.
func (r *Rules) namesWatchers() bool {
	return slices.ContainsFunc(r.in, func(i *inRule) bool { return i.to.Type == jsm.WatchersType }) ||
		slices.ContainsFunc(r.out, func(o *outRule) bool { return o.to != nil && o.to.Type == jsm.WatchersType && o.e.As.Value == "people" })
}

// Read is what one expression reads.
type Read struct {
	Rule  string   // file:line:col of the expression
	Item  string   // the entity whose table it stands in, with the direction: "outgoing priority"
	Word  string   // when, value, public_when
	Reads []string // "ticket.priority", "comment.text", sorted
}

// Reads lists what every expression reads, in the order of the rules.
func (r *Rules) Reads() (all []Read) {
	add := func(item, word string, x *expr) {
		if x == nil {
			return
		}
		one := Read{Rule: place(x.src.Pos), Item: item, Word: word}
		for _, rd := range x.reads {
			one.Reads = append(one.Reads, spelled(rd.variable)+"."+rd.member)
		}
		all = append(all, one)
	}
	for _, o := range r.out {
		add("outgoing "+o.e.Name.Value, "when", o.when)
		add("outgoing "+o.e.Name.Value, "value", o.value)
	}
	for _, c := range r.comments {
		if c != nil {
			add("outgoing "+c.e.Name.Value, "when", c.when)
		}
	}
	for _, entity := range slices.Sorted(maps.Keys(r.service.out)) {
		add("outgoing "+entity, "when", r.service.out[entity].when)
	}
	for _, entity := range slices.Sorted(maps.Keys(r.service.in)) {
		add("incoming "+entity, "when", r.service.in[entity].when)
	}
	for _, entity := range slices.Sorted(maps.Keys(r.parts.out)) {
		add("outgoing "+entity, "when", r.parts.out[entity].when)
	}
	for _, entity := range slices.Sorted(maps.Keys(r.parts.in)) {
		add("incoming "+entity, "when", r.parts.in[entity].when)
	}
	for _, i := range r.in {
		add("incoming "+i.e.Name.Value, "when", i.when)
		add("incoming "+i.e.Name.Value, "value", i.value)
	}
	for _, c := range r.arriving {
		if c != nil {
			add("incoming "+c.e.Name.Value, "when", c.when)
			add("incoming "+c.e.Name.Value, "public_when", c.publicWhen)
		}
	}
	for i := range r.files {
		if f := r.files[i]; f != nil {
			add("outgoing "+f.e.Name.Value, "when", f.when)
		}
		if f := r.landing[i]; f != nil {
			add("incoming "+f.e.Name.Value, "when", f.when)
		}
	}
	return all
}
