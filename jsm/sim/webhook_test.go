package sim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSignature holds the signature to the example in Atlassian's page on webhooks.
func TestSignature(t *testing.T) {
	got := signature("It's a Secret to Everybody", []byte("Hello World!"))
	if want := "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// hookReceiver answers deliveries as a test says and keeps them.
type hookReceiver struct {
	answer func(n int) int
	got    []received
}

type received struct {
	header http.Header
	body   bean
	raw    []byte
}

func (h *hookReceiver) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var body bean
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	h.got = append(h.got, received{r.Header, body, raw})
	status := 200
	if h.answer != nil {
		status = h.answer(len(h.got))
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	rec := httptest.NewRecorder()
	rec.WriteHeader(status)
	return rec.Result(), nil
}

// hooked runs story against a tenant with one webhook, in virtual time, and waits until all is quiet.
func hooked(t *testing.T, w Webhook, h *hookReceiver, story func(t *testing.T, tenant *Tenant, agent scripted)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tenant := MustNew(Config{Name: "north"})
		tenant.SetWebhookTransport(h)
		if w.URL == "" {
			w.URL = "https://node.example/hook"
		}
		if _, err := tenant.AddWebhook(w); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- tenant.Run(ctx) }()
		who, _ := tenant.Account(Agent)
		story(t, tenant, scripted{t: t, base: tenant.URL(), account: who, rt: inProcess{tenant}})
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

var allEvents = []string{"jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted",
	"issue_property_set", "worklog_created", "issuelink_created"}

func newIssue(a scripted, project string) string {
	a.t.Helper()
	types := a.get("/rest/api/3/issue/createmeta/" + project + "/issuetypes")
	return textAt(a.post("/rest/api/3/issue", bean{"fields": bean{"project": bean{"key": project}, "summary": "Hooked",
		"issuetype": bean{"id": textAt(listAt(types, "issueTypes")[0], "id")}}}), "key")
}

func TestWebhookStory(t *testing.T) {
	h := &hookReceiver{}
	hooked(t, Webhook{Events: allEvents, Secret: "shh"}, h, func(t *testing.T, tenant *Tenant, agent scripted) {
		key := newIssue(agent, tenant.Project())
		agent.do("PUT", "/rest/api/3/issue/"+key, bean{"fields": bean{"summary": "Hooked again", "description": wikiDoc("some *bold* text")}}, 204)
		agent.post("/rest/api/3/issue/"+key+"/comment", bean{"body": wikiDoc("a _note_"),
			"properties": []bean{{"key": publicProperty, "value": bean{"internal": true}}}})
		synctest.Wait()
		events := map[string]received{}
		for _, r := range h.got {
			if want := signature("shh", r.raw); r.header.Get("X-Hub-Signature") != want {
				t.Errorf("signature %q, want %q", r.header.Get("X-Hub-Signature"), want)
			}
			if r.header.Get("X-Atlassian-Webhook-Identifier") == "" || r.header.Get("X-Atlassian-Webhook-Flow") != "Primary" {
				t.Errorf("headers %v", r.header)
			}
			if strings.Contains(string(r.raw), "/rest/api/3/") || strings.Contains(string(r.raw), "emailAddress") || strings.Contains(string(r.raw), `"type":"doc"`) {
				t.Errorf("a body with links of v3, an e-mail or a document: %s", r.raw)
			}
			if kind := textAt(r.body, "webhookEvent"); events[kind].body == nil {
				events[kind] = r
			}
		}
		updated := events["jira:issue_updated"].body
		if got := textAt(updated, "issue", "fields", "description"); got != "some *bold* text" {
			t.Errorf("description is %q", got)
		}
		items := listAt(updated, "changelog", "items")
		if len(items) == 0 || textAt(items[0], "fieldId") == "" {
			t.Errorf("changelog %v", dig(updated, "changelog"))
		}
		note := events["comment_created"].body
		if textAt(note, "comment", "body") != "a _note_" || dig(note, "comment", "jsdPublic") != false || textAt(note, "issue", "key") != key {
			t.Errorf("comment event %v", note)
		}
		if _, has := note["user"]; has {
			t.Error("comment events have no user on Cloud")
		}
	})
}

func TestWebhookRetries(t *testing.T) {
	for _, c := range []struct {
		name     string
		status   int
		attempts int
	}{{"refused for good", 400, 1}, {"gone", 410, 1}, {"busy", 503, 6}, {"too many", 429, 6}, {"no answer", 0, 6}} {
		t.Run(c.name, func(t *testing.T) {
			h := &hookReceiver{answer: func(int) int { return c.status }}
			hooked(t, Webhook{Events: []string{"jira:issue_created"}}, h, func(t *testing.T, tenant *Tenant, agent scripted) {
				newIssue(agent, tenant.Project())
				var last time.Time
				<-time.After(2 * time.Hour)
				synctest.Wait()
				// After half an hour of failures delivery gives up, so six attempts need not all happen.
				if n := len(h.got); n > c.attempts || n < min(c.attempts, 3) {
					t.Errorf("%d attempts", n)
				}
				for i, d := range tenant.Deliveries() {
					if d.Attempt != i || d.Identifier != tenant.Deliveries()[0].Identifier || h.got[i].header.Get("X-Atlassian-Webhook-Identifier") != d.Identifier {
						t.Errorf("attempt %d: %+v", i, d)
					}
					if i > 0 && (d.At.Sub(last) < 5*time.Minute || d.At.Sub(last) > 15*time.Minute || h.got[i].header.Get("X-Atlassian-Webhook-Retry") == "") {
						t.Errorf("attempt %d came after %v, headers %v", i, d.At.Sub(last), h.got[i].header)
					}
					last = d.At
				}
			})
		})
	}
}

func TestWebhookRecovers(t *testing.T) {
	h := &hookReceiver{answer: func(n int) int {
		if n < 3 {
			return 502
		}
		return 200
	}}
	hooked(t, Webhook{Events: []string{"jira:issue_created"}}, h, func(t *testing.T, tenant *Tenant, agent scripted) {
		newIssue(agent, tenant.Project())
		<-time.After(time.Hour)
		synctest.Wait()
		if len(h.got) != 3 || string(h.got[0].raw) != string(h.got[2].raw) {
			t.Errorf("%d deliveries", len(h.got))
		}
	})
}

func TestWebhookFilterAndDelete(t *testing.T) {
	h := &hookReceiver{}
	hooked(t, Webhook{Events: allEvents, JQL: `labels = vpn`}, h, func(t *testing.T, tenant *Tenant, agent scripted) {
		key := newIssue(agent, tenant.Project())
		agent.do("PUT", "/rest/api/3/issue/"+key, bean{"fields": bean{"labels": []string{"vpn"}}}, 204)
		agent.post("/rest/api/3/issue/"+key+"/comment", bean{"body": wikiDoc("x")})
		admin := agent
		admin.account, _ = tenant.Account(Admin)
		admin.do("DELETE", "/rest/api/3/issue/"+key, nil, 204)
		synctest.Wait()
		flows := map[string]string{}
		for _, r := range h.got {
			flows[textAt(r.body, "webhookEvent")] = r.header.Get("X-Atlassian-Webhook-Flow")
		}
		if flows["jira:issue_created"] != "" || flows["jira:issue_updated"] != "Primary" || flows["jira:issue_deleted"] != "Primary" || flows["comment_deleted"] != "Secondary" {
			t.Errorf("flows %v", flows)
		}
	})
}

// TestWebhookFaults lets every fault strike, and the same seed strike the same.
func TestWebhookFaults(t *testing.T) {
	run := func(t *testing.T, f WebhookFaults) (bodies []string, record []Delivery) {
		h := &hookReceiver{}
		hooked(t, Webhook{Events: allEvents}, h, func(t *testing.T, tenant *Tenant, agent scripted) {
			tenant.SetWebhookFaults(f)
			for range 20 {
				key := newIssue(agent, tenant.Project())
				agent.post("/rest/api/3/issue/"+key+"/comment", bean{"body": wikiDoc("x")})
				<-time.After(100 * time.Millisecond)
			}
			<-time.After(time.Minute)
			synctest.Wait()
			record = tenant.Deliveries()
		})
		for _, r := range h.got {
			bodies = append(bodies, string(r.raw))
		}
		return bodies, record
	}
	quiet, _ := run(t, WebhookFaults{})
	lost, record := run(t, WebhookFaults{Lose: 0.5, Seed: 7})
	// A comment is told twice: as comment_created and as an update of its issue.
	const all = 60
	if len(quiet) != all || len(lost) >= all-10 || len(lost) <= 10 || len(record) != all {
		t.Errorf("%d without faults, %d with half lost, %d recorded", len(quiet), len(lost), len(record))
	}
	again, _ := run(t, WebhookFaults{Lose: 0.5, Seed: 7})
	if len(again) != len(lost) {
		t.Errorf("the same seed lost %d and %d", all-len(lost), all-len(again))
	}
	twice, record := run(t, WebhookFaults{Duplicate: 1})
	if len(twice) != 2*all || record[0].Identifier != record[1].Identifier || record[0].Identifier == record[2].Identifier {
		t.Errorf("%d with all of them doubled", len(twice))
	}
	mixed, _ := run(t, WebhookFaults{Reorder: 1, NoPublic: true, Seed: 3})
	last, back := 0.0, false
	for _, b := range mixed {
		var body struct{ Timestamp float64 }
		if json.Unmarshal([]byte(b), &body) != nil || strings.Contains(b, "jsdPublic") {
			t.Errorf("body %.300s", b)
		}
		back = back || body.Timestamp < last
		last = body.Timestamp
	}
	if !back {
		t.Error("nothing came out of order")
	}
}

func TestWebhookRegistration(t *testing.T) {
	tenant := MustNew(Config{Name: "north"})
	admin := scripted{t: t, base: tenant.URL(), rt: inProcess{tenant}}
	agent := admin
	admin.account, _ = tenant.Account(Admin)
	agent.account, _ = tenant.Account(Agent)
	body := bean{"name": "parley", "url": "https://node.example/hook", "events": []string{"jira:issue_updated"},
		"filters": bean{issueSection: "project = " + tenant.Project()}, "secret": "shh"}
	agent.do("POST", "/rest/webhooks/1.0/webhook", body, 403)
	made := admin.do("POST", "/rest/webhooks/1.0/webhook", body, 201)
	if made["isSigned"] != true || strings.Contains(textAt(made, "self"), "shh") || made["secret"] != nil {
		t.Errorf("registered as %v", made)
	}
	body["url"] = "ftp://node.example"
	admin.do("POST", "/rest/webhooks/1.0/webhook", body, 400)
	body["url"], body["filters"] = "https://node.example", bean{issueSection: "nonsense ="}
	admin.do("POST", "/rest/webhooks/1.0/webhook", body, 400)
	if n := len(listAt(admin.get("/rest/webhooks/1.0/webhook"), "values")); n != 1 {
		t.Errorf("%d webhooks", n)
	}
	admin.do("DELETE", "/rest/webhooks/1.0/webhook/1", nil, 204)
	admin.do("GET", "/rest/webhooks/1.0/webhook/1", nil, 404)
	agent.do("POST", "/rest/api/3/webhook", bean{"url": "https://node.example", "webhooks": []bean{}}, 403)
}
