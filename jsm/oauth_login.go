package jsm

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// DefaultScopes are the classic scopes that a node needs of Atlassian's 3LO [D]. Without
// offline_access there is no refresh token.
var DefaultScopes = []string{
	"read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook",
	"read:servicedesk-request", "write:servicedesk-request", "manage:servicedesk-customer", "offline_access",
}

// audience names the API that a consent is for [D].
const audience = "api.atlassian.com"

const maxReturned = 8 << 10 // bytes of the address that a browser comes back to

// Consent is one asking for a person's consent, by the authorization code flow with PKCE (RFC 7636;
// a server that does not know PKCE ignores it, RFC 6749 section 3.1).
type Consent struct {
	URL      string // where the person's browser goes
	Redirect string // where it comes back to
	state    string
	verifier string
}

// NewConsent begins a login. scopes empty: DefaultScopes.
func NewConsent(server, client, redirect string, scopes []string) (*Consent, error) {
	base, err := checkBase(server)
	if err != nil {
		return nil, fmt.Errorf("the authorization server: %w", err)
	}
	u, err := url.Parse(redirect)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address that a browser can come back to", redirect)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("%q would carry the code in clear; use https, or this machine", redirect)
	}
	if len(scopes) == 0 {
		scopes = DefaultScopes
	}
	c := &Consent{Redirect: redirect, state: rand.Text(), verifier: rand.Text() + rand.Text()} // 260 random bits in 52 characters; RFC 7636 asks for 43 to 128
	challenge := sha256.Sum256([]byte(c.verifier))
	c.URL = base + "/authorize?" + url.Values{
		"audience": {audience}, "client_id": {client}, "scope": {strings.Join(scopes, " ")},
		"redirect_uri": {redirect}, "state": {c.state}, "response_type": {"code"}, "prompt": {"consent"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	return c, nil
}

// ErrStranger means that an address was not the answer to this asking.
var ErrStranger = errors.New("this address does not answer this login")

// Answer reads the address that the browser came back to. ErrStranger where it belongs to another
// login, or to none.
func (c *Consent) Answer(returned string) (Answer, error) {
	u, err := url.Parse(strings.TrimSpace(returned))
	if err != nil || len(returned) > maxReturned {
		return Answer{}, fmt.Errorf("%w: it is no address", ErrStranger)
	}
	q := u.Query()
	switch {
	case subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(c.state)) != 1:
		return Answer{}, fmt.Errorf("%w: its state is another", ErrStranger)
	case q.Get("error") != "":
		return Answer{}, fmt.Errorf("the consent was not given: %s", clip(q.Get("error")+" "+q.Get("error_description"), maxMessage))
	case !plausibleToken(q.Get("code")):
		return Answer{}, fmt.Errorf("%w: it holds no code", ErrStranger)
	}
	return Answer{Code: q.Get("code"), Verifier: c.verifier, Redirect: c.Redirect}, nil
}

// Answer is a consent that was given; it is good once, for some minutes. It holds secrets.
type Answer struct{ Code, Verifier, Redirect string }

// Exchange makes a grant of a consent. The grant is in force only after Adopt.
func (o *OAuth) Exchange(ctx context.Context, a Answer) (Grant, error) {
	secret, err := o.cfg.Secret(ctx)
	if err != nil {
		return Grant{}, err
	}
	g, err := o.asks.ask(ctx, grantQuestion{
		Kind: "authorization_code", Client: o.cfg.Client, Secret: secret,
		Code: a.Code, Verifier: a.Verifier, Redirect: a.Redirect,
	})
	if err != nil {
		return Grant{}, err
	}
	if g.Refresh == "" {
		return Grant{}, errors.New("the server gave no refresh token, so the login would end with the hour: the scope offline_access is missing")
	}
	return g, nil
}

// Site is one that a grant opens.
type Site struct {
	Cloud string // cloud id
	URL   string
	Name  string
}

const maxSites = 1000

// Sites lists what an access token opens, as the gateway tells [D].
func Sites(ctx context.Context, h *http.Client, gateway, access string) ([]Site, error) {
	base, err := checkBase(gateway)
	if err != nil {
		return nil, fmt.Errorf("the gateway: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/oauth/token/accessible-resources", nil)
	if err != nil {
		return nil, errors.New("the gateway's address cannot be built")
	}
	authorize(req, "", access)
	raw, e := exchange(plainClient(h), req, opSites)
	if e != nil {
		hide(e, access, "")
		return nil, e
	}
	return readSites(raw)
}

func readSites(raw []byte) ([]Site, error) {
	var list []struct{ ID, URL, Name string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, unusable(opSites, http.StatusOK, false, Definite, "an answer that is no list of sites: "+shape(err))
	}
	var sites []Site
	for _, s := range list {
		if len(sites) < maxSites && goodCloud.MatchString(s.ID) {
			sites = append(sites, Site{Cloud: s.ID, URL: clip(s.URL, 255), Name: clip(s.Name, 255)})
		}
	}
	return sites, nil
}
