package jsm

import (
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Jira's burst limits, requests per second for each endpoint and method of a tenant [D, 2026-08-12].
// A bucket of half a second's burst keeps us below them without a visible delay.
const (
	rateRead   rate.Limit = 100 // GET, POST
	rateChange rate.Limit = 50  // PUT, DELETE
)

// ratesOf lists the endpoints with a limit of their own. "GET user" has one too; that is not the search for users.
var ratesOf = map[string]rate.Limit{
	opIssue:     150,
	opChangelog: 200,
}

// Jira's limit for writes to one issue is 20 in 2 s and 100 in 30 s [D]. A bucket of b filled at r
// lets b + r·t through in t seconds: 10 + 5·2 = 20 and 40 + 2·30 = 100.
const (
	ticketBurst, ticketRate         = 10, rate.Limit(5)
	ticketLongBurst, ticketLongRate = 40, rate.Limit(2)
)

const (
	maxTicketPaces = 1024             // tickets remembered before quiet ones are forgotten
	ticketQuiet    = 40 * time.Second // after which both buckets are full again (40 at 2/s takes 20 s)
	everything     = ""               // the pause that stops all calls
	quotaReason    = "jira-quota"     // how the RateLimit-Reason of an exhausted quota begins [D]
	ticketReason   = "jira-per-issue-on-write"
)

// pace knows when the next call of a kind may be sent without being refused, and keeps the pauses that Jira
// asked for. The governor's mutex guards it.
type pace struct {
	rates   map[string]*rate.Limiter
	all     *rate.Limiter // Data Center's bucket for a user, where answers tell of one; nil: none
	tickets map[string]*ticketPace
	pauses  map[string]pause // everything, an operation, or "ticket " and its id
}

type ticketPace struct {
	short, long *rate.Limiter
	used        time.Time
}

type pause struct {
	until  time.Time
	reason string
}

func newPace() pace {
	return pace{rates: map[string]*rate.Limiter{}, tickets: map[string]*ticketPace{}, pauses: map[string]pause{}}
}

// paused is how long Jira asked not to send such a call, and its reason.
func (p *pace) paused(k *call, now time.Time) (longest time.Duration, reason string) {
	for _, key := range []string{everything, k.op, "ticket " + k.issue} {
		at, ok := p.pauses[key]
		if !ok {
			continue
		}
		if d := at.until.Sub(now); d <= 0 {
			delete(p.pauses, key)
		} else if d > longest {
			longest, reason = d, at.reason
		}
	}
	return longest, reason
}

// wait is how long until every bucket has room for the call.
func (p *pace) wait(k *call, now time.Time) (longest time.Duration) {
	for _, l := range p.limiters(k, now) {
		if lack := 1 - l.TokensAt(now); lack > 0 {
			longest = max(longest, time.Duration(lack/float64(l.Limit())*float64(time.Second))+time.Microsecond)
		}
	}
	return longest
}

// take uses a place in every bucket of the call.
func (p *pace) take(k *call, now time.Time) {
	for _, l := range p.limiters(k, now) {
		l.AllowN(now, 1)
	}
}

func (p *pace) limiters(k *call, now time.Time) []*rate.Limiter {
	l := p.rates[k.op]
	if l == nil {
		r, own := ratesOf[k.op]
		switch {
		case own:
		case k.method == http.MethodPut || k.method == http.MethodDelete:
			r = rateChange
		default:
			r = rateRead
		}
		l = rate.NewLimiter(r, int(r)/2)
		p.rates[k.op] = l
	}
	all := []*rate.Limiter{l}
	if p.all != nil {
		all = append(all, p.all)
	}
	if k.issue == "" || !k.changes() {
		return all
	}
	t := p.tickets[k.issue]
	if t == nil {
		p.forgetQuiet(now)
		t = &ticketPace{short: rate.NewLimiter(ticketRate, ticketBurst), long: rate.NewLimiter(ticketLongRate, ticketLongBurst)}
		p.tickets[k.issue] = t
	}
	t.used = now
	return append(all, t.long, t.short)
}

func (p *pace) forgetQuiet(now time.Time) {
	if len(p.tickets) < maxTicketPaces {
		return
	}
	for id, t := range p.tickets {
		if now.Sub(t.used) > ticketQuiet {
			delete(p.tickets, id)
		}
	}
}

// heed keeps the pause that an error asks for: an exhausted quota stops everything, the per-issue
// limit one ticket, anything else one endpoint [D].
func (p *pace) heed(k *call, e *APIError, now time.Time) {
	if e.RetryAfter <= 0 || e.Class != Transient {
		return
	}
	key := k.op
	switch {
	case strings.HasPrefix(e.Reason, quotaReason), p.all != nil && e.Status == http.StatusTooManyRequests:
		key = everything
	case e.Reason == ticketReason && k.issue != "":
		key = "ticket " + k.issue
	}
	if len(p.pauses) >= maxTicketPaces {
		for old, at := range p.pauses {
			if !at.until.After(now) {
				delete(p.pauses, old)
			}
		}
	}
	if until := now.Add(e.RetryAfter); until.After(p.pauses[key].until) {
		p.pauses[key] = pause{until, e.Reason}
	}
}

// learn takes over the bucket that Data Center tells of: X-RateLimit-FillRate requests each
// X-RateLimit-Interval-Seconds, at most X-RateLimit-Limit at once, for one user on one of its machines [D].
func (p *pace) learn(h http.Header, now time.Time) {
	fill, interval := number(h.Get("X-RateLimit-FillRate")), number(h.Get("X-RateLimit-Interval-Seconds"))
	size := number(h.Get("X-RateLimit-Limit"))
	if fill <= 0 || interval <= 0 || size <= 0 {
		return
	}
	r := rate.Limit(float64(fill) / float64(interval))
	if p.all == nil {
		p.all = rate.NewLimiter(r, size)
	}
	if p.all.Limit() != r || p.all.Burst() != size {
		p.all.SetLimitAt(now, r)
		p.all.SetBurstAt(now, size)
	}
	if left := number(h.Get("X-RateLimit-Remaining")); left >= 0 {
		if over := int(p.all.TokensAt(now)) - left; over > 0 { // others use the account too
			p.all.AllowN(now, over)
		}
	}
}
