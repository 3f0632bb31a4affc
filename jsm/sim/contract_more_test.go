package sim

func (s *session) watchers() {
	s.sync.do("POST", s.issue("/watchers"), s.agent.account.ID, 204)
	s.sync.get(s.issue("/watchers"))
	s.sync.get(s.issue("?fields=watches"))
	s.sync.do("DELETE", s.issue("/watchers?accountId="+s.agent.account.ID), nil, 204)
}

func (s *session) levels() {
	for _, l := range listAt(s.agent.get("/rest/api/3/project/"+s.project+"/securitylevel"), "levels") {
		s.agent.get("/rest/api/3/securitylevel/" + textAt(l, "id"))
		s.agent.do("PUT", s.issue(""), bean{"fields": bean{"security": bean{"id": textAt(l, "id")}}}, 204)
		s.agent.get(s.issue("?fields=security&expand=changelog"))
		s.customer.do("GET", s.request(""), nil, 404)
	}
	// The descriptions allow no null in fields, though null is what clears one.
	if err := s.tenant.As(s.agent.account.Email).SetField(s.key, "security", nil); err != nil {
		s.agent.t.Fatal(err)
	}
}

// parts makes a sub-task.
func (s *session) parts() {
	for _, it := range listAt(s.sync.get("/rest/api/3/issuetype"), "values") {
		if it["subtask"] == true {
			s.sync.do("POST", "/rest/api/3/issue", bean{"fields": bean{"project": bean{"key": s.project}, "issuetype": bean{"id": textAt(it, "id")},
				"summary": "A part", "parent": bean{"key": s.key}}}, 201)
		}
	}
	s.sync.get(s.issue("?fields=subtasks,parent"))
}

func (s *session) assets() {
	workspace := textAt(listAt(s.agent.get("/rest/servicedeskapi/assets/workspace"), "values")[0], "workspaceId")
	for _, home := range []string{"/gateway/api/jsm/assets/workspace/", "/jsm/assets/workspace/"} {
		found := s.agent.post(home+workspace+"/v1/object/aql", bean{"qlQuery": `label = "Core router"`})
		s.agent.get(home + workspace + "/v1/object/" + textAt(listAt(found, "values")[0], "id"))
	}
}

// creates adds to lists, as administrators may.
func (s *session) creates() {
	s.admin.do("POST", "/rest/api/3/version", bean{"name": "Brand new", "projectId": num(s.tenant.project(s.project).id)}, 201)
	s.sync.do("POST", "/rest/api/3/version", bean{"name": "Newer still", "project": s.project}, 404)
	s.admin.do("POST", "/rest/api/3/component", bean{"name": "Brand new", "project": s.project}, 201)
	s.sync.do("POST", "/rest/api/3/component", bean{"name": "Newer still", "project": s.project}, 403)
	for _, f := range s.tenant.lists.fields {
		if f.kind != kSelect && f.kind != kCascade {
			continue
		}
		at := "/rest/api/3/field/" + f.id + "/context"
		at += "/" + textAt(listAt(s.admin.get(at), "values")[0], "id") + "/option"
		option := bean{"value": "Brand new"}
		if f.kind == kCascade {
			option["optionId"] = textAt(listAt(s.admin.get(at), "values")[0], "id")
		}
		s.admin.do("POST", at, bean{"options": []bean{option}}, 200)
		s.admin.do("POST", at, bean{"options": []bean{option}}, 400)
		s.sync.do("POST", at, bean{"options": []bean{option}}, 403)
	}
}
