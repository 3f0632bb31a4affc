package ledger

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/replica"
)

const fuzzed = "c" // the connection, and the ticket, of the records below

var fuzzedLink = replica.LinkID{1}

// FuzzStored puts one record of any table with arbitrary key and value on an
// otherwise empty disk and then has every reader of the package meet it: damage is
// an error, never a panic and never an endless walk.
func FuzzStored(f *testing.F) {
	add := func(k key, record any) {
		v, ok := record.([]byte)
		if !ok {
			var err error
			if v, err = json.Marshal(record); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(k[0], []byte(k[1:]), v)
	}
	link := func(t byte) key { return linkKey(t, fuzzed, fuzzedLink) }
	conn := func(t byte) key { return table(t).str(fuzzed) }
	entry := (&Entry{Seq: 1, Verdict: Passed, Link: fuzzedLink, Body: []byte("body")}).encode(nil)
	segment := append([]byte{byte(len(entry))}, entry...)
	add(conn('H'), head{Seq: 1}.encode())
	add(conn('h'), head{Seq: 1}.encode())
	add(conn('o').num(1), segment)
	add(conn('i').num(1), segment)
	add(conn('Q'), []byte(key(nil).num(1)))
	add(conn('S'), Told{Stored: 1, Settled: 1})
	add(conn('Y').num(1), replica.Outcome{Link: fuzzedLink, Seq: 1, State: replica.Applied})
	add(conn('R').num(1), []byte("signed"))
	add(conn('V').num(1), Published{Connection: fuzzed, Number: 1})
	add(conn('w').str(fuzzed), []byte{})
	add(link('L'), Link{ID: fuzzedLink, Connection: fuzzed, Ticket: fuzzed})
	add(link('O'), (&Outgoing{Last: 1, Posted: replica.View{"summary": replica.NewItem(replica.Text("x"), 1)}}).encode(nil))
	add(link('I'), (&Incoming{Seq: 1, Remote: replica.View{}}).encode())
	add(link('D'), (&Done{Seq: 1, Pending: map[replica.Path]bool{"priority": true}}).encode())
	add(link('P'), Word{Seq: 1, State: replica.Resend, Lost: 1})
	add(link('N').rest("nonce"), Intent{Connection: fuzzed, Link: fuzzedLink, Nonce: "nonce", Effect: EditFields, Payload: json.RawMessage(`{}`)})
	add(link('U').rest("nonce"), Doubt{Intent: Intent{Connection: fuzzed, Link: fuzzedLink, Nonce: "nonce"}, Next: 1})
	add(link('X').rest("isummary"), Held{Connection: fuzzed, Link: fuzzedLink, Path: "summary", Answer: &Answer{Fields: map[string]string{"a": "b"}}})
	add(heldMark(fuzzed, fuzzedLink, ByPeer), Held{Connection: fuzzed, Link: fuzzedLink, Origin: ByPeer})
	add(link('F'), Awaits{"description": {"attachment/1"}})
	add(link('G'), Friction{Disputes: map[replica.Path]Dispute{"summary": {Sent: 1}}, Writes: map[replica.Path]Busy{"summary": {Traces: []Trace{{At: 1}}}}})
	add(link('J').num(1).rest("summary"), LeftOut{Connection: fuzzed, Link: fuzzedLink, Path: "summary"})
	add(link('Z').num(1).rest("summary"), Overruled{Connection: fuzzed, Link: fuzzedLink, Path: "summary"})
	add(link('W').rest("comment/1"), Twin{Connection: fuzzed, Link: fuzzedLink, Path: "comment/1"})
	add(table('C').str(fuzzed).rest("1"), Twin{Ticket: fuzzed, Local: "1"})
	add(table('T').str(fuzzed).str(fuzzed).link(fuzzedLink), []byte{})
	add(table('M').str(fuzzed).num(1), []byte{})
	add(table('u').str(fuzzed), []byte(key(nil).num(1)))
	add(table('E').rest("peer"), []byte("record"))
	add(table('K').rest(epochFact(fuzzed)), Epoch{Since: 1, Mending: true, Until: 1, Past: []Past{{Seq: 1, Afresh: true}}})
	add(table('K').rest(restoreFact), restore{ID: "x", Taken: 1})
	add(table('K').rest(prunedFact(fuzzed)), pruned{Days: []day{{At: 1, N: 1}}})
	f.Fuzz(func(t *testing.T, in byte, k, v []byte) {
		fs := vfs.NewMem()
		l, err := Open(Config{Dir: "ledger", FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.db.Set(append([]byte{in}, k...), v, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		meet(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l, err = Open(Config{Dir: "ledger", FS: fs}); err != nil { // what is read while opening
			return
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// meet calls every reader. An error is a fine answer; only the walks that a
// damaged record could lead on for ever are counted.
func meet(t *testing.T, l *Ledger) {
	const most = 1000
	steps := 0
	more := func() bool {
		if steps++; steps > most {
			t.Fatal("one record is read again and again")
		}
		return true
	}
	errs := []error{
		l.Check(),
		l.Links("", func(Link) bool { return more() }),
		l.Links(fuzzed, func(Link) bool { return more() }),
		l.OpenIntents(func(Intent) bool { return more() }),
		l.OpenDoubts(func(Doubt) bool { return more() }),
		l.Held("", func(Held) bool { return more() }),
		l.Overruled("", func(o Overruled) bool { _ = o.ID(); return more() }),
		l.LeftOut("", func(LeftOut) bool { return more() }),
		l.Dirty(func(Mark) bool { return more() }),
	}
	also := func(_ any, err error) { errs = append(errs, err) }
	also(l.Link(fuzzed, fuzzedLink))
	also(l.LinksOf(fuzzed))
	also(l.LinksFrom(Place{}, most))
	also(l.Outgoing(fuzzed, fuzzedLink))
	also(l.Incoming(fuzzed, fuzzedLink))
	also(l.Done(fuzzed, fuzzedLink))
	also(l.Word(fuzzed, fuzzedLink))
	also(l.Awaits(fuzzed, fuzzedLink))
	also(l.Friction(fuzzed, fuzzedLink))
	also(l.Intents(fuzzed, fuzzedLink))
	also(l.Doubts(fuzzed, fuzzedLink))
	also(l.HeldOf(fuzzed, fuzzedLink))
	also(l.HeldMark(fuzzed, fuzzedLink, ByPeer))
	also(l.Twins(fuzzed, fuzzedLink))
	also(l.TwinsOn(fuzzed))
	also(l.TwinKey(fuzzed, fuzzedLink))
	also(l.LeftOutOf(fuzzed, fuzzedLink))
	also(l.RulesHistory(fuzzed))
	also(l.PublishedConnections())
	also(l.Peers())
	also(l.Wants(fuzzed, most))
	also(l.LastSeen(fuzzed))
	g, err := l.Log(fuzzed)
	if err == nil {
		also(g.Entries(1, most))
		also(g.Received(1, most))
		also(g.Stands(replica.LinkID{}, most))
		also(g.Owing())
		also(g.Proof(1))
		also(g.FirstDue(fuzzedLink))
		_, _, err = g.Outcomes(0, most)
		also(nil, err)
		also(g.TakenBack())
		also(g.Prune(time.UnixMilli(1_760_000_000_000), time.Hour))
		err = g.Compare(Position{Stored: 1, Settled: 1}, g.Position())
	}
	also(nil, err)
	if err := errors.Join(errs...); err != nil && err.Error() == "" {
		t.Error("damage without a word")
	}
}
