package exchange_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"parley/jsm/sim"
)

// A big ticket: 500 comments, 100 attachments, 60 custom fields and some of everything else, on two desks whose rules
// share all of it, both ways. It is made through the tenants' REST border alone, so that the same deeds fill a tenant
// in this process and one in another.

const (
	bigFields   = 60
	bigWorklogs = 25 // more than the 20 that a ticket's own answer brings
	bigWebLinks = 5
)

// bigKinds are the types of the custom fields, by turns, and a value of each; %d is the field's number.
var bigKinds = []struct{ kind, value string }{
	{"text", `"Row %d"`},
	{"paragraph", `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"Paragraph %d"}]}]}`},
	{"number", `%d`},
	{"date", `"2026-11-%02d"`},
	{"datetime", `"2026-11-20T10:%02d:00.000+0000"`},
	{"select", `{"value":"Red"}`},
	{"multiselect", `[{"value":"Red"},{"value":"Blue"}]`},
	{"labels", `["row-%d"]`},
	{"url", `"https://example.com/%d"`},
	{"checkboxes", `[{"value":"Blue"}]`},
}

func bigField(i int) string { return fmt.Sprintf("Row %02d", i) }

// bigValue is what a custom field of the ticket holds. A date has 30 days at most, and a time 60 minutes.
func bigValue(i int) json.RawMessage {
	v := bigKinds[i%len(bigKinds)].value
	if strings.Contains(v, "%") {
		v = fmt.Sprintf(v, i%28+1)
	}
	return json.RawMessage(v)
}

// bigSeed is a desk with those custom fields: both have the same, by name.
func bigSeed(site, project string, ids int) []byte {
	at := "@" + site + ".example"
	type m = map[string]any
	fields := []m{
		{"name": "Request Type", "type": "requesttype"}, {"name": "Organizations", "type": "organizations"}, {"name": "Request participants", "type": "participants"},
		{"name": "Approvals", "type": "approvals"}, {"name": "Approvers", "type": "users"}, {"name": "Satisfaction", "type": "rating"}, {"name": "Satisfaction date", "type": "ratingdate"},
	}
	for i := range bigFields {
		f := m{"name": bigField(i), "type": bigKinds[i%len(bigKinds)].kind}
		if strings.Contains(bigKinds[i%len(bigKinds)].value, "value") {
			f["options"] = []m{{"value": "Red"}, {"value": "Blue"}}
		}
		fields = append(fields, f)
	}
	seed, err := json.Marshal(m{
		"site": site, "project": project, "projectName": project, "otherProject": "OTHER", "ids": ids,
		"people": []m{
			{"email": "agent" + at, "name": "Agent " + site, "role": "agent"}, {"email": "sync" + at, "name": "Sync", "role": "sync"},
			{"email": "admin" + at, "name": "Admin " + site, "role": "admin"}, {"email": "approver" + at, "name": "Approver " + site, "role": "approver"},
			{"email": "customer" + at, "name": "Customer " + site, "role": "customer"}, {"email": "human" + at, "name": "Human " + site, "role": "human"},
		},
		"organizations": []m{{"name": "Globex", "members": []string{"customer" + at}}},
		"priorities":    []string{"High", "Medium", "Low"},
		"statuses":      []m{{"name": "Open", "category": "new"}, {"name": "Working", "category": "indeterminate"}, {"name": "Awaiting approval", "category": "indeterminate"}, {"name": "Done", "category": "done"}},
		"resolutions":   []string{"Done", "Rejected"}, "issueTypes": []string{"Incident"}, "subtaskTypes": []string{"Sub-task"},
		"components": []string{"Network", "Mail"}, "versions": []string{"1.0", "2.0"}, "fields": fields,
		"requestTypes": []m{{"name": "Report", "issueType": "Incident", "form": []m{{"field": "summary", "required": true}, {"field": "description"}}}},
		"transitions": []m{
			{"name": "Start", "from": []string{"Open"}, "to": "Working"}, {"name": "Finish", "from": []string{"Open", "Working"}, "to": "Done", "resolve": "Done"},
			{"name": "Ask", "from": []string{"Open", "Working"}, "to": "Awaiting approval", "screen": []string{"Approvers"}},
			{"name": "Approve", "from": []string{"Awaiting approval"}, "to": "Working", "approval": "approve"},
			{"name": "Decline", "from": []string{"Awaiting approval"}, "to": "Done", "resolve": "Rejected", "approval": "decline"},
		},
		"approval": m{"status": "Awaiting approval", "field": "Approvers", "name": "Approval"},
		"slas":     []m{{"name": "First answer", "minutes": 120, "stop": []string{"Done"}, "reply": true}, {"name": "Time to done", "minutes": 1440, "stop": []string{"Done"}}},
		"queues":   []m{{"name": "All", "jql": "project = " + project, "columns": []string{"issuekey", "summary"}}},
	})
	if err != nil {
		panic(err)
	}
	return seed
}

