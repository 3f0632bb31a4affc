// Command parley joins two Jira Service Management desks without a middleman.
//
// Each verb is one file: it reads its words, asks package node, and prints. It
// keeps true: results go to standard output, everything else to standard error;
// an error ends with exit status 1 and what to do about it, wrong usage with 2;
// text that came from elsewhere is cleaned before it reaches a terminal. It
// never opens the ledger itself and never prints a token.
//
// Start at root.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

// run is main for the tests, which run this program as a command of theirs.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	root := newRoot()
	return report(root.ErrOrStderr(), root.ExecuteContext(ctx))
}
