package jsm_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/jsm"
	"parley/jsm/sim"
)

func (g *governed) fault(f sim.Fault) {
	g.Helper()
	if err := g.tenant.Fault(f); err != nil {
		g.Fatal(err)
	}
}

// busy has eight workers do what a node does, for so long: wait for the tenant, read and write, and come back soon
// where it failed.
func (g *governed) busy(d time.Duration) {
	end := time.Now().Add(d)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; time.Now().Before(end); i++ {
				ctx := people(g.Context(), "acme")
				if g.jira.Standing().State == jsm.Up {
					if _, err := g.jira.Ticket(ctx, g.ids[i%len(g.ids)]); err == nil {
						g.write(ctx, i)
					}
				}
				time.Sleep(time.Second)
			}
		})
	}
	wg.Wait()
}

// TestARefusedAccountIsNoStorm: every call is answered 401, as after a token was revoked. What was under way fails,
// then one cheap call asks now and then, and when the token works again all goes on by itself.
func TestARefusedAccountIsNoStorm(t *testing.T) {
	inTime(t, sim.Limits{}, 0, func(g *governed) {
		g.busy(10 * time.Second)
		if s := g.jira.Standing(); s.State != jsm.Up {
			g.Fatalf("%+v", s)
		}
		g.fault(sim.Fault{Kind: "status", Status: 401, Body: "Client must be authenticated", Times: -1})
		before := g.wire.calls()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := g.jira.Await(g.Context()); err != nil {
				g.Error(err)
			}
		})
		g.busy(2 * time.Second)
		if s := g.jira.Standing(); s.State != jsm.Stopped || s.Trouble != jsm.TroubleToken || s.Trouble.Advice().Next == "" {
			g.Errorf("%+v", s)
		}
		var waiters sync.WaitGroup
		for range 8 {
			waiters.Go(func() { g.jira.Await(g.Context()) })
		}
		g.busy(2 * time.Hour)
		// 8 at work, one that made sure, 8 doublings to five minutes, then one each five minutes.
		if n := g.wire.calls() - before; n > 8+1+8+25 {
			g.Errorf("%d calls while the account was refused", n)
		}
		g.tenant.ClearFaults()
		began := time.Now()
		wg.Wait()
		waiters.Wait()
		if took := time.Since(began); took > 5*time.Minute+time.Second {
			g.Errorf("it took %s to go on", took)
		}
		if _, err := g.jira.Ticket(g.Context(), g.ids[0]); err != nil {
			g.Error(err)
		}
		if n := g.logged("does not let parley's account in"); n != 1 {
			g.Errorf("told %d times:\n%s", n, g.log.String())
		}
		if n := g.logged("level=ERROR"); n != 1 || g.logged("is called again") != 1 {
			g.Errorf("%s", g.log.String())
		}
	})
}

