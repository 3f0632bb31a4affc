package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/replica"
)

func open(t testing.TB, cfg Config) *Ledger {
	t.Helper()
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func memory(t testing.TB) *Ledger { return open(t, Config{Dir: "ledger", FS: vfs.NewMem()}) }

// post changes one item of a link's posted view, as gather does.
func post(t testing.TB, l *Ledger, g *Log, id replica.LinkID, value string) replica.Seq {
	t.Helper()
	out, err := l.Outgoing(g.connection, id)
	if err != nil {
		t.Fatal(err)
	}
	return postOn(t, g, id, out, value)
}

// postOn is post with the link's state at hand, as a visit has it.
func postOn(t testing.TB, g *Log, id replica.LinkID, out *Outgoing, value string) replica.Seq {
	it := replica.NewItem(replica.Text(value), 1)
	r := &replica.Replica{Version: replica.Version1, Link: id, Base: out.After, Whole: out.Last == 0, Set: replica.View{"summary": it}}
	out.Posted["summary"] = it
	out.Bases["summary"] = Base{Local: it.Hash("summary")}
	r.After = out.Posted.Hash()
	out.After = r.After
	if err := g.Commit(Step{Replica: r, Out: out, Verdict: Passed}); err != nil {
		t.Fatal(err)
	}
	return r.Seq
}

func linkID(n int) replica.LinkID { return replica.NewLinkID("c", "node", fmt.Sprint(n)) }

// carry brings what north's log holds beyond from to south, as a session does.
func carry(t testing.TB, north, south *Log, from replica.Seq) Stored {
	t.Helper()
	entries, err := north.Entries(from, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var batch []Arrived
	for _, e := range entries {
		batch = append(batch, Arrived{Seq: e.Seq, Salt: e.Salt, Body: e.Body})
	}
	stored, err := south.Receive(north.Position().Epoch, batch)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// TestAGapLeavesNothingBehind has a replica arrive too early, and then in its turn.
func TestAGapLeavesNothingBehind(t *testing.T) {
	north, south := memory(t), memory(t)
	ng, err := north.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	sg, err := south.Log("globex")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		post(t, north, ng, linkID(i), "printer on fire")
	}
	entries, err := ng.Entries(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	var early []Arrived
	for _, e := range []*Entry{entries[0], entries[2]} {
		early = append(early, Arrived{Seq: e.Seq, Salt: e.Salt, Body: e.Body})
	}
	if _, err := sg.Receive(ng.Position().Epoch, early); !errors.Is(err, ErrGap) {
		t.Fatalf("a gap is taken: %v", err)
	}
	if at := sg.Position(); at.Stored != 0 {
		t.Fatalf("stored up to %d of what was refused", at.Stored)
	}
	if stored := carry(t, ng, sg, 1); stored.Seq != 3 || len(stored.Due) != 3 {
		t.Errorf("stored %+v, want three replicas", stored)
	}
	var seqs []replica.Seq
	err = south.entries('i', "globex", 0, func(e *Entry) bool {
		seqs = append(seqs, e.Seq)
		return true
	})
	if err := errors.Join(err, south.Check()); err != nil || !slices.Equal(seqs, []replica.Seq{1, 2, 3}) {
		t.Errorf("the log holds %v: %v", seqs, err)
	}
}

func TestReplicaCrossesAndIsReceipted(t *testing.T) {
	north, south := memory(t), memory(t)
	ng, err := north.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	sg, err := south.Log("globex")
	if err != nil {
		t.Fatal(err)
	}
	id := linkID(1)
	if seq := post(t, north, ng, id, "printer on fire"); seq != 1 {
		t.Fatalf("the first replica has sequence %d, want 1", seq)
	}
	if !ng.InFlight(id) {
		t.Error("a posted replica is not in flight")
	}
	stored := carry(t, ng, sg, 1)
	if stored.Seq != 1 || len(stored.Due) != 1 || stored.Due[0] != id {
		t.Fatalf("stored %+v, want sequence 1 and link %s due", stored, id)
	}
	if ng.Position().Chain != stored.Chain {
		t.Error("the two ends disagree about the chain")
	}
	in, err := south.Incoming("globex", id)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := in.Remote["summary"].Value(); err != nil || v != replica.Text("printer on fire") {
		t.Errorf("south sees %v (%v)", v, err)
	}
	done, _ := south.Done("globex", id)
	if got := in.Changed(done); len(got) != 1 || got[0] != "summary" {
		t.Errorf("changed %v, want summary", got)
	}
	// A second delivery of the same changes nothing.
	if again := carry(t, ng, sg, 1); again.Seq != 1 || len(again.Due) != 0 {
		t.Errorf("a second delivery came to %+v", again)
	}
	at := sg.Position()
	told := replica.Receipt{Epoch: at.InEpoch, Stored: at.Stored, Chain: at.InChain}
	freed, err := ng.Acknowledged(1)
	if err != nil || len(freed) != 1 || ng.InFlight(id) {
		t.Errorf("after the receipt: freed %v, in flight %v, %v", freed, ng.InFlight(id), err)
	}
	settled := told
	settled.Settled, settled.Outcomes = 1, []replica.Outcome{{Link: id, Seq: 1, State: replica.Held, Code: "unmapped"}}
	if _, news, err := ng.Receipt(&settled, []byte("signed")); err != nil || len(news) != 1 {
		t.Errorf("an outcome is news of %v (%v)", news, err)
	}
	if w, err := north.Word("acme", id); err != nil || w.State != replica.Held || w.Code != "unmapped" {
		t.Errorf("the peer's word is %+v (%v)", w, err)
	}
	if proof, err := ng.Proof(1); err != nil || string(proof) != "signed" {
		t.Errorf("the receipt kept is %q (%v)", proof, err)
	}
	if _, err := ng.Acknowledged(9); !errors.Is(err, ErrRewind) {
		t.Errorf("an acknowledgement of what was never sent: %v, want ErrRewind", err)
	}
	for what, lie := range map[string]func(*replica.Receipt){
		"what was never sent": func(r *replica.Receipt) { r.Stored = 9 },
		"another log":         func(r *replica.Receipt) { r.Epoch[0] ^= 1 },
		"another chain":       func(r *replica.Receipt) { r.Chain[0] ^= 1 },
	} {
		r := told
		lie(&r)
		if _, _, err := ng.Receipt(&r, nil); !errors.Is(err, ErrRewind) {
			t.Errorf("a receipt for %s: %v, want ErrRewind", what, err)
		}
	}
}

func TestConcurrentStepsGetNumbersWithoutGaps(t *testing.T) {
	l := memory(t)
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	const n = 300
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { post(t, l, g, linkID(i), "x") })
	}
	wg.Wait()
	entries, err := g.Entries(1, 10*n)
	if err != nil || len(entries) != n {
		t.Fatalf("%d entries (%v), want %d", len(entries), err, n)
	}
	before := replica.Hash{}
	for i, e := range entries {
		if int(e.Seq) != i+1 || e.Chain != chain(before, e.Commitment) || e.Commitment != commitment(e.Salt, e.Body) {
			t.Fatalf("entry %d is %d, or its chain is broken", i+1, e.Seq)
		}
		before = e.Chain
	}
}

// BenchmarkCommit posts replicas of about 230 bytes over many links at once, on the
// real disk.
func BenchmarkCommit(b *testing.B) {
	for _, outstanding := range []int{1, 64, 1024} {
		b.Run(fmt.Sprint(outstanding), func(b *testing.B) {
			l := open(b, Config{Dir: b.TempDir()})
			g, err := l.Log("acme")
			if err != nil {
				b.Fatal(err)
			}
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for w := range outstanding {
				wg.Go(func() {
					id := linkID(w)
					out, err := l.Outgoing("acme", id)
					if err != nil {
						b.Error(err)
						return
					}
					for next.Add(1) <= int64(b.N) {
						postOn(b, g, id, out, rand.Text())
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "replicas/s")
		})
	}
}

// An entry is read back whole, be it written without what its body tells, as
// every entry once was, or without its body.
func TestEntryForms(t *testing.T) {
	r := &replica.Replica{Version: replica.Version1, Link: linkID(1), Seq: 7, Rules: replica.Hash{9}, Set: replica.View{"summary": replica.NewItem(replica.Text("printer"), 1)}}
	body, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := Entry{Seq: 7, At: time.UnixMilli(1_760_000_000_000), Link: r.Link, Rules: r.Rules, Verdict: Passed, Salt: [SaltSize]byte{1}, Chain: replica.Hash{2}, Body: body}
	want.Commitment = commitment(want.Salt, body)
	erased := want
	erased.Body, erased.Erased = nil, true
	full := append(erased.encode(nil), body...)
	full[0] = fullVersion
	for name, c := range map[string]struct {
		stored []byte
		want   Entry
	}{"now": {want.encode(nil), want}, "once": {full, want}, "erased": {erased.encode(nil), erased}} {
		got := Entry{Seq: 7}
		if err := got.decode(c.stored); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: read %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}
