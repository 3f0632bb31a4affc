package rules

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/conf"
	"parley/jsm"
	"parley/replica"
)

// everything is a share list of all that this version carries in the tests' tenant.
var everything = []string{"summary", "description", "environment", "priority", "status", "resolution", "labels", "components", "due_date",
	"assignee", "reporter", "request_type", "organizations", "comments", "comments.internal", "field:Impact", "field:Contract reference",
	"field:Seats", "field:Teams", "field:Site", "field:Watch list", "field:Starts", "field:Link", "field:Owner", "field:Notes", "field:Salary", "field:Day", "field:Group"}

// anyTicket draws a ticket with any of its fields filled.
func anyTicket(t *rapid.T) *jsm.Ticket {
	word := rapid.StringMatching(`[a-z/]{1,6}`)
	oneOf := func(label string, names ...string) string { return rapid.SampledFrom(names).Draw(t, label) }
	quoted := func(label string) string {
		b, _ := json.Marshal(rapid.StringN(0, 20, 60).Draw(t, label))
		return string(b)
	}
	fields := map[string]string{}
	for id, raw := range map[string]func() string{
		"summary": func() string { return quoted("summary") }, "description": func() string { return rich(word.Draw(t, "d")) },
		"environment": func() string { return rich(word.Draw(t, "e")) }, "priority": func() string { return name(oneOf("p", "P1", "P2", "P3")) },
		"resolution": func() string { return name("Done") }, "duedate": func() string { return `"2026-01-0` + oneOf("day", "1", "2") + `"` },
		"assignee": func() string { return user("jane", "j@a") }, "reporter": func() string { return `{"accountId":"x"}` },
		"components":    func() string { return "[" + name("Mail") + "]" },
		"customfield_1": func() string { return `{"value":"` + oneOf("i", "Extensive", "Minor") + `"}` }, "customfield_2": func() string { return quoted("c2") },
		"customfield_3": func() string { return oneOf("n", "1", "2.50", "0") }, "customfield_4": func() string { return `[{"value":"Red"},{"value":"Blue"}]` },
		"customfield_5": func() string { return `{"value":"EU"}` }, "customfield_6": func() string { return "[" + user("bob", "b@a") + "]" },
		"customfield_7": func() string { return `"2026-11-22T12:00:00.000+0200"` }, "customfield_9": func() string { return user("kim", "k@a") },
		"customfield_14": func() string { return `[{"id":"9","name":"Initech"}]` }, "customfield_16": func() string { return "99000" },
		"labels": func() string {
			list := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "x", "y", "parley-1"}), 0, 4, rapid.ID).Draw(t, "labels")
			b, _ := json.Marshal(list)
			return string(b)
		},
	} {
		if rapid.Bool().Draw(t, "has "+id) {
			fields[id] = raw()
		}
	}
	tk := ticket(fields)
	for i := range rapid.IntRange(0, 4).Draw(t, "comments") {
		c := comment(fmt.Sprint(i+1), word.Draw(t, "comment"), rapid.Bool().Draw(t, "public"))
		c.VisibilityKnown, c.Restricted = rapid.Bool().Draw(t, "known"), rapid.Bool().Draw(t, "restricted")
		tk.Comments = append(tk.Comments, c)
	}
	return tk
}

// I1: nothing is in a view that the rules do not name and the policy does not allow.
func TestNothingUnnamedLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(label string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(everything), 0, 8, rapid.ID).Draw(t, label)
		}
		share, never := pick("share"), pick("never")
		src, err := conf.ParseRules(map[string][]byte{"c.toml": []byte(head + "[outgoing]\nshare = " + list(share))}, "c.toml")
		if err != nil {
			t.Fatal(err)
		}
		policy, err := conf.ParsePolicy("policy.toml", []byte("[never]\nitems = "+list(never)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Compile(src, policy, tenant())
		if err != nil {
			t.Fatal(err)
		}
		tk := anyTicket(t)
		view, _ := r.View(local(tk))
		for p, it := range view {
			entity := entityOf(p, it)
			if !slices.Contains(share, entity) || slices.Contains(never, entity) {
				t.Fatalf("%s left; shared %v, never %v", p, share, never)
			}
			if strings.HasPrefix(string(p), "label/parley-") {
				t.Fatalf("our own marker left: %s", p)
			}
			if p.Kind() != "comment" {
				continue
			}
			i := slices.IndexFunc(tk.Comments, func(c jsm.Comment) bool { return "comment/"+c.ID == string(p) })
			if c := tk.Comments[i]; entity == "comments" && !(c.Public && c.VisibilityKnown && !c.Restricted) {
				t.Fatalf("an internal comment left as public: %+v", c)
			}
		}
	})
}

