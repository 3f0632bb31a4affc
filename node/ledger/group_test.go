package ledger

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"parley/replica"
)

// together commits steps as one group, in their order, and returns what became of each.
func together(g *Log, steps []Step) []error {
	errs := make([]error, len(steps))
	var wg sync.WaitGroup
	g.leads.Lock() // a group is on its way
	for i, s := range steps {
		wg.Go(func() { errs[i] = g.Commit(s) })
		for joined := 0; joined <= i; runtime.Gosched() {
			g.mu.Lock()
			if g.next != nil {
				joined = len(g.next.turns)
			}
			g.mu.Unlock()
		}
	}
	g.leads.Unlock()
	wg.Wait()
	return errs
}

func stepOf(t *testing.T, l *Ledger, n int, fill func(*Batch) error) Step {
	id := linkID(n)
	out, err := l.Outgoing("acme", id)
	if err != nil {
		t.Fatal(err)
	}
	it := replica.NewItem(replica.Text("x"), 1)
	out.Posted["summary"] = it
	out.Bases["summary"] = Base{Local: it.Hash("summary")}
	r := &replica.Replica{Version: replica.Version1, Link: id, Base: out.After, Whole: true, Set: replica.View{"summary": it}, After: out.Posted.Hash()}
	out.After = r.After
	return Step{Replica: r, Out: out, Verdict: Passed, Fill: fill}
}

// TestAnImpossibleStepFailsAlone has others in the group of steps that cannot be written.
func TestAnImpossibleStepFailsAlone(t *testing.T) {
	l := memory(t)
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	impossible := errors.New("impossible")
	var steps []Step
	for i := range 7 {
		var fill func(*Batch) error
		if i == 0 || i == 4 {
			fill = func(*Batch) error { return impossible }
		}
		steps = append(steps, stepOf(t, l, i, fill))
	}
	for i, err := range together(g, steps) {
		if wanted := i == 0 || i == 4; errors.Is(err, impossible) != wanted || !wanted && err != nil {
			t.Errorf("step %d: %v", i, err)
		}
	}
	entries, err := g.Entries(1, 10)
	if err != nil || len(entries) != 5 || entries[4].Seq != 5 {
		t.Errorf("%d entries: %v", len(entries), err)
	}
	if slices.ContainsFunc(entries, func(e *Entry) bool { return e.Link == linkID(0) || e.Link == linkID(4) }) {
		t.Error("what failed is in the log")
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

// TestStepsOfOneCommitStandTogether has one that cannot be written among them.
func TestStepsOfOneCommitStandTogether(t *testing.T) {
	batches := 0
	l := open(t, Config{Dir: t.TempDir(), Step: func(*Batch) { batches++ }})
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	impossible, before := errors.New("impossible"), batches
	err = g.Commit(stepOf(t, l, 0, nil), stepOf(t, l, 1, func(*Batch) error { return impossible }), stepOf(t, l, 2, nil))
	if at := g.Position(); !errors.Is(err, impossible) || at.Seq != 0 || batches != before {
		t.Fatalf("the log ends at %d after %d batches: %v", at.Seq, batches-before, err)
	}
	err = errors.Join(g.Commit(), g.Commit(stepOf(t, l, 0, nil), stepOf(t, l, 2, nil)))
	if at := g.Position(); err != nil || at.Seq != 2 || batches != before+1 {
		t.Fatalf("the log ends at %d after %d batches: %v", at.Seq, batches-before, err)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

// TestAGroupTooLargeForABatchIsWrittenInSeveral counts batches, each of which has the whole of some steps.
func TestAGroupTooLargeForABatchIsWrittenInSeveral(t *testing.T) {
	batches := 0
	l := open(t, Config{Dir: t.TempDir(), Step: func(*Batch) { batches++ }})
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	before := batches
	var steps []Step
	for i := range 5 {
		steps = append(steps, stepOf(t, l, i, func(b *Batch) error {
			return b.Set(table('?').num(uint64(i)), make([]byte, batchBytes/2), nil)
		}))
	}
	if err := errors.Join(together(g, steps)...); err != nil {
		t.Fatal(err)
	}
	if got := batches - before; got != 3 {
		t.Errorf("%d batches, want 3: two steps are more than one holds", got)
	}
	if at := g.Position(); at.Seq != 5 {
		t.Errorf("the log ends at %d", at.Seq)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}
