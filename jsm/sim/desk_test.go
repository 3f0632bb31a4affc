package sim

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCreateRequest(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	desk := s.tn.lists.projects[0].desk
	rt := s.tn.desk.requestTypes
	agent, customer, guest := s.tn.person("agent@north.example").id, s.tn.person("customer@north.example").id, s.tn.person("guest@north.example").id
	head := `{"serviceDeskId":"` + desk + `","requestTypeId":"` + rt[0].id + `",`
	for body, words := range map[string]string{
		``: "No content",
		`{"serviceDeskId":"` + desk + `","requestTypeId":"99","requestFieldValues":{}}`:                 "request type does not exist",
		`{"serviceDeskId":1,"requestTypeId":"1"}`:                                                       "parsing JSON", // ids are strings
		head + `"requestFieldValues":{}}`:                                                               "Summary is required",
		head + `"requestFieldValues":{"summary":""}}`:                                                   "summary",
		head + `"requestFieldValues":{"summary":"x","duedate":"2026-01-01"}}`:                           "not on the form",
		head + `"requestFieldValues":{"summary":"x","labels":["a"]}}`:                                   "not on the form", // hidden without a preset
		head + `"requestFieldValues":{"summary":"x","description":` + seenIt + `}}`:                     "must be a string",
		head + `"isAdfRequest":true,"requestFieldValues":{"summary":"x","description":"y"}}`:            "Atlassian Document",
		head + `"requestFieldValues":{"summary":"x","priority":{"name":"Nope"}}}`:                       "not valid",
		head + `"raiseOnBehalfOf":"` + guest + `","requestFieldValues":{"summary":"x"}}`:                "not a customer",
		head + `"raiseOnBehalfOf":"customer@north.example","requestFieldValues":{"summary":"x"}}`:       "not a customer",
		head + `"requestParticipants":["` + agent + `","nobody"],"requestFieldValues":{"summary":"x"}}`: "participant",
	} {
		s.want(400, words, Sync, "POST", "/rest/servicedeskapi/request", body)
	}
	s.want(400, "behalf", Customer, "POST", "/rest/servicedeskapi/request", head+`"raiseOnBehalfOf":"`+agent+`","requestFieldValues":{"summary":"x"}}`)
	s.want(403, "permission", Guest, "POST", "/rest/servicedeskapi/request", head+`"requestFieldValues":{"summary":"x"}}`)
	s.want(404, "Service Desk", Sync, "POST", "/rest/servicedeskapi/request", `{"serviceDeskId":"99","requestTypeId":"1"}`)
	if n := len(s.tn.Issues()); n != 0 {
		t.Fatalf("refused requests made %d issues", n)
	}
	r := s.want(201, `"issueKey":"SUPPORT-1"`, Sync, "POST", "/rest/servicedeskapi/request", head+`"isAdfRequest":true,"raiseOnBehalfOf":"`+customer+`","requestParticipants":["`+agent+`"],
		"requestFieldValues":{"summary":"x","description":`+seenIt+`,"`+s.cf("Impact")+`":{"value":"Minor"}},"form":{"answers":{}},"channel":"api"}`)
	x, _ := s.tn.Issue("SUPPORT-1")
	if x.Reporter != "customer@north.example" || x.Creator != "sync@north.example" || x.RequestType != "Get IT help" || x.IssueType != "Incident" || x.Fields["Impact"][0] != "Minor" || x.Participants[0] != "agent@north.example" {
		t.Errorf("%+v", x)
	}
	for member, want := range map[string]string{"requestTypeId": rt[0].id, "serviceDeskId": desk} {
		if r.at(member) != want {
			t.Errorf("%s = %q", member, r.at(member))
		}
	}
	if r.at("currentStatus", "statusCategory") != "NEW" || r.at("createdDate", "jira") != "2026-07-07T12:01:40.376+0200" || !strings.HasPrefix(r.at("_links", "self"), "https://north.atlassian.net/rest/servicedeskapi/request/") {
		t.Errorf("%s", r.raw)
	}
	// a hidden field with a preset is set by itself
	out := s.want(201, "", Customer, "POST", "/rest/servicedeskapi/request", `{"serviceDeskId":"`+desk+`","requestTypeId":"`+rt[1].id+`","requestFieldValues":{"summary":"y","description":"*bold*"}}`)
	y, _ := s.tn.Issue(out.at("issueKey"))
	if y.Fields["Environment kind"] == nil || y.Description != "bold" {
		t.Errorf("%+v", y)
	}
	form := "/rest/servicedeskapi/servicedesk/" + desk + "/requesttype/" + rt[1].id + "/field?expand=hiddenFields"
	if r := s.want(200, `"canRaiseOnBehalfOf":true`, Sync, "GET", form, nil); strings.Contains(string(r.raw), "Environment kind") {
		t.Error("a hidden field is shown to somebody who is no administrator")
	}
	s.want(200, `"visible":false`, Admin, "GET", form, nil)
}

