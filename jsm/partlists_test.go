package jsm

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestListsAreReadWhereSomebodyAsked has a ticket with more work logs than a read brings, and a web link.
func TestListsAreReadWhereSomebodyAsked(t *testing.T) {
	issue := `{"id":"1","key":"S-1","fields":{"summary":"x","status":{"name":"Open"},"worklog":{"total":2,"worklogs":[` + workAnswer("50", ``) + `]}}}`
	c, f := jira(t, map[string]any{
		"POST /rest/api/3/issue/bulkfetch":   `{"issues":[` + issue + `]}`,
		"GET /rest/api/3/issue/1":            issue,
		"GET /rest/api/3/issue/1/worklog":    `{"total":2,"worklogs":[` + workAnswer("50", ``) + `,` + workAnswer("51", ``) + `]}`,
		"GET /rest/api/3/issue/1/remotelink": `[{"id":9,"object":{"url":"https://x.example","title":"x"}}]`,
	})
	lists := []string{"summary", FieldWorklogs, WorklogList, WebLinkList}
	read := func(fields []string) *Ticket {
		t.Helper()
		found, err := c.Tickets(t.Context(), []string{"1"}, fields)
		if err != nil || found["1"] == nil {
			t.Fatal(found, err)
		}
		return found["1"]
	}
	plain := read([]string{"summary", FieldWorklogs})
	if len(plain.Worklogs) != 1 || plain.WorklogsTotal != 2 || plain.WebLinks != nil || len(f.lines()) != 1 {
		t.Errorf("nobody asked: %+v after %v", plain, f.lines())
	}
	if plain.Bears(lists) || !plain.Bears([]string{"summary"}) {
		t.Error("it was read without its lists")
	}
	all := read(lists)
	if len(all.Worklogs) != 2 || all.WorklogsTotal != 2 || len(all.WebLinks) != 1 || all.WebLinks[0].ID != "9" || !all.Bears(lists) {
		t.Errorf("%+v", all)
	}
	if asked := fmt.Sprint(f.last("POST /rest/api/3/issue/bulkfetch").Body); slices.ContainsFunc([]string{WorklogList, WebLinkList}, func(id string) bool { return strings.Contains(asked, `"`+id+`"`) }) {
		t.Errorf("Jira has no such fields: %s", asked)
	}
	one, err := c.Ticket(t.Context(), "1") // from now on every read brings them
	if err != nil || len(one.Worklogs) != 2 || len(one.WebLinks) != 1 {
		t.Errorf("%+v, %v", one, err)
	}
}
