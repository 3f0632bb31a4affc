package jsm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

const me = `{"accountId":"a"}`

func TestOnlyTheSafeIsRepeated(t *testing.T) {
	busy := answer{status: 503}
	limited := answer{status: 429, header: map[string]string{"Retry-After": "3"}}
	lost := answer{err: io.ErrUnexpectedEOF}
	made := answer{status: 201, body: `{"id":"5","jsdPublic":true}`}
	for _, c := range []struct {
		name  string
		write bool
		list  []answer
		calls int
		ok    bool
	}{
		{"read after 503", false, []answer{busy, busy, {body: me}}, 3, true},
		{"read after a lost answer", false, []answer{lost, {body: me}}, 2, true},
		{"read gives up", false, []answer{busy}, maxTries, false},
		{"read after 401", false, []answer{{status: 401}}, 1, false},
		{"read after 404", false, []answer{{status: 404}}, 1, false},
		{"write after 429", true, []answer{limited, made}, 2, true},
		{"write after 503", true, []answer{busy, made}, 1, false},
		{"write after a lost answer", true, []answer{lost, made}, 1, false},
		{"write after 409", true, []answer{{status: 409}, made}, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers := map[string]any{"GET /rest/api/3/myself": sequence(c.list...), "POST /rest/api/3/issue/1/comment": sequence(c.list...)}
				client, f := jira(t, answers)
				var err error
				if c.write {
					_, err = client.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true})
				} else {
					_, err = client.Myself(t.Context())
				}
				if (err == nil) != c.ok || len(f.lines()) != c.calls {
					t.Errorf("%d calls, %v", len(f.lines()), err)
				}
				if n := client.Calls().Total().Calls; n != int64(c.calls) {
					t.Errorf("%d calls counted", n)
				}
			})
		})
	}
}

func TestRetryAfterPausesWhatItNames(t *testing.T) {
	for _, c := range []struct {
		reason              string
		same, other, ticket bool // is the same endpoint, another one, a write to another ticket held up?
	}{
		{"jira-burst-based", true, false, true},
		{"", true, false, true},
		{"jira-quota-tenant-based", true, true, true},
		{"jira-per-issue-on-write", true, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			long := answer{status: 429, header: map[string]string{"Retry-After": "600", "RateLimit-Reason": c.reason}}
			made := answer{status: 201, body: `{"id":"5","jsdPublic":true}`}
			client, f := jira(t, map[string]any{
				"POST /rest/api/3/issue/1/comment": sequence(long, made),
				"POST /rest/api/3/issue/2/comment": made,
				"GET /rest/api/3/myself":           me,
			})
			write := func(issue string) error {
				_, err := client.AddComment(t.Context(), issue, NewComment{Body: Rich(adfHello), Public: true})
				return err
			}
			if err := write("1"); err == nil {
				t.Fatal("429 passes")
			}
			calls := len(f.lines())
			if calls != 1 {
				t.Errorf("a pause of 10 minutes was sat out or ignored: %d calls", calls)
			}
			held := func(err error) bool {
				var e *APIError
				return errors.As(err, &e) && e.Status == 429 && e.Applied == No && e.RetryAfter > 9*time.Minute
			}
			if err := write("1"); held(err) != c.same || len(f.lines()) != calls {
				t.Errorf("%q: the same call again: %v", c.reason, err)
			}
			if _, err := client.Myself(t.Context()); held(err) != c.other {
				t.Errorf("%q: another endpoint: %v", c.reason, err)
			}
			if err := write("2"); held(err) != c.ticket {
				t.Errorf("%q: another ticket: %v", c.reason, err)
			}
			time.Sleep(10 * time.Minute)
			if err := write("1"); err != nil {
				t.Errorf("%q: after the pause: %v", c.reason, err)
			}
		})
	}
}

// TestWritesToOneTicketArePaced checks the client against Jira's two windows, sliding.
func TestWritesToOneTicketArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := jira(t, map[string]any{"PUT /rest/api/3/issue/1/properties/parley": answer{status: 200}})
		var at []time.Time
		for i := range 300 {
			if err := client.SetMark(t.Context(), "1", []byte(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Now())
		}
		for _, window := range []struct {
			n int
			d time.Duration
		}{{20, 2 * time.Second}, {100, 30 * time.Second}} {
			for i := window.n; i < len(at); i++ {
				if at[i].Sub(at[i-window.n]) < window.d {
					t.Fatalf("writes %d to %d came within %s", i-window.n, i, at[i].Sub(at[i-window.n]))
				}
			}
		}
		if all := at[299].Sub(at[0]); all > 140*time.Second {
			t.Errorf("300 writes took %s; Jira allows them in 90", all)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := jira(t, map[string]any{"GET /rest/api/3/myself": answer{status: 429, header: map[string]string{"Retry-After": "20"}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := client.Myself(ctx)
		var e *APIError
		if !errors.As(err, &e) || e.Applied != No || time.Since(start) > time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestQuietTicketsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace()
		for i := range 3 * maxTicketPaces {
			p.limiters(&call{op: "PUT issue", method: "PUT", issue: fmt.Sprint(i)}, time.Now())
			if i%100 == 0 {
				time.Sleep(ticketQuiet)
			}
		}
		if len(p.tickets) > maxTicketPaces+100 {
			t.Errorf("%d tickets remembered", len(p.tickets))
		}
	})
}

func TestPoints(t *testing.T) {
	client, _ := jira(t, map[string]any{
		"GET /rest/api/3/issue/1":                   `{"id":"1","key":"S-1","fields":{}}`,
		"GET /rest/api/3/user/search":               `[{"accountId":"1"},{"accountId":"2"},{"accountId":"3"},{"accountId":"4"},{"accountId":"5"},{"accountId":"6"},{"accountId":"7"},{"accountId":"8"}]`,
		"POST /rest/api/3/issue/bulkfetch":          `{"issues":[{"id":"1","key":"S-1","fields":{}},{"id":"2","key":"S-2","fields":{}}]}`,
		"PUT /rest/api/3/issue/1/properties/parley": answer{status: 201},
	})
	ctx := t.Context()
	client.Ticket(ctx, "1")
	client.FindPerson(ctx, "x@y")
	client.Tickets(ctx, []string{"1", "2"}, nil)
	client.SetMark(ctx, "1", []byte(`{}`))
	for op, points := range map[string]int64{"GET issue": 2, "GET user/search": 17, "POST issue/bulkfetch": 3, "PUT issue/properties": 1} {
		if got := client.Calls().ByOp()[op]; got != (Tally{1, points}) {
			t.Errorf("%s: %+v", op, got)
		}
	}
	if got := client.Calls().Total(); got != (Tally{4, 23}) {
		t.Errorf("total %+v", got)
	}
}