func TestCustomersSeeTheirOwn(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	mine, err := s.tn.As("customer@north.example").CreateRequest("Get IT help", map[string]any{"summary": "mine"})
	if err != nil {
		t.Fatal(err)
	}
	other := s.raised("other")
	at := "/rest/servicedeskapi/request/"
	s.want(200, mine, Customer, "GET", at+mine, nil)
	s.want(404, "does not exist", Customer, "GET", at+other, nil)
	r := s.want(200, "", Customer, "GET", "/rest/servicedeskapi/request?searchTerm=mine", nil)
	if n := len(listAt(r.body, "values")); n != 1 {
		t.Errorf("the customer lists %d requests", n)
	}
	customer := s.tn.person("customer@north.example").id
	s.want(400, "participant", Sync, "POST", at+other+"/participant", `{"accountIds":["`+customer+`","nobody"]}`)
	s.want(404, "", Customer, "GET", at+other, nil) // all or nothing
	s.want(200, "Carla", Sync, "POST", at+other+"/participant", `{"accountIds":["`+customer+`"]}`)
	s.want(200, other, Customer, "GET", at+other, nil)
	s.want(200, `"size":0`, Sync, "DELETE", at+other+"/participant", `{"accountIds":["`+customer+`"]}`)
	s.want(404, "", Customer, "GET", at+other, nil)
	if err := s.tn.As("agent@north.example").SetField(other, "Organizations", "Globex"); err != nil {
		t.Fatal(err)
	}
	s.want(200, other, Customer, "GET", at+other, nil) // shared with the customer's organization

	s.want(201, `"public":true`, Customer, "POST", at+mine+"/comment", `{"body":"hello *you*","public":true}`)
	s.want(403, "internal", Customer, "POST", at+mine+"/comment", `{"body":"x","public":false}`)
	s.want(201, `"public":false`, Agent, "POST", at+mine+"/comment", `{"body":"x","public":false}`)
	s.want(400, "empty", Agent, "POST", at+mine+"/comment", `{"body":"","public":true}`)
	s.want(400, "public", Agent, "POST", at+mine+"/comment", `{"body":"x"}`)
	s.want(400, "32767", Agent, "POST", at+mine+"/comment", obj{"body": strings.Repeat("x", 32768), "public": true})
	for query, want := range map[string]int{"": 2, "?public=false": 1, "?internal=false": 1, "?limit=1": 1} {
		if r := s.want(200, "", Agent, "GET", at+mine+"/comment"+query, nil); len(listAt(r.body, "values")) != want {
			t.Errorf("%s: %s", query, r.raw)
		}
	}
	s.want(403, "", Guest, "GET", "/rest/servicedeskapi/servicedesk/SUPPORT/customer", nil)

	r = s.want(200, "Cancel request", Customer, "GET", at+mine+"/transition", nil)
	if n := len(listAt(r.body, "values")); n != 1 {
		t.Errorf("the portal offers %d transitions", n)
	}
	s.want(403, "reporter", Agent, "POST", at+mine+"/feedback", `{"type":"csat","rating":5}`)
	s.want(400, "resolved", Customer, "POST", at+mine+"/feedback", `{"type":"csat","rating":5}`)
	s.want(204, "", Customer, "POST", at+mine+"/transition", `{"id":"`+textAt(listAt(r.body, "values")[0], "id")+`","additionalComment":{"body":"no need"}}`)
	s.want(400, "between 1 and 5", Customer, "POST", at+mine+"/feedback", `{"type":"csat","rating":6}`)
	s.want(201, `"rating":4`, Customer, "POST", at+mine+"/feedback", `{"type":"csat","rating":4,"comment":{"body":"fine"}}`)
	s.want(200, `"rating":4`, Agent, "GET", at+mine+"/feedback", nil)
	s.want(200, `{"rating":4}`, Agent, "GET", "/rest/api/3/issue/"+mine+"?fields="+s.cf("Satisfaction"), nil)
	s.want(204, "", Customer, "DELETE", at+mine+"/feedback", nil)
	s.want(404, "", Agent, "GET", at+mine+"/feedback", nil)
	s.want(200, `"subscribed":true`, Sync, "GET", at+mine+"/notification", nil)
	s.want(204, "", Sync, "DELETE", at+mine+"/notification", nil)
	s.want(200, `"subscribed":false`, Sync, "GET", at+mine+"/notification", nil)
}

