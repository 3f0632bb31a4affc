package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"parley/node"
)

const progressEvery = time.Second

func newBackup(w *words) *cobra.Command {
	return &cobra.Command{
		Use:   "backup DIR",
		Short: "copy the home while the node works",
		Long: `Copies the node's home into a new folder DIR: the ledger as it is at one moment,
the configuration, the policy, the drafts and the keys. The node goes on working.
The copy is verified, and gets its name only then; the manifest in it holds the
SHA-256 of every file.

The folder holds the node's private keys: keep it as you keep them.

JSON: {"dir":"…","taken":"…","files":n,"bytes":n,"seconds":x,"left_out":["…"]}`,
		Example: "  parley backup /backup/acme-2026-11-22 --home acme",
		Args:    takes(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			home, err := w.dir()
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			done, err := withProgress(c.Context(), c.ErrOrStderr(), home, func(ctx context.Context) (node.BackupDone, error) {
				return node.Backup.Ask(ctx, home, node.BackupQuestion{Dir: dir})
			})
			if err != nil {
				return err
			}
			if w.json {
				return writeJSON(c.OutOrStdout(), done)
			}
			for _, name := range done.LeftOut {
				fmt.Fprintln(c.ErrOrStderr(), "left out, since it is no plain file:", clean(name))
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s holds %s, %s, as of %s; it was verified\nit holds the node's keys: keep it safe\n",
				clean(done.Dir), count(done.Files, "file"), size(done.Bytes), stamp(done.Taken))
			return err
		},
	}
}

// withProgress asks, and says on to every second how far a running node is.
func withProgress[A any](ctx context.Context, to io.Writer, home string, ask func(context.Context) (A, error)) (A, error) {
	type answer struct {
		a   A
		err error
	}
	over := make(chan answer, 1)
	go func() {
		a, err := ask(ctx)
		over <- answer{a, err}
	}()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case done := <-over:
			return done.a, done.err
		case <-tick.C:
			sayProgress(ctx, to, home)
		}
	}
}

// sayProgress tells nothing where no node runs: the home is busy with the copy.
func sayProgress(ctx context.Context, to io.Writer, home string) {
	now, err := node.Running(ctx, home, node.BackupState)
	if err != nil || now.Step == "" {
		return
	}
	fmt.Fprintf(to, "%s … %s\n", clean(now.Step), size(now.Bytes))
}

// size words a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}
