package node

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"parley/conf"
	"parley/jsm"
)

// Login is a person's consent on its way: begun by a command, finished by the
// node, which alone writes the login down.
type Login struct {
	URL  string // where the person's browser goes
	home string
	ask  *jsm.Consent
}

// BeginLogin prepares asking for consent for the home's tenant. redirect is where the
// browser comes back to, exactly as it is registered with the client. No call is made.
func BeginLogin(home, redirect string) (*Login, error) {
	c, err := readNode(home)
	if err != nil {
		return nil, err
	}
	if c.Tenant.Auth != conf.AuthOAuth {
		return nil, advise(fmt.Errorf("auth = %q in %s: nobody logs in to this tenant by consent", c.Tenant.Auth, nodeFile),
			`set auth = "oauth", client_id and client_secret_env (or _file, _command) under [tenant]`)
	}
	ask, err := jsm.NewConsent(c.Tenant.AuthServer, c.Tenant.Client, redirect, c.Tenant.Scopes)
	if err != nil {
		return nil, err
	}
	return &Login{URL: ask.URL, home: home, ask: ask}, nil
}

// Ours tells whether an address that a browser was sent to answers this login: a
// consent, or a refusal of it.
func (l *Login) Ours(returned string) bool {
	_, err := l.ask.Answer(returned)
	return !errors.Is(err, jsm.ErrStranger)
}

// Finish takes the address that the browser was sent to, and has the node
// that runs in the home, or this process where none runs, log in.
func (l *Login) Finish(ctx context.Context, returned string) (AuthStatus, error) {
	answer, err := l.ask.Answer(returned)
	if errors.Is(err, jsm.ErrStranger) {
		return AuthStatus{}, advise(err, "give the whole address that the browser was sent to after this very login was begun")
	}
	if err != nil {
		return AuthStatus{}, advise(err, "log in again, and accept; the person needs access to the site")
	}
	return finishLogin.Ask(ctx, l.home, answer)
}

var finishLogin = op("auth-login", (*Node).finishLogin)

func (n *Node) finishLogin(ctx context.Context, a jsm.Answer) (AuthStatus, error) {
	if err := n.unchanged(); err != nil {
		return AuthStatus{}, err
	}
	l := &n.tenant.login
	if l.oauth == nil || n.conf.Tenant.Auth != conf.AuthOAuth {
		return AuthStatus{}, advise(errors.New("this node does not log in by consent"), `set auth = "oauth" under [tenant]`)
	}
	g, err := l.oauth.Exchange(ctx, a)
	if err != nil {
		return AuthStatus{}, advise(fmt.Errorf("exchanging the consent: %w", err), "a code is good once and for some minutes: begin again; or compare client_id and the client's secret with the developer console")
	}
	k, err := n.vet(ctx, g)
	if err != nil {
		return AuthStatus{}, err
	}
	if err := l.adopt(ctx, k); err != nil {
		return AuthStatus{}, err
	}
	n.log.Info("somebody has logged in to the tenant")
	if _, err := n.tenant.client.Myself(ctx); err != nil { // which also ends the wait for a tenant that refused us
		return AuthStatus{}, advise(fmt.Errorf("using the new login: %w", err), "%s", n.tenantNext(err))
	}
	return n.authStatus(ctx, Nothing{})
}

// unchanged refuses to log in to another tenant than the one that parley.toml
// names by now.
func (n *Node) unchanged() error {
	c, err := readNode(n.home)
	if err != nil {
		return err
	}
	was, is := n.conf.Tenant, c.Tenant
	if was.URL != is.URL || was.Auth != is.Auth || was.Client != is.Client || was.AuthServer != is.AuthServer || was.Gateway != is.Gateway {
		return advise(fmt.Errorf("[tenant] in %s has changed since the node was started", nodeFile), "start the node again, then log in")
	}
	return nil
}

// vet finds the tenant among the sites that a grant opens, and asks it who we
// are. It is the one use of an access token before its refresh token is on disk:
// a consent that is of no use must not displace a good login, and a crash here
// loses only a login that nobody was told of.
func (n *Node) vet(ctx context.Context, g jsm.Grant) (keptGrant, error) {
	k, err := n.siteOf(ctx, g)
	if err != nil {
		return k, err
	}
	t := n.conf.Tenant
	way, err := jsm.NewGateway(t.Gateway, t.URL, k.Cloud, n.tenant.login.http)
	if err != nil {
		return k, err
	}
	client, err := jsm.New(jsm.Config{
		Base: t.URL, HTTP: n.tenant.login.http, Calls: n.Calls(), Auth: jsm.Auth{Token: jsm.Token(g.Access), Base: way.Base},
	})
	if err != nil {
		return k, err
	}
	me, err := client.Myself(ctx)
	if err != nil {
		return k, advise(fmt.Errorf("trying the login: %w", err), "%s", n.tenantNext(err))
	}
	k.Account = me.AccountID
	return k, nil
}

// siteOf finds the tenant among the sites that a grant opens.
func (n *Node) siteOf(ctx context.Context, g jsm.Grant) (keptGrant, error) {
	t := n.conf.Tenant
	k := keptGrant{Site: t.URL, Server: t.AuthServer, Client: t.Client}
	k.take(g)
	sites, err := jsm.Sites(ctx, n.tenant.login.http, t.Gateway, g.Access)
	if err != nil {
		return k, fmt.Errorf("asking which sites the consent opens: %w", err)
	}
	var others []string
	for _, s := range sites {
		if sameSite(s.URL, t.URL) && (t.CloudID == "" || t.CloudID == s.Cloud) {
			k.Cloud = s.Cloud
			return k, nil
		}
		others = append(others, s.URL)
	}
	slices.Sort(others)
	return k, advise(fmt.Errorf("the consent does not open %s, but: %s", t.URL, strings.Join(others, ", ")),
		"log in again and choose that site, or correct url in %s", nodeFile)
}

// sameSite compares two addresses of sites by scheme and host.
func sameSite(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}