func list(names []string) string {
	b, _ := json.Marshal(names)
	return string(b)
}

// A view is the same whatever order Jira answers in.
func TestViewIsDeterministic(t *testing.T) {
	r := compile(t, "[outgoing]\nshare = "+list(everything))
	rapid.Check(t, func(t *rapid.T) {
		tk := anyTicket(t)
		first, _ := r.View(local(tk))
		for _, id := range []string{"labels", "customfield_4"} {
			var parts []json.RawMessage
			if json.Unmarshal(tk.Fields[id], &parts) == nil {
				rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				tk.Fields[id], _ = json.Marshal(parts)
			}
		}
		rand.Shuffle(len(tk.Comments), func(i, j int) { tk.Comments[i], tk.Comments[j] = tk.Comments[j], tk.Comments[i] })
		second, _ := r.View(local(tk))
		if first.Hash() != second.Hash() {
			t.Fatal("the order of a set changed the view")
		}
		if len(first) > 0 {
			if back, err := replica.DecodeView(first.Encode()); err != nil || back.Hash() != first.Hash() {
				t.Fatalf("the view does not survive its encoding: %v", err)
			}
		}
	})
}

// perform does to a ticket what a plan says, as Jira would show it afterwards.
func perform(t *rapid.T, r *Rules, tk *jsm.Ticket, p Plan) {
	for id, v := range p.Edit.Set {
		raw, err := p.Edit.Types[id].Encode(v)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		tk.Fields[id] = raw
	}
	for id, f := range p.Edit.Types {
		if len(p.Edit.Add[id])+len(p.Edit.Remove[id]) == 0 {
			continue
		}
		now, err := tk.Value(f)
		if err != nil {
			t.Fatal(err)
		}
		members := membersOf(now)
		for _, v := range p.Edit.Remove[id] {
			members = slices.DeleteFunc(members, func(m jsm.Value) bool { return keyOf(m) == keyOf(v) })
		}
		members = append(members, p.Edit.Add[id]...)
		if tk.Fields[id], err = f.Encode((&field{Field: f}).setOf(members)); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
	}
	if p.Transition != nil {
		for _, s := range r.schema.Statuses {
			if s.Name == p.Transition.Status {
				tk.Status = s
			}
		}
	}
}

