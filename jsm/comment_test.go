package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

func commentAnswer(visibility string) answer {
	return answer{status: 201, body: `{"id":"700","author":{"accountId":"me"},"created":"2026-11-22T10:00:00.000+0000"` + visibility + `}`}
}

func TestAddComment(t *testing.T) {
	c, f := jira(t, map[string]any{"POST /rest/api/3/issue/1/comment": sequence(commentAnswer(`,"jsdPublic":false`), commentAnswer(`,"jsdPublic":true,"parentId":600`))})
	note, err := c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Mark: json.RawMessage(`{"n":1}`)})
	if err != nil || note.ID != "700" || note.Customer() || string(note.Mark) != `{"n":1}` {
		t.Errorf("%+v, %v", note, err)
	}
	sameJSON(t, f.last("POST /rest/api/3/issue/1/comment").Body,
		`{"body":`+adfHello+`,"properties":[{"key":"sd.public.comment","value":{"internal":true}},{"key":"parley","value":{"n":1}}]}`)
	public, err := c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true, Parent: "600"})
	if err != nil || !public.Customer() || public.Parent != "600" {
		t.Errorf("%+v, %v", public, err)
	}
	sameJSON(t, f.last("POST /rest/api/3/issue/1/comment").Body, `{"body":`+adfHello+`,"parentId":600}`)
}

func TestALeakedNoteIsDeletedAtOnce(t *testing.T) {
	gone := answer{status: 404, body: `{"errorMessages":["Can not find a comment for the id: 700."],"errors":{}}`}
	for _, c := range []struct {
		name       string
		visibility string
		del        any
		read       any
		deleted    bool
	}{
		{"public", `,"jsdPublic":true`, answer{status: 204}, gone, true},
		{"unknown", ``, answer{status: 204}, gone, true},
		{"null", `,"jsdPublic":null`, answer{status: 204}, gone, true},
		{"only restricted to a role", `,"jsdPublic":true,"visibility":{"type":"role","value":"Service Desk Team"}`, answer{status: 204}, gone, true},
		{"deleting needs a second try", `,"jsdPublic":true`, sequence(answer{status: 502}, answer{status: 204}), gone, true},
		{"gone already", `,"jsdPublic":true`, gone, gone, true},
		{"not ours to delete", `,"jsdPublic":true`, gone, commentAnswer(`,"jsdPublic":true`), false},
		{"forbidden", `,"jsdPublic":true`, answer{status: 403, body: `{"errorMessages":["no"],"errors":{}}`}, gone, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if a, ok := c.read.(answer); ok && a.status == 201 {
					a.status = 200
					c.read = a
				}
				client, f := jira(t, map[string]any{
					"POST /rest/api/3/issue/1/comment":       commentAnswer(c.visibility),
					"DELETE /rest/api/3/issue/1/comment/700": c.del,
					"GET /rest/api/3/issue/1/comment/700":    c.read,
				})
				_, err := client.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello)})
				var leak *LeakedNote
				if !errors.As(err, &leak) || leak.Deleted != c.deleted || leak.Comment != "700" {
					t.Fatalf("%v", err)
				}
				if lines := f.lines(); lines[1] != "DELETE /rest/api/3/issue/1/comment/700" {
					t.Errorf("not at once: %v", lines)
				}
				if c.deleted == strings.Contains(err.Error(), "COULD NOT") {
					t.Error(err)
				}
			})
		})
	}
}

func TestALeakedNoteIsDeletedThoughTheCallerGaveUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, f := jira(t, map[string]any{
		"POST /rest/api/3/issue/1/comment": func(*http.Request, []byte) answer {
			cancel()
			return commentAnswer(`,"jsdPublic":true`)
		},
		"DELETE /rest/api/3/issue/1/comment/700": answer{status: 204},
	})
	_, err := c.AddComment(ctx, "1", NewComment{Body: Rich(adfHello)})
	var leak *LeakedNote
	if !errors.As(err, &leak) || !leak.Deleted || len(f.lines()) != 2 {
		t.Errorf("%v, %v", err, f.lines())
	}
}

