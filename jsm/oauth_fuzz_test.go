package jsm

import (
	"strings"
	"testing"
	"time"
)

// What an authorization server, a gateway or a browser says becomes a header or a part of an
// address: nothing gets through that could be more than that.
func FuzzOAuthAnswers(f *testing.F) {
	f.Add([]byte(`{"access_token":"a","refresh_token":"r","expires_in":3600,"token_type":"Bearer","scope":"read:jira-work offline_access"}`))
	f.Add([]byte(`{"access_token":"a","expires_in":"-1e400"}`))
	f.Add([]byte(`{"access_token":"a","expires_in":99999999999999999999}`))
	f.Add([]byte(`{"access_token":"a\r\nX: y"}`))
	f.Add([]byte(`{"cloudId":"../../x"}`))
	f.Add([]byte(`[{"id":"11111111-1111-4111-8111-111111111111","url":"https://a.example","name":"a"},{"id":"a/b"},null]`))
	asked := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if g, why := readGrant(raw, asked); why == "" {
			life := g.Until.Sub(asked)
			if !plausibleToken(g.Access) || g.Refresh != "" && !plausibleToken(g.Refresh) || life <= 0 || life > lifeMost {
				t.Errorf("%+v", g)
			}
		} else if g.Access != "" || g.Refresh != "" {
			t.Errorf("%s, and yet %+v", why, g)
		}
		sites, err := readSites(raw)
		for _, s := range sites {
			if err != nil || strings.ContainsAny(s.Cloud, "/.%?# ") || len(s.URL) > 300 {
				t.Errorf("%+v, %v", s, err)
			}
		}
		if cloud, e := readCloud(raw); (e == nil) != (cloud != "") || strings.ContainsAny(cloud, "/.%?# ") {
			t.Errorf("%q, %v", cloud, e)
		}
	})
}
