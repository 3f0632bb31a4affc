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

// TestEachLimitIsSwitchedOnApart and refuses strictly: a refused call changes nothing.
func TestEachLimitIsSwitchedOnApart(t *testing.T) {
	const issue, comment = "/rest/api/3/issue/", `{"body":` + seenIt + `}`
	for _, c := range []struct {
		limits  string
		passing int // comments that pass at once
		reason  string
		after   string // Retry-After; "-": none
	}{
		{`{}`, 250, "", ""},
		{`{"burst":true}`, 100, "jira-burst-based", "1"},
		{`{"perIssue":true}`, 20, "jira-per-issue-on-write", "2"},
		{`{"on":true}`, 20, "jira-per-issue-on-write", "2"},
		{`{"quota":30}`, 30, "jira-quota-tenant-based", "3500"},
		{`{"quota":30,"spent":10}`, 20, "jira-quota-tenant-based", "3500"},
		{`{"quota":30,"global":true,"after":"date"}`, 30, "jira-quota-global-based", "Tue, 07 Jul 2026 11:00:00 GMT"},
		{`{"quota":30,"after":"none"}`, 30, "jira-quota-tenant-based", "-"},
		{`{"user":true}`, 70, "", "1"},
		{`{"blocked":"sync@north.example"}`, 0, "", "9223372036854775807"},
	} {
		t.Run(c.limits, func(t *testing.T) {
			s := newSite(t, Config{NoLimits: true})
			key := s.raised("one")
			s.want(204, "", "", "POST", "/sim/limits", c.limits)
			passed := 0
			var last reply
			for passed < 250 {
				if last = s.as(Sync, "POST", issue+key+"/comment", comment); last.status != 201 {
					break
				}
				passed++
			}
			if passed != c.passing {
				t.Errorf("%d pass", passed)
			}
			if x, _ := s.tn.Issue(key); len(x.Comments) != passed {
				t.Errorf("%d comments are there", len(x.Comments))
			}
			if passed == 250 {
				return
			}
			after := last.header.Get("Retry-After")
			if c.after == "-" && after == "" {
				after = "-"
			}
			if last.status != 429 || last.header.Get("RateLimit-Reason") != c.reason || after != c.after {
				t.Errorf("%d %v", last.status, last.header)
			}
		})
	}
	s := newSite(t, Config{})
	s.want(400, "after must be", "", "POST", "/sim/limits", `{"after":"soon"}`)
	s.want(400, "counts", "", "POST", "/sim/limits", `{"quota":-1}`)
	if err := s.tn.SetLimits(Limits{After: "soon"}); err == nil {
		t.Error("SetLimits takes nonsense")
	}
}

func TestTheBucketOfAUserIsTold(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	s.want(204, "", "", "POST", "/sim/limits", `{"user":true}`)
	r := s.want(200, "", Sync, "GET", "/rest/api/3/myself", nil)
	for name, want := range map[string]string{"X-RateLimit-Limit": "70", "X-RateLimit-Remaining": "69", "X-RateLimit-FillRate": "5", "X-RateLimit-Interval-Seconds": "1", "Retry-After": "0"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for range 69 {
		s.want(200, "", Sync, "GET", "/rest/api/3/myself", nil)
	}
	s.want(429, "", Sync, "GET", "/rest/api/3/myself", nil)
	s.want(200, "", Agent, "GET", "/rest/api/3/myself", nil) // has a bucket of its own
	s.pass(time.Second)
	for range 5 {
		s.want(200, "", Sync, "GET", "/rest/api/3/myself", nil)
	}
	s.want(429, "", Sync, "GET", "/rest/api/3/myself", nil)
}

func TestImpostors(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	comments := 0
	for _, c := range []struct {
		kind, words string
		status      int
		applied     bool
		header      [2]string
	}{
		{"portal", "Who are you?", 200, false, [2]string{"Content-Type", "text/html;charset=UTF-8"}},
		{"maintenance", "maintenance", 503, false, [2]string{"Retry-After", "30"}},
		{"empty", "", 200, false, [2]string{}},
		{"stranger", "{}", 200, false, [2]string{"X-Seraph-LoginReason", "AUTHENTICATED_FAILED"}},
		{"unlicensed", "", 403, false, [2]string{}},
	} {
		if err := s.tn.Fault(Fault{Kind: c.kind, RetryAfter: 30}); err != nil {
			t.Fatal(err)
		}
		r := s.want(c.status, c.words, Sync, "POST", "/rest/api/3/issue/"+key+"/comment", `{"body":`+seenIt+`}`)
		if c.header[0] != "" && r.header.Get(c.header[0]) != c.header[1] {
			t.Errorf("%s: %v", c.kind, r.header)
		}
		if x, _ := s.tn.Issue(key); len(x.Comments) != comments {
			t.Errorf("%s was applied", c.kind)
		}
	}
	if err := s.tn.Fault(Fault{Kind: "cut"}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.try(Sync, "POST", "/rest/api/3/issue/"+key+"/comment", `{"body":`+seenIt+`}`); err == nil {
		t.Errorf("half of the answer is JSON: %s", r.raw)
	}
	if x, _ := s.tn.Issue(key); len(x.Comments) != 1 {
		t.Error("cut was not applied")
	}
	if err := s.tn.Fault(Fault{Kind: "gremlin"}); err == nil {
		t.Error("an unknown kind passes")
	}
}
