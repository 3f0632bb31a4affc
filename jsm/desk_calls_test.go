package jsm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestSatisfaction(t *testing.T) {
	const line = "GET /rest/servicedeskapi/request/1/feedback"
	c, _ := jira(t, map[string]any{line: sequence(
		answer{body: `{"type":"csat","rating":4,"comment":{"body":"quick"}}`}, answer{status: 404, body: `{"errorMessage":"none"}`}, answer{body: `{"type":"csat","rating":9}`}, answer{status: 403, body: `{"errorMessage":"no"}`})})
	if r, ok, err := c.Satisfaction(t.Context(), "1"); r != (Rating{4, "quick"}) || !ok || err != nil {
		t.Error(r, ok, err)
	}
	if _, ok, err := c.Satisfaction(t.Context(), "1"); ok || err != nil {
		t.Error(ok, err)
	}
	for range 2 {
		if _, ok, err := c.Satisfaction(t.Context(), "1"); ok || err == nil {
			t.Error("no rating")
		}
	}
	if r, err := DecodeRating(Raw(`{"rating":5}`)); r.Stars != 5 || err != nil {
		t.Error(r, err)
	}
}

func TestParticipantsAndWatchers(t *testing.T) {
	const people = `{"isLastPage":true,"values":[{"accountId":"ann","displayName":"Ann","active":true},{"accountId":"qm:1:2","displayName":"Cus"}]}`
	c, f := jira(t, map[string]any{
		"GET /rest/servicedeskapi/request/1/participant":    people,
		"POST /rest/servicedeskapi/request/1/participant":   sequence(answer{body: people}, answer{status: 400, body: `{"errorMessage":"unknown user"}`}),
		"DELETE /rest/servicedeskapi/request/1/participant": answer{body: people},
		"GET /rest/api/3/issue/1/watchers":                  `{"watchCount":3,"isWatching":true,"watchers":[{"accountId":"ann","displayName":"Ann"}]}`,
		"POST /rest/api/3/issue/1/watchers":                 answer{status: 204},
		"DELETE /rest/api/3/issue/1/watchers":               answer{status: 204},
	})
	ctx := t.Context()
	if list, err := c.Participants(ctx, "1"); err != nil || len(list) != 2 || list[1].AccountID != "qm:1:2" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := c.AddParticipants(ctx, "1", []string{"ann"}); err != nil {
		t.Error(err)
	}
	sameJSON(t, f.last("POST /rest/servicedeskapi/request/1/participant").Body, `{"accountIds":["ann"]}`)
	if err := c.AddParticipants(ctx, "1", []string{"bob", "nobody"}); !isDefinite(err) {
		t.Error(err)
	}
	if err := c.RemoveParticipants(ctx, "1", []string{"ann"}); err != nil {
		t.Error(err)
	}
	before := len(f.lines())
	if err := c.AddParticipants(ctx, "1", nil); err != nil || len(f.lines()) != before {
		t.Error(err)
	}
	if list, err := c.Watchers(ctx, "1"); err != nil || len(list) != 1 || list[0].Name != "Ann" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := c.AddWatcher(ctx, "1", "ann"); err != nil || f.last("POST /rest/api/3/issue/1/watchers").Body != `"ann"` {
		t.Error(err, f.last("POST /rest/api/3/issue/1/watchers").Body)
	}
	if err := c.RemoveWatcher(ctx, "1", "ann"); err != nil || f.last("DELETE /rest/api/3/issue/1/watchers").Query != "accountId=ann" {
		t.Error(err)
	}
}

func TestQueues(t *testing.T) {
	issues := func(last bool, ids ...string) answer {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = fmt.Sprintf(`{"id":"%s","key":"S-%s","fields":{}}`, id, id)
		}
		return answer{body: fmt.Sprintf(`{"isLastPage":%v,"values":[%s]}`, last, strings.Join(list, ","))}
	}
	c, f := jira(t, map[string]any{
		"GET /rest/servicedeskapi/servicedesk/10/queue": `{"isLastPage":true,"values":[{"id":"5","name":"VIP","jql":"labels = vip","fields":["summary"]}]}`,
		"POST /rest/api/3/jql/match": sequence(
			answer{body: `{"matches":[{"matchedIssues":[1],"errors":[]}]}`}, answer{body: `{"matches":[{"matchedIssues":[],"errors":[]}]}`},
			answer{body: `{"matches":[{"matchedIssues":[],"errors":["Function 'x' is not known."]}]}`}),
		"GET /rest/servicedeskapi/servicedesk/10/queue/5/issue": sequence(issues(false, "7"), issues(true, "1"), issues(true, "7")),
	})
	queues, err := c.Queues(t.Context(), "10")
	if err != nil || len(queues) != 1 || queues[0] != (Queue{"5", "VIP", "labels = vip"}) {
		t.Fatalf("%+v, %v", queues, err)
	}
	for i, want := range []bool{true, false, true, false} { // the last two: the query is not judged, so the queue is read
		if got, err := c.QueueHolds(t.Context(), "10", queues[0], "1"); got != want || err != nil {
			t.Errorf("%d: %v, %v; %v", i, got, err, f.lines())
		}
	}
	if _, err := c.QueueHolds(t.Context(), "10", queues[0], "S-1"); err == nil {
		t.Error("a key is no id")
	}
}

func TestArticlesVersionsAndLevels(t *testing.T) {
	c, f := jira(t, map[string]any{
		"GET /rest/servicedeskapi/servicedesk/10/knowledgebase/article": `{"isLastPage":true,"values":[{"title":"VPN","excerpt":"Connect","source":{"type":"confluence"},"content":{"iframeSrc":"https://north.example/kb/1"}}]}`,
		"GET /rest/api/3/project/SUP/version":                           sequence(answer{body: `{"isLast":false,"values":[{"id":"1","name":"1.0","released":true,"archived":false}]}`}, answer{body: `{"isLast":true,"values":[{"id":"2","name":"2.0","archived":true}]}`}),
		"GET /rest/api/3/project/SUP/securitylevel":                     sequence(answer{body: `{"levels":[{"id":"9","name":"Staff"}]}`}, answer{status: 404, body: `{"errorMessages":["gone"],"errors":{}}`}),
	})
	if list, err := c.Articles(t.Context(), "10", "vpn & more"); err != nil || len(list) != 1 || list[0] != (Article{"VPN", "Connect", "https://north.example/kb/1"}) {
		t.Errorf("%+v, %v", list, err)
	}
	if q := f.seen[0].Query; !strings.Contains(q, "query=vpn+%26+more") {
		t.Error(q)
	}
	if list, err := c.Versions(t.Context(), "SUP"); err != nil || len(list) != 2 || !list[0].Released || !list[1].Archived || list[1].Value != "2.0" {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := c.SecurityLevels(t.Context(), "SUP"); err != nil || len(list) != 1 || list[0] != (Option{ID: "9", Value: "Staff"}) {
		t.Errorf("%+v, %v", list, err)
	}
	var e *APIError
	if _, err := c.SecurityLevels(t.Context(), "SUP"); !errors.As(err, &e) {
		t.Error(err)
	}
}
