package rules

import (
	"strings"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm"
)

func TestRespell(t *testing.T) {
	for in, want := range map[string]string{
		`const.x`:                     `konst.x`,
		` const["const"]`:             ` konst["const"]`,
		`"a const" + const.a`:         `"a const" + konst.a`,
		`'it\'s const' + const.a`:     `'it\'s const' + konst.a`,
		`r"\" + const.a`:              `r"\" + konst.a`,
		`a.const + constant + xconst`: `a.const + constant + xconst`,
		`a. const`:                    `a. const`,
		"'''const''' + const.a":       "'''const''' + konst.a",
		"const.a // const":            "konst.a // const",
		`const`:                       `konst`,
	} {
		if got := respell(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// bomb evaluates a condition of summary on a ticket with many labels and a long description, and gives
// why it was not decided.
func bomb(t *testing.T, condition string) string {
	t.Helper()
	labels := make([]string, 1000)
	for i := range labels {
		labels[i] = `"l` + strings.Repeat("x", i%7) + `"`
	}
	tk := ticket(map[string]string{"summary": `"s"`, "labels": "[" + strings.Join(labels, ",") + "]", "description": rich(strings.Repeat("lorem ", 30_000))})
	r := compile(t, "[outgoing.summary]\nwhen = '''"+condition+"'''")
	begin := time.Now()
	view, held := r.View(local(tk))
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("%s took %s", condition, took)
	}
	if len(view) != 0 || len(held) != 1 {
		t.Fatalf("%s: view %v held %v", condition, paths(view), held)
	}
	return held[0].Reason
}

func TestBombsAreStopped(t *testing.T) {
	for condition, want := range map[string]string{
		`ticket.labels.all(a, ticket.labels.all(b, ticket.labels.all(c, a + b + c != "")))`: "it costs more than an expression may",
		`ticket.labels.map(a, ticket.description + ticket.description).size() > 0`:          "an expression may",
		`[ticket.description]` + strings.Repeat(`.map(a, a + a)`, 12) + `.size() > 0`:       "an expression may",
		`ticket.labels.map(a, ticket.labels.map(b, ticket.labels.map(c, c))).size() > 0`:    "an expression may",
		`ticket.labels.all(a, !ticket.description.matches("(.*)*x" + a))`:                   "an expression may",
	} {
		if reason := bomb(t, condition); !strings.Contains(reason, want) {
			t.Errorf("%.80s: %s", condition, reason)
		}
	}
}

func TestSourcesAreBounded(t *testing.T) {
	e, err := newEnv(tenant(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string]string{
		"parentheses": strings.Repeat("(", 2000) + "true" + strings.Repeat(")", 2000),
		"length":      strings.Repeat("true && ", 1000) + "true",
		"nodes":       strings.Repeat("1+", 1500) + "1 == 1",
		"lists":       strings.Repeat("[", 1000) + strings.Repeat("]", 1000),
		"nots":        strings.Repeat("!", 3000) + "true",
	} {
		ps := &conf.Problems{}
		begin := time.Now()
		x := e.compileExpr(conf.Text{Value: src, Pos: conf.Pos{Line: 1, Col: 1}}, variables, ps)
		if x != nil && name != "nots" || x == nil && len(ps.List) == 0 {
			t.Errorf("%s: compiled", name)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

func TestLongInputsAreRefusedNotCut(t *testing.T) {
	tk := ticket(map[string]string{"summary": `"s"`, "customfield_2": `"` + strings.Repeat("x", maxInput+1) + `"`})
	view, held := compile(t, "[outgoing.summary]\nwhen = '!ticket[\"Contract reference\"].contains(\"secret\")'").View(local(tk))
	if len(view) != 0 || len(held) != 1 || !strings.Contains(held[0].Reason, "is too long to be read by an expression") {
		t.Errorf("%v %v", paths(view), held)
	}
}

func TestPersonInGroupNeedsAnAddress(t *testing.T) {
	hidden := jsm.Person{AccountID: "h", Name: "Eve"}
	c := comment("1", "x", true)
	c.Author = hidden
	tk := ticket(nil)
	tk.Comments = []jsm.Comment{c}
	r := compile(t, "[const]\ngroup = [\"eve@acme.example\"]\n[outgoing.comments]\nwhen = '!(comment.author in const.group)'")
	if view, held := r.View(local(tk)); len(view) != 0 || len(held) != 1 {
		t.Errorf("a hidden address satisfied a negation: %v %v", paths(view), held)
	}
}

func FuzzExpr(f *testing.F) {
	for _, s := range []string{`ticket.priority == "P1"`, `const.a + "const"`, `has(ticket["Impact"]) && comment.author in ["a"]`, `[1,2].map(x, x*2)`, "'''", `r"\`, `view["a"].b`} {
		f.Add(s)
	}
	e, err := newEnv(tenant(), nil)
	if err != nil {
		f.Fatal(err)
	}
	tk := ticket(map[string]string{"summary": `"s"`, "labels": `["a","b"]`, "priority": name("P1")})
	r := &Rules{schema: tenant(), env: e, fields: map[string]*field{}}
	s := &scope{ticket: r.ticketRecord(tk), comment: commentRecord("x", true, localPerson(jsm.Person{Name: "n"}), t0, t0)}
	f.Fuzz(func(t *testing.T, src string) {
		ps := &conf.Problems{}
		x := e.compileExpr(conf.Text{Value: src, Pos: conf.Pos{Line: 1, Col: 1}}, variables, ps)
		if (x == nil) != (len(ps.List) > 0) {
			t.Fatalf("compiled %t with %d problems", x != nil, len(ps.List))
		}
		if x == nil {
			return
		}
		v, err := x.eval(s)
		if err == nil {
			_, _ = result(nil, v)
		}
	})
}
