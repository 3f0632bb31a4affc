package jsm

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Points are Atlassian's measure of calls: a read 1 and 1 for each object in the answer, a write 1. An app has a
// quota of them an hour, which begins anew at the top of the UTC hour [D, 2026-08-12]. API tokens have none today.
const (
	window = time.Hour
	// keptForPeople is the part of the quota that backfill leaves to people's changes. What people did not
	// need is released evenly as the hour passes.
	keptForPeople = 0.4
	// guard is the part that is never spent: a read's cost is known only from its answer.
	guard = 0.01
	// resetSlack is added to a reset: it is told to the second or minute, and clocks differ.
	resetSlack = time.Second
	// soon is when a call that only waits for the cost of others looks again; their end wakes it earlier.
	soon = time.Second
	// longReset tells a quota's reset from that of a burst, which is seconds away [D].
	longReset = time.Minute
	// maxSpenders bounds the connections whose spending is told apart.
	maxSpenders = 8192
)

// Budget is how a tenant's quota stands.
type Budget struct {
	Limit   int            // points an hour; 0: no quota is known
	Learned bool           // Limit comes from Jira's answers, not from the configuration
	Used    int            // points of this hour: what Jira says where it does, else our own count
	Resets  time.Time      // when the next hour begins
	Kept    int            // points that backfill leaves to people's changes just now
	Spent   map[string]int // points of this hour by connection, our own count; "" is what serves all of them
}

// budget is the points of one hour. The governor's mutex guards it.
type budget struct {
	limit   int
	learned bool
	left    int // of limit
	used    int // our own count
	flying  int // expected cost of the calls under way
	reset   time.Time
	spent   map[string]int
	expect  map[string]int // operation → what a call is expected to cost
}

func newBudget(limit int) budget {
	return budget{limit: limit, left: limit, spent: map[string]int{}, expect: map[string]int{}}
}

// turn begins a new hour when the old one is over.
func (b *budget) turn(now time.Time) {
	if now.Before(b.reset) {
		return
	}
	b.left, b.used = b.limit, 0
	b.reset = now.UTC().Truncate(window).Add(window)
	clear(b.spent)
}

// cost is what a call is expected to cost at most: its own bound, else the most that its like cost lately. It is
// never so much that it could not be afforded at all.
func (b *budget) cost(k *call) int {
	cost := max(1, k.most)
	if k.most == 0 && !k.changes() {
		cost = max(2, b.expect[k.op])
	}
	if b.limit > 0 {
		cost = min(cost, max(1, b.limit/2))
	}
	return cost
}

// wait is how long a call of this cost has to wait; 0: it is affordable.
func (b *budget) wait(backfill bool, cost int, now time.Time) time.Duration {
	b.turn(now)
	if b.limit == 0 {
		return 0
	}
	rest := b.reset.Sub(now) + resetSlack
	after := b.left - cost - int(guard*float64(b.limit)) // without those under way
	kept := 0
	if backfill {
		kept = b.kept(now)
	}
	switch {
	case after < 0:
		return rest
	case after < kept: // until so much of what is kept has been released
		free := time.Duration(float64(window) * float64(kept-after) / (keptForPeople * float64(b.limit)))
		return min(free+time.Millisecond, rest)
	case after-b.flying < kept:
		return soon
	}
	return 0
}

func (b *budget) kept(now time.Time) int {
	return int(keptForPeople * float64(b.limit) * min(1, b.reset.Sub(now).Hours()))
}

// begin reserves the cost of a call that is sent now.
func (b *budget) begin(k *call) {
	k.reserved = b.cost(k)
	b.flying += k.reserved
}

// release gives back what was reserved for a call that ended or was never sent.
func (b *budget) release(k *call) {
	b.flying -= k.reserved
	k.reserved = 0
}

