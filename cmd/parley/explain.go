package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"parley/node"
)

const explainJSON = `[{"connection":"…","peer":"…","link":"…","key":"…","twin":"…","trouble":"…","out":[ITEM],"in":[ITEM]}]
 ITEM: {"path":"…","field":"…","became":"crossed|mapped|waiting|held|refused|overruled|unsent|unused|left-out",
        "from":"…","to":"…","rule":"file:line:col","code":"…","why":"…","next":"…","replica":n}`

// explain prints what became of each item of some tickets.
func explain(ctx context.Context, w *words, to io.Writer, connection string, keys []string, content bool) error {
	dir, err := w.dir()
	if err != nil {
		return err
	}
	all := []node.TicketReport{}
	for _, key := range keys {
		of, err := node.ExplainTicket.Ask(ctx, dir, node.ExplainQuestion{Connection: connection, Key: key, Content: content})
		if err != nil {
			return err
		}
		all = append(all, of...)
	}
	if w.json {
		return writeJSON(to, all)
	}
	for i, r := range all {
		if i > 0 {
			fmt.Fprintln(to)
		}
		if err := printReport(to, r); err != nil {
			return err
		}
	}
	return nil
}

func printReport(to io.Writer, r node.TicketReport) error {
	err := facts(to, [2]string{"ticket", r.Key}, [2]string{"twin", r.Twin}, [2]string{"connection", r.Connection},
		[2]string{"partner", r.Peer}, [2]string{"trouble", r.Trouble})
	if err != nil {
		return err
	}
	for _, way := range []struct {
		head, none string
		rows       [][]string
	}{
		{"TO " + r.Peer, "nothing of it goes to " + r.Peer, reportRows(r.Out)},
		{"FROM " + r.Peer, "nothing of it came from " + r.Peer, reportRows(r.In)},
	} {
		fmt.Fprintln(to)
		if err := table(to, way.none, []string{way.head, "BECAME", "AS", "RULE", "WHY"}, way.rows); err != nil {
			return err
		}
	}
	return nil
}

func reportRows(items []node.ItemReport) (rows [][]string) {
	for _, i := range items {
		rows = append(rows, []string{i.Path, string(i.Became), reportedAs(i), i.Rule, reportedWhy(i)})
	}
	return rows
}

// reportedAs is what an item became: its value where that may be shown, else the field that holds it.
func reportedAs(i node.ItemReport) string {
	switch {
	case i.From != "" && i.From != i.To:
		return quoted(i.From) + " → " + quoted(i.To)
	case i.To != "":
		return i.To
	}
	return i.Field
}

func quoted(s string) string {
	if s == "" {
		return "-"
	}
	return strconv.Quote(s)
}

func reportedWhy(i node.ItemReport) string {
	why := i.Why
	if i.Code != "" {
		why = i.Code + ": " + why
	}
	if i.Next != "" {
		why += " " + i.Next
	}
	return why
}
