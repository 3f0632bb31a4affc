package node

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
)

// newNode makes a home and opens it.
func newNode(t *testing.T) *Node {
	t.Helper()
	n, err := Open(home(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func home(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	err := Init(dir, InitOptions{Name: "north", Tenant: conf.Tenant{URL: "https://north.example", User: "bot@north.example", TokenEnv: "NO_SUCH_TOKEN"}, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func publish(t *testing.T, n *Node, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.home, draftFile(name)), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.rulesPublish(t.Context(), RulesQuestion{Connections: []string{name}, Offline: true}); err != nil {
		t.Fatal(err)
	}
}

const someRules = "peer = \"globex\"\nproject = \"SUPPORT\"\n[outgoing]\nshare = [\"summary\"]\n"

func TestInitLeavesNothingBehind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "token")
	if err := os.WriteFile(kept, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := InitOptions{Name: "north", Tenant: conf.Tenant{URL: "https://north.example"}}
	h := &newHome{dir: dir}
	broken := conf.DefaultNode()
	broken.Name = strings.Repeat("n", 65) // longer than a certificate's name may be
	if err := h.make(broken); err == nil {
		t.Fatal("a home was made of a bad name")
	} else if err := h.undo(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("left behind: %v (%v)", entries, err)
	}
	if err := Init(dir, in); err != nil {
		t.Fatalf("a folder with somebody else's file: %v", err)
	}
	if err := Init(dir, in); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("a second Init gave %v", err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the home's mode is %v (%v)", info.Mode(), err)
	}
}

// The example must be a file that works, or it teaches mistakes.
func TestExampleCompiles(t *testing.T) {
	dir := home(t)
	if err := os.Rename(filepath.Join(dir, drafts, exampleFile), filepath.Join(dir, draftFile("example"))); err != nil {
		t.Fatal(err)
	}
	all, err := checkDrafts(dir, nil, func(*conf.Rules) (*jsm.Schema, error) { return nil, nil })
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if !all[0].OK || len(all[0].Warnings) > 0 {
		t.Errorf("the example: %+v", all[0])
	}
}

func TestOneProcessHasAHome(t *testing.T) {
	n := newNode(t)
	if _, err := open(n.home, nil); !errors.Is(err, ErrOpen) {
		t.Errorf("a second opening gave %v", err)
	}
	if _, err := Open(filepath.Join(n.home, "nowhere"), nil); err == nil || errors.Is(err, ErrOpen) {
		t.Errorf("no home at all gave %v", err)
	}
}

// stored puts a link with a held item into the ledger, as the exchange would.
func stored(t *testing.T, n *Node) (k ledger.Link, h ledger.Held) {
	t.Helper()
	k = ledger.Link{ID: replica.NewLinkID("globex", "NODE", "10001"), Connection: "globex", Ticket: "10001", Key: "SUPPORT-1", Waits: true, Born: time.Now().UnixMilli()}
	h = ledger.Held{Path: "priority", Key: "SUPPORT-1", Class: ledger.Definite, Code: "unmapped", Reason: `"Blocker" is not in the map`, Rule: "connections/globex.toml:9:1", Next: "add it to the map", Since: time.Now().UnixMilli(), Retry: time.Now().Add(time.Hour).UnixMilli()}
	whole := ledger.Held{Key: "SUPPORT-1", Class: ledger.Policy, Code: "approve", Reason: "its first share waits for a person", Next: "release it", Since: time.Now().UnixMilli()}
	err := n.led.Write(func(b *ledger.Batch) error {
		return errors.Join(ledger.PutLink(b, k),
			n.led.PutHeld(b, "globex", k.ID, false, []ledger.Held{h}),
			n.led.PutHeld(b, "globex", k.ID, true, []ledger.Held{whole}))
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Connection, h.Link = "globex", k.ID
	return k, h
}

func TestListings(t *testing.T) {
	n := newNode(t)
	publish(t, n, "globex", someRules)
	k, h := stored(t, n)

	s, err := n.status(t.Context(), Nothing{})
	if err != nil || len(s.Connections) != 1 {
		t.Fatal(s, err)
	}
	if c := s.Connections[0]; c.Name != "globex" || c.Peer != "globex" || c.State != "down" || c.Links != 1 || c.Held != 2 || c.Version != 1 {
		t.Errorf("the connection shows as %+v", c)
	}
	links, err := n.links(t.Context(), LinksQuestion{Key: "support-1"})
	if err != nil || len(links) != 1 || links[0].State != "held" || links[0].ID != k.ID.String() {
		t.Errorf("links: %+v, %v", links, err)
	}
	held, err := n.heldList(t.Context(), HeldQuestion{})
	if err != nil || len(held) != 2 {
		t.Fatal(held, err)
	}
	b, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"id":"` + h.ID() + `"`, `"connection":"globex"`, `"key":"SUPPORT-1"`, `"class":"definite"`, `"reason":"\"Blocker\" is not in the map"`, `"next":"add it to the map"`, `"direction":"in"`, `"direction":"out"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %s", b, want)
		}
	}
	detail, err := n.linkShow(t.Context(), LinksQuestion{Key: "SUPPORT-1"})
	if err != nil || len(detail) != 1 || len(detail[0].Held) != 2 {
		t.Errorf("link show: %+v, %v", detail, err)
	}
	page, err := n.page(t.Context())
	if err != nil || page.Total != 1 || len(page.Links) != 1 || len(page.Held) != 2 {
		t.Errorf("the page: %+v, %v", page, err)
	}
}

// Where no node runs, a retry is left for the next start as a dirty mark.
func TestRetryAndReleaseOffline(t *testing.T) {
	n := newNode(t)
	publish(t, n, "globex", someRules)
	k, h := stored(t, n)
	if _, err := n.heldRetry(t.Context(), HeldQuestion{ID: h.ID()}); err != nil {
		t.Fatal(err)
	}
	if dirty, err := n.dirty(); err != nil || !dirty[k.Ticket] {
		t.Errorf("no dirty mark: %v, %v", dirty, err)
	}
	if _, err := n.heldRelease(t.Context(), HeldQuestion{ID: h.ID()}); err == nil {
		t.Error("what no person holds was released")
	}
	whole := ledger.Held{Connection: "globex", Link: k.ID, Out: true}
	if _, err := n.heldRelease(t.Context(), HeldQuestion{ID: whole.ID()}); err != nil {
		t.Fatal(err)
	}
	if k, err := n.led.Link("globex", k.ID); err != nil || k.Waits {
		t.Errorf("the link still waits: %+v, %v", k, err)
	}
}

func TestPauseOffline(t *testing.T) {
	n := newNode(t)
	publish(t, n, "globex", someRules)
	c, err := n.setPaused("globex", "an admin paused it")
	if err != nil || c.State != "paused" || c.Trouble != "an admin paused it" {
		t.Errorf("paused: %+v, %v", c, err)
	}
	if c, err = n.setPaused("globex", ""); err != nil || c.State != "down" {
		t.Errorf("resumed: %+v, %v", c, err)
	}
	if _, err := n.setPaused("nobody", "x"); err == nil {
		t.Error("a connection that is not there was paused")
	}
}

// A link's state tells of everything that waits for it, here or there.
func TestLinkStates(t *testing.T) {
	for _, c := range []struct {
		want  string
		dirty bool
		s     linkState
	}{
		{want: "synced"},
		{want: "waiting", dirty: true},
		{want: "waiting", s: linkState{out: &ledger.Outgoing{Last: 2}, word: ledger.Word{Seq: 1, State: replica.Applied}}},
		{want: "waiting", s: linkState{in: &ledger.Incoming{Seq: 2}, done: &ledger.Done{Seq: 1}}},
		{want: "waiting", s: linkState{Link: ledger.Link{ID: replica.LinkID{1}}}},
		{want: "held", s: linkState{held: []ledger.Held{{}}}},
		{want: "held", s: linkState{word: ledger.Word{State: replica.Held}}},
		{want: "ended", s: linkState{Link: ledger.Link{Ticket: "1", Ended: true}, held: []ledger.Held{{}}}},
	} {
		s := c.s
		if s.out == nil {
			s.out = &ledger.Outgoing{}
		}
		if s.in == nil {
			s.in = &ledger.Incoming{}
		}
		if s.done == nil {
			s.done = &ledger.Done{}
		}
		if s.Ticket == "" && s.ID == (replica.LinkID{}) {
			s.Ticket = "10001"
		}
		if got := s.state(c.dirty); got != c.want {
			t.Errorf("%+v is %s, want %s", c.s, got, c.want)
		}
	}
}
