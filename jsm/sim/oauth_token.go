package sim

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// tokenQuestion is the body of POST /oauth/token, JSON as Atlassian documents it.
type tokenQuestion struct {
	Kind     string `json:"grant_type"`
	Client   string `json:"client_id"`
	Secret   string `json:"client_secret"`
	Code     string `json:"code"`
	Redirect string `json:"redirect_uri"`
	Verifier string `json:"code_verifier"`
	Refresh  string `json:"refresh_token"`
	Scope    string `json:"scope"`
}

// oauthRefuse is the authorization server's shape of an error (RFC 6749, section 5.2).
func oauthRefuse(status int, word, sentence string) answer {
	return answer{status: status, body: obj{"error": word, "error_description": sentence}}
}

func giveToken(c *call) answer {
	var q tokenQuestion
	if _, fine := c.decode(&q); !fine {
		return oauthRefuse(http.StatusBadRequest, "invalid_request", "The request body is not valid JSON.")
	}
	app := c.t.theOAuth().apps[q.Client]
	if app == nil || subtle.ConstantTimeCompare([]byte(app.Secret), []byte(q.Secret)) != 1 {
		return oauthRefuse(http.StatusUnauthorized, "access_denied", "Unauthorized")
	}
	switch q.Kind {
	case "authorization_code":
		return c.byCode(app, q)
	case "refresh_token":
		return c.byRefresh(app, q)
	case "client_credentials":
		return c.byClient(app, q)
	}
	return oauthRefuse(http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant type: "+q.Kind)
}

// byCode takes a code once. A second time ends every token of it: somebody has stolen it (RFC 6749, section 4.1.2).
func (c *call) byCode(app *App, q tokenQuestion) answer {
	k := c.t.theOAuth().codes[q.Code]
	switch {
	case k == nil || k.app.ID != app.ID || k.dead || !c.now.Before(k.until):
		return oauthRefuse(http.StatusForbidden, "invalid_grant", "Invalid authorization code")
	case k.used:
		k.dead = true
		return oauthRefuse(http.StatusForbidden, "invalid_grant", "Invalid authorization code")
	case k.redirect != q.Redirect:
		return oauthRefuse(http.StatusForbidden, "invalid_grant", "redirect_uri is different from the one of the authorization request")
	case k.challenge != "" && !verifies(k.challenge, q.Verifier):
		return oauthRefuse(http.StatusForbidden, "invalid_grant", "Failed to verify code verifier")
	}
	k.used = true
	return c.tokens(k.consent, slices.Contains(k.scopes, "offline_access"))
}

func verifies(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return len(verifier) >= 43 && len(verifier) <= 128 && base64.RawURLEncoding.EncodeToString(sum[:]) == challenge
}

// byRefresh takes a refresh token, once and for the leeway after. Later it is a stolen one: all of its consent's tokens end.
func (c *call) byRefresh(app *App, q tokenQuestion) answer {
	unknown := oauthRefuse(http.StatusForbidden, "invalid_grant", "Unknown or invalid refresh token.")
	g := c.t.theOAuth().refresh[q.Refresh]
	switch {
	case g == nil || g.app.ID != app.ID || g.dead || !g.who.active:
		return unknown
	case g.spent.IsZero() && !c.now.Before(g.until):
		return unknown
	case !g.spent.IsZero() && c.now.Sub(g.spent) > reuseLeeway:
		g.dead = true
		return unknown
	}
	if g.spent.IsZero() {
		g.spent = c.now
	}
	return c.tokens(g.consent, true)
}

// byClient is a service account's; it gets no refresh token.
func (c *call) byClient(app *App, q tokenQuestion) answer {
	who := c.t.people.byEmail[strings.ToLower(app.Account)]
	if who == nil {
		return oauthRefuse(http.StatusForbidden, "unauthorized_client", "Grant type 'client_credentials' not allowed for the client.")
	}
	scopes := strings.Fields(q.Scope)
	if len(scopes) == 0 {
		scopes = app.Scopes
	}
	for _, s := range scopes {
		if !slices.Contains(app.Scopes, s) || s == "offline_access" {
			return oauthRefuse(http.StatusBadRequest, "invalid_scope", "Scope not allowed: "+s)
		}
	}
	return c.tokens(&consent{app: app, who: who, scopes: scopes}, false)
}

// tokens gives a new access token, and with it the next refresh token.
func (c *call) tokens(of *consent, refreshable bool) answer {
	o := c.t.theOAuth()
	for token, a := range o.access {
		if !c.now.Before(a.until) {
			delete(o.access, token)
		}
	}
	token := "eyJ" + c.t.secret("access")
	o.access[token] = &access{of, c.now.Add(accessLife)}
	body := obj{"access_token": token, "expires_in": int(accessLife.Seconds()), "token_type": "Bearer", "scope": strings.Join(of.scopes, " ")}
	if refreshable {
		next := "eyR" + c.t.secret("refresh")
		o.refresh[next] = &refresh{consent: of, until: c.now.Add(refreshQuiet)}
		body["refresh_token"] = next
	}
	c.applied = true
	return ok(body)
}
