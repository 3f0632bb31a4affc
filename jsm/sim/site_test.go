package sim

import (
	"net/http"
	"strings"
	"testing"
)

func TestWhoMayCome(t *testing.T) {
	s := newSite(t, Config{})
	s.want(401, "authenticated", "", "GET", "/rest/api/3/myself", nil)
	s.want(200, "cloudId", "", "GET", "/_edge/tenant_info", nil)
	s.want(200, `"deploymentType":"Cloud"`, "", "GET", "/rest/api/3/serverInfo", nil)
	s.want(404, "", Sync, "GET", "/rest/api/3/nothing/like/this", nil)
	s.want(405, "", Sync, "PATCH", "/rest/api/3/issue/1", nil)
	s.want(404, "", Sync, "POST", "/rest/api/3/issue/SUPPORT-1/nothing", nil)

	req, _ := http.NewRequest("GET", s.tn.URL()+"/rest/api/3/serverInfo", nil)
	for _, head := range []string{"Bearer abc", "Basic Zm9v"} {
		req.Header.Set("Authorization", head)
		res, err := s.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 401 {
			t.Errorf("%q: %d: a bad credential must not pass as anonymous, even where none is needed", head, res.StatusCode)
		}
	}

	key := s.raised("one")
	s.want(404, noSuchIssue, Customer, "GET", "/rest/api/3/issue/"+key, nil)
	s.want(200, key, Guest, "GET", "/rest/api/3/issue/"+key, nil)
	s.want(403, "permission", Guest, "PUT", "/rest/api/3/issue/"+key, `{"fields":{"summary":"x"}}`)
	if r := s.as(Guest, "GET", "/rest/servicedeskapi/servicedesk/SUPPORT/queue", nil); r.status != 403 || len(r.raw) != 0 {
		t.Errorf("an unlicensed account gets %d %q, not 403 with an empty body", r.status, r.raw)
	}
	req, _ = http.NewRequest("POST", s.tn.URL()+"/rest/api/3/issue", strings.NewReader("{}"))
	agent, _ := s.tn.Account(Agent)
	req.SetBasicAuth(agent.Email, agent.Token)
	req.Header.Set("Content-Type", "text/plain")
	res, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 415 {
		t.Errorf("a body that is no JSON: %d", res.StatusCode)
	}
}

func TestAccountsAcrossSites(t *testing.T) {
	north, south := MustNew(Config{}), MustNew(Config{Name: "south"})
	a := north.person("desk@north.example")
	b := south.person("desk@north.example")
	if a != nil || b == nil {
		t.Fatal("desk@north.example is a customer of south only")
	}
	if accountID("desk@north.example", "north", false) != b.id {
		t.Error("one address has two account ids on two sites")
	}
	if p := north.person("portal@north.example"); !strings.HasPrefix(p.id, "qm:") {
		t.Errorf("a portal-only customer has the id %s", p.id)
	}
	n, so := north.fieldNamed("Request Type"), south.fieldNamed("Request Type")
	if n.id == so.id {
		t.Error("both sites have the same field ids")
	}
	again := MustNew(Config{})
	if x, y := north.Accounts()[0], again.Accounts()[0]; x != y {
		t.Errorf("not the same twice: %v %v", x, y)
	}
}

func TestSeeds(t *testing.T) {
	for _, name := range []string{"north", "south", "client-a", "client-b", "client-c", "msp", "contractor", "holding"} {
		tn, err := New(Config{Name: name})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for k, facts := range kinds {
			if facts.custom != "" && tn.fieldOfKind(k) == nil {
				t.Errorf("%s has no field of kind %s", name, k)
			}
		}
	}
	for _, bad := range []string{`{}`, `{"site":1}`, `{"site":"x","project":"X","unknown":1}`, `{"site":"x","project":"X","people":[{"email":"a@b","role":"agent"}],
		"priorities":["P"],"statuses":[{"name":"S","category":"none"}],"issueTypes":["T"],"requestTypes":[{"name":"R"}]}`} {
		if _, err := New(Config{Seed: []byte(bad)}); err == nil {
			t.Errorf("accepted the seed %s", bad)
		}
	}
	if _, err := New(Config{Name: "client-a", Project: "ABC"}); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{Flavor: "datacenter"}); err == nil {
		t.Error("accepted a flavor that it does not speak")
	}
}

