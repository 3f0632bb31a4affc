package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func somePage(context.Context) (Page, error) {
	return Page{
		Status: Status{
			Node: "NODE-ID", Name: "north", At: time.Now(), Warnings: []string{"a certificate ends in 3 days"},
			Tenant:      Tenant{URL: "https://north.example", State: "down", Trouble: "401 from the site", Next: "make a new token"},
			Budget:      &Budget{State: "low", Limit: 65000, Used: 56000, Left: 9000, Kept: 6500, Resets: time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), Connections: map[string]int{"": 1200, "globex": 54800}},
			Webhooks:    &Webhooks{Taken: 12, Refused: 1, Last: time.Now().Add(-3 * time.Minute)},
			Connections: []Connection{{Name: "globex", Peer: "globex", State: "paused", Trouble: "the day's limit", Links: 3, Outbox: 2, OldestUnacked: 61}},
			Peers:       []Peer{{Peer: "globex", State: "active", Link: "up", Words: "bodal fekus ginet zotim"}},
		},
		Held:  []Held{{ID: "0123456789", Key: "SUP-1", Reason: `<script>alert("x")</script>`, Next: "publish a map", Since: time.Now().Add(-3 * time.Hour)}},
		Links: []Link{{Key: "SUP-1", Twin: "HELP-7", State: "held", Since: time.Now().Add(-72 * time.Hour)}},
		Total: 1234,
	}, nil
}

func get(h http.Handler, path, host string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageShowsTheNode(t *testing.T) {
	h := Pages(PageConfig{Load: somePage, Log: slog.New(slog.DiscardHandler)})
	w := get(h, "/", "127.0.0.1:7844")
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	page := w.Body.String()
	for _, want := range []string{"north", "NODE-ID", "401 from the site", "globex", "paused", "the day&#39;s limit", "61 s", "SUP-1", "HELP-7", "publish a map", "3 h ago", "3 days ago", "bodal fekus ginet zotim", "The newest 1 of 1234", "ends in 3 days",
		"make a new token", "12 taken, the last 3 min ago, 1 refused", `max="65000" low="13000"`, "9,000 of 65,000 points left until 15:00 UTC; 6,500 of them", "What nobody waits for is put off", "54,800", "all connections together"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script") {
		t.Error("what a tenant answered came through as markup")
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("the policy is %q", csp)
	}
	if w := get(h, "/style.css", "localhost"); w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("the style sheet: %d %s", w.Code, w.Header())
	}
}

func TestPageOfAnEmptyNode(t *testing.T) {
	h := Pages(PageConfig{Load: func(context.Context) (Page, error) { return Page{}, nil }, Log: slog.New(slog.DiscardHandler)})
	page := get(h, "/", "[::1]:7844").Body.String()
	for _, want := range []string{"No rules are published yet", "Nothing is held", "No partner is paired yet", "No ticket is shared yet"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestPageOfABudget words each state of it.
func TestPageOfABudget(t *testing.T) {
	for _, c := range []struct {
		budget *Budget
		want   string
		lacks  string
	}{
		{nil, "Tenant", "Jira's budget"},
		{&Budget{State: "enough", Used: 1234}, "1,234 points used this hour. No limit is known", "<meter"},
		{&Budget{State: "spent", Limit: 1000, Used: 1000, Resets: time.Date(2026, 11, 23, 9, 0, 1, 0, time.UTC)}, "Everything waits until 09:00 UTC", "put off"},
	} {
		h := Pages(PageConfig{Load: func(context.Context) (Page, error) { return Page{Status: Status{Budget: c.budget}}, nil }, Log: slog.New(slog.DiscardHandler)})
		page := get(h, "/", "[::1]:7844").Body.String()
		if !strings.Contains(page, c.want) || strings.Contains(page, c.lacks) {
			t.Errorf("%+v: the page lacks %q or has %q:\n%s", c.budget, c.want, c.lacks, page)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q", n, got)
		}
	}
}

func TestPageTellsNoInnerError(t *testing.T) {
	h := Pages(PageConfig{Load: func(context.Context) (Page, error) { return Page{}, errors.New("ledger secret path") }, Log: slog.New(slog.DiscardHandler)})
	if w := get(h, "/", "127.0.0.1"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWhoMaySeeThePage(t *testing.T) {
	open := Pages(PageConfig{Load: somePage, Log: slog.New(slog.DiscardHandler)})
	locked := Pages(PageConfig{Load: somePage, Password: "correct horse", Log: slog.New(slog.DiscardHandler)})
	with := func(password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("anybody", password) }
	}
	for _, c := range []struct {
		what string
		w    *httptest.ResponseRecorder
		want int
	}{
		{"by another name", get(open, "/", "attacker.example"), http.StatusMisdirectedRequest},
		{"by a name that only begins like ours", get(open, "/", "127.0.0.1.attacker.example:80"), http.StatusMisdirectedRequest},
		{"without a host", get(open, "/", ""), http.StatusMisdirectedRequest},
		{"by our name", get(open, "/", "localhost:7844"), http.StatusOK},
		{"without a password", get(locked, "/", "parley.acme.example"), http.StatusUnauthorized},
		{"with a wrong one", get(locked, "/", "parley.acme.example", with("correct")), http.StatusUnauthorized},
		{"with an empty one", get(locked, "/", "127.0.0.1", with("")), http.StatusUnauthorized},
		{"with the right one", get(locked, "/", "parley.acme.example", with("correct horse")), http.StatusOK},
		{"another page", get(open, "/v1/status", "127.0.0.1"), http.StatusNotFound},
		{"a write", get(open, "/", "127.0.0.1", func(r *http.Request) { r.Method = http.MethodPost }), http.StatusMethodNotAllowed},
	} {
		if c.w.Code != c.want {
			t.Errorf("%s: status %d, want %d", c.what, c.w.Code, c.want)
		}
		if c.want != http.StatusOK && strings.Contains(c.w.Body.String(), "SUP-1") {
			t.Errorf("%s: the page is shown", c.what)
		}
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:7844": true, "localhost:0": true, "[::1]:1": true, "127.8.9.1:1": true,
		":7844": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "localhost.acme.example:1": false, "junk": false,
	} {
		if got := Loopback(address); got != want {
			t.Errorf("Loopback(%q) = %v", address, got)
		}
	}
}
