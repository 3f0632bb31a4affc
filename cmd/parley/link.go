package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"parley/node"
)

func newLink(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:     "link",
		Short:   "the tickets that are shared",
		Example: "  parley link list --json\n  parley link show SUPPORT-1",
	}, linkList(w), linkShow(w))
}

func linkList(w *words) *cobra.Command {
	var q node.LinksQuestion
	c := &cobra.Command{
		Use:   "list",
		Short: "list the links",
		Long: `Lists local tickets with their twins.

JSON: [{"id":"…","connection":"…","key":"…","twin":"…","state":"synced|waiting|held|ended","since":"…"}]`,
		Example: "  parley link list --connection globex",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.Links.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			var rows [][]string
			for _, l := range all {
				rows = append(rows, []string{l.Key, l.Twin, l.Connection, l.State, stamp(l.Since), l.ID})
			}
			return table(c.OutOrStdout(), "no ticket is shared yet", []string{"KEY", "TWIN", "CONNECTION", "STATE", "SINCE", "ID"}, rows)
		},
	}
	c.Flags().StringVar(&q.Connection, "connection", "", "only this connection's")
	return c
}

func linkShow(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "show KEY",
		Short: "show a ticket's links, item by item",
		Long: `Shows the links of a ticket (its key, its twin's, or a link's id): which items
crossed, with which replica, and what waits. It shows no content.

JSON: [{…as in "link list"…,"sent":[{"path":"…","kind":"…","seq":n}],"came":[…],"held":[…]}]`,
		Example: "  parley link show SUPPORT-1",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.LinkShow.Ask(c.Context(), dir, node.LinksQuestion{Key: args[0]})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			for _, l := range all {
				if err := printLink(c.OutOrStdout(), l); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func printLink(to io.Writer, l node.LinkDetail) error {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	outcome := ""
	if l.Outcome != "" {
		outcome = fmt.Sprintf("%s (replica %d)", l.Outcome, l.OutcomeSeq)
	}
	err := facts(to,
		[2]string{"key", l.Key}, [2]string{"twin", l.Twin}, [2]string{"their address", l.TheirURL},
		[2]string{"connection", l.Connection}, [2]string{"state", l.State}, [2]string{"since", stamp(l.Since)}, [2]string{"link", l.ID},
		[2]string{"last sent", number(l.SentSeq)}, [2]string{"partner said", outcome},
		[2]string{"last received", number(l.Received)}, [2]string{"reconciled", number(l.Reconciled)},
	)
	if err != nil {
		return err
	}
	for _, side := range []struct {
		name  string
		items []node.ItemLine
	}{{"SENT", l.Sent}, {"CAME", l.Came}} {
		var rows [][]string
		for _, i := range side.items {
			rows = append(rows, []string{i.Path, i.Kind, number(i.Seq)})
		}
		fmt.Fprintln(to)
		if err := table(to, side.name+": nothing", []string{side.name, "KIND", "REPLICA"}, rows); err != nil {
			return err
		}
	}
	fmt.Fprintln(to)
	return printHeld(to, l.Held)
}
