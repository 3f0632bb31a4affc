package sim

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// TestContract plays a broad session of every role and holds each request and answer to Atlassian's API
// descriptions. At the end every route of the tenant must have been used.
func TestContract(t *testing.T) {
	for _, name := range []string{"north", "south"} {
		t.Run(name, func(t *testing.T) {
			tenant := MustNew(Config{Name: name, NoLimits: true})
			guard := newSpecGuard(t, inProcess{tenant})
			s := &session{tenant: tenant, project: tenant.Project()}
			for role, who := range map[Role]*scripted{Agent: &s.agent, Sync: &s.sync, Customer: &s.customer, Admin: &s.admin, Approver: &s.approver, Guest: &s.guest} {
				*who = scripted{t: t, base: tenant.URL(), account: mustAccount(t, tenant, role), rt: guard}
			}
			s.lists()
			s.desk()
			s.raise()
			s.read()
			s.edit()
			s.comments()
			s.properties()
			s.files()
			s.watchers()
			s.levels()
			s.parts()
			s.assets()
			s.creates()
			s.links()
			s.work()
			s.people()
			s.approve()
			s.refusals()
			s.end()
			unused(t, tenant)
		})
	}
}

type session struct {
	tenant                                        *Tenant
	agent, sync, customer, admin, approver, guest scripted
	project, deskID, typeID, key, id, orgID       string
}

func (s *session) issue(rest string) string   { return "/rest/api/3/issue/" + s.key + rest }
func (s *session) request(rest string) string { return "/rest/servicedeskapi/request/" + s.key + rest }
func (s *session) deskPath(rest string) string {
	return "/rest/servicedeskapi/servicedesk/" + s.deskID + rest
}

func (s *session) lists() {
	q := url.QueryEscape
	for _, path := range []string{"serverInfo", "myself?expand=groups", "mypermissions?projectKey=" + s.project + "&permissions=BROWSE_PROJECTS,EDIT_ISSUES",
		"field", "field/search?maxResults=5", "priority", "priority/search", "resolution", "status", "statuscategory", "issuetype", "label",
		"issueLinkType", "project", "project/search", "project/" + s.project, "project/" + s.project + "/statuses",
		"project/" + s.project + "/components", "project/" + s.project + "/component", "project/" + s.project + "/versions",
		"project/" + s.project + "/version", "user?accountId=" + q(s.agent.account.ID), "user/search?query=" + q(s.agent.account.Email),
		"users/search", "user/assignable/search?project=" + s.project, "user/bulk?accountId=" + q(s.agent.account.ID), "group/bulk",
		"groups/picker?query=a"} {
		s.sync.get("/rest/api/3/" + path)
	}
	groups := listAt(s.sync.get("/rest/api/3/group/bulk"), "values")
	if len(groups) > 0 {
		s.admin.get("/rest/api/3/group/member?groupId=" + q(textAt(groups[0], "groupId")))
	}
	types := listAt(s.sync.get("/rest/api/3/issue/createmeta/"+s.project+"/issuetypes"), "issueTypes")
	s.sync.get("/rest/api/3/issue/createmeta/" + s.project + "/issuetypes/" + textAt(types[0], "id"))
	s.sync.get("/_edge/tenant_info")
	s.sync.do("GET", "/rest/api/3/search?jql=project="+s.project, nil, 410)
	s.sync.do("POST", "/rest/api/3/search", bean{"jql": "project = " + s.project}, 410)
}

func (s *session) desk() {
	s.sync.get("/rest/servicedeskapi/info")
	for _, d := range listAt(s.sync.get("/rest/servicedeskapi/servicedesk"), "values") {
		if textAt(d, "projectKey") == s.project {
			s.deskID = textAt(d, "id")
		}
	}
	s.sync.get(s.deskPath(""))
	s.sync.get(s.deskPath("/requesttypegroup"))
	s.sync.get("/rest/servicedeskapi/requesttype?searchQuery=a")
	s.sync.get("/rest/servicedeskapi/knowledgebase/article?query=vpn")
	s.sync.get(s.deskPath("/knowledgebase/article?query=vpn"))
	for _, rt := range listAt(s.sync.get(s.deskPath("/requesttype?limit=50")), "values") {
		id := textAt(rt, "id")
		s.sync.get(s.deskPath("/requesttype/" + id))
		form := s.sync.get(s.deskPath("/requesttype/" + id + "/field"))
		simple := true
		for _, f := range listAt(form, "requestTypeFields") {
			if f["required"] == true && textAt(f, "fieldId") != "summary" && textAt(f, "fieldId") != "description" {
				simple = false
			}
		}
		if simple && s.typeID == "" {
			s.typeID = id
		}
	}
	for _, queue := range listAt(s.agent.get(s.deskPath("/queue?includeCount=true")), "values") {
		s.agent.get(s.deskPath("/queue/" + textAt(queue, "id") + "?includeCount=true"))
		s.agent.get(s.deskPath("/queue/" + textAt(queue, "id") + "/issue"))
	}
	s.agent.get(s.deskPath("/customer"))
	s.agent.get(s.deskPath("/organization"))
}

