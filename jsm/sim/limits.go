package sim

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits says which limits a tenant enforces; each is as strict as Jira Cloud's or Data Center's (facts of 2026-08).
// The body of POST /sim/limits.
type Limits struct {
	On       bool   `json:"on"`       // burst and perIssue together
	Burst    bool   `json:"burst"`    // a token bucket for each endpoint and method
	PerIssue bool   `json:"perIssue"` // 20 writes in 2 s and 100 in 30 s for each issue
	Quota    int    `json:"quota"`    // points an hour, for all accounts together; 0: counted, never refused
	Global   bool   `json:"global"`   // the quota is said to be the app's for all tenants: another RateLimit-Reason
	Spent    int    `json:"spent"`    // points that others have spent of this hour already
	User     bool   `json:"user"`     // Data Center's bucket for each account: 70, filled by 5 a second
	Blocked  string `json:"blocked"`  // an account that Data Center's administrator blocked: Retry-After is 2^63-1
	After    string `json:"after"`    // how Retry-After is written: "seconds" (also ""), "date", "none"
	Silent   bool   `json:"silent"`   // no header tells of the quota before it is exhausted
}

// limits are what a tenant enforces, and how far each is used up.
type limits struct {
	Limits
	spent   int
	hour    time.Time
	buckets map[string]*bucket     // endpoint, or "user " and e-mail
	perItem map[string][]time.Time // issue → the times of its writes within the last 30 s
}

type bucket struct {
	tokens float64
	at     time.Time
}

// begin starts with full buckets, and with a quota of which Spent is used.
func (l Limits) begin(now time.Time) limits {
	l.Burst, l.PerIssue = l.Burst || l.On, l.PerIssue || l.On
	all := limits{Limits: l, buckets: map[string]*bucket{}, perItem: map[string][]time.Time{}}
	all.turn(now)
	all.spent = l.Spent
	return all
}

func (l Limits) check() string {
	switch {
	case l.Quota < 0 || l.Spent < 0:
		return "quota and spent are counts"
	case l.After != "" && l.After != "seconds" && l.After != "date" && l.After != "none":
		return "after must be seconds, date or none"
	}
	return ""
}

// SetLimits changes which limits are enforced.
func (t *Tenant) SetLimits(l Limits) error {
	if complaint := l.check(); complaint != "" {
		return &FaultError{complaint}
	}
	defer t.enter()()
	t.limits = l.begin(t.now())
	return nil
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
	case strings.HasSuffix(ep.name, "/attachment/content/{id}"):
		return 300
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
	if l.Quota > 0 {
		l.turn(c.now)
		if l.spent >= l.Quota {
			reason := "jira-quota-tenant-based"
			if l.Global {
				reason = "jira-quota-global-based"
			}
			reset := l.hour.Add(time.Hour)
			return l.tooMany(c, reason, l.Quota, reset, reset.Sub(c.now)), true
		}
	}
	if a, refused := l.userRefuses(c); refused {
		return a, true
	}
	if l.Burst {
		rate := burst(c.ep)
		b := l.bucket(c.ep.name, rate, rate, c.now)
		if b.tokens < 1 {
			return l.tooMany(c, "jira-burst-based", int(rate), c.now.Add(time.Second), time.Second), true
		}
		b.tokens--
	}
	if l.PerIssue && c.ep.perItem {
		return l.issueRefuses(c)
	}
	return answer{}, false
}

// bucket is one with what flowed in since it was last looked at.
func (l *limits) bucket(name string, size, rate float64, now time.Time) *bucket {
	b := l.buckets[name]
	if b == nil {
		b = &bucket{tokens: size, at: now}
		l.buckets[name] = b
	}
	b.tokens = math.Min(size, b.tokens+now.Sub(b.at).Seconds()*rate)
	b.at = now
	return b
}

// Data Center's bucket as its documentation's example has it.
const userSize, userFill = 70, 5