func TestOrganizationsAndCustomers(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	at := "/rest/servicedeskapi/organization"
	r := s.want(201, `"uuid"`, Sync, "POST", at, `{"name":"Globex"}`)
	if r.at("id") != s.tn.lists.orgs[0].id {
		t.Error("an organization that exists was made again")
	}
	s.want(400, "name", Sync, "POST", at, `{"name":" "}`)
	r = s.want(201, "Hooli", Sync, "POST", at, `{"name":"Hooli"}`)
	id, customer := r.at("id"), s.tn.person("customer@north.example").id
	s.want(200, "Hooli", Sync, "GET", at+"/"+id, nil)
	s.want(404, "", Customer, "GET", at+"/"+id, nil)
	s.want(204, "", Sync, "POST", at+"/"+id+"/user", `{"accountIds":["`+customer+`"]}`)
	s.want(400, "nobody", Sync, "POST", at+"/"+id+"/user", `{"accountIds":["nobody"]}`)
	s.want(200, `"size":2`, Customer, "GET", at, nil)
	s.want(200, "Carla", Sync, "GET", at+"/"+id+"/user", nil)
	s.want(201, "", Sync, "PUT", at+"/"+id+"/property/parley", `{"x":1}`)
	s.want(200, `{"x":1}`, Sync, "GET", at+"/"+id+"/property/parley", nil)
	s.want(204, "", Sync, "DELETE", at+"/"+id+"/property/parley", nil)
	link := "/rest/servicedeskapi/servicedesk/SUPPORT/organization"
	for range 2 {
		s.want(204, "", Sync, "POST", link, `{"organizationId":`+id+`}`)
	}
	s.want(200, "Hooli", Sync, "GET", link, nil)
	s.want(404, "", Sync, "POST", link, `{"organizationId":99999}`)
	s.want(204, "", Sync, "DELETE", link, `{"organizationId":`+id+`}`)
	s.want(403, "", Sync, "DELETE", at+"/"+id, nil)
	s.want(204, "", Admin, "DELETE", at+"/"+id, nil)

	s.want(403, "administrator", Sync, "POST", "/rest/servicedeskapi/customer", `{"displayName":"New","email":"new@x.example"}`)
	fresh := s.want(201, `"accountId":"qm:`, Admin, "POST", "/rest/servicedeskapi/customer", `{"displayName":"New","email":"new@x.example"}`)
	s.want(400, "exists", Admin, "POST", "/rest/servicedeskapi/customer", `{"displayName":"New","email":"new@x.example"}`)
	s.want(409, "exists", Admin, "POST", "/rest/servicedeskapi/customer?strictConflictStatusCode=true", `{"displayName":"New","email":"new@x.example"}`)
	s.want(400, "email", Admin, "POST", "/rest/servicedeskapi/customer", `{"email":"none"}`)
	desk := "/rest/servicedeskapi/servicedesk/SUPPORT/customer"
	s.want(400, "nobody", Sync, "POST", desk, `{"accountIds":["`+fresh.at("accountId")+`","nobody"]}`)
	s.want(200, "new@x.example", Sync, "GET", desk+"?query=new", nil) // added nevertheless
	s.want(204, "", Sync, "DELETE", desk, `{"accountIds":["`+fresh.at("accountId")+`"]}`)
}

