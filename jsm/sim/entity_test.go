package sim

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
)

func (s *site) id(role Role) string {
	s.Helper()
	a, known := s.tn.Account(role)
	if !known {
		s.Fatalf("nobody is %s", role)
	}
	return a.ID
}

// counts searches and wants so many issues.
func (s *site) counts(want int, jql string) {
	s.Helper()
	s.want(200, `"count":`+text(int64(want)), Sync, "POST", "/rest/api/3/search/approximate-count", obj{"jql": "project = " + s.tn.Project() + " AND " + jql})
}

func TestWatchers(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key + "/watchers"
	before, _ := s.tn.Issue(key)
	s.pass(time.Minute)
	s.want(204, "", Sync, "POST", path, strconv.Quote(s.id(Agent)))
	s.want(204, "", Sync, "POST", path, strconv.Quote(s.id(Agent)))
	s.want(204, "", Guest, "POST", path, nil)
	s.want(200, `"watchCount":2`, Sync, "GET", path, nil)
	s.want(200, `"isWatching":true`, Guest, "GET", "/rest/api/3/issue/"+key+"?fields=watches", nil)
	s.want(403, "manage", Guest, "DELETE", path+"?accountId="+s.id(Agent), nil)
	s.want(404, "does not exist", Sync, "POST", path, `"nobody"`)
	s.want(400, "permission", Sync, "POST", path, strconv.Quote(s.id(Customer)))
	s.want(400, "permission", Sync, "POST", path, strconv.Quote(s.tn.person("gone@north.example").id))
	s.want(400, "missing", Sync, "DELETE", path, nil)
	s.counts(1, "watcher = \""+s.id(Agent)+"\" AND watchers = 2")
	s.want(204, "", Sync, "DELETE", path+"?accountId="+s.id(Agent), nil)
	s.want(200, `"watchCount":1`, Sync, "GET", path, nil)
	if after, _ := s.tn.Issue(key); after.Changes != before.Changes || !after.Updated.Equal(before.Updated) {
		t.Error("watching is no change of the issue")
	}
}

func TestWorklogs(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key
	s.want(204, "", Sync, "PUT", path, `{"fields":{"timetracking":{"originalEstimate":"1d"}}}`)
	left := func(want string) {
		t.Helper()
		s.want(200, `"remainingEstimate":"`+want+`"`, Sync, "GET", path+"?fields=timetracking", nil)
	}
	one := s.want(201, `"timeSpent":"1h"`, Sync, "POST", path+"/worklog", `{"timeSpentSeconds":3600,"visibility":{"type":"group","value":"billing-team"}}`).at("id")
	left("7h")
	s.want(200, `"total":0`, Agent, "GET", path+"/worklog", nil)
	s.want(404, "worklog", Agent, "GET", path+"/worklog/"+one, nil)
	s.want(200, `"visibility":{`, Sync, "GET", path+"/worklog/"+one, nil)
	s.want(400, "visibility", Sync, "POST", path+"/worklog", `{"timeSpent":"1h","visibility":{"type":"person","value":"x"}}`)
	s.want(201, "", Agent, "POST", path+"/worklog?adjustEstimate=leave", `{"timeSpent":"2h"}`)
	left("7h")
	s.want(201, "", Agent, "POST", path+"/worklog?adjustEstimate=manual&reduceBy=3h", `{"timeSpent":"1h"}`)
	left("4h")
	s.want(400, "newEstimate", Agent, "POST", path+"/worklog?adjustEstimate=new", `{"timeSpent":"1h"}`)
	s.want(201, "", Agent, "POST", path+"/worklog?adjustEstimate=new&newEstimate=2d", `{"timeSpent":"1h"}`)
	left("2d")
	s.counts(1, `timeSpent = "5h" AND worklogAuthor = "`+s.id(Sync)+`"`)
	s.want(200, `"updateAuthor":{`, Agent, "PUT", path+"/worklog/"+s.worklog(key, 0), `{"timeSpent":"30m"}`)
	left("2d 1h 30m")
	s.want(204, "", Sync, "DELETE", path+"/worklog/"+one, nil)
	s.want(200, `"values":[]`, Sync, "GET", "/rest/api/3/worklog/deleted?since=0", nil)
	s.pass(2 * time.Minute)
	s.want(200, `"worklogId":`+one, Sync, "GET", "/rest/api/3/worklog/deleted?since=0", nil)
	r := s.want(200, "", Sync, "GET", "/rest/api/3/worklog/updated?since=0", nil)
	if n := len(listAt(r.body, "values")); n != 3 {
		t.Errorf("%d work logs were updated: %s", n, r.raw)
	}
}

