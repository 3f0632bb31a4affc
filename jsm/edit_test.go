package jsm

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestEditIsOneCall(t *testing.T) {
	c, f := jira(t, map[string]any{"PUT /rest/api/3/issue/10042": issue42})
	got, err := c.Edit(t.Context(), "10042", Edit{
		Set:    map[string]Value{"summary": "New", "customfield_7": Option{ID: "9"}, "duedate": nil},
		Add:    map[string][]Value{"labels": {"vpn", "urgent"}, "components": {Option{Value: "Web"}}},
		Remove: map[string][]Value{"labels": {"old"}},
		Types:  map[string]Field{"customfield_7": {ID: "customfield_7", Type: Select}},
		Mark:   json.RawMessage(`{"rev":3}`),
	})
	if err != nil || got.Key != "SUP-7" || len(got.History) != 1 || len(f.lines()) != 1 {
		t.Fatalf("%+v, %v, %v", got, err, f.lines())
	}
	put := f.last("PUT /rest/api/3/issue/10042")
	if put.Query != "expand=changelog&returnIssue=true" {
		t.Error(put.Query)
	}
	sameJSON(t, put.Body, `{"fields":{"summary":"New","customfield_7":{"id":"9"},"duedate":null},
		"update":{"labels":[{"add":"vpn"},{"add":"urgent"},{"remove":"old"}],"components":[{"add":{"name":"Web"}}]},
		"properties":[{"key":"parley","value":{"rev":3}}]}`)
}

func TestEditFallsBackToARead(t *testing.T) {
	for name, put := range map[string]answer{
		"204":             {status: 204},
		"without history": {body: `{"id":"10042","key":"SUP-7","fields":{"status":{"id":"3","name":"x"},"comment":{"total":0,"comments":[]}}}`},
		"without fields":  {body: `{"id":"10042","key":"SUP-7","changelog":{"total":0,"histories":[]}}`},
		"empty":           {body: `{}`},
	} {
		c, f := jira(t, map[string]any{"PUT /rest/api/3/issue/10042": put, "GET /rest/api/3/issue/10042": issue42})
		got, err := c.Edit(t.Context(), "10042", Edit{Set: map[string]Value{"summary": "New"}})
		if err != nil || got.Key != "SUP-7" || len(f.lines()) != 2 {
			t.Errorf("%s: %v, %v", name, err, f.lines())
		}
	}
	c, _ := jira(t, map[string]any{"PUT /rest/api/3/issue/10042": answer{status: 204}, "GET /rest/api/3/issue/10042": answer{status: 404, body: `{"errorMessages":["gone"],"errors":{}}`}})
	if _, err := c.Edit(t.Context(), "10042", Edit{Set: map[string]Value{"summary": "New"}}); !MaybeApplied(err) {
		t.Errorf("the edit is done, but: %v", err)
	}
}

func TestEditNamesTheFieldsThatWereRefused(t *testing.T) {
	c, _ := jira(t, map[string]any{"PUT /rest/api/3/issue/1": answer{status: 400,
		body: `{"errorMessages":[],"errors":{"customfield_10050":"Field 'customfield_10050' cannot be set. It is not on the appropriate screen, or unknown."}}`}})
	_, err := c.Edit(t.Context(), "1", Edit{Set: map[string]Value{"summary": "x"}})
	var bad *FieldErrors
	if !errors.As(err, &bad) || !strings.Contains(bad.Fields["customfield_10050"], "appropriate screen") || MaybeApplied(err) {
		t.Error(err)
	}
}

func TestEditRefusesBeforeSending(t *testing.T) {
	c, f := jira(t, nil)
	for _, e := range []Edit{
		{},
		{Set: map[string]Value{"customfield_1": "x"}},
		{Set: map[string]Value{"summary": "two\nlines"}},
		{Set: map[string]Value{"status": Option{ID: "3"}}},
		{Set: map[string]Value{"labels": []string{"a"}}, Add: map[string][]Value{"labels": {"b"}}},
		{Add: map[string][]Value{"summary": {"x"}}},
		{Add: map[string][]Value{"customfield_1": {"x"}}},
		{Remove: map[string][]Value{"labels": {Option{ID: "1"}}}},
		{Mark: json.RawMessage(`{`)},
	} {
		if _, err := c.Edit(t.Context(), "1", e); err == nil || len(f.lines()) != 0 {
			t.Errorf("%+v: %v", e, err)
		}
	}
	_, err := c.Edit(t.Context(), "1", Edit{Set: map[string]Value{"summary": "a\nb", "customfield_1": 5, "priority": Option{ID: "1"}}})
	var bad *FieldErrors
	if !errors.As(err, &bad) || len(bad.Fields) != 2 {
		t.Error(err)
	}
}