func (s *session) raise() {
	made := s.sync.do("POST", "/rest/servicedeskapi/request", bean{"serviceDeskId": s.deskID, "requestTypeId": s.typeID,
		"requestFieldValues": bean{"summary": "Contract", "description": "with *wiki*"}, "raiseOnBehalfOf": s.customer.account.ID}, 201)
	s.key, s.id = textAt(made, "issueKey"), textAt(made, "issueId")
	s.customer.do("POST", "/rest/servicedeskapi/request", bean{"serviceDeskId": s.deskID, "requestTypeId": s.typeID,
		"requestFieldValues": bean{"summary": "Mine", "description": wikiDoc("adf")}, "isAdfRequest": true}, 201)
	s.customer.get("/rest/servicedeskapi/request?requestOwnership=OWNED_REQUESTS&requestStatus=ALL_REQUESTS&expand=status")
}

func (s *session) read() {
	s.customer.get(s.request(""))
	s.agent.get(s.request("?expand=participant,status,sla,requestType,serviceDesk,action,comment"))
	s.agent.get(s.request("/status"))
	s.agent.get(s.request("/transition"))
	for _, sla := range listAt(s.agent.get(s.request("/sla")), "values") {
		s.agent.get(s.request("/sla/" + textAt(sla, "id")))
	}
	s.sync.get(s.issue("?expand=renderedFields,names,schema,transitions,editmeta,changelog"))
	s.sync.get("/rest/api/2/issue/" + s.key)
	s.sync.get(s.issue("/editmeta"))
	s.sync.get(s.issue("/changelog"))
	jql := "project = " + s.project + " ORDER BY updated ASC, key ASC"
	page := s.sync.post("/rest/api/3/search/jql", bean{"jql": jql, "maxResults": 1, "fields": []string{"*all"}, "expand": "names,changelog"})
	if token := textAt(page, "nextPageToken"); token != "" {
		s.sync.post("/rest/api/3/search/jql", bean{"jql": jql, "maxResults": 1, "nextPageToken": token})
	}
	s.sync.get("/rest/api/3/search/jql?fields=summary&jql=" + url.QueryEscape("key = "+s.key))
	s.sync.post("/rest/api/3/search/approximate-count", bean{"jql": "project = " + s.project})
	s.sync.post("/rest/api/3/jql/match", bean{"issueIds": []int{num(s.id)}, "jqls": []string{"project = " + s.project, "nonsense = 1"}})
	s.sync.post("/rest/api/3/jql/parse?validation=strict", bean{"queries": []string{"project = " + s.project + " AND labels in (a, b)", "project ="}})
	s.sync.post("/rest/api/3/issue/bulkfetch", bean{"issueIdsOrKeys": []string{s.id, "1"}, "fields": []string{"*all"}, "expand": []string{"changelog"}, "properties": []string{"parley"}})
	s.sync.post("/rest/api/3/changelog/bulkfetch", bean{"issueIdsOrKeys": []string{s.key}})
}

func num(s string) int { n, _ := strconv.Atoi(s); return n }

