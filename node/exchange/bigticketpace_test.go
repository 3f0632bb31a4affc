package exchange_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"parley/jsm/sim"
)

// TestABigTicketCrossesWithinJirasLimits lets a big ticket cross for the first time on tenants that enforce what Jira
// Cloud does: 20 writes in 2 s and 100 in 30 s to one issue, and bursts for each endpoint. None is refused for its
// pace, and other tickets do not wait: a new one raised in the midst of it, and a comment on it, cross at once.
func TestABigTicketCrossesWithinJirasLimits(t *testing.T) {
	const (
		whole = 8 * time.Minute  // for the big ticket: some 640 writes, of which 2 a second are let through in the long run
		small = 25 * time.Second // for one of the others, of which 5 s pass until a poll, and 3 until the index knows
	)
	inBigWorld(t, func(w *world) {
		north := w.north.face()
		key := north.raise("The printer burns")
		sizes := make([]int64, bigFiles)
		for i := range sizes {
			sizes[i] = 512
		}
		north.grow(key, sizes)
		for _, c := range []*company{w.north, w.south} {
			w.must(c.tenant.SetLimits(sim.Limits{On: true}))
		}
		before := len(w.south.tenant.Writes())
		north.share(key)
		began := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		comments, files := w.south.face().size(w.north.twin(key))
		if comments >= bigComments {
			t.Fatal("it has crossed before the others could")
		}
		t.Logf("after a minute: %d files and %d comments", files, comments)
		for range 3 {
			asked := time.Now()
			other := north.raise("Another one")
			north.share(other)
			w.until("the other crosses", small, func() bool { return w.north.twin(other) != "" })
			took := time.Since(asked)
			asked = time.Now()
			w.north.comment(other, "And a word", true)
			w.until("its comment does", small, func() bool { return w.south.heard(w.north.twin(other), "And a word") })
			t.Logf("another ticket crossed in %v, its comment in %v", took, time.Since(asked))
		}
		for comments, files = 0, 0; comments < bigComments || files < bigFiles; comments, files = w.south.face().size(w.north.twin(key)) {
			if time.Since(began) > whole {
				w.explain()
				t.Fatalf("after %v it has %d comments and %d files", whole, comments, files)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		writes := w.south.tenant.Writes()[before:]
		t.Logf("the big ticket crossed in %v; %d writes in the south", time.Since(began), len(writes))
		for _, one := range writes {
			if one.Status == http.StatusTooManyRequests {
				t.Errorf("refused for its pace: %s at %v", one.Path, one.At.Sub(began))
			}
		}
	})
}
