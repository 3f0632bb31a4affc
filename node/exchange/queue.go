package exchange

import (
	"cmp"
	"slices"
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
	quick      []*request              // people who wait for the outcome
	retry      bool                    // a person or a timer asks for held work to be tried again

	due     time.Time
	running bool
	also    string // a second lane that it holds
	again   *job   // what was asked while it ran
}

// queue holds at most one job for each lane; what is asked of a lane that has
// one is folded into it. It is memory only: at start it is filled from the
// ledger's marks.
type queue struct {
	mu   sync.Mutex // guards jobs
	jobs map[string]*job
	wake chan struct{}
}

func newQueue() *queue { return &queue{jobs: map[string]*job{}, wake: make(chan struct{}, 1)} }

// add asks for a visit, at the earliest at j.due.
func (q *queue) add(j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	old := q.jobs[j.lane]
	switch {
	case old == nil:
		q.jobs[j.lane] = &j
	case old.running && old.again == nil:
		old.again = &j
	case old.running:
		old.again.fold(j)
	default:
		old.fold(j)
	}
	q.nudge()
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
	j.release = union(j.release, k.release)
	j.quick = append(j.quick, k.quick...)
	j.retry = j.retry || k.retry
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

// take hands out up to n jobs that are due, and tells when the next one is; the
// zero time where there is none.
func (q *queue) take(now time.Time, n int) (jobs []*job, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.jobs {
		switch {
		case j.running:
		case !j.due.After(now):
			jobs = append(jobs, j)
		case next.IsZero() || j.due.Before(next):
			next = j.due
		}
	}
	slices.SortFunc(jobs, func(a, b *job) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.lane, b.lane)) })
	if len(jobs) > n {
		next, jobs = now, jobs[:n]
	}
	for _, j := range jobs {
		j.running = true
	}
	return jobs, next
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
		next := &job{lane: j.lane, ticket: j.ticket, connection: j.connection, link: j.link, due: retry, generation: j.generation, start: j.start, left: j.left, release: j.release, retry: true}
		if j.also != "" {
			next.lane, next.ticket = j.also, j.also
		}
		q.jobs[next.lane] = next
	}
	if again := j.again; again != nil {
		if next := q.jobs[again.lane]; next != nil && next.running {
			next.again = again
		} else if next != nil {
			next.fold(*again)
		} else {
			q.jobs[again.lane] = again
		}
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
