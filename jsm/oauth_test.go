package jsm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/jsm"
	"parley/jsm/sim"
)

// world is a site with its authorization server, one login to it, and what was kept of it.
type world struct {
	*testing.T
	tenant *sim.Tenant
	http   *http.Client
	oauth  *jsm.OAuth
	client *jsm.Client

	mu    sync.Mutex
	kept  []jsm.Grant
	disk  error    // what Keep answers
	lines []string // calls in the order of sending, and "kept"
}

const callback = "http://localhost:7845/callback"

// bubble runs a test in virtual time with somebody logged in.
func bubble(t *testing.T, run func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start(jsm.Grant{})
		g := w.login()
		if err := w.oauth.Adopt(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		w.tenant.ResetJournal()
		run(w)
	})
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, tenant: sim.MustNew(sim.Config{Name: "north", NoLimits: true})}
	w.http = &http.Client{Transport: &recorder{w, sim.NewWire(w.tenant)}}
	return w
}

// recorder notes what is sent, in order.
type recorder struct {
	w    *world
	next http.RoundTripper
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	r.w.note(q.Method + " " + q.URL.Path)
	return r.next.RoundTrip(q)
}

func (w *world) note(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line)
}

func (w *world) keep(g jsm.Grant) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, "kept")
	if w.disk != nil {
		return w.disk
	}
	w.kept = append(w.kept, g)
	return nil
}

// last is the grant on the disk.
func (w *world) last() jsm.Grant {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept[len(w.kept)-1]
}

// start is a process that begins with a grant.
func (w *world) start(g jsm.Grant) {
	w.Helper()
	app, base := w.tenant.Apps()[0], w.tenant.URL()
	var err error
	w.oauth, err = jsm.NewOAuth(jsm.OAuthConfig{Server: base, Client: app.ID, Secret: jsm.Token(app.Secret), Grant: g, Keep: w.keep, HTTP: w.http})
	if err != nil {
		w.Fatal(err)
	}
	w.client = w.through(jsm.Auth{Token: w.oauth.Token, Renew: w.oauth.Renew})
}