// bigRules share everything and accept everything.
func bigRules(peer, project, other string) string {
	names := []string{"summary", "description", "environment", "priority", "due_date", "labels", "components", "fix_versions", "affects_versions", "time_tracking", "assignee"}
	for i := range bigFields {
		names = append(names, "field:"+bigField(i))
	}
	both := `"` + strings.Join(names, `", "`) + `"`
	return fmt.Sprintf(`
peer = "%[1]s"
connection = "desk"
project = "%[2]s"
since = "all"
[trigger]
jql = 'project = %[2]s AND labels = big'
[people]
share = "email"
map = { "customer@%[1]s.example" = "customer@%[4]s.example", "human@%[1]s.example" = "human@%[4]s.example", "agent@%[1]s.example" = "agent@%[4]s.example" }
else = "note"
[outgoing]
share = [%[3]s, "status", "attachments", "attachments.internal", "subtasks"]
[outgoing.comments]
[outgoing."comments.internal"]
[outgoing.worklogs]
[outgoing.links]
[outgoing.participants]
[outgoing.approvals]
[outgoing.sla]
[outgoing.portal]
[outgoing.satisfaction]
[outgoing.watchers]
as = "people"
[incoming]
accept = [%[3]s, "watchers", "worklogs", "links", "participants"]
[incoming.create]
project = "%[2]s"
request_type = "Report"
[incoming.comments]
as = "same"
[incoming."comments.internal"]
[incoming.attachments]
as = "same"
[incoming.status]
map = { Open = "Open", Working = "Working", Done = "Done" }
otherwise = "skip"
resolution = { Done = "Done" }
[incoming.sla]
clock = "theirs"
as = "note"
[incoming.approvals]
as = "note"
[incoming.portal]
as = "note"
[incoming.satisfaction]
as = "note"
[limits]
bytes_per_ticket = "2 GiB"
bytes_per_day = "8 GiB"
`, peer, project, both, map[string]string{"north": "south", "south": "north"}[peer])
}

// A desk is a tenant as its people reach it.
type deskFace struct {
	tb      testing.TB
	url     string
	agent   sim.Account
	all     []sim.Account
	project string
	way     http.RoundTripper
}

func (f *deskFace) must(err error) {
	f.tb.Helper()
	if err != nil {
		f.tb.Fatal(err)
	}
}

// call is one call of the agent's, with JSON unless kind says otherwise.
func (f *deskFace) call(method, path, kind string, body io.Reader) map[string]any {
	f.tb.Helper()
	r, err := http.NewRequest(method, f.url+path, body)
	f.must(err)
	r.SetBasicAuth(f.agent.Email, f.agent.Token)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-Atlassian-Token", "no-check")
	a, err := f.way.RoundTrip(r)
	f.must(err)
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	f.must(err)
	if a.StatusCode >= 300 {
		f.tb.Fatalf("%s %s: %d %.300s", method, path, a.StatusCode, b)
	}
	out := map[string]any{}
	if len(b) > 0 && b[0] == '{' {
		f.must(json.Unmarshal(b, &out))
	}
	return out
}

func (f *deskFace) do(method, path string, body any) map[string]any {
	f.tb.Helper()
	var in io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		f.must(err)
		in = bytes.NewReader(b)
	}
	return f.call(method, path, "application/json", in)
}