// end charges the true cost of a call that was sent.
func (b *budget) end(k *call, points int, now time.Time) {
	b.turn(now)
	b.release(k)
	b.left, b.used = max(0, b.left-points), b.used+points
	if _, known := b.spent[k.load.Connection]; known || len(b.spent) < maxSpenders {
		b.spent[k.load.Connection] += points
	}
	if old := b.expect[k.op]; points >= old {
		b.expect[k.op] = points
	} else {
		b.expect[k.op] = max(points, old-max(1, old/16)) // a rare dear call is forgotten in time
	}
}

// learn takes over what an answer tells of the quota.
func (b *budget) learn(h http.Header, now time.Time) {
	limit, left, reset, ok := quota(h, now)
	if !ok || !reset.After(now) {
		return
	}
	b.turn(now)
	anew := b.limit == 0 || reset.Sub(b.reset).Abs() > window/2 // our hour began earlier or later than Jira's
	if b.limit == 0 || b.learned {
		b.limit, b.learned = limit, true
	}
	left = min(left, b.limit)
	if anew {
		b.left = left
	} else {
		b.left = min(b.left, left)
	}
	b.reset = reset
}

// exhausted notes that Jira says so, until the moment it names.
func (b *budget) exhausted(until time.Time) { b.left, b.reset = 0, until }

func (b *budget) status(now time.Time) Budget {
	b.turn(now)
	s := Budget{Limit: b.limit, Learned: b.learned, Used: b.used, Resets: b.reset, Spent: map[string]int{}}
	if b.limit > 0 {
		s.Used, s.Kept = b.limit-b.left, b.kept(now)
	}
	for name, n := range b.spent {
		s.Spent[name] = n
	}
	return s
}

// quota reads the hourly quota out of an answer: the beta headers name it plainly, the older ones are also those
// of the burst limits, which have another reason and a reset within seconds.
func quota(h http.Header, now time.Time) (limit, left int, reset time.Time, ok bool) {
	if limit, left, in, ok := betaQuota(h.Get("Beta-RateLimit-Policy"), h.Get("Beta-RateLimit")); ok {
		return limit, left, now.Add(in), true
	}
	limit, left = number(h.Get("X-RateLimit-Limit")), number(h.Get("X-RateLimit-Remaining"))
	reset, err := parseReset(h.Get("X-RateLimit-Reset"))
	if limit <= 0 || left < 0 || err != nil || reset.Sub(now) > 2*window {
		return 0, 0, time.Time{}, false
	}
	reason := h.Get("RateLimit-Reason")
	ok = strings.HasPrefix(reason, "jira-quota") || reason == "" && reset.Sub(now) > longReset
	return limit, left, reset, ok
}

// betaQuota reads `"global-app-quota";q=65000;w=3600` and `"global-app-quota";r=11000;t=600`, of several the
// one with the least left.
func betaQuota(policies, states string) (limit, left int, in time.Duration, ok bool) {
	const most = 1024 // bytes read of one header
	if len(policies) > most || len(states) > most {
		return 0, 0, 0, false
	}
	for state := range strings.SplitSeq(states, ",") {
		name, s := parameters(state)
		for policy := range strings.SplitSeq(policies, ",") {
			of, p := parameters(policy)
			r, t := number(s["r"]), number(s["t"])
			if of != name || number(p["w"]) != int(window/time.Second) || number(p["q"]) <= 0 || r < 0 || t < 0 || t > int(2*window/time.Second) {
				continue
			}
			if !ok || r < left {
				limit, left, in, ok = number(p["q"]), r, time.Duration(t)*time.Second, true
			}
		}
	}
	return limit, left, in, ok
}

// parameters splits an item of a structured field (RFC 8941) into its name and numbers.
func parameters(item string) (name string, values map[string]string) {
	parts := strings.Split(item, ";")
	values = map[string]string{}
	for _, p := range parts[1:] {
		key, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		values[key] = v
	}
	return strings.Trim(strings.TrimSpace(parts[0]), `"`), values
}

// number is a count in a header; -1 where there is none.
func number(s string) int {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
	if err != nil || n < 0 {
		return -1
	}
	return int(n)
}
