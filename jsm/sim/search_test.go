package sim

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSearch(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	for i := range 25 {
		s.raised(fmt.Sprintf("number %02d", i))
		s.pass(time.Second)
	}
	const q = "project = SUPPORT ORDER BY updated ASC, key ASC"
	seen, token, pages := map[string]bool{}, "", 0
	for {
		r := s.want(200, "", Sync, "POST", "/rest/api/3/search/jql", obj{"jql": q, "maxResults": 20, "nextPageToken": token, "fields": []string{"summary"}})
		for _, is := range listAt(r.body, "issues") {
			seen[textAt(is, "key")] = true
		}
		if pages++; pages > 9 {
			t.Fatal("the pages do not end")
		}
		if token = r.at("nextPageToken"); token == "" {
			if r.at("isLast") != "true" {
				t.Error("no token, but not the last page")
			}
			break
		}
		if n := len(listAt(r.body, "issues")); n >= 20 {
			t.Errorf("a page before the last holds %d: clients must not count on full pages", n)
		}
		s.want(400, "nextPageToken", Sync, "POST", "/rest/api/3/search/jql", obj{"jql": "project = SUPPORT", "nextPageToken": token})
	}
	if len(seen) != 25 {
		t.Errorf("found %d of 25", len(seen))
	}
	get := "/rest/api/3/search/jql?maxResults=1&jql=" + url.QueryEscape("summary ~ \"number\" AND key = SUPPORT-3")
	if r := s.want(200, "", Sync, "GET", get, nil); string(r.raw) != `{"isLast":true,"issues":[{"id":"10002"}]}` {
		t.Errorf("the default is the id only: %s", r.raw)
	}
	if r := s.as(Customer, "GET", get, nil); r.status != 200 || len(listAt(r.body, "issues")) != 0 {
		t.Errorf("a customer finds %s", r.raw)
	}
	for _, x := range []struct {
		status int
		body   any
		words  string
	}{
		{400, obj{"jql": ""}, "Unbounded"},
		{400, obj{"jql": "ORDER BY created"}, "Unbounded"},
		{400, obj{"jql": "project ="}, "Error in"},
		{400, obj{"jql": "nofield = 1"}, "does not exist"},
		{400, obj{"jql": "priority = Nope"}, "does not exist"},
		{400, obj{"jql": "project = SUPPORT ORDER BY a,b,c,d,e,f,g,h"}, ""},
		{400, obj{"jql": "project = SUPPORT ORDER BY key,created,updated,status,priority,summary,assignee,reporter"}, "7"},
		{400, obj{"jql": "project = SUPPORT", "maxResults": 0}, "maxResults"},
		{400, obj{"jql": "project = SUPPORT", "maxResults": 5001}, "maxResults"},
		{400, obj{"jql": "project = SUPPORT", "reconcileIssues": make([]int, 51)}, "50"},
		{400, obj{"jql": "project = SUPPORT", "nextPageToken": "x"}, "nextPageToken"},
	} {
		s.want(x.status, x.words, Sync, "POST", "/rest/api/3/search/jql", x.body)
	}
	for _, old := range []string{"/rest/api/3/search?jql=x", "/rest/api/2/search"} {
		s.want(410, "CHANGE-2046", Sync, "GET", old, nil)
	}
	s.want(410, "CHANGE-2046", Sync, "POST", "/rest/api/2/search", "{}")
	s.want(200, `{"count":25}`, Sync, "POST", "/rest/api/3/search/approximate-count", obj{"jql": "project = SUPPORT"})
	s.want(200, `{"matches":[{"errors":[],"matchedIssues":[10001]},{"errors":["`, Sync, "POST", "/rest/api/3/jql/match",
		obj{"issueIds": []int{10000, 10001, 99}, "jqls": []string{"key = SUPPORT-2", "nofield = 1"}})
	s.want(400, "100", Sync, "POST", "/rest/api/3/jql/match", obj{"issueIds": []int{1}, "jqls": make([]string, 101)})
	s.want(200, `"warnings":["`, Sync, "POST", "/rest/api/3/jql/parse?validation=warn", obj{"queries": []string{"nofield = 1"}})
	s.want(200, `"errors":["`, Sync, "POST", "/rest/api/3/jql/parse", obj{"queries": []string{"nofield = 1"}})
	s.want(400, "validation", Sync, "POST", "/rest/api/3/jql/parse?validation=x", obj{"queries": []string{"a = 1"}})
}

