package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

const watchEvery = time.Second

func newStatus(w *words) *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use:   "status",
		Short: "how the node and its connections do",
		Long: `Shows connections, links, held work and lag. With --watch it shows them again
every second until Ctrl-C (with --json: one document a line).

The budget is what Jira charges for calls this hour, in points, where a limit is
known: by points_per_hour under [budget] in parley.toml, or by Jira's answers. Low
means that what nobody waits for is put off, spent that everything is; both end
by themselves. Within limits, people's changes go first and connections take turns.

JSON: {"node":"…","name":"…","running":true,
 "tenant":{"url":"…","state":"up|down|paused|unknown","trouble":"…","kind":"token|limit|gateway|…","next":"…","since":"…","again":"…","calls":n,"points":n},
 "budget":{"state":"enough|low|spent","limit":n,"source":"configured|learned|none","used":n,"left":n,"kept_for_people":n,"resets":"…","connections":{"…":n}},
 "webhooks":{"taken":n,"refused":n,"old_secret":n,"last":"…"},
 "connections":[{"name":"…","peer":"…","state":"up|down|paused","links":n,"held":n,"outbox":n,"oldest_unacked_seconds":x,
  "files":n,"file_bytes":n,"file_total":n,"trouble":"…",…}],
 "peers":[…],"warnings":["…"]}`,
		Example: "  parley status --home acme --watch",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			for {
				s, err := node.StatusOf.Ask(c.Context(), dir, node.Nothing{})
				if err != nil {
					if c.Context().Err() != nil && watch {
						return nil
					}
					return err
				}
				if watch && !w.json {
					fmt.Fprint(c.OutOrStdout(), "\x1b[2J\x1b[H") // clear the screen, go to its top (ECMA-48)
				}
				if err := printStatus(c.OutOrStdout(), s, w.json); err != nil || !watch {
					return err
				}
				timer := time.NewTimer(watchEvery)
				select {
				case <-timer.C:
				case <-c.Context().Done():
					timer.Stop()
					return nil
				}
			}
		},
	}
	c.Flags().BoolVar(&watch, "watch", false, "show it again every second until Ctrl-C")
	return c
}

func printStatus(to io.Writer, s node.Status, asJSON bool) error {
	if asJSON {
		return writeJSON(to, s)
	}
	running := "runs"
	if !s.Running {
		running = "does not run"
	}
	err := facts(to,
		[2]string{"node", s.Name + ", which " + running},
		[2]string{"id", s.Node},
		[2]string{"tenant", s.Tenant.URL + ", " + s.Tenant.State},
		[2]string{"", s.Tenant.Trouble},
		[2]string{"", s.Tenant.Next},
		[2]string{"calls", fmt.Sprintf("%d to the tenant, %d points", s.Tenant.Calls, s.Tenant.Points)},
		[2]string{"budget", budgetText(s.Budget)},
	)
	if err != nil {
		return err
	}
	for _, warning := range s.Warnings {
		fmt.Fprintln(to, "warning:", clean(warning))
	}
	fmt.Fprintln(to)
	var rows [][]string
	for _, c := range s.Connections {
		oldest := ""
		if c.Outbox > 0 {
			oldest = strconv.Itoa(int(c.OldestUnacked)) + " s"
		}
		rows = append(rows, []string{c.Name, c.Peer, c.State, strconv.Itoa(c.Links), strconv.Itoa(c.Held), strconv.Itoa(c.Outbox), oldest})
	}
	head := []string{"CONNECTION", "PEER", "STATE", "LINKS", "HELD", "OUTBOX", "OLDEST"}
	if err := table(to, `no rules are published yet: "parley rules publish"`, head, rows); err != nil {
		return err
	}
	for _, c := range s.Connections {
		if c.Trouble != "" {
			fmt.Fprintf(to, "%s: %s\n", clean(c.Name), clean(c.Trouble))
		}
		if c.Files > 0 {
			fmt.Fprintf(to, "%s: %d of the partner's files on their way, %s\n", clean(c.Name), c.Files, carried(c.FileBytes, c.FileTotal))
		}
	}
	return nil
}

// budgetText is a known limit in one line; "" where none is known.
func budgetText(b *node.Budget) string {
	if b == nil || b.Limit == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d points of this hour, until %s", b.Used, b.Limit, b.Resets.UTC().Round(time.Minute).Format("15:04 MST"))
	switch b.State {
	case "low":
		return text + "; what is left is kept for people's changes"
	case "spent":
		return text + "; everything waits until then"
	}
	return text
}
