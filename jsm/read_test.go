package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const adfHello = `{"version":1,"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"hello"}]}]}`

// issue42 is a ticket as GET issue answers it.
const issue42 = `{"id":"10042","key":"SUP-7","fields":{
 "summary":"VPN down","description":` + adfHello + `,
 "status":{"id":"3","name":"In Progress","statusCategory":{"id":4,"key":"indeterminate"}},
 "issuetype":{"id":"10001","name":"Incident"},"project":{"id":"10000","key":"SUP"},
 "created":"2026-11-20T09:00:00.000+0900","updated":"2026-11-22T10:15:30.123+0000",
 "creator":{"accountId":"a-1","displayName":"Jane","emailAddress":"jane@north.example","accountType":"atlassian","active":true},
 "customfield_10010":{"requestType":{"id":"25","name":"Report a problem","serviceDeskId":"10"},"_links":{"web":"https://north.example/x"}},
 "comment":{"total":2,"maxResults":2,"startAt":0,"comments":[
  {"id":"501","author":{"accountId":"a-2","displayName":"Bob"},"body":` + adfHello + `,"created":"2026-11-21T09:00:00.000+0000","updated":"2026-11-21T09:00:00.000+0000","jsdPublic":true},
  {"id":"502","author":{"accountId":"a-2","displayName":"Bob"},"body":` + adfHello + `,"created":"2026-11-21T10:00:00.000+0000","updated":"2026-11-21T11:00:00.000+0000","jsdPublic":false,"parentId":501}]}},
 "properties":{"parley":{"link":"x"}},
 "changelog":{"startAt":0,"maxResults":1,"total":1,"histories":[
  {"id":"900","author":{"accountId":"a-1","displayName":"Jane"},"created":"2026-11-22T10:15:30.123+0000",
   "items":[{"field":"Priorität","fieldId":"priority","fieldtype":"jira","from":"3","fromString":"Medium","to":null,"toString":null}]}]}}`

func TestTicketReadsEverything(t *testing.T) {
	c, f := jira(t, map[string]any{"GET /rest/api/3/issue/SUP-7": issue42})
	id := "customfield_10010"
	c.learned.requestTypeField.Store(&id)
	got, err := c.Ticket(t.Context(), "SUP-7")
	if err != nil {
		t.Fatal(err)
	}
	if q := f.last("GET /rest/api/3/issue/SUP-7").Query; q != "expand=changelog&properties=parley" {
		t.Errorf("query %s", q)
	}
	jane := Person{AccountID: "a-1", Name: "Jane", Email: "jane@north.example", Type: "atlassian", Active: true}
	bob := Person{AccountID: "a-2", Name: "Bob", Active: true}
	at := func(h int) time.Time { return time.Date(2026, 11, 21, h, 0, 0, 0, time.UTC) }
	want := &Ticket{
		ID: "10042", Key: "SUP-7", Project: Option{ID: "10000", Value: "SUP"}, IssueType: Option{ID: "10001", Value: "Incident"},
		Created: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), Updated: time.Date(2026, 11, 22, 10, 15, 30, 123e6, time.UTC),
		Creator: jane, Status: Status{"3", "In Progress", "indeterminate"}, RequestType: &Option{ID: "25", Value: "Report a problem"},
		Comments: []Comment{
			{ID: "501", Author: bob, Body: Rich(adfHello), Public: true, VisibilityKnown: true, Created: at(9), Updated: at(9)},
			{ID: "502", Author: bob, Body: Rich(adfHello), VisibilityKnown: true, Created: at(10), Updated: at(11), Parent: "501"},
		},
		CommentsTotal: 2,
		History: []Change{{ID: "900", Author: Person{AccountID: "a-1", Name: "Jane", Active: true}, At: time.Date(2026, 11, 22, 10, 15, 30, 123e6, time.UTC),
			Items: []ChangeItem{{Field: "Priorität", FieldID: "priority", From: "3", FromString: "Medium"}}}},
		HistoryTotal: 1,
		Marks:        map[string]json.RawMessage{"parley": json.RawMessage(`{"link":"x"}`)},
	}
	got.Fields = nil
	if d := cmp.Diff(want, got, cmp.AllowUnexported(Ticket{})); d != "" {
		t.Error(d)
	}
}

