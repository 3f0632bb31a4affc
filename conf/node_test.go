package conf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestWhatIsWrittenReadsBack(t *testing.T) {
	n := DefaultNode()
	n.Name, n.Tenant.URL, n.Tenant.User, n.Tenant.TokenEnv = "north", "https://acme.atlassian.net", `sync"\`+"\x01@acme.example", "PARLEY_TOKEN"
	dial := n
	dial.DialOnly, dial.Listen, dial.Console, dial.Tenant.Flavor = true, "", "", "datacenter"
	dial.Addresses, dial.Poll.Every = []string{"a.example:7843", "[::1]:1"}, 250*time.Millisecond
	for _, want := range []Node{n, dial} {
		path := filepath.Join(t.TempDir(), "parley.toml")
		if err := WriteNode(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadNode(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got, cmpopts.IgnoreUnexported(Node{})); diff != "" {
			t.Error(diff)
		}
		if got.Home() != filepath.Dir(path) {
			t.Error(got.Home())
		}
		if err := WriteNode(path, want); !errors.Is(err, fs.ErrExist) {
			t.Errorf("an existing file was overwritten: %v", err)
		}
	}
}

func TestNodeProblems(t *testing.T) {
	const ok = "name = \"n\"\n[tenant]\nurl = \"https://a.example\"\n"
	for _, c := range []struct{ text, want string }{
		{"", `1:1 the node has no name | for example name = "north"; 1:1 the node has no tenant | add [tenant] with url = "https://…"`},
		{"name = \"a/b\"\n[tenant]\nurl = \"ftp://x\"", `1:8 name = "a/b" cannot be used as a name | letters, digits, "-", "_" and ".", at most 64; 3:7 url must look like https://acme.atlassian.net | `},
		{"name = \"n\"\n[tenant]\nurl = \"https://u:p@x\"", `3:7 url must not hold a user or password: use user and token_env | `},
		{"name = \"n\"\n[tenant]\nurl = \"http://jira.example\"", `3:7 url must be https (http only for a tenant on this machine) | `},
		{"url = \"https://x\"\n" + ok, `1:1 unknown word "url" in the top of parley.toml | it belongs under [tenant]`},
		{ok + "token = \"secret\"", `4:1 unknown word "token" in [tenant] | a secret does not belong in this file: name where it is, with token_env, token_file or token_command`},
		{ok + "token_env = \"A\"\ntoken_file = \"b\"", `5:14 the token has two sources | keep one of token_env, token_file, token_command`},
		{ok + "token_env = \"a b\"", `4:13 token_env does not name anything that could hold a token | `},
		{ok + "flavor = \"server\"", `4:10 flavor = "server" in [tenant] is not a choice | one of: cloud, datacenter`},
		{ok + "[poll]\nevery = 10", `5:9 "every" in [poll] must be a duration in quotes, not a whole number | for example every = "10s"`},
		{ok + "[poll]\nevery = \"10\"", `5:9 every = "10" in [poll] is not a duration | for example "250ms", "10s", "5m"`},
		{ok + "[poll]\nreread = 20001", `5:10 reread = 20001 is more than any quota bears; at most 20000 | 600 is as delivered`},
		{ok + "[poll]\nunmoved = \"25h\"", `5:11 unmoved = "25h" in [poll] must lie between 0s and 24h0m0s | `},
		{ok + "[poll]\nevery = \"1ms\"", `5:9 every = "1ms" in [poll] must lie between 50ms and 1h0m0s | `},
		{"listen = \"7843\"\ndial_only = true\n" + ok, `1:10 "7843" is not an address (host:port) | for example "parley.acme.example:7843"; 1:10 listen and dial_only = true exclude each other | remove one of the two`},
		{"addresses = [\":1\"]\n" + ok, `1:14 ":1" is not an address (host:port) | for example "parley.acme.example:7843"`},
		{"tenant = 3\nname = \"n\"", `1:1 the node has no tenant | add [tenant] with url = "https://…"; 1:10 "tenant" in the top of parley.toml must be a table, not a whole number | `},
	} {
		_, err := ParseNode("parley.toml", []byte(c.text))
		if got := told(err); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func told(err error) string {
	var ps *Problems
	if !errors.As(err, &ps) {
		return fmt.Sprint(err)
	}
	var out []string
	for _, p := range ps.List {
		out = append(out, fmt.Sprintf("%d:%d %s | %s", p.Line, p.Col, p.Message, p.Hint))
	}
	return strings.Join(out, "; ")
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode fs.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good", "s3cret\n", 0o600)
	write("loose", "s3cret\n", 0o640)
	write("empty", "\n", 0o600)
	write("lines", "s3cret\ns3cret\n", 0o600)
	write("large", strings.Repeat("s3cret", maxToken), 0o600)
	t.Setenv("PARLEY_TEST_TOKEN", "s3cret")
	for _, c := range []struct {
		name string
		t    Tenant
		ok   bool
	}{
		{"env", Tenant{TokenEnv: "PARLEY_TEST_TOKEN"}, true},
		{"no env", Tenant{TokenEnv: "PARLEY_TEST_NOTHING"}, false},
		{"file", Tenant{TokenFile: "good"}, true},
		{"absolute file", Tenant{TokenFile: filepath.Join(dir, "good")}, true},
		{"loose file", Tenant{TokenFile: "loose"}, false},
		{"empty file", Tenant{TokenFile: "empty"}, false},
		{"two lines", Tenant{TokenFile: "lines"}, false},
		{"large file", Tenant{TokenFile: "large"}, false},
		{"directory", Tenant{TokenFile: "."}, false},
		{"no file", Tenant{TokenFile: "none"}, false},
		{"command", Tenant{TokenCommand: "cat good"}, true},
		{"failing command", Tenant{TokenCommand: "echo s3cret >&2; echo s3cret; exit 3"}, false},
		{"endless command", Tenant{TokenCommand: "head -c 1000000 /dev/zero | tr '\\0' s"}, false},
		{"none", Tenant{}, false},
	} {
		n := Node{Tenant: c.t, home: dir}
		got, err := n.Token(context.Background())
		if (err == nil) != c.ok || c.ok && got != "s3cret" {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") && c.t.TokenCommand == "" {
			t.Errorf("%s: the error holds the token: %v", c.name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n := Node{Tenant: Tenant{TokenCommand: "echo s3cret"}, home: dir}
	if _, err := n.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestPolicy(t *testing.T) {
	p, err := ParsePolicy("policy.toml", []byte(`
[never]
items  = ["comments.internal", "field:Salary", "attachments"]
people = "alias"
relay  = "forbid"
[attachments]
max = "25 MiB"
deny = ["*.exe"]
[arrive]
comments = "internal"
items    = []
[peers]
globex = { projects = ["SUPPORT"], domains = ["globex.example"] }
[publish]
approvals = 2
`))
	if err != nil {
		t.Fatal(err)
	}
	globex, ok := p.Peer("globex")
	if !ok || globex.Projects[0].Value != "SUPPORT" || p.Attachments.Max != 25<<20 || p.Approvals.Value != 2 || !p.Arrive.Pos.IsSet() || p.Never.Items[1].Pos.Line != 3 {
		t.Errorf("%+v", p)
	}
	for _, c := range []struct{ text, want string }{
		{"[never]\nitem = [\"x\"]", `2:1 unknown word "item" in [never] | did you mean "items"?`},
		{"[never]\nitems = [\"salary\"]", `2:10 there is no item called "salary" | a custom field is written "field:salary"`},
		{"[never]\npeople = \"nobody\"", `2:10 people = "nobody" in [never] is not a choice | one of: company, alias, name, email`},
		{"[redact]\ncards = { pattern = 'x' }", `1:2 [redact] is not enforced by this version | remove it, and forbid the items under [never] instead`},
		{"[hold]\nwhen = 'true'", `1:2 [hold] is not enforced by this version | remove it, and forbid the items under [never] instead`},
		{"[peers]\nglobex = {}", `2:1 [peers.globex] names no projects | write projects = ["SUPPORT"]`},
		{"[attachments]\nmax = \"big\"", `2:7 max = "big" in [attachments] is not a size | for example "25 MiB"`},
		{"[nevr]\nitems = []", `1:2 unknown word "nevr" in the top of policy.toml | did you mean "never"?`},
	} {
		if _, err := ParsePolicy("policy.toml", []byte(c.text)); told(err) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, told(err), c.want)
		}
	}
	dir := t.TempDir()
	if err := WritePolicy(filepath.Join(dir, "policy.toml")); err != nil {
		t.Fatal(err)
	}
	if p, err := ReadPolicy(os.DirFS(dir)); err != nil || p.Arrive.Comments.Value != "internal" {
		t.Errorf("the policy that init writes: %+v %v", p, err)
	}
	if p, err := ReadPolicy(fstest.MapFS{}); err != nil || p.Never.Items != nil {
		t.Errorf("a home without a policy: %+v %v", p, err)
	}
}

func FuzzNode(f *testing.F) {
	n := DefaultNode()
	n.Name, n.Tenant.URL = "n", "https://a.example"
	f.Add([]byte(NodeText(n)))
	f.Add([]byte("name = 3\n[[tenant]]\nurl = [1]\n[poll.every]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ParseNode("parley.toml", b)
		if err != nil {
			if !errors.As(err, new(*Problems)) {
				t.Fatalf("not told as problems: %v", err)
			}
			return
		}
		again, err := ParseNode("parley.toml", []byte(NodeText(*n)))
		if err != nil {
			t.Fatalf("what was read cannot be written: %v\n%s", err, NodeText(*n))
		}
		if diff := cmp.Diff(n, again, cmpopts.IgnoreUnexported(Node{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
