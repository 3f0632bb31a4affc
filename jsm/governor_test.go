package jsm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/jsm"
	"parley/jsm/sim"
)

// The governor against a simulator that enforces each limit strictly, in virtual time.

// counted carries requests to a tenant, slowly as a network does, and counts what comes back.
type counted struct {
	next http.RoundTripper

	mu     sync.Mutex // guards the fields below
	status map[int]int
	lines  []string
}

func (w *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(20 * time.Millisecond) // virtual
	a, err := w.next.RoundTrip(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.status[a.StatusCode]++
	} else {
		w.status[0]++
	}
	w.lines = append(w.lines, r.Method+" "+r.URL.Path)
	return a, err
}

// calls counts the requests so far, or those that were answered with a status.
func (w *counted) calls(status ...int) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(status) == 0 {
		return len(w.lines)
	}
	for _, s := range status {
		n += w.status[s]
	}
	return n
}

type governed struct {
	*testing.T
	tenant *sim.Tenant
	jira   *jsm.Client
	wire   *counted
	log    bytes.Buffer
	ids    []string // of tickets that are there
}

// inTime runs a story with a tenant and a client in a bubble, at a quarter past an hour.
func inTime(t *testing.T, limits sim.Limits, points int, story func(g *governed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(15 * time.Minute) // the bubble begins at midnight
		g := &governed{T: t}
		var err error
		if g.tenant, err = sim.New(sim.Config{NoLimits: true}); err != nil {
			t.Fatal(err)
		}
		me, _ := g.tenant.Account(sim.Sync)
		g.wire = &counted{next: sim.NewWire(g.tenant), status: map[int]int{}}
		g.jira, err = jsm.New(jsm.Config{
			Base: g.tenant.URL(), Auth: jsm.Auth{User: me.Email, Token: jsm.Token(me.Token)}, HTTP: &http.Client{Transport: g.wire},
			Points: points, Logger: slog.New(slog.NewTextHandler(&g.log, &slog.HandlerOptions{Level: slog.LevelInfo})),
		})
		if err != nil {
			t.Fatal(err)
		}
		agent, _ := g.tenant.Account(sim.Agent)
		person := g.tenant.As(agent.Email)
		for i := range 40 {
			key, err := person.CreateRequest("Get IT help", map[string]any{"summary": fmt.Sprint("number ", i)})
			if err != nil {
				t.Fatal(err)
			}
			is, _ := g.tenant.Issue(key)
			g.ids = append(g.ids, is.ID)
		}
		if err := g.tenant.SetLimits(limits); err != nil {
			t.Fatal(err)
		}
		story(g)
	})
}

// logged counts the lines of the log that hold a text.
func (g *governed) logged(text string) int { return strings.Count(g.log.String(), text) }

func (g *governed) write(ctx context.Context, i int) error {
	return g.jira.SetMark(ctx, g.ids[i%len(g.ids)], []byte(fmt.Sprint(i)))
}

func people(ctx context.Context, connection string) context.Context {
	return jsm.WithLoad(ctx, jsm.Load{Connection: connection})
}

func backfill(ctx context.Context, connection string) context.Context {
	return jsm.WithLoad(ctx, jsm.Load{Connection: connection, Backfill: true})
}

// each runs n goroutines and waits for them.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

func TestBurstIsNeverExceeded(t *testing.T) {
	inTime(t, sim.Limits{Burst: true}, 0, func(g *governed) {
		began := time.Now()
		each(300, func(i int) {
			if err := g.write(g.Context(), i); err != nil {
				g.Error(err)
			}
		})
		if n := g.wire.calls(429); n != 0 {
			g.Errorf("%d calls were refused", n)
		}
		if took := time.Since(began); took > 7*time.Second {
			g.Errorf("300 writes took %s; Jira allows 50 a second", took)
		}
	})
}

func TestWritesPerTicketAreNeverExceeded(t *testing.T) {
	inTime(t, sim.Limits{PerIssue: true}, 0, func(g *governed) {
		began := time.Now()
		each(8, func(worker int) {
			for i := range 50 {
				if err := g.jira.SetMark(g.Context(), g.ids[0], []byte(fmt.Sprint(worker*50+i))); err != nil {
					g.Error(err)
				}
			}
		})
		if n := g.wire.calls(429); n != 0 {
			g.Errorf("%d writes were refused", n)
		}
		if took := time.Since(began); took > 190*time.Second {
			g.Errorf("400 writes to one ticket took %s", took)
		}
	})
}

