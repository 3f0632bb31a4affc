package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"parley/node"
)

func newRules(w *words) *cobra.Command {
	return group(&cobra.Command{
		Use:   "rules",
		Short: "what crosses: check and publish the rules of connections",
		Long: `A connection's rules are a draft in connections/NAME.toml until they are
published; the node works by the published version.`,
		Example: `  parley rules check globex --tenant
  parley rules publish globex --note "comments too, agreed 12 May"
  parley rules history globex`,
	}, rulesCheck(w), rulesTypes(w), rulesPublish(w), rulesHistory(w))
}

// question names drafts by connection or file.
func question(args []string) (q node.RulesQuestion) {
	for _, a := range args {
		q.Connections = append(q.Connections, node.ConnectionName(a))
	}
	return q
}

func rulesCheck(w *words) *cobra.Command {
	var tenant bool
	c := &cobra.Command{
		Use:   "check [CONNECTION…]",
		Short: "check drafts",
		Long: `Checks the drafts named, or all, offline; with --tenant against the tenant's own
fields, statuses and request types. Problems are errTold with file, line and column
on standard error. Exit status 1 where there are any.

JSON: [{"connection":"…","file":"…","ok":true,"problems":[{"file":"…","line":n,"col":n,"message":"…","hint":"…"}],"warnings":[…]}]`,
		Example: "  parley rules check globex --tenant",
		Args:    takes(0, -1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			check := node.CheckRules
			if tenant {
				check = node.RulesCheck.Ask
			}
			all, err := check(c.Context(), dir, question(args))
			if err != nil {
				return err
			}
			wrong := 0
			for _, one := range all {
				wrong += len(one.Problems)
			}
			if w.json {
				if err := writeJSON(c.OutOrStdout(), all); err != nil {
					return err
				}
			} else {
				printChecked(c.OutOrStdout(), c.ErrOrStderr(), all)
			}
			if wrong > 0 && w.json {
				return errTold
			}
			if wrong > 0 {
				return &node.Advice{Err: fmt.Errorf("%s found", count(wrong, "problem")), Hint: "correct them and check again; what is published goes on working meanwhile"}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&tenant, "tenant", false, "check against the tenant's own schema too")
	return c
}

func printChecked(out, errs io.Writer, all []node.Checked) {
	for _, one := range all {
		for _, p := range one.Problems {
			printNotice(errs, "", p)
		}
		for _, p := range one.Warnings {
			printNotice(errs, "warning: ", p)
		}
		if one.OK {
			fmt.Fprintf(out, "%s is in order\n", one.File)
		}
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "there are no drafts in connections/")
	}
}

// printNotice prints one notice as compilers do, so that editors find the place.
func printNotice(to io.Writer, kind string, p node.RuleNotice) {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
	}
	fmt.Fprintf(to, "%s: %s%s\n", clean(at), kind, clean(p.Message))
	if p.Hint != "" {
		fmt.Fprintf(to, "  hint: %s\n", clean(p.Hint))
	}
}

func rulesPublish(w *words) *cobra.Command {
	var note string
	var offline bool
	c := &cobra.Command{
		Use:   "publish [CONNECTION…] [--note TEXT]",
		Short: "make drafts the rules that work",
		Long: `Publishes the drafts named, or all, after checking them against the tenant: all or
none. A draft that is already published is left alone. Where a profile or map
changed that other connections use too, those are named.

JSON: [{"connection":"…","number":n,"hash":"…","at":"…","note":"…","files":["…"],"changed":true,"affects":["…"],"warnings":[…]}]`,
		Example: `  parley rules publish globex --note "comments too, agreed 12 May"`,
		Args:    takes(0, -1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			q := question(args)
			q.Note, q.Offline = note, offline
			all, err := node.RulesPublish.Ask(c.Context(), dir, q)
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			for _, p := range all {
				for _, warning := range p.Warnings {
					printNotice(c.ErrOrStderr(), "warning: ", warning)
				}
				done := "was published already, as version"
				if p.Changed {
					done = "now works by version"
				}
				fmt.Fprintf(c.OutOrStdout(), "%s %s %d (%.12s)\n", p.Connection, done, p.Number, p.Hash)
				if len(p.Affects) > 0 {
					fmt.Fprintf(c.OutOrStdout(), "  files that it shares are newer than what these work by, until they are published too: %s\n", strings.Join(p.Affects, ", "))
				}
			}
			if len(all) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "there are no drafts in connections/")
			}
			return nil
		},
	}
	c.Flags().StringVar(&note, "note", "", "why, for the history")
	c.Flags().BoolVar(&offline, "offline", false, "publish on the offline check alone; the node checks against the tenant when it can")
	return c
}

func rulesHistory(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "history [CONNECTION…]",
		Short: "list published versions",
		Long: `Lists the published versions, the oldest first; the last one works.

JSON: [{"connection":"…","number":n,"hash":"…","at":"…","note":"…","files":["…"],…}]`,
		Example: "  parley rules history globex",
		Args:    takes(0, -1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			all, err := node.RulesHistory.Ask(c.Context(), dir, question(args))
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), all)
			}
			var rows [][]string
			for _, p := range all {
				rows = append(rows, []string{p.Connection, strconv.FormatUint(p.Number, 10), stamp(p.At), p.Hash[:min(12, len(p.Hash))], p.Note})
			}
			return table(c.OutOrStdout(), "nothing was published yet", []string{"CONNECTION", "VERSION", "AT", "HASH", "NOTE"}, rows)
		},
	}
}