// I3: what was written is agreed: the same arrival asks for nothing more, and what it moved in the
// outgoing view is within what the plan says it touched, so that absorbing it leaves no echo.
func TestAPlanPerformedLeavesNothingToDo(t *testing.T) {
	r := compile(t, `
[outgoing]
share = ["summary", "priority", "labels", "status", "field:Teams", "field:Impact", "field:Seats", "due_date", "description"]
[outgoing."view:both"]
value = 'has(ticket.priority) ? ticket.priority + ticket.status : "none"'
[incoming]
accept = ["summary", "field:Impact", "field:Seats", "due_date", "description"]
[incoming.priority]
map = { Urgent = "P1", Critical = "P1", High = "P2", Low = "P3" }
else = "P3"
[incoming.labels]
map = { a = "x", b = "x", c = "y" }
otherwise = "same"
[incoming.status]
map = { New = "Open", Fresh = "Open", Busy = "In Progress", Done = "Resolved", Shut = "Resolved" }
otherwise = "skip"
[incoming."field:Teams"]
map = { R = "Red", Rot = "Red", B = "Blue" }
otherwise = "skip"
[incoming."field:Contract reference"]
value = 'view.priority + "/" + view.summary'
`)
	sample := func(names ...string) *rapid.Generator[string] { return rapid.SampledFrom(names) }
	rapid.Check(t, func(t *rapid.T) {
		tk := anyTicket(t)
		remote := replica.View{}
		add := func(p replica.Path, v replica.Value) {
			if rapid.Bool().Draw(t, "remote "+string(p)) {
				remote[p] = replica.NewItem(v, rapid.Int64Range(0, 9).Draw(t, "at"))
			}
		}
		add("priority", replica.Option{Name: sample("Urgent", "Critical", "High", "Low", "Odd").Draw(t, "prio")})
		add("summary", replica.Text(sample("s", "t").Draw(t, "sum")))
		add("description", replica.Rich(rich(sample("s", "t\nu", "").Draw(t, "desc"))))
		add("status", replica.Status{Name: sample("New", "Fresh", "Busy", "Done", "Shut", "Odd").Draw(t, "status")})
		add("field:Impact", replica.Option{Name: sample("Extensive", "Minor").Draw(t, "impact")})
		add("field:Seats", replica.Number(sample("1", "2.5").Draw(t, "seats")))
		add("due_date", replica.Date("2026-01-01"))
		add("field:Teams", replica.List{replica.Option{Name: sample("R", "Rot").Draw(t, "team")}, replica.Option{Name: sample("Rot", "B", "Odd").Draw(t, "team2")}})
		changed := []replica.Path{"description", "due_date", "field:Impact", "field:Seats", "field:Teams", "priority", "status", "summary"}
		for _, l := range []string{"a", "b", "c", "d"} {
			add(replica.Path("label/"+l), replica.Text(l))
			if rapid.Bool().Draw(t, "changed "+l) {
				changed = append(changed, replica.Path("label/"+l))
			}
		}
		sortPaths(changed)
		in := Arrival{Remote: remote, Changed: changed, Ticket: tk}
		before, _ := r.View(local(tk))
		first := r.Plan(in)
		perform(t, r, tk, first)
		second := r.Plan(in)
		if !second.Empty() {
			t.Fatalf("the second plan still writes: %+v after %+v", second.Edit, first.Edit)
		}
		after, _ := r.View(local(tk))
		moved, gone := replica.Diff(before, after)
		for p := range moved {
			gone = append(gone, p)
		}
		for _, p := range gone {
			if !slices.Contains(first.Touched.Paths, p) {
				t.Fatalf("%s moved, and the plan does not say so: %v", p, first.Touched.Paths)
			}
		}
	})
}

// Both sides decide a conflict alike, whichever way the node ids lie.
func TestConflictsAreDecidedAlikeOnBothSides(t *testing.T) {
	r := compile(t, "[outgoing]\nshare = [\"summary\"]\n[incoming]\naccept = [\"summary\"]")
	rapid.Check(t, func(t *rapid.T) {
		at := [2]int64{rapid.Int64Range(1, 3).Draw(t, "a"), rapid.Int64Range(1, 3).Draw(t, "b")}
		node := [2]string{"n1", "n2"}
		if rapid.Bool().Draw(t, "swapped") {
			node[0], node[1] = node[1], node[0]
		}
		value := [2]string{"a", "b"}
		var final [2]string
		for i := range 2 {
			other := 1 - i
			mine := replica.NewItem(replica.Text(value[i]), at[i])
			p := r.Plan(Arrival{
				Remote: replica.View{"summary": replica.NewItem(replica.Text(value[other]), at[other])}, Changed: []replica.Path{"summary"},
				Ticket: ticket(map[string]string{"summary": `"` + value[i] + `"`}), LocalNode: node[i], PeerNode: node[other],
				Concurrent: func(_, _ replica.Path) (replica.Item, bool) { return mine, true },
			})
			if final[i] = value[i]; p.Edit.Set["summary"] != nil {
				final[i] = p.Edit.Set["summary"].(string)
			}
		}
		if final[0] != final[1] {
			t.Fatalf("one side has %s, the other %s", final[0], final[1])
		}
	})
}

