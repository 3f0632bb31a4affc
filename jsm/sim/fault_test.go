package sim

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	for _, x := range []struct {
		fault   Fault
		status  int // 0: the connection is lost
		words   string
		applied bool
	}{
		{Fault{Kind: "status"}, 503, "unavailable", false},
		{Fault{Kind: "status", Status: 401, Body: `{"code":401,"message":"Unauthorized; scope does not match"}`}, 401, "scope", false},
		{Fault{Kind: "html"}, 502, "<html>", false},
		{Fault{Kind: "rate", Reason: "jira-quota-global-based", RetryAfter: 9}, 429, "", false},
		{Fault{Kind: "drop"}, 0, "", false},
		{Fault{Kind: "lost"}, 0, "", true},
		{Fault{Kind: "applied"}, 502, "", true},
		{Fault{Kind: "applied", Status: 504}, 504, "", true},
	} {
		s := newSite(t, Config{})
		key := s.raised("one")
		x.fault.Method, x.fault.Path = "POST", "/rest/api/3/issue/*/comment"
		if err := s.tn.Fault(x.fault); err != nil {
			t.Fatal(err)
		}
		s.want(200, "", Sync, "GET", "/rest/api/3/issue/"+key+"/comment", nil) // another method: not struck
		r, err := s.try(Sync, "POST", "/rest/api/3/issue/"+key+"/comment", `{"body":`+seenIt+`}`)
		if x.status == 0 != errors.Is(err, ErrLost) || err == nil && (r.status != x.status || !strings.Contains(string(r.raw), x.words)) {
			t.Errorf("%+v: %d %s %v", x.fault, r.status, r.raw, err)
		}
		is, _ := s.tn.Issue(key)
		if (len(is.Comments) == 1) != x.applied {
			t.Errorf("%+v: %d comments", x.fault, len(is.Comments))
		}
		w := s.tn.Writes()
		if len(w) != 1 || w[0].Applied != x.applied || w[0].Lost != (x.status == 0) {
			t.Errorf("%+v: journal %+v", x.fault, w)
		}
		s.want(201, "", Sync, "POST", "/rest/api/3/issue/"+key+"/comment", `{"body":`+seenIt+`}`) // once only
	}
}

func TestAppliedLate(t *testing.T) {
	s := newSite(t, Config{})
	key := s.raised("one")
	s.want(201, "", "", "POST", "/sim/faults", `{"kind":"late","method":"POST","afterMs":60000,"account":"sync@north.example"}`)
	if _, err := s.try(Sync, "POST", "/rest/api/3/issue/"+key+"/comment", `{"body":`+seenIt+`}`); !errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
	if x, _ := s.tn.Issue(key); len(x.Comments) != 0 || s.tn.PendingLate() != 1 {
		t.Error("applied at once")
	}
	s.want(200, "", "", "POST", "/sim/clock", `{"advanceMs":60000}`)
	if x, _ := s.tn.Issue(key); len(x.Comments) != 1 || !x.Comments[0].Created.Equal(s.tn.Now()) {
		t.Errorf("not applied after its time: %+v", x.Comments)
	}
}

func TestFaultsAreCounted(t *testing.T) {
	s := newSite(t, Config{})
	s.want(201, "", "", "POST", "/sim/faults", `{"kind":"status","path":"/rest/api/3/**","skip":1,"times":2}`)
	for _, want := range []int{200, 503, 503, 200} {
		s.want(want, "", Sync, "GET", "/rest/api/3/myself", nil)
	}
	s.want(201, "", "", "POST", "/sim/faults", `{"kind":"status","writes":true,"times":-1}`)
	s.want(200, "", Sync, "POST", "/rest/api/3/search/approximate-count", `{"jql":"project = SUPPORT"}`)
	for range 3 {
		s.want(503, "", Sync, "POST", "/rest/api/3/issue", `{}`)
	}
	s.want(200, `"writes":true`, "", "GET", "/sim/faults", nil)
	s.want(204, "", "", "DELETE", "/sim/faults", nil)
	s.want(400, "", Sync, "POST", "/rest/api/3/issue", `{}`)
	s.want(400, "kind", "", "POST", "/sim/faults", `{"kind":"earthquake"}`)
	s.want(400, "pattern", "", "POST", "/sim/faults", `{"kind":"drop","path":"["}`)
	s.want(204, "", "", "POST", "/sim/index", `{"lagMs":1000,"flap":true}`)
	s.want(204, "", "", "POST", "/sim/limits", `{"on":false,"quota":1}`)
	s.want(200, "sync@north.example", "", "GET", "/sim/accounts", nil)
	s.want(200, `"writes":[{`, "", "GET", "/sim/journal", nil)
	s.want(204, "", "", "DELETE", "/sim/journal", nil)
	s.want(200, `"writes":[]`, "", "GET", "/sim/journal", nil)
}

// TestLostOverASocket drops a real connection.
func TestLostOverASocket(t *testing.T) {
	tn := MustNew(Config{})
	server := httptest.NewServer(tn)
	defer server.Close()
	tn.SetURL(server.URL)
	if err := tn.Fault(Fault{Kind: "lost", Method: "POST"}); err != nil {
		t.Fatal(err)
	}
	a, _ := tn.Account(Sync)
	req, _ := http.NewRequest("POST", server.URL+"/rest/api/3/issue", strings.NewReader(`{"fields":{"project":{"key":"SUPPORT"},"issuetype":{"name":"Incident"},"summary":"x"}}`))
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(a.Email, a.Token)
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		t.Fatalf("answered %d", res.StatusCode)
	}
	if n := len(tn.Issues()); n != 1 {
		t.Errorf("%d issues", n)
	}
}

// TestManyAtOnce is for the race detector: people, clients, faults, searches and the clock together.
func TestManyAtOnce(t *testing.T) {
	s := newSite(t, Config{NoLimits: true, IndexLag: time.Second, Flap: true})
	key := s.raised("one")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				for _, call := range [][3]string{
					{"POST", "/rest/api/3/issue/" + key + "/comment", `{"body":` + seenIt + `}`},
					{"POST", "/rest/api/3/search/jql", `{"jql":"project = SUPPORT","fields":["*all"],"expand":"changelog"}`},
					{"PUT", "/rest/api/3/issue/" + key, `{"update":{"labels":[{"add":"x"}]}}`},
					{"GET", "/rest/api/3/issue/" + key, ""},
				} {
					var body any
					if call[2] != "" {
						body = call[2]
					}
					if r, err := s.try(Sync, call[0], call[1], body); err == nil && r.status >= 400 {
						t.Errorf("%v: %d %s", call, r.status, r.raw)
					}
				}
			}
		})
	}
	wg.Go(func() {
		human := s.tn.As("human@north.example")
		for i := range 40 {
			if _, err := human.Comment(key, "and I", i%2 == 0); err != nil {
				t.Error(err)
			}
			s.tn.Advance(time.Second)
			s.tn.Issues()
			if err := s.tn.Fault(Fault{Kind: "lost"}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	x, _ := s.tn.Issue(key)
	if len(x.Comments) != 4*20+40 {
		t.Errorf("%d comments", len(x.Comments))
	}
	seen := map[string]bool{}
	for _, c := range x.Comments {
		if seen[c.ID] {
			t.Errorf("comment id %s twice", c.ID)
		}
		seen[c.ID] = true
	}
}
