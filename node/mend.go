package node

import (
	"context"
	"errors"
	"fmt"

	"parley/node/exchange"
)

// MendQuestion asks to heal a connection whose memory this node has lost.
type MendQuestion struct {
	Connection string          `json:"connection"`
	How        exchange.Remedy `json:"how"`
}

// The remedies; see [exchange.Remedy].
const (
	FromPeer = exchange.FromPeer
	Resync   = exchange.Resync
)

// Mend begins to heal a connection of a home that was put back to an earlier
// state; the rest goes on by itself, and "parley status" tells of it.
var Mend = op("heal", func(n *Node, ctx context.Context, q MendQuestion) (Connection, error) {
	l := n.live.Load()
	if l == nil {
		return Connection{}, notRunning("healing needs it")
	}
	if q.How != FromPeer && q.How != Resync {
		return Connection{}, advise(fmt.Errorf("there is no remedy %q", q.How), "--from-peer or --resync")
	}
	if err := l.desk.Mend(ctx, q.Connection, q.How); err != nil {
		if errors.Is(err, exchange.ErrNotBack) {
			return Connection{}, advise(err, "the two logs have parted: run parley heal %s --resync", q.Connection)
		}
		return Connection{}, advise(err, `"parley status" shows the connections and what is wrong with them`)
	}
	return n.connection(q.Connection)
})