func TestTicketCompletesCommentsAndHistory(t *testing.T) {
	short := `{"id":"1","key":"S-1","fields":{"comment":{"total":150,"comments":[{"id":"1000"}]}},"changelog":{"total":130,"histories":[{"id":"1"}]}}`
	page := func(name string, total int, item func(i int) string) askedFunc {
		return func(r *http.Request, _ []byte) answer {
			start := 0
			fmt.Sscan(r.URL.Query().Get("startAt"), &start)
			var list []string
			for i := start; i < min(start+100, total); i++ {
				list = append(list, item(i))
			}
			return answer{body: fmt.Sprintf(`{"startAt":%d,"maxResults":100,"total":%d,%q:[%s]}`, start, total, name, strings.Join(list, ","))}
		}
	}
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c, f := jira(t, map[string]any{
		"GET /rest/api/3/issue/1": short,
		"GET /rest/api/3/issue/1/comment": page("comments", 150, func(i int) string {
			return fmt.Sprintf(`{"id":"%d","created":%q,"jsdPublic":true}`, 1000+i, base.Add(time.Duration(i)*time.Minute).Format(jiraTime))
		}),
		"GET /rest/api/3/issue/1/changelog": page("values", 130, func(i int) string {
			return fmt.Sprintf(`{"id":"%d","created":%q,"items":[]}`, i, base.Add(time.Duration(i)*time.Minute).Format(jiraTime))
		}),
	})
	got, err := c.Ticket(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Comments) != 150 || got.Comments[149].ID != "1149" || got.CommentsTotal != 150 {
		t.Errorf("%d comments of %d", len(got.Comments), got.CommentsTotal)
	}
	if len(got.History) != 130 || got.History[0].ID != "129" || got.History[129].ID != "0" {
		t.Errorf("%d changes, newest %s", len(got.History), got.History[0].ID)
	}
	if n := len(f.lines()); n != 5 {
		t.Errorf("%d calls, want 5: %v", n, f.lines())
	}
}

func TestTicketsInBulk(t *testing.T) {
	c, f := jira(t, map[string]any{
		"POST /rest/api/3/issue/bulkfetch": func(r *http.Request, body []byte) answer {
			var in struct {
				IDs []string `json:"issueIdsOrKeys"`
			}
			json.Unmarshal(body, &in)
			if len(in.IDs) > 100 {
				t.Errorf("bulk of %d", len(in.IDs))
			}
			var list []string
			for _, id := range in.IDs {
				if id != "103" && id != "104" && id != "105" {
					list = append(list, fmt.Sprintf(`{"id":%q,"key":"S-%s","fields":{"summary":"s"}}`, id, id))
				}
			}
			if slices.Contains(in.IDs, "105") {
				list = append(list, `{"id":"105","key":"S-105","fields":{"updated":"yesterday"}}`)
			}
			return answer{body: `{"issues":[` + strings.Join(list, ",") + `],"issueErrors":[{"id":"103","errorMessage":"payload"},{"id":"104","errorMessage":"gone"}]}`}
		},
		"GET /rest/api/3/issue/103": `{"id":"103","key":"S-103","fields":{"summary":"alone"}}`,
		"GET /rest/api/3/issue/104": answer{status: 404, body: `{"errorMessages":["Issue does not exist"],"errors":{}}`},
	})
	var ids []string
	for i := range 150 {
		ids = append(ids, fmt.Sprint(i))
	}
	got, err := c.Tickets(t.Context(), ids, []string{"summary", "priority"})
	var bad *Unreadable
	if !errors.As(err, &bad) || len(bad.ByID) != 1 || bad.ByID["105"] == nil {
		t.Fatalf("error %v", err)
	}
	if len(got) != 148 || got["103"] == nil || got["104"] != nil || got["105"] != nil {
		t.Errorf("%d tickets", len(got))
	}
	sameJSON(t, strings.Replace(f.last("POST /rest/api/3/issue/bulkfetch").Body, quotedList(ids[100:]), "[]", 1),
		`{"issueIdsOrKeys":[],"fields":["comment","created","creator","issuetype","priority","project","status","summary","updated"],"properties":["parley"],"expand":["changelog"]}`)
	priority, _ := systemField("priority")
	if v, err := got["1"].Value(priority); v != nil || err != nil {
		t.Errorf("a field asked for and absent: %v, %v", v, err)
	}
	labels, _ := systemField("labels")
	if _, err := got["1"].Value(labels); !errors.Is(err, ErrNotRead) {
		t.Errorf("a field not asked for: %v", err)
	}
}

func quotedList(list []string) string {
	b, _ := json.Marshal(list)
	return string(b)
}