func TestSite(t *testing.T) {
	s := newSite(t, Config{})
	me := s.want(200, `"timeZone":"Europe/Oslo"`, Sync, "GET", "/rest/api/3/myself", nil)
	id := me.at("accountId")
	s.want(400, "permissions", Sync, "GET", "/rest/api/3/mypermissions?projectKey=SUPPORT", nil)
	s.want(400, "Unrecognized", Sync, "GET", "/rest/api/3/mypermissions?permissions=FLY", nil)
	s.want(404, "No project", Sync, "GET", "/rest/api/3/mypermissions?permissions=BROWSE_PROJECTS&projectKey=NO", nil)
	r := s.as(Sync, "GET", "/rest/api/3/mypermissions?permissions=EDIT_ISSUES,ADMINISTER", nil)
	if r.at("permissions", "EDIT_ISSUES", "havePermission") != "true" || r.at("permissions", "ADMINISTER", "havePermission") != "false" {
		t.Errorf("permissions: %s", r.raw)
	}
	for path, words := range map[string]string{
		"/rest/api/3/field": `"custom":"com.atlassian.servicedesk:vp-origin"`,
		"/rest/api/3/field/search?type=custom&query=impact":    "Impact",
		"/rest/api/3/priority":                                 "Urgent",
		"/rest/api/3/priority/search":                          `"isLast":true`,
		"/rest/api/3/resolution":                               "Won't Do",
		"/rest/api/3/status":                                   `"key":"indeterminate"`,
		"/rest/api/3/statuscategory":                           "In Progress",
		"/rest/api/3/issuetype":                                "Incident",
		"/rest/api/3/project":                                  "service_desk",
		"/rest/api/3/project/search?keys=SUPPORT":              `"total":1`,
		"/rest/api/3/project/SUPPORT":                          "issueTypes",
		"/rest/api/3/project/SUPPORT/statuses":                 "Waiting for support",
		"/rest/api/3/project/SUPPORT/components":               "Billing",
		"/rest/api/3/project/SUPPORT/component":                `"total":3`,
		"/rest/api/3/project/SUPPORT/versions":                 "2026.1",
		"/rest/api/3/project/SUPPORT/version?maxResults=1":     `"isLast":false`,
		"/rest/api/3/issue/createmeta/SUPPORT/issuetypes":      "Change",
		"/rest/api/3/label":                                    `"values":[]`,
		"/rest/api/3/issueLinkType":                            "is blocked by",
		"/rest/api/3/user?accountId=" + id:                     "sync@north.example",
		"/rest/api/3/user/search?query=astrid":                 "Astrid Berg",
		"/rest/api/3/user/search?query=agent@north.example":    "Astrid Berg",
		"/rest/api/3/users/search":                             "qm:",
		"/rest/api/3/user/assignable/search?project=SUPPORT":   "Nils Haugen",
		"/rest/api/3/user/bulk?accountId=" + id:                "Parley Sync",
		"/rest/api/3/group/bulk":                               "network-team",
		"/rest/api/3/group/member?groupname=network-team":      "Astrid",
		"/rest/api/3/groups/picker?query=team":                 "billing-team",
		"/rest/servicedeskapi/info":                            "isLicensedForUse",
		"/rest/servicedeskapi/servicedesk":                     `"projectKey":"SUPPORT"`,
		"/rest/servicedeskapi/servicedesk/SUPPORT":             `"projectName":"Northwind Support"`,
		"/rest/servicedeskapi/requesttype?searchQuery=outage":  "Report an outage",
		"/rest/servicedeskapi/knowledgebase/article?query=vpn": "iframeSrc",
	} {
		s.want(200, words, Sync, "GET", path, nil)
	}
	for path, status := range map[string]int{
		"/rest/api/3/user?accountId=nobody":                       404,
		"/rest/api/3/user/search":                                 400,
		"/rest/api/3/user/assignable/search":                      400,
		"/rest/api/3/user/assignable/search?project=NO":           404,
		"/rest/api/3/project/NO":                                  404,
		"/rest/api/3/issue/createmeta/SUPPORT/issuetypes/999":     404,
		"/rest/api/3/project/SUPPORT/version?maxResults=many":     400,
		"/rest/servicedeskapi/servicedesk/99":                     404,
		"/rest/servicedeskapi/servicedesk/SUPPORT/requesttype/99": 404,
		"/rest/servicedeskapi/knowledgebase/article":              400,
		"/rest/servicedeskapi/servicedesk?limit=0":                400,
	} {
		s.want(status, "rror", Sync, "GET", path, nil)
	}
	if r := s.as(Sync, "GET", "/rest/api/3/user/search?query=hidden@north.example", nil); string(r.raw) != "[]" {
		t.Errorf("a hidden address was found: %s", r.raw)
	}
	if r := s.as(Agent, "GET", "/rest/api/3/user/search?query=gone", nil); string(r.raw) != "[]" {
		t.Errorf("an inactive account was found: %s", r.raw)
	}
}
