package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm/sim"
	"parley/node"
)

// A firm is one company of a test with real processes: its tenant lives in this
// process, its node is the parley program.
type firm struct {
	t      *testing.T
	name   string
	tenant *sim.Tenant
	front  *front
	sync   sim.Account
	home   string
	run    *nodeRun // the process that runs or ran last
}

// nodeRun is one process of a firm's node.
type nodeRun struct {
	cmd   *exec.Cmd
	ready firstLine
	ended bool
}

// firstLine is closed when a line was written to it.
type firstLine struct {
	once sync.Once
	come chan struct{}
}

func (f *firstLine) Write(b []byte) (int, error) {
	if bytes.ContainsRune(b, '\n') {
		f.once.Do(func() { close(f.come) })
	}
	return len(b), nil
}

// front stands before a tenant and can strike once in the middle of a call: when
// the tenant has carried it out, and before its answer leaves.
type front struct {
	tenant *sim.Tenant

	mu   sync.Mutex // guards the fields below
	when func(*http.Request) bool
	do   func()
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.tenant.ServeHTTP(w, r)
	f.mu.Lock()
	do := f.do
	if do == nil || !f.when(r) {
		f.mu.Unlock()
		return
	}
	f.do = nil
	f.mu.Unlock()
	do()
}

func (f *front) strike(when func(*http.Request) bool, do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.when, f.do = when, do
}

// spare calls a strike off; false where it has come already.
func (f *front) spare() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.do != nil
	f.do = nil
	return was
}

