package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parley/node"
)

func newReconcile(w *words) *cobra.Command {
	var q node.ReconcileQuestion
	c := &cobra.Command{
		Use:   "reconcile CONNECTION [KEY…]",
		Short: "compare what both sides hold, and heal what differs",
		Long: `Asks the partner's node how each link of the connection stands and lists the
links that the two sides see differently. Only link ids, sequence numbers and
hashes cross, never what a ticket says. A running node compares by itself once a
day; --last shows what was found then.

--heal has both sides post the whole view of the differing links anew (of the
named tickets only, where keys are given): nothing is made twice, and a value
that both sides hold differently is decided by the rules. Exit status 1 where
links differ and are not being healed.

JSON: {"connection":"…","at":"…","links":n,"healing":n,
"differing":[{"link":"…","key":"…","what":"sent|received|unknown here|unknown there","why":"…"}]}`,
		Example: "  parley reconcile globex\n  parley reconcile globex --heal SUPPORT-7",
		Args:    takes(1, -1),
		RunE: func(c *cobra.Command, args []string) error {
			q.Connection, q.Links = args[0], args[1:]
			if len(q.Links) > 0 && !q.Heal {
				return usage(fmt.Errorf("%s is named, yet nothing is to be healed", q.Links[0]), "add --heal, or name the connection alone")
			}
			dir, err := w.dir()
			if err != nil {
				return err
			}
			r, err := node.Reconcile.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			if w.json {
				err = writeJSON(c.OutOrStdout(), r)
			} else {
				err = printDrift(c, r)
			}
			if left := len(r.Differing) - r.Healing; err == nil && left > 0 {
				err = &node.Advice{Err: fmt.Errorf("%s differ on the two sides", count(left, "link")), Hint: fmt.Sprintf("bring them together again: parley reconcile %s --heal", q.Connection)}
			}
			return err
		},
	}
	c.Flags().BoolVar(&q.Last, "last", false, "show what the last comparison found; the partner is not asked")
	c.Flags().BoolVar(&q.Heal, "heal", false, "have both sides post the differing links anew")
	c.MarkFlagsMutuallyExclusive("last", "heal")
	return c
}

func printDrift(c *cobra.Command, r node.Reconciled) error {
	fmt.Fprintf(c.OutOrStdout(), "%s compared at %s\n", count(r.Links, "link"), stamp(r.At))
	var rows [][]string
	for _, d := range r.Differing {
		rows = append(rows, []string{d.Key, d.What, d.Why, d.Link})
	}
	if err := table(c.OutOrStdout(), "both sides hold the same", []string{"KEY", "WHAT", "WHY", "LINK"}, rows); err != nil || r.Healing == 0 {
		return err
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "%s being healed; compare again in a minute\n", count(r.Healing, "link"))
	return err
}
