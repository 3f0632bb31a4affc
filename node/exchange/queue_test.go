package exchange

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/replica"
)

// TestQueueHandsOutInOrder compares the queue with a list that is searched.
func TestQueueHandsOutInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	begin := time.Now()
	for range 200 {
		q, due, running := newQueue(), map[string]time.Time{}, map[string]*job{}
		for range 200 {
			now := begin.Add(time.Duration(rng.IntN(100)) * time.Second)
			lane := fmt.Sprint(rng.IntN(30))
			switch at := begin.Add(time.Duration(rng.IntN(100)) * time.Second); rng.IntN(4) {
			case 0, 1:
				q.add(job{lane: lane, ticket: lane, due: at})
				if running[lane] == nil {
					if was, there := due[lane]; !there || at.Before(was) {
						due[lane] = at
					}
				}
			case 2:
				want := expired(due, now)
				got, next := q.take(now, 3)
				if len(got) != min(3, len(want)) {
					t.Fatalf("%d jobs of %d that are due", len(got), len(want))
				}
				for i, j := range got {
					if j.lane != want[i] {
						t.Fatalf("%s is handed out in place of %s", j.lane, want[i])
					}
					running[j.lane] = j
					delete(due, j.lane)
				}
				if len(want) > 3 && !next.Equal(now) || len(want) <= 3 && len(due) > 0 && !next.Equal(soonest(due)) {
					t.Fatalf("next at %v", next)
				}
			default:
				for lane, j := range running {
					again := j.again
					q.done(j, at)
					due[lane] = at
					if again != nil && again.due.Before(at) {
						due[lane] = again.due
					}
					delete(running, lane)
					break
				}
			}
		}
	}
}

func expired(due map[string]time.Time, now time.Time) (lanes []string) {
	for lane, at := range due {
		if !at.After(now) {
			lanes = append(lanes, lane)
		}
	}
	slices.SortFunc(lanes, func(a, b string) int {
		if c := due[a].Compare(due[b]); c != 0 {
			return c
		}
		return slices.Compare([]byte(a), []byte(b))
	})
	return lanes
}

func soonest(due map[string]time.Time) (first time.Time) {
	for _, at := range due {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

// BenchmarkQueue drains 100,000 jobs that are due, 100 at a time, beside as
// many that are not, as after a bulk change with much held work.
func BenchmarkQueue(b *testing.B) {
	const jobs = 100_000
	now := time.Now()
	for b.Loop() {
		q := newQueue()
		for i := range jobs {
			lane := fmt.Sprint(i)
			q.add(job{lane: lane, ticket: lane, due: now.Add(-time.Duration(i%1000) * time.Second)})
			q.add(job{lane: "held " + lane, due: now.Add(time.Hour)})
		}
		for done := 0; done < jobs; {
			taken, _ := q.take(now, readAtOnce)
			for _, j := range taken {
				q.done(j, time.Time{})
			}
			done += len(taken)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/jobs, "ns/job")
}

// TestALinkIsAskedForInItsLane asks for links with jobs and by their ids, and
// compares what is then handed out.
func TestALinkIsAskedForInItsLane(t *testing.T) {
	links := []replica.LinkID{{1}, {2}, {3}, {4}, {5}}
	lane := func(id replica.LinkID) string { return "acme/" + id.String() }
	now := time.Now()
	fill := func(ask func(*queue)) []*job {
		q := newQueue()
		q.add(job{lane: lane(links[0]), connection: "acme", link: links[0], retry: true},
			job{lane: lane(links[1]), connection: "acme", link: links[1], due: now.Add(time.Hour)},
			job{lane: lane(links[2]), connection: "acme", link: links[2], backfill: true},
			job{lane: lane(links[3]), connection: "acme", link: links[3], told: now})
		ask(q)
		ask(q)
		jobs, _ := q.take(now, 10)
		ask(q)
		for _, j := range jobs {
			q.done(j, time.Time{})
		}
		again, _ := q.take(now, 10)
		return append(jobs, again...)
	}
	want := fill(func(q *queue) {
		for _, id := range links {
			q.add(job{lane: lane(id), connection: "acme", link: id})
		}
	})
	got := fill(func(q *queue) { q.addLinks("acme", links) })
	if len(want) != 2*len(links) {
		t.Fatalf("%d jobs, want each link's twice", len(want))
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(job{})); diff != "" {
		t.Error(diff)
	}
}
