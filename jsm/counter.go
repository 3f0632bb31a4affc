package jsm

import (
	"sync"
	"sync/atomic"
)

// Tally is what one operation, or all of them, has cost.
type Tally struct {
	Calls  int64 // requests sent, repeats included
	Points int64 // by Atlassian's cost rule, see Counter
}

// Counter counts requests and points per operation ("GET issue", "POST search/jql" …). The zero
// value is ready; several clients may share one. Points follow Atlassian's rule of 2026-08 [D]:
// a read costs 1 and 1 for each object in the answer (2 for each user or group), a write costs 1.
// API tokens are not charged points today, OAuth apps are; the figure is an estimate either way.
type Counter struct {
	ops sync.Map // operation → *tally
}

type tally struct{ calls, points atomic.Int64 }

func (n *Counter) add(op string, points int) {
	v, ok := n.ops.Load(op)
	if !ok {
		v, _ = n.ops.LoadOrStore(op, new(tally))
	}
	t := v.(*tally)
	t.calls.Add(1)
	t.points.Add(int64(points))
}

// ByOp returns the tallies so far, by operation.
func (n *Counter) ByOp() map[string]Tally {
	all := map[string]Tally{}
	n.ops.Range(func(op, v any) bool {
		t := v.(*tally)
		all[op.(string)] = Tally{t.calls.Load(), t.points.Load()}
		return true
	})
	return all
}

// Total is the sum over all operations.
func (n *Counter) Total() Tally {
	var sum Tally
	for _, t := range n.ByOp() {
		sum.Calls += t.Calls
		sum.Points += t.Points
	}
	return sum
}
