package jsm

import (
	"errors"
	"strings"
	"testing"
)

const linked = `{"id":"1","key":"S-1","fields":{"issuelinks":[
	{"id":"29","type":{"id":"11","name":"Relates","inward":"relates to","outward":"relates to"},"outwardIssue":{"id":"2","key":"S-2"}},
	{"id":"30","type":{"id":"10","name":"Blocks","inward":"is blocked by","outward":"blocks"},"inwardIssue":{"id":"2","key":"S-2"}},
	{"id":"31","type":{"id":"10","name":"Blocks","inward":"is blocked by","outward":"blocks"},"outwardIssue":{"id":"2","key":"S-2"}}]}}`

func TestIssueLinks(t *testing.T) {
	c, f := jira(t, map[string]any{
		"GET /rest/api/3/issueLinkType": `{"issueLinkTypes":[{"id":"10","name":"Blocks","inward":"is blocked by","outward":"blocks"}]}`,
		"GET /rest/api/3/issue/1":       linked,
		"POST /rest/api/3/issueLink":    sequence(answer{status: 201}, answer{status: 201}, answer{err: errors.New("reset")}),
	})
	types, err := c.LinkTypes(t.Context())
	if err != nil || len(types) != 1 || types[0].Outward != "blocks" {
		t.Fatalf("%+v, %v", types, err)
	}
	for _, kind := range []LinkType{types[0], {Name: "Blocks"}} {
		l, err := c.LinkIssues(t.Context(), "1", "2", kind)
		if err != nil || l.ID != "31" || !l.Outward || l.Other.ID != "2" {
			t.Errorf("%+v, %v", l, err)
		}
	}
	if _, err := c.LinkIssues(t.Context(), "1", "2", types[0]); !MaybeApplied(err) {
		t.Error(err)
	}
	body := f.last("POST /rest/api/3/issueLink").Body
	sameJSON(t, body, `{"type":{"id":"10"},"inwardIssue":{"id":"1"},"outwardIssue":{"id":"2"}}`)
	if strings.Contains(body, "comment") {
		t.Error("a comment is written again with every repetition")
	}
	c, _ = jira(t, map[string]any{"POST /rest/api/3/issueLink": answer{status: 201}, "GET /rest/api/3/issue/1": `{"id":"1","key":"S-1","fields":{"issuelinks":[]}}`})
	if _, err := c.LinkIssues(t.Context(), "1", "2", types[0]); !MaybeApplied(err) {
		t.Errorf("made, and not to be seen: %v", err)
	}
}
