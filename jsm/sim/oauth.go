package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Atlassian's authorization server and API gateway, as far as one site is concerned. The tenant's own address
// stands for auth.atlassian.com and api.atlassian.com too, so a client is told three times the same base.
//
//	GET  /authorize                          the consent page (oauth_consent.go)
//	POST /oauth/token                        authorization_code, refresh_token, client_credentials (oauth_token.go)
//	GET  /oauth/token/accessible-resources   the sites that an access token opens
//	     /ex/jira/{cloudId}/rest/…           the site by access token or scoped API token (oauth_gate.go)
//
// Facts are Atlassian's (OAuth 2.0 (3LO) apps, service accounts, scoped API tokens): refresh tokens rotate, a
// used one is taken for ten more minutes, an unused one for 90 days; access tokens last an hour.
const (
	accessLife   = time.Hour
	codeLife     = 5 * time.Minute // not documented; RFC 6749 recommends at most ten
	reuseLeeway  = 10 * time.Minute
	refreshQuiet = 90 * 24 * time.Hour
)

// The scopes that exist here, classic ones.
var knownScopes = []string{"read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook", "manage:jira-configuration", "manage:jira-project",
	"read:servicedesk-request", "write:servicedesk-request", "manage:servicedesk-customer", "read:me", "offline_access"}

// App is an OAuth client as the developer console, or an organization's admin page, registered it.
type App struct {
	Name      string   `json:"name"`
	ID        string   `json:"clientId"`
	Secret    string   `json:"clientSecret"`
	Redirects []string `json:"redirects,omitempty"` // exact; empty: the app cannot ask people for consent
	Scopes    []string `json:"scopes"`
	Account   string   `json:"account,omitempty"` // e-mail of the service account that its client credentials stand for; empty: none
}

// A consent is what one person allowed one app; every token of it dies with it.
type consent struct {
	app    *App
	who    *user
	scopes []string
	dead   bool
}

type code struct {
	*consent
	redirect, challenge string
	until               time.Time
	used                bool
}

type access struct {
	*consent
	until time.Time
}

type refresh struct {
	*consent
	until time.Time // unused until then
	spent time.Time // zero: not used yet
}

// oauth is what the authorization server remembers. Access tokens hold scoped API tokens too.
type oauth struct {
	apps    map[string]*App
	codes   map[string]*code
	access  map[string]*access
	refresh map[string]*refresh
	scoped  map[string]*access // API tokens with scopes
	n       int
}

// theOAuth gives the server's memory, with the two built-in apps at first.
func (t *Tenant) theOAuth() *oauth {
	o := &t.oauth
	if o.apps != nil {
		return o
	}
	o.apps, o.codes, o.access = map[string]*App{}, map[string]*code{}, map[string]*access{}
	o.refresh, o.scoped = map[string]*refresh{}, map[string]*access{}
	all := knownScopes[:len(knownScopes)-1]
	for _, a := range []App{
		{Name: "parley", Scopes: knownScopes, Redirects: []string{"http://localhost:7845/callback", "http://127.0.0.1:7845/callback"}},
		{Name: "service", Scopes: all, Account: t.emailOf(Sync)},
	} {
		a.ID, a.Secret = "sim-"+t.name+"-"+a.Name, t.secret("client "+a.Name)
		o.apps[a.ID] = &a
	}
	return o
}

func (t *Tenant) emailOf(role Role) string {
	for _, u := range t.people.list {
		if u.role == role {
			return u.email
		}
	}
	return ""
}

// secret makes a token that is the same in every run of the same calls.
func (t *Tenant) secret(of string) string {
	t.oauth.n++
	sum := sha256.Sum256([]byte("oauth " + t.name + " " + of + " " + strconv.Itoa(t.oauth.n)))
	return "sim" + hex.EncodeToString(sum[:20])
}