func (f *deskFace) fields(key string) map[string]any {
	f.tb.Helper()
	return f.do("GET", "/rest/api/3/issue/"+key, nil)["fields"].(map[string]any)
}

// attach streams a file.
func (f *deskFace) attach(key, name string, size int64) {
	f.tb.Helper()
	from, to := io.Pipe()
	defer from.Close() // ends the writer, whatever the tenant has read
	form := multipart.NewWriter(to)
	go func() {
		part, err := form.CreateFormFile("file", name)
		if err == nil {
			_, err = io.Copy(part, sim.Noise(seedOf(name), size))
		}
		if err == nil {
			err = form.Close()
		}
		to.CloseWithError(err)
	}()
	f.call("POST", "/rest/api/3/issue/"+key+"/attachments", form.FormDataContentType(), from)
}

func (f *deskFace) raise(summary string) string {
	f.tb.Helper()
	desk := f.do("GET", "/rest/servicedeskapi/servicedesk", nil)["values"].([]any)[0].(map[string]any)["id"].(string)
	kind := f.do("GET", "/rest/servicedeskapi/servicedesk/"+desk+"/requesttype", nil)["values"].([]any)[0].(map[string]any)["id"].(string)
	made := f.do("POST", "/rest/servicedeskapi/request", map[string]any{
		"serviceDeskId": desk, "requestTypeId": kind, "requestFieldValues": map[string]any{"summary": summary, "description": "Since this morning."},
	})
	return made["issueKey"].(string)
}

// fieldIDs gives the ids of the fields by their names, as the tenant's first ticket shows them.
func (f *deskFace) fieldIDs() map[string]string {
	f.tb.Helper()
	ids := map[string]string{}
	for key, name := range f.do("GET", "/rest/api/3/issue/"+f.project+"-1?expand=names", nil)["names"].(map[string]any) {
		ids[name.(string)] = key
	}
	return ids
}

// grow makes a ticket big, with files of the sizes given.
func (f *deskFace) grow(key string, sizes []int64) {
	f.tb.Helper()
	ids := f.fieldIDs()
	values := map[string]any{"components": []any{name("Network")}, "duedate": "2026-12-24", "labels": []string{"printer"}}
	for i := range bigFields {
		values[ids[bigField(i)]] = bigValue(i)
	}
	f.do("PUT", "/rest/api/3/issue/"+key, map[string]any{"fields": values})
	for i, size := range sizes {
		f.attach(key, fmt.Sprintf("file-%03d.bin", i), size)
	}
	for i := range bigComments {
		f.do("POST", "/rest/servicedeskapi/request/"+key+"/comment", map[string]any{"body": fmt.Sprintf("Remark %d: %s", i, strings.Repeat("it still burns. ", 10)), "public": i%3 > 0})
	}
	for i := range bigWorklogs {
		f.do("POST", "/rest/api/3/issue/"+key+"/worklog", map[string]any{"timeSpentSeconds": 600 + 60*i, "started": "2026-11-02T08:30:00.000+0000", "comment": words("Looked again")})
	}
	for i := range bigWebLinks {
		f.do("POST", "/rest/api/3/issue/"+key+"/remotelink", map[string]any{"object": map[string]any{"url": fmt.Sprintf("https://wiki.example/%d", i), "title": fmt.Sprintf("Page %d", i)}})
	}
	human := f.all[slices.IndexFunc(f.all, func(a sim.Account) bool { return a.Role == sim.Human })]
	f.do("POST", "/rest/servicedeskapi/request/"+key+"/participant", map[string]any{"accountIds": []string{human.ID}})
}

// share gives the label that the triggers ask for.
func (f *deskFace) share(key string) {
	f.tb.Helper()
	f.do("PUT", "/rest/api/3/issue/"+key, map[string]any{"update": map[string]any{"labels": []any{map[string]any{"add": "big"}}}})
}

// size tells how much of a big ticket is there: comments and attachments.
func (f *deskFace) size(key string) (comments, files int) {
	f.tb.Helper()
	fields := f.do("GET", "/rest/api/3/issue/"+key+"?fields=comment,attachment", nil)["fields"].(map[string]any)
	return int(fields["comment"].(map[string]any)["total"].(float64)), len(fields["attachment"].([]any))
}
