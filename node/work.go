package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/node/exchange"
	"parley/node/ledger"
)

// SyncQuestion asks to share tickets now.
type SyncQuestion struct {
	Connection string        `json:"connection"`
	Keys       []string      `json:"keys"`
	Wait       time.Duration `json:"wait"` // for the partner's word; 0: as long as the asker waits
}

// Synced is what became of one ticket.
type Synced = exchange.Synced

// maxSync is how many tickets one sync may name: each is a read and a wait.
const maxSync = 500

// Sync shares tickets and waits for their outcome.
var Sync = op("sync", (*Node).sync)

func (n *Node) sync(ctx context.Context, q SyncQuestion) ([]Synced, error) {
	l := n.live.Load()
	if l == nil {
		return nil, notRunning("sharing a ticket needs it")
	}
	if len(q.Keys) > maxSync {
		return nil, fmt.Errorf("%d tickets at once are too many (at most %d)", len(q.Keys), maxSync)
	}
	if q.Wait > 0 {
		waiting, cancel := context.WithTimeout(ctx, q.Wait)
		defer cancel()
		all, err := l.desk.Sync(waiting, q.Connection, q.Keys)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = nil // each answer says what it waits for
		}
		return synced(all, err)
	}
	return synced(l.desk.Sync(ctx, q.Connection, q.Keys))
}

func synced(all []Synced, err error) ([]Synced, error) {
	if all == nil {
		all = []Synced{}
	}
	return all, advise(err, `"parley status" shows the connections and what is wrong with them`)
}

// ConnectionQuestion names a connection.
type ConnectionQuestion struct {
	Connection string `json:"connection"`
}

// Pause stops a connection: no new links start, and nothing is written to the
// tenant; what arrives is still stored. It holds over restarts.
var Pause = op("pause", func(n *Node, _ context.Context, q ConnectionQuestion) (Connection, error) {
	return n.setPaused(q.Connection, pausedByHand+" on "+time.Now().UTC().Format("2006-01-02 15:04 UTC"))
})

// pausedByHand begins the reason of a pause that a person asked for.
const pausedByHand = "an admin paused it"

// Resume lets a paused connection go on: every link is visited again.
var Resume = op("resume", func(n *Node, _ context.Context, q ConnectionQuestion) (Connection, error) {
	return n.setPaused(q.Connection, "")
})

// pauseFact is where the exchange keeps why a connection is paused; empty: it is not.
func pauseFact(connection string) string { return "pause/" + connection }

// paused is why a connection is paused; "" where it is not.
func (n *Node) paused(connection string) (string, error) {
	why, err := n.led.Fact(pauseFact(connection))
	return string(why), err
}

func (n *Node) setPaused(connection, why string) (c Connection, err error) {
	names, err := n.led.PublishedConnections()
	if err != nil {
		return c, err
	}
	if !slices.Contains(names, connection) {
		return c, advise(fmt.Errorf("there is no connection %q with published rules", connection), `"parley status" lists the connections`)
	}
	l := n.live.Load()
	switch {
	case l == nil:
		err = n.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, pauseFact(connection), []byte(why)) })
	case why == "":
		err = l.desk.Resume(connection)
	default:
		err = l.desk.Pause(connection, why)
	}
	if err != nil {
		return c, fmt.Errorf("changing the pause of %q: %w", connection, err)
	}
	return n.connection(connection)
}
