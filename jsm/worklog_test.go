package jsm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const worklogLine = "POST /rest/api/3/issue/1/worklog"

func workAnswer(id, more string) string {
	return `{"id":"` + id + `","author":{"accountId":"me"},"started":"2026-11-22T10:00:00.123+0100","timeSpentSeconds":5400,"created":"2026-11-22T11:00:00.000+0000"` + more + `}`
}

func TestWorklogs(t *testing.T) {
	page := func(total int, list ...string) answer {
		return answer{body: fmt.Sprintf(`{"startAt":0,"maxResults":1000,"total":%d,"worklogs":[%s]}`, total, strings.Join(list, ","))}
	}
	c, f := jira(t, map[string]any{"GET /rest/api/3/issue/1/worklog": sequence(
		page(3, workAnswer("51", ``), workAnswer("50", `,"properties":[{"key":"other","value":1},{"key":"parley","value":{"n":1}}]`)),
		page(3, workAnswer("52", `,"comment":`+adfHello)), page(0))})
	list, err := c.Worklogs(t.Context(), "1")
	if err != nil || len(list) != 3 || list[0].ID != "50" || string(list[0].Mark) != `{"n":1}` || list[1].Mark != nil || list[2].Text == nil || list[0].Seconds != 5400 {
		t.Errorf("%+v, %v", list, err)
	}
	if !list[0].Started.Equal(time.Date(2026, 11, 22, 9, 0, 0, 123e6, time.UTC)) {
		t.Error(list[0].Started)
	}
	if q := f.seen[1].Query; !strings.Contains(q, "startAt=2") || !strings.Contains(q, "expand=properties") {
		t.Error(q)
	}
	if n := c.Calls().Total(); n.Points != 2+3 {
		t.Errorf("%+v", n)
	}
}

func TestAddWorklog(t *testing.T) {
	c, f := jira(t, map[string]any{worklogLine: sequence(answer{status: 201, body: workAnswer("50", ``)}, answer{err: errors.New("reset")}, answer{status: 201, body: `{}`})})
	n := NewWorklog{
		Started: time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.FixedZone("", 3600)), Seconds: 5400, Text: Rich(adfHello),
		Limit: &Limit{Kind: "role", Name: "Agents"}, Mark: json.RawMessage(`{"n":1}`),
	}
	w, err := c.AddWorklog(t.Context(), "1", n)
	if err != nil || w.ID != "50" || string(w.Mark) != `{"n":1}` {
		t.Errorf("%+v, %v", w, err)
	}
	sameJSON(t, f.last(worklogLine).Body, `{"started":"2026-11-22T09:00:00.123+0000","timeSpentSeconds":5400,"comment":`+adfHello+
		`,"visibility":{"type":"role","value":"Agents"},"properties":[{"key":"parley","value":{"n":1}}]}`)
	if q := f.last(worklogLine).Query; q != "adjustEstimate=leave&notifyUsers=false" {
		t.Error(q)
	}
	for range 2 {
		if _, err := c.AddWorklog(t.Context(), "1", n); !MaybeApplied(err) {
			t.Error(err)
		}
	}
	before := len(f.lines())
	for _, bad := range []NewWorklog{{Seconds: 60}, {Started: n.Started}, {Started: n.Started, Seconds: 60, Text: Rich(`{`)}, {Started: n.Started, Seconds: 60, Mark: json.RawMessage(`{`)}} {
		if _, err := c.AddWorklog(t.Context(), "1", bad); err == nil {
			t.Errorf("%+v", bad)
		}
	}
	if len(f.lines()) != before {
		t.Error(f.lines())
	}
}

func TestEditOfAWorklogShowsItToNobodyNew(t *testing.T) {
	limited := workAnswer("50", `,"visibility":{"type":"group","value":"staff","identifier":"g-1"}`)
	c, f := jira(t, map[string]any{"GET /rest/api/3/issue/1/worklog/50": limited, "PUT /rest/api/3/issue/1/worklog/50": limited})
	n := NewWorklog{Started: time.Unix(1764000000, 0), Seconds: 60}
	w, err := c.EditWorklog(t.Context(), "1", "50", n)
	if err != nil || w.Limit == nil || w.Limit.ID != "g-1" {
		t.Errorf("%+v, %v", w, err)
	}
	sameJSON(t, f.last("PUT /rest/api/3/issue/1/worklog/50").Body, `{"started":"2025-11-24T16:00:00.000+0000","timeSpentSeconds":60,"visibility":{"type":"group","value":"staff","identifier":"g-1"}}`)
	n.Limit = &Limit{Kind: "role", Name: "Admins"}
	if _, err := c.EditWorklog(t.Context(), "1", "50", n); err != nil || !strings.Contains(f.last("PUT /rest/api/3/issue/1/worklog/50").Body, "Admins") {
		t.Error(err)
	}
}

func TestDeletingWhatIsGone(t *testing.T) {
	gone := answer{status: 404, body: `{"errorMessages":["gone"],"errors":{}}`}
	for _, c := range []struct {
		name, del, get, there string
		do                    func(*Client) error
	}{
		{"worklog", "DELETE /rest/api/3/issue/1/worklog/50", "GET /rest/api/3/issue/1/worklog/50", workAnswer("50", ``), func(c *Client) error { return c.DeleteWorklog(t.Context(), "1", "50") }},
		{"issue link", "DELETE /rest/api/3/issueLink/30", "GET /rest/api/3/issueLink/30", `{"id":"30","type":{"id":"10"},"inwardIssue":{"id":"1"},"outwardIssue":{"id":"2"}}`, func(c *Client) error { return c.Unlink(t.Context(), "1", "30") }},
		{"web link", "DELETE /rest/api/3/issue/1/remotelink", "GET /rest/api/3/issue/1/remotelink", `{"id":1,"object":{"url":"https://x.example","title":"x"}}`, func(c *Client) error { return c.DeleteRemoteLink(t.Context(), "1", "g") }},
	} {
		for _, x := range []struct {
			del  answer
			get  any
			fine bool
		}{{answer{status: 204}, nil, true}, {gone, gone, true}, {gone, c.there, false}, {gone, answer{status: 403, body: `{"errorMessages":["no"],"errors":{}}`}, false}} {
			client, f := jira(t, map[string]any{c.del: func(r *http.Request, _ []byte) answer {
				if c.name == "web link" && (r.Header.Get("Content-Type") != "application/json" || r.URL.RawQuery != "globalId=g") {
					t.Errorf("%v %s", r.Header, r.URL.RawQuery)
				}
				return x.del
			}, c.get: x.get})
			if err := c.do(client); (err == nil) != x.fine {
				t.Errorf("%s: %v, %v", c.name, err, f.lines())
			}
		}
	}
}