func TestSearchTimes(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	s.raised("one") // at 10:01:40.376 UTC, 12:01:40 in the account's zone
	at := s.tn.Now()
	for q, want := range map[string]int{
		fmt.Sprintf("updated >= %d", at.UnixMilli()):                       1,
		fmt.Sprintf("updated >= %d", at.UnixMilli()+1):                     0,
		`updated >= "2026-07-07 12:01"`:                                    1, // minutes, in the account's zone
		`updated >= "2026-07-07 12:02"`:                                    0,
		`updated >= "-10m"`:                                                1,
		`created >= startOfDay() AND creator = currentUser()`:              0,
		`reporter = "agent@north.example" AND "Time to resolution" < 40h`:  1,
		`"Request Type" = "Get IT help" AND statusCategory = "To Do"`:      1,
		`priority > Medium AND priority < Urgent`:                          1,
		`text ~ "down" AND labels IS EMPTY`:                                1,
		`status WAS "Waiting for support" AND NOT status CHANGED`:          1,
		`assignee IS EMPTY AND component NOT IN (Mail) OR key = SUPPORT-1`: 1,
		`"Contract number" IS EMPTY AND organizations IS EMPTY`:            1,
		`reporter IN membersOf("network-team")`:                            1,
		fmt.Sprintf("cf[%d] IS EMPTY", s.tn.fieldNamed("Impact").custom):   1,
	} {
		r := s.want(200, "", Sync, "POST", "/rest/api/3/search/jql", obj{"jql": q})
		if n := len(listAt(r.body, "issues")); n != want {
			t.Errorf("%s finds %d, want %d", q, n, want)
		}
	}
}

func TestIndexLags(t *testing.T) {
	s := newSite(t, Config{NoLimits: true, IndexLag: 5 * time.Second, Flap: true})
	key := s.raised("one")
	found := func(more obj) int {
		t.Helper()
		body := obj{"jql": "labels = x OR summary ~ one"}
		for k, v := range more {
			body[k] = v
		}
		return len(listAt(s.want(200, "", Sync, "POST", "/rest/api/3/search/jql", body).body, "issues"))
	}
	if n := found(nil); n != 0 {
		t.Error("found at once in spite of the lag")
	}
	if n := found(obj{"reconcileIssues": []int{10000}}); n != 1 {
		t.Error("reconcileIssues does not show the fresh issue")
	}
	s.want(200, key, Sync, "GET", "/rest/api/3/issue/"+key, nil)
	s.pass(6 * time.Second) // the first copy has it, the second not yet
	a, b := found(nil), found(nil)
	if a+b != 1 {
		t.Errorf("two searches in turn find %d and %d: want one copy to lag behind", a, b)
	}
	s.pass(5 * time.Second)
	if found(nil)+found(nil) != 2 {
		t.Error("still not in both copies")
	}
	admin := s.tn.As("admin@north.example")
	if err := admin.Delete(key); err != nil {
		t.Fatal(err)
	}
	if found(nil) != 1 {
		t.Error("gone at once in spite of the lag")
	}
	s.pass(time.Minute)
	if found(nil) != 0 {
		t.Error("a deleted issue stays")
	}
	s.tn.SetIndexLag(0, false)
	s.raised("one more")
	if found(nil) != 1 {
		t.Error("without lag a search sees the write")
	}
}

func TestQueues(t *testing.T) {
	s := newSite(t, Config{})
	key := s.raised("one")
	r := s.want(200, `"issueCount":1`, Agent, "GET", "/rest/servicedeskapi/servicedesk/SUPPORT/queue?includeCount=true", nil)
	id := textAt(listAt(r.body, "values")[1], "id")
	at := "/rest/servicedeskapi/servicedesk/SUPPORT/queue/" + id
	s.want(200, "Unassigned", Agent, "GET", at, nil)
	r = s.want(200, key, Agent, "GET", at+"/issue", nil)
	if fields, _ := dig(listAt(r.body, "values")[0], "fields").(bean); len(fields) != 2 {
		t.Errorf("a queue shows its own columns only: %v", fields)
	}
	if err := s.tn.As("agent@north.example").SetField(key, "assignee", "agent@north.example"); err != nil {
		t.Fatal(err)
	}
	if r := s.as(Agent, "GET", at+"/issue", nil); strings.Contains(string(r.raw), key) {
		t.Error("an assigned ticket stays in the queue of the unassigned")
	}
	s.want(404, "queue", Agent, "GET", "/rest/servicedeskapi/servicedesk/SUPPORT/queue/999", nil)
}
