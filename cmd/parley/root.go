package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"parley/node"
)

// Exit statuses.
const (
	exitOK    = 0
	exitError = 1 // a failure that was explained
	exitUsage = 2 // the command was not understood
)

// verbs are the commands under parley, in the order of the help.
var verbs = []func(*words) *cobra.Command{
	newDemo, newSim, newInit, newAuth, newDoctor, newRun, newStatus, newPause, newResume, newPair, newSync, newReconcile, newLink, newHeld, newConflicts, newBackup, newRestore, newHeal, newRules, newWebhook, newNotify, newVersion,
}

// words are the flags that every command knows.
type words struct {
	home string
	json bool
}

// dir is the node's home.
func (w *words) dir() (string, error) {
	if w.home == "" {
		return "", usage(errors.New("no home is given"), "name the node's home with --home DIR, or set PARLEY_HOME")
	}
	return w.home, nil
}

func newRoot() *cobra.Command {
	w := &words{}
	root := group(&cobra.Command{
		Use:   "parley",
		Short: "joins two Jira Service Management desks without a middleman",
		Long: `parley joins two Jira Service Management desks into one ticket flow without a
middleman. Each company runs one node beside its own tenant; two nodes talk
directly, over QUIC.

Exit status: 0 success, 1 a failure that is explained, 2 wrong usage.`,
		Example: `  parley init --home acme --name acme --tenant https://acme.atlassian.net --user bot@acme.example --token-env ACME_TOKEN
  parley doctor --home acme
  parley run --home acme`,
		SilenceErrors: true, SilenceUsage: true,
	})
	root.PersistentFlags().StringVar(&w.home, "home", os.Getenv("PARLEY_HOME"), "the node's home (or set PARLEY_HOME)")
	root.PersistentFlags().BoolVar(&w.json, "json", false, "print one JSON document")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return misused(c, err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, verb := range verbs {
		root.AddCommand(verb(w))
	}
	return root
}

// group is a command that only holds others.
func group(c *cobra.Command, under ...*cobra.Command) *cobra.Command {
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			c.SetOut(c.ErrOrStderr())
			if err := c.Help(); err != nil {
				return err
			}
			return misused(c, fmt.Errorf("%s needs a command", c.CommandPath()))
		}
		err := fmt.Errorf("%s has no command %q", c.CommandPath(), args[0])
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			return usage(err, fmt.Sprintf("did you mean %q?", c.CommandPath()+" "+near[0]))
		}
		return misused(c, err)
	}
	c.SuggestionsMinimumDistance = 2
	c.AddCommand(under...)
	return c
}

// takes bounds how many words a command takes; most < 0: any number.
func takes(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return misused(c, fmt.Errorf("%s needs %s", c.CommandPath(), c.Use[len(c.Name())+1:]))
		case most >= 0 && len(args) > most:
			return misused(c, fmt.Errorf("%s does not take %q", c.CommandPath(), args[most]))
		}
		return nil
	}
}

// misuse is a command that was not understood.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// usage makes err wrong usage, with the way out.
func usage(err error, hint string) error { return misuse{&node.Advice{Err: err, Hint: hint}} }

// misused points to the command's help.
func misused(c *cobra.Command, err error) error {
	return usage(err, fmt.Sprintf("%q shows how", c.CommandPath()+" --help"))
}

// errTold is a failure that has been printed already, in the command's own way.
var errTold = errors.New("errTold")

// report prints an error and gives the exit status.
func report(to io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errTold) {
		return exitError
	}
	fmt.Fprintln(to, "parley:", cleanLines(err.Error()))
	if a, ok := errors.AsType[*node.Advice](err); ok && a.Hint != "" {
		fmt.Fprintln(to, "hint:", clean(a.Hint))
	}
	if _, ok := errors.AsType[misuse](err); ok {
		return exitUsage
	}
	return exitError
}