// TestATicketInABurstHoldsUpNoOther: only the ticket that is written to so often waits.
func TestATicketInABurstHoldsUpNoOther(t *testing.T) {
	inTime(t, sim.Limits{PerIssue: true, Burst: true}, 0, func(g *governed) {
		ctx, cancel := context.WithCancel(g.Context())
		var hog sync.WaitGroup
		for range 8 {
			hog.Go(func() {
				for ctx.Err() == nil {
					g.jira.SetMark(people(ctx, "hog"), g.ids[0], []byte("1"))
				}
			})
		}
		for i := range 50 {
			time.Sleep(100 * time.Millisecond)
			began := time.Now()
			if err := g.write(people(g.Context(), "other"), 1+i%39); err != nil {
				g.Error(err)
			}
			if took := time.Since(began); took > 60*time.Millisecond {
				g.Errorf("write %d to another ticket took %s", i, took)
			}
		}
		cancel()
		hog.Wait()
	})
}

// TestConnectionsTakeTurns: a connection with thousands of calls in the line holds up another by one turn.
func TestConnectionsTakeTurns(t *testing.T) {
	inTime(t, sim.Limits{Burst: true}, 0, func(g *governed) {
		look := func(ctx context.Context) {
			if _, _, err := g.jira.FindPerson(ctx, "nobody@north.example"); err != nil {
				g.Error(err)
			}
		}
		var wg sync.WaitGroup
		for range 500 {
			wg.Go(func() { look(people(g.Context(), "large")) })
		}
		synctest.Wait()
		each(20, func(small int) {
			name := fmt.Sprint("small ", small)
			for range 10 {
				began := time.Now()
				look(people(g.Context(), name))
				// 21 connections take turns at 100 a second.
				if took := time.Since(began); took > 300*time.Millisecond {
					g.Errorf("%s waited %s", name, took)
				}
			}
		})
		wg.Wait()
	})
}

// TestPeopleComeBeforeBackfill, and backfill all the same goes on.
func TestPeopleComeBeforeBackfill(t *testing.T) {
	inTime(t, sim.Limits{Burst: true}, 0, func(g *governed) {
		var done sync.WaitGroup
		var mu sync.Mutex
		sent := map[bool]int{}
		until := time.Now().Add(40 * time.Second)
		for i := range 60 {
			old := i < 30
			done.Go(func() {
				ctx := people(g.Context(), "acme")
				if old {
					ctx = backfill(g.Context(), "acme")
				}
				for time.Now().Before(until) {
					if err := g.write(ctx, i); err != nil {
						g.Error(err)
					}
					if time.Now().Before(until) {
						mu.Lock()
						sent[old]++
						mu.Unlock()
					}
				}
			})
		}
		done.Wait()
		share := float64(sent[true]) / float64(sent[true]+sent[false])
		if share > 0.1 || share < 0.05 {
			g.Errorf("backfill had %.2f of the calls (%d), people %d", share, sent[true], sent[false])
		}
	})
}

// TestPointsAreNeverExceeded spends two hours under a quota that is too small for what is asked.
func TestPointsAreNeverExceeded(t *testing.T) {
	for _, c := range []struct {
		name   string
		points int
	}{{"configured", 1000}, {"learned", 0}} {
		t.Run(c.name, func(t *testing.T) {
			inTime(t, sim.Limits{Quota: 1000}, c.points, func(g *governed) {
				end := time.Now().Add(105 * time.Minute) // to the end of the second hour
				each(8, func(worker int) {
					ctx := people(g.Context(), "acme")
					if worker >= 4 {
						ctx = backfill(g.Context(), "acme")
					}
					for i := 0; time.Now().Before(end); i++ {
						var err error
						if i%5 == 0 {
							_, err = g.jira.Tickets(ctx, g.ids[:1+i%40], []string{"priority"})
						} else {
							err = g.write(ctx, i)
						}
						var e *jsm.APIError
						switch {
						case err == nil:
							time.Sleep(5 * time.Second)
						case errors.As(err, &e) && e.Unsent && e.Reason == jsm.ReasonBudget && e.RetryAfter > 0:
							time.Sleep(e.RetryAfter)
						default:
							g.Errorf("%v", err)
							time.Sleep(time.Minute)
						}
					}
				})
				if n := g.wire.calls(429); n != 0 {
					g.Errorf("%d calls were refused", n)
				}
				all := 0
				for _, n := range g.tenant.Points() {
					all += n
				}
				if all > 2000 || all < 1600 {
					g.Errorf("%d points in two hours of 1000", all)
				}
				if used := g.jira.Budget(); used.Limit != 1000 || used.Learned != (c.points == 0) {
					g.Errorf("%+v", used)
				}
			})
		})
	}
}