func TestChangedPagesUntilTheLast(t *testing.T) {
	hit := func(id, at string) string {
		return fmt.Sprintf(`{"id":%q,"key":"S-%s","fields":{"updated":%q}}`, id, id, at)
	}
	first, second := hit("1", "2026-11-22T10:00:00.000+0000"), hit("2", "2026-11-22T10:01:00.000+0000")
	c, f := jira(t, map[string]any{"POST /rest/api/3/search/jql": sequence(
		answer{body: `{"issues":[` + first + `,` + second + `],"nextPageToken":"p2"}`},
		answer{body: `{"issues":[],"nextPageToken":"p3","isLast":false}`}, // short pages end nothing
		answer{body: `{"issues":[` + hit("1", "2026-11-22T10:02:00.000+0000") + `],"isLast":true}`},
	)})
	got, err := c.Changed(t.Context(), []string{"SUP", `it"s`}, time.UnixMilli(1732877091000))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].ID != "2" || got[1].ID != "1" || got[1].Key != "S-1" || got[1].Updated.Minute() != 2 {
		t.Errorf("%+v", got)
	}
	sameJSON(t, f.last("POST /rest/api/3/search/jql").Body,
		`{"jql":"project in (\"SUP\", \"it\\\"s\") AND updated >= 1732877091000 ORDER BY updated ASC, key ASC","fields":["updated"],"maxResults":1000,"nextPageToken":"p3"}`)
}

func TestSearchThatNeverEnds(t *testing.T) {
	c, _ := jira(t, map[string]any{"POST /rest/api/3/search/jql": `{"issues":[],"nextPageToken":"same"}`})
	if _, err := c.Changed(t.Context(), []string{"S"}, time.Time{}); err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("error %v", err)
	}
}

func TestSearchGivesTickets(t *testing.T) {
	c, f := jira(t, map[string]any{"POST /rest/api/3/search/jql": `{"issues":[` + issue42 + `],"isLast":true}`})
	got, err := c.Search(t.Context(), "labels = x", nil)
	if err != nil || len(got) != 1 || got[0].Key != "SUP-7" || string(got[0].Marks["parley"]) != `{"link":"x"}` {
		t.Errorf("%+v, %v", got, err)
	}
	if !strings.Contains(f.last("POST /rest/api/3/search/jql").Body, `"properties":["parley"]`) {
		t.Error("marks not asked for")
	}
}

func TestMatch(t *testing.T) {
	c, f := jira(t, map[string]any{"POST /rest/api/3/jql/match": `{"matches":[{"matchedIssues":[1,2],"errors":[]},{"matchedIssues":[],"errors":["Field 'x' does not exist."]}]}`})
	got, bad, err := c.Match(t.Context(), []string{"1", "2", "3"}, []string{"a", "b"})
	if err != nil || !slices.Equal(got[0], []string{"1", "2"}) || len(got[1]) != 0 || bad[0] != nil {
		t.Errorf("%v %v %v", got, bad, err)
	}
	var refused *JQLError
	if !errors.As(bad[1], &refused) || refused.Messages[0] != "Field 'x' does not exist." {
		t.Errorf("%v", bad[1])
	}
	sameJSON(t, f.last("POST /rest/api/3/jql/match").Body, `{"issueIds":[1,2,3],"jqls":["a","b"]}`)
	if _, _, err := c.Match(t.Context(), []string{"SUP-1"}, []string{"a"}); err == nil {
		t.Error("a key passes as an id")
	}
}

func TestParseJQL(t *testing.T) {
	c, f := jira(t, map[string]any{"POST /rest/api/3/jql/parse": sequence(
		answer{body: `{"queries":[{"query":"project = A"}]}`},
		answer{body: `{"queries":[{"query":"x ~","errors":["Error in the JQL Query: …"]}]}`},
	)})
	if err := c.ParseJQL(t.Context(), "project = A"); err != nil {
		t.Error(err)
	}
	var refused *JQLError
	if err := c.ParseJQL(t.Context(), "x ~"); !errors.As(err, &refused) {
		t.Error(err)
	}
	if q := f.last("POST /rest/api/3/jql/parse").Query; q != "validation=strict" {
		t.Error(q)
	}
}

func TestJQLFields(t *testing.T) {
	if got := JQLFields(`Project = A AND ("Team Name" = x OR labels in (a, b)) ORDER BY created`); !slices.Equal(got, []string{"project", "team name", "labels"}) {
		t.Error(got)
	}
	if got := JQLFields("((("); got != nil {
		t.Error(got)
	}
}

func TestMyself(t *testing.T) {
	c, f := jira(t, map[string]any{"GET /rest/api/3/myself": sequence(
		answer{body: `{"accountId":"a-9","displayName":"Sync","emailAddress":"sync@north.example","accountType":"atlassian","active":true,"timeZone":"Asia/Tokyo"}`},
		answer{body: `{}`},
	)})
	got, err := c.Myself(t.Context())
	if err != nil || got.AccountID != "a-9" || got.TimeZone != "Asia/Tokyo" || got.Email != "sync@north.example" {
		t.Errorf("%+v, %v", got, err)
	}
	f.any = true
	if _, err := c.Myself(context.Background()); err == nil {
		t.Error("an answer without account id passes")
	}
}
