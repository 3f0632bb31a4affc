package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parley/node"
)

func newDoctor(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "look at everything a node needs, and say what to do",
		Long: `Checks the configuration, file modes, disk, token, tenant and its projects, time
zone, clock, rules, connections, certificates, peers and the UDP path to each.
Each line says ok or what to do. Exit status 1 where something is not ok.

JSON: {"ok":true,"checks":[{"what":"…","ok":true,"detail":"…","next":"…"}]}`,
		Example: "  parley doctor --home acme",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			d := node.Examine(c.Context(), dir)
			if w.json {
				err = writeJSON(c.OutOrStdout(), d)
			} else {
				for _, f := range d.Checks {
					mark := "ok  "
					if !f.OK {
						mark = "FAIL"
					}
					fmt.Fprintf(c.OutOrStdout(), "%s  %s: %s\n", mark, clean(f.What), clean(f.Detail))
					if f.Next != "" {
						fmt.Fprintf(c.OutOrStdout(), "      %s\n", clean(f.Next))
					}
				}
			}
			if err == nil && !d.OK {
				return errTold
			}
			return err
		},
	}
}