// TestAClockThatIsAnsweredAtOnceIsCompleted: a request and its answer bear the same millisecond.
func TestAClockThatIsAnsweredAtOnceIsCompleted(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	agent := s.tn.As("agent@north.example")
	if err := errors.Join(agent.SetField(key, "reporter", "customer@north.example"), agent.Transition(key, "Ask customer", nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.Comment(key, "we look into it", true); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Hour)
	first := listAt(s.want(200, "", Agent, "GET", "/rest/servicedeskapi/request/"+key+"/sla", nil).body, "values")[0]
	if dig(first, "ongoingCycle") != nil || len(listAt(first, "completedCycles")) != 1 || textAt(listAt(first, "completedCycles")[0], "elapsedTime", "millis") != "0" {
		t.Errorf("%v", first)
	}
}

func TestSLA(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one") // Tuesday 10:01:40 UTC; priority High: 16 working hours to resolve, 4 to answer
	at := "/rest/servicedeskapi/request/" + key + "/sla"
	one := func(i int) bean {
		t.Helper()
		return listAt(s.want(200, "", Agent, "GET", at, nil).body, "values")[i]
	}
	s.pass(time.Hour)
	x := one(1)
	if textAt(x, "name") != "Time to resolution" || textAt(x, "ongoingCycle", "elapsedTime", "millis") != "3600000" || textAt(x, "ongoingCycle", "goalDuration", "millis") != "57600000" {
		t.Errorf("%v", x)
	}
	// 5h58m of today and 8h of tomorrow are left of the day's 16 hours: due on Thursday at 11:01:40 in Oslo plus one
	if due := textAt(x, "ongoingCycle", "breachTime", "iso8601"); due != "2026-07-09T12:01:40+0200" {
		t.Errorf("due %s", due)
	}
	agent := s.tn.As("agent@north.example")
	s.tn.As("agent@north.example").SetField(key, "reporter", "customer@north.example")
	if _, err := agent.Comment(key, "we look into it", true); err != nil {
		t.Fatal(err)
	}
	if x := one(0); dig(x, "ongoingCycle") != nil || len(listAt(x, "completedCycles")) != 1 {
		t.Errorf("a public answer ends the first response: %v", x)
	}
	if err := agent.Transition(key, "Ask customer", nil); err != nil {
		t.Fatal(err)
	}
	due := textAt(one(1), "ongoingCycle", "breachTime", "iso8601")
	s.pass(26 * time.Hour)
	if x := one(1); textAt(x, "ongoingCycle", "paused") != "true" || textAt(x, "ongoingCycle", "elapsedTime", "millis") != "3600000" || textAt(x, "ongoingCycle", "breachTime", "iso8601") != due {
		t.Errorf("a paused clock runs: %v", x)
	}
	if err := agent.Transition(key, "Back to support", nil); err != nil {
		t.Fatal(err)
	}
	s.pass(7 * 24 * time.Hour)
	if x := one(1); textAt(x, "ongoingCycle", "breached") != "true" || !strings.HasPrefix(textAt(x, "ongoingCycle", "remainingTime", "friendly"), "-") {
		t.Errorf("not breached after a week: %v", x)
	}
	if err := agent.Transition(key, "Resolve", map[string]any{"resolution": "Done"}); err != nil {
		t.Fatal(err)
	}
	s.want(200, `"completedCycles":[{`, Sync, "GET", at+"/"+textAt(one(1), "id"), nil)
	s.want(200, `"ongoingCycle"`, Sync, "GET", "/rest/api/3/issue/"+s.raised("two")+"?fields="+s.cf("Time to resolution"), nil)
	s.want(404, "SLA", Sync, "GET", at+"/999", nil)
	s.want(403, "", Customer, "GET", at, nil)
}