// newFirm makes a tenant and a home; its node listens on a port of its own,
// which it keeps over restarts.
func newFirm(t *testing.T, name string) *firm {
	t.Helper()
	f := &firm{t: t, name: name, home: filepath.Join(t.TempDir(), name), run: &nodeRun{ended: true}}
	var err error
	if f.tenant, err = sim.New(sim.Config{Name: name, IndexLag: 300 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	f.front = &front{tenant: f.tenant}
	server := httptest.NewServer(f.front)
	t.Cleanup(server.Close)
	f.tenant.SetURL(server.URL)
	f.sync, _ = f.tenant.Account(sim.Sync)
	token := filepath.Join(t.TempDir(), "token")
	f.write(token, f.sync.Token+"\n")
	f.parley("init", "--name", name, "--tenant", server.URL, "--user", f.sync.Email, "--token-file", token, "--listen", freeUDP(t), "--console", "")
	f.configure(func(n *conf.Node) { n.Console, n.Poll, n.Settle = "", killPoll, killSettle })
	t.Cleanup(func() { // before the tenant's server closes, also after a failure
		if !f.run.ended {
			f.run.cmd.Process.Kill()
			f.run.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the node of %s said last:\n%s", f.name, tail(f.log(), 4000))
			for _, what := range [][]string{{"held", "list"}, {"link", "list"}} {
				b, err := f.command(append(what, "--json")...).CombinedOutput()
				t.Logf("%s of %s: %v\n%s", what, f.name, err, b)
			}
		}
	})
	return f
}

// pairedFirms makes two firms, pairs them by fingerprint, publishes their rules
// and starts their nodes.
func pairedFirms(t *testing.T, northRules, southRules string) (north, south *firm) {
	t.Helper()
	north, south = newFirm(t, "north"), newFirm(t, "south")
	northCard, southCard := north.offer(), south.offer()
	north.pair("south", southCard)
	south.pair("north", northCard)
	north.publish("desk", northRules)
	south.publish("desk", southRules)
	north.start()
	south.start()
	for _, f := range []*firm{north, south} {
		f.awaitConnection("desk", "up", "")
	}
	return north, south
}

func freeUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

func (f *firm) write(path, content string) {
	f.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// configure changes the node's parley.toml.
func (f *firm) configure(change func(*conf.Node)) {
	f.t.Helper()
	path := filepath.Join(f.home, "parley.toml")
	n, err := conf.ReadNode(path)
	if err != nil {
		f.t.Fatal(err)
	}
	change(n)
	f.write(path, conf.NodeText(*n))
}

// command is a parley command for the firm's home.
func (f *firm) command(args ...string) *exec.Cmd {
	f.t.Helper()
	path, err := exec.LookPath("parley") // this test's own binary: see TestMain
	if err != nil {
		f.t.Fatal(err)
	}
	return exec.Command(path, append(args, "--home", f.home)...)
}

// parley runs a command to its end and gives its standard output.
func (f *firm) parley(args ...string) string {
	f.t.Helper()
	var out, errs bytes.Buffer
	c := f.command(args...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		f.t.Fatalf("parley %s at %s: %v\n%s%s", strings.Join(args, " "), f.name, err, &out, &errs)
	}
	return out.String()
}

// refuses runs a command that must fail with status 1, and gives what it said.
func (f *firm) refuses(args ...string) string {
	f.t.Helper()
	b, err := f.command(args...).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		f.t.Fatalf("parley %s at %s: %v where exit status 1 is due\n%s", strings.Join(args, " "), f.name, err, b)
	}
	return string(b)
}

// firmCard is a card and the fingerprint that its owner reads out.
type firmCard struct{ file, fingerprint string }

func (f *firm) offer() (c firmCard) {
	f.t.Helper()
	c.file = filepath.Join(f.t.TempDir(), "card")
	var told node.Offer
	if err := json.Unmarshal([]byte(f.parley("pair", "offer", "--out", c.file, "--json")), &told); err != nil {
		f.t.Fatal(err)
	}
	c.fingerprint = told.Fingerprint
	return c
}

func (f *firm) pair(peer string, c firmCard) {
	f.t.Helper()
	f.parley("pair", "accept", c.file, "--as", peer)
	f.parley("pair", "confirm", peer, "--fingerprint", c.fingerprint)
}

func (f *firm) publish(name, rules string) {
	f.t.Helper()
	f.write(filepath.Join(f.home, "connections", name+".toml"), rules)
	f.parley("rules", "publish", name)
}

// start starts the node and does not wait for it.
func (f *firm) start() {
	f.t.Helper()
	log, err := os.OpenFile(f.home+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer log.Close()
	f.run = &nodeRun{cmd: f.command("run", "--ready-json"), ready: firstLine{come: make(chan struct{})}}
	f.run.cmd.Stdout, f.run.cmd.Stderr = &f.run.ready, log
	if err := f.run.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
}

// awaitReady waits until the node says that it runs.
func (f *firm) awaitReady() {
	f.t.Helper()
	late := time.NewTimer(storyPatience)
	defer late.Stop()
	select {
	case <-f.run.ready.come:
	case <-late.C:
		f.t.Fatalf("the node of %s does not start", f.name)
	}
}

// kill ends the node with SIGKILL.
func (f *firm) kill() {
	f.t.Helper()
	f.run.cmd.Process.Kill() // nothing where a strike was faster
	err := f.run.cmd.Wait()
	f.run.ended = true
	status, _ := f.run.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGKILL {
		f.t.Fatalf("the node of %s ended by itself: %v", f.name, err)
	}
}

// end ends the node with SIGTERM, as an admin does.
func (f *firm) end() {
	f.t.Helper()
	if err := f.run.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		f.t.Fatal(err)
	}
	err := f.run.cmd.Wait()
	f.run.ended = true
	if err != nil {
		f.t.Errorf("the node of %s ended badly: %v", f.name, err)
	}
}

func (f *firm) log() string {
	b, _ := os.ReadFile(f.home + ".log") // none: the node never started
	return string(b)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// checkLog looks for what must never be in any node's log.
func (f *firm) checkLog() {
	f.t.Helper()
	log := f.log()
	for _, bad := range []string{"panic", "DATA RACE", "goroutine ", f.sync.Token, "saying-0"} {
		if at := strings.Index(log, bad); at >= 0 {
			f.t.Errorf("the log of %s holds %q: %s", f.name, bad, log[at:min(len(log), at+3000)])
		}
	}
}

// checkLedger walks the whole ledger of a node that has ended.
func (f *firm) checkLedger() {
	f.t.Helper()
	n, err := node.Open(f.home, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := n.Check(); err != nil {
		f.t.Errorf("the ledger of %s: %v", f.name, err)
	}
	if err := n.Close(); err != nil {
		f.t.Error(err)
	}
}

// agent is the firm's own agent.
func (f *firm) agent() sim.Person { return f.tenant.As("agent@" + f.name + ".example") }

// matching are the tickets whose description holds a mark.
func (f *firm) matching(mark string) []sim.Ticket {
	return slices.DeleteFunc(f.tenant.Issues(), func(t sim.Ticket) bool { return !strings.Contains(t.Description, mark) })
}

// polls counts how often the node has asked what changed.
func (f *firm) polls() (n int) {
	for endpoint, calls := range f.tenant.Calls(f.sync.Email) {
		if strings.Contains(endpoint, "/search/jql") {
			n += calls
		}
	}
	return n
}

// writes tells what the node's account has written until now.
func (f *firm) writes() string { return fmt.Sprint(f.tenant.WritesBy(f.sync.Email)) }

// status asks the running node.
func (f *firm) status() node.Status {
	f.t.Helper()
	s, err := node.StatusOf.Ask(f.t.Context(), f.home, node.Nothing{})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// awaitConnection waits until a connection is in a state, with a trouble that
// holds these words.
func (f *firm) awaitConnection(name, state, words string) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("at %s connection %s is %s", f.name, name, state), func() string {
		s := f.status()
		for _, c := range s.Connections {
			if c.Name == name && c.State == state && strings.Contains(c.Trouble, words) {
				return ""
			}
		}
		return fmt.Sprintf("%+v", s.Connections)
	})
}

// patience is for what takes a moment, on a loaded machine under the race detector.
const patience = 30 * time.Second

// eventually waits until look finds no fault.
func eventually(t *testing.T, what string, look func() (fault string)) {
	t.Helper()
	fault := "it was never looked at"
	err := within(t.Context(), patience, func() (bool, error) {
		fault = look()
		return fault == "", nil
	})
	if err != nil {
		t.Fatalf("not true: %s (%v):\n  %s", what, err, fault)
	}
}
