package conf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const example = `# connections/globex.toml
peer       = "globex"
connection = "globex-support"
project    = "SUPPORT"
relay      = false
since      = "link"
approve_first = false

[const]
contract = "C-2026-017"

[trigger]
jql   = 'project = SUPPORT AND labels = vendor-globex'
leave = "keep"

[outgoing]
share = ["summary", "description", "request_type", "priority", "status", "labels"]
[outgoing.comments]
[outgoing."comments.internal"]
when  = 'comment.text.startsWith("(external)")'
strip = "(external)"
[outgoing."view:severity"]
value = 'ticket["Impact"] == "Extensive" ? "Critical" : ticket.priority'

[people]
share = "company"
map   = { "jane@globex.example" = "jane.d@acme.example" }
match = "email"
else  = { user = "desk@acme.example" }

[incoming]
accept = ["summary", "description", "labels"]
[incoming.comments]
as          = "internal"
public_when = 'comment.text.startsWith("(external)")'
byline      = true
edits       = "follow"
deletes     = "mark"
[incoming.create]
project      = "HELP"
request_type = "Report a problem"
on_behalf_of = "desk@globex.example"
[incoming.organizations]
set  = ["Globex"]
mode = "add"
[incoming.priority]
map  = { Urgent = "P1", Critical = "P1", High = "P2" }
else = "P3"
wins = "latest"
empty = "keep"
[incoming.status]
map        = { "Waiting for support" = "In Progress", Resolved = "Resolved" }
otherwise  = "skip"
resolution = { Resolved = "Done" }
reopen     = true
[incoming."field:Contract reference"]
value = 'const.contract'
once  = true

[limits]
tickets_per_day = 200
first_day = 20
`

func parseRules(t testing.TB, text string, more ...string) (*Rules, error) {
	t.Helper()
	sources := map[string][]byte{"connections/globex.toml": []byte(text)}
	for i := 0; i+1 < len(more); i += 2 {
		sources[more[i]] = []byte(more[i+1])
	}
	return ParseRules(sources, "connections/globex.toml")
}

