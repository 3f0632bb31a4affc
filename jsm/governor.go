package jsm

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// backfillPatience is how long a call of backfill waits for its turn. It is short, so that whoever makes it is
	// free for a person's change instead.
	backfillPatience = 2 * time.Second
	// overdue is how many calls of people may pass a waiting call of backfill.
	overdue = 15
	// maxServed bounds the connections whose last turn is remembered.
	maxServed = 8192
)

// governor lets calls go one by one, so that Jira need not refuse them: within the points of the hour, the
// bursts of each endpoint, the writes of each ticket and the pauses that Jira asked for, and not at all while the
// tenant ails. Of the calls that wait, people's go before backfill (but backfill is never passed over for
// ever), connections take turns, and within a connection the first comes first. It starts no goroutine but that
// of its alarm, which ends at once.
type governor struct {
	log     *slog.Logger
	maxWait time.Duration

	mu     sync.Mutex // everything below
	pace   pace
	budget budget
	health health
	line   []*waiting
	alarm  *time.Timer
	turns  uint64            // calls let go so far
	served map[string]uint64 // connection → its last turn
	passed int               // people's calls since backfill last had its turn while it waited
	last   Standing          // as it was last announced
	news   []news            // changes of it that unlock logs
	change chan struct{}     // closed when the standing changes or a question was answered
}

// waiting is a call in the line.
type waiting struct {
	call    *call
	came    uint64
	verdict chan verdict // of one; filled when the call leaves the line
}

// verdict ends a call's wait: it may go (the zero verdict), it was refused, or the tenant must be asked first
// whether it is well again.
type verdict struct {
	refused *APIError
	ask     bool
}

func newGovernor(points int, maxWait time.Duration, log *slog.Logger) *governor {
	return &governor{log: log, maxWait: maxWait, pace: newPace(), budget: newBudget(points), health: newHealth(), served: map[string]uint64{}, last: Standing{State: Up}, change: make(chan struct{})}
}

// admit returns when it is the call's turn, or says why it was not sent. ask means that the tenant ailed, and
// that it is up to this caller to see whether it is well again.
func (g *governor) admit(ctx context.Context, k *call) (ask bool, e *APIError) {
	if err := ctx.Err(); err != nil {
		return false, unsent(k, err)
	}
	w := &waiting{call: k, verdict: make(chan verdict, 1)}
	g.mu.Lock()
	g.turns++
	w.came = g.turns
	g.line = append(g.line, w)
	g.pump()
	g.unlock()
	select {
	case v := <-w.verdict:
		return v.ask, v.refused
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.unlock()
	g.line = slices.DeleteFunc(g.line, func(other *waiting) bool { return other == w })
	select {
	case v := <-w.verdict: // its turn came in the same moment
		g.giveBack(k, v)
	default:
	}
	return false, unsent(k, fmt.Errorf("waiting for Jira's rate limit: %w", ctx.Err()))
}

func (g *governor) giveBack(k *call, v verdict) {
	if v.ask {
		g.health.asking = false
	}
	g.budget.release(k)
	g.pump()
}

func unsent(k *call, err error) *APIError {
	return &APIError{Op: k.op, Class: Transient, Applied: No, Err: err, Unsent: true}
}

// pump lets everybody go whose turn it is, and sets the alarm for the next. The caller holds mu.
func (g *governor) pump() {
	now := time.Now()
	g.announce(now)
	next := g.round(now)
	for next == 0 {
		next = g.round(now)
	}
	if g.alarm != nil {
		g.alarm.Stop()
		g.alarm = nil
	}
	if len(g.line) > 0 {
		g.alarm = time.AfterFunc(max(next, time.Millisecond), func() {
			g.mu.Lock()
			defer g.unlock()
			g.pump()
		})
	}
}

// round lets the first call go that may, and returns 0 then; otherwise how long until one perhaps may.
func (g *governor) round(now time.Time) time.Duration {
	slices.SortFunc(g.line, g.order)
	next := time.Duration(math.MaxInt64)
	for i, w := range g.line {
		v, wait := g.judge(w.call, now)
		if wait > 0 {
			next = min(next, wait)
			continue
		}
		if v == (verdict{}) {
			g.take(w, now)
		}
		g.line = slices.Delete(g.line, i, i+1)
		w.verdict <- v
		return 0
	}
	return next
}

// order is who comes first.
func (g *governor) order(a, b *waiting) int {
	rank := func(w *waiting) int {
		if w.call.load.Backfill == (g.passed < overdue) {
			return 1
		}
		return 0
	}
	turn := func(w *waiting) uint64 { return g.served[w.call.load.Connection] }
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(turn(a), turn(b)), cmp.Compare(a.came, b.came))
}

