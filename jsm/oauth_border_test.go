package jsm_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/jsm"
	"parley/jsm/sim"
)

func TestNoErrorHoldsASecretAndNoneFollowsARedirect(t *testing.T) {
	const secret, spent = "s3cret-of-the-client", "r3fresh-token"
	for name, answer := range map[string]func(*http.Request) (int, http.Header, string){
		"echo": func(*http.Request) (int, http.Header, string) {
			return 400, nil, `{"error":"` + secret + `","error_description":"` + spent + `"}`
		},
		"redirect": func(*http.Request) (int, http.Header, string) {
			return 307, http.Header{"Location": {"https://thief.example/"}}, ""
		},
		"page":     func(*http.Request) (int, http.Header, string) { return 200, nil, "<html>" + secret },
		"huge":     func(*http.Request) (int, http.Header, string) { return 200, nil, strings.Repeat(secret, 10000) },
		"no token": func(*http.Request) (int, http.Header, string) { return 200, nil, `{"access_token":"a\nb"}` },
		"other": func(*http.Request) (int, http.Header, string) {
			return 200, nil, `{"access_token":"a","token_type":"mac"}`
		},
	} {
		hosts := map[string]bool{}
		h := &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			hosts[r.URL.Host] = true
			status, header, body := answer(r)
			if header == nil {
				header = http.Header{}
			}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})}
		o, err := jsm.NewOAuth(jsm.OAuthConfig{Server: "https://auth.example", Client: "c", Secret: jsm.Token(secret),
			Grant: jsm.Grant{Refresh: spent}, Keep: func(jsm.Grant) error { return errors.New("nothing is kept") }, HTTP: h})
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.Token(t.Context())
		var api *jsm.APIError
		if !errors.As(err, &api) || api.Class != jsm.Tenant {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, api), secret) || strings.Contains(fmt.Sprint(err), spent) {
			t.Errorf("%s: the error holds a secret: %v", name, err)
		}
		if len(hosts) != 1 {
			t.Errorf("%s: spoke to %v", name, hosts)
		}
	}
}

func TestTheGatewayIsFoundWithoutACredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		me, _ := w.tenant.Account(sim.Sync)
		token := w.tenant.ScopedToken(me.Email, time.Time{}, "read:jira-user")
		inner := w.http.Transport
		looked := 0
		w.http.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/_edge/tenant_info" {
				looked++
				if r.Header.Get("Authorization") != "" {
					t.Error("the look-up carried a credential")
				}
			}
			return inner.RoundTrip(r)
		})
		w.client = w.through(jsm.Auth{User: me.Email, Token: jsm.Token(token)})
		if err := w.tenant.Fault(sim.Fault{Kind: "drop", Path: "/_edge/tenant_info"}); err != nil {
			t.Fatal(err)
		}
		w.works() // one failure is waited out
		w.works()
		if looked != 2 {
			t.Errorf("%d look-ups", looked)
		}
		direct, err := jsm.New(jsm.Config{Base: w.tenant.URL(), Auth: jsm.Auth{User: me.Email, Token: jsm.Token(token)}, HTTP: w.http})
		if err != nil {
			t.Fatal(err)
		}
		var api *jsm.APIError
		if _, err := direct.Myself(t.Context()); !errors.As(err, &api) || api.Status != 401 {
			t.Errorf("the site took a scoped token: %v", err)
		}
	})
}

func TestOnlyOurOwnConsentIsTaken(t *testing.T) {
	c, err := jsm.NewConsent("https://auth.example", "client", callback, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	state := asked.Query().Get("state")
	for _, wrong := range []string{"", "::", callback, callback + "?code=x", callback + "?code=x&state=", callback + "?code=x&state=" + state + "x",
		callback + "?state=" + state, callback + "?code=a%0ab&state=" + state} {
		if _, err := c.Answer(wrong); !errors.Is(err, jsm.ErrStranger) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := c.Answer(callback + "?error=access_denied&state=" + state); err == nil || errors.Is(err, jsm.ErrStranger) || !strings.Contains(err.Error(), "access_denied") {
		t.Errorf("denied: %v", err)
	}
	if a, err := c.Answer(" " + callback + "?code=x&state=" + state + "\n"); err != nil || a.Code != "x" || len(a.Verifier) < 43 || a.Redirect != callback {
		t.Errorf("our own: %+v, %v", a, err)
	}
	for _, bad := range []string{"http://example.com/cb", "ftp://localhost/", "http://localhost/?x=1", "localhost:7845", "http://a:b@localhost/"} {
		if _, err := jsm.NewConsent("https://auth.example", "c", bad, nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