func (s *session) edit() {
	priorities := listAt(s.sync.get("/rest/api/3/priority/search"), "values")
	s.sync.do("PUT", s.issue(""), bean{"fields": bean{"summary": "Contract, edited", "priority": bean{"id": textAt(priorities[0], "id")},
		"description": wikiDoc("h1. Title"), "duedate": "2026-12-24"}, "update": bean{"labels": []bean{{"add": "vpn"}}}}, 204)
	s.sync.do("PUT", s.issue("?returnIssue=true&expand=changelog"), bean{"fields": bean{"summary": "Contract, again"}}, 200)
	s.sync.do("PUT", s.issue("/assignee"), bean{"accountId": s.agent.account.ID}, 204)
	s.sync.do("PUT", "/rest/api/2/issue/"+s.key, bean{"fields": bean{"description": "wiki *text*"}}, 204)
	agent := s.tenant.person(s.agent.account.Email)
	v := &visit{t: s.tenant, me: agent, side: "agent"}
	set := bean{}
	for _, c := range v.editControls(s.issue(""), nil) {
		if strings.HasPrefix(c.ID, "customfield_") && len(c.Choices) > 0 {
			set[c.ID] = c.write(c.Choices[0].Value)
		}
	}
	s.sync.do("PUT", s.issue(""), bean{"fields": set}, 204)
	s.sync.get(s.issue("?fields=*all&expand=changelog"))
	s.move()
	s.sync.get(s.issue("/changelog?maxResults=2"))
}

// move walks the workflow as agent until the portal offers its customer a transition too, and takes that.
func (s *session) move() {
	been := map[string]bool{}
	for range 8 {
		if offered := listAt(s.customer.get(s.request("/transition")), "values"); len(offered) > 0 {
			s.customer.do("POST", s.request("/transition"), bean{"id": textAt(offered[0], "id"), "additionalComment": bean{"body": "please"}}, 204)
			return
		}
		for _, tr := range listAt(s.sync.get(s.issue("/transitions?expand=transitions.fields")), "transitions") {
			if to := textAt(tr, "to", "id"); !been[to] && textAt(tr, "to", "statusCategory", "key") != "done" {
				been[to] = true
				s.sync.do("POST", s.issue("/transitions"), bean{"transition": bean{"id": textAt(tr, "id")}}, 204)
				break
			}
		}
	}
}

func (s *session) comments() {
	internal := []bean{{"key": publicProperty, "value": bean{"internal": true}}, {"key": "parley", "value": bean{"o": 1}}}
	one := s.sync.do("POST", s.issue("/comment"), bean{"body": wikiDoc("public")}, 201)
	note := s.sync.do("POST", s.issue("/comment"), bean{"body": wikiDoc("note"), "properties": internal}, 201)
	s.sync.do("POST", "/rest/api/2/issue/"+s.key+"/comment", bean{"body": "wiki _note_", "properties": internal}, 201)
	s.agent.do("POST", s.request("/comment"), bean{"body": "by desk", "public": false}, 201)
	s.sync.get(s.issue("/comment?orderBy=-created&expand=renderedBody&maxResults=2"))
	s.sync.get("/rest/api/2/issue/" + s.key + "/comment")
	s.sync.get(s.issue("/comment/" + textAt(one, "id")))
	s.sync.do("PUT", s.issue("/comment/"+textAt(note, "id")), bean{"body": wikiDoc("note, edited")}, 200)
	s.sync.post("/rest/api/3/comment/list?expand=properties", bean{"ids": []int{num(textAt(one, "id")), num(textAt(note, "id"))}})
	for _, c := range listAt(s.agent.get(s.request("/comment?expand=renderedBody")), "values") {
		s.agent.get(s.request("/comment/" + textAt(c, "id")))
	}
	s.customer.get(s.request("/comment?public=true"))
	props := "/rest/api/3/comment/" + textAt(note, "id") + "/properties"
	s.sync.do("PUT", props+"/extra", bean{"a": 1}, 201)
	s.sync.do("PUT", props+"/extra", bean{"a": 2}, 200)
	s.sync.get(props)
	s.sync.get(props + "/extra")
	s.sync.do("DELETE", props+"/extra", nil, 204)
	s.sync.do("DELETE", s.issue("/comment/"+textAt(one, "id")), nil, 204)
}

func (s *session) properties() {
	s.sync.do("PUT", s.issue("/properties/parley"), bean{"link": "x"}, 201)
	s.sync.do("PUT", s.issue("/properties/parley"), bean{"link": "y"}, 200)
	s.sync.get(s.issue("/properties"))
	s.sync.get(s.issue("/properties/parley"))
	s.sync.do("DELETE", s.issue("/properties/parley"), nil, 204)
}

