package exchange

import (
	"cmp"
	"container/heap"
	"sync"
	"time"

	"parley/replica"
)

// job is one visit to come: of a local ticket, or of a link whose ticket does
// not exist here yet.
type job struct {
	lane       string // the ticket's id, or connection and link
	ticket     string // "" for a link without a ticket
	connection string // of such a link
	link       replica.LinkID
	generation uint64                  // dirty marks up to here are answered by this visit
	start      map[string]bool         // connections whose trigger the ticket matched
	left       map[string]bool         // connections whose trigger it surely does not match any more
	release    map[replica.LinkID]bool // links whose first share a person released
	end        map[replica.LinkID]bool // links that a person ended
	quick      []*request              // people who wait for the outcome
	retry      bool                    // a person or a timer asks for held work to be tried again
	asked      bool                    // a person asks
	strange    bool                    // a comment of ours came late: this visit looks whose it is

	backfill bool      // nobody waits for it: it comes after what people did
	told     time.Time // the newest state that hints told of, where nothing else asks for the visit

	due     time.Time
	place   int // in the heap of those that wait
	running bool
	also    string        // a second lane that it holds
	at      []*Connection // those that it may work at while it runs
	again   *job          // what was asked while it ran
}

// queue holds at most one job for each lane; what is asked of a lane that has
// one is folded into it. It is memory only: at start it is filled from the
// ledger's marks.
type queue struct {
	mu      sync.Mutex // guards the fields below
	jobs    map[string]*job
	waiting waiting   // those of jobs that do not run
	backlog waiting   // likewise, of backfill
	spare   time.Time // no backfill before it
	wake    chan struct{}
}

func newQueue() *queue { return &queue{jobs: map[string]*job{}, wake: make(chan struct{}, 1)} }

// add asks for visits, each at the earliest when it is due.
func (q *queue) add(jobs ...job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range jobs {
		q.put(&jobs[i])
	}
	q.nudge()
}

// addLinks asks for visits of links whose lanes are their own, due at once.
func (q *queue) addLinks(connection string, links []replica.LinkID) {
	if len(links) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	prefix := append([]byte(connection), '/')
	for _, id := range links {
		lane := id.Append(prefix)
		if old := q.jobs[string(lane)]; old == nil || !old.asksNoLess() {
			q.put(&job{lane: string(lane), connection: connection, link: id})
		}
	}
	q.nudge()
}

// asksNoLess reports whether j waits and takes in all that addLinks asks for.
func (j *job) asksNoLess() bool {
	return !j.running && j.due.IsZero() && !j.backfill && j.told.IsZero()
}

// put takes a job in, or folds it into the one that its lane has. The caller
// holds mu.
func (q *queue) put(j *job) {
	old := q.jobs[j.lane]
	switch {
	case old == nil:
		q.jobs[j.lane] = j
		heap.Push(q.of(j), j)
	case old.running && old.again == nil:
		old.again = j
	case old.running:
		old.again.fold(*j)
	case old.stays(j):
		old.fold(*j)
	default:
		heap.Remove(q.of(old), old.place)
		old.fold(*j)
		heap.Push(q.of(old), old)
	}
}

// stays reports whether folding k into j leaves it at its place in its heap.
func (j *job) stays(k *job) bool {
	return j.lane == k.lane && !k.due.Before(j.due) && j.backfill == (j.backfill && k.backfill)
}

func (j *job) fold(k job) {
	if j.ticket == "" && k.ticket != "" {
		j.lane, j.ticket = k.lane, k.ticket
	}
	j.generation = max(j.generation, k.generation)
	if k.due.Before(j.due) {
		j.due = k.due
	}
	j.start = union(j.start, k.start)
	j.left = union(j.left, k.left)
	j.release, j.end = union(j.release, k.release), union(j.end, k.end)
	j.quick = append(j.quick, k.quick...)
	j.retry, j.asked = j.retry || k.retry, j.asked || k.asked
	j.backfill = j.backfill && k.backfill
	if j.told.IsZero() || k.told.IsZero() {
		j.told = time.Time{}
	} else {
		j.told = later(j.told, k.told)
	}
}

