package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

const notifyToml = `In parley.toml:

  [notify]                              # what all channels go by, and each may say for itself:
  floor = "warning"                     # info, warning, urgent: what is less severe is not told
  digest = "10m"                        # news gathers this long; what is urgent does not wait
  zone = "Europe/Berlin"                # quiet times go by the clock there; else by this machine's
  quiet = ["22:00-07:00"]
  quiet_days = ["sat", "sun"]
  urgent_passes = true                  # quiet times let through what is urgent
  tenant_down = "1m"                    # the tenant fails this long before anybody is told
  peer_down = "15m"                     # likewise a partner

  [notify.channel.chat]
  kind = "webhook"
  url = "https://hooks.acme.example/x"  # or url_env, url_file, url_command where it is a secret
  shape = "json"                        # json (with a "text"), slack, teams
  secret_env = "HOOK_SECRET"            # signs: Parley-Signature: t=UNIX,v1=HMAC-SHA256("UNIX.BODY")

  [notify.channel.mail]
  kind = "mail"
  server = "smtp.acme.example:587"
  tls = "starttls"                      # starttls, implicit (port 465); none: on this machine only
  from = "parley@acme.example"
  to = ["desk@acme.example"]
  user = "parley"                       # with password_env, password_file or password_command

  [notify.channel.desk]
  kind = "ticket"                       # one open ticket for each trouble, later news as internal comments
  project = "IT"
  request_type = "Report a problem"`

func newNotify(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:   "notify",
		Short: "who is told of trouble, and whether it works",
		Long: `Tells people what ails the node: the tenant stopped or ails, a partner is down,
a connection stands still or is paused by its limits, work is held, the disk is
nearly full, a certificate or token ends; and when that is over. Each trouble is
told once. A notice names tickets by key and gives reasons; it holds no ticket's
text, no person and no token.

` + notifyToml,
		Example: "  parley notify test chat\n  parley notify list",
	}, notifyTest(w), notifyList(w))
}

func notifyTest(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "test [CHANNEL]",
		Short: "send a test now",
		Long: `Sends a test by one channel, or by all, whatever their floors and quiet times.
Exit status 1 where one could not be sent. Channel "ticket" opens a ticket; a
second test is a comment there while it is open.

JSON: [{"channel":"…","kind":"webhook|mail|ticket","ok":true,"reason":"…"}]`,
		Example: "  parley notify test",
		Args:    takes(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			var q node.NoticeQuestion
			if len(args) > 0 {
				q.Channel = args[0]
			}
			all, err := node.NoticeTest.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			if w.json {
				err = writeJSON(c.OutOrStdout(), all)
			}
			for _, t := range all {
				if !t.OK {
					err = errTold
				}
				if w.json {
					continue
				}
				if t.OK {
					fmt.Fprintf(c.OutOrStdout(), "ok    %s (%s)\n", clean(t.Channel), t.Kind)
				} else {
					fmt.Fprintf(c.OutOrStdout(), "FAIL  %s (%s): %s\n", clean(t.Channel), t.Kind, clean(t.Reason))
				}
			}
			return err
		},
	}
}

func notifyList(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the channels and how they do",
		Long: `Lists the channels. What waits, and why a delivery fails, is known while the
node runs.

JSON: [{"channel":"…","kind":"webhook|mail|ticket","floor":"…","waiting":n,"quiet":false,"told":n,"sent":"…","fault":"…","next":"…"}]`,
		Example: "  parley notify list --json",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.NoticeList.Ask(c.Context(), dir, node.Nothing{})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			var rows [][]string
			for _, s := range all {
				rows = append(rows, []string{s.Channel, s.Kind, string(s.Floor), strconv.Itoa(s.Told), strconv.Itoa(s.Waiting), when(s.Sent), s.Fault, when(s.Next)})
			}
			return table(c.OutOrStdout(), `there are no channels: "parley notify --help" shows how to make one`,
				[]string{"CHANNEL", "KIND", "FLOOR", "STANDING", "WAITING", "LAST SENT", "FAULT", "NEXT TRY"}, rows)
		},
	}
}

func when(t *time.Time) string {
	if t == nil {
		return ""
	}
	return stamp(*t)
}
