package sim

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// asking is a checked question for consent.
type asking struct {
	app                        *App
	scopes                     []string
	redirect, state, challenge string
}

// errAsking is a question so wrong that the browser is not sent back: that could be anybody's address.
var errAsking = errors.New("this app, or the address that it wants the browser sent to, is not registered")

// asked checks what an app asks. word is the error that goes back to the app (RFC 6749, section 4.1.2.1).
func (t *Tenant) asked(q url.Values) (a asking, word string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a = asking{app: t.theOAuth().apps[q.Get("client_id")], scopes: strings.Fields(q.Get("scope")), redirect: q.Get("redirect_uri"),
		state: q.Get("state"), challenge: q.Get("code_challenge")}
	if a.app == nil || !slices.Contains(a.app.Redirects, a.redirect) {
		return a, "", errAsking
	}
	switch {
	case q.Get("response_type") != "code":
		return a, "unsupported_response_type", nil
	case q.Get("audience") != "api.atlassian.com", a.state == "", q.Get("prompt") != "consent":
		return a, "invalid_request", nil
	case a.challenge != "" && (q.Get("code_challenge_method") != "S256" || len(a.challenge) != 43):
		return a, "invalid_request", nil
	case len(a.scopes) == 0:
		return a, "invalid_scope", nil
	}
	for _, s := range a.scopes {
		if !slices.Contains(a.app.Scopes, s) {
			return a, "invalid_scope", nil
		}
	}
	return a, "", nil
}

// back is the app's address with what it is told.
func (a asking) back(with ...string) string {
	q := url.Values{"state": {a.state}}
	for i := 0; i+1 < len(with); i += 2 {
		q.Set(with[i], with[i+1])
	}
	return a.redirect + "?" + q.Encode()
}

// consentForm shows what an app asks for, to whoever sits at the desk.
func (v *visit) consentForm(map[string]string) {
	a, word, err := v.t.asked(v.r.URL.Query())
	switch {
	case err != nil:
		v.fail(http.StatusBadRequest, "Nothing was allowed: "+err.Error()+".")
		return
	case word != "":
		http.Redirect(v.w, v.r, a.back("error", word), http.StatusFound)
		return
	}
	v.letGo(a)
	v.show(http.StatusOK, "consent.html", struct {
		shell
		App       string
		Scopes    []string
		Here      string
		Candidate []choice
	}{v.shell("Allow access"), a.app.Name, a.scopes, v.r.URL.RequestURI(), v.candidates()})
}

// letGo allows the page's form to lead to the app's address, which its content policy forbids otherwise.
func (v *visit) letGo(a asking) {
	if u, err := url.Parse(a.redirect); err == nil {
		policy := v.w.Header().Get("Content-Security-Policy")
		v.w.Header().Set("Content-Security-Policy", strings.Replace(policy, "form-action 'self'", "form-action 'self' "+u.Scheme+"://"+u.Host, 1))
	}
}

// candidates are who can consent: accounts with a licence, the sync account first.
func (v *visit) candidates() []choice {
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	var list []choice
	for _, u := range v.t.people.list {
		if u.active && u.licensed() {
			list = append(list, choice{Value: u.id, Label: u.name + " — " + string(u.role), On: u.role == Sync})
		}
	}
	return list
}

// consent takes the person's answer and sends the browser back with a code.
func (v *visit) consent(map[string]string) {
	a, word, err := v.t.asked(v.r.URL.Query())
	if err != nil || word != "" {
		v.fail(http.StatusBadRequest, "Nothing was allowed: the question has changed. Begin again.")
		return
	}
	v.letGo(a)
	if v.r.PostFormValue("decision") != "accept" {
		http.Redirect(v.w, v.r, a.back("error", "access_denied", "error_description", "User did not authorize the request"), http.StatusFound)
		return
	}
	v.t.mu.Lock()
	who := v.t.people.byID[v.r.PostFormValue("account")]
	fine := who != nil && who.active && who.licensed()
	var key string
	if fine {
		key = v.t.secret("code")
		v.t.theOAuth().codes[key] = &code{consent: &consent{app: a.app, who: who, scopes: a.scopes},
			redirect: a.redirect, challenge: a.challenge, until: v.t.now().Add(codeLife)}
	}
	v.t.mu.Unlock()
	if !fine {
		v.fail(http.StatusBadRequest, "There is no such person here.")
		return
	}
	http.Redirect(v.w, v.r, a.back("code", key), http.StatusFound)
}