func TestAPublicCommentThatIsNot(t *testing.T) {
	for _, visibility := range []string{`,"jsdPublic":false`, ``} {
		c, f := jira(t, map[string]any{"POST /rest/api/3/issue/1/comment": commentAnswer(visibility)})
		made, err := c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true})
		var wrong *WrongVisibility
		if !errors.As(err, &wrong) || made.ID != "700" || len(f.lines()) != 1 {
			t.Errorf("%+v, %v", made, err)
		}
	}
}

func TestANoteDoesNotReplyToThePublic(t *testing.T) {
	for visibility, ok := range map[string]bool{`,"jsdPublic":true`: false, ``: false, `,"jsdPublic":false`: true} {
		parent := commentAnswer(visibility)
		parent.status = 200
		c, f := jira(t, map[string]any{
			"GET /rest/api/3/issue/1/comment/600": parent,
			"POST /rest/api/3/issue/1/comment":    commentAnswer(`,"jsdPublic":false`),
		})
		_, err := c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Parent: "600"})
		if ok != (err == nil) || !ok && (!errors.Is(err, ErrParentVisibility) || len(f.lines()) != 1) {
			t.Errorf("%q: %v, %v", visibility, err, f.lines())
		}
	}
}

func TestAddCommentRefusesBadInput(t *testing.T) {
	c, f := jira(t, nil)
	for _, n := range []NewComment{{}, {Body: Rich("text")}, {Body: Rich(adfHello), Mark: json.RawMessage("{")}, {Body: Rich(adfHello), Mark: json.RawMessage(`"` + strings.Repeat("x", maxMark) + `"`)}, {Body: Rich(adfHello), Parent: "x"}} {
		if _, err := c.AddComment(t.Context(), "1", n); err == nil || len(f.lines()) != 0 {
			t.Errorf("%+v: %v", n, err)
		}
	}
}

func TestEditCommentKeepsTheVisibility(t *testing.T) {
	silent, internal, public := commentAnswer(``), commentAnswer(`,"jsdPublic":false`), commentAnswer(`,"jsdPublic":true`)
	silent.status, internal.status, public.status = 200, 200, 200
	note := `{"body":` + adfHello + `,"properties":[{"key":"sd.public.comment","value":{"internal":true}}]}`
	for _, c := range []struct {
		name          string
		before, after answer
		proof         answer // of a second read
		body          string
		leak, wrong   bool
		calls         int
	}{
		{"a note stays one", internal, internal, internal, note, false, false, 2},
		{"public stays public", public, public, public, `{"body":` + adfHello + `}`, false, false, 2},
		{"a silent answer is proven by a read", internal, silent, internal, note, false, false, 3},
		{"unknown counts as a note", silent, internal, internal, note, false, false, 2},
		{"a note published", internal, public, public, note, true, false, 3},
		{"a note of unknown fate", internal, silent, silent, note, true, false, 4},
		{"public made internal", public, internal, internal, `{"body":` + adfHello + `}`, false, true, 2},
	} {
		client, f := jira(t, map[string]any{
			"GET /rest/api/3/issue/1/comment/700":    sequence(c.before, c.proof),
			"PUT /rest/api/3/issue/1/comment/700":    c.after,
			"DELETE /rest/api/3/issue/1/comment/700": answer{status: 204},
		})
		got, err := client.EditComment(t.Context(), "1", "700", Rich(adfHello))
		var leak *LeakedNote
		var wrong *WrongVisibility
		if errors.As(err, &leak) != c.leak || errors.As(err, &wrong) != c.wrong || err != nil && !c.leak && !c.wrong || len(f.lines()) != c.calls {
			t.Errorf("%s: %+v, %v, %v", c.name, got, err, f.lines())
		}
		if leak != nil && !leak.Deleted {
			t.Errorf("%s: %v", c.name, err)
		}
		sameJSON(t, f.last("PUT /rest/api/3/issue/1/comment/700").Body, c.body)
	}
}

