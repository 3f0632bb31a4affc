package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/transport"
)

// Finding is one line of the doctor: something is well, or what to do.
type Finding struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"` // what to do; also where it is well but should be looked at
}

// Diagnosis is the doctor's answer.
type Diagnosis struct {
	OK     bool      `json:"ok"` // every finding is
	Checks []Finding `json:"checks"`
}

// The bounds that the doctor judges by.
const (
	clockWarn   = 2 * time.Second // wire.md: warn 2 s, alarm 60 s; ordering never uses clocks across nodes
	clockAlarm  = time.Minute
	diskWarn    = 1 << 30   // bytes free
	diskAlarm   = 100 << 20 // bytes free
	doctorCalls = 45 * time.Second
	probing     = 3 * time.Second // for each address of a partner
)

// Examine checks a home, and the node in it where one runs. It never fails:
// what cannot be looked at is a finding.
func Examine(ctx context.Context, home string) Diagnosis {
	e := &examination{}
	if e.config(home) {
		e.modes(home)
		e.disk(home)
		inner, err := examineNode.Ask(ctx, home, Nothing{})
		if err != nil {
			e.bad("node", err, "stop what has the home open, or wait for it")
		}
		e.all = append(e.all, inner...)
	}
	d := Diagnosis{OK: true, Checks: e.all}
	for _, f := range e.all {
		d.OK = d.OK && f.OK
	}
	return d
}

// examineNode is the part of the doctor that needs the ledger, the token and
// the node's own eyes.
var examineNode = op("doctor", func(n *Node, ctx context.Context, _ Nothing) ([]Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorCalls)
	defer cancel()
	e := &examination{}
	e.running(n)
	e.tenant(ctx, n)
	e.webhooks(n, time.Now())
	e.drafts(n)
	e.connections(n)
	e.certificates(n)
	e.peers(ctx, n)
	return e.all, nil
})

// examination collects findings.
type examination struct{ all []Finding }

func (e *examination) ok(what, detail string, args ...any) {
	e.all = append(e.all, Finding{What: what, OK: true, Detail: fmt.Sprintf(detail, args...)})
}

func (e *examination) fail(what, next, detail string, args ...any) {
	e.all = append(e.all, Finding{What: what, Detail: fmt.Sprintf(detail, args...), Next: next})
}

// look is a finding that is well for now.
func (e *examination) look(what, next, detail string, args ...any) {
	e.all = append(e.all, Finding{What: what, OK: true, Detail: fmt.Sprintf(detail, args...), Next: next})
}

// bad is a finding of an error; its own hint goes before next.
func (e *examination) bad(what string, err error, next string) {
	if a, ok := errors.AsType[*Advice](err); ok && a.Hint != "" {
		next = a.Hint
	}
	e.fail(what, next, "%s", err)
}

func (e *examination) config(home string) bool {
	c, err := readNode(home)
	if err != nil {
		e.bad("config", err, "correct "+nodeFile)
		return false
	}
	e.ok("config", "%s is in order (node %q, tenant %s)", nodeFile, c.Name, c.Tenant.URL)
	p, err := conf.ReadPolicy(os.DirFS(home))
	if err != nil {
		e.bad("policy", err, "correct "+policyFile+"; the node does not start without it")
		return true
	}
	if p.Source() == nil {
		e.look("policy", "the security team may want one: see the documentation of "+policyFile, "there is no %s: rules are bound by nothing else", policyFile)
	} else {
		e.ok("policy", "%s is in order", policyFile)
	}
	return true
}

// private are the files that only their owner may read.
var private = append([]string{resetFile, tokenFile, passwordFile, socketFile, grantFile}, identityFiles[:2]...)

func (e *examination) modes(home string) {
	before := len(e.all)
	check := func(path string) {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			want := "600"
			if info.IsDir() {
				want = "700"
			}
			e.fail("file modes", fmt.Sprintf("chmod %s '%s'", want, path), "others may look into %s (mode %04o)", path, info.Mode().Perm())
		}
	}
	check(home)
	for _, name := range private {
		check(filepath.Join(home, name))
	}
	if len(e.all) == before {
		e.ok("file modes", "the home and its keys are closed to others")
	}
}

func (e *examination) disk(home string) {
	free, total, err := diskSpace(home)
	switch {
	case err != nil:
		e.look("disk", "", "the free space cannot be told on %s: %s", runtime.GOOS, err)
	case err == nil && crowded(free, total):
		e.fail("disk", "free some space; work goes on by itself", "%.0f %% of the disk of %s are in use: a node takes no new work from %.0f %% on", 100*inUse(free, total), home, 100*spaceFull)
	case free < diskAlarm:
		e.fail("disk", "free some space before the node stops", "only %d MiB are free in %s", free>>20, home)
	case free < diskWarn:
		e.look("disk", "free some space soon", "%d MiB are free in %s", free>>20, home)
	default:
		e.ok("disk", "%d GiB are free", free>>30)
	}
}

