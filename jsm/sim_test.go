package jsm_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/jsm"
	"parley/jsm/sim"
)

// The client against the simulator, which shares no type with it: where both agree with Atlassian's
// descriptions, they agree with each other.

const site = `{
 "site":"west","project":"DESK","projectName":"West desk","ids":20000,
 "people":[
  {"email":"sync@west.example","name":"Sync","role":"sync","timeZone":"Asia/Tokyo"},
  {"email":"ann@west.example","name":"Ann","role":"human"},
  {"email":"cara@west.example","name":"Cara","role":"customer"}],
 "organizations":[{"name":"Globex","members":["cara@west.example"]}],
 "groups":[{"name":"network","members":["ann@west.example"]}],
 "priorities":["P1","P2","P3"],
 "statuses":[{"name":"Open","category":"new"},{"name":"Working","category":"indeterminate"},{"name":"Waiting","category":"indeterminate"},{"name":"Resolved","category":"done"},{"name":"Closed","category":"done"}],
 "resolutions":["Fixed","Duplicate"],
 "issueTypes":["Incident"],
 "components":["Web","Mail"],
 "versions":["1.0"],
 "fields":[
  {"name":"Request Type","type":"requesttype"},
  {"name":"Organizations","type":"organizations"},
  {"name":"Participants","type":"participants"},
  {"name":"Approvals","type":"approvals"},
  {"name":"Impact","type":"select","options":[{"value":"Low"},{"value":"High"}]},
  {"name":"Region","type":"cascading","options":[{"value":"EU","children":["Berlin","Paris"]}]},
  {"name":"Hours","type":"number"},
  {"name":"Contract","type":"text"},
  {"name":"Frozen","type":"text","noEdit":true}],
 "requestTypes":[{"name":"Report a problem","description":"x","issueType":"Incident",
  "form":[{"field":"summary","required":true},{"field":"description"},{"field":"Impact","required":true}]}],
 "transitions":[
  {"name":"Start","from":["Open"],"to":"Working"},
  {"name":"Ask","from":["Working"],"to":"Waiting"},
  {"name":"Resolve","from":["Working"],"to":"Resolved","screen":["resolution"]},
  {"name":"Close","from":["Resolved"],"to":"Closed"},
  {"name":"Reopen","from":["Resolved","Closed"],"to":"Open","resolve":"-"}]}`

const adfHello = `{"version":1,"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"hello"}]}]}`

func west(t *testing.T) (*sim.Tenant, *jsm.Client) {
	t.Helper()
	tenant, err := sim.New(sim.Config{Name: "west", Seed: []byte(site)})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(tenant)
	t.Cleanup(srv.Close)
	me, ok := tenant.Account(sim.Sync)
	if !ok {
		t.Fatal("the tenant has no sync account")
	}
	c, err := jsm.New(jsm.Config{Base: srv.URL, Auth: jsm.Auth{User: me.Email, Token: jsm.Token(me.Token)}})
	if err != nil {
		t.Fatal(err)
	}
	return tenant, c
}