// worklog gives the id of an agent's n-th visible work log.
func (s *site) worklog(key string, n int) string {
	s.Helper()
	return textAt(listAt(s.as(Agent, "GET", "/rest/api/3/issue/"+key+"/worklog", nil).body, "worklogs")[n], "id")
}

func TestSubtasks(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("whole")
	make := func(kind, parent string) obj {
		f := obj{"project": obj{"key": "SUPPORT"}, "issuetype": obj{"name": kind}, "summary": "part"}
		if parent != "" {
			f["parent"] = obj{"key": parent}
		}
		return obj{"fields": f}
	}
	create := "/rest/api/3/issue"
	s.want(400, "parent issue key or id not specified", Sync, "POST", create, make("Sub-task", ""))
	s.want(400, "hierarchy", Sync, "POST", create, make("Incident", key))
	s.want(400, "Could not find", Sync, "POST", create, make("Sub-task", "SUPPORT-99"))
	part := s.want(201, "", Sync, "POST", create, make("Sub-task", key)).at("key")
	s.want(400, "hierarchy", Sync, "POST", create, make("Sub-task", part))
	s.want(400, "hierarchy", Sync, "PUT", create+"/"+key, obj{"fields": obj{"parent": obj{"key": part}}})
	shown := s.want(200, `"subtasks":[{`, Sync, "GET", create+"/"+key+"?fields=subtasks", nil)
	if textAt(listAt(shown.body, "fields", "subtasks")[0], "key") != part {
		t.Errorf("%s", shown.raw)
	}
	if r := s.as(Sync, "GET", create+"/"+part+"?fields=parent,issuetype", nil); r.at("fields", "parent", "key") != key || r.at("fields", "issuetype", "subtask") != "true" {
		t.Errorf("%s", r.raw)
	}
	s.counts(1, "parent = "+key)
	other := s.raised("other whole")
	s.counts(3, "attachments IS EMPTY")
	s.want(204, "", Sync, "PUT", create+"/"+part, obj{"fields": obj{"parent": obj{"key": other}}})
	s.want(200, `"toString":"`+other+`"`, Sync, "GET", create+"/"+part+"/changelog", nil)
	s.want(400, "subtasks", Admin, "DELETE", create+"/"+other, nil)
	s.want(204, "", Admin, "DELETE", create+"/"+other+"?deleteSubtasks=true", nil)
	s.want(404, "", Sync, "GET", create+"/"+part, nil)
}

func TestSecurityLevels(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("secret")
	s.tn.As("agent@north.example").SetField(key, "reporter", "customer@north.example")
	path := "/rest/api/3/issue/" + key
	s.want(200, key, Guest, "GET", path, nil)
	s.want(204, "", Agent, "PUT", path, `{"fields":{"security":{"name":"Internal"}}}`)
	s.want(200, `"name":"Internal"`, Agent, "GET", path+"?fields=security", nil)
	s.want(404, noSuchIssue, Guest, "GET", path, nil)
	s.want(404, "", Customer, "GET", "/rest/servicedeskapi/request/"+key, nil)
	s.counts(1, `level = Internal`)
	s.want(200, `"issues":[]`, Guest, "POST", "/rest/api/3/search/jql", `{"jql":"project = SUPPORT"}`)
	s.want(200, `"issueErrors":[{`, Guest, "POST", "/rest/api/3/issue/bulkfetch", obj{"issueIdsOrKeys": []string{key}})
	s.want(204, "", Agent, "PUT", path, `{"fields":{"security":{"name":"Confidential"}}}`)
	s.want(404, noSuchIssue, Agent, "GET", path, nil)
	s.want(200, "Confidential", Sync, "GET", path+"/changelog", nil)
	s.want(200, `"Confidential"`, Sync, "GET", "/rest/api/3/project/SUPPORT/securitylevel", nil)
	if r := s.as(Agent, "GET", "/rest/api/3/project/SUPPORT/securitylevel", nil); strings.Contains(string(r.raw), "Confidential") {
		t.Error("a level that is closed to an account is listed to it")
	}
}

