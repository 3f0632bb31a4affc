package jsm

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCallsPerChange holds what each change costs in calls and points; Jira's limits are orders of magnitude
// below everything else, so these figures are what users feel.
func TestCallsPerChange(t *testing.T) {
	hits := make([]string, 100)
	for i := range hits {
		hits[i] = fmt.Sprintf(`{"id":"%d","key":"S-%d","fields":{"updated":"2026-11-22T10:00:00.000+0000","comment":{"total":0,"comments":[]}}}`, i+1, i+1)
	}
	many := `"issues":[` + strings.Join(hits, ",") + `]`
	answers := tenant()
	for line, a := range map[string]any{
		"POST /rest/api/3/search/jql":                   `{` + many + `,"isLast":true}`,
		"POST /rest/api/3/issue/bulkfetch":              `{` + many + `}`,
		"PUT /rest/api/3/issue/10042":                   issue42,
		"POST /rest/api/3/issue/10042/comment":          commentAnswer(`,"jsdPublic":false`),
		"POST /rest/servicedeskapi/request":             answer{status: 201, body: `{"issueId":"1","issueKey":"S-1"}`},
		"PUT /rest/api/3/issue/10042/properties/parley": answer{status: 201},
	} {
		answers[line] = a
	}
	c, _ := jira(t, answers)
	ctx := t.Context()
	if _, err := c.Schema(ctx, "SUP"); err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprint(i + 1)
	}
	for _, change := range []struct {
		name          string
		do            func() error
		calls, points int64
	}{
		{"a poll that finds 100 changed tickets", func() error {
			_, err := c.Changed(ctx, []string{"SUP"}, time.Unix(0, 0))
			if err == nil {
				_, err = c.Tickets(ctx, ids, []string{"priority"})
			}
			return err
		}, 2, 202},
		{"an edit of any number of fields, with mark, read back", func() error {
			_, err := c.Edit(ctx, "10042", Edit{Set: map[string]Value{"summary": "x", "duedate": nil}, Mark: []byte(`{}`)})
			return err
		}, 1, 1},
		{"an internal note, with mark, proven internal", func() error {
			_, err := c.AddComment(ctx, "10042", NewComment{Body: Rich(adfHello), Mark: []byte(`{}`)})
			return err
		}, 1, 1},
		{"a request by a form that is known, and its mark", func() error {
			_, _, err := c.CreateRequest(ctx, NewRequest{ServiceDesk: "10", RequestType: "25", Fields: map[string]Value{"summary": "x", "customfield_1": Option{Value: "Low"}}})
			if err == nil {
				err = c.SetMark(ctx, "10042", []byte(`{}`))
			}
			return err
		}, 2, 2},
	} {
		before := c.Calls().Total()
		if err := change.do(); err != nil {
			t.Errorf("%s: %v", change.name, err)
		}
		after := c.Calls().Total()
		if got := (Tally{after.Calls - before.Calls, after.Points - before.Points}); got != (Tally{change.calls, change.points}) {
			t.Errorf("%s: %d calls and %d points, want %d and %d", change.name, got.Calls, got.Points, change.calls, change.points)
		}
	}
}