// Apps lists the registered OAuth clients: the one that asks people, then the service account's, then further ones.
func (t *Tenant) Apps() []App {
	defer t.enter()()
	o := t.theOAuth()
	first := []string{"sim-" + t.name + "-parley", "sim-" + t.name + "-service"}
	out := []App{*o.apps[first[0]], *o.apps[first[1]]}
	for _, id := range sortedKeys(o.apps) {
		if !slices.Contains(first, id) {
			out = append(out, *o.apps[id])
		}
	}
	return out
}

// Register adds an OAuth client or replaces the one of its id. Empty Scopes: all there are.
func (t *Tenant) Register(a App) {
	defer t.enter()()
	t.register(a)
}

func (t *Tenant) register(a App) *App {
	if len(a.Scopes) == 0 {
		a.Scopes = knownScopes
	}
	t.theOAuth().apps[a.ID] = &a
	return &a
}

// ScopedToken makes an API token with scopes for an account; zero until: it does not end. "" where nobody has the address.
func (t *Tenant) ScopedToken(email string, until time.Time, scopes ...string) string {
	defer t.enter()()
	return t.scopedToken(email, until, scopes)
}

func (t *Tenant) scopedToken(email string, until time.Time, scopes []string) string {
	u := t.people.byEmail[strings.ToLower(email)]
	if u == nil {
		return ""
	}
	if until.IsZero() {
		until = t.now().AddDate(100, 0, 0)
	}
	o := t.theOAuth()
	token := "ATATT-" + t.secret("scoped "+email)
	o.scoped[token] = &access{&consent{who: u, scopes: scopes}, until}
	return token
}

// ExpireAccess ends every access token now; refresh tokens stay.
func (t *Tenant) ExpireAccess() {
	defer t.enter()()
	clear(t.theOAuth().access)
}

// RevokeConsents ends every login: its access and refresh tokens are refused from now on.
func (t *Tenant) RevokeConsents() {
	defer t.enter()()
	t.revokeConsents()
}

func (t *Tenant) revokeConsents() {
	o := t.theOAuth()
	for _, r := range o.refresh {
		r.dead = true
	}
	for _, a := range o.access {
		a.dead = true
	}
}

func (t *Tenant) oauthRoutes(r *router) {
	r.add("POST", "/oauth/token", giveToken).open = true
	r.add("GET", "/oauth/token/accessible-resources", accessibleResources).open = true
	r.add("GET", "/sim/oauth", func(c *call) answer {
		o := c.t.theOAuth()
		apps := []any{}
		for _, id := range sortedKeys(o.apps) {
			apps = append(apps, o.apps[id])
		}
		return ok(obj{"apps": apps, "accessTokens": len(o.access), "refreshTokens": len(o.refresh), "cloudId": c.t.cloudID})
	})
	r.add("POST", "/sim/oauth", simRegister)
	r.add("POST", "/sim/oauth/token", simScopedToken)
	r.add("POST", "/sim/oauth/expire", func(c *call) answer { clear(c.t.theOAuth().access); return noContent() })
	r.add("POST", "/sim/oauth/revoke", func(c *call) answer { c.t.revokeConsents(); return noContent() })
}

func simRegister(c *call) answer {
	var a App
	if bad, fine := c.decode(&a); !fine {
		return bad
	}
	if a.ID == "" || a.Secret == "" {
		return refuse(http.StatusBadRequest, "clientId and clientSecret are needed")
	}
	return created(c.t.register(a))
}

func simScopedToken(c *call) answer {
	var in struct {
		Email   string   `json:"email"`
		Scopes  []string `json:"scopes"`
		Seconds int      `json:"seconds"` // until it ends; 0: never
	}
	if bad, fine := c.decode(&in); !fine {
		return bad
	}
	var until time.Time
	if in.Seconds > 0 {
		until = c.now.Add(time.Duration(in.Seconds) * time.Second)
	}
	token := c.t.scopedToken(in.Email, until, in.Scopes)
	if token == "" {
		return refuse(http.StatusNotFound, "nobody has this address")
	}
	return created(obj{"token": token})
}
