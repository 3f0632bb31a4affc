package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"parley/node"
)

func rulesTypes(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "types [FROM [TO]]",
		Short: "how values of one type of field get into fields of another",
		Long: `Prints the table of coercions: a row for each type of field that crosses, a column for
each type that it may be written to. With FROM, or FROM and TO, each cell with what
to know of it and, where it is refused, what to do instead.

JSON: [{"from":"date","to":"datetime","way":"lossless|by map|map only|text form|refused","note":"…","instead":"…"}]`,
		Example: "  parley rules types\n  parley rules types cascading select",
		Args:    takes(0, 2),
		RunE: func(c *cobra.Command, args []string) error {
			pair := append(args, "", "")
			all, err := node.Coercions(pair[0], pair[1])
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			if len(args) == 0 {
				return printMatrix(c.OutOrStdout())
			}
			var rows [][]string
			for _, one := range all {
				note := one.Note
				if one.Instead != "" {
					note += ": " + one.Instead
				}
				rows = append(rows, []string{string(one.From), string(one.To), string(one.Way), note})
			}
			return table(c.OutOrStdout(), "", []string{"FROM", "TO", "WAY", "NOTE"}, rows)
		},
	}
}

// printMatrix prints the table with a sign for each way, and lists the types that a row or column stands for.
func printMatrix(to io.Writer) error {
	signs := map[string]string{"lossless": "=", "by map": "m", "map only": "M", "text form": "t", "refused": "."}
	m := node.CoercionMatrix()
	head := []string{"FROM"}
	for _, col := range m.Columns {
		head = append(head, string(col[0]))
	}
	var rows, members [][]string
	for i, row := range m.Rows {
		cells := []string{string(row[0])}
		for _, way := range m.Ways[i] {
			cells = append(cells, signs[string(way)])
		}
		rows = append(rows, cells)
		members = append(members, []string{string(row[0]), joined(row)})
	}
	if err := table(to, "", head, rows); err != nil {
		return err
	}
	fmt.Fprint(to, `
=  lossless   it arrives as it was
m  by map     by its name: one that is the same here needs no map
M  map only   a rule without map is refused at check
t  text form  by the text that it reads as; what does not fit is held
.  refused    at check where the types are known, else held: "parley rules types FROM TO" says what to do instead

`)
	if err := table(to, "", []string{"ROW", "STANDS FOR"}, members); err != nil {
		return err
	}
	fmt.Fprintln(to)
	members = nil
	for _, col := range m.Columns {
		members = append(members, []string{string(col[0]), joined(col)})
	}
	return table(to, "", []string{"COLUMN", "STANDS FOR"}, members)
}

// joined lists names, whatever their type.
func joined[S ~string](names []S) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}