// TestBackfillLeavesPeopleTheirPart: backfill takes what it can from the start of the hour; a person who comes at
// its end is served at once.
func TestBackfillLeavesPeopleTheirPart(t *testing.T) {
	inTime(t, sim.Limits{Quota: 2000}, 2000, func(g *governed) {
		time.Sleep(45 * time.Minute) // a new hour begins
		stop := time.Now().Add(50 * time.Minute)
		at := map[int]int{}
		for i := 0; time.Now().Before(stop); i++ {
			err := g.write(backfill(g.Context(), "old"), i)
			var e *jsm.APIError
			if errors.As(err, &e) && e.Unsent {
				time.Sleep(e.RetryAfter)
			} else if err != nil {
				g.Fatal(err)
			}
			at[int(time.Until(stop)/(10*time.Minute))] = g.jira.Budget().Used
		}
		if at[4] < 1150 || at[4] > 1400 || at[0] < 1700 {
			g.Errorf("points used by backfill, from the end: %v", at)
		}
		for i := range 120 {
			began := time.Now()
			if err := g.write(people(g.Context(), "new"), i); err != nil || time.Since(began) > time.Second {
				g.Fatalf("a person's change %d: %v after %s", i, err, time.Since(began))
			}
		}
		if spent := g.jira.Budget().Spent; spent["new"] != 120 || spent["old"] < 1000 {
			g.Errorf("%v", spent)
		}
	})
}

// TestAQuotaThatNobodyToldOf pauses everything when Jira says so, in every way that it may be said, and goes on by
// itself, with one line in the log for each.
func TestAQuotaThatNobodyToldOf(t *testing.T) {
	for _, c := range []struct {
		limits sim.Limits
		most   int // refused calls in three quarters of an hour
	}{
		{sim.Limits{Quota: 100, Silent: true}, 8},
		{sim.Limits{Quota: 100, Silent: true, After: "date"}, 8},
		{sim.Limits{Quota: 100, Silent: true, Global: true}, 8},
		{sim.Limits{Quota: 100, Silent: true, After: "none"}, 8 * 6}, // asked every ten minutes
	} {
		t.Run(fmt.Sprintf("%+v", c.limits), func(t *testing.T) {
			inTime(t, c.limits, 0, func(g *governed) {
				ctx, cancel := context.WithTimeout(g.Context(), 50*time.Minute)
				defer cancel()
				each(8, func(int) {
					for i := 0; g.jira.Await(ctx) == nil; i++ {
						g.write(people(ctx, "acme"), i)
						time.Sleep(time.Second)
					}
				})
				if n := g.wire.calls(429); n == 0 || n > c.most {
					g.Errorf("%d calls were refused", n)
				}
				if s := g.jira.Standing(); s.State == jsm.Stopped || s.State == jsm.Ailing {
					g.Errorf("%+v", s)
				}
				if n := g.wire.calls(200, 201); n < 150 {
					g.Errorf("only %d calls went well: the new hour was not used", n)
				}
				paused, again := g.logged("Jira's limit is reached"), g.logged("jira is called again")
				if c.limits.After != "none" && (paused < 1 || paused > 2 || again < 1) {
					g.Errorf("%s", g.log.String())
				}
			})
		})
	}
}

func TestDataCentersBucket(t *testing.T) {
	inTime(t, sim.Limits{User: true}, 0, func(g *governed) {
		if _, err := g.jira.Myself(g.Context()); err != nil { // learns of the bucket
			g.Fatal(err)
		}
		each(8, func(worker int) {
			for i := range 50 {
				if err := g.write(g.Context(), i); err != nil {
					g.Error(err)
				}
			}
		})
		if n := g.wire.calls(429); n != 0 {
			g.Errorf("%d calls were refused", n)
		}
	})
	inTime(t, sim.Limits{Blocked: "sync@north.example"}, 0, func(g *governed) {
		_, err := g.jira.Myself(g.Context())
		var e *jsm.APIError
		if !errors.As(err, &e) || e.RetryAfter > 2*time.Hour || e.RetryAfter < time.Hour {
			g.Errorf("%v", err)
		}
	})
}
