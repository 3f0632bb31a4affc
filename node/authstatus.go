package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/conf"
	"parley/jsm"
)

// AuthStatus tells how the node logs in to its tenant, and until when that
// holds. It holds no secret.
type AuthStatus struct {
	Auth    string     `json:"auth"` // token, oauth, client_credentials
	Site    string     `json:"site"`
	Gateway string     `json:"gateway,omitempty"`   // where calls go; absent: to the site
	Cloud   string     `json:"cloud_id,omitempty"`  // the site's id there, where it is known
	User    string     `json:"user,omitempty"`      // of an API token
	Client  string     `json:"client_id,omitempty"` //
	Account string     `json:"account,omitempty"`   // account id of whoever consented
	Scopes  []string   `json:"scopes"`              // granted; never null
	State   string     `json:"state"`               // ok, ending, ended, login, failing
	Expires string     `json:"expires,omitempty"`   // day on which the credential ends, as parley.toml says
	Renewed *time.Time `json:"renewed,omitempty"`   // when the access token was got
	Until   *time.Time `json:"until,omitempty"`     // its end; it is renewed by itself
	Unused  *time.Time `json:"unused,omitempty"`    // when the login ends if the node does not run until then
	Detail  string     `json:"detail"`
	Next    string     `json:"next,omitempty"`
}

// What AuthStatus.State can be.
const (
	authOK      = "ok"
	authEnding  = "ending"  // within the first of expiryStages
	authEnded   = "ended"   // its day has come
	authLogin   = "login"   // a person must log in
	authFailing = "failing" // it could not be renewed last time
)

// refreshQuiet is how long Atlassian keeps a refresh token that nobody uses [D].
const refreshQuiet = 90 * 24 * time.Hour

// AuthStatusOf asks how the node logs in. No call is made.
var AuthStatusOf = op("auth-status", (*Node).authStatus)

func (n *Node) authStatus(context.Context, Nothing) (AuthStatus, error) {
	t, now := n.conf.Tenant, time.Now()
	s := AuthStatus{
		Auth: cmp.Or(t.Auth, conf.AuthToken), Site: t.URL, Gateway: t.Gateway, Cloud: t.CloudID,
		User: t.User, Client: t.Client, Scopes: slices.Clone(t.Scopes), State: authOK,
	}
	if l := &n.tenant.login; l.oauth != nil {
		n.oauthStatus(&s, now)
	} else {
		s.Detail = "an API token, where " + nodeFile + " says"
	}
	if s.Scopes == nil {
		s.Scopes = []string{}
	}
	if !t.Expires.IsZero() {
		s.Expires = t.Expires.Format(time.DateOnly)
		e := ending(t, now)
		if e.stage > 0 && s.State == authOK {
			s.State, s.Detail, s.Next = authEnding, e.text, e.next
		}
		if e.left <= 0 {
			s.State, s.Detail, s.Next = authEnded, e.text, e.next
		}
	}
	return s, nil
}

func (n *Node) oauthStatus(s *AuthStatus, now time.Time) {
	l := &n.tenant.login
	l.mu.Lock()
	s.Cloud, s.Account = cmp.Or(s.Cloud, l.kept.Cloud), l.kept.Account
	l.mu.Unlock()
	g, fault := l.oauth.Known()
	if !g.Since.IsZero() {
		s.Renewed, s.Until = &g.Since, &g.Until
		s.Scopes = g.Scopes
	}
	person := s.Auth == conf.AuthOAuth
	if person && s.Renewed != nil {
		unused := g.Since.Add(refreshQuiet)
		s.Unused = &unused
	}
	switch {
	case errors.Is(fault, jsm.ErrLogin):
		s.State, s.Detail, s.Next = authLogin, fault.Error(), loginNext
		if s.Renewed == nil {
			s.Detail = "nobody has logged in yet"
		}
	case fault != nil:
		s.State, s.Detail, s.Next = authFailing, fault.Error(), n.tenantNext(fault)
	case person:
		s.Detail = fmt.Sprintf("a person's login, renewed %s", g.Since.UTC().Format(time.RFC3339))
		if lacks := missingScopes(n.conf.Tenant, g.Scopes); len(lacks) > 0 {
			s.Detail += "; not granted: " + strings.Join(lacks, ", ")
			s.Next = "add these scopes to the client in the developer console, and log in again"
		}
	default:
		s.Detail = "a service account's client credentials"
	}
	if s.Unused != nil && s.State == authOK && s.Unused.Sub(now) < expiryStages[1] {
		s.State, s.Detail = authEnding, fmt.Sprintf("the login has not been used since %s", g.Since.UTC().Format(time.DateOnly))
		s.Next = "let the node run before " + s.Unused.UTC().Format(time.DateOnly)
	}
}

// missingScopes are those that were asked for and not granted, where the server
// said what it granted.
func missingScopes(t conf.Tenant, granted []string) (lacks []string) {
	if len(granted) == 0 {
		return nil
	}
	asked := t.Scopes
	if len(asked) == 0 {
		asked = jsm.DefaultScopes
	}
	for _, s := range asked {
		if !slices.Contains(granted, s) {
			lacks = append(lacks, s)
		}
	}
	return lacks
}

const loginNext = "parley auth login"

// Holds reports whether nobody has to act for the node to log in.
func (s AuthStatus) Holds() bool { return s.State == authOK || s.State == authEnding }
