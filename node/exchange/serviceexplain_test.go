package exchange_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/node/exchange"
)

// explained are what a side says of its ticket, those of the service desk's own and the links: "portal crossed", with the
// field that it lands in, and why it did not cross.
func (c *company) explained(key string) (out, in []string) {
	all, err := c.desk.Report(context.Background(), "link", key, false)
	c.w.must(err)
	if len(all) != 1 {
		c.w.t.Fatalf("%d reports of %s", len(all), key)
	}
	rows := func(list []exchange.ItemReport) (rows []string) {
		for _, r := range list {
			kind, _, _ := strings.Cut(r.Path, "/")
			if !slices.Contains([]string{"approval", "sla", "portal", "satisfaction", "knowledge", "web_link"}, kind) {
				continue
			}
			row := kind + " " + string(r.Became)
			if r.Became == exchange.Mapped {
				row += " " + r.Field
			}
			if why, _, _ := strings.Cut(r.Why, ":"); r.Became != exchange.Mapped && why != "" {
				row += ": " + why
			}
			if typed := r.From + r.To; strings.Contains(typed, "quick") || strings.Contains(typed, "wiki") {
				c.w.t.Errorf("%s shows %q, which a person typed", r.Path, typed)
			}
			rows = append(rows, row)
		}
		return rows
	}
	return rows(all[0].Out), rows(all[0].In)
}

// TestEachServiceItemIsExplained: each says where it landed, or why it did not, and what Jira tells nobody of says so.
func TestEachServiceItemIsExplained(t *testing.T) {
	landing := with(strings.Replace(vendor, `share = "name"`, "share = \"name\"\nmatch = \"email\"", 1), "", `
[incoming.portal]
as = "web_link"
[incoming.satisfaction]
fields = { stars = "field:Number of users", text = "field:History notes" }
[incoming.knowledge]
as = "note"
[incoming.approvals]
as = "answer"
[incoming.sla]
fields = { "Time to resolution" = "field:Due for partner" }
`)
	tune(t, func(cfg *exchange.Config) { cfg.Sweep = 24 * time.Hour }) // what a ticket's answer leaves out is remembered
	inWorld(t, with(customer, `"portal", "satisfaction", "knowledge", "approvals", "sla"`, ""), landing, func(w *world) {
		key, twin := w.shared("A new laptop")
		w.north.stepped(key, "Waiting for approval", "approver@north.example")
		w.must(w.north.tenant.As("approver@north.example").Answer(key, true))
		agent := w.north.tenant.As(w.north.agent.Email)
		w.must(agent.SetField(key, "reporter", "customer@north.example"))
		w.must(agent.Transition(key, "Resolved", map[string]any{"resolution": "Done"}))
		w.quiet()
		w.must(w.north.tenant.As("customer@north.example").Rate(key, 4, "quick and kind"))
		w.north.do(w.north.agent, "POST", "/rest/api/3/issue/"+key+"/remotelink", map[string]any{
			"application": map[string]any{"type": "com.atlassian.confluence", "name": "Knowledge"},
			"object":      map[string]any{"url": "https://north.example/wiki/1", "title": "The wiki's page"}})
		out, _ := w.north.explained(key)
		same(t, "out, before anybody noticed", out, []string{"approval held: south holds it", "knowledge waiting: Jira tells nobody of it",
			"portal crossed", "satisfaction waiting: Jira tells nobody of it", "sla crossed", "sla crossed"})

		_, err := w.north.desk.Sync(context.Background(), "link", []string{key}) // as the report says
		w.must(err)
		w.quiet()
		out, _ = w.north.explained(key)
		same(t, "out", out, []string{"approval held: south holds it", "knowledge crossed", "portal crossed", "satisfaction crossed", "sla crossed", "sla crossed"})
		_, in := w.south.explained(twin)
		same(t, "in", in, []string{"approval held: Manager approval at north is approved, and no approval here waits for parley's account.",
			"knowledge crossed", "portal crossed", "satisfaction mapped Number of users", "satisfaction mapped History notes",
			"sla unused: fields do not name it", "sla mapped Due for partner"})
		out, _ = w.south.explained(twin)
		same(t, "out of the south", out, []string{"portal unsent: no rule names it"})
	})
}
