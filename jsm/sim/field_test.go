package sim

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every kind of field: what is written, what reads back (a part of the answer), and what is refused.
func TestFieldShapes(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	key := s.raised("one")
	path := "/rest/api/3/issue/" + key
	agent, gone, customer := s.tn.person("agent@north.example").id, s.tn.person("gone@north.example").id, s.tn.person("customer@north.example").id
	org := s.tn.lists.orgs[0].id
	unlinked := s.tn.lists.orgs[2].id
	rt := s.tn.desk.requestTypes[1].id
	impact := s.tn.fieldNamed("Impact").options[0].id
	for _, x := range []struct{ field, write, read string }{
		{"Contract number", `"C-1"`, `"C-1"`},
		{"Steps taken", seenIt, `"type":"paragraph"`},
		{"Affected users", `3`, `3.0`},
		{"Affected users", `2.5`, `2.5`},
		{"Needed by", `"2026-11-22"`, `"2026-11-22"`},
		{"Outage start", `"2026-07-12T16:00:00.000+0100"`, `"2026-07-12T17:00:00.000+0200"`},
		{"Impact", `{"value":"Extensive"}`, `"value":"Extensive"`},
		{"Impact", `{"id":"` + impact + `"}`, `"id":"` + impact + `"`},
		{"Environment kind", `{"value":"Test"}`, `"value":"Test"`},
		{"Products", `[{"value":"Phone"},{"value":"Router"},{"value":"Phone"}]`, `Router`},
		{"Checks done", `[{"value":"Cables"}]`, `Cables`},
		{"Location", `{"value":"Norway","child":{"value":"Bergen"}}`, `"child":{"id":`},
		{"Location", `{"value":"Sweden"}`, `"value":"Sweden"`},
		{"Technical contact", `{"accountId":"` + agent + `"}`, `"displayName":"Astrid Berg"`},
		{"Watch list", `[{"accountId":"` + agent + `"},{"accountId":"` + customer + `"}]`, `Carla Customer`},
		{"Responsible group", `{"name":"network-team"}`, `"groupId"`},
		{"Informed groups", `[{"name":"network-team"},{"name":"billing-team"}]`, `billing-team`},
		{"Tags", `["x","y"]`, `["x","y"]`},
		{"Monitoring link", `"https://mon.example/1?a=b"`, `"https://mon.example/1?a=b"`},
		{"Found in release", `{"name":"2026.1"}`, `"released":true`},
		{"Planned releases", `[{"name":"2026.2"}]`, `2026.2`},
		{"Request participants", `[{"accountId":"` + customer + `"}]`, `Carla`},
		{"Organizations", `[` + org + `]`, `"name":"Globex"`},
		{"Request Type", `"` + rt + `"`, `"name":"Report an outage"`},
		{"environment", seenIt, `seen it`},
		{"duedate", `"2027-01-31"`, `2027-01-31`},
		{"priority", `{"name":"Low"}`, `Low`},
		{"assignee", `{"accountId":"` + agent + `"}`, `Astrid`},
		{"assignee", `{"accountId":"-1"}`, `null`},
		{"reporter", `{"accountId":"` + customer + `"}`, `Carla`},
		{"fixVersions", `[{"name":"2026.3"}]`, `2026.3`},
		{"timetracking", `{"originalEstimate":"2d","remainingEstimate":"1h"}`, `"originalEstimateSeconds":57600`},
	} {
		id := s.cf(x.field)
		s.want(204, "", Sync, "PUT", path, `{"fields":{"`+id+`":`+x.write+`}}`)
		r := s.want(200, "", Sync, "GET", path+"?fields="+id, nil)
		got, _ := json.Marshal(dig(r.body, "fields", id))
		if !strings.Contains(string(got), x.read) {
			t.Errorf("%s: wrote %s, read %s, want %s", x.field, x.write, got, x.read)
		}
		if x.field != "priority" && x.field != "timetracking" && x.field != "reporter" && x.field != "Request Type" {
			s.want(204, "", Sync, "PUT", path, `{"fields":{"`+id+`":null}}`)
			r = s.want(200, "", Sync, "GET", path+"?fields="+id, nil)
			if got, _ := json.Marshal(dig(r.body, "fields", id)); string(got) != "null" && string(got) != "[]" {
				t.Errorf("%s: cleared, but reads %s", x.field, got)
			}
		}
	}
	for _, x := range []struct{ field, write, words string }{
		{"Contract number", `5`, "must be a string"},
		{"Contract number", `"` + strings.Repeat("x", 256) + `"`, "255"},
		{"Steps taken", `"plain"`, "Atlassian Document"},
		{"Affected users", `"3"`, "must be a number"},
		{"Needed by", `"22.11.2026"`, "Error parsing date"},
		{"Needed by", `"2026-02-30"`, "Error parsing date"},
		{"Outage start", `"2026-07-12T16:00:00Z"`, "Error parsing time"},
		{"Impact", `{"value":"extensive"}`, "Option value 'extensive' is not valid"},
		{"Impact", `"Extensive"`, "valid 'id' or 'value'"},
		{"Products", `{"value":"Phone"}`, "not an array"},
		{"Products", `[{"value":"Toaster"}]`, "not valid"},
		{"Location", `{"value":"Norway","child":{"value":"Malmö"}}`, "not valid"},
		{"Technical contact", `{"accountId":"` + gone + `"}`, "inactive"},
		{"Technical contact", `"agent"`, "accountId"},
		{"assignee", `{"accountId":"` + customer + `"}`, "cannot be assigned"},
		{"reporter", `{"accountId":"nobody"}`, "not a user"},
		{"Responsible group", `{"name":"nobody"}`, "group"},
		{"Tags", `["a b"]`, "contains spaces"},
		{"Monitoring link", `"not a url"`, "valid URL"},
		{"Found in release", `{"name":"1999"}`, "not valid"},
		{"Organizations", `["` + org + `"]`, "numbers"},
		{"Organizations", `[` + unlinked + `]`, "not associated"},
		{"Request Type", `"Get IT help"`, "not valid"},
		{"Request Type", rt, "must be a string"},
		{"Time to resolution", `{}`, "cannot be set"},
		{"Approvals", `[]`, "cannot be set"},
		{"Satisfaction", `5`, "cannot be set"},
		{"Audit code", `"x"`, "cannot be set"},
		{"resolution", `{"name":"Done"}`, "cannot be set"},
		{"status", `{"name":"Closed"}`, "cannot be set"},
		{"summary", `null`, "must specify a summary"},
		{"timetracking", `{"originalEstimate":"soon"}`, "not valid"},
	} {
		id := s.cf(x.field)
		s.want(400, x.words, Sync, "PUT", path, `{"fields":{"`+id+`":`+x.write+`}}`)
	}
	s.want(400, "does not support operation 'add'", Sync, "PUT", path, `{"update":{"summary":[{"add":"x"}]}}`)
	s.want(400, "exactly one verb", Sync, "PUT", path, `{"update":{"labels":[{"add":"x","remove":"y"}]}}`)
	meta := s.want(200, "", Sync, "GET", path+"/editmeta", nil)
	if fields, _ := dig(meta.body, "fields").(bean); fields[s.cf("Audit code")] != nil || fields[s.cf("Impact")] == nil {
		t.Error("editmeta is not the edit screen")
	}
	long := `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"` + strings.Repeat("x", maxText) + `"}]}]}`
	s.want(400, "32767", Sync, "PUT", path, `{"fields":{"description":`+long+`}}`)
}
