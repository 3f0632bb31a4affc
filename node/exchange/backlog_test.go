package exchange

import (
	"fmt"
	"testing"
	"time"
)

// TestPeopleComeBeforeBackfill: of what is due people's jobs go first, a tenth is backfill's all the same, and none
// where the quota is to be spared.
func TestPeopleComeBeforeBackfill(t *testing.T) {
	now := time.Now()
	q := newQueue()
	for i := range 300 {
		q.add(job{lane: fmt.Sprint("old ", i), backfill: true})
		q.add(job{lane: fmt.Sprint("new ", i), due: now})
	}
	count := func(jobs []*job) (old int) {
		for _, j := range jobs {
			if j.backfill {
				old++
			}
		}
		return old
	}
	jobs, next := q.take(now, 100)
	if len(jobs) != 100 || count(jobs) != 10 || !next.Equal(now) {
		t.Errorf("%d jobs, %d of backfill, next %s", len(jobs), count(jobs), next)
	}
	q.spareUntil(now.Add(time.Minute))
	jobs, _ = q.take(now, 1000)
	if len(jobs) != 210 || count(jobs) != 0 {
		t.Errorf("%d jobs, %d of backfill, while the quota is spared", len(jobs), count(jobs))
	}
	jobs, next = q.take(now, 100)
	if len(jobs) != 0 || !next.Equal(now.Add(time.Minute)) {
		t.Errorf("%d jobs, next %s", len(jobs), next)
	}
	if jobs, _ = q.take(now.Add(time.Minute), 1000); len(jobs) != 290 {
		t.Errorf("%d jobs when there is enough again", len(jobs))
	}
}

// TestAPersonsChangeIsNoBackfill, whatever its lane waited for before.
func TestAPersonsChangeIsNoBackfill(t *testing.T) {
	now := time.Now()
	q := newQueue()
	q.add(job{lane: "1", backfill: true})
	q.add(job{lane: "2", backfill: true})
	q.add(job{lane: "2", due: now, retry: true})
	q.add(job{lane: "2", backfill: true})
	q.spareUntil(now.Add(time.Minute))
	jobs, _ := q.take(now, 10)
	if len(jobs) != 1 || jobs[0].lane != "2" || jobs[0].backfill {
		t.Fatalf("%+v", jobs)
	}
	q.add(job{lane: "2", backfill: true}) // asked while it runs
	q.done(jobs[0], now)                  // and to be tried again: still a person's
	if jobs, _ = q.take(now, 10); len(jobs) != 1 || jobs[0].backfill {
		t.Fatalf("%+v", jobs)
	}
	q.done(jobs[0], time.Time{})
	if jobs, _ = q.take(now.Add(time.Minute), 10); len(jobs) != 1 || jobs[0].lane != "1" {
		t.Fatalf("%+v", jobs)
	}
}
