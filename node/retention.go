package node

import (
	"context"
	"fmt"
	"time"
)

const (
	keepEvery = time.Hour       // between two rounds over all connections
	keepFirst = 5 * time.Minute // after the start, which has more urgent things to do
	keepPause = time.Second     // between two steps: some 2 MiB a second at most
)

// keepBodies erases bodies that [ledger] keep does not keep any more, in small
// steps, until ctx ends.
func (n *Node) keepBodies(ctx context.Context) error {
	keep := n.conf.Ledger.Keep
	if keep == 0 {
		return nil
	}
	for wait := keepFirst; pause(ctx, wait); wait = keepEvery {
		names, err := n.led.PublishedConnections()
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := n.prune(ctx, name, keep); err != nil && ctx.Err() == nil {
				n.log.Error("old replicas stay on disk", "connection", name, "err", err)
			}
		}
	}
	return nil
}

// prune erases a connection's old bodies and gives their room back.
func (n *Node) prune(ctx context.Context, connection string, keep time.Duration) error {
	log, err := n.led.Log(connection)
	if err != nil {
		return err
	}
	began, steps := time.Now(), 0
	for more := true; more; steps++ {
		if more, err = log.Prune(time.Now(), keep); err != nil {
			return err
		}
		if more && !pause(ctx, keepPause) {
			return nil
		}
	}
	if steps < 2 {
		return nil // too little to be worth rewriting files
	}
	if err := log.Reclaim(ctx); err != nil {
		return fmt.Errorf("giving back the room of old replicas: %w", err)
	}
	n.log.Info("old replicas were erased; their proofs stay", "connection", connection, "took", time.Since(began))
	return nil
}
