package jsm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	putIssue = "PUT /rest/api/3/issue/10042"
	getIssue = "GET /rest/api/3/issue/10042"
	contexts = "GET /rest/api/3/field/customfield_7/context"
	mapping  = "POST /rest/api/3/field/customfield_7/context/mapping"
	listing  = "GET /rest/api/3/field/customfield_7/context/300/option"
	adding   = "POST /rest/api/3/field/customfield_7/context/300/option"
	objects  = "POST /gateway/api/jsm/assets/workspace/w/v1/object/aql"
	space    = "GET /rest/servicedeskapi/assets/workspace"
)

func forbidden(why string) answer {
	return answer{status: 403, body: `{"errorMessages":["` + why + `"],"errors":{}}`}
}

// context are the answers of a tenant whose field has the options EU and EU / Berlin, and one that is disabled.
func context300(more map[string]any) map[string]any {
	all := map[string]any{
		getIssue: issue42, putIssue: issue42,
		contexts: `{"isLast":true,"values":[{"id":"299","name":"x","description":"","isGlobalContext":true,"isAnyIssueType":true},{"id":"300","name":"y","description":"","isGlobalContext":false,"isAnyIssueType":false}]}`,
		mapping:  `{"isLast":true,"values":[{"projectId":"10000","issueTypeId":"10001","contextId":"300"}]}`,
		listing:  `{"isLast":true,"values":[{"id":"1","value":"EU","disabled":false},{"id":"2","value":"Berlin","optionId":"1","disabled":false},{"id":"3","value":"Old","disabled":true}]}`,
		adding: askedFunc(func(_ *http.Request, body []byte) answer {
			var in struct{ Options []map[string]any }
			_ = json.Unmarshal(body, &in)
			o := in.Options[0]
			o["id"], o["disabled"] = fmt.Sprint(90+len(o["value"].(string))), false
			out, _ := json.Marshal(map[string]any{"options": []any{o}})
			return answer{body: string(out)}
		}),
	}
	for line, a := range more {
		all[line] = a
	}
	return all
}

// What a list lacks is added before the edit that chooses it; what is there is left alone.
func TestAnOptionIsMadeBeforeItIsChosen(t *testing.T) {
	cascade := Field{ID: "customfield_7", Custom: true, Type: Cascading}
	for _, x := range []struct {
		name  string
		f     Field
		set   Value
		added []string
	}{
		{"a second level", cascade, Option{Value: "EU", Child: &Option{Value: "Rome"}}, []string{`{"options":[{"value":"Rome","optionId":"1"}]}`}},
		{"both levels", cascade, Option{Value: "Asia", Child: &Option{Value: "Tokyo"}}, []string{`{"options":[{"value":"Asia"}]}`, `{"options":[{"value":"Tokyo","optionId":"94"}]}`}},
		{"nothing", cascade, Option{Value: "EU", Child: &Option{Value: "Berlin"}}, nil},
		{"several", Field{ID: "customfield_7", Custom: true, Type: MultiSelect}, []Option{{Value: "EU"}, {ID: "5", Value: "known"}, {Value: "New"}}, []string{`{"options":[{"value":"New"}]}`}},
	} {
		c, f := jira(t, context300(nil))
		e := Edit{Set: map[string]Value{"customfield_7": x.set}, Create: map[string]bool{"customfield_7": true}, Types: map[string]Field{"customfield_7": x.f}}
		if _, err := c.Edit(t.Context(), "10042", e); err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		var added []string
		for _, s := range f.seen {
			if s.Line == adding {
				added = append(added, s.Body)
			}
		}
		if len(added) != len(x.added) {
			t.Errorf("%s: added %v", x.name, added)
			continue
		}
		for i := range added {
			sameJSON(t, added[i], x.added[i])
		}
		if lines := f.lines(); lines[len(lines)-1] != putIssue {
			t.Errorf("%s: the edit is not last: %v", x.name, lines)
		}
	}
}

