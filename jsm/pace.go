package jsm

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Jira's burst limits, requests per second for each endpoint and method of a tenant [D, 2026-08-12].
// A bucket of half a second's burst keeps us below them without a visible delay.
const (
	rateRead   rate.Limit = 100 // GET, POST
	rateChange rate.Limit = 50  // PUT, DELETE
)

// ratesOf lists the endpoints with a limit of their own.
var ratesOf = map[string]rate.Limit{
	opIssue:     150,
	opUsers:     150,
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
)

// pacer delays calls so that Jira need not refuse them, and keeps the pauses that Jira asked for.
type pacer struct {
	maxWait time.Duration

	mu      sync.Mutex // everything below
	rates   map[string]*rate.Limiter
	tickets map[string]*ticketPace
	pauses  map[string]time.Time // everything, an operation, or "ticket " and its id → until
}

type ticketPace struct {
	short, long *rate.Limiter
	used        time.Time
}

func newPacer(maxWait time.Duration) *pacer {
	return &pacer{
		maxWait: maxWait,
		rates:   map[string]*rate.Limiter{},
		tickets: map[string]*ticketPace{},
		pauses:  map[string]time.Time{},
	}
}

// wait returns when the call may be sent, or an error that says it was not.
func (p *pacer) wait(ctx context.Context, k *call) *APIError {
	for {
		pause := p.pausedFor(k, time.Now())
		if pause <= 0 {
			break
		}
		if pause > p.maxWait {
			return &APIError{
				Op: k.op, Status: http.StatusTooManyRequests, Class: Transient, Applied: No, RetryAfter: pause,
				Messages: []string{fmt.Sprintf("not sent: Jira asked for a pause, %s of it left", pause.Round(time.Second))},
			}
		}
		if err := sleep(ctx, pause); err != nil {
			return unsent(k, err)
		}
	}
	for _, l := range p.limiters(k, time.Now()) {
		if err := l.Wait(ctx); err != nil {
			return unsent(k, err)
		}
	}
	return nil
}

func unsent(k *call, err error) *APIError {
	return &APIError{Op: k.op, Class: Transient, Applied: No, Err: fmt.Errorf("waiting for Jira's rate limit: %w", err)}
}

func (p *pacer) pausedFor(k *call, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var longest time.Duration
	for _, key := range []string{everything, k.op, "ticket " + k.issue} {
		until, ok := p.pauses[key]
		if !ok {
			continue
		}
		if d := until.Sub(now); d > 0 {
			longest = max(longest, d)
		} else {
			delete(p.pauses, key)
		}
	}
	return longest
}

func (p *pacer) limiters(k *call, now time.Time) []*rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	if k.issue == "" || !k.changes() {
		return []*rate.Limiter{l}
	}
	t := p.tickets[k.issue]
	if t == nil {
		p.forgetQuiet(now)
		t = &ticketPace{short: rate.NewLimiter(ticketRate, ticketBurst), long: rate.NewLimiter(ticketLongRate, ticketLongBurst)}
		p.tickets[k.issue] = t
	}
	t.used = now
	return []*rate.Limiter{t.long, t.short, l}
}

func (p *pacer) forgetQuiet(now time.Time) {
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
func (p *pacer) heed(k *call, e *APIError) {
	if e.RetryAfter <= 0 || e.Class != Transient {
		return
	}
	key := k.op
	switch {
	case strings.HasPrefix(e.Reason, "jira-quota"):
		key = everything
	case e.Reason == "jira-per-issue-on-write" && k.issue != "":
		key = "ticket " + k.issue
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if len(p.pauses) >= maxTicketPaces {
		for old, until := range p.pauses {
			if !until.After(now) {
				delete(p.pauses, old)
			}
		}
	}
	if until := now.Add(e.RetryAfter); until.After(p.pauses[key]) {
		p.pauses[key] = until
	}
}