// through makes a client that goes through the gateway.
func (w *world) through(a jsm.Auth) *jsm.Client {
	w.Helper()
	gate, err := jsm.NewGateway(w.tenant.URL(), w.tenant.URL(), "", w.http)
	if err != nil {
		w.Fatal(err)
	}
	a.Base = gate.Base
	c, err := jsm.New(jsm.Config{Base: w.tenant.URL(), Auth: a, HTTP: w.http})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// login has the sync account's person consent, as a browser would.
func (w *world) login(scopes ...string) jsm.Grant {
	w.Helper()
	app := w.tenant.Apps()[0]
	c, err := jsm.NewConsent(w.tenant.URL(), app.ID, callback, scopes)
	if err != nil {
		w.Fatal(err)
	}
	browser := &http.Client{Transport: w.http.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := browser.Get(c.URL)
	if err != nil {
		w.Fatal(err)
	}
	html, err := io.ReadAll(page.Body)
	csrf := csrfField.FindSubmatch(html)
	if err != nil || csrf == nil {
		w.Fatalf("no consent page: %v %s", err, html)
	}
	me, _ := w.tenant.Account(sim.Sync)
	back, err := browser.PostForm(c.URL, url.Values{"csrf": {string(csrf[1])}, "account": {me.ID}, "decision": {"accept"}})
	if err != nil {
		w.Fatal(err)
	}
	answer, err := c.Answer(back.Header.Get("Location"))
	if err != nil {
		w.Fatal(err)
	}
	g, err := w.oauth.Exchange(w.Context(), answer)
	if err != nil {
		w.Fatal(err)
	}
	return g
}

func (w *world) works() {
	w.Helper()
	if _, err := w.client.Myself(w.Context()); err != nil {
		w.Error(err)
	}
}

// asked counts questions to the token endpoint since the login.
func (w *world) asked() int { return w.tenant.Calls("")["POST /oauth/token"] }

func TestALoginOpensTheSiteAndIsRenewed(t *testing.T) {
	bubble(t, func(w *world) {
		first := w.last()
		sites, err := jsm.Sites(w.Context(), w.http, w.tenant.URL(), first.Access)
		if err != nil || len(sites) != 1 || sites[0].URL != w.tenant.URL() || sites[0].Cloud == "" {
			w.Errorf("sites: %+v, %v", sites, err)
		}
		w.works()
		time.Sleep(57 * time.Minute)
		w.works()
		if n := w.asked(); n != 0 {
			w.Errorf("asked %d times within the hour", n)
		}
		time.Sleep(2 * time.Minute) // within renewEarly of the end
		w.mu.Lock()
		w.lines = nil
		w.mu.Unlock()
		w.works()
		want := []string{"POST /oauth/token", "kept", "GET /ex/jira/" + sites[0].Cloud + "/rest/api/3/myself"}
		if fmt.Sprint(w.lines) != fmt.Sprint(want) {
			w.Errorf("in this order: %v, want %v", w.lines, want)
		}
		if next := w.last(); next.Refresh == first.Refresh || next.Access == first.Access || len(next.Scopes) != len(jsm.DefaultScopes) {
			w.Errorf("kept %v", next.Scopes)
		}
		time.Sleep(80 * 24 * time.Hour) // a node that slept
		w.works()
	})
}

func TestManyWaitForOneRenewal(t *testing.T) {
	bubble(t, func(w *world) {
		time.Sleep(2 * time.Hour)
		var all sync.WaitGroup
		for range 50 {
			all.Go(w.works)
		}
		all.Wait()
		if n := w.asked(); n != 1 {
			w.Errorf("%d renewals", n)
		}
	})
}

func TestARefusedTokenIsRenewedOnceAndTheCallRepeated(t *testing.T) {
	bubble(t, func(w *world) {
		agent, _ := w.tenant.Account(sim.Agent)
		key, err := w.tenant.As(agent.Email).CreateRequest("Report an outage", map[string]any{"summary": "s", "description": "d"})
		if err != nil {
			w.Fatal(err)
		}
		w.tenant.ExpireAccess()
		if _, err := w.client.AddComment(w.Context(), key, jsm.NewComment{Public: true, Body: jsm.Rich(adfHello)}); err != nil {
			w.Error(err)
		}
		if n := w.asked(); n != 1 {
			w.Errorf("%d renewals", n)
		}
		me, _ := w.tenant.Account(sim.Sync)
		if n := w.tenant.WritesBy(me.Email)["POST /rest/api/{v}/issue/{key}/comment"]; n != 1 {
			w.Errorf("%d comments", n)
		}
		for range 20 { // whatever refuses fresh tokens too
			w.tenant.ExpireAccess()
			_, err := w.client.Myself(w.Context())
			var api *jsm.APIError
			if !errors.As(err, &api) || api.Status != 401 || api.Class != jsm.Tenant {
				w.Errorf("got %v", err)
			}
		}
		if n := w.asked(); n != 1 {
			w.Errorf("a storm of %d renewals", n)
		}
		time.Sleep(time.Second)
		w.works()
		for range 3600 {
			w.tenant.ExpireAccess()
			w.oauth.Renew(w.Context(), must(w.oauth.Token(w.Context())))
			time.Sleep(time.Second)
		}
		if n := w.asked(); n > 25 {
			w.Errorf("%d renewals in an hour of refusals", n)
		}
	})
}

func must(token string, err error) string {
	if err != nil {
		panic(err)
	}
	return token
}

func TestAMissingScopeIsNoReasonToRenew(t *testing.T) {
	bubble(t, func(w *world) {
		g := w.login("read:jira-user", "offline_access")
		if err := w.oauth.Adopt(w.Context(), g); err != nil {
			w.Fatal(err)
		}
		w.tenant.ResetJournal()
		w.works()
		_, err := w.client.Permissions(w.Context(), w.tenant.Project(), []string{"BROWSE_PROJECTS"})
		if err == nil || !strings.Contains(err.Error(), "lacks a scope") || w.asked() != 0 {
			w.Errorf("got %v after %d renewals", err, w.asked())
		}
	})
}

func TestTheDefaultScopesReadAProject(t *testing.T) {
	bubble(t, func(w *world) {
		s, err := w.client.Schema(w.Context(), w.tenant.Project())
		if err != nil {
			w.Fatal(err)
		}
		if len(s.Gaps) > 0 || s.Desk == "" || len(s.Priorities) == 0 || len(s.RequestTypes) == 0 {
			w.Errorf("gaps %v, desk %q, %d priorities, %d request types", s.Gaps, s.Desk, len(s.Priorities), len(s.RequestTypes))
		}
	})
}

func TestARevokedLoginAsksForAPersonAndNoMore(t *testing.T) {
	bubble(t, func(w *world) {
		w.tenant.RevokeConsents()
		for range 100 {
			_, err := w.client.Myself(w.Context())
			var api *jsm.APIError
			if !errors.Is(err, jsm.ErrLogin) && !(errors.As(err, &api) && api.Status == 401) || !errors.As(err, &api) || api.Class != jsm.Tenant {
				w.Fatalf("got %v", err)
			}
			time.Sleep(time.Hour)
		}
		if n := w.asked(); n != 1 {
			w.Errorf("asked %d times with a dead refresh token", n)
		}
		if _, fault := w.oauth.Known(); !errors.Is(fault, jsm.ErrLogin) {
			w.Errorf("known fault: %v", fault)
		}
		if err := w.oauth.Adopt(w.Context(), w.login()); err != nil {
			w.Fatal(err)
		}
		w.works()
	})
}

func TestALostAnswerIsAskedForAgainWithinTheLeeway(t *testing.T) {
	bubble(t, func(w *world) {
		time.Sleep(time.Hour)
		if err := w.tenant.Fault(sim.Fault{Kind: "lost", Path: "/oauth/token", Times: 3}); err != nil {
			w.Fatal(err)
		}
		before := w.last()
		for w.asked() < 4 { // the client itself repeats what is transient
			_, err := w.client.Myself(w.Context())
			var api *jsm.APIError
			if err != nil && (!errors.As(err, &api) || api.Class != jsm.Transient || api.Applied != jsm.No) {
				w.Fatalf("got %v", err)
			}
		}
		w.works()
		if w.last().Refresh == before.Refresh {
			w.Error("nothing new was kept")
		}
		time.Sleep(24 * time.Hour)
		w.works()
	})
}

func TestACrashBeforeKeepingHealsWithinTheLeeway(t *testing.T) {
	for _, c := range []struct {
		down time.Duration
		ok   bool
	}{{9 * time.Minute, true}, {11 * time.Minute, false}} {
		bubble(t, func(w *world) {
			old := w.last()
			time.Sleep(time.Hour)
			w.disk = errors.New("the power failed")
			if _, err := w.client.Myself(w.Context()); err == nil {
				w.Error("a token was used that was not kept")
			}
			w.disk = nil
			time.Sleep(c.down)
			w.start(old)
			_, err := w.client.Myself(w.Context())
			if c.ok != (err == nil) || !c.ok && !errors.Is(err, jsm.ErrLogin) {
				w.Errorf("after %s: %v", c.down, err)
			}
		})
	}
}

func TestAGrantThatCannotBeKeptIsNotUsed(t *testing.T) {
	bubble(t, func(w *world) {
		time.Sleep(time.Hour)
		w.disk = errors.New("no space left on device")
		for range 5 {
			if _, err := w.client.Myself(w.Context()); err == nil || !strings.Contains(err.Error(), "no space left") {
				w.Errorf("got %v", err)
			}
			time.Sleep(time.Minute)
		}
		w.mu.Lock()
		w.disk = nil
		w.mu.Unlock()
		time.Sleep(5 * time.Minute)
		w.works()
		if n := w.asked(); n != 1 {
			w.Errorf("%d renewals for one grant", n)
		}
	})
}

func TestAServerInTroubleIsAskedCalmly(t *testing.T) {
	bubble(t, func(w *world) {
		if err := w.tenant.Fault(sim.Fault{Kind: "status", Path: "/oauth/token", Status: 503, Times: -1}); err != nil {
			w.Fatal(err)
		}
		time.Sleep(59 * time.Minute)
		w.works() // its token has a minute left
		time.Sleep(time.Minute)
		for range 3600 {
			if _, err := w.oauth.Token(w.Context()); err == nil {
				w.Fatal("a dead token was handed out")
			}
			time.Sleep(time.Second)
		}
		if n := w.asked(); n > 70 || n < 50 {
			w.Errorf("asked %d times in an hour", n)
		}
		w.tenant.ClearFaults()
		time.Sleep(time.Minute)
		w.works()
	})
}

func TestARenewalThatIsGivenUpIsFinished(t *testing.T) {
	bubble(t, func(w *world) {
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancel(w.Context())
		inner := w.http.Transport
		w.http.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/oauth/token" {
				cancel() // the caller goes away while the server works
			}
			return inner.RoundTrip(r)
		})
		old := w.last().Refresh
		w.start(w.last())
		if _, err := w.oauth.Token(ctx); err != nil {
			w.Error(err)
		}
		if w.last().Refresh == old {
			w.Error("the new refresh token was lost")
		}
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAServiceAccountAsksAgainEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		app := w.tenant.Apps()[1]
		var err error
		w.oauth, err = jsm.NewOAuth(jsm.OAuthConfig{Server: w.tenant.URL(), Client: app.ID, Secret: jsm.Token(app.Secret), Service: true, HTTP: w.http})
		if err != nil {
			t.Fatal(err)
		}
		w.client = w.through(jsm.Auth{Token: w.oauth.Token, Renew: w.oauth.Renew})
		for range 180 {
			w.works()
			time.Sleep(time.Minute)
		}
		if n := w.asked(); n != 4 { // each is renewed two minutes early
			t.Errorf("%d questions in three hours", n)
		}
		w.tenant.Register(sim.App{ID: app.ID, Secret: "changed", Account: app.Account})
		time.Sleep(time.Hour)
		for range 600 {
			_, err := w.client.Myself(t.Context())
			var api *jsm.APIError
			if !errors.As(err, &api) || api.Class != jsm.Tenant || errors.Is(err, jsm.ErrLogin) || strings.Contains(err.Error(), app.Secret) {
				t.Fatalf("got %v", err)
			}
			time.Sleep(time.Second)
		}
		if n := w.asked(); n > 15 {
			t.Errorf("a wrong secret was tried %d times in ten minutes", n)
		}
	})
}
