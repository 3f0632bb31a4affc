package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

const heldJSON = `{"id":"…","connection":"…","key":"…","class":"definite|transient|tenant|peer|policy","reason":"…","next":"…",
 "path":"…","direction":"in|out|visit|peer|tenant|connection","code":"…","rule":"file:line:col","link":"…","since":"…","tries":n,"retry":"…"}`

// classes are the words of --class.
var classes = []string{"definite", "transient", "tenant", "peer", "policy"}

func newHeld(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:     "held",
		Short:   "what waits, why, and what to do",
		Example: "  parley held list\n  parley held show 0123456789\n  parley held retry --all --class definite",
	}, heldList(w), heldShow(w), heldRetry(w), heldRelease(w), heldDrop(w), heldExplain(w))
}

func heldList(w *words) *cobra.Command {
	var q node.HeldQuestion
	var dropped bool
	c := &cobra.Command{
		Use:   "list",
		Short: "list what waits",
		Long: `Lists held items. One without a path holds its whole link; one whose path is
"everything" holds a connection, or the whole tenant. With --dropped: what
people left out, with who and why.

JSON: [` + heldJSON + `]
With --dropped: [{"connection":"…","key":"…","path":"…","direction":"in|out","code":"…","reason":"…","who":"…","why":"…","at":"…","link":"…"}]`,
		Example: "  parley held list --json\n  parley held list --class definite --connection globex",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err == nil {
				err = checkClass(string(q.Class))
			}
			if err != nil {
				return err
			}
			if dropped {
				return listDropped(c, w, dir, q)
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
	c.Flags().StringVar((*string)(&q.Class), "class", "", "only of this class: "+strings.Join(classes, ", "))
	c.Flags().BoolVar(&dropped, "dropped", false, "list what people left out instead")
	return c
}

func checkClass(class string) error {
	if class != "" && !slices.Contains(classes, class) {
		return usage(fmt.Errorf("there is no class %q", class), "the classes are "+strings.Join(classes, ", "))
	}
	return nil
}

func listDropped(c *cobra.Command, w *words, dir string, q node.HeldQuestion) error {
	all, err := node.HeldDropped.Ask(c.Context(), dir, q)
	if err != nil {
		return err
	}
	if w.json {
		return writeJSON(c.OutOrStdout(), all)
	}
	var rows [][]string
	for _, d := range all {
		rows = append(rows, []string{stamp(d.At), d.Key, d.Connection, what(d.Path), d.Code, d.Who, d.Why})
	}
	return table(c.OutOrStdout(), "nothing was left out", []string{"AT", "KEY", "CONNECTION", "WHAT", "CODE", "WHO", "WHY"}, rows)
}

func heldShow(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "show one with its reason, its cause and the next step",
		Long: `Shows one held item in full: what the code means, what usually lies behind it,
what Jira said, the rule that decided, the tries so far and the next one.

JSON: ` + heldJSON + `,
 and further: "name":"…","means":"…","cause":"…","advice":"…","ticket":"…","twin":"…","said":"…",
 "answer":{"op":"…","status":n,"messages":["…"],"fields":{"…":"…"},"reason":"…","trace":"…"}`,
		Example: "  parley held show 0123456789",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			h, err := node.HeldShow.Ask(c.Context(), dir, node.HeldQuestion{ID: args[0]})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), h)
			}
			return printHeldOne(c.OutOrStdout(), h)
		},
	}
}

func heldRelease(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "release ID",
		Short: "let through what a person must release",
		Long: `Releases what waits for a person: the first share of a ticket under
approve_first. To refuse it: parley held drop.

JSON: ` + heldJSON,
		Example: "  parley held release 0123456789",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return decide(c, w, node.HeldRelease, node.HeldQuestion{ID: args[0]}, "is released")
		},
	}
}