func TestCommentsWithMarks(t *testing.T) {
	plain := `{"startAt":0,"maxResults":100,"total":2,"comments":[{"id":"2","created":"2026-11-22T10:00:00.000+0000","jsdPublic":true},{"id":"1","created":"2026-11-22T10:00:00.000+0000","jsdPublic":false}]}`
	marked := strings.Replace(plain, `"jsdPublic":true`, `"jsdPublic":true,"properties":[{"key":"parley","value":{"n":2}}]`, 1)
	for name, answers := range map[string]map[string]any{
		"in the list": {"GET /rest/api/3/issue/1/comment": marked},
		"asked again": {"GET /rest/api/3/issue/1/comment": plain,
			"POST /rest/api/3/comment/list": `{"startAt":0,"maxResults":2,"total":2,"isLast":true,"values":[{"id":"2","properties":[{"key":"parley","value":{"n":2}}]},{"id":"1","properties":[]}]}`},
	} {
		c, f := jira(t, answers)
		got, err := c.Comments(t.Context(), "1")
		if err != nil || len(got) != 2 || got[0].ID != "1" || got[0].Mark != nil || string(got[1].Mark) != `{"n":2}` {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if q := f.last("GET /rest/api/3/issue/1/comment").Query; q != "expand=properties&maxResults=100&orderBy=created&startAt=0" {
			t.Error(q)
		}
	}
}

func TestVisibilityIsNeverGuessed(t *testing.T) {
	for body, want := range map[string]Comment{
		`{"id":"1","jsdPublic":true}`:                                          {Public: true, VisibilityKnown: true},
		`{"id":"1","jsdPublic":true,"visibility":{"type":"role","value":"x"}}`: {Public: true, VisibilityKnown: true, Restricted: true},
		`{"id":"1","jsdPublic":false}`:                                         {VisibilityKnown: true},
		`{"id":"1"}`:                                                           {},
		`{"id":"1","jsdPublic":null,"visibility":null}`:                        {},
		`{"id":"1","jsdPublic":true,"visibility":{}}`:                          {Public: true, VisibilityKnown: true, Restricted: true},
	} {
		var j commentJSON
		if err := json.Unmarshal([]byte(body), &j); err != nil {
			t.Fatal(err)
		}
		got := j.comment()
		if got.Public != want.Public || got.VisibilityKnown != want.VisibilityKnown || got.Restricted != want.Restricted {
			t.Errorf("%s: %+v", body, got)
		}
		if got.Customer() != (body == `{"id":"1","jsdPublic":true}`) {
			t.Errorf("%s: shown to customers: %v", body, got.Customer())
		}
	}
	var j commentJSON
	if err := json.Unmarshal([]byte(`{"id":"1","jsdPublic":"true"}`), &j); err == nil {
		t.Error("a string passes as visibility")
	}
}

func TestMarks(t *testing.T) {
	c, f := jira(t, map[string]any{
		"PUT /rest/api/3/issue/1/properties/parley":   answer{status: 201},
		"PUT /rest/api/3/comment/7/properties/parley": answer{status: 200},
		"GET /rest/api/3/issue/1/properties/parley":   `{"key":"parley","value":{"a":1}}`,
		"GET /rest/api/3/comment/7/properties/parley": answer{status: 404, body: `{"errorMessages":["none"],"errors":{}}`},
	})
	if err := c.SetMark(t.Context(), "1", json.RawMessage(`{"a":1}`)); err != nil || f.last("PUT /rest/api/3/issue/1/properties/parley").Body != `{"a":1}` {
		t.Error(err)
	}
	if err := c.SetCommentMark(t.Context(), "1", "7", json.RawMessage(`{"a":1}`)); err != nil {
		t.Error(err)
	}
	if m, err := c.Mark(t.Context(), "1"); err != nil || string(m) != `{"a":1}` {
		t.Errorf("%s, %v", m, err)
	}
	if m, err := c.CommentMark(t.Context(), "7"); err != nil || m != nil {
		t.Errorf("%s, %v", m, err)
	}
	if err := c.SetMark(t.Context(), "1", json.RawMessage(fmt.Sprintf("%q", strings.Repeat("x", maxMark)))); err == nil {
		t.Error("a mark beyond Jira's limit passes")
	}
}
