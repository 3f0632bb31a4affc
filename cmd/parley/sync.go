package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

func newSync(w *words) *cobra.Command {
	var wait time.Duration
	c := &cobra.Command{
		Use:   "sync CONNECTION KEY…",
		Short: "share tickets now",
		Long: `Shares the tickets through the connection, whether or not its trigger matches,
and waits until the partner has said what became of each. The node must run.
Exit status 1 where a ticket was not applied.

JSON: [{"key":"SUPPORT-1","twin":"HELP-7","state":"applied|held|refused","reason":"…"}]`,
		Example: "  parley sync globex SUPPORT-1 SUPPORT-2",
		Args:    takes(2, -1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.Sync.Ask(c.Context(), dir, node.SyncQuestion{Connection: args[0], Keys: args[1:], Wait: wait})
			if err != nil {
				return err
			}
			bad := 0
			var rows [][]string
			for _, s := range all {
				if s.State != "applied" {
					bad++
				}
				rows = append(rows, []string{s.Key, s.Twin, s.State, s.Reason})
			}
			if w.json {
				err = writeJSON(c.OutOrStdout(), all)
			} else {
				err = table(c.OutOrStdout(), "nothing was shared", []string{"KEY", "TWIN", "STATE", "REASON"}, rows)
			}
			if err != nil || bad == 0 {
				return err
			}
			return &node.Advice{Err: fmt.Errorf("%d of %s not applied", bad, count(len(all), "ticket")), Hint: `"parley held list" on both sides shows what waits`}
		},
	}
	c.Flags().DurationVar(&wait, "wait", 2*time.Minute, "how long to wait for the partner's word (0: for ever)")
	return c
}