func TestTheExampleIsRead(t *testing.T) {
	r, err := parseRules(t, example)
	if err != nil {
		t.Fatal(err)
	}
	at := func(p Pos) string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }
	for _, c := range []struct{ got, want string }{
		{r.Peer.Value + " " + at(r.Peer.Pos), "globex 2:14"},
		{r.Connection.Value, "globex-support"},
		{r.Trigger.JQL.Value + " " + at(r.Trigger.JQL.Pos), "project = SUPPORT AND labels = vendor-globex 13:9"},
		{r.People.Else.Value + " " + r.People.ElseUser.Value, "user desk@acme.example"},
		{r.People.Map.Entries[0].From.Value + " " + at(r.People.Map.Entries[0].From.Pos) + " " + at(r.People.Map.Entries[0].To.Pos), "jane@globex.example 27:11 27:35"},
		{r.Outgoing.Named[1].Value + " " + at(r.Outgoing.Named[1].Pos), "description 17:21"},
		{r.Outgoing.Entities[1].Name.Value + " " + at(r.Outgoing.Entities[1].Name.Pos), "comments.internal 19:11"},
		{at(r.Outgoing.Entities[1].When.At(1, 9)), "20:18"},
		{r.Create.RequestType.Set.String() + " " + at(r.Create.RequestType.Set.Pos), "Report a problem 41:16"},
		{fmt.Sprint(r.Incoming.Entities[1].Set.Value), "[Globex]"},
		{r.Incoming.Entities[3].Map.Entries[0].From.Value + " " + at(r.Incoming.Entities[3].Map.Entries[0].From.Pos), "Waiting for support 52:16"},
		{fmt.Sprint(r.Limits.TicketsPerDay.Value, r.Limits.FirstDay.Value), "200 20"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
	again, err := ParseRules(r.Sources(), r.File)
	if err != nil {
		t.Fatal(err)
	}
	opts := cmp.Options{cmp.AllowUnexported(Rules{}, Text{}), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(r, again, opts); diff != "" {
		t.Errorf("published sources read differently: %s", diff)
	}
}

func TestProfilesAndMapsAreMerged(t *testing.T) {
	home := fstest.MapFS{
		"connections/globex.toml": {Data: []byte("peer = \"globex\"\nuse = \"profiles/client.toml\"\n[const]\nname = \"Globex\"\n[incoming.priority]\nelse = \"P4\"\n")},
		"profiles/client.toml": {Data: []byte("project = \"SUPPORT\"\npeer = \"nobody\"\n[const]\nname = \"?\"\nsite = \"EU\"\n[outgoing]\nshare = [\"summary\"]\n" +
			"[incoming.priority]\nmap = \"maps/priority.toml\"\nelse = \"P3\"\n")},
		"maps/priority.toml": {Data: []byte("# shared\nUrgent = \"P1\"\n\"Very high\" = \"P1\"\n")},
		"maps/unused.toml":   {Data: []byte("A = \"B\"\n")},
	}
	r, err := ReadRules(home, "connections/globex.toml")
	if err != nil {
		t.Fatal(err)
	}
	if r.Peer.Value != "globex" || r.Projects[0].Value != "SUPPORT" || r.Projects[0].Pos.File != "profiles/client.toml" || r.Connection.Value != "globex" {
		t.Errorf("%+v", r)
	}
	consts := map[string]string{}
	for _, c := range r.Const {
		consts[c.Name] = c.Value.String()
	}
	if diff := cmp.Diff(map[string]string{"name": "Globex", "site": "EU"}, consts); diff != "" {
		t.Error(diff)
	}
	p := r.Incoming.Entities[0]
	if p.Else.Value != "P4" || p.Else.Pos.File != "connections/globex.toml" || len(p.Map.Entries) != 2 || p.Map.Entries[1].To.Pos != (Pos{"maps/priority.toml", 3, 15}) {
		t.Errorf("%+v", p)
	}
	if diff := cmp.Diff([]string{"connections/globex.toml", "maps/priority.toml", "profiles/client.toml"}, slices.Sorted(maps.Keys(r.Sources()))); diff != "" {
		t.Error(diff)
	}
}

func TestRuleProblems(t *testing.T) {
	const top = "peer = \"globex\"\nproject = \"S\"\n"
	for _, c := range []struct{ text, want string }{
		{"", `1:1 the rules name no peer | write peer = "…", a partner of "parley pair list"; 1:1 the rules name no local project | write project = "SUPPORT"`},
		{top + "pear = 1", `3:1 unknown word "pear" in the top of connections/globex.toml | did you mean "peer"?`},
		{top + "Relay = true", `3:1 unknown word "Relay" in the top of connections/globex.toml | did you mean "relay"? Case matters`},
		{top + "relay = \"true\"", `3:9 "relay" in the top of connections/globex.toml must be true or false, not a string | without quotes: relay = true`},
		{top + "since = \"links\"", `3:9 since = "links" in the top of connections/globex.toml is not a choice | did you mean "link"?`},
		{"peer = \"../x\"\nproject = \"a b\"\nconnection = \"\"", `1:8 peer = "../x" cannot be a peer's name | letters, digits, "-", "_" and ".", at most 64; 2:11 project "a b" is not a key | a project's key, for example "SUPPORT"; 3:14 "" cannot be a connection's name | letters, digits, "-", "_" and ".", at most 64`},
		{top + "[trigger]\nleave = \"keep\"", `3:2 [trigger] has no jql | without [trigger] tickets start by hand and by the peer`},
		{top + "[trigger]\njql = 'x'\nrelay = true", `5:1 unknown word "relay" in [trigger] | did you mean to put this at the top, before the first [table]?`},
		{top + "[outgoing.priority]\nrelay = true", `4:1 unknown word "relay" in [outgoing.priority] | did you mean to put this at the top, before the first [table]?`},
		{top + "[outgoing.priority]\nwins = \"ours\"", `4:1 unknown word "wins" in [outgoing.priority] | it belongs under [incoming.priority]`},
		{top + "[incoming.comments]\nstrip = \"x\"", `4:1 unknown word "strip" in [incoming.comments] | it belongs under [outgoing.comments]`},
		{top + "[incoming.summary]\nbyline = true", `4:1 unknown word "byline" in [incoming.summary] | "byline" says nothing about summary`},
		{top + "[incoming.priority]\nmap = { A = \"B\", else = \"C\", wins = \"ours\" }", `4:18 "else" stands inside map in [incoming.priority] | put else beside the map, not inside it; 4:30 "wins" stands inside map in [incoming.priority] | put wins beside the map, not inside it`},
		{top + "[incoming.priority]\nmap = { A = 1 }", `4:13 "A" in map in [incoming.priority] must be a string, not a whole number | `},
		{top + "[incoming.priority]\nmap = {}", `4:7 map in [incoming.priority] is empty | `},
		{top + "[incoming.priority]\nmap = \"maps/none.toml\"", `4:7 there is no file "maps/none.toml" | paths begin at the node's home`},
		{top + "[incoming.priority]\nmap = \"../x.toml\"", `4:7 "../x.toml" is not a file of this home | for example "maps/priority.toml"`},
		{top + "use = \"/etc/x.toml\"", `3:7 "/etc/x.toml" is not a file of this home | for example "maps/priority.toml"`},
		{top + "use = 3", `3:7 "use" must be a string, not a whole number | for example use = "profiles/client.toml"`},
		{top + "[outgoing.priority]\nelse = \"P3\"", `4:8 else in [outgoing.priority] has no map to fall back from | add a map, or remove it`},
		{top + "[incoming.priority]\nmap = { A = \"B\" }\nelse = \"P3\"\notherwise = \"skip\"", `6:13 else and otherwise in [incoming.priority] exclude each other | else gives a value, otherwise says hold, same or skip: keep one`},
		{top + "[incoming.summary]\nset = \"a\"\nvalue = 'b'", `5:9 set and value in [incoming.summary] exclude each other | set is a literal, value is an expression: keep one`},
		{top + "[incoming.summary]\nwhen = ''", `4:8 "when" in [incoming.summary] is empty | `},
		{top + "[outgoing]\nshare = [\"attachments\", \"summry\", \"Impact\"]", `4:25 there is no item called "summry" | did you mean "summary"?; 4:35 there is no item called "Impact" | a custom field is written "field:Impact"`},
		{top + "[outgoing.sla]\nclock = \"theirs\"", `4:1 unknown word "clock" in [outgoing.sla] | it belongs under [incoming.sla]`},
		{top + "[incoming]\naccept = [\"subtasks\", \"view:x\"]", `4:11 a list of sub-tasks cannot be written to | accept "parent": a sub-task that is shared by its own trigger then hangs below its parent's twin; 4:23 "view:x" is made by the sender and cannot be written to | name the field to write, and read it with from = "view:x"`},
		{top + "[outgoing]\naccept = [\"summary\"]", `4:1 unknown word "accept" in [outgoing] | did you mean "share"?`},
		{top + "[outgoing]\nshare = \"summary\"", `4:9 "share" in [outgoing] must be a list of strings, not a string | `},
		{top + "[outgoing]\nshare = [\"summary\", 3, \"summary\"]", `4:21 "share" in [outgoing] must hold strings only, not a whole number | ; 4:24 "summary" is named twice in share (first at line 4) | `},
		{top + "[outgoing]\nsummary = true", `4:1 unknown word "summary" in [outgoing] | add it to share, or give it a table [outgoing.summary]`},
		{top + "[outgoing.comments.internal]\nstrip = \"x\"", `3:20 unknown word "internal" in [outgoing.comments] | keys that hold a dot need quotes: [outgoing."comments.internal"]`},
		{top + "[summary]\nfrom = \"x\"", `3:2 unknown word "summary" in the top of connections/globex.toml | write [outgoing.summary] or [incoming.summary]`},
		{top + "[incoming.field:Contract reference]\nset = \"x\"", `3:16 expected '.' or ']' to end table name, but got ':' instead | keys with spaces or ":" need quotes: [incoming."field:Contract reference"], or "Waiting for support" = "Open"`},
		{top + "[incoming.status.map]\nWaiting for support = \"Open\"", `4:9 expected '.' or '=', but got 'f' instead | keys with spaces or ":" need quotes: [incoming."field:Contract reference"], or "Waiting for support" = "Open"`},
		{top + "[outgoing.\"view:x\"]", `3:11 [outgoing."view:x"] has no value | give it value, set or from`},
		{top + "[people]\nelse = \"drp\"", `4:8 else = "drp" in [people] is not a choice | did you mean "drop"?`},
		{top + "[people]\nelse = { usr = \"x\" }", `4:8 else in [people] names no user | for example else = { user = "desk@acme.example" }; 4:10 unknown word "usr" in [people] else | did you mean "user"?`},
		{top + "[incoming.create]\nrequest_type = { form = \"request_type\" }", `4:18 unknown word "form" in request_type in [incoming.create] | did you mean "from"?`},
		{top + "[limits]\nfirst_day = -1", `4:13 first_day = -1 in [limits] is out of range | `},
		{top + "[const]\n\"a-b\" = 1\nx = 1979-05-27", `4:1 const "a-b" cannot be named in an expression | letters, digits and _; 5:5 "x" in [const] must be a plain value or a list of strings, not a date or time | `},
		{top + "a = 1\na = 2", `4:1 Key 'a' has already been defined. | `},
		{top + "x = " + strings.Repeat("[", 100) + strings.Repeat("]", 100), `0:0 tables and lists are nested deeper than 24 | `},
		{top + "x = \"" + strings.Repeat("x", maxDocument) + "\"", `0:0 the file is larger than 512 KiB | split it, or move large maps into files of their own`},
	} {
		_, err := parseRules(t, c.text)
		var ps *Problems
		if !errors.As(err, &ps) {
			t.Errorf("%.200s\nno problems: %v", c.text, err)
			continue
		}
		var got []string
		for _, p := range ps.List {
			if p.File != "connections/globex.toml" {
				t.Errorf("a problem in %q", p.File)
			}
			got = append(got, fmt.Sprintf("%d:%d %s | %s", p.Line, p.Col, p.Message, p.Hint))
		}
		if g := strings.Join(got, "; "); g != c.want {
			t.Errorf("%.200s\n got %s\nwant %s", c.text, g, c.want)
		}
	}
}

func TestAProfileCannotUseAProfile(t *testing.T) {
	_, err := parseRules(t, "peer = \"g\"\nuse = \"a.toml\"\nproject = \"S\"", "a.toml", "use = \"b.toml\"")
	if err == nil || !strings.Contains(err.Error(), "a.toml:1:1: a profile cannot use another profile\n  hint: a profile stands alone") {
		t.Error(err)
	}
	if _, err := ReadRules(fstest.MapFS{}, "connections/x.toml"); err == nil || errors.As(err, new(*Problems)) {
		t.Errorf("a file that is not there is no problem of its content: %v", err)
	}
}

// Whatever is read as a string stands where its position says.
func FuzzPositions(f *testing.F) {
	for _, s := range []string{example, "a.b.c = '''\nx'''", "[[a]]\nb = 1\n[[a]]\nb = 'x'\n[a.c]\nd=\"q\"", "x = { a = 'b', \n c = [ 'd', # e\n 'f' ], }", "\"k \\u00e9\" = \"a\\nb\"", "\ufeffa = 'b'", "a = \"\"\"\n x \"\" y\"\"\"\"\"", "d = 1979-05-27 07:32:00 # c\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		ps := &Problems{}
		root := parse("f.toml", []byte(src), ps)
		if (root == nil) != (len(ps.List) > 0) {
			t.Fatalf("root %v, problems %v", root, ps.List)
		}
		if root != nil {
			checkPositions(t, root, strings.Split(src, "\n"))
		}
	})
}

func checkPositions(t *testing.T, n *node, lines []string) {
	if n.at.Line < 1 || n.at.Line > len(lines) || n.key.Line < 1 {
		t.Fatalf("%q stands at %v of %d lines", n.name, n.at, len(lines))
	}
	if s, ok := n.value.(string); ok && n.exact {
		first, _, _ := strings.Cut(s, "\n")
		line := []rune(lines[n.inner.Line-1])
		if n.inner.Col-1 > len(line) || !strings.HasPrefix(string(line[n.inner.Col-1:]), strings.TrimSuffix(first, "\r")) {
			t.Fatalf("%q is not at %v", first, n.inner)
		}
	}
	for _, k := range append(slices.Clone(n.kids), n.elems...) {
		checkPositions(t, k, lines)
	}
}

func FuzzRules(f *testing.F) {
	f.Add(example, "A = \"B\"")
	f.Add("peer = \"g\"\nuse = \"p.toml\"", "project = \"S\"\n[incoming.priority]\nmap = \"p.toml\"")
	f.Fuzz(func(t *testing.T, text, other string) {
		r, err := ParseRules(map[string][]byte{"connections/g.toml": []byte(text), "p.toml": []byte(other)}, "connections/g.toml")
		if err != nil {
			var ps *Problems
			if !errors.As(err, &ps) || len(ps.List) == 0 {
				t.Fatalf("not told as problems: %v", err)
			}
			_ = err.Error()
			return
		}
		for _, d := range []Direction{r.Outgoing, r.Incoming} {
			for _, e := range d.Items() {
				if !EntityKnown(e.Name.Value) || e.Name.Pos.Line == 0 {
					t.Fatalf("an entity that nobody knows: %+v", e.Name)
				}
			}
		}
	})
}
