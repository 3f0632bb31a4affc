package jsm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRemoteLinks(t *testing.T) {
	const line = "POST /rest/api/3/issue/1/remotelink"
	c, f := jira(t, map[string]any{
		line: sequence(answer{status: 201, body: `{"id":10000}`}, answer{body: `{"id":10000}`}, answer{body: `{}`}),
		"GET /rest/api/3/issue/1/remotelink": `[{"id":10000,"globalId":"g","relationship":"r","application":{"type":"com.atlassian.confluence","name":"C"},"object":{"url":"https://x.example/1","title":"T","summary":"S","status":{"resolved":true,"icon":{}}}},
			{"id":10001,"application":{},"object":{"url":"https://y.example","title":"by hand"}}]`,
	})
	want := RemoteLink{GlobalID: "g", URL: "https://x.example/1", Title: "T", Summary: "S", Relationship: "r", App: "com.atlassian.confluence", AppName: "C", Resolved: true}
	for range 2 {
		if id, err := c.PutRemoteLink(t.Context(), "1", want); id != "10000" || err != nil {
			t.Error(id, err)
		}
	}
	sameJSON(t, f.last(line).Body, `{"globalId":"g","relationship":"r","application":{"type":"com.atlassian.confluence","name":"C"},"object":{"url":"https://x.example/1","title":"T","summary":"S","status":{"resolved":true}}}`)
	if _, err := c.PutRemoteLink(t.Context(), "1", want); !MaybeApplied(err) {
		t.Error(err)
	}
	list, err := c.RemoteLinks(t.Context(), "1")
	want.ID = "10000"
	if d := cmp.Diff([]RemoteLink{want, {ID: "10001", URL: "https://y.example", Title: "by hand"}}, list); err != nil || d != "" {
		t.Error(d, err)
	}
	if !list[0].Article() || list[1].Article() {
		t.Error("only the first is an article")
	}
	before := len(f.lines())
	for _, bad := range []RemoteLink{
		{URL: "https://x.example", Title: "T"}, {GlobalID: strings.Repeat("x", 256), URL: "https://x.example", Title: "T"}, {GlobalID: "g", URL: "https://x.example", Title: " "},
		{GlobalID: "g", URL: "javascript:alert(1)", Title: "T"}, {GlobalID: "g", URL: "x", Title: "T"}, {GlobalID: "g", URL: "file:///etc/passwd", Title: "T"},
	} {
		if _, err := c.PutRemoteLink(t.Context(), "1", bad); err == nil {
			t.Errorf("%+v", bad)
		}
	}
	if len(f.lines()) != before {
		t.Error(f.lines())
	}
}