func TestDrop(t *testing.T) {
	set := map[string]Value{"summary": "x", "duedate": nil}
	e := Edit{Set: set, Add: map[string][]Value{"labels": {"a"}}, Remove: map[string][]Value{"labels": {"b"}}}
	if e.Drop(map[string]string{"priority": "why"}) {
		t.Error("dropped what was not there")
	}
	if !e.Drop(map[string]string{"labels": "why"}) || !e.Drop(map[string]string{"summary": "why"}) || e.Empty() || len(set) != 2 {
		t.Errorf("%+v of %v", e, set)
	}
	if !e.Drop(map[string]string{"duedate": "why"}) || !e.Empty() {
		t.Errorf("%+v", e)
	}
	if (Edit{Mark: json.RawMessage("1")}).Empty() {
		t.Error("a mark is something to write")
	}
}

func TestCreateRequest(t *testing.T) {
	answers := tenant()
	answers["POST /rest/servicedeskapi/request"] = answer{status: 201, body: `{"issueId":"10077","issueKey":"SUP-77","requestTypeId":"25","serviceDeskId":"10"}`}
	c, f := jira(t, answers)
	id, key, err := c.CreateRequest(t.Context(), NewRequest{
		ServiceDesk: "10", RequestType: "25", OnBehalfOf: "qm:1:2", Participants: []string{"a-1"},
		Fields: map[string]Value{
			"summary": "VPN", "description": Rich(adfHello), "customfield_1": Option{Value: "High"},
			"customfield_4": Option{Value: "EU", Child: &Option{Value: "Berlin"}},
		},
	})
	if err != nil || id != "10077" || key != "SUP-77" {
		t.Fatal(id, key, err)
	}
	sameJSON(t, f.last("POST /rest/servicedeskapi/request").Body, `{"serviceDeskId":"10","requestTypeId":"25","isAdfRequest":true,"raiseOnBehalfOf":"qm:1:2","requestParticipants":["a-1"],
		"requestFieldValues":{"summary":"VPN","description":`+adfHello+`,"customfield_1":{"id":"102"},"customfield_4":{"id":"201","child":{"id":"202"}}}}`)
	if _, _, err := c.CreateRequest(t.Context(), NewRequest{ServiceDesk: "10", RequestType: "25", Fields: map[string]Value{"summary": "x", "customfield_1": Option{ID: "101"}}}); err != nil {
		t.Error(err)
	}
	if body := f.last("POST /rest/servicedeskapi/request").Body; strings.Contains(body, "isAdfRequest") {
		t.Errorf("no rich text, yet %s", body)
	}
	if n := len(f.lines()); n != 3 {
		t.Errorf("%d calls; the form should be read once: %v", n, f.lines())
	}
}