func TestHostileViewsDoNoHarm(t *testing.T) {
	r := compile(t, "[incoming]\naccept = "+list(everything))
	kinds := []replica.Value{replica.Text("x"), replica.Rich("{}"), replica.Rich(`{"type":"doc"`), replica.Option{}, replica.Status{}, replica.Number("nan"), replica.Date("x"),
		replica.Time(-1), replica.Person{}, replica.List{}, replica.List{replica.Person{Name: "x"}, replica.Text("")}, replica.Comment{}, replica.Unknown{Name: "odd", Raw: []byte{0xc0}}}
	rapid.Check(t, func(t *rapid.T) {
		in := Arrival{Remote: replica.View{}, Ticket: anyTicket(t)}
		if rapid.Bool().Draw(t, "create") {
			in.Ticket = nil
		}
		for _, e := range everything {
			v := rapid.SampledFrom(kinds).Draw(t, e)
			p := replica.Path(e)
			switch e {
			case "labels", "components", "organizations":
				p = replica.Path(strings.TrimSuffix(e, "s") + "/" + rapid.SampledFrom([]string{"x", "a b", "parley-x", ""}).Draw(t, "element"))
			case "comments":
				p = "comment/1"
			}
			it := replica.NewItem(v, 1)
			if rapid.IntRange(0, 9).Draw(t, "garbled") == 0 {
				it.Raw = []byte{0xc1}
			}
			in.Remote[p] = it
			in.Changed = append(in.Changed, p)
		}
		sortPaths(in.Changed)
		p := r.Plan(in)
		for id, v := range p.Edit.Set {
			if _, err := p.Edit.Types[id].Encode(v); err != nil {
				t.Fatalf("%s cannot be written: %v", id, err)
			}
		}
	})
}

func BenchmarkViewAndPlan(b *testing.B) {
	var share []string
	s := tenant()
	fields := map[string]string{"summary": `"VPN down"`, "description": rich(strings.Repeat("words and words ", 60)), "priority": name("P1"), "labels": `["a","b","c"]`}
	share = append(share, "summary", "description", "priority", "status", "labels", "comments")
	for i := range 35 {
		id := fmt.Sprintf("customfield_%d", 100+i)
		s.Fields = append(s.Fields, jsm.Field{ID: id, Name: fmt.Sprintf("Extra %d", i), Custom: true, Type: jsm.Text})
		share = append(share, "field:"+fmt.Sprintf("Extra %d", i))
		fields[id] = `"value"`
	}
	tk := ticket(fields)
	for i := range 20 {
		tk.Comments = append(tk.Comments, comment(fmt.Sprint(1000+i), strings.Repeat("some text ", 30), true))
	}
	r, err := Compile(parse(b, head+"[outgoing]\nshare = "+list(share)+"\n[outgoing.\"view:x\"]\nvalue = 'ticket.priority + \"!\"'\n[incoming]\naccept = "+list(share)), nil, s)
	if err != nil {
		b.Fatal(err)
	}
	view, _ := r.View(local(tk))
	in := Arrival{Remote: view, Ticket: tk, Twin: func(p replica.Path) (string, bool) { return p.Element(), true }}
	for p := range view {
		in.Changed = append(in.Changed, p)
	}
	slices.Sort(in.Changed)
	b.Run("view", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.View(local(tk))
		}
	})
	b.Run("plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Plan(in)
		}
	})
	one := in
	one.Changed = []replica.Path{"priority"}
	b.Run("plan of one change", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Plan(one)
		}
	})
	b.Run("compile", func(b *testing.B) {
		b.ReportAllocs()
		src := parse(b, head+"[outgoing]\nshare = "+list(share)+"\n[outgoing.\"view:x\"]\nvalue = 'ticket.priority + \"!\"'\n")
		for b.Loop() {
			if _, err := Compile(src, nil, s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
