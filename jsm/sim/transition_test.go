package sim

import (
	"testing"
)

// way gives the id of a transition by name, as the role sees it now; "" where it is not offered.
func (s *site) way(role Role, key, name string) string {
	s.Helper()
	r := s.want(200, "", role, "GET", "/rest/api/3/issue/"+key+"/transitions?expand=transitions.fields", nil)
	for _, tr := range listAt(r.body, "transitions") {
		if textAt(tr, "name") == name {
			return textAt(tr, "id")
		}
	}
	return ""
}

func TestTransitions(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key + "/transitions"
	post := func(status int, words, name, more string) {
		t.Helper()
		id := s.way(Sync, key, name)
		if id == "" {
			t.Fatalf("%s is not offered", name)
		}
		s.want(status, words, Sync, "POST", path, `{"transition":{"id":"`+id+`"}`+more+`}`)
	}
	s.want(400, "Missing", Sync, "POST", path, `{}`)
	s.want(400, "illegal", Sync, "POST", path, `{"transition":{"id":"99999"}}`)
	if s.way(Sync, key, "Close") != "" || s.way(Sync, key, "Force close") != "" || s.way(Admin, key, "Force close") == "" {
		t.Error("the transitions offered are not those of the status and the role")
	}
	if r := s.want(200, "", Guest, "GET", path, nil); len(listAt(r.body, "transitions")) != 0 {
		t.Error("a guest is offered transitions")
	}
	post(204, "", "Start work", "")
	post(400, "Assignee is required", "Hand to vendor", "") // the validator
	post(400, "cannot be set", "Hand to vendor", `,"fields":{"summary":"x"}`)
	post(204, "", "Hand to vendor", `,"fields":{"assignee":{"accountId":"`+s.tn.person("agent@north.example").id+`"}}`)
	post(204, "", "Resolve", "") // the screen's resolution is not asked for by REST
	x, _ := s.tn.Issue(key)
	if x.Status != "Resolved" || x.Resolution != "" {
		t.Errorf("after a bare resolve: %s %q", x.Status, x.Resolution)
	}
	post(204, "", "Reopen", "")
	post(204, "", "Resolve", `,"fields":{"resolution":{"name":"Duplicate"}},"update":{"comment":[{"add":{"body":`+seenIt+`,"properties":[{"key":"sd.public.comment","value":{"internal":true}}]}}]}`)
	x, _ = s.tn.Issue(key)
	if x.Resolution != "Duplicate" || len(x.Comments) != 1 || x.Comments[0].Public {
		t.Errorf("resolution %q, comments %+v", x.Resolution, x.Comments)
	}
	post(204, "", "Reopen", "")
	if x, _ = s.tn.Issue(key); x.Resolution != "" {
		t.Error("reopening leaves the resolution")
	}
	post(204, "", "Mark as done", "")
	if x, _ = s.tn.Issue(key); x.Resolution != "Done" {
		t.Error("the post-function sets no resolution")
	}
	r := s.want(200, "", Sync, "GET", "/rest/servicedeskapi/request/"+key+"/status", nil)
	if n := len(listAt(r.body, "values")); n != 8 {
		t.Errorf("%d statuses in the history: %s", n, r.raw)
	}
}

func TestApproval(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	for _, decision := range []string{"approve", "decline"} {
		key := s.raised(decision)
		path := "/rest/api/3/issue/" + key
		s.want(200, `"size":0`, Sync, "GET", "/rest/servicedeskapi/request/"+key+"/approval", nil)
		s.want(204, "", Sync, "POST", path+"/transitions", `{"transition":{"id":"`+s.way(Sync, key, "Ask approval")+`"}}`)
		if s.way(Sync, key, "Approve") != "" || s.way(Approver, key, "Decline") != "" {
			t.Error("an agent is offered the approval's own transitions")
		}
		if s.way(Sync, key, "Withdraw approval") == "" {
			t.Error("the status' other ways out must stay usable")
		}
		s.want(204, "", Sync, "PUT", path, obj{"fields": obj{s.cf("Approvers"): []any{obj{"accountId": s.tn.person("approver@north.example").id}, obj{"accountId": s.tn.person("customer@north.example").id}}}})
		list := s.want(200, `"canAnswerApproval":false`, Sync, "GET", "/rest/servicedeskapi/request/"+key+"/approval", nil)
		at := "/rest/servicedeskapi/request/" + key + "/approval/" + textAt(listAt(list.body, "values")[0], "id")
		s.want(403, "not an approver", Sync, "POST", at, `{"decision":"approve"}`)
		s.want(400, "approve or decline", Approver, "POST", at, `{"decision":"yes"}`)
		s.want(200, `"canAnswerApproval":true`, Customer, "GET", at, nil)
		if err := s.tn.checkJQL("approvals = pending()"); err != nil {
			t.Error(err)
		}
		s.want(200, `"count":1`, Sync, "POST", "/rest/api/3/search/approximate-count", `{"jql":"project = SUPPORT AND approvals = pending()"}`)
		s.want(200, `"finalDecision":"`+decision, Approver, "POST", at, `{"decision":"`+decision+`"}`)
		s.want(409, "already", Approver, "POST", at, `{"decision":"approve"}`)
		s.want(409, "already", Customer, "POST", at, `{"decision":"approve"}`)
		x, _ := s.tn.Issue(key)
		if want := map[string]string{"approve": "In progress", "decline": "Canceled"}[decision]; x.Status != want {
			t.Errorf("%s leads to %s", decision, x.Status)
		}
	}
	key := s.raised("left")
	for _, name := range []string{"Ask approval", "Withdraw approval"} {
		s.tn.As("agent@north.example").SetField(key, "Approvers", "approver@north.example")
		if err := s.tn.As("agent@north.example").Transition(key, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	if x, _ := s.tn.Issue(key); len(x.Approvals) != 0 {
		t.Errorf("an approval outlives its status: %+v", x.Approvals)
	}
}