func (s *session) links() {
	other := newIssue(s.sync, s.project)
	kinds := listAt(s.sync.get("/rest/api/3/issueLinkType"), "issueLinkTypes")
	s.sync.get("/rest/api/3/issueLinkType/" + textAt(kinds[0], "id"))
	s.sync.do("POST", "/rest/api/3/issueLink", bean{"type": bean{"name": textAt(kinds[0], "name")}, "inwardIssue": bean{"key": s.key}, "outwardIssue": bean{"key": other}}, 201)
	is := s.sync.get(s.issue("?fields=issuelinks"))
	id := textAt(listAt(is, "fields", "issuelinks")[0], "id")
	s.sync.get("/rest/api/3/issueLink/" + id)
	s.sync.do("DELETE", "/rest/api/3/issueLink/"+id, nil, 204)
	object := bean{"globalId": "parley=1", "relationship": "mirrors", "object": bean{"url": "https://example.com/1", "title": "Twin"}}
	made := s.sync.do("POST", s.issue("/remotelink"), object, 201)
	s.sync.do("POST", s.issue("/remotelink"), object, 200)
	s.sync.get(s.issue("/remotelink"))
	s.sync.get(s.issue("/remotelink/" + textAt(made, "id")))
	s.sync.do("PUT", s.issue("/remotelink/"+textAt(made, "id")), object, 204)
	s.sync.do("DELETE", s.issue("/remotelink/"+textAt(made, "id")), nil, 204)
	s.sync.do("POST", s.issue("/remotelink"), object, 201)
	s.sync.do("DELETE", s.issue("/remotelink?globalId=parley%3D1"), bean{}, 204)
}

func (s *session) work() {
	made := s.sync.do("POST", s.issue("/worklog?adjustEstimate=leave"), bean{"timeSpentSeconds": 600, "started": "2026-11-22T09:00:00.000+0000", "comment": wikiDoc("x")}, 201)
	s.sync.get(s.issue("/worklog"))
	s.sync.get(s.issue("/worklog/" + textAt(made, "id")))
	s.sync.do("PUT", s.issue("/worklog/"+textAt(made, "id")), bean{"timeSpentSeconds": 1200}, 200)
	s.sync.get("/rest/api/3/worklog/updated?since=0")
	s.sync.post("/rest/api/3/worklog/list", bean{"ids": []int{num(textAt(made, "id"))}})
	s.sync.do("DELETE", s.issue("/worklog/"+textAt(made, "id")), nil, 204)
	s.sync.get("/rest/api/3/worklog/deleted?since=0")
}

func (s *session) people() {
	ids := bean{"accountIds": []string{s.agent.account.ID}}
	s.agent.do("POST", s.request("/participant"), ids, 200)
	s.agent.get(s.request("/participant"))
	s.agent.do("DELETE", s.request("/participant"), ids, 200)
	s.agent.get(s.request("/notification"))
	s.agent.do("PUT", s.request("/notification"), nil, 204)
	s.agent.do("DELETE", s.request("/notification"), nil, 204)
	org := s.admin.do("POST", "/rest/servicedeskapi/organization", bean{"name": "Initech"}, 201)
	s.orgID = textAt(org, "id")
	path := "/rest/servicedeskapi/organization/" + s.orgID
	s.admin.do("POST", s.deskPath("/organization"), bean{"organizationId": num(s.orgID)}, 204)
	s.agent.get("/rest/servicedeskapi/organization")
	s.agent.get(path)
	s.admin.do("POST", path+"/user", bean{"accountIds": []string{s.customer.account.ID}}, 204)
	s.agent.get(path + "/user")
	s.admin.do("DELETE", path+"/user", bean{"accountIds": []string{s.customer.account.ID}}, 204)
	s.admin.do("PUT", path+"/property/parley", bean{"a": 1}, 200, 201)
	s.admin.get(path + "/property")
	s.admin.get(path + "/property/parley")
	s.admin.do("DELETE", path+"/property/parley", nil, 204)
	s.admin.do("DELETE", s.deskPath("/organization"), bean{"organizationId": num(s.orgID)}, 204)
	s.admin.do("DELETE", path, nil, 204)
	s.agent.do("POST", s.deskPath("/customer"), bean{"accountIds": []string{s.customer.account.ID}}, 204)
	made := s.admin.do("POST", "/rest/servicedeskapi/customer", bean{"displayName": "New One", "email": "new.one@example.com"}, 201)
	s.agent.do("DELETE", s.deskPath("/customer"), bean{"accountIds": []string{textAt(made, "accountId")}}, 204)
}

