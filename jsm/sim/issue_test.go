package sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCreateIssue(t *testing.T) {
	s := newSite(t, Config{})
	base := `"project":{"key":"SUPPORT"},"issuetype":{"name":"Incident"}`
	for body, words := range map[string]string{
		``:                           "No content",
		`{"fields":`:                 "error parsing JSON",
		`{} {}`:                      "error parsing JSON",
		`{"fields":{"summary":"x"}}`: `"project":"Specify a valid project ID or key"`,
		`{"fields":{"project":{"key":"SUPPORT"}}}`:                                              `"issuetype":"Specify a valid issue type"`,
		`{"fields":{` + base + `}}`:                                                             "You must specify a summary",
		`{"fields":{` + base + `,"summary":"a\nb"}}`:                                            "newline",
		`{"fields":{` + base + `,"summary":"` + strings.Repeat("ø", 256) + `"}}`:                "255",
		`{"fields":{` + base + `,"summary":"x","nonsense":1}}`:                                  `"nonsense":"Field 'nonsense' cannot be set`,
		`{"fields":{` + base + `,"summary":"x","status":{"name":"Closed"}}}`:                    `"status":"Field 'status' cannot be set`,
		`{"fields":{` + base + `,"summary":"x","description":"plain"}}`:                         "Atlassian Document",
		`{"fields":{` + base + `,"summary":"x","description":{"type":"paragraph"}}}`:            `"description"`,
		`{"fields":{` + base + `,"summary":"x","labels":["a b"]}}`:                              "contains spaces",
		`{"fields":{` + base + `,"summary":"x","labels":"a"}}`:                                  "data was not an array",
		`{"fields":{` + base + `,"summary":"x","priority":{"name":"Nope"}}}`:                    `"priority":"Priority name 'Nope' is not valid"`,
		`{"fields":{` + base + `,"summary":"x"},"properties":[{"key":"","value":1}]}`:           "property key",
		`{"fields":{` + base + `,"summary":"x","labels":[]},"update":{"labels":[{"add":"a"}]}}`: "both 'fields' and 'update'",
	} {
		s.want(400, words, Sync, "POST", "/rest/api/3/issue", body)
	}
	s.want(403, "permission", Guest, "POST", "/rest/api/3/issue", `{"fields":{`+base+`,"summary":"x"}}`)
	if n := len(s.tn.Issues()); n != 0 {
		t.Fatalf("refused creates made %d issues", n)
	}
	r := s.want(201, `"self":"https://north.atlassian.net/rest/api/3/issue/10000"`, Sync, "POST", "/rest/api/3/issue",
		`{"fields":{`+base+`,"summary":"x","description":`+seenIt+`},"properties":[{"key":"parley","value":{"n":1}}]}`)
	if r.at("key") == "SUPPORT-1" {
		t.Error("refused creates burnt no number")
	}
	got := s.want(200, `"parley":{"n":1}`, Sync, "GET", "/rest/api/3/issue/"+strings.ToLower(r.at("key"))+"?properties=parley&fields=summary,created,creator,customfield_10020", nil)
	if got.at("fields", "created") != "2026-07-07T12:01:40.376+0200" {
		t.Errorf("created is not in the account's zone: %s", got.raw)
	}
	if got.at("fields", "creator", "emailAddress") != "sync@north.example" {
		t.Errorf("creator: %s", got.raw)
	}
	s.want(404, "", Customer, "GET", "/rest/servicedeskapi/request/"+r.at("key"), nil)
	s.want(404, "", Sync, "GET", "/rest/servicedeskapi/request/"+r.at("key"), nil) // no request type, no request
	s.want(400, "not valid", Sync, "PUT", "/rest/api/3/issue/"+r.at("key"), obj{"fields": obj{s.cf("Request Type"): "Get IT help"}})
	s.want(204, "", Sync, "PUT", "/rest/api/3/issue/"+r.at("key"), obj{"fields": obj{s.cf("Request Type"): s.tn.desk.requestTypes[0].id}})
	s.want(200, r.at("key"), Sync, "GET", "/rest/servicedeskapi/request/"+r.at("key"), nil)
	v2 := s.want(201, "", Sync, "POST", "/rest/api/2/issue", `{"fields":{`+base+`,"summary":"wiki","description":"It is *down*."}}`)
	s.want(200, `"type":"strong"`, Sync, "GET", "/rest/api/3/issue/"+v2.at("id"), nil)
	s.want(200, "It is *down*.", Sync, "GET", "/rest/api/2/issue/"+v2.at("id"), nil)
}

