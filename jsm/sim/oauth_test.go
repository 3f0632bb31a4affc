package sim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const verifier = "a-verifier-that-is-long-enough-for-rfc-7636-as-it-has-43-characters"

// browser walks through the consent page as a person does, and gives the address that it is sent back to.
func (s *site) browser(query url.Values, decision string) (status int, back *url.URL) {
	s.Helper()
	address := s.tn.URL() + "/authorize?" + query.Encode()
	page, err := s.http.Get(address)
	if err != nil {
		s.Fatal(err)
	}
	defer page.Body.Close()
	if page.StatusCode != http.StatusOK {
		back, _ := page.Location()
		return page.StatusCode, back
	}
	sync, _ := s.tn.Account(Sync)
	sent, err := s.http.PostForm(address, url.Values{"csrf": {s.tn.csrfToken()}, "account": {sync.ID}, "decision": {decision}})
	if err != nil {
		s.Fatal(err)
	}
	defer sent.Body.Close()
	back, _ = sent.Location()
	return sent.StatusCode, back
}

func question(app App, scopes string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{"audience": {"api.atlassian.com"}, "client_id": {app.ID}, "scope": {scopes}, "redirect_uri": {app.Redirects[0]},
		"state": {"st"}, "response_type": {"code"}, "prompt": {"consent"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
}

// bearer calls with an access token.
func (s *site) bearer(token, method, path string, body string) reply {
	s.Helper()
	r, err := http.NewRequest(method, s.tn.URL()+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return s.sent(r)
}

func (s *site) sent(r *http.Request) reply {
	s.Helper()
	a, err := s.http.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer a.Body.Close()
	out := reply{status: a.StatusCode, header: a.Header}
	if err := json.NewDecoder(a.Body).Decode(&out.body); err != nil && a.StatusCode == http.StatusOK {
		s.Fatal(err)
	}
	return out
}

// token asks the token endpoint; words are what the answer must hold.
func (s *site) token(status int, words string, question obj) reply {
	s.Helper()
	return s.want(status, words, "", "POST", "/oauth/token", question)
}

// login goes all the way and gives the first grant.
func (s *site) login(scopes string) (app App, grant reply) {
	s.Helper()
	app = s.tn.Apps()[0]
	status, back := s.browser(question(app, scopes), "accept")
	if status != http.StatusFound || !strings.HasPrefix(back.String(), app.Redirects[0]+"?") || back.Query().Get("state") != "st" {
		s.Fatalf("after consent: %d %v", status, back)
	}
	return app, s.token(200, "access_token", obj{"grant_type": "authorization_code", "client_id": app.ID, "client_secret": app.Secret,
		"code": back.Query().Get("code"), "redirect_uri": app.Redirects[0], "code_verifier": verifier})
}

func TestConsentIsStrict(t *testing.T) {
	s := newSite(t, Config{})
	app := s.tn.Apps()[0]
	for name, c := range map[string]struct {
		change url.Values
		status int
		word   string
	}{
		"unknown client":     {url.Values{"client_id": {"nobody"}}, 400, ""},
		"another address":    {url.Values{"redirect_uri": {"http://localhost:7846/callback"}}, 400, ""},
		"no audience":        {url.Values{"audience": {""}}, 302, "invalid_request"},
		"no state":           {url.Values{"state": {""}}, 302, "invalid_request"},
		"token at once":      {url.Values{"response_type": {"token"}}, 302, "unsupported_response_type"},
		"plain challenge":    {url.Values{"code_challenge_method": {"plain"}}, 302, "invalid_request"},
		"scope of nobody":    {url.Values{"scope": {"read:everything"}}, 302, "invalid_scope"},
		"the person says no": {url.Values{}, 302, "access_denied"},
	} {
		q := question(app, "read:jira-work")
		for k, v := range c.change {
			q[k] = v
		}
		status, back := s.browser(q, "deny")
		if status != c.status || (back == nil) != (c.word == "") || back != nil && back.Query().Get("error") != c.word {
			t.Errorf("%s: %d %v, want %d with %q", name, status, back, c.status, c.word)
		}
	}
}

func TestACodeIsGoodOnceForItsOwner(t *testing.T) {
	s := newSite(t, Config{})
	app, service := s.tn.Apps()[0], s.tn.Apps()[1]
	fresh := func() obj {
		_, back := s.browser(question(app, "read:jira-work offline_access"), "accept")
		return obj{"grant_type": "authorization_code", "client_id": app.ID, "client_secret": app.Secret,
			"code": back.Query().Get("code"), "redirect_uri": app.Redirects[0], "code_verifier": verifier}
	}
	change := func(q obj, with obj) obj {
		for k, v := range with {
			q[k] = v
		}
		return q
	}
	s.token(401, "access_denied", change(fresh(), obj{"client_secret": "wrong"}))
	s.token(403, "invalid_grant", change(fresh(), obj{"client_id": service.ID, "client_secret": service.Secret}))
	s.token(403, "code verifier", change(fresh(), obj{"code_verifier": strings.Repeat("x", 50)}))
	s.token(403, "redirect_uri", change(fresh(), obj{"redirect_uri": app.Redirects[1]}))
	s.token(400, "unsupported_grant_type", change(fresh(), obj{"grant_type": "password"}))
	late := fresh()
	s.pass(codeLife)
	s.token(403, "invalid_grant", late)

	q := fresh()
	got := s.token(200, `"refresh_token"`, q)
	if a := s.bearer(got.at("access_token"), "GET", gatePath+s.tn.cloudID+"/rest/api/3/project", ""); a.status != 200 {
		t.Errorf("the access token opens nothing: %d", a.status)
	}
	s.token(403, "invalid_grant", q)
	if a := s.bearer(got.at("access_token"), "GET", gatePath+s.tn.cloudID+"/rest/api/3/project", ""); a.status != 401 {
		t.Errorf("a code used twice did not end its tokens: %d", a.status)
	}
	form, err := http.NewRequest("POST", s.tn.URL()+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a := s.sent(form); a.status != http.StatusUnsupportedMediaType {
		t.Errorf("a form was taken: %d", a.status)
	}
}

func TestRefreshTokensRotate(t *testing.T) {
	s := newSite(t, Config{})
	app, first := s.login("read:jira-user offline_access")
	ask := func(token string) obj {
		return obj{"grant_type": "refresh_token", "client_id": app.ID, "client_secret": app.Secret, "refresh_token": token}
	}
	second := s.token(200, "refresh_token", ask(first.at("refresh_token")))
	if second.at("refresh_token") == first.at("refresh_token") {
		t.Error("the refresh token did not rotate")
	}
	s.pass(reuseLeeway)
	s.token(200, "refresh_token", ask(first.at("refresh_token"))) // an answer that was lost
	s.pass(time.Second)
	s.token(403, "Unknown or invalid refresh token.", ask(first.at("refresh_token")))
	s.token(403, "Unknown or invalid refresh token.", ask(second.at("refresh_token"))) // a stolen token ends all of its login

	_, idle := s.login("read:jira-user offline_access")
	s.pass(refreshQuiet)
	s.token(403, "invalid_grant", ask(idle.at("refresh_token")))
	if _, bare := s.login("read:jira-user"); bare.at("refresh_token") != "" {
		t.Error("a refresh token without offline_access")
	}
}

func TestTheGatewayAdmits(t *testing.T) {
	s := newSite(t, Config{})
	app := s.tn.Apps()[1]
	credentials := obj{"grant_type": "client_credentials", "client_id": app.ID, "client_secret": app.Secret, "scope": "read:jira-user read:jira-work"}
	grant := s.token(200, `"expires_in":3600`, credentials)
	if grant.at("refresh_token") != "" {
		t.Error("a service account got a refresh token")
	}
	token, gate := grant.at("access_token"), gatePath+s.tn.cloudID
	sync, _ := s.tn.Account(Sync)
	me := s.bearer(token, "GET", gate+"/rest/api/3/myself", "")
	if me.status != 200 || me.at("accountId") != sync.ID || !strings.HasPrefix(me.at("self"), s.tn.URL()+"/rest/") {
		t.Errorf("who am I: %d %v", me.status, me.body)
	}
	sites := s.bearer(token, "GET", "/oauth/token/accessible-resources", "")
	if list, _ := sites.body.([]any); len(list) != 1 || textAt(list[0], "id") != s.tn.cloudID || textAt(list[0], "url") != s.tn.URL() {
		t.Errorf("accessible resources: %v", sites.body)
	}
	for name, c := range map[string]struct {
		path, body string
		status     int
		message    string
	}{
		"a scope is missing":  {gate + "/rest/api/3/issue", "{}", 401, "Unauthorized; scope does not match"},
		"a search is reading": {gate + "/rest/api/3/search/jql", `{"jql":"project = ` + s.tn.Project() + `"}`, 200, ""},
		"another site":        {gatePath + "11111111-1111-4111-8111-111111111111/rest/api/3/search/jql", "{}", 404, "Not Found"},
		"the site itself":     {"/rest/api/3/search/jql", "{}", 401, ""},
		"no way to /sim":      {gate + "/sim/faults", "{}", 404, ""},
	} {
		if a := s.bearer(token, "POST", c.path, c.body); a.status != c.status || a.at("message") != c.message && c.message != "" {
			t.Errorf("%s: %d %v", name, a.status, a.body)
		}
	}
	s.pass(accessLife)
	if a := s.bearer(token, "GET", gate+"/rest/api/3/myself", ""); a.status != 401 || a.at("message") != "Unauthorized" {
		t.Errorf("an old token: %d %v", a.status, a.body)
	}
	s.token(400, "invalid_scope", obj{"grant_type": "client_credentials", "client_id": app.ID, "client_secret": app.Secret, "scope": "offline_access"})
	person := s.tn.Apps()[0]
	s.token(403, "unauthorized_client", obj{"grant_type": "client_credentials", "client_id": person.ID, "client_secret": person.Secret})
}

func TestScopedTokensBelongToTheGateway(t *testing.T) {
	s := newSite(t, Config{})
	sync, _ := s.tn.Account(Sync)
	scoped := s.tn.ScopedToken(sync.Email, s.tn.Now().Add(time.Hour), "read:jira-user")
	basic := func(path, token string) int {
		r, err := http.NewRequest("GET", s.tn.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(sync.Email, token)
		return s.sent(r).status
	}
	const me = "/rest/api/3/myself"
	gate := gatePath + s.tn.cloudID
	for _, c := range []struct {
		path, token string
		want        int
	}{{gate + me, scoped, 200}, {me, scoped, 401}, {gate + me, sync.Token, 401}, {me, sync.Token, 200}, {gate + "/rest/api/3/project", scoped, 401}} {
		if got := basic(c.path, c.token); got != c.want {
			t.Errorf("%s: %d, want %d", c.path, got, c.want)
		}
	}
	s.pass(time.Hour)
	if got := basic(gate+me, scoped); got != 401 {
		t.Errorf("an ended token: %d", got)
	}
}

// The scopes that the gateway asks for are those of Atlassian's own descriptions.
func TestScopesAreAtlassians(t *testing.T) {
	described := map[string][]string{}
	for _, file := range []string{"jira-cloud-platform-v3.2025-12-25.swagger-v3.v3.json", "jsm-cloud.2023-08-28.service_management.openapi.json"} {
		raw, err := os.ReadFile(filepath.Join(sharedDir(t), "specs", file))
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Paths map[string]map[string]json.RawMessage
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		for path, methods := range doc.Paths {
			for method, raw := range methods {
				var op struct {
					Security []map[string][]string
				}
				if json.Unmarshal(raw, &op) != nil { // "parameters" beside the methods
					continue
				}
				scopes := []string{}
				for _, way := range op.Security {
					scopes = append(scopes, way["OAuth2"]...)
				}
				described[strings.ToUpper(method)+" "+anyVariable.ReplaceAllString(path, "{}")] = scopes
			}
		}
	}
	s, checked := newSite(t, Config{}), 0
	for _, byLength := range s.tn.router.routes {
		for _, list := range byLength {
			for _, ep := range list {
				want, known := described[anyVariable.ReplaceAllString(strings.Replace(ep.name, "{v}", "3", 1), "{}")]
				if !known {
					continue
				}
				checked++
				if got := scopeOf(ep); !slices.Contains(want, got) && (got != "" || len(want) > 0) {
					t.Errorf("%s asks for %q, Atlassian's description says %v", ep.name, got, want)
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d endpoints were compared", checked)
	}
}

var anyVariable = regexp.MustCompile(`\{[^}]+\}`)