func union[K comparable](a, b map[K]bool) map[K]bool {
	if len(a) == 0 {
		return b
	}
	for k := range b {
		a[k] = true
	}
	return a
}

// take hands out up to n jobs that are due, people's first, and tells when the
// next one is; the zero time where there is none. A tenth is backfill's where
// some is due, so that it is never passed over for ever.
func (q *queue) take(now time.Time, n int) (jobs []*job, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	most := n
	if len(q.backlog) > 0 && !q.backlog[0].due.After(now) && !q.spare.After(now) {
		most -= n / 10
	}
	jobs, next = q.waiting.take(now, most, jobs)
	if !q.spare.After(now) {
		var more time.Time
		jobs, more = q.backlog.take(now, n, jobs)
		return jobs, sooner(next, more)
	}
	if len(q.backlog) > 0 {
		next = sooner(next, q.spare)
	}
	return jobs, next
}

// take appends what is due until there are n jobs, and tells when the next is.
func (w *waiting) take(now time.Time, n int, jobs []*job) ([]*job, time.Time) {
	for len(*w) > 0 {
		first := (*w)[0]
		if first.due.After(now) {
			return jobs, first.due
		}
		if len(jobs) == n {
			return jobs, now
		}
		heap.Pop(w)
		first.running = true
		jobs = append(jobs, first)
	}
	return jobs, time.Time{}
}

// of is the heap that a job waits in.
func (q *queue) of(j *job) *waiting {
	if j.backfill {
		return &q.backlog
	}
	return &q.waiting
}

// spareUntil keeps backfill back until a moment, since the tenant's quota is
// running low.
func (q *queue) spareUntil(t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spare = t
}

// hold gives a running job a second lane, and reports false where that is
// taken: a link's visit that has just made its ticket becomes the ticket's visit.
func (q *queue) hold(j *job, lane string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if other := q.jobs[lane]; other != nil {
		if other.running {
			return false
		}
		heap.Remove(q.of(other), other.place)
		if j.again == nil {
			j.again = other
		} else {
			j.again.fold(*other)
		}
	}
	j.also = lane
	q.jobs[lane] = j
	return true
}

// done ends a job's visit; what was asked meanwhile is next, and retry (where
// not zero) is when the lane wants to be visited again anyway.
func (q *queue) done(j *job, retry time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.jobs, j.lane)
	delete(q.jobs, j.also)
	if !retry.IsZero() {
		next := &job{lane: j.lane, ticket: j.ticket, connection: j.connection, link: j.link, due: retry, generation: j.generation, start: j.start, left: j.left, release: j.release, end: j.end, retry: true, backfill: j.backfill}
		if j.also != "" {
			next.lane, next.ticket = j.also, j.also
		}
		q.put(next)
	}
	if again := j.again; again != nil {
		q.put(again)
	}
	q.nudge()
}

// nudge wakes whoever waits for work. The caller holds mu.
func (q *queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// waiting is a heap of jobs: the one that is due first, and of those the one
// whose lane comes first, so that a simulation replays.
type waiting []*job

func (w waiting) Len() int { return len(w) }

func (w waiting) Less(a, b int) bool {
	return cmp.Or(w[a].due.Compare(w[b].due), cmp.Compare(w[a].lane, w[b].lane)) < 0
}

func (w waiting) Swap(a, b int) {
	w[a], w[b] = w[b], w[a]
	w[a].place, w[b].place = a, b
}

func (w *waiting) Push(x any) {
	j := x.(*job)
	j.place = len(*w)
	*w = append(*w, j)
}

func (w *waiting) Pop() any {
	last := len(*w) - 1
	j := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	return j
}
