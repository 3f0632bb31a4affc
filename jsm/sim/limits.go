package sim

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// limits are Jira Cloud's (facts of 2026-08): a token bucket per endpoint and method, writes per issue, and
// points per hour where a quota is set.
type limits struct {
	on      bool
	quota   int // points an hour; 0: none
	spent   int
	hour    time.Time
	buckets map[string]*bucket
	perItem map[string][]time.Time // issue → the times of its writes within the last 30 s
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimits(on bool, quota int) limits {
	return limits{on: on, quota: quota, buckets: map[string]*bucket{}, perItem: map[string][]time.Time{}}
}

// burst gives requests a second, which is also the bucket's size.
func burst(ep *endpoint) float64 {
	switch {
	case strings.HasSuffix(ep.name, "/issue/{key}") && ep.method == http.MethodGet:
		return 150
	case strings.HasSuffix(ep.name, "/user") && ep.method == http.MethodGet:
		return 150
	case strings.HasSuffix(ep.name, "/changelog"):
		return 200
	case strings.HasSuffix(ep.name, "/approximate-count"):
		return 150
	case strings.HasSuffix(ep.name, "/servicedesk/{desk}/customer") && ep.method == http.MethodGet:
		return 5
	case ep.method == http.MethodPut || ep.method == http.MethodDelete:
		return 50
	}
	return 100
}

// refuses answers 429 where a limit is reached. Nothing was applied then.
func (l *limits) refuses(c *call) (answer, bool) {
	if l.quota > 0 {
		l.turn(c.now)
		if l.spent >= l.quota {
			reset := l.hour.Add(time.Hour)
			return tooMany("jira-quota-tenant-based", l.quota, 0, reset, reset.Sub(c.now)), true
		}
	}
	if !l.on {
		return answer{}, false
	}
	rate := burst(c.ep)
	b := l.buckets[c.ep.name]
	if b == nil {
		b = &bucket{tokens: rate, at: c.now}
		l.buckets[c.ep.name] = b
	}
	b.tokens = math.Min(rate, b.tokens+c.now.Sub(b.at).Seconds()*rate)
	b.at = c.now
	if b.tokens < 1 {
		return tooMany("jira-burst-based", int(rate), 0, c.now.Add(time.Second), time.Second), true
	}
	b.tokens--
	if c.ep.perItem {
		return l.issueRefuses(c)
	}
	return answer{}, false
}

const (
	itemShort, itemShortSpan = 20, 2 * time.Second
	itemLong, itemLongSpan   = 100, 30 * time.Second
)

func (l *limits) issueRefuses(c *call) (answer, bool) {
	is := c.t.find(c.v("key"))
	if is == nil {
		return answer{}, false
	}
	all := l.perItem[is.idText()]
	for len(all) > 0 && c.now.Sub(all[0]) >= itemLongSpan {
		all = all[1:]
	}
	short := 0
	for _, at := range all {
		if c.now.Sub(at) < itemShortSpan {
			short++
		}
	}
	l.perItem[is.idText()] = all
	switch {
	case short >= itemShort:
		wait := all[len(all)-short].Add(itemShortSpan).Sub(c.now)
		return tooMany("jira-per-issue-on-write", itemShort, 0, c.now.Add(wait), wait), true
	case len(all) >= itemLong:
		wait := all[0].Add(itemLongSpan).Sub(c.now)
		return tooMany("jira-per-issue-on-write", itemLong, 0, c.now.Add(wait), wait), true
	}
	l.perItem[is.idText()] = append(all, c.now)
	return answer{}, false
}

func (l *limits) turn(now time.Time) {
	if hour := now.Truncate(time.Hour); !hour.Equal(l.hour) {
		l.hour, l.spent = hour, 0
	}
}

// spend takes points and adds the headers that tell how many are left.
func (l *limits) spend(c *call, cost int, a answer) answer {
	if l.quota == 0 {
		return a
	}
	l.turn(c.now)
	l.spent += cost
	left := max(0, l.quota-l.spent)
	a = a.with("X-RateLimit-Limit", strconv.Itoa(l.quota)).with("X-RateLimit-Remaining", strconv.Itoa(left)).
		with("X-RateLimit-Reset", l.hour.Add(time.Hour).Format("2006-01-02T15:04Z")).
		with("Beta-RateLimit-Policy", fmt.Sprintf(`"global-app-quota";q=%d;w=3600`, l.quota)).
		with("Beta-RateLimit", fmt.Sprintf(`"global-app-quota";r=%d;t=%d`, left, int(l.hour.Add(time.Hour).Sub(c.now).Seconds())))
	if left*5 < l.quota {
		a = a.with("X-RateLimit-NearLimit", "true")
	}
	return a
}

// tooMany is a 429 with all its headers.
func tooMany(reason string, limit, left int, reset time.Time, wait time.Duration) answer {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	a := answer{status: http.StatusTooManyRequests, body: obj{"errorMessages": []string{"Rate limit exceeded."}, "errors": obj{}}}
	return a.with("Retry-After", strconv.Itoa(seconds)).with("RateLimit-Reason", reason).
		with("X-RateLimit-Limit", strconv.Itoa(limit)).with("X-RateLimit-Remaining", strconv.Itoa(left)).
		with("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05Z"))
}