func (l *limits) userRefuses(c *call) (answer, bool) {
	if l.Blocked != "" && strings.EqualFold(l.Blocked, c.who()) {
		a := l.tooMany(c, "", 0, c.now, time.Second)
		return a.with("Retry-After", strconv.FormatInt(math.MaxInt64, 10)), true
	}
	if !l.User || c.me == nil {
		return answer{}, false
	}
	b := l.bucket("user "+c.who(), userSize, userFill, c.now)
	if b.tokens < 1 {
		return l.userHeaders(c, l.tooMany(c, "", userSize, c.now.Add(time.Second), time.Second)), true
	}
	b.tokens--
	return answer{}, false
}

// userHeaders tell of Data Center's bucket.
func (l *limits) userHeaders(c *call, a answer) answer {
	b := l.bucket("user "+c.who(), userSize, userFill, c.now)
	a = a.with("X-RateLimit-Limit", strconv.Itoa(userSize)).with("X-RateLimit-Remaining", strconv.Itoa(int(b.tokens))).
		with("X-RateLimit-FillRate", strconv.Itoa(userFill)).with("X-RateLimit-Interval-Seconds", "1")
	if a.header.Get("Retry-After") == "" {
		a = a.with("Retry-After", "0")
	}
	return a
}

const (
	itemShort, itemShortSpan = 20, 2 * time.Second
	itemLong, itemLongSpan   = 100, 30 * time.Second
)

func (l *limits) issueRefuses(c *call) (answer, bool) {
	is := c.t.find(c.v("key"))
	if strings.HasSuffix(c.ep.name, "/attachment/{id}") {
		is = c.t.issues.byID[c.t.issues.files[number(c.v("id"))]]
	}
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
		return l.tooMany(c, "jira-per-issue-on-write", itemShort, c.now.Add(wait), wait), true
	case len(all) >= itemLong:
		wait := all[0].Add(itemLongSpan).Sub(c.now)
		return l.tooMany(c, "jira-per-issue-on-write", itemLong, c.now.Add(wait), wait), true
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
	if l.User && c.me != nil {
		a = l.userHeaders(c, a)
	}
	if l.Quota == 0 {
		return a
	}
	l.turn(c.now)
	l.spent += cost
	if l.Silent {
		return a
	}
	left := max(0, l.Quota-l.spent)
	a = a.with("X-RateLimit-Limit", strconv.Itoa(l.Quota)).with("X-RateLimit-Remaining", strconv.Itoa(left)).
		with("X-RateLimit-Reset", l.hour.Add(time.Hour).Format("2006-01-02T15:04Z")).
		with("Beta-RateLimit-Policy", fmt.Sprintf(`"global-app-quota";q=%d;w=3600`, l.Quota)).
		with("Beta-RateLimit", fmt.Sprintf(`"global-app-quota";r=%d;t=%d`, left, int(l.hour.Add(time.Hour).Sub(c.now).Seconds())))
	if left*5 < l.Quota {
		a = a.with("X-RateLimit-NearLimit", "true")
	}
	return a
}

// tooMany is a 429, with its headers as the limits say.
func (l *limits) tooMany(c *call, reason string, limit int, reset time.Time, wait time.Duration) answer {
	a := tooMany(reason, limit, 0, reset, wait)
	switch l.After {
	case "date":
		a = a.with("Retry-After", c.now.Add(wait+time.Second-1).UTC().Format(http.TimeFormat))
	case "none":
		for _, h := range []string{"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
			a.header.Del(h)
		}
	}
	if reason == "" { // Data Center gives none
		a.header.Del("RateLimit-Reason")
		a.header.Del("X-RateLimit-Reset")
	}
	return a
}

// tooMany is a 429 with all of Cloud's headers.
func tooMany(reason string, limit, left int, reset time.Time, wait time.Duration) answer {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	a := answer{status: http.StatusTooManyRequests, body: obj{"errorMessages": []string{"Rate limit exceeded."}, "errors": obj{}}}
	return a.with("Retry-After", strconv.Itoa(seconds)).with("RateLimit-Reason", reason).
		with("X-RateLimit-Limit", strconv.Itoa(limit)).with("X-RateLimit-Remaining", strconv.Itoa(left)).
		with("X-RateLimit-Reset", reset.UTC().Format("2006-01-02T15:04:05Z"))
}
