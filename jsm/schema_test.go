package jsm

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func tenant() map[string]any {
	return map[string]any{
		"GET /rest/api/3/project/SUP": `{"id":"10000","key":"SUP","name":"Support"}`,
		"GET /rest/api/3/field": `[
			{"id":"summary","name":"Zusammenfassung","custom":false,"schema":{"type":"string","system":"summary"}},
			{"id":"priority","name":"Priorität","custom":false,"schema":{"type":"priority","system":"priority"}},
			{"id":"components","name":"Components","custom":false,"schema":{"type":"array","items":"component","system":"components"}},
			{"id":"issuekey","name":"Key","custom":false},
			{"id":"timespent","name":"Time Spent","custom":false,"schema":{"type":"number","system":"timespent"}},
			{"id":"customfield_1","name":"Impact","custom":true,"schema":{"type":"option","custom":"com.atlassian.jira.plugin.system.customfieldtypes:select","customId":1}},
			{"id":"customfield_2","name":"Impact","custom":true,"schema":{"type":"string","custom":"com.atlassian.jira.plugin.system.customfieldtypes:textfield","customId":2}},
			{"id":"customfield_3","name":"Request Type","custom":true,"schema":{"type":"sd-customerrequesttype","custom":"com.atlassian.servicedesk:vp-origin","customId":3}},
			{"id":"customfield_4","name":"Region","custom":true,"schema":{"type":"option-with-child","custom":"com.atlassian.jira.plugin.system.customfieldtypes:cascadingselect","customId":4}},
			{"id":"customfield_5","name":"Approvals","custom":true,"schema":{"type":"sd-approvals","custom":"com.atlassian.servicedesk.approvals-plugin:sd-approvals","customId":5}},
			{"id":"customfield_6","name":"Foreign","custom":true,"schema":{"type":"option","custom":"com.vendor.app:select","customId":6}}]`,
		"GET /rest/api/3/priority/search": `{"startAt":0,"maxResults":50,"total":2,"isLast":true,"values":[{"id":"1","name":"P1"},{"id":"2","name":"P2"}]}`,
		"GET /rest/api/3/project/10000/statuses": `[
			{"id":"10001","name":"Incident","self":"https://evil.example/1","subtask":false,"statuses":[{"id":"1","name":"Open","statusCategory":{"id":2,"key":"new"}},{"id":"3","name":"Done","statusCategory":{"id":3,"key":"done"}}]},
			{"id":"10002","name":"Service Request","self":"https://evil.example/2","subtask":false,"statuses":[{"id":"1","name":"Open","statusCategory":{"id":2,"key":"new"}}]}]`,
		"GET /rest/api/3/resolution":               `[{"id":"1","name":"Done"},{"id":"2","name":"Won't do"}]`,
		"GET /rest/api/3/project/10000/components": `[{"id":"5","name":"Web"}]`,
		"GET /rest/servicedeskapi/servicedesk": sequence(
			answer{body: `{"size":1,"start":0,"limit":1,"isLastPage":false,"values":[{"id":"9","projectId":"10009","projectKey":"OTHER"}],"_links":{"next":"https://evil.example/"}}`},
			answer{body: `{"size":1,"start":1,"limit":1,"isLastPage":true,"values":[{"id":"10","projectId":"10000","projectKey":"SUP"}]}`}),
		"GET /rest/servicedeskapi/servicedesk/10/requesttype": `{"size":1,"start":0,"limit":50,"isLastPage":true,"values":[{"id":"25","name":"Report a problem","issueTypeId":"10001"}]}`,
		"GET /rest/servicedeskapi/servicedesk/10/requesttype/25/field": `{"canRaiseOnBehalfOf":true,"canAddRequestParticipants":false,"requestTypeFields":[
			{"fieldId":"summary","name":"What?","required":true,"jiraSchema":{"type":"string","system":"summary"}},
			{"fieldId":"description","name":"More","required":false,"jiraSchema":{"type":"string","system":"description"}},
			{"fieldId":"customfield_1","name":"Impact","required":true,"jiraSchema":{"type":"option","custom":"com.atlassian.jira.plugin.system.customfieldtypes:select"},
			 "validValues":[{"value":"101","label":"Low","children":[]},{"value":"102","label":"High","children":[]}]},
			{"fieldId":"customfield_4","name":"Region","required":false,"jiraSchema":{"type":"option-with-child","custom":"com.atlassian.jira.plugin.system.customfieldtypes:cascadingselect"},
			 "validValues":[{"value":"201","label":"EU","children":[{"value":"202","label":"Berlin","children":[]}]}]}]}`,
		"GET /rest/api/3/issue/createmeta/10000/issuetypes/10001": `{"startAt":0,"maxResults":200,"total":1,"fields":[
			{"fieldId":"customfield_1","key":"customfield_1","name":"Impact","required":false,"hasDefaultValue":false,"operations":["set"],"schema":{"type":"option"},
			 "allowedValues":[{"id":"102","value":"High"},{"id":"103","value":"Extensive"}]}]}`,
		"GET /rest/api/3/issue/createmeta/10000/issuetypes/10002": answer{status: 403, body: `{"errorMessages":["You cannot create issues in this project."],"errors":{}}`},
	}
}

