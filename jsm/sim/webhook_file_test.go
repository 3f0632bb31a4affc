package sim

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestAttachmentEvents: an attachment's own events tell no issue; the issue's own event tells the change.
func TestAttachmentEvents(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	if _, err := s.tn.AddWebhook(Webhook{Name: "all", URL: "https://hook.example/x", Events: []string{"attachment_created", "attachment_deleted", "jira:issue_updated"}}); err != nil {
		t.Fatal(err)
	}
	key := s.raised("one")
	agent := s.tn.As("agent@north.example")
	id, err := agent.Attach(key, "a.txt", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Detach(id); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.Attach(key, "b.txt", strings.NewReader("y")); err != nil {
		t.Fatal(err)
	}
	if err := s.tn.As("admin@north.example").Delete(key); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, d := range s.tn.hooks.waiting {
		var b bean
		if err := json.Unmarshal(s.tn.hookBody(d.event), &b); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, textAt(b, "webhookEvent"))
		if _, names := b["issue"]; names == strings.HasPrefix(d.event.Kind, "attachment") {
			t.Errorf("%s: %v", d.event.Kind, b)
		}
		if strings.HasPrefix(d.event.Kind, "attachment") && (textAt(b, "attachment", "filename") == "" || !strings.Contains(textAt(b, "attachment", "self"), "/rest/api/2/")) {
			t.Errorf("%v", b)
		}
	}
	want := "attachment_created jira:issue_updated attachment_deleted jira:issue_updated attachment_created jira:issue_updated attachment_deleted"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("events\n%s, wanted\n%s", got, want)
	}
	if last := s.tn.hooks.waiting[len(s.tn.hooks.waiting)-1].event; !last.Cascade {
		t.Error("an attachment that went with its issue is told as somebody's deed")
	}
}

// TestDeedsOfPeople: what a person does by name, and how the ticket reads afterwards.
func TestDeedsOfPeople(t *testing.T) {
	s := newSite(t, Config{NoLimits: true})
	agent := s.tn.As("agent@north.example")
	key, other := s.raised("one"), s.raised("two")
	part, err := agent.Part(key, "a part")
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"watch":   agent.Watch(key, "human@north.example"),
		"share":   agent.Share(key, "customer@north.example", "approver@north.example"),
		"unshare": agent.Unshare(key, "approver@north.example"),
		"web":     agent.WebLink(key, "https://example.com/x", "X"),
		"link":    agent.Link(key, "Blocks", other),
		"log":     agent.Log(key, 600, "looked"),
		"portal":  func() error { _, err := agent.AttachBy(key, "p.png", strings.NewReader("x"), "see", true); return err }(),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	x, _ := s.tn.Issue(key)
	if len(x.Watchers) != 1 || len(x.Participants) != 1 || len(x.Parts) != 1 || x.Parts[0] != part || x.WebLinks[0] != "https://example.com/x" ||
		x.Links[0] != other || x.Work[0].Seconds != 600 || x.Work[0].Text != "looked" || !x.Files[0].Portal || x.Comments[0].Text == "" {
		t.Errorf("%+v", x)
	}
	if err := agent.Unlink(key, other); err != nil {
		t.Error(err)
	}
	if agent.Unlink(key, other) == nil || agent.Unwatch(key, "human@north.example") != nil || agent.Watch(key, "nobody@north.example") == nil {
		t.Error("a deed tells the wrong outcome")
	}
	human, _ := s.tn.Account(Human)
	if !s.tn.SetActive("human@north.example", false) || s.tn.SetActive("nobody", false) {
		t.Error("deactivating")
	}
	if err := agent.SetField(key, "assignee", "human@north.example"); err == nil {
		t.Error("a deactivated account can be assigned")
	}
	scripted{t: t, base: s.tn.URL(), account: human, rt: s.http.Transport}.do("GET", "/rest/api/3/myself", nil, 401)
}
