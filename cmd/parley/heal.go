package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"parley/node"
)

func newHeal(w *words) *cobra.Command {
	var fromPeer, resync bool
	c := &cobra.Command{
		Use:   "heal CONNECTION",
		Short: "let a connection go on after a home was put back to an earlier state",
		Long: `A home that was restored from a backup, or put back with its machine, has
forgotten what it told its partner. Both sides notice; the connection stands
still, and this command, run on the side that forgot, lets it go on. The partner
must be connected.

--from-peer  what this node had sent and forgot comes back from the partner's
             copy, and the hash chain proves that it is what was sent; then the
             partner's replicas are stored again from where our memory ends
--resync     where the copy does not fit, or is gone: both sides send the whole
             view of every ticket; a field that both sides changed since the
             backup is decided by the rules anew

Then the tenant is asked for what was written there since: tickets and comments
are known again by their marks, so nothing is made twice.

JSON: the connection, as in "parley status".`,
		Example: "  parley heal globex --from-peer",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if fromPeer == resync {
				return misused(c, errors.New("choose one of --from-peer and --resync"))
			}
			home, err := w.dir()
			if err != nil {
				return err
			}
			how := node.FromPeer
			if resync {
				how = node.Resync
			}
			now, err := node.Mend.Ask(c.Context(), home, node.MendQuestion{Connection: args[0], How: how})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), now)
			}
			what := "goes on"
			if now.Trouble != "" {
				what = now.Trouble
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", clean(now.Name), clean(what))
			return err
		},
	}
	c.Flags().BoolVar(&fromPeer, "from-peer", false, "take back from the partner what was lost here")
	c.Flags().BoolVar(&resync, "resync", false, "send whole views on both sides")
	return c
}
