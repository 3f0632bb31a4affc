package node

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"parley/conf"
	"parley/node/ledger"
	"parley/replica"
)

const startLinks = 1_000_000

// BenchmarkStart opens a home whose ledger has a million links, after a crash
// with work under way, and times how long it takes until the desk can work:
// open, wire, and everything that is done before partners are served.
func BenchmarkStart(b *testing.B) {
	if testing.Short() {
		b.Skip("it fills a ledger with a million links")
	}
	dir := filepath.Join(b.TempDir(), "home")
	fillHome(b, dir, startLinks)
	for b.Loop() {
		n, err := Open(dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		l, err := n.wire()
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := l.end.Close(); err != nil {
			b.Fatal(err)
		}
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// fillHome makes a home with links, of which a thousandth has something open.
func fillHome(b *testing.B, dir string, links int) {
	b.Helper()
	if err := Init(dir, startOptions); err != nil {
		b.Fatal(err)
	}
	n, err := Open(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	publishAll(b, n)
	log, err := n.led.Log("globex")
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < links; from += 10_000 {
		err := n.led.Write(func(batch *ledger.Batch) error {
			for i := from; i < from+10_000; i++ {
				if err := putLink(batch, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		var dirty []string
		for i := from; i < from+10; i++ {
			dirty = append(dirty, fmt.Sprint(100_000+i))
			if err := postOne(log, i); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := n.led.MarkDirty(dirty, "1"); err != nil {
			b.Fatal(err)
		}
	}
	if err := n.Close(); err != nil {
		b.Fatal(err)
	}
}

func startLink(i int) replica.LinkID { return replica.NewLinkID("globex", "NODE", fmt.Sprint(i)) }

func putLink(batch *ledger.Batch, i int) error {
	id := startLink(i)
	it := replica.NewItem(replica.Text("a summary of usual length, as people write them"), 1)
	out := &ledger.Outgoing{Posted: replica.View{"summary": it}, Bases: map[replica.Path]ledger.Base{"summary": {Local: it.Hash("summary"), Seq: 1}}}
	out.After = out.Posted.Hash()
	k := ledger.Link{ID: id, Connection: "globex", Ticket: fmt.Sprint(100_000 + i), Key: fmt.Sprintf("SUPPORT-%d", i), Complete: true, Born: 1}
	if err := ledger.PutLink(batch, k); err != nil {
		return err
	}
	return ledger.PutOutgoing(batch, "globex", id, out)
}

func postOne(log *ledger.Log, i int) error {
	it := replica.NewItem(replica.Text("what is on its way"), 2)
	view := replica.View{"summary": it}
	r := &replica.Replica{Version: replica.Version1, Link: startLink(i), Whole: true, Set: view, After: view.Hash()}
	out := &ledger.Outgoing{Posted: view, After: r.After, Bases: map[replica.Path]ledger.Base{"summary": {Local: it.Hash("summary")}}}
	return log.Commit(ledger.Step{Replica: r, Out: out, Verdict: ledger.Passed})
}

var startOptions = InitOptions{Name: "north", Tenant: conf.Tenant{URL: "https://north.example", User: "bot@north.example", TokenEnv: "NO_SUCH_TOKEN"}, Listen: "127.0.0.1:0"}

func publishAll(b *testing.B, n *Node) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(n.home, draftFile("globex")), []byte(someRules), 0o600); err != nil {
		b.Fatal(err)
	}
	if _, err := n.rulesPublish(b.Context(), RulesQuestion{Connections: []string{"globex"}, Offline: true}); err != nil {
		b.Fatal(err)
	}
}