func TestAssetsAndProjects(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key
	ws := textAt(listAt(s.want(200, "", Sync, "GET", "/rest/servicedeskapi/assets/workspace", nil).body, "values")[0], "workspaceId")
	home := "/gateway/api/jsm/assets/workspace/" + ws + "/v1/object/"
	found := s.want(200, `"label":"Core router"`, Sync, "POST", home+"aql", `{"qlQuery":"objectType = Router AND label = \"Core router\""}`)
	id := textAt(listAt(found.body, "values")[0], "id")
	s.want(400, "not valid", Sync, "POST", home+"aql", `{"qlQuery":"label LIKE x"}`)
	s.want(403, "", Guest, "GET", home+id, nil)
	field := s.cf("Affected assets")
	s.want(400, "couldn't find", Sync, "PUT", path, obj{"fields": obj{field: []any{obj{"id": ws + ":1"}}}})
	s.want(204, "", Sync, "PUT", path, obj{"fields": obj{field: []any{obj{"id": ws + ":" + id}}}})
	r := s.want(200, `"objectId":"`+id+`"`, Sync, "GET", path+"?fields="+field, nil)
	if strings.Contains(string(r.raw), "router") {
		t.Error("an Assets field must not tell what its objects are called")
	}
	picked := s.cf("Related project")
	s.want(400, "not valid", Sync, "PUT", path, obj{"fields": obj{picked: obj{"key": "NOPE"}}})
	s.want(204, "", Sync, "PUT", path, obj{"fields": obj{picked: obj{"key": "OPS"}}})
	s.want(200, `"key":"OPS"`, Sync, "GET", path+"?fields="+picked, nil)
	s.counts(1, `"Related project" = OPS AND "Affected assets" = "Core router"`)
	if x, _ := s.tn.Issue(key); x.Fields["Affected assets"][0] != "Core router" || x.Fields["Related project"][0] != "OPS" {
		t.Errorf("%v", x.Fields)
	}
}

// TestApprovalsCounted: a step that needs two approvals, and leaves the reporter out.
func TestApprovalsCounted(t *testing.T) {
	seed := northSeed()
	seed.Approval.Need, seed.Approval.Exclude = 2, []string{"reporter"}
	raw, err := json.Marshal(seed)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, Config{NoLimits: true, Seed: raw})
	agent := s.tn.As("agent@north.example")
	key := s.raised("hardware")
	three := []string{"agent@north.example", "approver@north.example", "human@north.example", "customer@north.example"}
	if err := agent.Transition(key, "Ask approval", map[string]any{"Approvers": three}); err != nil {
		t.Fatal(err)
	}
	x, _ := s.tn.Issue(key)
	if len(x.Approvals) != 1 || len(x.Approvals[0].Approvers) != 3 {
		t.Fatalf("the reporter is among the approvers: %+v", x.Approvals)
	}
	s.pass(time.Minute)
	at := "/rest/servicedeskapi/request/" + key + "/approval/" + x.Approvals[0].ID
	s.want(403, "", Agent, "POST", at, `{"decision":"approve"}`)
	s.want(200, `"finalDecision":"pending"`, Approver, "POST", at, `{"decision":"approve"}`)
	s.want(409, "already", Approver, "POST", at, `{"decision":"decline"}`)
	if y, _ := s.tn.Issue(key); y.Status != x.Status || !y.Updated.Equal(x.Updated) {
		t.Errorf("half an approval changed the issue: %s %s", y.Status, y.Updated)
	}
	s.want(200, `"finalDecision":"approved"`, Customer, "POST", at, `{"decision":"approve"}`)
	s.want(409, "already", Human, "POST", at, `{"decision":"decline"}`)
	if y, _ := s.tn.Issue(key); y.Status != "In progress" || y.Approvals[0].State != "approved" {
		t.Errorf("%s %+v", y.Status, y.Approvals)
	}
}

