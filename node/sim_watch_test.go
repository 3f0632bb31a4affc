package node_test

import (
	"bytes"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"parley/node/ledger"
)

// logbook keeps what all nodes log, to be searched for what must not be there.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if os.Getenv("PARLEY_LOG") != "" {
		os.Stderr.Write(b)
	}
	return l.buf.Write(b)
}

func (l *logbook) logger(company string) *slog.Logger {
	level := slog.LevelInfo
	if os.Getenv("PARLEY_LOG") != "" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: level})).With("node", company)
}

// until waits, in virtual time, for something to become true.
func (w *world) until(what string, limit time.Duration, holds func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(pollEvery / 4) {
		w.revive()
		synctest.Wait()
		if holds() {
			return
		}
		if time.Now().After(end) {
			w.explain()
			w.t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

// explain logs what the nodes think and did, for whoever reads a failure.
func (w *world) explain() {
	for _, c := range w.companies {
		if c.p == nil {
			continue
		}
		led := c.p.n.Ledger()
		for name := range c.rules {
			if desk := c.p.n.Desk(); desk != nil {
				con := desk.Connection(name)
				w.t.Logf("%s/%s: up %v, trouble %q, tenant %q, position %+v told %+v", c.name, name, con.Up(), con.Trouble(), desk.TenantTrouble(), con.Log.Position(), con.Log.Told())
			}
		}
		w.must(led.Links("", func(k ledger.Link) bool {
			w.t.Logf("  link %s %s ticket %s theirs %v complete %v ended %v paused %v", k.ID, k.Key, k.Ticket, k.Theirs, k.Complete, k.Ended, k.Paused)
			out, err := led.Outgoing(k.Connection, k.ID)
			w.must(err)
			in, err := led.Incoming(k.Connection, k.ID)
			w.must(err)
			twins, err := led.Twins(k.Connection, k.ID)
			w.must(err)
			done, err := led.Done(k.Connection, k.ID)
			w.must(err)
			word, err := led.Word(k.Connection, k.ID)
			w.must(err)
			w.t.Logf("    sent %d whole %d, told of %d %s; came %d lost %d, done %d pending %v", out.Last, out.Whole, word.Seq, word.State, in.Seq, in.Lost, done.Seq, done.Pending)
			w.t.Logf("    posted %v\n    theirs %v", slices.Sorted(maps.Keys(out.Posted)), slices.Sorted(maps.Keys(in.Remote)))
			for p, twin := range twins {
				w.t.Logf("    twin %s: %s", p, twin.Local)
			}
			return true
		}))
		w.must(led.Held("", func(h ledger.Held) bool {
			w.t.Logf("  held %s %s out=%v %s: %s (%s) %s", h.Key, h.Path, h.Out, h.Code, h.Reason, h.Rule, h.Next)
			return true
		}))
		for _, e := range c.tenant.Writes() {
			if e.Account == c.sync.Email {
				w.t.Logf("  %s %s %s status %d applied %v lost %v", e.At.Format("04:05.000"), e.Endpoint, e.Key, e.Status, e.Applied, e.Lost)
			}
		}
	}
}
