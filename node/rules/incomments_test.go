package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/jsm"
	"parley/replica"
)

func TestCommentsArrive(t *testing.T) {
	author := replica.Person{Name: "Jane Doe", Company: "Globex"}
	remote := func(text string, public bool) replica.Comment {
		return replica.Comment{Public: public, Author: author, Body: replica.Rich(rich(text)), Created: replica.Time(t0.UnixMilli())}
	}
	for _, c := range []struct {
		name, rules, policy string
		c                   replica.Comment
		public              bool
		text                string
	}{
		{"internal by default", "[incoming]\naccept = [\"comments\"]", "", remote("hi", true), false, "Jane Doe, Globex:\nhi"},
		{"same", "[incoming.comments]\nas = \"same\"\nbyline = false", "", remote("hi", true), true, "hi"},
		{"same, internal", "[incoming.comments]\nas = \"same\"\nbyline = false", "", remote("hi", false), false, "hi"},
		{"public", "[incoming.comments]\nas = \"public\"\nbyline = false", "", remote("hi", false), true, "hi"},
		{"policy", "[incoming.comments]\nas = \"public\"\nbyline = false", "[arrive]\ncomments = \"internal\"", remote("hi", true), false, "hi"},
		{"public_when sees the text before the byline", "[incoming.comments]\npublic_when = 'comment.text.startsWith(\"hi\")'", "", remote("hi", false), true, "Jane Doe, Globex:\nhi"},
		{"its own table", "[incoming.comments]\nas = \"public\"\n[incoming.\"comments.internal\"]\nbyline = false", "", remote("hi", false), false, "hi"},
		{"when", "[incoming.comments]\nwhen = 'comment.author.company == \"Globex\" && comment.public'\nbyline = false", "", remote("hi", true), false, "hi"},
		{"not when", "[incoming.comments]\nwhen = 'comment.public'", "", remote("hi", false), false, ""},
		{"not accepted by policy", "[incoming.comments]", "[arrive]\nitems = [\"summary\"]", remote("hi", false), false, ""},
		{"not named", "[incoming]\naccept = [\"summary\"]", "", remote("hi", true), false, ""},
	} {
		p := compileUnder(t, c.rules, c.policy).Plan(arrive(ticket(nil), items{"comment/5": c.c}))
		if c.text == "" {
			if len(p.Comments) != 0 {
				t.Errorf("%s: %+v", c.name, p.Comments)
			}
			continue
		}
		if len(p.Comments) != 1 {
			t.Errorf("%s: %+v", c.name, p)
			continue
		}
		w := p.Comments[0]
		if w.Op != AddComment || w.Public != c.public || shown(replica.Rich(w.Body)) != c.text {
			t.Errorf("%s: %+v %q", c.name, w, shown(replica.Rich(w.Body)))
		}
	}
}

func TestCommentsArriveInOrderAndWithoutPings(t *testing.T) {
	mention := replica.Rich(`{"content":[{"content":[{"attrs":{"id":"acc-1","text":"@Bob"},"type":"mention"}],"type":"paragraph"}],"type":"doc","version":1}`)
	at := func(min int) replica.Time { return replica.Time(t0.Add(time.Duration(min) * time.Minute).UnixMilli()) }
	p := compile(t, "[incoming]\naccept = [\"comments\"]").Plan(arrive(ticket(nil), items{
		"comment/100": replica.Comment{Body: replica.Rich(rich("b")), Created: at(1)}, "comment/99": replica.Comment{Body: replica.Rich(rich("a")), Created: at(1)},
		"comment/1": replica.Comment{Body: mention, Created: at(9), Parent: "99"}, "comment/200": replica.Comment{Body: replica.Rich(rich("first")), Created: at(0)},
	}))
	var got []string
	for _, w := range p.Comments {
		got = append(got, string(w.Path))
	}
	if diff := cmp.Diff([]string{"comment/200", "comment/99", "comment/100", "comment/1"}, got); diff != "" {
		t.Error(diff)
	}
	last := p.Comments[3]
	if strings.Contains(string(last.Body), "acc-1") || !strings.Contains(string(last.Body), "@Bob") || last.Parent != "comment/99" {
		t.Errorf("%s", last.Body)
	}
}

func TestCommentEditsAndDeletions(t *testing.T) {
	for _, c := range []struct{ rules, remote, local, want string }{
		{"[incoming.comments]\nbyline = false", "new", "old", "edit new"},
		{"[incoming.comments]\nbyline = false", "old", "old", ""},
		{"[incoming.comments]\nbyline = false\nedits = \"ignore\"", "new", "old", ""},
		{"[incoming.comments]\nbyline = false\nedits = \"note\"", "new", "old", "note globex (edited):\nnew"},
		{"[incoming.comments]\nbyline = false", "new", "", ""}, // somebody here deleted it
		{"[incoming.comments]", "", "old", "mark Deleted at globex:\nold"},
		{"[incoming.comments]", "", "Deleted at globex: old", ""},
		{"[incoming.comments]\ndeletes = \"delete\"", "", "old", "delete "},
		{"[incoming.comments]\ndeletes = \"ignore\"", "", "old", ""},
	} {
		tk := ticket(nil)
		if c.local != "" {
			tk.Comments = []jsm.Comment{comment("7", c.local, true)}
		}
		in := Arrival{Ticket: tk, Remote: replica.View{}, Changed: []replica.Path{"comment/5"},
			Twin: func(p replica.Path) (string, bool) { return "7", p == "comment/5" }}
		if c.remote != "" {
			in.Remote["comment/5"] = replica.NewItem(replica.Comment{Public: true, Body: replica.Rich(rich(c.remote))}, 1)
		}
		p := compile(t, c.rules).Plan(in)
		got := ""
		for _, w := range p.Comments {
			body := ""
			if len(w.Body) > 0 {
				body = shown(replica.Rich(w.Body))
			}
			got += fmt.Sprintf("%s %s", w.Op, body)
			if w.Op != NoteComment && w.LocalID != "7" {
				t.Errorf("%+v", w)
			}
		}
		if got != c.want {
			t.Errorf("%q remote %q local %q: %q, want %q", c.rules, c.remote, c.local, got, c.want)
		}
	}
}