// Where the tenant forbids it, the field is refused as Jira would refuse it, and nothing is written.
func TestWhatCannotBePreparedIsAFieldsError(t *testing.T) {
	chosen := func(v Value, ft FieldType) Edit {
		return Edit{
			Set: map[string]Value{"customfield_7": v, "summary": "s"}, Create: map[string]bool{"customfield_7": ft != AssetType},
			Types: map[string]Field{"customfield_7": {ID: "customfield_7", Custom: true, Type: ft}},
		}
	}
	for _, x := range []struct {
		name, why string
		answers   map[string]any
		e         Edit
		any       bool
	}{
		{"no administrator", "may not do this: only administrators", map[string]any{contexts: forbidden("only administrators")}, chosen(Option{Value: "New"}, Select), false},
		{"another context", "not for this project", map[string]any{mapping: `{"isLast":true,"values":[]}`}, chosen(Option{Value: "New"}, Select), false},
		{"disabled", "disabled", nil, chosen(Option{Value: "Old"}, Select), false},
		{"too long", "256 characters", nil, chosen(Option{Value: strings.Repeat("x", 256)}, Select), false},
		{"no such list", "no options of its own", nil, chosen(Option{Value: "1.0"}, Version), false},
		{"no Assets", "not in use", map[string]any{space: `{"isLastPage":true,"values":[]}`}, chosen([]Option{{Value: "web-1"}}, AssetType), true},
		{"no such object", "0 objects", map[string]any{space: `{"values":[{"workspaceId":"w"}]}`, objects: `{"values":[{"globalId":"w:1","label":"web-10"}]}`}, chosen([]Option{{Value: "web-1"}}, AssetType), true},
		{"two objects", "2 objects", map[string]any{space: `{"values":[{"workspaceId":"w"}]}`,
			objects: `{"values":[{"globalId":"w:1","label":"web-1"},{"globalId":"w:2","label":"web-1"}]}`}, chosen([]Option{{Value: "web-1"}}, AssetType), true},
		{"objects are hidden", "may not do this", map[string]any{space: answer{status: 401, body: `{"message":"no"}`}}, chosen([]Option{{Value: "web-1"}}, AssetType), true},
		{"a watcher who may not", "no access", map[string]any{"POST /rest/api/3/issue/10042/watchers": forbidden("no access")},
			Edit{Add: map[string][]Value{"watches": {Person{AccountID: "a"}}}, Set: map[string]Value{"summary": "s"}}, false},
		{"a watcher without an account", "with an account", nil, Edit{Add: map[string][]Value{"watches": {Person{Name: "x"}}}}, false},
	} {
		c, f := jira(t, context300(x.answers))
		f.any = x.any
		_, err := c.Edit(t.Context(), "10042", x.e)
		var bad *FieldErrors
		if !errors.As(err, &bad) || len(bad.Fields) != 1 || MaybeApplied(err) {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		for id, why := range bad.Fields {
			if !strings.Contains(why, x.why) {
				t.Errorf("%s: %s %s", x.name, id, why)
			}
		}
		if !x.e.Drop(bad.Fields) {
			t.Errorf("%s: the field that was refused is not the edit's: %v", x.name, bad.Fields)
		}
		for _, line := range f.lines() {
			if line == putIssue {
				t.Errorf("%s: written nevertheless", x.name)
			}
		}
		if c.Standing().State != Up {
			t.Errorf("%s: the whole tenant counts as %v", x.name, c.Standing().State)
		}
	}
}

func TestObjectsAreFoundByLabel(t *testing.T) {
	c, f := jira(t, map[string]any{
		space: `{"values":[{"workspaceId":"w"}]}`, objects: `{"values":[{"globalId":"w:7","label":"a \"b\" \\"}]}`, putIssue: issue42,
	})
	f.any = true
	e := Edit{Set: map[string]Value{"customfield_7": []Option{{ID: "w:3", Value: "known"}, {Value: `a "b" \`}}}, Types: map[string]Field{"customfield_7": {ID: "customfield_7", Custom: true, Type: AssetType}}}
	for range 2 { // the workspace is asked for once
		if _, err := c.Edit(t.Context(), "10042", e); err != nil {
			t.Fatal(err)
		}
	}
	sameJSON(t, f.last(objects).Body, `{"qlQuery":"label = \"a \\\"b\\\" \\\\\""}`)
	sameJSON(t, f.last(putIssue).Body, `{"fields":{"customfield_7":[{"id":"w:3"},{"id":"w:7"}]}}`)
	if n := len(f.lines()); n != 5 {
		t.Errorf("%d calls: %v", n, f.lines())
	}
}

// Labels come with the tickets and are remembered; without permission the ticket is whole
// and the labels are absent.
func TestTicketsBearLabelsOfObjects(t *testing.T) {
	with := strings.Replace(issue42, `"creator":`, `"customfield_9":[{"workspaceId":"w","id":"w:7","objectId":"7"},{"id":"w:8"},{"id":"odd"}],"creator":`, 1)
	const seven, eight = "GET /gateway/api/jsm/assets/workspace/w/v1/object/7", "GET /gateway/api/jsm/assets/workspace/w/v1/object/8"
	c, f := jira(t, map[string]any{getIssue: with, seven: `{"globalId":"w:7","label":"web-1"}`, eight: `{"globalId":"w:8","label":"web-2"}`})
	f.any = true
	c.assets.learn("customfield_9")
	field := Field{ID: "customfield_9", Type: AssetType}
	for range 2 {
		tk, err := c.Ticket(t.Context(), "10042")
		if err != nil {
			t.Fatal(err)
		}
		v, err := tk.Value(field)
		if list, _ := v.([]Option); err != nil || len(list) != 3 || list[0] != (Option{ID: "w:7", Value: "web-1"}) || list[1].Value != "web-2" || list[2].Value != "" {
			t.Fatalf("%v %v", v, err)
		}
	}
	if n := len(f.lines()); n != 4 {
		t.Errorf("%v", f.lines())
	}
	c, f = jira(t, map[string]any{getIssue: with, seven: answer{status: 401, body: `{"message":"Unauthorized"}`}})
	f.any = true
	c.assets.learn("customfield_9")
	for range 2 { // refused once, not asked again at once
		tk, err := c.Ticket(t.Context(), "10042")
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := tk.Value(field); v.([]Option)[0].Value != "" {
			t.Errorf("%v", v)
		}
	}
	if n := len(f.lines()); n != 3 || c.Standing().State != Up {
		t.Errorf("%v, standing %v", f.lines(), c.Standing())
	}
}

func TestWatchersAreListedWhereAskedFor(t *testing.T) {
	with := strings.Replace(issue42, `"creator":`, `"watches":{"watchCount":2,"isWatching":false},"creator":`, 1)
	c, f := jira(t, map[string]any{
		"POST /rest/api/3/issue/bulkfetch":        `{"issues":[` + with + `]}`,
		"GET /rest/api/3/issue/10042/watchers":    `{"watchCount":2,"watchers":[{"accountId":"a","displayName":"A","active":true}]}`,
		"POST /rest/api/3/issue/10042/watchers":   answer{status: 204},
		"DELETE /rest/api/3/issue/10042/watchers": answer{status: 204},
		getIssue: with,
	})
	f.any = true
	field := Field{ID: "watches", Type: WatchersType}
	read := func(fields ...string) Value {
		list, err := c.Tickets(t.Context(), []string{"10042"}, fields)
		if err != nil {
			t.Fatal(err)
		}
		if !list["10042"].Bears(fields) {
			t.Errorf("%v were not read", fields)
		}
		v, err := list["10042"].Value(field)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := read("watches"); v != Number("2") {
		t.Errorf("a number is enough: %v", v)
	}
	if v, _ := read("watches", WatcherList).([]Person); len(v) != 1 || v[0].AccountID != "a" {
		t.Errorf("%v", v)
	}
	if strings.Contains(f.last("POST /rest/api/3/issue/bulkfetch").Body, `"watchers"`) {
		t.Error("Jira is asked for a field that it does not have")
	}
	got, err := c.Edit(t.Context(), "10042", Edit{
		Add: map[string][]Value{"watches": {Person{AccountID: "b"}}}, Remove: map[string][]Value{"watches": {Person{AccountID: "a"}}},
	})
	if v, _ := got.Value(field); err != nil || len(v.([]Person)) != 1 {
		t.Errorf("%v %v", v, err)
	}
	if f.last("DELETE /rest/api/3/issue/10042/watchers").Query != "accountId=a" || f.last("POST /rest/api/3/issue/10042/watchers").Body != `"b"` {
		t.Error(f.lines())
	}
}

func FuzzLabels(f *testing.F) {
	f.Add(`[{"id":"w:7"}]`, `{"watchCount":1}`)
	f.Add(`[{"id":7,"label":null},null,{}]`, `null`)
	f.Add(`{}`, `[]`)
	f.Fuzz(func(t *testing.T, objects, watches string) {
		if !json.Valid([]byte(objects)) || !json.Valid([]byte(watches)) {
			return
		}
		c := &Client{}
		c.assets.learn("customfield_9")
		c.assets.remember("w:7", "web-1", c.assets.refused)
		tk := &Ticket{ID: "1", Fields: map[string]json.RawMessage{"customfield_9": json.RawMessage(objects), "watches": json.RawMessage(watches)}}
		ids, held := c.assets.unlabelled(tk)
		label(tk, held, map[string]string{"w:7": "web-1"})
		setWatchers(tk, []Person{{AccountID: "a"}})
		for id, raw := range tk.Fields {
			if !json.Valid(raw) {
				t.Errorf("%s became %s, %v", id, raw, ids)
			}
		}
		if v, err := (Field{Type: WatchersType}).Decode(tk.Fields["watches"]); err != nil || len(v.([]Person)) != 1 {
			t.Errorf("%v %v", v, err)
		}
	})
}
