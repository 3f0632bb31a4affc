package exchange_test

import (
	"fmt"
	"testing"
	"time"

	"parley/jsm"
	"parley/jsm/sim"
)

// many shares n tickets and has people comment on them every now and then, for so long.
func (w *world) many(n int, d time.Duration) {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = w.north.raise(fmt.Sprint("ticket ", i), map[string]any{"labels": []string{"vendor-x"}, "priority": name("Medium")})
	}
	end := time.Now().Add(d)
	for i := 0; time.Now().Before(end); i++ {
		w.north.comment(keys[i%n], fmt.Sprint("comment ", i), true)
		time.Sleep(10 * time.Second)
	}
}

func (c *company) callsInAll() (n int) {
	for _, k := range c.calls() {
		n += k
	}
	return n
}

// TestARefusedAccountStopsTheNode: 20 minutes of 401 while people go on working costs few calls, and when the token
// is repaired everything arrives.
func TestARefusedAccountStopsTheNode(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.quiet()
		w.must(w.south.tenant.Fault(sim.Fault{Kind: "status", Status: 401, Body: "Client must be authenticated", Times: -1}))
		before := w.south.callsInAll()
		w.many(10, 20*time.Minute)
		if n := w.south.callsInAll() - before; n > 40 {
			w.t.Errorf("%d calls while the account was refused", n)
		}
		if s := w.south.jira.Standing(); s.State != jsm.Stopped || w.south.desk.TenantTrouble() == "" {
			w.t.Errorf("%+v", s)
		}
		w.south.tenant.ClearFaults()
		time.Sleep(6 * time.Minute)
		w.quiet()
		if n := len(w.south.tenant.Issues()); n < 10 {
			w.t.Errorf("%d tickets arrived", n)
		}
	})
}

// TestAnExhaustedQuotaPausesTheNode: the quota is spent in the middle of the work; it pauses without a storm, goes on
// in the next hour, and loses and doubles nothing.
func TestAnExhaustedQuotaPausesTheNode(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.quiet()
		hour := time.Now().Truncate(time.Hour).Add(time.Hour)
		time.Sleep(time.Until(hour))
		w.must(w.south.tenant.SetLimits(sim.Limits{Quota: 600, Silent: true})) // polls alone cost 60 a minute
		w.many(10, 15*time.Minute)
		before := w.south.callsInAll()
		time.Sleep(time.Until(hour.Add(time.Hour)) - time.Second)
		if n := w.south.callsInAll() - before; n > 0 {
			w.t.Errorf("%d calls although the hour's points were spent", n)
		}
		if s := w.south.jira.Standing(); s.State != jsm.Paused || w.south.desk.TenantTrouble() == "" {
			w.t.Errorf("%+v", s)
		}
		time.Sleep(5 * time.Minute)
		w.quiet()
		seen := map[string]int{}
		for _, ticket := range w.south.tenant.Issues() {
			seen[ticket.Summary]++
		}
		for i := range 10 {
			if n := seen[fmt.Sprint("ticket ", i)]; n != 1 {
				w.t.Errorf("ticket %d is there %d times", i, n)
			}
		}
	})
}