// TestCalendar: an SLA runs in the desk's own hours, days and zone, and keeps the goal of a completed cycle.
func TestCalendar(t *testing.T) {
	k, err := growCalendar(&seedCalendar{TimeZone: "Europe/Oslo", Opens: "08:00", Closes: "12:00", Days: []string{"mon", "tue", "sat"}, Holidays: []string{"2026-07-11"}})
	if err != nil {
		t.Fatal(err)
	}
	utc := func(s string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	tuesday := utc("2026-07-07 09:30") // 11:30 in Oslo: half an hour is left; Saturday the 11th is a holiday
	for _, c := range []struct {
		work time.Duration
		due  string
	}{{10 * time.Minute, "2026-07-07 09:40"}, {30 * time.Minute, "2026-07-07 10:00"}, {time.Hour, "2026-07-13 06:30"}, {9 * time.Hour, "2026-07-18 06:30"}} {
		due := k.after(tuesday, c.work)
		if !due.Equal(utc(c.due)) {
			t.Errorf("%s from Tuesday: %s", c.work, due)
		}
		if got := k.between(tuesday, due); got != c.work {
			t.Errorf("from Tuesday to %s there are %s of work, not %s", due, got, c.work)
		}
	}
	if k.working(utc("2026-07-11 07:00")) || !k.working(utc("2026-07-13 07:00")) || k.working(utc("2026-07-13 05:00")) {
		t.Error("working hours")
	}
	for name, bad := range map[string]seedCalendar{"zone": {TimeZone: "Nowhere/City"}, "hours": {Opens: "17:00", Closes: "09:00"}, "day": {Days: []string{"noday"}}, "holiday": {Holidays: []string{"tomorrow"}}, "time": {Opens: "nine"}} {
		if _, err := growCalendar(&bad); err == nil {
			t.Errorf("a bad %s passes", name)
		}
	}

	s := newSite(t, Config{NoLimits: true})
	agent := s.tn.As("agent@north.example")
	key := s.raised("one")
	goal := func() string {
		t.Helper()
		all := listAt(s.as(Agent, "GET", "/rest/servicedeskapi/request/"+key+"/sla", nil).body, "values")
		if done := listAt(all[1], "completedCycles"); len(done) > 0 {
			return textAt(done[0], "goalDuration", "millis")
		}
		return textAt(all[1], "ongoingCycle", "goalDuration", "millis")
	}
	agent.SetField(key, "priority", "Critical")
	if got := goal(); got != "14400000" {
		t.Errorf("a running cycle has the goal of the priority: %s", got)
	}
	s.pass(time.Hour)
	agent.Transition(key, "Resolve", map[string]any{"resolution": "Done"})
	s.pass(time.Hour)
	agent.SetField(key, "priority", "Low")
	if got := goal(); got != "14400000" {
		t.Errorf("a completed cycle keeps its goal: %s", got)
	}
}

// TestFilesCountAgainstTheirIssue: uploads and deletions are writes of the issue, like edits and comments.
func TestFilesCountAgainstTheirIssue(t *testing.T) {
	s := newSite(t, Config{})
	key := s.raised("many files")
	var last reply
	for range 20 {
		last = s.send(Agent, "/rest/api/3/issue/"+key+"/attachments", "a.txt", "x")
	}
	if last.status != 200 {
		t.Fatalf("%d %s", last.status, last.raw)
	}
	id := ids0(last)
	if r := s.as(Agent, "DELETE", "/rest/api/3/attachment/"+id, nil); r.status != 429 || r.header.Get("RateLimit-Reason") != "jira-per-issue-on-write" {
		t.Errorf("%d %v", r.status, r.header)
	}
	s.pass(2 * time.Second)
	s.want(204, "", Agent, "DELETE", "/rest/api/3/attachment/"+id, nil)
}
