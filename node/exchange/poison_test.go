package exchange_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/jsm/sim"
)

// healthyTickets are edited in turns while one more is poisoned.
const healthyTickets = 8

// TestAPoisonedTicketSlowsNoOther edits healthy tickets for a while, with and
// without one beside them whose every read and write by parley fails, each in
// another way, and which a person keeps editing. The bubble's clock is virtual,
// so the times are those of waiting alone and the same in every run.
func TestAPoisonedTicketSlowsNoOther(t *testing.T) {
	t.Parallel()
	without := healthy(t, nil)
	for _, poison := range []sim.Fault{
		{Kind: "status", Status: 500},
		{Kind: "status", Status: 400, Body: `{"errorMessages":["Something is wrong with this one."],"errors":{}}`},
		{Kind: "drop"},
		{Kind: "applied"},
		{Kind: "rate", Reason: "jira-per-issue-on-write", RetryAfter: 20},
	} {
		t.Run(fmt.Sprint(poison.Kind, poison.Status), func(t *testing.T) {
			with := healthy(t, &poison)
			p99 := func(all []time.Duration) time.Duration { return all[len(all)*99/100] }
			if w, p := p99(without), p99(with); p > w*3/2 {
				t.Errorf("healthy tickets' p99 is %v beside a poisoned one, %v without", p, w)
			}
			t.Logf("p99 %v beside a poisoned ticket, %v without", p99(with), p99(without))
		})
	}
}

// healthy returns how long each healthy edit took to arrive, sorted.
func healthy(t *testing.T, poison *sim.Fault) (took []time.Duration) {
	inWorld(t, customer, vendor, func(w *world) {
		var keys, twins []string
		for i := range healthyTickets + 1 {
			key, twin := w.shared(fmt.Sprint("Ticket ", i))
			keys, twins = append(keys, key), append(twins, twin)
		}
		w.quiet()
		bad := healthyTickets
		if poison != nil {
			f := *poison
			f.Times, f.Account = -1, w.south.sync.Email
			is, ok := w.south.tenant.Issue(twins[bad])
			if !ok {
				t.Fatal("the twin is gone")
			}
			for _, path := range []string{"/rest/api/3/issue/" + is.ID + "/**", "/rest/api/3/issue/" + twins[bad] + "/**", "/rest/servicedeskapi/request/" + is.ID + "/**", "/rest/api/3/issue/" + is.ID} {
				f.Path = path
				w.must(w.south.tenant.Fault(f))
			}
		}
		for i := range 60 {
			n := i % healthyTickets
			w.north.edit(keys[bad], map[string]any{"summary": fmt.Sprint("Worse ", i)})
			want := fmt.Sprint("Edit ", i)
			w.north.edit(keys[n], map[string]any{"summary": want})
			began := time.Now()
			w.until(want+" arrives", 10*time.Minute, func() bool { return w.south.fields(twins[n])["summary"] == want })
			took = append(took, time.Since(began))
		}
		if poison == nil {
			return
		}
		worst := w.north.fields(keys[bad])["summary"]
		if poison.Kind != "applied" && w.south.fields(twins[bad])["summary"] == worst {
			t.Error("the poison does not bite: its edits arrive")
		}
		w.south.tenant.ClearFaults()
		w.south.retryAll()
		w.until("the poisoned ticket heals", 10*time.Minute, func() bool { return w.south.fields(twins[bad])["summary"] == worst })
	})
	slices.Sort(took)
	return took
}