func heldDrop(w *words) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "drop ID --why TEXT",
		Short: "leave it out until it changes again at its source",
		Long: `Leaves one held item out: it is neither written nor sent, and waits no more,
until it changes again at its source. Who decided it, and why, is kept (parley
held list --dropped), and the partner is told that it was dropped.

JSON: ` + heldJSON,
		Example: `  parley held drop 0123456789 --why "a test ticket of the partner's"`,
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if strings.TrimSpace(why) == "" {
				return usage(fmt.Errorf("%s needs a reason", c.CommandPath()), `say why with --why "…"; it is kept with the decision`)
			}
			return decide(c, w, node.HeldDrop, node.HeldQuestion{ID: args[0], Who: whoami(), Why: why}, "is left out")
		},
	}
	c.Flags().StringVar(&why, "why", "", "the reason, which is kept")
	return c
}

// decide is a person's decision about one held item.
func decide(c *cobra.Command, w *words, ask node.Op[node.HeldQuestion, node.Held], q node.HeldQuestion, done string) error {
	dir, err := w.dir()
	if err != nil {
		return err
	}
	h, err := ask.Ask(c.Context(), dir, q)
	if err != nil {
		return err
	}
	if w.json {
		return writeJSON(c.OutOrStdout(), h)
	}
	name := h.Key
	if name == "" {
		name = "what " + h.Connection + " sent"
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s %s\n", clean(name), what(h.Path), done)
	return err
}

func heldExplain(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE]",
		Short: "explain a code, or list all that there are",
		Long: `Explains why work is held: what a code means, what usually lies behind it, and
what to do. It needs no home. The program's own tests insist that every code is
listed.

JSON: [{"code":"…","class":"…","name":"…","means":"…","cause":"…","next":"…"}]`,
		Example: "  parley held explain unmapped",
		Args:    takes(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			all, err := node.Explain(strings.Join(args, ""))
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			if len(args) == 1 {
				e := all[0]
				return facts(c.OutOrStdout(), [2]string{"code", e.Code}, [2]string{"class", string(e.Class)}, [2]string{"name", e.Name},
					[2]string{"means", e.Means}, [2]string{"cause", e.Cause}, [2]string{"next step", e.Next})
			}
			var rows [][]string
			for _, e := range all {
				rows = append(rows, []string{e.Code, string(e.Class), e.Name, e.Next})
			}
			return table(c.OutOrStdout(), "", []string{"CODE", "CLASS", "NAME", "NEXT"}, rows)
		},
	}
}

func printHeld(to io.Writer, all []node.Held) error {
	var rows [][]string
	for _, h := range all {
		rows = append(rows, []string{h.ID, h.Key, h.Connection, what(h.Path), string(h.Class), h.Reason, h.Next})
	}
	return table(to, "nothing is held", []string{"ID", "KEY", "CONNECTION", "WHAT", "CLASS", "REASON", "NEXT"}, rows)
}

func what(path string) string {
	if path == "" {
		return "the whole link"
	}
	return path
}

func printHeldOne(to io.Writer, h node.HeldDetail) error {
	retry := ""
	if h.Retry != nil {
		retry = h.Retry.Local().Format(time.DateTime)
	}
	lines := [][2]string{
		{"id", h.ID}, {"key", h.Key}, {"twin", h.Twin}, {"connection", h.Connection}, {"link", h.Link},
		{"what", what(h.Path)}, {"direction", h.Direction}, {"class", string(h.Class)}, {"code", h.Code}, {"name", h.Name},
		{"reason", h.Reason}, {"means", h.Means}, {"cause", h.Cause}, {"rule", h.Rule}, {"said", h.Said},
	}
	if a := h.Answer; a != nil {
		status := ""
		if a.Status != 0 {
			status = " gave " + strconv.Itoa(a.Status)
		}
		lines = append(lines, [2]string{"jira", a.Op + status})
		for _, m := range a.Messages {
			lines = append(lines, [2]string{"jira said", m})
		}
		for _, id := range slices.Sorted(maps.Keys(a.Fields)) {
			lines = append(lines, [2]string{"of " + id, a.Fields[id]})
		}
		lines = append(lines, [2]string{"jira's limit", a.Reason}, [2]string{"jira's trace", a.Trace})
	}
	lines = append(lines, [2]string{"next step", h.Next})
	if h.Advice != h.Next {
		lines = append(lines, [2]string{"as a rule", h.Advice})
	}
	return facts(to, append(lines, [2]string{"since", stamp(h.Since)}, [2]string{"tries", strconv.Itoa(h.Tries + 1)}, [2]string{"tried again", retry})...)
}
