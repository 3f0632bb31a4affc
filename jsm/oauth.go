package jsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ErrLogin means that no access token can be had until a person logs in again: nobody has yet, or
// the refresh token is spent, expired or revoked.
var ErrLogin = errors.New("the login is over: a person must log in again")

const (
	// renewEarly is how long before its end an access token is renewed: longer than a call may take
	// and than two clocks usually differ. Of a short-lived token it is a quarter of its life.
	renewEarly = 2 * time.Minute
	// After a renewal that a 401 forced, the next may be forced after forcedFirst, then twice as
	// long each time until none was needed for a while: not every 401 is of a dead token, and it must
	// not become a storm of renewals.
	forcedFirst, forcedMost = time.Second, 5 * time.Minute
	// grantTimeout bounds one question to the authorization server, which is never given up sooner.
	grantTimeout = 20 * time.Second
	// After a failed renewal the next one waits: a second, then twice as long each time. While the
	// server has trouble at most a minute, so that a refresh token whose answer was lost is tried
	// again within the ten minutes for which Atlassian still takes it [D]; where it refuses the
	// client, five.
	restFirst, restTransient, restRefused = time.Second, time.Minute, 5 * time.Minute
)

// Grant is what an authorization server has given us. It holds secrets.
type Grant struct {
	Access  string    // opens the API; "": none
	Until   time.Time // its end, by our clock
	Since   time.Time // when it was given
	Refresh string    // good for one renewal, which brings the next one; "" of a service account
	Scopes  []string  // what it may do, as the server said; nil: it did not say
}

// OAuthConfig describes one login.
type OAuthConfig struct {
	Server  string                                // https://auth.atlassian.com; http only to this machine
	Client  string                                // client id
	Secret  func(context.Context) (string, error) // the client's secret, asked for each time
	Service bool                                  // client credentials: a service account, nobody logs in
	Scopes  []string                              // asked for; empty: what the client was registered with
	Grant   Grant                                 // as it was kept; zero: none yet
	Fault   error                                 // why what was kept cannot be read: stands until Adopt
	Keep    func(Grant) error                     // returns once the grant is on disk; required unless Service
	HTTP    *http.Client                          // as Config.HTTP
	Logger  *slog.Logger                          // nil: silent
}

// OAuth hands out access tokens and renews them, one renewal at a time. A renewed refresh token is
// kept before the access token that came with it is handed out: after a crash the disk holds one
// that is still good, or that the server still takes for some minutes. It is safe for concurrent use.
type OAuth struct {
	cfg  OAuthConfig
	asks *grantServer
	log  *slog.Logger
	turn chan struct{} // holds one while the server is asked or the grant kept

	mu     sync.Mutex // guards the fields below
	grant  Grant
	unkept bool          // grant is newer than what Keep has taken
	forced time.Time     // when a 401 last forced a renewal
	pace   time.Duration // how soon after it another may be forced
	fault  error         // of the last renewal
	until  time.Time     // no renewal before this; zero with a fault: none before Adopt
	step   time.Duration
}

