package jsm

import (
	"testing"
	"time"
)

// TestCallsPerPart holds what each thing beside a ticket's fields costs in calls and points.
func TestCallsPerPart(t *testing.T) {
	c, _ := jira(t, map[string]any{
		attachLine: answer{body: attached(5)}, temporaryLine: answer{status: 201, body: temporary}, requestLine: echoed(`,"public":true`), markLine: answer{status: 201},
		contentLine: toMedia(), mediaLine: answer{body: "0123456789", header: map[string]string{"Content-Type": "text/plain"}},
		worklogLine:                                   answer{status: 201, body: workAnswer("50", ``)},
		"POST /rest/api/3/issueLink":                  answer{status: 201},
		"GET /rest/api/3/issue/1":                     linked,
		"POST /rest/api/3/issue/1/remotelink":         answer{status: 201, body: `{"id":1}`},
		"GET /rest/api/3/issue/1/watchers":            `{"watchCount":1,"watchers":[{"accountId":"ann"}]}`,
		answerLine:                                    decided(Approved, Approved),
		"GET /rest/servicedeskapi/request/1/sla":      `{"isLastPage":true,"values":[` + slaAnswer + `]}`,
		"POST /rest/api/3/jql/match":                  `{"matches":[{"matchedIssues":[1],"errors":[]}]}`,
		"GET /rest/servicedeskapi/request/1/comment":  `{"isLastPage":true,"values":[{"id":"20","public":true,"attachments":{"isLastPage":true,"values":[` + shownFile("7") + `]}}]}`,
		"GET /rest/servicedeskapi/request/1/approval": `{"isLastPage":true,"values":[` + approvalAnswer + `]}`,
	})
	ctx := t.Context()
	for _, part := range []struct {
		name          string
		do            func() error
		calls, points int64
	}{
		{"a file for agents", func() error { _, err := c.AttachInternal(ctx, "1", hello()); return err }, 1, 1},
		{"a file for the customer, its comment marked", func() error {
			u := hello()
			u.Mark = []byte(`1`)
			_, err := c.AttachPublic(ctx, "1", "10", u)
			return err
		}, 3, 3},
		{"a download", func() error { _, _, err := readAll(c, file7, 0); return err }, 1, 2},
		{"a proof that the customer sees a file", func() error {
			return c.ProveAttachments(ctx, &Ticket{ID: "1", Attachments: []Attachment{{ID: "7"}}, Comments: []Comment{{ID: "20", Public: true, VisibilityKnown: true}}})
		}, 1, 2},
		{"a work log with its mark", func() error {
			_, err := c.AddWorklog(ctx, "1", NewWorklog{Started: time.Unix(1764000000, 0), Seconds: 60, Mark: []byte(`1`)})
			return err
		}, 1, 1},
		{"a link of two tickets", func() error { _, err := c.LinkIssues(ctx, "1", "2", LinkType{ID: "10"}); return err }, 2, 3},
		{"a web link", func() error {
			_, err := c.PutRemoteLink(ctx, "1", RemoteLink{GlobalID: "g", URL: "https://x.example", Title: "T"})
			return err
		}, 1, 1},
		{"who watches, one person", func() error { _, err := c.Watchers(ctx, "1"); return err }, 1, 3},
		{"an answer to an approval", func() error { _, err := c.AnswerApproval(ctx, "1", "3", Approved); return err }, 1, 1},
		{"one approval", func() error { _, err := c.Approvals(ctx, "1"); return err }, 1, 2},
		{"one clock", func() error { _, err := c.SLAs(ctx, "1"); return err }, 1, 2},
		{"whether a queue holds the ticket", func() error { _, err := c.QueueHolds(ctx, "10", Queue{"5", "VIP", "labels = vip"}, "1"); return err }, 1, 2},
	} {
		before := c.Calls().Total()
		if err := part.do(); err != nil {
			t.Errorf("%s: %v", part.name, err)
		}
		after := c.Calls().Total()
		if got := (Tally{after.Calls - before.Calls, after.Points - before.Points}); got != (Tally{part.calls, part.points}) {
			t.Errorf("%s: %d calls and %d points, want %d and %d", part.name, got.Calls, got.Points, part.calls, part.points)
		}
	}
}
