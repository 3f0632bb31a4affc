package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"parley/node"
)

func newRun(w *words) *cobra.Command {
	var readyJSON, expose bool
	c := &cobra.Command{
		Use:   "run",
		Short: "run the node until SIGTERM or Ctrl-C",
		Long: `Runs the node in the foreground; its log goes to standard error. SIGTERM and
Ctrl-C end it in order, with exit status 0.

With --ready-json it prints one line on standard output once partners and
commands can reach it, whether or not the tenant answers:
{"node":"<node id>","quic":"127.0.0.1:7843","console":"http://127.0.0.1:7844"}`,
		Example: "  parley run --home acme --ready-json",
		Args:    takes(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := w.dir()
			if err != nil {
				return err
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(calmGC)
			}
			level := &slog.LevelVar{}
			n, err := node.Open(dir, slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level})))
			if err != nil {
				return err
			}
			if err := level.UnmarshalText([]byte(n.Conf().LogLevel)); err != nil {
				return fmt.Errorf("setting the log's level: %w", err)
			}
			n.ExposeConsole = expose
			err = n.Run(c.Context(), func(r node.Ready) { sayReady(c.OutOrStdout(), r, readyJSON || w.json) })
			if err != nil {
				return err // what is on disk is in order at any moment; a failed disk could not even be closed
			}
			return n.Close()
		},
	}
	c.Flags().BoolVar(&readyJSON, "ready-json", false, "print one JSON line when ready")
	c.Flags().BoolVar(&expose, "expose-console", false, "allow a console address that others can reach; the page then asks for a password (put TLS in front of it)")
	return c
}

// calmGC lets garbage grow to four times what is in use before it is collected.
// A node holds little and makes much: at 1,024 replicas in flight this gave 1.2
// times the replicas a second (BenchmarkEndToEnd). GOGC in the environment wins.
const calmGC = 400 // per cent

func sayReady(to io.Writer, r node.Ready, asJSON bool) {
	if asJSON {
		writeJSON(to, r)
		return
	}
	fmt.Fprintln(to, "node", r.Node)
	if r.QUIC != "" {
		fmt.Fprintln(to, "listens for partners on UDP", r.QUIC)
	}
	if r.Console != "" {
		fmt.Fprintln(to, "status page", r.Console)
	}
	if r.Webhook != "" {
		fmt.Fprintln(to, "listens for webhooks on TCP", r.Webhook)
	}
	if r.Secret != "" {
		fmt.Fprintln(to, "its password is in", r.Secret)
	}
}
