package exchange

import (
	"context"
	"sync"
	"time"
)

// tenant knows whether Jira is there. While it is lost nothing is tried but one
// probe at a time, so that a revoked token never becomes a storm of 401s.
type tenant struct {
	mu      sync.Mutex // guards the fields below
	trouble string
	until   time.Time // no call before this
	step    time.Duration
}

const (
	tenantFirst = 2 * time.Second
	tenantMost  = 5 * time.Minute
)

// lose notes that the tenant refuses or cannot be reached.
func (t *tenant) lose(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.step = min(max(2*t.step, tenantFirst), tenantMost)
	t.trouble, t.until = err.Error(), time.Now().Add(t.step)
}

// ail notes a trouble over which the tenant is asked again as often as ever, such
// as a gateway's 502.
func (t *tenant) ail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble = err.Error()
}

// found notes that the tenant answered.
func (t *tenant) found() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble, t.until, t.step = "", time.Time{}, 0
}

// Trouble is why the tenant is lost, in plain words; "" while it is there.
func (t *tenant) Trouble() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trouble
}

// wait returns when the tenant may be called again; false when ctx ended.
func (t *tenant) wait(ctx context.Context) bool {
	t.mu.Lock()
	until := t.until
	t.mu.Unlock()
	rest := time.Until(until)
	if rest <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
