package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"parley/node"
)

const heldJSON = `{"id":"…","connection":"…","key":"…","class":"definite|transient|tenant|peer|policy","reason":"…","next":"…",
 "path":"…","direction":"in|out","code":"…","rule":"file:line:col","link":"…","since":"…","tries":n,"retry":"…"}`

func newHeld(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:     "held",
		Short:   "what waits, why, and what to do",
		Example: "  parley held list\n  parley held retry 0123456789",
	}, heldList(w),
		heldOne(w, node.HeldShow, "show", "show one with its reason", "Shows one held item in full.", ""),
		heldOne(w, node.HeldRetry, "retry", "try again now", "Has the link tried again: at once where the node runs, else when it starts.", "is tried again"),
		heldOne(w, node.HeldRelease, "release", "let through what a person must release", "Releases what waits for a person: the first share of a ticket under\napprove_first.", "is released"),
	)
}

func heldList(w *words) *cobra.Command {
	var q node.HeldQuestion
	c := &cobra.Command{
		Use:     "list",
		Short:   "list what waits",
		Long:    "Lists held items; one without a path holds its whole link.\n\nJSON: [" + heldJSON + "]",
		Example: "  parley held list --json",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.HeldList.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			return printHeld(c.OutOrStdout(), all)
		},
	}
	c.Flags().StringVar(&q.Connection, "connection", "", "only this connection's")
	return c
}

// heldOne is a command about one held item.
func heldOne(w *words, ask node.Op[node.HeldQuestion, node.Held], name, short, long, done string) *cobra.Command {
	return &cobra.Command{
		Use:     name + " ID",
		Short:   short,
		Long:    long + "\n\nJSON: " + heldJSON,
		Example: "  parley held " + name + " 0123456789",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			h, err := ask.Ask(c.Context(), dir, node.HeldQuestion{ID: args[0]})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), h)
			}
			if done != "" {
				_, err := fmt.Fprintf(c.OutOrStdout(), "%s %s\n", clean(h.Key), done)
				return err
			}
			return printHeldOne(c.OutOrStdout(), h)
		},
	}
}

func printHeld(to io.Writer, all []node.Held) error {
	var rows [][]string
	for _, h := range all {
		rows = append(rows, []string{h.ID, h.Key, h.Connection, what(h), string(h.Class), h.Reason, h.Next})
	}
	return table(to, "nothing is held", []string{"ID", "KEY", "CONNECTION", "WHAT", "CLASS", "REASON", "NEXT"}, rows)
}

func what(h node.Held) string {
	if h.Path == "" {
		return "the whole link"
	}
	return h.Path
}

func printHeldOne(to io.Writer, h node.Held) error {
	retry := ""
	if h.Retry != nil {
		retry = stamp(*h.Retry)
	}
	return facts(to,
		[2]string{"id", h.ID}, [2]string{"key", h.Key}, [2]string{"connection", h.Connection}, [2]string{"link", h.Link},
		[2]string{"what", what(h)}, [2]string{"direction", h.Direction}, [2]string{"class", string(h.Class)}, [2]string{"reason", h.Reason},
		[2]string{"rule", h.Rule}, [2]string{"next step", h.Next}, [2]string{"since", stamp(h.Since)},
		[2]string{"tries", strconv.Itoa(h.Tries)}, [2]string{"tried again", retry},
	)
}