// NewOAuth checks the configuration and makes no call.
func NewOAuth(cfg OAuthConfig) (*OAuth, error) {
	server, err := checkBase(cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("the authorization server: %w", err)
	}
	switch {
	case cfg.Client == "":
		return nil, errors.New("jsm: no client id")
	case cfg.Secret == nil:
		return nil, errors.New("jsm: no client secret")
	case cfg.Keep == nil && !cfg.Service:
		return nil, errors.New("jsm: nothing keeps the refresh token")
	}
	o := &OAuth{
		cfg: cfg, asks: &grantServer{base: server, http: plainClient(cfg.HTTP)}, log: cfg.Logger,
		turn: make(chan struct{}, 1), grant: cfg.Grant, fault: cfg.Fault,
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	if o.fault == nil && o.grant.Refresh == "" && !cfg.Service {
		o.fault = &APIError{Op: opGrant, Class: Tenant, Applied: No, Err: ErrLogin}
	}
	return o, nil
}

// Token gives an access token that is good for a while. It fits Auth.Token.
func (o *OAuth) Token(ctx context.Context) (string, error) {
	if g, ok := o.fresh(); ok {
		return g.Access, nil
	}
	return o.renewed(ctx)
}

// Renew reports whether another token than the refused one can be had, and gets it. It fits Auth.Renew.
func (o *OAuth) Renew(ctx context.Context, refused string) bool {
	o.mu.Lock()
	if o.grant.Access == refused {
		since := time.Since(o.forced)
		if since < o.pace {
			o.mu.Unlock()
			return false
		}
		if since > 2*forcedMost {
			o.pace = 0
		}
		o.forced, o.pace = time.Now(), min(max(2*o.pace, forcedFirst), forcedMost)
		o.grant.Access, o.grant.Until = "", time.Time{} // whatever its time, it is dead
	}
	o.mu.Unlock()
	token, err := o.Token(ctx)
	return err == nil && token != refused
}

// Known tells what is held, without its secrets, and why the last renewal failed (nil: it did not).
func (o *OAuth) Known() (Grant, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	g := o.grant
	g.Access, g.Refresh = "", ""
	return g, o.fault
}

// Adopt takes a new login. It returns once the grant is kept; after an error the old one stands.
func (o *OAuth) Adopt(ctx context.Context, g Grant) error {
	if err := o.enter(ctx); err != nil {
		return err
	}
	defer o.leave()
	if err := o.cfg.Keep(g); err != nil {
		return fmt.Errorf("keeping the login: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.grant, o.unkept, o.forced, o.pace = g, false, time.Time{}, 0
	o.fault, o.until, o.step = nil, time.Time{}, 0
	return nil
}

func (o *OAuth) enter(ctx context.Context) error {
	select {
	case o.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *OAuth) leave() { <-o.turn }

// fresh is the grant where its token need not be renewed yet.
func (o *OAuth) fresh() (Grant, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	g := o.grant
	early := min(renewEarly, g.Until.Sub(g.Since)/4)
	return g, g.Access != "" && !o.unkept && time.Until(g.Until) > early
}

// renewed waits for its turn and renews, unless another has meanwhile. Where the server has trouble,
// a token that has not ended yet will do.
func (o *OAuth) renewed(ctx context.Context) (string, error) {
	if err := o.enter(ctx); err != nil {
		return "", err
	}
	defer o.leave()
	g, ok := o.fresh()
	if ok {
		return g.Access, nil
	}
	err := o.resting()
	if err == nil {
		err = o.renew(ctx)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil || o.grant.Access != "" && !o.unkept && time.Until(o.grant.Until) > 0 {
		return o.grant.Access, nil
	}
	return "", err
}

// resting is the last fault for as long as it keeps us from asking again.
func (o *OAuth) resting() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fault == nil || !o.until.IsZero() && !time.Now().Before(o.until) {
		return nil
	}
	api, ok := errors.AsType[*APIError](o.fault)
	if !ok || o.until.IsZero() {
		return o.fault
	}
	later := *api
	later.RetryAfter = time.Until(o.until)
	return &later
}

// renew asks for a new grant, and keeps it before it is used. It runs on its turn. A renewal that
// the caller gave up is finished all the same: its answer may be the only good refresh token.
func (o *OAuth) renew(ctx context.Context) error {
	o.mu.Lock()
	g, unkept := o.grant, o.unkept
	o.mu.Unlock()
	if !unkept {
		start := time.Now()
		fresh, err := o.ask(ctx, g)
		if err != nil && ctx.Err() != nil && !errors.Is(err, ErrLogin) {
			return err // the caller gave up: that is no fault of the login
		}
		if err != nil {
			return o.failed(err)
		}
		o.log.Info("the access token was renewed", "took", time.Since(start))
		g = fresh
		o.mu.Lock()
		o.grant, o.unkept = g, !o.cfg.Service
		o.mu.Unlock()
	}
	if !o.cfg.Service {
		if err := o.cfg.Keep(g); err != nil {
			return o.failed(&APIError{Op: opGrant, Class: Tenant, Applied: No, Err: fmt.Errorf("keeping the renewed login: %w", err)})
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unkept, o.fault, o.until, o.step = false, nil, time.Time{}, 0
	return nil
}

func (o *OAuth) ask(ctx context.Context, g Grant) (Grant, error) {
	secret, err := o.cfg.Secret(ctx)
	if err != nil {
		return Grant{}, &APIError{Op: opGrant, Class: Tenant, Applied: No, Err: err}
	}
	q := grantQuestion{Kind: "refresh_token", Client: o.cfg.Client, Secret: secret, Refresh: g.Refresh}
	if o.cfg.Service {
		q.Kind, q.Refresh, q.Scope = "client_credentials", "", strings.Join(o.cfg.Scopes, " ")
		return o.asks.ask(ctx, q)
	}
	fresh, err := o.asks.ask(context.WithoutCancel(ctx), q)
	if err != nil {
		return Grant{}, err
	}
	if fresh.Refresh == "" { // a server that does not rotate them sends none (RFC 6749, section 6)
		fresh.Refresh = g.Refresh
	}
	if fresh.Scopes == nil {
		fresh.Scopes = g.Scopes
	}
	return fresh, nil
}

// failed notes why a renewal failed, and when the next may be tried.
func (o *OAuth) failed(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fault, o.until = err, time.Time{}
	if errors.Is(err, ErrLogin) {
		o.log.Error("the tenant's login is over", "err", err)
		return err
	}
	most, asked := restRefused, time.Duration(0)
	if api, ok := errors.AsType[*APIError](err); ok {
		asked = api.RetryAfter
		if api.Class == Transient {
			most = restTransient
		}
	}
	o.step = min(max(2*o.step, restFirst), most)
	o.until = time.Now().Add(max(o.step, asked))
	o.log.Warn("the access token could not be renewed", "err", err, "took", o.step)
	return err
}
