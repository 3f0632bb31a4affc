package jsm_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/jsm"
	"parley/jsm/sim"
)

// fullSite is site with all that a request can have.
func fullSite(t *testing.T) []byte {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal([]byte(site), &s); err != nil {
		t.Fatal(err)
	}
	add := func(key, list string) {
		var more []any
		if err := json.Unmarshal([]byte(list), &more); err != nil {
			t.Fatal(err)
		}
		old, _ := s[key].([]any)
		s[key] = append(old, more...)
	}
	add("fields", `[{"name":"Approvers","type":"users"},{"name":"Satisfaction","type":"rating"},{"name":"Satisfaction date","type":"ratingdate"}]`)
	add("slas", `[{"name":"Resolve in time","minutes":240,"stop":["Resolved","Closed"],"pause":["Waiting"]}]`)
	add("queues", `[{"name":"Open ones","jql":"project = DESK AND resolution = Unresolved","columns":["issuekey","summary"]},{"name":"Pressing","jql":"project = DESK AND priority = P1","columns":["summary"]}]`)
	add("transitions", `[{"name":"Approve","from":["Waiting"],"to":"Working","approval":"approve"},{"name":"Decline","from":["Waiting"],"to":"Closed","approval":"decline"}]`)
	s["approval"] = map[string]any{"status": "Waiting", "field": "Approvers", "name": "Manager"}
	out, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// full is a tenant with all of that, our client of it, one ticket, and its schema.
func full(t *testing.T) (*sim.Tenant, *jsm.Client, *jsm.Schema, string) {
	t.Helper()
	tenant, err := sim.New(sim.Config{Name: "west", Seed: fullSite(t)})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(tenant)
	t.Cleanup(srv.Close)
	tenant.SetMediaURL(strings.Replace(srv.URL, "127.0.0.1", "localhost", 1))
	me, _ := tenant.Account(sim.Sync)
	c, err := jsm.New(jsm.Config{Base: srv.URL, Auth: jsm.Auth{User: me.Email, Token: jsm.Token(me.Token)}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Schema(t.Context(), "DESK")
	if err != nil {
		t.Fatal(err)
	}
	return tenant, c, s, newTicket(t, c, s)
}

func upload(name string, content []byte) jsm.Upload {
	sum := sha256.Sum256(content)
	return jsm.Upload{Name: name, Size: int64(len(content)), MIME: "application/octet-stream", SHA256: &sum,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

func TestAttachmentsInTheSimulator(t *testing.T) {
	_, c, s, id := full(t)
	ctx := t.Context()
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	inside, err := c.AttachInternal(ctx, id, upload("log ü.txt", content))
	if err != nil || inside.Attachment.Name != "log ü.txt" || inside.Attachment.Customer() {
		t.Fatalf("%+v, %v", inside, err)
	}
	u := upload("log ü.txt", content[:10])
	u.Mark, u.Say = json.RawMessage(`{"n":1}`), "Jane:"
	outside, err := c.AttachPublic(ctx, id, s.Desk, u)
	if err != nil || !outside.Attachment.Customer() || outside.Echo == nil {
		t.Fatalf("%+v, %v", outside, err)
	}
	ticket, err := c.Ticket(ctx, id)
	if err != nil || len(ticket.Attachments) != 2 {
		t.Fatalf("%+v, %v", ticket, err)
	}
	if err := c.ProveAttachments(ctx, ticket); err != nil || ticket.Attachments[0].Customer() || ticket.Attachments[1].Comment != outside.Echo.ID {
		t.Errorf("%+v, %v", ticket.Attachments, err)
	}
	comments, err := c.Comments(ctx, id)
	if err != nil || len(comments) != 1 || comments[0].ID != outside.Echo.ID || string(comments[0].Mark) != `{"n":1}` {
		t.Errorf("the echo is marked: %+v, %v", comments, err)
	}
	for _, offset := range []int64{0, 999_990} {
		d, err := c.OpenAttachment(ctx, ticket.Attachments[0], offset)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(d)
		if err != nil || !bytes.Equal(b, content[offset:]) {
			t.Errorf("from %d: %d bytes, %v", offset, len(b), err)
		}
		d.Close()
	}
	if sum, err := c.HashAttachment(ctx, ticket.Attachments[1]); err != nil || sum != outside.SHA256 {
		t.Error(err)
	}
	if media, err := c.MediaID(ctx, ticket.Attachments[0]); err != nil || !strings.Contains(media, "-") {
		t.Error(media, err)
	}
	if limit, on, err := c.AttachmentLimit(ctx); err != nil || !on || limit <= 0 {
		t.Error(limit, on, err)
	}
	for range 2 {
		if err := c.DeleteAttachment(ctx, id, inside.Attachment.ID); err != nil {
			t.Error(err)
		}
	}
	if list, err := c.Attachments(ctx, id); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestLostUploadsInTheSimulator(t *testing.T) {
	tenant, c, s, id := full(t)
	ctx := t.Context()
	me, err := c.Myself(ctx)
	if err != nil {
		t.Fatal(err)
	}
	content := []byte("the same bytes")
	sum := sha256.Sum256(content)
	sought := jsm.Sought{Name: "a.txt", Size: int64(len(content)), SHA256: &sum, By: me.AccountID, Since: time.Now()}
	if up, err := c.FindUpload(ctx, id, sought); up != nil || err != nil {
		t.Errorf("%+v, %v", up, err)
	}
	for _, f := range []struct {
		path   string
		public bool
	}{{"/rest/api/3/issue/*/attachments", false}, {"/rest/servicedeskapi/request/*/attachment", true}} {
		if err := tenant.Fault(sim.Fault{Kind: "lost", Method: http.MethodPost, Path: f.path}); err != nil {
			t.Fatal(err)
		}
		if f.public {
			_, err = c.AttachPublic(ctx, id, s.Desk, upload("a.txt", content))
		} else {
			_, err = c.AttachInternal(ctx, id, upload("a.txt", content))
		}
		tenant.ClearFaults()
		if !jsm.MaybeApplied(err) {
			t.Fatalf("%s: %v", f.path, err)
		}
		sought.Public = f.public
		up, err := c.FindUpload(ctx, id, sought)
		if err != nil || up == nil || up.Attachment.Customer() != f.public || (up.Echo != nil) != f.public {
			t.Fatalf("%s: %+v, %v", f.path, up, err)
		}
		sought.Known = append(sought.Known, up.Attachment.ID)
	}
	if up, err := c.FindUpload(ctx, id, sought); up != nil || err != nil {
		t.Errorf("all are accounted for: %+v, %v", up, err)
	}
}

func TestWorkAndLinksInTheSimulator(t *testing.T) {
	_, c, s, id := full(t)
	ctx := t.Context()
	other := newTicket(t, c, s)
	n := jsm.NewWorklog{Started: time.Date(2026, 11, 22, 10, 0, 0, 5e6, time.UTC), Seconds: 5400, Text: jsm.Rich(adfHello), Mark: json.RawMessage(`{"n":1}`)}
	w, err := c.AddWorklog(ctx, id, n)
	if err != nil || w.Seconds != 5400 || !w.Started.Equal(n.Started) {
		t.Fatalf("%+v, %v", w, err)
	}
	n.Seconds, n.Mark = 3600, nil
	if w, err := c.EditWorklog(ctx, id, w.ID, n); err != nil || w.Seconds != 3600 {
		t.Errorf("%+v, %v", w, err)
	}
	if list, err := c.Worklogs(ctx, id); err != nil || len(list) != 1 || string(list[0].Mark) != `{"n":1}` || list[0].Seconds != 3600 {
		t.Errorf("%+v, %v", list, err)
	}
	types, err := c.LinkTypes(ctx)
	if err != nil || len(types) == 0 {
		t.Fatal(types, err)
	}
	kind := types[0]
	for _, k := range types {
		if k.Name == "Blocks" {
			kind = k
		}
	}
	var l jsm.IssueLink
	for range 2 { // the second makes none
		if l, err = c.LinkIssues(ctx, id, other, kind); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.Tickets(ctx, []string{id, other}, []string{jsm.FieldLinks, jsm.FieldWorklogs, jsm.FieldAttachments})
	if err != nil || len(all[id].Links) != 1 || len(all[id].Worklogs) != 1 || all[id].WorklogsTotal != 1 {
		t.Fatalf("%+v, %v", all[id], err)
	}
	if from, to := all[id].Links[0], all[other].Links[0]; from != l || !from.Outward || to.Outward || to.ID != from.ID || to.Other.ID != id || from.Other.ID != other {
		t.Errorf("%+v %+v", from, to)
	}
	web := jsm.RemoteLink{GlobalID: "parley:1", URL: "https://peer.example/HELP-1", Title: "HELP-1"}
	first, err := c.PutRemoteLink(ctx, id, web)
	if err != nil {
		t.Fatal(err)
	}
	web.Title = "HELP-1 (done)"
	if again, err := c.PutRemoteLink(ctx, id, web); err != nil || again != first {
		t.Error(again, err)
	}
	if list, err := c.RemoteLinks(ctx, id); err != nil || len(list) != 1 || list[0].Title != web.Title || list[0].GlobalID != web.GlobalID {
		t.Errorf("%+v, %v", list, err)
	}
	for range 2 {
		if err := c.DeleteRemoteLink(ctx, id, web.GlobalID); err != nil {
			t.Error(err)
		}
		if err := c.Unlink(ctx, id, l.ID); err != nil {
			t.Error(err)
		}
		if err := c.DeleteWorklog(ctx, id, w.ID); err != nil {
			t.Error(err)
		}
	}
}

func TestLostWorkInTheSimulator(t *testing.T) {
	tenant, c, _, id := full(t)
	n := jsm.NewWorklog{Started: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Seconds: 60, Mark: json.RawMessage(`{"n":7}`)}
	if err := tenant.Fault(sim.Fault{Kind: "lost", Method: http.MethodPost, Path: "/rest/api/3/issue/*/worklog"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddWorklog(t.Context(), id, n); !jsm.MaybeApplied(err) {
		t.Error(err)
	}
	if list, err := c.Worklogs(t.Context(), id); err != nil || len(list) != 1 || string(list[0].Mark) != `{"n":7}` {
		t.Errorf("it is found by its mark: %+v, %v", list, err)
	}
}

func TestApprovalsInTheSimulator(t *testing.T) {
	_, c, s, id := full(t)
	ctx := t.Context()
	me, err := c.Myself(ctx)
	if err != nil {
		t.Fatal(err)
	}
	approvers, _ := s.Field("Approvers")
	held, _ := s.Field("Approvals")
	types := map[string]jsm.Field{approvers.ID: approvers}
	_, err = c.Edit(ctx, id, jsm.Edit{Set: map[string]jsm.Value{approvers.ID: []jsm.Person{{AccountID: me.AccountID}}}, Types: types})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.TransitionTo(ctx, id, jsm.Target{Status: "Waiting"}); err != nil {
		t.Fatal(err)
	}
	list, err := c.Approvals(ctx, id)
	if err != nil || len(list) != 1 || list[0].Decision != jsm.Pending || !list[0].Ours {
		t.Fatalf("%+v, %v", list, err)
	}
	ticket, err := c.Ticket(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := ticket.Value(held); err != nil {
		t.Error(err)
	} else if same, err := jsm.DecodeApprovals(v.(jsm.Raw)); err != nil || !reflect.DeepEqual(same, list) {
		t.Errorf("%+v, %v", same, err)
	}
	for i, already := range []bool{false, true} {
		got, err := c.AnswerApproval(ctx, id, list[0].ID, jsm.Approved)
		if err != nil || got.Already != already || got.Approval.Decision != jsm.Approved {
			t.Errorf("%d: %+v, %v", i, got, err)
		}
	}
	if got, err := c.Ticket(ctx, id); err != nil || got.Status.Name != "Working" {
		t.Errorf("%+v, %v", got.Status, err)
	}
}

func TestClocksRatingsAndQueuesInTheSimulator(t *testing.T) {
	tenant, c, s, id := full(t)
	ctx := t.Context()
	list, err := c.SLAs(ctx, id)
	if err != nil || len(list) != 1 || list[0].Running == nil || list[0].Running.Goal != 4*time.Hour || list[0].Running.Breach.IsZero() || len(list[0].Done) != 0 {
		t.Fatalf("%+v, %v", list, err)
	}
	clock, err := s.Field("Resolve in time")
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := c.Ticket(ctx, id)
	if err != nil || clock.Type != jsm.SLAType {
		t.Fatal(clock, err)
	}
	if v, err := ticket.Value(clock); err != nil {
		t.Error(err)
	} else if same, err := jsm.DecodeSLA(v.(jsm.Raw)); err != nil || !reflect.DeepEqual(same, list[0]) {
		t.Errorf("%+v, %v", same, err)
	}
	if err := c.TransitionTo(ctx, id, jsm.Target{Status: "Resolved", Resolution: "Fixed"}); err != nil {
		t.Fatal(err)
	}
	if list, err := c.SLAs(ctx, id); err != nil || list[0].Running != nil || len(list[0].Done) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, ok, err := c.Satisfaction(ctx, id); ok || err != nil {
		t.Error(ok, err)
	}
	key, err := tenant.As("cara@west.example").CreateRequest("Report a problem", map[string]any{"summary": "mine", "Impact": "Low"})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := c.Ticket(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.TransitionTo(ctx, theirs.ID, jsm.Target{Status: "Resolved", Resolution: "Fixed"}); err != nil {
		t.Fatal(err)
	}
	if err := tenant.As("cara@west.example").Rate(key, 4, "quick"); err != nil {
		t.Fatal(err)
	}
	if r, ok, err := c.Satisfaction(ctx, theirs.ID); err != nil || !ok || r != (jsm.Rating{Stars: 4, Text: "quick"}) {
		t.Errorf("%+v %v, %v", r, ok, err)
	}
	rating, _ := s.Field("Satisfaction")
	if theirs, err = c.Ticket(ctx, key); err != nil {
		t.Fatal(err)
	}
	if v, err := theirs.Value(rating); err != nil || rating.Type != jsm.FeedbackType {
		t.Error(rating, err)
	} else if r, err := jsm.DecodeRating(v.(jsm.Raw)); err != nil || r.Stars != 4 {
		t.Errorf("%+v, %v", r, err)
	}
	queues, err := c.Queues(ctx, s.Desk)
	if err != nil || len(queues) != 2 {
		t.Fatalf("%+v, %v", queues, err)
	}
	fresh := newTicket(t, c, s)
	for i, want := range []bool{true, false} {
		if got, err := c.QueueHolds(ctx, s.Desk, queues[i], fresh); got != want || err != nil {
			t.Errorf("%s: %v, %v", queues[i].Name, got, err)
		}
	}
}

func TestThoseBesideARequestInTheSimulator(t *testing.T) {
	_, c, s, id := full(t)
	ctx := t.Context()
	ann, _, err := c.FindPerson(ctx, "ann@west.example")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // nobody comes twice
		if err := c.AddParticipants(ctx, id, []string{ann.AccountID}); err != nil {
			t.Error(err)
		}
		if err := c.AddWatcher(ctx, id, ann.AccountID); err != nil {
			t.Error(err)
		}
	}
	if list, err := c.Participants(ctx, id); err != nil || len(list) != 1 || list[0].AccountID != ann.AccountID {
		t.Errorf("%+v, %v", list, err)
	}
	has := func() bool {
		list, err := c.Watchers(ctx, id)
		if err != nil {
			t.Error(err)
		}
		n := 0
		for _, p := range list {
			if p.AccountID == ann.AccountID {
				n++
			}
		}
		return n == 1
	}
	if !has() {
		t.Error("Ann watches")
	}
	for range 2 {
		if err := c.RemoveParticipants(ctx, id, []string{ann.AccountID}); err != nil {
			t.Error(err)
		}
		if err := c.RemoveWatcher(ctx, id, ann.AccountID); err != nil {
			t.Error(err)
		}
	}
	if list, err := c.Participants(ctx, id); err != nil || len(list) != 0 || has() {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := c.Articles(ctx, s.Desk, "vpn"); err != nil || len(list) == 0 || !strings.Contains(list[0].Title, "VPN") {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := c.Versions(ctx, "DESK"); err != nil || len(list) != 1 || list[0].Value != "1.0" {
		t.Errorf("%+v, %v", list, err)
	}
}
