package sim

import (
	"testing"
	"testing/synctest"
)

// TestAutomation: an automation rule sends its own words under its own header,
// and neither signs nor names its deliveries.
func TestAutomation(t *testing.T) {
	h := &hookReceiver{}
	rule := Webhook{Events: []string{"jira:issue_created"}, Automation: true, Header: map[string]string{"X-Word": "w"}, Body: `{"issue":{"id":"{{issue.id}}","key":"{{issue.key}}"}}`}
	hooked(t, rule, h, func(t *testing.T, tenant *Tenant, agent scripted) {
		key := newIssue(agent, tenant.Project())
		synctest.Wait()
		if len(h.got) != 1 {
			t.Fatalf("%d deliveries", len(h.got))
		}
		got := h.got[0]
		id := textAt(agent.get("/rest/api/3/issue/"+key), "id")
		if want := `{"issue":{"id":"` + id + `","key":"` + key + `"}}`; string(got.raw) != want {
			t.Errorf("%s, want %s", got.raw, want)
		}
		if got.header.Get("X-Word") != "w" || got.header.Get("X-Hub-Signature") != "" || got.header.Get("X-Atlassian-Webhook-Identifier") != "" {
			t.Errorf("headers %v", got.header)
		}
	})
}

// TestCommentWithoutIssue: as on Data Center, the issue shows in the comment's link only.
func TestCommentWithoutIssue(t *testing.T) {
	h := &hookReceiver{}
	hooked(t, Webhook{Events: []string{"comment_created"}}, h, func(t *testing.T, tenant *Tenant, agent scripted) {
		tenant.SetWebhookFaults(WebhookFaults{NoIssue: true})
		key := newIssue(agent, tenant.Project())
		agent.post("/rest/api/3/issue/"+key+"/comment", bean{"body": wikiDoc("a note")})
		synctest.Wait()
		if len(h.got) != 1 {
			t.Fatalf("%d deliveries", len(h.got))
		}
		if _, there := h.got[0].body["issue"]; there {
			t.Error("the issue is there")
		}
		id := textAt(agent.get("/rest/api/3/issue/"+key), "id")
		comment := textAt(h.got[0].body, "comment", "self")
		if want := tenant.URL() + "/rest/api/2/issue/" + id + "/comment/" + textAt(h.got[0].body, "comment", "id"); comment != want {
			t.Errorf("%s, want %s", comment, want)
		}
	})
}
