package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"parley/conf"
	"parley/node"
)

func newLink(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:     "link",
		Short:   "the tickets that are shared",
		Example: "  parley link list --json\n  parley link show SUPPORT-1",
	}, linkList(w), linkShow(w), linkUnlink(w))
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
crossed, with which replica, which files of the partner's are on their way and how
much of each is here, and what waits. It shows no content.

JSON: [{…as in "link list"…,"sent":[{"path":"…","kind":"…","seq":n}],"came":[…],
 "files":[{"path":"…","bytes":n,"total":n,"state":"waiting|coming|here|held"}],"held":[…]}]`,
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

func linkUnlink(w *words) *cobra.Command {
	var q node.LinksQuestion
	c := &cobra.Command{
		Use:     "unlink KEY",
		Aliases: []string{"end"},
		Short:   "end a ticket's link, for good",
		Long: `Ends the link of a ticket (its key, its twin's, or a link's id): nothing of it
crosses any more, either way, and the partner may fetch none of its files from
that moment on. Both tickets stay as they are, and so does what the ledger keeps.
What the partner still sends is refused, which its people see as held; it ends
with the same command there. An ended link cannot be joined again.

JSON: as one of "link list"`,
		Example: "  parley link unlink SUPPORT-1\n  parley link unlink SUPPORT-1 --connection globex",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			q.Key = args[0]
			l, err := node.LinkEnd.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), l)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is unlinked from connection %s: nothing of it crosses any more\n", clean(l.Key), clean(l.Connection))
			return err
		},
	}
	c.Flags().StringVar(&q.Connection, "connection", "", "this connection's link, where the ticket has several")
	return c
}

// carried says how much of something is here: "3 MiB of 12 MiB, 25 %".
func carried(bytes, total int64) string {
	percent := int64(100)
	if total > 0 {
		percent = bytes * 100 / total
	}
	return fmt.Sprintf("%s of %s, %d %%", conf.SizeText(bytes), conf.SizeText(total), percent)
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
	if len(l.Files) > 0 {
		var rows [][]string
		for _, f := range l.Files {
			rows = append(rows, []string{f.Path, f.State, carried(f.Bytes, f.Total)})
		}
		fmt.Fprintln(to)
		if err := table(to, "", []string{"COMING", "STATE", "BYTES"}, rows); err != nil {
			return err
		}
	}
	fmt.Fprintln(to)
	return printHeld(to, l.Held)
}
