package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// Two tenants with a field of every type, under other ids and names, and one value that fits what it is to
// become: the table of coercions is proved with them cell by cell.

// entityOfType is what the rules call the one field of a type.
func entityOfType(t jsm.FieldType) string {
	for _, known := range []map[string]jsm.Field{system, typed} {
		for entity, f := range known {
			own := t == jsm.Text || t == jsm.Paragraph || t == jsm.User || t == jsm.DateType || t == jsm.Labels || t == jsm.MultiVersion
			if f.Type == t && !own {
				return entity
			}
		}
	}
	return "field:" + string(t)
}

const optionNames = "Alpha|2|7|https://a.example/x|2026-11-22|2026-11-22T10:00:00Z|Alpha / One|beta"

// everyType is a tenant with all of them. Ids begin at base.
func everyType(base int) *jsm.Schema {
	s := &jsm.Schema{Project: jsm.Option{ID: "10000", Value: "SUPPORT"}, Desk: "1"}
	names := strings.Split(optionNames, "|")
	for _, t := range crossing {
		base++
		f := jsm.Field{ID: fmt.Sprintf("customfield_%d", base), Name: string(t), Custom: true, Type: t}
		if sys, ok := system[entityOfType(t)]; ok {
			f.ID, f.Custom = sys.ID, false
		}
		if columnOf(t) == cChoice || columnOf(t) == cChoices {
			f.Options = names
		}
		if t == jsm.Cascading {
			f.Options = append([]string{"Alpha / Two"}, names...)
		}
		s.Fields = append(s.Fields, f)
	}
	for i, n := range names {
		s.Statuses = append(s.Statuses, jsm.Status{ID: fmt.Sprint(base + i), Name: n, Category: "new"})
		s.RequestTypes = append(s.RequestTypes, jsm.RequestType{ID: fmt.Sprint(base + 100 + i), Name: n})
	}
	return s
}

// fits is a text that reads as a value of a column.
func fits(c column) string {
	switch c {
	case cURL:
		return "https://a.example/x"
	case cNumber:
		return "7"
	case cDate:
		return "2026-11-22"
	case cTime:
		return "2026-11-22T10:00:00Z"
	}
	return "Alpha"
}

// holding makes a ticket whose field of type t holds a value with that text, as Jira answers it.
func holding(s *jsm.Schema, t jsm.FieldType, text string) *jsm.Ticket {
	tk := ticket(nil)
	option := func(name string) string { return fmt.Sprintf(`{"id":"9%d","value":%q}`, len(name), name) }
	raw := ""
	switch t {
	case jsm.StatusType:
		i := slices.IndexFunc(s.Statuses, func(st jsm.Status) bool { return st.Name == text })
		tk.Status = s.Statuses[i]
		return tk
	case jsm.RequestTypeType:
		tk.RequestType = &jsm.Option{ID: "25", Value: text}
		return tk
	case jsm.Text, jsm.URL:
		raw = fmt.Sprintf("%q", text)
	case jsm.Paragraph:
		raw = rich(text)
	case jsm.NumberType:
		raw = "7"
	case jsm.DateType:
		raw = `"2026-11-22"`
	case jsm.DateTime:
		raw = `"2026-11-22T12:00:00.000+0200"`
	case jsm.Cascading:
		raw = `{"id":"1","value":"Alpha","child":{"id":"2","value":"One"}}`
	case jsm.User:
		raw = user("jane", "jane@a.example")
	case jsm.MultiUser, jsm.Participants:
		raw = "[" + user("jane", "jane@a.example") + "," + user("bob", "bob@a.example") + "]"
	case jsm.WatchersType:
		raw = `{"watchCount":2,"watchers":[` + user("jane", "jane@a.example") + "," + user("bob", "bob@a.example") + "]}"
	case jsm.Labels:
		raw = `["Alpha","beta"]`
	case jsm.AssetType:
		raw = `[{"id":"w:1","label":"Alpha"},{"id":"w:2","label":"beta"}]`
	case jsm.EffortType:
		raw = `{"originalEstimateSeconds":7200,"remainingEstimateSeconds":0}`
	case jsm.ParentType:
		raw = `{"id":"10001","key":"SUP-1"}`
	case jsm.ProjectType:
		raw = fmt.Sprintf(`{"id":"10001","key":%q,"name":"A project"}`, text)
	case jsm.MultiSelect, jsm.Checkboxes, jsm.Components, jsm.MultiVersion, jsm.MultiGroup, jsm.Organizations:
		raw = "[" + option("Alpha") + "," + option("beta") + "]"
	default:
		raw = option(text)
	}
	f, err := s.Field(fieldID(s, t))
	if err != nil {
		panic(err)
	}
	tk.Fields[f.ID] = json.RawMessage(raw)
	return tk
}

