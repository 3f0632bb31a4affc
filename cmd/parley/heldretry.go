package main

import (
	"cmp"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

// retryWait bounds how long one batch of retries is waited for, unless told otherwise.
const retryWait = 30 * time.Second

// retryQuestion says what is tried again.
type retryQuestion struct {
	node.HeldQuestion
	all  bool
	wait time.Duration
}

func heldRetry(w *words) *cobra.Command {
	var q retryQuestion
	c := &cobra.Command{
		Use:   "retry ID | --all [--class CLASS] [--connection C]",
		Short: "try again now, with current data",
		Long: `Has a held item's link visited again with the ticket and the rules as they are
now: at once where the node runs, else when it starts. With --all: everything
that waits, or only a class or a connection, with progress on standard error.

JSON of one: ` + heldJSON + `
JSON with --all: {"asked":n,"solved":n,"held":n,"waiting":n,"items":[{"id":"…","key":"…","state":"solved|held|waiting|later","why":"…"}]}`,
		Example: "  parley held retry 0123456789\n  parley held retry --all --class definite --connection globex",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if q.all == (len(args) == 1) {
				return misused(c, fmt.Errorf("%s needs an ID, or --all", c.CommandPath()))
			}
			if err := checkClass(string(q.Class)); err != nil {
				return err
			}
			if q.all {
				return retryAll(c, w, q)
			}
			if q.Class != "" || q.Connection != "" {
				return misused(c, fmt.Errorf("--class and --connection go with --all"))
			}
			return decide(c, w, node.HeldRetry, node.HeldQuestion{ID: args[0]}, "is tried again")
		},
	}
	c.Flags().BoolVar(&q.all, "all", false, "everything that waits")
	c.Flags().StringVar((*string)(&q.Class), "class", "", "with --all: only of this class")
	c.Flags().StringVar(&q.Connection, "connection", "", "with --all: only this connection's")
	c.Flags().DurationVar(&q.wait, "wait", retryWait, fmt.Sprintf("with --all: how long to wait for each %d items", node.MaxHeldBatch))
	return c
}

// retries is what became of all that was tried again.
type retries struct {
	Asked   int            `json:"asked"`
	Solved  int            `json:"solved"`
	Held    int            `json:"held"`
	Waiting int            `json:"waiting"`
	Items   []node.Retried `json:"items"`
}

func retryAll(c *cobra.Command, w *words, q retryQuestion) error {
	dir, err := w.dir()
	if err != nil {
		return err
	}
	all, err := node.HeldList.Ask(c.Context(), dir, q.HeldQuestion)
	if err != nil {
		return err
	}
	var ids []string
	for _, h := range all {
		if h.Link != "" { // what holds everything is nothing that could be tried
			ids = append(ids, h.ID)
		}
	}
	sum := retries{Asked: len(ids), Items: []node.Retried{}}
	for len(ids) > 0 {
		n := min(len(ids), node.MaxHeldBatch)
		some, err := node.HeldRetryAll.Ask(c.Context(), dir, node.HeldBatch{IDs: ids[:n], Wait: q.wait})
		if err != nil {
			return err
		}
		ids = ids[n:]
		sum.add(some)
		if sum.Asked > node.MaxHeldBatch {
			fmt.Fprintf(c.ErrOrStderr(), "tried %d of %d: %d solved\n", len(sum.Items), sum.Asked, sum.Solved)
		}
	}
	if w.json {
		return writeJSON(c.OutOrStdout(), sum)
	}
	return sum.print(c)
}

func (r *retries) add(some []node.Retried) {
	for _, one := range some {
		switch one.State {
		case "solved":
			r.Solved++
		case "held":
			r.Held++
		default:
			r.Waiting++
		}
	}
	r.Items = append(r.Items, some...)
}

func (r *retries) print(c *cobra.Command) error {
	if r.Asked == 0 {
		_, err := fmt.Fprintln(c.OutOrStdout(), "nothing is held that could be tried again")
		return err
	}
	var rows [][]string
	for _, one := range r.Items {
		rows = append(rows, []string{one.ID, one.Key, one.State, one.Why})
	}
	if err := table(c.OutOrStdout(), "", []string{"ID", "KEY", "STATE", "WHY"}, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "%s: %d solved, %d still held, %d waiting\n", count(r.Asked, "item"), r.Solved, r.Held, r.Waiting)
	return err
}

// whoami names whoever gives the command, for the record of a decision: sudo's
// user, else the process's.
func whoami() string {
	if u, err := user.Current(); err == nil {
		return cmp.Or(os.Getenv("SUDO_USER"), u.Username)
	}
	return cmp.Or(os.Getenv("SUDO_USER"), os.Getenv("USER"), "uid "+fmt.Sprint(os.Getuid()))
}
