package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

func newWebhook(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:   "webhook",
		Short: "where Jira sends its webhooks",
		Long: `Webhooks make changes known within a second, and let the node ask Jira less.
They are never relied on alone: what they miss, polling finds.

To have them, add to parley.toml:
  [webhook]
  listen = "127.0.0.1:7845"               # with tls_cert and tls_key, or behind_proxy = true
  url    = "https://parley.acme.example"  # how Jira reaches it
and start the node again.`,
		Example: "  parley webhook show --home acme",
	}, newWebhookShow(w), newWebhookRotate(w))
}

const webhookJSON = `JSON: {"url":"…","events":["…"],"jql":"…","header":"…","body":"…","source":"…","secret":"…","word":"…",
 "old_secret_until":"…","unsigned":false,"requests":{"taken":n,"doubled":n,"refused":n,"busy":n,"old_secret":n,"last":"…"},"warning":"…"}`

func newWebhookShow(w *words) *cobra.Command {
	var secret bool
	c := &cobra.Command{
		Use:   "show",
		Short: "what to enter in Jira",
		Long: `Shows the address, and what to enter in Jira: as an admin's webhook, or in an
automation rule. The secret is shown only with --secret; keep the address to
yourself too.

` + webhookJSON,
		Example: "  parley webhook show --home acme --secret",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			hook, err := node.WebhookOf.Ask(c.Context(), dir, node.WebhookQuestion{Secret: secret})
			if err != nil {
				return err
			}
			return printWebhook(c.OutOrStdout(), hook, w.json)
		},
	}
	c.Flags().BoolVar(&secret, "secret", false, "show the secret too")
	return c
}

func newWebhookRotate(w *words) *cobra.Command {
	q := node.RotateQuestion{Keep: 7 * 24 * time.Hour}
	c := &cobra.Command{
		Use:   "rotate",
		Short: "make a new secret",
		Long: `Makes a new secret and shows it. The one before stays valid for a while, so that
nothing is lost until Jira has been told; --finish ends it at once. A running
node takes the change up by itself.

` + webhookJSON,
		Example: "  parley webhook rotate --home acme\n  parley webhook rotate --home acme --finish",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			hook, err := node.RotateWebhook.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			return printWebhook(c.OutOrStdout(), hook, w.json)
		},
	}
	c.Flags().DurationVar(&q.Keep, "keep", q.Keep, "how long the secret before stays valid")
	c.Flags().BoolVar(&q.Finish, "finish", false, "make no new secret; end the one before now")
	return c
}

func printWebhook(to io.Writer, h node.Webhook, asJSON bool) error {
	if asJSON {
		return writeJSON(to, h)
	}
	secret, word := "in "+h.Source+" (or: parley webhook show --secret)", "shown by: parley webhook show --secret"
	if h.Secret != "" {
		secret, word = h.Secret, h.Word
	}
	fmt.Fprintln(to, "In Jira, as an admin: System > WebHooks > Create a WebHook")
	rows := [][2]string{{"  URL", h.URL}, {"  Secret", secret}}
	if h.JQL != "" {
		rows = append(rows, [2]string{"  Issue related events", h.JQL})
	}
	events := make([]string, len(h.Events))
	for i, e := range h.Events {
		events[i] = strings.ReplaceAll(strings.TrimPrefix(e, "jira:"), "_", " ")
	}
	rows = append(rows, [2]string{"  Events", strings.Join(events, ", ")})
	if err := facts(to, rows...); err != nil {
		return err
	}
	fmt.Fprintln(to, "\nOr in a project's automation rule: Send web request, method POST, custom data")
	if err := facts(to, [2]string{"  URL", h.URL}, [2]string{"  Header", h.Header + ", hidden"}, [2]string{"  Its value", word}, [2]string{"  Custom data", h.Body}); err != nil {
		return err
	}
	fmt.Fprintln(to)
	if h.OldUntil != nil {
		until := "until the node is told otherwise"
		if !h.OldUntil.IsZero() {
			until = "until " + h.OldUntil.Local().Format("2006-01-02 15:04") + `, or "parley webhook rotate --finish"`
		}
		fmt.Fprintln(to, "The secret before is valid too,", until)
	}
	switch t := h.Tally; {
	case t == nil:
		fmt.Fprintln(to, "The node does not run.")
	case t.Last.IsZero():
		fmt.Fprintf(to, "Nothing has come yet since the node started; %d refused.\n", t.Refused)
	default:
		fmt.Fprintf(to, "%d have come since the node started, the last at %s; %d were doubled, %d refused, %d asked to come again, %d bore the secret before.\n",
			t.Taken, t.Last.Local().Format("2006-01-02 15:04:05"), t.Doubled, t.Refused, t.Busy, t.OldSecret)
	}
	if h.Unsigned {
		fmt.Fprintln(to, "Requests without a proof are taken too (unsigned = true).")
	}
	if h.Warning != "" {
		fmt.Fprintln(to, "warning:", clean(h.Warning))
	}
	return nil
}
