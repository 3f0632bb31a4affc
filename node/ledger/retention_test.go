package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/replica"
)

// TestOldBodiesGoAndTheirProofStays erases what both sides have stored and
// reconciled, in bounded steps, and nothing that is still needed.
func TestOldBodiesGoAndTheirProofStays(t *testing.T) {
	north, south := memory(t), memory(t)
	ng, err := north.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	sg, err := south.Log("globex")
	if err != nil {
		t.Fatal(err)
	}
	const all, fetched, folded = 300, 250, 200
	for i := range all {
		post(t, north, ng, linkID(i), fmt.Sprint(i))
	}
	entries, err := ng.Entries(1, fetched)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := sg.Receive(ng.Position().Epoch, []Arrived{{Seq: e.Seq, Salt: e.Salt, Body: e.Body}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ng.Acknowledged(fetched); err != nil {
		t.Fatal(err)
	}
	for i := range folded {
		in, err := south.Incoming("globex", linkID(i))
		if err != nil {
			t.Fatal(err)
		}
		if err := south.Write(func(b *Batch) error { return sg.Reconciled(b, linkID(i), in) }); err != nil {
			t.Fatal(err)
		}
		if _, err := south.Incoming("globex", linkID(i)); err != nil { // as the same visit does, before it gathers
			t.Fatal(err)
		}
	}
	prune(t, ng, time.Now(), time.Hour)
	if n := erased(t, ng, 'o'); n != 0 {
		t.Errorf("%d young bodies were erased", n)
	}
	later := time.Now().Add(2 * time.Hour)
	if steps := prune(t, ng, later, time.Hour); steps < 2 {
		t.Errorf("%d replicas were erased in %d step", fetched, steps)
	}
	prune(t, sg, later, time.Hour)
	prune(t, sg, later, time.Hour) // again is harmless
	if n := erased(t, ng, 'o'); n != fetched {
		t.Errorf("%d bodies that left were erased, want %d: those that the peer has stored", n, fetched)
	}
	if n := erased(t, sg, 'i'); n != folded {
		t.Errorf("%d bodies that came were erased, want %d: those that were folded", n, folded)
	}
	if err := errors.Join(north.Check(), south.Check()); err != nil {
		t.Error(err)
	}
	if err := errors.Join(ng.Reclaim(t.Context()), sg.Reclaim(t.Context())); err != nil {
		t.Error(err)
	}
	carry(t, ng, sg, fetched+1) // and the exchange goes on
	in, err := south.Incoming("globex", linkID(folded))
	if err != nil || in.Seq != folded+1 {
		t.Errorf("what waited is at %d: %v", in.Seq, err)
	}
	e, err := south.entry('i', "globex", 1)
	if err != nil || !e.Erased || e.Commitment != entries[0].Commitment || e.Commitment != commitment(e.Salt, entries[0].Body) {
		t.Errorf("the proof of replica 1 is gone: %+v, %v", e, err)
	}
}

// prune runs all steps of one retention.
// TestLargeBodiesGoAFewAtATime erases more in all than one step may read.
func TestLargeBodiesGoAFewAtATime(t *testing.T) {
	l := memory(t)
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	const all, each = 10, pruneBytes / 4
	for i := range all {
		post(t, l, g, linkID(i), strings.Repeat("x", each))
	}
	if _, err := g.Acknowledged(all); err != nil {
		t.Fatal(err)
	}
	if steps := prune(t, g, time.Now().Add(2*time.Hour), time.Hour); steps != 3 {
		t.Errorf("%d steps, want 3: of four, four and two", steps)
	}
	if n := erased(t, g, 'o'); n != all {
		t.Errorf("%d of %d bodies were erased", n, all)
	}
}

func prune(t *testing.T, g *Log, now time.Time, keep time.Duration) (steps int) {
	t.Helper()
	for {
		steps++
		more, err := g.Prune(now, keep)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return steps
		}
	}
}

func erased(t *testing.T, g *Log, table byte) (n int) {
	t.Helper()
	before := replica.Seq(0)
	err := g.l.entries(table, g.connection, 1, func(e *Entry) bool {
		if e.Erased {
			n++
		}
		if e.Seq != before+1 || e.Erased != (len(e.Body) == 0) {
			t.Errorf("replica %d after %d: erased %v, %d bytes", e.Seq, before, e.Erased, len(e.Body))
		}
		before = e.Seq
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
