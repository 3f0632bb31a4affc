package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"parley/conf"
	"parley/jsm"
)

// login is how this process gets its credential: an API token from where
// parley.toml says, a person's consent that is renewed by itself, or a service
// account's id and secret.
type login struct {
	oauth   *jsm.OAuth   // nil with an API token
	gateway *jsm.Gateway // nil where calls go to the site itself
	http    *http.Client // to the authorization server and the gateway

	mu   sync.Mutex // guards kept
	kept keptGrant  // what the file says, or is about to
}

// carry sends requests over whatever carries the tenant's.
type carry func(*http.Request) (*http.Response, error)

func (c carry) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// credential sets the login up and says how the client uses it. No call is made.
func (t *tenant) credential(c *conf.Node, log *slog.Logger) (jsm.Auth, error) {
	l := &t.login
	l.http = &http.Client{Transport: carry(func(r *http.Request) (*http.Response, error) { return t.heard.next.RoundTrip(r) })}
	auth := jsm.Auth{User: c.Tenant.User, Token: func(ctx context.Context) (string, error) { return t.fetch(ctx, c) }}
	if c.Tenant.Auth == conf.AuthOAuth || c.Tenant.Auth == conf.AuthClient {
		if err := l.open(c, log); err != nil {
			return auth, err
		}
		auth = jsm.Auth{Token: l.oauth.Token, Renew: l.oauth.Renew}
	}
	if c.Tenant.Gateway == "" {
		return auth, nil
	}
	cloud := c.Tenant.CloudID
	if cloud == "" {
		cloud = l.kept.Cloud
	}
	var err error
	if l.gateway, err = jsm.NewGateway(c.Tenant.Gateway, c.Tenant.URL, cloud, l.http); err != nil {
		return auth, fmt.Errorf("setting up the gateway of %s: %w", nodeFile, err)
	}
	auth.Base = l.gateway.Base
	return auth, nil
}

// open makes the source of access tokens. A login that cannot be read stops no
// node from starting: its calls fail, and say what to do.
func (l *login) open(c *conf.Node, log *slog.Logger) error {
	cfg := jsm.OAuthConfig{
		Server: c.Tenant.AuthServer, Client: c.Tenant.Client, Scopes: c.Tenant.Scopes, HTTP: l.http, Logger: log,
		Secret: func(ctx context.Context) (string, error) {
			secret, err := c.Tenant.Secret.Read(ctx, c.Home(), "client secret")
			if err == nil && secret == "" {
				err = errors.New("no client secret is named under [tenant]")
			}
			return secret, err
		},
		Service: c.Tenant.Auth == conf.AuthClient,
	}
	if !cfg.Service && c.Home() != "" {
		l.kept, cfg.Fault = readGrant(c.Home(), c.Tenant)
		cfg.Grant = l.kept.grant()
	}
	cfg.Keep = func(g jsm.Grant) error {
		l.mu.Lock()
		l.kept.take(g)
		k := l.kept
		l.mu.Unlock()
		return writeGrant(c.Home(), k)
	}
	var err error
	if l.oauth, err = jsm.NewOAuth(cfg); err != nil {
		return fmt.Errorf("setting up the login of %s: %w", nodeFile, err)
	}
	return nil
}

// adopt puts a new login in force, for one site.
func (l *login) adopt(ctx context.Context, k keptGrant) error {
	l.mu.Lock()
	before := l.kept
	l.kept = k
	l.mu.Unlock()
	if err := l.oauth.Adopt(ctx, k.grant()); err != nil {
		l.mu.Lock()
		l.kept = before
		l.mu.Unlock()
		return err
	}
	l.gateway.Know(k.Cloud)
	return nil
}

// probe fetches the credential, so that what is missing shows before a call.
func (t *tenant) probe(ctx context.Context, c *conf.Node) error {
	if t.login.oauth != nil {
		_, err := t.login.oauth.Token(ctx)
		return err
	}
	_, err := t.fetch(ctx, c)
	return err
}

// scoped finds out whether an API token that the site refuses is taken by the
// gateway: then it is one with scopes. Only a site of Atlassian's own is tried
// (its token reaches nobody new), and a simulated one, which is its own gateway.
func (t *tenant) scoped(ctx context.Context, c *conf.Node) bool {
	if c.Tenant.Gateway != "" || t.login.oauth != nil || c.Tenant.User == "" {
		return false
	}
	at, err := url.Parse(c.Tenant.URL)
	if err != nil {
		return false
	}
	gateway := c.Tenant.URL
	switch host := at.Hostname(); {
	case strings.HasSuffix(host, ".atlassian.net"):
		gateway = "https://api.atlassian.com"
	case host != "localhost" && host != "127.0.0.1":
		return false
	}
	way, err := jsm.NewGateway(gateway, c.Tenant.URL, c.Tenant.CloudID, t.login.http)
	if err != nil {
		return false
	}
	client, err := jsm.New(jsm.Config{
		Base: c.Tenant.URL, HTTP: t.login.http, Calls: t.client.Calls(),
		Auth: jsm.Auth{User: c.Tenant.User, Token: func(ctx context.Context) (string, error) { return t.fetch(ctx, c) }, Base: way.Base},
	})
	if err != nil {
		return false
	}
	_, err = client.Myself(ctx)
	return err == nil || jsm.IsScopeMissing(err)
}
