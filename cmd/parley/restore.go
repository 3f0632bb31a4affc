package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parley/node"
)

func newRestore(w *words) *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "restore DIR",
		Short: "make a home what it was when a backup was taken",
		Long: `Verifies the backup in DIR and makes the home (--home) of it. A home that holds
something is refused; with --force it is moved aside, never deleted. The node
must not run.

What happened since the backup is forgotten in the restored home: replicas that
crossed, comments and tickets that were written, rules that were published,
pairings. Partners notice, and each connection stands still until you run
"parley heal CONNECTION". Meanwhile nothing is written twice.

JSON: {"home":"…","name":"…","node":"…","taken":"…","files":n,"bytes":n,"aside":"…"}`,
		Example: "  parley restore /backup/acme-2026-11-22 --home acme --force",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			home, err := w.dir()
			if err != nil {
				return err
			}
			r, err := node.Restore(c.Context(), args[0], home, force, func(step string) {
				fmt.Fprintln(c.ErrOrStderr(), step, "…")
			})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), r)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is node %s as of %s: %s, %s\n", clean(r.Home), clean(r.Name), stamp(r.Taken), count(r.Files, "file"), size(r.Bytes))
			if r.Aside != "" {
				fmt.Fprintln(c.OutOrStdout(), "what was there is now", clean(r.Aside))
			}
			_, err = fmt.Fprint(c.OutOrStdout(), `what happened since is forgotten here: rules published, pauses, pairings, releases
next: parley rules history, then parley run, then parley heal CONNECTION --from-peer for each
`)
			return err
		},
	}
	c.Flags().BoolVar(&force, "force", false, "move a home that holds something aside")
	return c
}