func fieldID(s *jsm.Schema, t jsm.FieldType) string {
	return s.Fields[slices.IndexFunc(s.Fields, func(f jsm.Field) bool { return f.Type == t })].ID
}

// both is what two nodes know of each other's tickets and persons.
func both(in Arrival) Arrival {
	in.Shared = func(l replica.LinkID) (jsm.Option, bool) {
		return jsm.Option{ID: "20001", Value: "HLP-1"}, l == replica.LinkID{1}
	}
	in.Person = func(mail string) (jsm.Person, bool) {
		return jsm.Person{AccountID: "b-" + mail, Name: mail, Email: mail, Active: true}, true
	}
	return in
}

// namesHere is the map that a value of two levels needs.
func namesHere(c Coercion) string {
	if c.Way == MapOnly {
		return "map = { \"Alpha / One\" = \"beta\" }\n"
	}
	return ""
}

func TestEveryCell(t *testing.T) {
	counted := map[Way]int{}
	for _, from := range crossing {
		for _, to := range crossing {
			c := CoercionOf(from, to)
			counted[c.Way]++
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) { cell(t, c) })
		}
	}
	if len(counted) != 5 || counted[Never] < 100 || counted[Lossless] < 10 || counted[ByMap] < 100 || counted[MapOnly] < 5 {
		t.Errorf("an odd table: %v", counted)
	}
}

// cell sends a value of one type to a field of another and looks at what is written.
func cell(t *testing.T, c Coercion) {
	north, south := everyType(100), everyType(500)
	source, target := entityOfType(c.From), entityOfType(c.To)
	text := fits(columnOf(c.To))
	as := ""
	if c.From == jsm.WatchersType && columnOf(c.To) == cUsers {
		as = "as = \"people\"\n"
	}
	out, err := Compile(parse(t, head+"[people]\nshare = \"email\"\n[outgoing."+quotedKey(source)+"]\n"+as), nil, north)
	if err != nil {
		t.Fatal(err)
	}
	mine := local(holding(north, c.From, text))
	mine.Shared = func(id string) (replica.LinkID, bool) { return replica.LinkID{1}, id == "10001" }
	view, held := out.View(mine)
	if len(held) > 0 || len(view) == 0 {
		t.Fatalf("the sender shows %d items: %+v", len(view), held)
	}
	rules := head + "[people]\nmatch = \"email\"\n[incoming." + quotedKey(target) + "]\nfrom = \"" + source + "\"\n"
	_, known := usual(source)
	if c.Way == Never || c.Way == MapOnly {
		refusedCell(t, c, rules, known, view, south)
	}
	if c.Way == Never {
		return
	}
	src := parse(t, rules+namesHere(c))
	in, err := Compile(src, nil, south)
	if err != nil {
		t.Fatalf("%s: %v", c.Way, err)
	}
	tk := ticket(nil)
	arrived := both(Arrival{Remote: view, Changed: sortedPaths(view), Ticket: tk})
	plan := in.Plan(arrived)
	if plan.Empty() || len(plan.Held) > 0 {
		t.Fatalf("%s, yet nothing is written: %+v %+v", c.Way, plan.Held, plan.Decisions)
	}
	carryOut(t, in, tk, plan)
	if again := in.Plan(arrived); !again.Empty() {
		t.Fatalf("written twice: %+v after %+v", again.Edit, plan.Edit)
	}
	if c.Way == Lossless {
		sameItems(t, view, south, target, tk)
	}
}

