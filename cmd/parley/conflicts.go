package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parley/node"
)

const conflictJSON = `{"id":"…","connection":"…","key":"…","twin":"…","path":"…","standing":bool,"lost":"ours|theirs","at":"…","rule":"file:line:col","link":"…"}`

func newConflicts(w *words) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "conflicts [CONNECTION]",
		Short: "values that lost against the other side's",
		Long: `Lists values that lost where both sides changed the same thing at the same
time, the newest first: whose it was, and the rule that decided. Items on which
the two sides' rules never agree stand at the top until the rules are changed.

JSON: [` + conflictJSON + `]`,
		Example: "  parley conflicts\n  parley conflicts globex --json\n  parley conflicts show 0123456789",
	}, conflictShow(w))
	c.Args = takes(0, 1)
	c.RunE = func(c *cobra.Command, args []string) error {
		dir, err := w.dir()
		if err != nil {
			return err
		}
		var q node.ConflictQuestion
		if len(args) == 1 {
			q.Connection = args[0]
		}
		all, err := node.Conflicts.Ask(c.Context(), dir, q)
		if err != nil {
			return err
		}
		if w.json {
			return writeJSON(c.OutOrStdout(), all)
		}
		var rows [][]string
		for _, k := range all {
			rows = append(rows, []string{k.ID, k.Key, k.Twin, k.Connection, k.Path, whoLost(k), stamp(k.At), k.Rule})
		}
		return table(c.OutOrStdout(), "no value has lost", []string{"ID", "KEY", "TWIN", "CONNECTION", "ITEM", "LOST", "AT", "RULE"}, rows)
	}
	return c
}

func whoLost(k node.Conflict) string {
	if k.Standing {
		return "standing"
	}
	return k.Lost
}

func conflictShow(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "show one with the value that lost, in full",
		Long: `Shows one conflict with the value that lost, in full.

JSON: ` + conflictJSON + `,
 and further: "kind":"…","value":"…", or of a standing one: "reason":"…","next":"…"`,
		Example: "  parley conflicts show 0123456789",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			d, err := node.ConflictShow.Ask(c.Context(), dir, node.ConflictQuestion{ID: args[0]})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), d)
			}
			to := c.OutOrStdout()
			err = facts(to, [2]string{"id", d.ID}, [2]string{"key", d.Key}, [2]string{"twin", d.Twin}, [2]string{"connection", d.Connection},
				[2]string{"item", d.Path}, [2]string{"lost", whoLost(d.Conflict)}, [2]string{"at", stamp(d.At)}, [2]string{"rule", d.Rule},
				[2]string{"reason", d.Reason}, [2]string{"next step", d.Next})
			if err != nil || d.Standing {
				return err
			}
			_, err = fmt.Fprintf(to, "the value that lost:\n%s\n", cleanLines(d.Value))
			return err
		},
	}
}