func TestCreateRequestRefusals(t *testing.T) {
	answers := tenant()
	answers["POST /rest/servicedeskapi/request"] = sequence(
		answer{status: 400, body: `{"errorMessage":"The customer does not exist.","i18nErrorMessage":{"i18nKey":"sd.nocustomer","parameters":[]}}`},
		answer{status: 502, header: map[string]string{"Content-Type": "text/html"}, body: `<html>Bad Gateway`},
		answer{status: 201, body: `{}`},
	)
	c, f := jira(t, answers)
	good := map[string]Value{"summary": "x", "customfield_1": Option{ID: "101"}}
	for name, fields := range map[string]map[string]Value{
		"priority":      {"summary": "x", "customfield_1": Option{ID: "101"}, "priority": Option{ID: "1"}},
		"customfield_1": {"summary": "x"},
		"summary":       {"summary": "a\nb", "customfield_1": Option{ID: "101"}},
	} {
		_, _, err := c.CreateRequest(t.Context(), NewRequest{ServiceDesk: "10", RequestType: "25", Fields: fields})
		var bad *FieldErrors
		if !errors.As(err, &bad) || len(bad.Fields) != 1 || bad.Fields[name] == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := c.CreateRequest(t.Context(), NewRequest{ServiceDesk: "10", RequestType: "25", Fields: map[string]Value{"summary": "x", "customfield_1": Option{Value: "Medium"}}})
	if err == nil || !strings.Contains(err.Error(), "Low, High") {
		t.Error(err)
	}
	if slices.Contains(f.lines(), "POST /rest/servicedeskapi/request") {
		t.Error("a request that cannot be right was sent")
	}
	_, _, err = c.CreateRequest(t.Context(), NewRequest{ServiceDesk: "10", RequestType: "25", Fields: good})
	var e *APIError
	if !errors.As(err, &e) || e.Class != Definite || e.Applied != No {
		t.Error(err)
	}
	for range 2 { // 502, then an answer that names nothing
		if _, _, err = c.CreateRequest(t.Context(), NewRequest{ServiceDesk: "10", RequestType: "25", Fields: good}); !MaybeApplied(err) {
			t.Error(err)
		}
	}
}

func TestCreateRequestReadsAChangedFormAgain(t *testing.T) {
	answers := tenant()
	form := "GET /rest/servicedeskapi/servicedesk/10/requesttype/25/field"
	old := answers[form].(string)
	answers[form] = sequence(answer{body: old}, answer{body: strings.Replace(old, `"label":"Low"`, `"label":"Minor"`, 1)})
	answers["POST /rest/servicedeskapi/request"] = answer{status: 201, body: `{"issueId":"1","issueKey":"SUP-1"}`}
	c, f := jira(t, answers)
	for _, impact := range []string{"Low", "High", "Minor"} {
		_, _, err := c.CreateRequest(t.Context(), NewRequest{
			ServiceDesk: "10", RequestType: "25", Fields: map[string]Value{"summary": "x", "customfield_1": Option{Value: impact}},
		})
		if err != nil {
			t.Errorf("%s: %v", impact, err)
		}
	}
	if n := len(f.lines()); n != 5 {
		t.Errorf("%d calls, want 2 forms and 3 requests: %v", n, f.lines())
	}
}

func TestOrganizations(t *testing.T) {
	list := `{"size":1,"start":0,"limit":50,"isLastPage":true,"values":[{"id":"12","name":"Globex"}]}`
	c, f := jira(t, map[string]any{
		"GET /rest/servicedeskapi/organization":                 list,
		"GET /rest/servicedeskapi/servicedesk/10/organization":  list,
		"POST /rest/servicedeskapi/organization":                answer{status: 201, body: `{"id":"13","name":"Initech"}`},
		"POST /rest/servicedeskapi/servicedesk/10/organization": answer{status: 204},
	})
	if got, err := c.Organizations(t.Context()); err != nil || len(got) != 1 || got[0].Value != "Globex" {
		t.Error(got, err)
	}
	if got, err := c.EnsureOrganization(t.Context(), "Globex", "10", false); err != nil || got.ID != "12" {
		t.Error(got, err)
	}
	if _, err := c.EnsureOrganization(t.Context(), "Initech", "10", false); !errors.Is(err, ErrNoOrganization) {
		t.Error(err)
	}
	before := len(f.lines())
	if got, err := c.EnsureOrganization(t.Context(), "Initech", "10", true); err != nil || got.ID != "13" || len(f.lines()) != before+3 {
		t.Error(got, err, f.lines()[before:])
	}
	if body := f.last("POST /rest/servicedeskapi/servicedesk/10/organization").Body; body != `{"organizationId":13}` {
		t.Error(body)
	}
}

func TestPermissions(t *testing.T) {
	c, f := jira(t, map[string]any{"GET /rest/api/3/mypermissions": sequence(
		answer{body: `{"permissions":{"EDIT_ISSUES":{"key":"EDIT_ISSUES","havePermission":true},"ADD_COMMENTS":{"key":"ADD_COMMENTS","havePermission":false}}}`},
		answer{status: 400, body: `{"errorMessages":["Unrecognized permission: DANCE"],"errors":{}}`},
	)})
	missing, err := c.Permissions(t.Context(), "SUP", []string{"EDIT_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES"})
	if err != nil || !slices.Equal(missing, []string{"ADD_COMMENTS", "TRANSITION_ISSUES"}) {
		t.Error(missing, err)
	}
	if q := f.last("GET /rest/api/3/mypermissions").Query; q != "permissions=EDIT_ISSUES%2CADD_COMMENTS%2CTRANSITION_ISSUES&projectKey=SUP" {
		t.Error(q)
	}
	if missing, err := c.Permissions(t.Context(), "SUP", []string{"DANCE"}); err == nil || missing != nil {
		t.Error(missing, err)
	}
}

func TestFindPerson(t *testing.T) {
	c, _ := jira(t, map[string]any{"GET /rest/api/3/user/search": sequence(
		answer{body: `[{"accountId":"1","emailAddress":"jane@north.example.org"},{"accountId":"2","emailAddress":"Jane@North.example","displayName":"Jane","active":true},{"accountId":"3","emailAddress":""}]`},
		answer{body: `[{"accountId":"3","displayName":"Jane"}]`},
		answer{body: `[{"accountId":"1","emailAddress":"jane@north.example"},{"accountId":"2","emailAddress":"jane@north.example"}]`},
	)})
	if p, ok, err := c.FindPerson(t.Context(), "jane@north.example"); err != nil || !ok || p.AccountID != "2" {
		t.Error(p, ok, err)
	}
	if p, ok, err := c.FindPerson(t.Context(), "jane@north.example"); err != nil || ok {
		t.Error("somebody with a hidden address was taken:", p, err)
	}
	if _, ok, err := c.FindPerson(t.Context(), "jane@north.example"); err == nil || ok || strings.Contains(err.Error(), "jane") {
		t.Error("two accounts:", err)
	}
	if _, ok, err := c.FindPerson(t.Context(), " "); ok || err != nil {
		t.Error("nobody asked for, somebody found")
	}
}