func (e *examination) running(n *Node) {
	if l := n.live.Load(); l != nil {
		where := "dials out only"
		if !n.conf.DialOnly {
			where = "listens on UDP " + l.end.Addr().String()
		}
		e.ok("node", "it runs, and %s", where)
		return
	}
	e.look("node", `start it with "parley run"`, "no node runs in this home now; its parts were looked at from here")
}

func (e *examination) drafts(n *Node) {
	all, err := checkDrafts(n.home, nil, func(*conf.Rules) (*jsm.Schema, error) { return nil, nil })
	if err != nil {
		e.bad("rules", err, "")
		return
	}
	for _, c := range all {
		if !c.OK {
			e.fail("rules "+c.Connection, "parley rules check "+c.Connection, "the draft does not compile (problems: %d)", len(c.Problems))
		}
	}
	if len(all) == 0 {
		e.look("rules", fmt.Sprintf("write %s/NAME.toml; %s there shows how", drafts, exampleFile), "there are no drafts")
	}
}

func (e *examination) connections(n *Node) {
	all, err := n.connections()
	if err != nil {
		e.bad("connections", err, "")
		return
	}
	for _, c := range all {
		switch {
		case c.State == "paused":
			e.look("connection "+c.Name, "parley resume "+c.Name, "it is paused")
		case c.Trouble != "":
			e.fail("connection "+c.Name, "", "%s", c.Trouble)
		case c.Held > 0:
			e.look("connection "+c.Name, "parley held list", "%s; held items: %d", c.State, c.Held)
		case n.live.Load() != nil && c.State == "down":
			e.fail("connection "+c.Name, "see the peer below", "the partner is not connected")
		default:
			e.ok("connection "+c.Name, "links: %d", c.Links)
		}
	}
}

func (e *examination) certificates(n *Node) {
	warnings := n.expiries(time.Now())
	for _, w := range warnings {
		e.look("certificates", "", "%s", w)
	}
	if len(warnings) == 0 {
		e.ok("certificates", "this node's is good until %s", n.id.NotAfter().UTC().Format(time.DateOnly))
	}
}

// peers looks at each pairing, and whether UDP gets through to it.
func (e *examination) peers(ctx context.Context, n *Node) {
	all, err := n.pairing.List()
	if err != nil {
		e.bad("peers", err, "")
		return
	}
	found := 0
	for _, p := range all {
		if p.State == transport.Offered || p.State == transport.Revoked {
			continue
		}
		found++
		line := n.peerLine(p)
		e.peer(p, line)
		for _, address := range p.Addresses {
			e.path(ctx, p.Name, address, line.Link == "up")
		}
	}
	if found == 0 {
		e.look("peers", `"parley pair offer" makes a card for a partner`, "no partner is paired yet")
	}
}

// path looks whether UDP gets through to a partner's address; where the partner
// has dialled us nothing is lost by a path that does not.
func (e *examination) path(ctx context.Context, peer, address string, up bool) {
	what := "UDP path to " + peer
	ctx, cancel := context.WithTimeout(ctx, probing)
	defer cancel()
	err := transport.Probe(ctx, address)
	next := "check the name in the partner's card, name resolution, and the route"
	switch {
	case err == nil:
		e.ok(what, "%s answers QUIC", address)
		return
	case up:
		e.look(what, "nothing to do while the partner dials; its card may name an old address", "%s, but the partner has dialled us", err)
		return
	case errors.Is(err, transport.ErrNothingListens):
		next = "the partner's node is not running, or listens elsewhere: compare with its card"
	case errors.Is(err, transport.ErrNoAnswer):
		next = "UDP is filtered on the way, or the address is wrong; ask the firewall team for: UDP from this machine to " + address + ", and its replies"
	}
	e.fail(what, next, "%s", err)
}

func (e *examination) peer(p *transport.Peer, line Peer) {
	what := "peer " + p.Name
	switch {
	case p.State != transport.Active && p.ConfirmedBy == "":
		e.fail(what, "parley pair confirm "+p.Name, "it is paired but not confirmed here")
	case p.State != transport.Active:
		e.look(what, "the partner confirms on its side", "it is confirmed here and waits for the partner")
	case line.Link == "down":
		e.fail(what, "see the UDP path, and the partner's node", "it is not connected: %s", line.Trouble)
	case p.ConfirmedBy == "yes":
		e.look(what, "compare the fingerprints by telephone", "it is active, though nothing was compared")
	default:
		e.ok(what, "it is active")
	}
}