// judge tells how long a call has to wait; at 0 what becomes of it.
func (g *governor) judge(k *call, now time.Time) (verdict, time.Duration) {
	if ask, e := g.health.gate(k, now); ask || e != nil {
		return verdict{refused: e, ask: ask}, 0
	}
	patience := g.maxWait
	if k.load.Backfill {
		patience = min(patience, backfillPatience)
	}
	pause, why := g.pace.paused(k, now)
	if pause > 0 {
		if pause > g.maxWait {
			return verdict{refused: held(k, pause, why, fmt.Sprintf("not sent: Jira asked for a pause, %s of it left", pause.Round(time.Second)))}, 0
		}
		return verdict{}, pause
	}
	if wait := g.budget.wait(k.load.Backfill, g.budget.cost(k), now); wait > patience {
		return verdict{refused: held(k, wait, ReasonBudget, shortage(k, wait, g.budget.left > 0))}, 0
	} else if wait > 0 {
		return verdict{}, wait
	}
	return verdict{}, g.pace.wait(k, now)
}

// ReasonBudget is the APIError.Reason of a call that was not sent because the points of the hour are spent, or
// kept for people's changes.
const ReasonBudget = "parley-budget"

func shortage(k *call, wait time.Duration, some bool) string {
	if k.load.Backfill && some {
		return fmt.Sprintf("not sent: what is left of this hour's points is kept for people's changes; again in %s", wait.Round(time.Second))
	}
	return fmt.Sprintf("not sent: this hour's points are spent; again in %s", wait.Round(time.Second))
}

// held is the error of a call that was not sent because of a limit.
func held(k *call, wait time.Duration, reason, message string) *APIError {
	return &APIError{
		Op: k.op, Status: http.StatusTooManyRequests, Class: Transient, Applied: No, RetryAfter: wait,
		Reason: reason, Trouble: TroubleLimit, Messages: []string{message}, Unsent: true,
	}
}

// take uses up what the call needs.
func (g *governor) take(w *waiting, now time.Time) {
	k := w.call
	g.pace.take(k, now)
	g.budget.begin(k)
	g.turns++
	if len(g.served) >= maxServed {
		clear(g.served)
	}
	g.served[k.load.Connection] = g.turns
	switch backfills := slices.ContainsFunc(g.line, func(o *waiting) bool { return o.call.load.Backfill }); {
	case k.load.Backfill, !backfills:
		g.passed = 0
	default:
		g.passed++
	}
}

// heard takes in what an answer tells of the limits: its cost, the quota's state, and a pause.
func (g *governor) heard(k *call, points int, h http.Header, e *APIError) {
	now := time.Now()
	g.mu.Lock()
	defer g.unlock()
	g.budget.end(k, points, now)
	g.budget.learn(h, now)
	g.pace.learn(h, now)
	if e != nil {
		g.pace.heed(k, e, now)
		if strings.HasPrefix(e.Reason, quotaReason) {
			g.budget.exhausted(now.Add(max(e.RetryAfter, soon)))
		}
	}
	g.pump()
}

// settle ends a call that was admitted, with what became of it; ended tells that its caller gave up, which says
// nothing of the tenant.
func (g *governor) settle(k *call, e *APIError, ended bool) {
	g.mu.Lock()
	defer g.unlock()
	g.budget.release(k)
	if !ended || e == nil {
		g.health.note(k, e, time.Now())
	}
	g.pump()
}

// asked ends the question whether the tenant is well again, however it was answered.
func (g *governor) asked() {
	g.mu.Lock()
	defer g.unlock()
	g.health.asking = false
	g.tell()
	g.pump()
}