// TestOneRefusalIsNotTheAccounts: what is refused for one endpoint, ticket or request stops nothing else.
func TestOneRefusalIsNotTheAccounts(t *testing.T) {
	const write = "/rest/api/3/issue/*/properties/parley"
	for _, c := range []struct {
		name    string
		fault   sim.Fault
		fresh   bool // nothing of the kind went well before
		class   jsm.Class
		trouble jsm.Trouble
		state   jsm.State
	}{
		{"scope", sim.Fault{Kind: "status", Status: 401, Body: `{"code":401,"message":"Unauthorized; scope does not match"}`}, true, jsm.Definite, jsm.TroubleScope, jsm.Up},
		{"401 of one endpoint", sim.Fault{Kind: "status", Status: 401}, true, jsm.Definite, jsm.TroubleScope, jsm.Up},
		{"403 with a reason", sim.Fault{Kind: "status", Status: 403}, true, jsm.Definite, "", jsm.Up},
		{"404", sim.Fault{Kind: "status", Status: 404}, true, jsm.Definite, "", jsm.Up},
		{"a firewall's page", sim.Fault{Kind: "status", Status: 403, Body: "<html>Request rejected", Header: map[string]string{"Content-Type": "text/html"}}, true, jsm.Definite, jsm.TroubleBlocked, jsm.Up},
		{"a login page once", sim.Fault{Kind: "portal"}, true, jsm.Transient, jsm.TroublePage, jsm.Up},
		{"a removed endpoint", sim.Fault{Kind: "status", Status: 410}, true, jsm.Definite, jsm.TroubleRemoved, jsm.Up},
		{"a silent 403 where it went well before", sim.Fault{Kind: "unlicensed"}, false, jsm.Definite, jsm.TroubleLicence, jsm.Up},
		{"a silent 403 from the start", sim.Fault{Kind: "unlicensed"}, true, jsm.Tenant, jsm.TroubleLicence, jsm.Stopped},
		{"an answer as to a stranger", sim.Fault{Kind: "stranger", Path: "/rest/**"}, true, jsm.Tenant, jsm.TroubleToken, jsm.Stopped},
		{"a suspended site", sim.Fault{Kind: "status", Status: 402}, true, jsm.Tenant, jsm.TroubleSuspended, jsm.Stopped},
	} {
		t.Run(c.name, func(t *testing.T) {
			inTime(t, sim.Limits{}, 0, func(g *governed) {
				if !c.fresh {
					if err := g.write(g.Context(), 1); err != nil {
						g.Fatal(err)
					}
				}
				c.fault.Times = -1
				if c.fault.Path == "" {
					c.fault.Path = write
				}
				g.fault(c.fault)
				err := g.write(g.Context(), 0)
				var e *jsm.APIError
				if !errors.As(err, &e) || e.Class != c.class || e.Trouble != c.trouble {
					g.Errorf("%+v", e)
				}
				if s := g.jira.Standing(); s.State != c.state {
					g.Errorf("%+v", s)
				}
				if n := g.wire.calls(); n > 3 {
					g.Errorf("%d calls", n)
				}
				if c.state != jsm.Up {
					return
				}
				if _, err := g.jira.Ticket(g.Context(), g.ids[1]); err != nil {
					g.Errorf("another call: %v", err)
				}
			})
		})
	}
}

// TestALicenceThatIsLost: after a few silent refusals in a row it is no single ticket's any more.
func TestALicenceThatIsLost(t *testing.T) {
	inTime(t, sim.Limits{}, 0, func(g *governed) {
		if err := g.write(g.Context(), 0); err != nil {
			g.Fatal(err)
		}
		g.fault(sim.Fault{Kind: "unlicensed", Times: -1, Path: "/rest/api/3/issue/*/properties/parley"})
		for i := range 3 {
			g.write(g.Context(), i)
		}
		if s := g.jira.Standing(); s.State != jsm.Stopped || s.Trouble != jsm.TroubleLicence {
			g.Errorf("%+v", s)
		}
		before := g.wire.calls()
		g.busy(time.Hour) // it lets us in and refuses us again: that is no reason for a storm
		if n := g.wire.calls(403); n > 3+17*9 {
			g.Errorf("%d refused calls of %d", n, g.wire.calls()-before)
		}
	})
}

