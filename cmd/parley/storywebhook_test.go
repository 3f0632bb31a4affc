package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"parley/jsm/sim"
)

func init() {
	storyCommands["sends"] = sendsCommand         // sends TENANT URL SECRET: the admin makes a webhook
	storyCommands["automates"] = automatesCommand // automates TENANT URL HEADER VALUE BODY: a project's rule sends web requests
	storyCommands["label"] = labelCommand         // label TENANT KEY LABEL: an agent labels a ticket
}

var storyEvents = []string{"jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated", "comment_deleted"}

// delivering are the tenants that send their webhooks.
var delivering sync.Map

// deliver has a tenant send its webhooks until the story ends.
func deliver(ts *testscript.TestScript, t storyTenant) {
	if _, twice := delivering.LoadOrStore(t.Tenant, true); twice {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- t.Run(ctx) }()
	ts.Defer(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			ts.Logf("delivering webhooks: %v", err)
		}
		delivering.Delete(t.Tenant)
	})
}

func sendsCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 3, "sends TENANT URL SECRET")
	t := stageOf(ts).tenants[args[0]]
	t.call(ts, sim.Admin, http.MethodPost, "/rest/webhooks/1.0/webhook", map[string]any{"name": "parley", "url": args[1], "events": storyEvents, "secret": args[2]})
	deliver(ts, t)
}

func automatesCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 5, "automates TENANT URL HEADER VALUE BODY")
	t := stageOf(ts).tenants[args[0]]
	_, err := t.AddWebhook(sim.Webhook{URL: args[1], Events: storyEvents[:2], Automation: true, Header: map[string]string{args[2]: args[3]}, Body: strings.ReplaceAll(args[4], `\"`, `"`)})
	ts.Check(err)
	deliver(ts, t)
}

func labelCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 3, "label TENANT KEY LABEL")
	change := map[string]any{"update": map[string]any{"labels": []any{map[string]any{"add": args[2]}}}}
	stageOf(ts).tenants[args[0]].ask(ts, sim.Human, http.MethodPut, "/rest/api/3/issue/"+args[1], change)
}