// approve finds the way into an approval, as the seed has one, and answers it.
func (s *session) approve() {
	f := s.tenant.fieldNamed(s.tenant.seed.Approval.Field)
	made := s.sync.do("POST", "/rest/servicedeskapi/request", bean{"serviceDeskId": s.deskID, "requestTypeId": s.typeID, "requestFieldValues": bean{"summary": "To approve"}}, 201)
	old := s.key
	s.key = textAt(made, "issueKey")
	defer func() { s.key = old }()
	s.sync.do("PUT", s.issue(""), bean{"fields": bean{f.id: []bean{{"accountId": s.approver.account.ID}}}}, 204)
	for range 5 {
		if len(listAt(s.agent.get(s.request("/approval")), "values")) > 0 {
			break
		}
		moves := listAt(s.agent.get(s.issue("/transitions")), "transitions")
		next := moves[0]
		for _, m := range moves {
			if textAt(m, "to", "name") == s.tenant.seed.Approval.Status {
				next = m
			}
		}
		s.agent.do("POST", s.issue("/transitions"), bean{"transition": bean{"id": textAt(next, "id")}}, 204)
	}
	approvals := listAt(s.agent.get(s.request("/approval")), "values")
	if len(approvals) == 0 {
		s.agent.t.Fatal("no approval")
	}
	path := s.request("/approval/" + textAt(approvals[0], "id"))
	s.agent.get(path)
	s.agent.do("POST", path, bean{"decision": "approve"}, 403)
	s.approver.do("POST", path, bean{"decision": "approve"}, 200)
	s.approver.do("POST", path, bean{"decision": "approve"}, 409)
	s.sync.get(s.issue("?expand=changelog"))
}

func (s *session) refusals() {
	s.sync.do("GET", "/rest/api/3/issue/"+s.project+"-99999", nil, 404)
	s.sync.do("POST", "/rest/api/3/search/jql", bean{"jql": "ORDER BY created"}, 400)
	s.sync.do("POST", "/rest/api/3/search/jql", bean{"jql": "project ="}, 400)
	s.sync.do("PUT", s.issue(""), bean{"fields": bean{"customfield_99999": 1}}, 400)
	s.sync.do("PUT", s.issue(""), bean{"fields": bean{"description": "no document"}}, 400)
	s.sync.do("POST", s.issue("/comment"), bean{"body": bean{"type": "doc", "version": 1, "content": []bean{{"type": "nonsense"}}}}, 400)
	s.sync.do("POST", s.issue("/transitions"), bean{"transition": bean{"id": "99999"}}, 400)
	s.sync.do("POST", "/rest/servicedeskapi/request", bean{"serviceDeskId": s.deskID, "requestTypeId": s.typeID, "requestFieldValues": bean{"customfield_99999": "x"}}, 400)
	s.guest.do("GET", s.deskPath("/queue"), nil, 403)
	s.customer.do("GET", "/rest/servicedeskapi/request/"+s.project+"-99999", nil, 404)
	stranger := s.sync
	stranger.account.Token = "wrong"
	stranger.do("GET", "/rest/api/3/myself", nil, 401)
}

func (s *session) end() {
	// CSAT is the reporter's word.
	s.customer.do("POST", s.request("/feedback"), bean{"type": "csat", "rating": 5, "comment": bean{"body": "great"}}, 200, 201, 400)
	s.agent.do("DELETE", s.request("/feedback"), nil, 403)
	s.agent.do("GET", s.request("/feedback"), nil, 200, 404)
	s.admin.do("DELETE", s.issue("?deleteSubtasks=true"), nil, 204)
	s.sync.do("GET", s.issue(""), nil, 404)
}

// unused fails where a route was never called: a broad session has no blind spot.
func unused(t *testing.T, tenant *Tenant) {
	t.Helper()
	used := map[string]bool{}
	for name := range tenant.Calls("") {
		used[name] = true
	}
	for _, byLen := range tenant.router.routes {
		for _, list := range byLen {
			for _, e := range list {
				if !used[e.name] && !strings.Contains(e.name, " /sim/") && !strings.Contains(e.name, " /oauth/") && !strings.Contains(e.name, "webhook") {
					t.Errorf("%s was never called", e.name)
				}
			}
		}
	}
}