func TestSchema(t *testing.T) {
	c, f := jira(t, tenant())
	s, err := c.Schema(t.Context(), "SUP")
	if err != nil {
		t.Fatal(err)
	}
	if s.Project != (Option{ID: "10000", Value: "SUP"}) || s.Desk != "10" {
		t.Errorf("project %v, desk %s", s.Project, s.Desk)
	}
	if len(s.Statuses) != 2 || s.Statuses[1] != (Status{"3", "Done", "done"}) || len(s.IssueTypes) != 2 {
		t.Errorf("statuses %v", s.Statuses)
	}
	if len(s.Priorities) != 2 || len(s.Resolutions) != 2 || len(s.Components) != 1 {
		t.Errorf("%v %v %v", s.Priorities, s.Resolutions, s.Components)
	}
	if len(s.Gaps) != 1 || !strings.Contains(s.Gaps[0], "Service Request") {
		t.Errorf("gaps %q", s.Gaps)
	}
	for id, want := range map[string]FieldType{
		"summary": Text, "issuekey": ReadOnly, "timespent": ReadOnly, "customfield_1": Select, "customfield_3": RequestTypeType,
		"customfield_4": Cascading, "customfield_5": ApprovalsType, "customfield_6": UnknownType,
	} {
		if got, err := s.Field(id); err != nil || got.Type != want {
			t.Errorf("%s: %s, %v", id, got.Type, err)
		}
	}
	impact, _ := s.Field("customfield_1")
	region, _ := s.Field("customfield_4")
	priority, _ := s.Field("Priorität")
	if !slices.Equal(impact.Options, []string{"Low", "High", "Extensive"}) || !slices.Equal(region.Options, []string{"EU", "EU / Berlin"}) || !slices.Equal(priority.Options, []string{"P1", "P2"}) {
		t.Errorf("options %q %q %q", impact.Options, region.Options, priority.Options)
	}
	r, err := s.RequestType("Report a problem")
	if err != nil || r.ID != "25" || !r.OnBehalfOf || r.Participants || len(r.Fields) != 4 || r.Fields[1].Type != Paragraph || !r.Fields[0].Required {
		t.Errorf("%+v, %v", r, err)
	}
	if q := f.last("GET /rest/servicedeskapi/servicedesk").Query; q != "limit=50&start=1" {
		t.Errorf("second page asked with %s", q)
	}
	if id := c.requestTypeField(); id != "customfield_3" {
		t.Errorf("request type field %s", id)
	}
}

func TestSchemaOfNoDesk(t *testing.T) {
	answers := tenant()
	answers["GET /rest/servicedeskapi/servicedesk"] = `{"size":0,"start":0,"limit":50,"isLastPage":true,"values":[]}`
	c, _ := jira(t, answers)
	s, err := c.Schema(t.Context(), "SUP")
	if err != nil || s.Desk != "" || len(s.Gaps) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestFieldLookup(t *testing.T) {
	s := &Schema{Fields: []Field{{ID: "summary", Name: "Summary"}, {ID: "customfield_2", Name: "Impact"}, {ID: "customfield_1", Name: "Impact"}, {ID: "customfield_3", Name: "Contract reference"}}}
	var twice *AmbiguousField
	if _, err := s.Field("Impact"); !errors.As(err, &twice) || !slices.Equal(twice.IDs, []string{"customfield_1", "customfield_2"}) || !strings.Contains(err.Error(), "customfield_1 and customfield_2") {
		t.Error(err)
	}
	var miss *NotThere
	_, err := s.Field("contract refernce")
	if !errors.Is(err, ErrNoField) || !errors.As(err, &miss) || !slices.Equal(miss.Near, []string{"Contract reference"}) {
		t.Error(err)
	}
	if _, err := s.Field("Something else entirely"); !errors.As(err, &miss) || len(miss.Near) != 0 {
		t.Error(err)
	}
	if f, err := s.Field("customfield_2"); err != nil || f.Name != "Impact" {
		t.Error(err)
	}
	if _, err := s.RequestType("x"); !errors.Is(err, ErrNoRequestType) {
		t.Error(err)
	}
}
