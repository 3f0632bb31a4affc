package sim

import (
	"fmt"
	"testing"
	"time"
)

func TestBurst(t *testing.T) {
	s := newSite(t, Config{})
	for i := range 100 {
		if r := s.as(Sync, "GET", "/rest/api/3/myself", nil); r.status != 200 {
			t.Fatalf("call %d: %d", i, r.status)
		}
	}
	r := s.want(429, "Rate limit", Sync, "GET", "/rest/api/3/myself", nil)
	for name, want := range map[string]string{"Retry-After": "1", "RateLimit-Reason": "jira-burst-based", "X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-07-07T10:01:41Z"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	s.want(200, "", Sync, "GET", "/rest/api/3/field", nil) // another endpoint, another bucket
	s.pass(100 * time.Millisecond)
	s.want(200, "", Sync, "GET", "/rest/api/3/myself", nil)
}

func TestWritesPerIssue(t *testing.T) {
	s := newSite(t, Config{})
	a, b := s.raised("one"), s.raised("two")
	comment := `{"body":` + seenIt + `}`
	write := func(key string, status int) reply {
		t.Helper()
		return s.want(status, "", Sync, "POST", "/rest/api/3/issue/"+key+"/comment", comment)
	}
	for range 20 {
		write(a, 201)
	}
	r := write(a, 429)
	if r.header.Get("RateLimit-Reason") != "jira-per-issue-on-write" || r.header.Get("Retry-After") != "2" {
		t.Errorf("%v", r.header)
	}
	s.want(429, "", Sync, "PUT", "/rest/api/3/issue/"+a, `{"fields":{"summary":"x"}}`) // edits count together with comments
	write(b, 201)
	s.pass(2 * time.Second)
	for i := range 80 {
		write(a, 201)
		if i%20 == 19 {
			s.pass(2 * time.Second)
		}
	}
	if r := write(a, 429); r.header.Get("X-RateLimit-Limit") != "100" {
		t.Errorf("100 within 30 seconds: %v", r.header)
	}
	s.pass(30 * time.Second)
	write(a, 201)
	x, _ := s.tn.Issue(a)
	if len(x.Comments) != 101 {
		t.Errorf("%d comments: a refused call was applied", len(x.Comments))
	}
}

func TestPoints(t *testing.T) {
	s := newSite(t, Config{NoLimits: true, Quota: 10})
	key := s.raised("one")
	spend := func() int { return s.tn.Points()["sync@north.example"] }
	s.want(200, "", Sync, "GET", "/rest/api/3/issue/"+key, nil)
	if spend() != 2 {
		t.Errorf("a read of one issue costs %d points", spend())
	}
	s.want(204, "", Sync, "PUT", "/rest/api/3/issue/"+key, `{"fields":{"summary":"x"}}`)
	if spend() != 3 {
		t.Errorf("with a write: %d", spend())
	}
	r := s.want(200, "", Sync, "POST", "/rest/api/3/issue/bulkfetch", obj{"issueIdsOrKeys": []string{key}})
	if spend() != 5 || r.header.Get("X-RateLimit-Remaining") != "5" {
		t.Errorf("with a bulk read: %d, %v", spend(), r.header)
	}
	for range 5 {
		r = s.want(204, "", Sync, "PUT", "/rest/api/3/issue/"+key, `{"fields":{"summary":"x"}}`)
	}
	if r.header.Get("X-RateLimit-NearLimit") != "true" {
		t.Errorf("%v", r.header)
	}
	r = s.want(429, "", Sync, "PUT", "/rest/api/3/issue/"+key, `{"fields":{"summary":"y"}}`)
	if r.header.Get("RateLimit-Reason") != "jira-quota-tenant-based" || r.header.Get("Retry-After") != fmt.Sprint(58*60+20) {
		t.Errorf("%v", r.header)
	}
	s.pass(time.Hour)
	s.want(204, "", Sync, "PUT", "/rest/api/3/issue/"+key, `{"fields":{"summary":"y"}}`)
	if n := s.tn.WritesBy("sync@north.example")["PUT /rest/api/{v}/issue/{key}"]; n != 7 {
		t.Errorf("the journal counts %d applied edits", n)
	}
	if n := s.tn.Calls("sync@north.example")["PUT /rest/api/{v}/issue/{key}"]; n != 8 {
		t.Errorf("and %d calls", n)
	}
	s.tn.ResetJournal()
	if len(s.tn.Writes()) != 0 || spend() != 0 {
		t.Error("not reset")
	}
}