func newTicket(t *testing.T, c *jsm.Client, s *jsm.Schema) (id string) {
	t.Helper()
	r, err := s.RequestType("Report a problem")
	if err != nil {
		t.Fatal(err)
	}
	impact, err := s.Field("Impact")
	if err != nil {
		t.Fatal(err)
	}
	id, _, err = c.CreateRequest(t.Context(), jsm.NewRequest{ServiceDesk: s.Desk, RequestType: r.ID, Fields: map[string]jsm.Value{
		"summary": "VPN is down", "description": jsm.Rich(adfHello), impact.ID: jsm.Option{Value: "High"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAgainstTheSimulator(t *testing.T) {
	_, c := west(t)
	ctx := t.Context()
	me, err := c.Myself(ctx)
	if err != nil || me.TimeZone != "Asia/Tokyo" {
		t.Fatal(me, err)
	}
	s, err := c.Schema(ctx, "DESK")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Gaps) != 0 || len(s.Statuses) != 5 || len(s.Priorities) != 3 || len(s.Components) != 2 || s.Desk == "" {
		t.Errorf("%+v", s)
	}
	region, err := s.Field("Region")
	if err != nil || region.Type != jsm.Cascading || !slices.Contains(region.Options, "EU / Berlin") {
		t.Errorf("%+v, %v", region, err)
	}
	before := time.Now().Add(-time.Minute)
	id := newTicket(t, c, s)
	if err := c.SetMark(ctx, id, json.RawMessage(`{"nonce":"n1"}`)); err != nil {
		t.Fatal(err)
	}
	got, err := c.Ticket(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	summary, _ := s.Field("summary")
	if v, err := got.Value(summary); v != "VPN is down" || err != nil || got.Status.Name != "Open" || got.Status.Category != "new" || string(got.Marks[jsm.MarkKey]) != `{"nonce":"n1"}` {
		t.Errorf("%+v, %v, %v", got, v, err)
	}
	if got.RequestType == nil || got.RequestType.Value != "Report a problem" || got.Creator.AccountID != me.AccountID {
		t.Errorf("request type %v, creator %v", got.RequestType, got.Creator)
	}
	hints, err := c.Changed(ctx, []string{"DESK"}, before)
	if err != nil || len(hints) != 1 || hints[0].ID != id || !hints[0].Updated.Equal(got.Updated) {
		t.Errorf("%+v, %v", hints, err)
	}
	all, err := c.Tickets(ctx, []string{id, "999999"}, []string{"summary", region.ID})
	if err != nil || len(all) != 1 || all[id] == nil || all[id].Key != got.Key {
		t.Errorf("%+v, %v", all, err)
	}
	matched, bad, err := c.Match(ctx, []string{id}, []string{"project = DESK", "project = DESK AND priority = P1", "nonsense = 1"})
	if err != nil || len(matched[0]) != 1 || bad[0] != nil || bad[2] == nil {
		t.Errorf("%v %v %v", matched, bad, err)
	}
	if err := c.ParseJQL(ctx, "project = DESK"); err != nil {
		t.Error(err)
	}
	var refused *jsm.JQLError
	if err := c.ParseJQL(ctx, "project = "); !errors.As(err, &refused) {
		t.Error(err)
	}
}

func TestEditsInTheSimulator(t *testing.T) {
	_, c := west(t)
	ctx := t.Context()
	s, err := c.Schema(ctx, "DESK")
	if err != nil {
		t.Fatal(err)
	}
	id := newTicket(t, c, s)
	types := map[string]jsm.Field{}
	for _, f := range s.Fields {
		types[f.Name] = f
		types[f.ID] = f
	}
	set := map[string]jsm.Value{
		"summary": "New", "priority": jsm.Option{Value: "P1"}, "duedate": jsm.Date("2026-12-24"),
		types["Region"].ID: jsm.Option{Value: "EU", Child: &jsm.Option{Value: "Paris"}}, types["Hours"].ID: jsm.Number("2.5"), types["Contract"].ID: "C-17",
	}
	got, err := c.Edit(ctx, id, jsm.Edit{Set: set, Add: map[string][]jsm.Value{"labels": {"vpn"}, "components": {jsm.Option{Value: "Web"}}}, Types: types, Mark: json.RawMessage(`{"rev":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"summary": `"New"`, "duedate": `"2026-12-24"`, types["Contract"].ID: `"C-17"`, "labels": `["vpn"]`} {
		if raw := string(got.Fields[field]); raw != want {
			t.Errorf("%s is %s", field, raw)
		}
	}
	if v, err := got.Value(types["Region"]); err != nil || v.(jsm.Option).Child.Value != "Paris" {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := got.Value(types["Hours"]); err != nil || v != jsm.Number("2.5") {
		t.Errorf("%v, %v", v, err)
	}
	if len(got.History) == 0 || len(got.History[0].Items) < 5 {
		t.Errorf("history %+v", got.History)
	}
	if mark, err := c.Mark(ctx, id); err != nil || string(mark) != `{"rev":1}` {
		t.Errorf("%s, %v", mark, err)
	}
	_, err = c.Edit(ctx, id, jsm.Edit{Set: map[string]jsm.Value{"summary": "Newer", types["Frozen"].ID: "x"}, Types: types})
	var bad *jsm.FieldErrors
	if !errors.As(err, &bad) || bad.Fields[types["Frozen"].ID] == "" {
		t.Errorf("%v", err)
	}
}

func TestCommentsInTheSimulator(t *testing.T) {
	_, c := west(t)
	ctx := t.Context()
	s, err := c.Schema(ctx, "DESK")
	if err != nil {
		t.Fatal(err)
	}
	id := newTicket(t, c, s)
	note, err := c.AddComment(ctx, id, jsm.NewComment{Body: jsm.Rich(adfHello), Mark: json.RawMessage(`{"n":1}`)})
	if err != nil || note.Customer() || !note.VisibilityKnown {
		t.Fatalf("%+v, %v", note, err)
	}
	public, err := c.AddComment(ctx, id, jsm.NewComment{Body: jsm.Rich(adfHello), Public: true})
	if err != nil || !public.Customer() {
		t.Fatalf("%+v, %v", public, err)
	}
	if _, err := c.AddComment(ctx, id, jsm.NewComment{Body: jsm.Rich(adfHello), Parent: public.ID}); !errors.Is(err, jsm.ErrParentVisibility) {
		t.Error(err)
	}
	if edited, err := c.EditComment(ctx, id, note.ID, jsm.Rich(strings.Replace(adfHello, "hello", "edited", 1))); err != nil || edited.Customer() {
		t.Errorf("%+v, %v", edited, err)
	}
	list, err := c.Comments(ctx, id)
	if err != nil || len(list) != 2 || string(list[0].Mark) != `{"n":1}` || list[0].Customer() || !list[1].Customer() || list[1].Mark != nil {
		t.Errorf("%+v, %v", list, err)
	}
	for range 2 {
		if err := c.DeleteComment(ctx, id, note.ID); err != nil {
			t.Error(err)
		}
	}
	got, err := c.Ticket(ctx, id)
	if err != nil || len(got.Comments) != 1 || !got.Comments[0].Customer() {
		t.Errorf("%+v, %v", got.Comments, err)
	}
}

func TestTransitionsInTheSimulator(t *testing.T) {
	tenant, c := west(t)
	ctx := t.Context()
	s, err := c.Schema(ctx, "DESK")
	if err != nil {
		t.Fatal(err)
	}
	id := newTicket(t, c, s)
	if err := c.TransitionTo(ctx, id, jsm.Target{Status: "Resolved", Resolution: "Duplicate"}); err != nil {
		t.Fatal(err)
	}
	got, err := c.Ticket(ctx, id)
	resolution, _ := s.Field("resolution")
	v, valueErr := got.Value(resolution)
	if err != nil || valueErr != nil || got.Status.Name != "Resolved" || v.(jsm.Option).Value != "Duplicate" {
		t.Errorf("%+v, %v, %v", got.Status, v, err)
	}
	if err := c.TransitionTo(ctx, id, jsm.Target{Status: "Nirvana"}); !errors.Is(err, jsm.ErrNoPath) {
		t.Error(err)
	}
	second := newTicket(t, c, s)
	ticket, err := c.Ticket(ctx, second)
	if err != nil {
		t.Fatal(err)
	}
	if err := tenant.Fault(sim.Fault{Kind: "lost", Method: http.MethodPost, Path: "/rest/api/3/issue/*/transitions"}); err != nil {
		t.Fatal(err)
	}
	if err := c.TransitionTo(ctx, second, jsm.Target{Status: "Working", Ticket: ticket}); err != nil {
		t.Errorf("a lost answer: %v", err)
	}
}

func TestPeopleInTheSimulator(t *testing.T) {
	_, c := west(t)
	ctx := t.Context()
	s, err := c.Schema(ctx, "DESK")
	if err != nil {
		t.Fatal(err)
	}
	ann, ok, err := c.FindPerson(ctx, "ann@west.example")
	if err != nil || !ok || ann.Name != "Ann" {
		t.Errorf("%+v, %v, %v", ann, ok, err)
	}
	if _, ok, err := c.FindPerson(ctx, "nobody@west.example"); ok || err != nil {
		t.Error(ok, err)
	}
	if o, err := c.EnsureOrganization(ctx, "Globex", s.Desk, false); err != nil || o.ID == "" {
		t.Error(o, err)
	}
	if _, err := c.EnsureOrganization(ctx, "Initech", s.Desk, false); !errors.Is(err, jsm.ErrNoOrganization) {
		t.Error(err)
	}
	if missing, err := c.Permissions(ctx, "DESK", []string{"EDIT_ISSUES", "ADD_COMMENTS"}); err != nil || len(missing) != 0 {
		t.Error(missing, err)
	}
	c2, err := jsm.New(jsm.Config{Base: "http://127.0.0.1:1", Auth: jsm.Auth{User: "x", Token: jsm.Token("wrong")}, MaxWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c2.Myself(ctx); err == nil {
		t.Error("nobody listens there")
	}
}

func TestFaultsOfTheSimulator(t *testing.T) {
	tenant, c := west(t)
	ctx := t.Context()
	s, err := c.Schema(ctx, "DESK")
	if err != nil {
		t.Fatal(err)
	}
	id := newTicket(t, c, s)
	for _, f := range []struct {
		kind    string
		applied int // comments there afterwards
		maybe   bool
	}{{"status", 0, true}, {"html", 0, true}, {"drop", 0, true}, {"lost", 1, true}, {"applied", 2, true}, {"rate", 3, false}} {
		if err := tenant.Fault(sim.Fault{Kind: f.kind, Method: http.MethodPost, Path: "/rest/api/3/issue/*/comment"}); err != nil {
			t.Fatal(err)
		}
		_, err := c.AddComment(ctx, id, jsm.NewComment{Body: jsm.Rich(adfHello), Mark: json.RawMessage(`1`)})
		if f.maybe != jsm.MaybeApplied(err) || f.maybe == (err == nil) {
			t.Errorf("%s: %v", f.kind, err)
		}
		list, err := c.Comments(ctx, id)
		if err != nil || len(list) != f.applied {
			t.Errorf("%s: %d comments, %v", f.kind, len(list), err)
		}
		tenant.ClearFaults()
	}
}
