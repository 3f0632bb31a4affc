package exchange

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
)

// A visit that fails as a whole is tried again, each time later, and meanwhile
// shows as held. The next visit that succeeds takes the record away.

const (
	waitTransient = time.Minute      // longest wait for the next try
	waitDefinite  = 10 * time.Minute // likewise, where trying again hardly helps
)

// failures counts, for each link, the visits that failed in a row.
type failures struct {
	mu    sync.Mutex // guards fails
	fails map[failedLink]int
}

type failedLink struct {
	connection string
	id         replica.LinkID
}

func (s *failures) count(l failedLink) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails == nil {
		s.fails = map[failedLink]int{}
	}
	s.fails[l]++
	return s.fails[l]
}

// known notes a link whose record an earlier process left.
func (s *failures) known(h ledger.Held) {
	if h.Origin == ledger.Visit {
		s.count(failedLink{h.Connection, h.Link})
	}
}

func (s *failures) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.fails) > 0
}

func (s *failures) forget(l failedLink) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, was = s.fails[l]
	delete(s.fails, l)
	return was
}

// visited lists the links that a job is about.
func (d *Desk) visited(j *job) ([]ledger.Link, error) {
	links, err := d.links(j)
	if err != nil || j.ticket != "" || j.also != "" || len(links) == 0 || links[0].Ticket == "" {
		return links, err
	}
	return nil, nil // it has a ticket, and so another lane
}

// stumbled notes a visit that failed, and says how long to wait for the next.
// What ails the whole tenant is no link's: it is told once, for the tenant.
func (d *Desk) stumbled(j *job, cause error, least time.Duration) time.Duration {
	class, code := failure(cause)
	var api *jsm.APIError
	if class == ledger.Tenant || errors.Is(cause, ledger.ErrFailed) || errors.As(cause, &api) && api.Unsent {
		return least
	}
	links, err := d.visited(j)
	if err != nil {
		return least
	}
	wait := least
	for _, k := range links {
		n := d.failing.count(failedLink{k.Connection, k.ID})
		wait = max(wait, grown(least, n, class))
		if err := d.noteStuck(k, class, code, cause, time.Now().Add(wait)); err != nil {
			d.log.Warn("a failed visit could not be noted", "connection", k.Connection, "link", k.ID, "err", err)
		}
	}
	return wait
}

// grown is the wait after n failures in a row.
func grown(least time.Duration, n int, class ledger.Class) time.Duration {
	most := waitDefinite
	if class == ledger.Transient {
		most = waitTransient
	}
	wait := least
	for ; n > 1 && wait < most; n-- {
		wait *= 2
	}
	return max(least, min(wait, most))
}

func (d *Desk) noteStuck(k ledger.Link, class ledger.Class, code string, cause error, next time.Time) error {
	key := k.Key
	if key == "" {
		var err error
		if key, err = d.led.TwinKey(k.Connection, k.ID); err != nil {
			return err
		}
	}
	e, ok := Explain(code)
	if !ok {
		return fmt.Errorf("code %q is not in the catalogue", code)
	}
	h := ledger.Held{
		Connection: k.Connection, Link: k.ID, Origin: ledger.Visit, Key: key, Class: class, Code: code, Reason: sentence(key, code, cause),
		Next: e.Next, Since: now(), Retry: next.UnixMilli(), Answer: answer(cause),
	}
	return d.led.Write(func(b *ledger.Batch) error { return d.led.PutHeldMark(b, h) })
}

// recovered takes away what stumbled noted, unless the visit only waited for an
// uncertain write to settle.
func (d *Desk) recovered(j *job, again time.Time) {
	if !d.failing.any() || !again.IsZero() && time.Until(again) <= max(d.cfg.SettleComment, d.cfg.SettleCreate) {
		return
	}
	links, err := d.visited(j)
	if err != nil {
		return
	}
	for _, k := range links {
		if !d.failing.forget(failedLink{k.Connection, k.ID}) {
			continue
		}
		err := d.led.Write(func(b *ledger.Batch) error { return ledger.DropHeldMark(b, k.Connection, k.ID, ledger.Visit) })
		if err != nil {
			d.log.Warn("a visit that succeeded could not be noted", "connection", k.Connection, "link", k.ID, "err", err)
		}
	}
}

func now() int64 { return time.Now().UnixMilli() }
