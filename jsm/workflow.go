package jsm

import (
	"slices"
	"sync"
)

// workflow is what has been learned about one workflow (a project's issue type): which transitions
// lead where. Jira shows an agent only the transitions open on one ticket now; the whole workflow
// is for administrators. So edges are remembered as they are seen.
type workflow struct {
	mu       sync.Mutex        // everything below
	edges    map[string][]edge // status id → transitions seen from it; present and empty: none seen
	approval map[string]bool   // status id → an approval is pending on tickets there; present: looked
	sampled  map[string]bool   // status id → a ticket in it was looked for
	statuses []Status          // of the issue type, once read
}

// edge is a transition as seen from one status.
type edge struct {
	id, name    string
	to          Status
	resolutions []Option // allowed by its screen
	resolution  bool     // its screen has the resolution
}

func (l *learned) workflow(key string) *workflow {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.workflows == nil {
		l.workflows = map[string]*workflow{}
	}
	w := l.workflows[key]
	if w == nil {
		w = &workflow{edges: map[string][]edge{}, approval: map[string]bool{}, sampled: map[string]bool{}}
		l.workflows[key] = w
	}
	return w
}

func (w *workflow) learn(status string, list []edge) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edges[status] = list
}

func (w *workflow) forget(status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.edges, status)
}

func (w *workflow) known(status string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.edges[status]
	return ok
}

// path finds the shortest way from a status to the target by transitions seen so far, preferred
// ones first among equals. Statuses where an approval is pending are no way through; done ones only
// where nothing else leads to a done target (Resolved → Closed), because passing one tells the
// customer that it is done.
func (w *workflow) path(from string, t Target) []edge {
	w.mu.Lock()
	defer w.mu.Unlock()
	if way := w.shortest(from, t, false); way != nil {
		return way
	}
	if way := w.shortest(from, t, true); way != nil && way[len(way)-1].to.Category == "done" {
		return way
	}
	return nil
}

func (w *workflow) shortest(from string, t Target, throughDone bool) []edge {
	type step struct {
		status string
		way    []edge
	}
	seen := map[string]bool{from: true}
	for queue := []step{{status: from}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, e := range preferred(w.edges[at.status], t.Via) {
			way := append(slices.Clone(at.way), e)
			switch {
			case t.is(e.to):
				return way
			case seen[e.to.ID], w.approval[e.to.ID], len(way) >= maxSteps, e.to.Category == "done" && !throughDone:
				continue
			}
			seen[e.to.ID] = true
			queue = append(queue, step{e.to.ID, way})
		}
	}
	return nil
}

// preferred puts the transitions that the rules name first, in the rules' order.
func preferred(list []edge, via []string) []edge {
	rank := func(e edge) int {
		if i := slices.IndexFunc(via, func(v string) bool { return v == e.name || v == e.id }); i >= 0 {
			return i
		}
		return len(via)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b edge) int { return rank(a) - rank(b) })
	return list
}

// frontier lists the statuses that can be reached by known transitions and whose own transitions are
// not known, nearest first.
func (w *workflow) frontier(from string) []Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	var open []Status
	seen := map[string]bool{from: true}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, e := range w.edges[queue[0]] {
			if seen[e.to.ID] || w.approval[e.to.ID] {
				continue
			}
			seen[e.to.ID] = true
			if _, known := w.edges[e.to.ID]; known {
				queue = append(queue, e.to.ID)
			} else if !w.sampled[e.to.ID] {
				open = append(open, e.to)
			}
		}
	}
	return open
}

func (w *workflow) from(status string) []edge {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.edges[status])
}

func (w *workflow) looked(status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sampled[status] = true
}

func (w *workflow) setApproval(status string, pending bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.approval[status] = pending
}

func (w *workflow) has(t Target) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.statuses, t.is)
}

func (w *workflow) setStatuses(list []Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statuses = list
}

func (w *workflow) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.edges)
	clear(w.approval)
	clear(w.sampled)
}
