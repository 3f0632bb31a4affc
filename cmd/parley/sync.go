package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

func newSync(w *words) *cobra.Command {
	var wait time.Duration
	var explains, contents bool
	c := &cobra.Command{
		Use:   "sync CONNECTION KEY…",
		Short: "share tickets now, or explain what became of one",
		Long: `Shares the tickets through the connection, whether or not its trigger matches,
and waits until the partner has said what became of each. The node must run.
Exit status 1 where a ticket was not applied.

JSON: [{"key":"SUPPORT-1","twin":"HELP-7","state":"applied|held|refused","reason":"…"}]

With --explain it then says, item by item and for both ways, what became of the
ticket, by which rule, and why: what crossed, what was mapped to something else,
what is held or refused, what a rule or the lack of one keeps home, and what came
and is not used here. A key alone (sync KEY --explain) shares nothing and
explains every connection of that ticket. Names of options and statuses are
shown; what people typed only with --contents, shortened.

Some changes Jira does not call changes of a ticket: they are looked for, so a
rating or an approver's answer can take a minute or two to leave, and a web link,
an article or a watcher ten minutes and more ([poll] unmoved and reread in
parley.toml). sync sends them at once.

JSON: ` + explainJSON,
		Example: "  parley sync globex SUPPORT-1 SUPPORT-2\n  parley sync SUPPORT-1 --explain\n  parley sync globex SUPPORT-1 --explain --json",
		Args: func(c *cobra.Command, args []string) error {
			if explains {
				return takes(1, -1)(c, args)
			}
			return takes(2, -1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if contents && !explains {
				return misused(c, fmt.Errorf("--contents is a part of --explain"))
			}
			if len(args) == 1 {
				return explain(c.Context(), w, c.OutOrStdout(), "", args, contents)
			}
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.Sync.Ask(c.Context(), dir, node.SyncQuestion{Connection: args[0], Keys: args[1:], Wait: wait})
			if err != nil {
				return err
			}
			if explains {
				err = explain(c.Context(), w, c.OutOrStdout(), args[0], args[1:], contents)
			} else {
				err = printSynced(c, w, all)
			}
			bad := 0
			for _, s := range all {
				if s.State != "applied" {
					bad++
				}
			}
			if err != nil || bad == 0 {
				return err
			}
			return &node.Advice{Err: fmt.Errorf("%d of %s not applied", bad, count(len(all), "ticket")), Hint: `"parley held list" on both sides shows what waits`}
		},
	}
	c.Flags().DurationVar(&wait, "wait", 2*time.Minute, "how long to wait for the partner's word (0: for ever)")
	c.Flags().BoolVar(&explains, "explain", false, "say what became of each item, and why")
	c.Flags().BoolVar(&contents, "contents", false, "with --explain: also show what people typed, shortened")
	return c
}

func printSynced(c *cobra.Command, w *words, all []node.Synced) error {
	if w.json {
		return writeJSON(c.OutOrStdout(), all)
	}
	var rows [][]string
	for _, s := range all {
		rows = append(rows, []string{s.Key, s.Twin, s.State, s.Reason})
	}
	return table(c.OutOrStdout(), "nothing was shared", []string{"KEY", "TWIN", "STATE", "REASON"}, rows)
}