func TestEditIsAllOrNothing(t *testing.T) {
	s := newSite(t, Config{})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key
	r := s.want(400, s.cf("Audit code"), Sync, "PUT", path, obj{"fields": obj{"summary": "two", s.cf("Audit code"): "x", "labels": []string{"a b"}}})
	errs, _ := dig(r.body, "errors").(bean)
	if len(errs) != 2 {
		t.Errorf("want one message for each bad field: %s", r.raw)
	}
	before, _ := s.tn.Issue(key)
	if before.Summary != "one" || before.Changes != 0 {
		t.Errorf("a refused edit left something: %+v", before)
	}
}

func TestEditTold(t *testing.T) {
	s := newSite(t, Config{})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key
	s.pass(time.Second)
	r := s.want(200, `"summary":"two"`, Sync, "PUT", path+"?returnIssue=true&expand=changelog", obj{
		"fields":     obj{"summary": "two", "priority": obj{"name": "Urgent"}},
		"update":     obj{"labels": []any{obj{"add": "a"}, obj{"add": "b"}, obj{"remove": "a"}}, "components": []any{obj{"add": obj{"name": "Mail"}}, obj{"add": obj{"name": "Network"}}}},
		"properties": []any{obj{"key": "parley", "value": 7}},
		"transition": obj{"id": "1"}}) // which an edit ignores
	items := listAt(listAt(r.body, "changelog", "histories")[0], "items")
	told := map[string]string{}
	for _, it := range items {
		told[textAt(it, "field")] += textAt(it, "fromString") + "→" + textAt(it, "toString") + ";"
	}
	for field, want := range map[string]string{"summary": "one→two;", "priority": "High→Urgent;", "labels": "→b;", "Component": "→Network;→Mail;"} {
		if told[field] != want {
			t.Errorf("the changelog tells %s as %q, want %q", field, told[field], want)
		}
	}
	if got := r.at("fields", "updated"); got != "2026-07-07T12:01:41.376+0200" {
		t.Errorf("updated: %s", got)
	}
	s.pass(time.Second)
	s.want(201, "", Sync, "PUT", path+"/properties/other", `{"x":1}`)
	s.want(200, "", Sync, "PUT", path+"/properties/other", `{"x":2}`)
	s.want(200, `"key":"other"`, Sync, "GET", path+"/properties", nil)
	s.want(200, `{"key":"other","value":{"x":2}}`, Sync, "GET", path+"/properties/other", nil)
	s.want(400, "", Sync, "PUT", path+"/properties/other", `{`)
	s.want(400, "32768", Sync, "PUT", path+"/properties/other", `"`+strings.Repeat("x", 32768)+`"`)
	s.want(204, "", Sync, "DELETE", path+"/properties/other", nil)
	s.want(404, "does not exist", Sync, "GET", path+"/properties/other", nil)
	s.want(204, "", Sync, "PUT", path, `{"fields":{"summary":"two"}}`) // nothing new: no history
	after, _ := s.tn.Issue(key)
	if after.Changes != 1 || after.Updated.Format("05.000") != "41.376" {
		t.Errorf("properties and empty edits must leave history and updated alone: %+v", after)
	}
	s.want(200, `"total":1`, Sync, "GET", path+"/changelog", nil)
	s.want(200, `"issueChangeLogs":[{"changeHistories"`, Sync, "POST", "/rest/api/3/changelog/bulkfetch", obj{"issueIdsOrKeys": []string{key}, "fieldIds": []string{"labels"}})
	s.want(204, "", Sync, "PUT", path+"/assignee", `{"accountId":null}`)
	s.want(400, "cannot be assigned", Sync, "PUT", path+"/assignee", obj{"accountId": s.tn.person("customer@north.example").id})
}