// TestATenantThatAils: whatever stands in Jira's place, the trouble has a name, few calls are made, nothing is believed
// of it, and it heals by itself.
func TestATenantThatAils(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   sim.Fault
		trouble jsm.Trouble
		state   jsm.State
	}{
		{"503", sim.Fault{Kind: "status"}, jsm.TroubleGateway, jsm.Ailing},
		{"500", sim.Fault{Kind: "status", Status: 500}, jsm.TroubleGateway, jsm.Ailing},
		{"a gateway's page", sim.Fault{Kind: "html"}, jsm.TroubleGateway, jsm.Ailing},
		{"maintenance", sim.Fault{Kind: "maintenance", RetryAfter: 20}, jsm.TroubleMaintenance, jsm.Ailing},
		{"connections that end", sim.Fault{Kind: "drop"}, jsm.TroubleSilent, jsm.Ailing},
		{"empty answers", sim.Fault{Kind: "empty"}, jsm.TroubleEmpty, jsm.Ailing},
		{"half answers", sim.Fault{Kind: "cut"}, jsm.TroubleCut, jsm.Ailing},
		{"a captive portal", sim.Fault{Kind: "portal"}, jsm.TroublePage, jsm.Stopped},
		{"a redirect", sim.Fault{Kind: "status", Status: 302, Header: map[string]string{"Location": "https://id.example/login"}}, jsm.TroublePage, jsm.Stopped},
		{"no credential is believed", sim.Fault{Kind: "stranger"}, jsm.TroubleToken, jsm.Stopped},
	} {
		t.Run(c.name, func(t *testing.T) {
			inTime(t, sim.Limits{}, 0, func(g *governed) {
				c.fault.Times = -1
				g.fault(c.fault)
				var back sync.WaitGroup
				back.Go(func() {
					time.Sleep(2 * time.Minute)
					g.jira.Await(g.Context())
				})
				g.busy(2 * time.Minute)
				s := g.jira.Standing()
				if s.State != c.state || s.Trouble != c.trouble || s.Trouble.Advice().Sentence == "" || s.Why == "" {
					g.Errorf("%+v", s)
				}
				before := g.wire.calls()
				g.busy(time.Hour)
				if n := g.wire.calls() - before; n > 125 {
					g.Errorf("%d calls in an hour", n)
				}
				_, err := g.jira.Tickets(g.Context(), g.ids, nil)
				var e *jsm.APIError
				if !errors.As(err, &e) || e.Class == jsm.Definite || !e.Unsent {
					g.Errorf("a read passes, or is believed: %v", err)
				}
				g.tenant.ClearFaults()
				began := time.Now()
				back.Wait()
				if took := time.Since(began); took > 5*time.Minute || c.state == jsm.Ailing && took > 31*time.Second {
					g.Errorf("it took %s to go on", took)
				}
				if err := g.write(g.Context(), 0); err != nil {
					g.Error(err)
				}
				if g.logged("is not called for now") != 1 || g.logged("is called again") != 1 {
					g.Errorf("%s", g.log.String())
				}
			})
		})
	}
}

// TestAPoisonedTicketIsNotTheTenants: a ticket on which every write fails with 500 slows nothing else.
func TestAPoisonedTicketIsNotTheTenants(t *testing.T) {
	inTime(t, sim.Limits{}, 0, func(g *governed) {
		g.fault(sim.Fault{Kind: "status", Status: 500, Times: -1, Path: "/rest/api/3/issue/" + g.ids[0] + "/**"})
		end := time.Now().Add(10 * time.Minute)
		var poisoned sync.WaitGroup
		poisoned.Go(func() {
			for time.Now().Before(end) {
				g.write(g.Context(), 0)
				time.Sleep(5 * time.Second)
			}
		})
		for i := 0; time.Now().Before(end); i++ {
			began := time.Now()
			if err := g.write(g.Context(), 1+i%39); err != nil || time.Since(began) > 25*time.Millisecond {
				g.Errorf("a healthy ticket: %v after %s", err, time.Since(began))
			}
			time.Sleep(10 * time.Second)
		}
		poisoned.Wait()
	})
}

// TestWaitingForTheTenantEnds with its caller, and leaves the question to another.
func TestWaitingForTheTenantEnds(t *testing.T) {
	inTime(t, sim.Limits{}, 0, func(g *governed) {
		g.fault(sim.Fault{Kind: "status", Status: 401, Times: -1})
		if _, err := g.jira.Myself(g.Context()); err == nil {
			g.Fatal("a refused account is let in")
		}
		slow := g.wire.next
		block := make(chan struct{})
		g.wire.next = roundTrip(func(r *http.Request) (*http.Response, error) {
			select {
			case <-block:
				return slow.RoundTrip(r)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		ctx, cancel := context.WithCancel(g.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if g.jira.Await(ctx) == nil {
				g.Error("it waited for nothing")
			}
		})
		time.Sleep(time.Minute) // it asks, and gets no answer
		synctest.Wait()
		cancel()
		wg.Wait()
		close(block)
		g.tenant.ClearFaults()
		if err := g.jira.Await(g.Context()); err != nil {
			g.Error(err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
