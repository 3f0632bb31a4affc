package jsm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// Operations of the authorization server and the gateway.
const (
	opGrant = "POST oauth/token"
	opSites = "GET oauth/token/accessible-resources"
	opCloud = "GET _edge/tenant_info"
)

const (
	maxGrant     = 64 << 10 // bytes of an answer of the authorization server; tokens are about 2 KiB
	maxOAuthText = 16 << 10 // bytes of a token
	// A lifetime that the server does not name, or names out of reason. Atlassian's is an hour [D].
	lifeUnknown, lifeMost = 5 * time.Minute, 24 * time.Hour
)

// grantServer is an authorization server's token endpoint.
type grantServer struct {
	base string
	http *http.Client
}

// grantQuestion is the body of a request, JSON as Atlassian documents it [D].
type grantQuestion struct {
	Kind     string `json:"grant_type"`
	Client   string `json:"client_id"`
	Secret   string `json:"client_secret"`
	Code     string `json:"code,omitempty"`
	Redirect string `json:"redirect_uri,omitempty"`
	Verifier string `json:"code_verifier,omitempty"`
	Refresh  string `json:"refresh_token,omitempty"`
	Scope    string `json:"scope,omitempty"`
}

// ask gets a grant. Errors are *APIError: invalid_grant wraps ErrLogin, any other refusal is
// Tenant, since no call can be made until a person acts. None holds a secret of the question.
func (s *grantServer) ask(ctx context.Context, q grantQuestion) (Grant, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return Grant{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, grantTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/oauth/token", bytes.NewReader(body))
	if err != nil {
		return Grant{}, &APIError{Op: opGrant, Class: Tenant, Applied: No, Messages: []string{"the address cannot be built"}}
	}
	req.Header.Set("Content-Type", "application/json")
	asked := time.Now() // the token's life is counted from here, so never too long
	raw, e := exchange(s.http, req, opGrant)
	if e != nil {
		if e.Class == Definite {
			e.Class = Tenant
		}
		if invalidGrant(e) {
			e.Err = ErrLogin
		}
		for _, secret := range []string{q.Secret, q.Refresh, q.Code, q.Verifier} {
			hide(e, secret, q.Client)
		}
		return Grant{}, e
	}
	g, why := readGrant(raw, asked)
	if why != "" {
		return Grant{}, unusable(opGrant, http.StatusOK, false, Tenant, why)
	}
	return g, nil
}

// GrantError finds the authorization server's own error in that of a call that it kept from being
// made; nil where it is not the cause.
func GrantError(err error) *APIError {
	for {
		api, ok := errors.AsType[*APIError](err)
		if !ok || api.Op == opGrant {
			return api
		}
		err = api.Err
	}
}

// invalidGrant recognizes the refusal of a code or a refresh token, whatever its status: Atlassian
// answers 403 [D], RFC 6749 says 400.
func invalidGrant(e *APIError) bool {
	for _, m := range e.Messages {
		if m == "invalid_grant" {
			return e.Status == 400 || e.Status == 401 || e.Status == 403
		}
	}
	return false
}

// readGrant decodes a token endpoint's answer (RFC 6749, section 5.1); why says what is wrong with it.
func readGrant(raw []byte, asked time.Time) (g Grant, why string) {
	var a struct {
		Access  string      `json:"access_token"`
		Refresh string      `json:"refresh_token"`
		Type    string      `json:"token_type"`
		Life    json.Number `json:"expires_in"`
		Scope   string      `json:"scope"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return Grant{}, "an answer that is no grant: " + shape(err)
	}
	switch {
	case !plausibleToken(a.Access):
		return Grant{}, "an answer without a usable access token"
	case a.Refresh != "" && !plausibleToken(a.Refresh):
		return Grant{}, "an answer with an unusable refresh token"
	case a.Type != "" && !strings.EqualFold(a.Type, "bearer"):
		return Grant{}, "an access token that is no bearer token"
	}
	life := lifeUnknown
	if seconds, err := a.Life.Int64(); err == nil && seconds > 0 {
		life = lifeMost
		if seconds < int64(lifeMost/time.Second) {
			life = time.Duration(seconds) * time.Second
		}
	}
	g = Grant{Access: a.Access, Refresh: a.Refresh, Since: asked, Until: asked.Add(life)}
	if f := strings.Fields(a.Scope); len(f) > 0 {
		g.Scopes = f
	}
	return g, ""
}

// plausibleToken tells whether a text can be a token in a header.
func plausibleToken(s string) bool {
	return s != "" && len(s) <= maxOAuthText && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x21 || r > 0x7e })
}

// exchange sends one request that is safe to repeat and reads a bounded answer.
func exchange(h *http.Client, req *http.Request, op string) ([]byte, *APIError) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "parley")
	resp, err := h.Do(req)
	if err != nil {
		return nil, lost(&call{op: op, method: http.MethodGet}, err, true)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxGrant+1))
	switch {
	case resp.StatusCode/100 != 2:
		return nil, refused(op, resp.StatusCode, resp.Header, raw, false, time.Now())
	case err != nil:
		return nil, lost(&call{op: op, method: http.MethodGet}, err, true)
	case len(raw) > maxGrant:
		return nil, unusable(op, resp.StatusCode, false, Tenant, "an answer that is too long")
	case isHTML(resp.Header, raw):
		return nil, unusable(op, resp.StatusCode, false, Tenant, "an HTML page instead of JSON: a login page or a proxy answers in its place")
	}
	return raw, nil
}

// plainClient is a client with the transport of h that follows no redirect.
func plainClient(h *http.Client) *http.Client {
	c := &http.Client{CheckRedirect: refuseRedirect}
	if h != nil {
		c.Transport = h.Transport
	}
	return c
}

// asAPIError is the failure of a call that could not be made for want of a credential or a way.
func asAPIError(op string, err error) *APIError {
	e := &APIError{Op: op, Class: Tenant, Applied: No, Trouble: TroubleSecret, Err: err}
	api, ok := errors.AsType[*APIError](err)
	switch {
	case errors.Is(err, ErrLogin):
		e.Trouble = TroubleLogin
	case ok && api.Class != Tenant:
		e.Class, e.Trouble, e.RetryAfter = api.Class, api.Trouble, api.RetryAfter
	case ok && api.Op != opGrant:
		e.Trouble = api.Trouble
	}
	return e
}
