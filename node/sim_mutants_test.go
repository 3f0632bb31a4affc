package node_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	_ "unsafe" // go:linkname

	"parley/jsm/sim"
	"parley/node"
	"parley/node/ledger"
	"parley/replica"
)

// A mutant is a node that lacks one of its precautions. Each must be caught
// within ten seeds, or the checks do not bite. All but one are made from
// outside: by what the world tells the node, or takes from its disk.
type mutant string

const (
	sound     mutant = ""
	blind     mutant = "no look-up before a retried create"
	impatient mutant = "no settle time"
	forgetful mutant = "no durable intent"
	hasty     mutant = "acknowledge before durable"
	deaf      mutant = "base set without the peer's seen"
	echoing   mutant = "no write fingerprint"
	careless  mutant = "no look-up before a file or work log is made again"
	amnesiac  mutant = "no durable record of which files and work logs are ours"
)

// peerSaw is what the exchange asks how far the peer knew us; the deaf believe
// that it always did.
//
//go:linkname peerSaw parley/node/exchange.peerSaw
var peerSaw func(in *ledger.Incoming, p replica.Path) replica.Seq

// TestSimulationBites has each mutant caught within ten seeds.
func TestSimulationBites(t *testing.T) {
	exact(t)
	for _, m := range []mutant{blind, impatient, forgetful, hasty, deaf, echoing, careless, amnesiac} {
		t.Run(string(m), func(t *testing.T) {
			if m == deaf {
				sane := peerSaw
				peerSaw = func(*ledger.Incoming, replica.Path) replica.Seq { return 1 << 62 }
				defer func() { peerSaw = sane }()
			}
			for seed := range 10 {
				if found := simulate(t, seed, m); len(found) > 0 {
					t.Logf("caught at seed %d: %s", seed, found[0])
					return
				}
			}
			t.Errorf("a node with %s was not caught in 10 seeds", m)
		})
	}
}

// tempt loses the answer by which the other side of a careless node hears what it made: seven of a hundred seeds do so by
// themselves.
func (d *drama) tempt(c *company, list string) {
	if other := d.across(c); d.mutant == careless {
		d.must(other.tenant.Fault(sim.Fault{Kind: "lost", Method: "POST", Path: "/rest/api/3/issue/*/" + list, Account: other.sync.Email}))
	}
}

// tally collects what the checks say of a mutant, whose failures are no failures
// of the test.
type tally struct {
	testing.TB
	found []string
}

// giveUp ends a mutant's story.
type giveUp struct{}

func (f *tally) Errorf(format string, args ...any) {
	f.found = append(f.found, fmt.Sprintf(format, args...))
}
func (f *tally) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	panic(giveUp{})
}
func (f *tally) Fatal(args ...any)   { f.Fatalf("%s", fmt.Sprint(args...)) }
func (f *tally) Logf(string, ...any) {}
func (f *tally) Failed() bool        { return len(f.found) > 0 }
func (f *tally) Helper()             {}

// afterDeath takes from a dead node's disk what a mutant never wrote.
func (m mutant) afterDeath(c *company) {
	if m != forgetful && m != amnesiac {
		return
	}
	n, err := node.OpenIn(node.Outside{Disk: c.fs}, c.home, nil)
	c.w.must(err)
	led := n.Ledger()
	var intents []ledger.Intent
	var twins []ledger.Twin
	if m == forgetful {
		c.w.must(led.OpenIntents(func(in ledger.Intent) bool {
			intents = append(intents, in)
			return true
		}))
	} else {
		c.w.must(led.Links("", func(k ledger.Link) bool {
			all, err := led.Twins(k.Connection, k.ID)
			c.w.must(err)
			for p, t := range all {
				if p.Kind() == "attachment" || p.Kind() == "worklog" {
					twins = append(twins, t)
				}
			}
			return true
		}))
	}
	c.w.must(led.Write(func(b *ledger.Batch) error {
		for _, in := range intents {
			if err := ledger.DropIntent(b, in); err != nil {
				return err
			}
		}
		for _, t := range twins {
			if err := ledger.DropTwin(b, t); err != nil {
				return err
			}
		}
		return nil
	}))
	c.w.must(n.Close())
}

// ourMark is the name of the property that marks our writes; attached is the list of a ticket's files.
var (
	ourMark  = regexp.MustCompile(`"key":"parley"`)
	attached = regexp.MustCompile(`"attachment":\[`)
)

// shows is the tenant's answer as a mutant sees it: the blind and the careless
// never find what they look for, and the echoing take themselves for somebody else.
func (m mutant) shows(c *company, r *http.Request, asked []byte, a *http.Response) error {
	if m != blind && m != echoing && m != careless {
		return nil
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	switch {
	case m == echoing && strings.HasSuffix(r.URL.Path, "/myself"):
		human, _ := c.tenant.Account(sim.Human)
		b = bytes.ReplaceAll(b, []byte(c.sync.ID), []byte(human.ID))
	case m == echoing:
	case m == careless && strings.HasSuffix(r.URL.Path, "/worklog"):
		b = ourMark.ReplaceAll(b, []byte(`"key":"nobody"`))
	case m == careless && strings.HasPrefix(r.URL.Query().Get("fields"), "attachment,"):
		b = attached.ReplaceAll(b, []byte(`"attachment":[],"nothing":[`))
	case m == careless:
	case bytes.Contains(asked, []byte("creator = currentUser()")):
		b = []byte(`{"issues":[],"isLast":true}`)
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/comment"):
		b = ourMark.ReplaceAll(b, []byte(`"key":"nobody"`))
	}
	a.Body, a.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	a.Header.Set("Content-Length", fmt.Sprint(len(b)))
	return nil
}