func TestMoveAndDelete(t *testing.T) {
	s := newSite(t, Config{})
	key := s.raised("one")
	was, _ := s.tn.Issue(key)
	fresh, err := s.tn.As("admin@north.example").Move(key, "OPS")
	if err != nil || fresh != "OPS-1" {
		t.Fatal(fresh, err)
	}
	for _, k := range []string{key, fresh, was.ID} {
		s.want(200, `"key":"OPS-1"`, Sync, "GET", "/rest/api/3/issue/"+k, nil)
	}
	s.want(403, "permission", Sync, "DELETE", "/rest/api/3/issue/"+fresh, nil)
	s.want(204, "", Admin, "DELETE", "/rest/api/3/issue/"+key, nil)
	s.want(404, noSuchIssue, Sync, "GET", "/rest/api/3/issue/"+was.ID, nil)
	if next := s.raised("two"); next == key {
		t.Error("the key of a deleted issue came back")
	}
}

func TestBulkFetch(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	a, b := s.raised("one"), s.raised("two")
	for i := range 25 {
		if _, err := s.tn.As("agent@north.example").Comment(a, fmt.Sprintf("note %d", i), i%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	r := s.want(200, `"issueErrors":[{`, Sync, "POST", "/rest/api/3/issue/bulkfetch", obj{"issueIdsOrKeys": []string{b, a, a, "NO-1"}, "fields": []string{"summary", "comment"}, "expand": []string{"changelog"}})
	list := listAt(r.body, "issues")
	if len(list) != 2 || textAt(list[0], "key") != a {
		t.Fatalf("want both, by ascending id: %s", r.raw)
	}
	if n, total := len(listAt(list[0], "fields", "comment", "comments")), textAt(list[0], "fields", "comment", "total"); n != searchComments || total != "25" {
		t.Errorf("%d comments of %s: want the first page only", n, total)
	}
	if _, has := dig(list[0], "fields").(bean)["priority"]; has {
		t.Error("a field that was not asked for")
	}
	s.want(400, "100", Sync, "POST", "/rest/api/3/issue/bulkfetch", obj{"issueIdsOrKeys": make([]string, 101)})
	s.want(400, "empty", Sync, "POST", "/rest/api/3/issue/bulkfetch", `{}`)
}

func TestLinksAndWork(t *testing.T) {
	s := newSite(t, Config{})
	a, b := s.raised("one"), s.raised("two")
	link := obj{"type": obj{"name": "Blocks"}, "inwardIssue": obj{"key": a}, "outwardIssue": obj{"key": b}}
	for range 2 {
		if r := s.want(201, "", Sync, "POST", "/rest/api/3/issueLink", link); len(r.raw) != 0 {
			t.Errorf("a link is answered by %q", r.raw)
		}
	}
	x, _ := s.tn.Issue(a)
	if len(x.Links) != 1 {
		t.Errorf("links of %s: %v", a, x.Links)
	}
	r := s.want(200, `"outwardIssue":{`, Sync, "GET", "/rest/api/3/issue/"+a+"?fields=issuelinks", nil)
	s.want(200, `"inwardIssue":{`, Sync, "GET", "/rest/api/3/issue/"+b+"?fields=issuelinks", nil)
	s.want(404, "type", Sync, "POST", "/rest/api/3/issueLink", obj{"type": obj{"name": "Nope"}, "inwardIssue": obj{"key": a}, "outwardIssue": obj{"key": b}})
	id := textAt(listAt(r.body, "fields", "issuelinks")[0], "id")
	s.want(200, "Blocks", Sync, "GET", "/rest/api/3/issueLink/"+id, nil)
	s.want(204, "", Sync, "DELETE", "/rest/api/3/issueLink/"+id, nil)
	s.want(404, "", Sync, "GET", "/rest/api/3/issueLink/"+id, nil)

	path := "/rest/api/3/issue/" + a + "/remotelink"
	remote := obj{"globalId": "parley=1", "object": obj{"url": "https://x.example/1", "title": "one"}}
	s.want(201, `"id":`, Sync, "POST", path, remote)
	s.want(200, `"id":`, Sync, "POST", path, remote)
	s.want(200, `"globalId":"parley=1"`, Sync, "GET", path+"?globalId=parley%3D1", nil)
	s.want(400, "title", Sync, "POST", path, obj{"object": obj{"url": "https://x.example"}})
	s.want(415, "", Sync, "DELETE", path+"?globalId=parley%3D1", nil)
	s.want(204, "", Sync, "DELETE", path+"?globalId=parley%3D1", "{}")

	work := "/rest/api/3/issue/" + a + "/worklog"
	s.want(204, "", Sync, "PUT", "/rest/api/3/issue/"+a, `{"fields":{"timetracking":{"originalEstimate":"1d 2h"}}}`)
	s.want(400, "timeLogged", Sync, "POST", work, `{}`)
	s.want(400, "started", Sync, "POST", work, `{"timeSpentSeconds":60,"started":"2026-01-01"}`)
	r = s.want(201, `"timeSpent":"1h"`, Sync, "POST", work+"?adjustEstimate=auto", `{"timeSpentSeconds":3600,"started":"2021-01-17T12:34:00.000+0000","comment":`+seenIt+`}`)
	s.want(200, `"remainingEstimate":"1d 1h"`, Sync, "GET", "/rest/api/3/issue/"+a+"?fields=timetracking", nil)
	s.want(200, `"total":1`, Sync, "GET", work, nil)
	s.want(200, `"timeSpentSeconds":7200`, Sync, "PUT", work+"/"+r.at("id"), `{"timeSpentSeconds":7200}`)
	s.want(200, `"values":[]`, Sync, "GET", "/rest/api/3/worklog/updated?since=0", nil) // the last minute is left out
	s.pass(2 * time.Minute)
	s.want(200, `"lastPage":true`, Sync, "GET", "/rest/api/3/worklog/updated?since=0", nil)
	s.want(200, `"issueId"`, Sync, "POST", "/rest/api/3/worklog/list", `{"ids":[`+r.at("id")+`]}`)
	s.want(204, "", Sync, "DELETE", work+"/"+r.at("id"), nil)
}

// FuzzBodies throws bodies at every endpoint: none may fail otherwise than by an answer in JSON or an empty one.
func FuzzBodies(f *testing.F) {
	tn := MustNew(Config{NoLimits: true})
	s := &site{tn: tn}
	agent, _ := tn.Account(Agent)
	if _, err := tn.As(agent.Email).CreateRequest("Get IT help", map[string]any{"summary": "one"}); err != nil {
		f.Fatal(err)
	}
	for i, body := range []string{`{}`, `{"fields":{"summary":"x","labels":["a"]},"update":{"labels":[{"add":"b"}]}}`, `{"body":` + seenIt + `}`, `{"transition":{"id":"1"}}`,
		`{"jql":"project = SUPPORT","fields":["*all"]}`, `[]`, `null`, `{"ids":[1]}`, `{"accountIds":["x"]}`, `{"serviceDeskId":"1","requestTypeId":"1","requestFieldValues":{"summary":null}}`} {
		f.Add(uint16(i), body, "jql=project%20%3D%20SUPPORT&startAt=1&expand=changelog")
	}
	var all []*endpoint
	for _, m := range sortedKeys(tn.router.routes) {
		for n := range 12 {
			all = append(all, tn.router.routes[m][n]...)
		}
	}
	values := strings.NewReplacer("{v}", "3", "{key}", "SUPPORT-1", "{project}", "SUPPORT", "{desk}", "SUPPORT", "{id}", "1", "{property}", "parley", "{type}", tn.desk.requestTypes[0].id,
		"{queue}", tn.desk.queues[0].id, "{org}", tn.lists.orgs[0].id, "{approval}", "1", "{sla}", tn.desk.slas[0].id, "{hook}", "1")
	f.Fuzz(func(t *testing.T, n uint16, body, query string) {
		e := all[int(n)%len(all)]
		path := values.Replace(strings.SplitN(e.name, " ", 2)[1])
		if strings.HasPrefix(path, "/sim/") || strings.Contains(path, "webhook") || strings.ContainsAny(query, "# %") {
			return
		}
		s.T = t
		role := Admin
		if n%3 == 0 {
			role = Customer
		}
		var in any
		if e.method != "GET" {
			in = body
		}
		s.http = clientOf(tn)
		r, err := s.try(role, e.method, path+"?"+query, in)
		if err != nil {
			if strings.Contains(err.Error(), "invalid") {
				return // no URL
			}
			t.Fatalf("%s: %v", e.name, err)
		}
		if r.status >= 500 || len(r.raw) > 0 && !json.Valid(r.raw) && r.status != 401 {
			t.Fatalf("%s with %q: %d %s", e.name, body, r.status, r.raw)
		}
	})
}
