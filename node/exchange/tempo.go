package exchange

import (
	"sync"
	"time"
)

// tempo decides how long to wait between two polls: cfg.Every; less for a while
// after a change; more while webhooks are proven to tell of what polls find.
type tempo struct {
	every, slowest time.Duration // slowest: 0 where no webhooks are listened for

	mu     sync.Mutex           // guards the fields below
	hints  map[string]time.Time // ticket → when a hint last named it
	doubts map[string]time.Time // ticket that a poll found before any hint → when
	proofs int                  // changes that a hint told of, since the last one that none did
	wait   time.Duration
	news   time.Time // when a poll last found something
}

const (
	hintGrace  = 45 * time.Second // within which a webhook comes; Jira's slower class takes up to 15 min [D]
	proofsDue  = 3                // before webhooks are relied on
	lively     = time.Minute      // after a change others follow
	livelyWait = 2 * time.Second  // no poll follows another sooner, unless it always does
	mostHints  = 50_000           // tickets remembered; beyond them the memory starts anew, which may cost a poll or two
)

func newTempo(every, slowest time.Duration) *tempo {
	return &tempo{every: every, slowest: slowest, wait: every, hints: map[string]time.Time{}, doubts: map[string]time.Time{}}
}

// heard notes that a hint named a ticket.
func (t *tempo) heard(ticket string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.hints) >= mostHints {
		clear(t.hints)
	}
	t.hints[ticket] = now
}

// polled takes in what a poll found that was news, and says how long to wait
// for the next one. A ticket that a hint named not long before the poll, or soon
// after it, proves that webhooks come; one that no hint named, that one is lost.
func (t *tempo) polled(news []string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range news {
		if _, doubted := t.doubts[id]; !doubted {
			t.doubts[id] = now
		}
		t.news = now
	}
	missed := false
	for id, at := range t.doubts {
		switch told := t.hints[id]; {
		case at.Sub(told) <= t.wait+hintGrace: // also where it came after the poll
			t.proofs++
			delete(t.doubts, id)
		case now.Sub(at) > hintGrace:
			missed = true
			delete(t.doubts, id)
		}
	}
	if missed {
		t.proofs, t.wait = 0, t.every
	}
	switch {
	case t.slowest > t.every && t.proofs >= proofsDue:
		t.wait = min(2*t.wait, t.slowest)
	case now.Sub(t.news) < lively && !t.news.IsZero():
		return min(t.every, max(livelyWait, t.every/2))
	}
	return t.wait
}
