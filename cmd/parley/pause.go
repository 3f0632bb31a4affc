package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"parley/node"
)

func newPause(w *words) *cobra.Command {
	return pauseCommand(w, node.Pause, "pause", "stop a connection for a while",
		"Stops what a connection writes to the tenant and sends to its partner, until\n\"parley resume\"; it holds over restarts. What the partner sends is stored meanwhile.")
}

func newResume(w *words) *cobra.Command {
	return pauseCommand(w, node.Resume, "resume", "let a paused connection go on",
		"Lets a paused connection go on. Every link is compared again, so nothing of the\npause is lost.")
}

func pauseCommand(w *words, ask node.Op[node.ConnectionQuestion, node.Connection], name, short, long string) *cobra.Command {
	return &cobra.Command{
		Use:     name + " CONNECTION",
		Short:   short,
		Long:    long + "\n\nJSON: the connection, as in \"parley status\".",
		Example: "  parley " + name + " globex",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			now, err := ask.Ask(c.Context(), dir, node.ConnectionQuestion{Connection: args[0]})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), now)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is %s\n", clean(now.Name), now.State)
			return err
		},
	}
}