// refusedCell: where the sender's type is known the rule is refused, with a way out; else the value waits.
func refusedCell(t *testing.T, c Coercion, rules string, known bool, view replica.View, s *jsm.Schema) {
	in, err := Compile(parse(t, rules), nil, s)
	if known {
		var ps *conf.Problems
		if !asProblems(err, &ps) || ps.List[0].Line != 7 && ps.List[0].Line != 6 || ps.List[0].Hint == "" || ps.List[0].Col < 2 {
			t.Fatalf("%s is not refused at check: %v", c.Way, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	plan := in.Plan(both(Arrival{Remote: view, Changed: sortedPaths(view), Ticket: ticket(nil)}))
	if !plan.Empty() || len(plan.Held) == 0 {
		t.Fatalf("%s, yet written: %+v %+v", c.Way, plan.Edit, plan.Held)
	}
	for _, h := range plan.Held {
		if h.Reason == "" || h.Next == "" || h.Code != Refused && h.Code != Nobody {
			t.Errorf("%+v", h)
		}
	}
	if c.Way == Never && (c.Note == "" || c.Instead == "") {
		t.Errorf("refused without a reason or a way out: %+v", c)
	}
}

func asProblems(err error, ps **conf.Problems) bool {
	p, ok := err.(*conf.Problems)
	*ps = p
	return ok && len(p.List) > 0
}

// sameItems: what came losslessly is shown by the receiver as it was shown to it.
func sameItems(t *testing.T, theirs replica.View, s *jsm.Schema, entity string, tk *jsm.Ticket) {
	back, err := Compile(parse(t, head+"[outgoing]\nshare = [\""+entity+"\"]"), nil, s)
	if err != nil {
		t.Fatal(err)
	}
	ours, held := back.View(local(tk))
	if len(held) > 0 || len(ours) != len(theirs) {
		t.Fatalf("%d items for %d: %+v", len(ours), len(theirs), held)
	}
	for i, p := range sortedPaths(theirs) {
		if a, b := theirs[p], ours[sortedPaths(ours)[i]]; !a.Equal(b) {
			t.Errorf("%s %x came back as %s %x", a.Kind, a.Raw, b.Kind, b.Raw)
		}
	}
}

func sortedPaths(v replica.View) (all []replica.Path) {
	for p := range v {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

func quotedKey(entity string) string { return fmt.Sprintf("%q", entity) }

// carryOut does to a ticket what a plan says, through the encoding of package jsm, as Jira shows it then.
func carryOut(t fatal, r *Rules, tk *jsm.Ticket, p Plan) {
	for id, v := range p.Edit.Set {
		f := p.Edit.Types[id]
		tk.Fields[id] = shownBy(t, f, resolved(v))
	}
	for id, f := range p.Edit.Types {
		if len(p.Edit.Add[id])+len(p.Edit.Remove[id]) == 0 {
			continue
		}
		now, err := tk.Value(f)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		members := membersOf(now)
		for _, v := range p.Edit.Remove[id] {
			members = slices.DeleteFunc(members, func(m jsm.Value) bool { return alike(m, v) })
		}
		members = append(members, p.Edit.Add[id]...)
		tk.Fields[id] = shownBy(t, f, (&field{Field: f}).setOf(members))
	}
	if p.Organizations != nil {
		var names []string
		for _, n := range p.Organizations.Names {
			names = append(names, fmt.Sprintf(`{"id":"%d","name":%q}`, len(n), n))
		}
		tk.Fields[p.Organizations.FieldID] = json.RawMessage("[" + strings.Join(names, ",") + "]")
	}
	if p.Transition != nil {
		i := slices.IndexFunc(r.schema.Statuses, func(s jsm.Status) bool { return s.Name == p.Transition.Status })
		tk.Status = r.schema.Statuses[i]
		if p.Transition.Resolution != "" {
			tk.Fields["resolution"] = json.RawMessage(fmt.Sprintf(`{"name":%q}`, p.Transition.Resolution))
		}
	}
	if rt, ok := p.Edit.Set[fieldID(r.schema, jsm.RequestTypeType)].(jsm.Option); ok {
		tk.RequestType = &rt
	}
}

// fatal is a testing.TB, or a rapid.T.
type fatal interface{ Fatalf(string, ...any) }

// resolved gives an Assets object the id that the client finds for its label.
func resolved(v jsm.Value) jsm.Value {
	list, ok := v.([]jsm.Option)
	if !ok {
		return v
	}
	out := slices.Clone(list)
	for i := range out {
		if out[i].ID == "" {
			out[i].ID = "w:" + out[i].Value
		}
	}
	return out
}

// shownBy encodes a value and shows it as Jira would: with names, where the value was written by name.
func shownBy(t fatal, f jsm.Field, v jsm.Value) json.RawMessage {
	if f.Type == jsm.WatchersType {
		raw := shownBy(t, jsm.Field{Type: jsm.MultiUser}, v)
		return json.RawMessage(`{"watchers":` + string(raw) + `}`)
	}
	raw, err := f.Encode(v)
	if err != nil {
		t.Fatalf("%s %v: %v", f.ID, v, err)
	}
	switch v := v.(type) {
	case jsm.Effort:
		return json.RawMessage(fmt.Sprintf(`{"originalEstimateSeconds":%d,"remainingEstimateSeconds":%d}`, v.Original, max(v.Remaining, 0)))
	case []jsm.Option:
		if f.Type != jsm.AssetType {
			return raw
		}
		var parts []string
		for _, o := range v {
			parts = append(parts, fmt.Sprintf(`{"id":%q,"label":%q}`, o.ID, o.Value))
		}
		return json.RawMessage("[" + strings.Join(parts, ",") + "]")
	case jsm.Option:
		if f.Type == jsm.ParentType || f.Type == jsm.ProjectType {
			return json.RawMessage(fmt.Sprintf(`{"id":%q,"key":%q}`, v.ID, v.Value))
		}
	}
	return raw
}
