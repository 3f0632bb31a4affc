package node

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/node/exchange"
	"parley/node/ledger"
)

// Outside is [outside] for the simulation, which is no part of this package.
type Outside struct {
	Disk vfs.FS
	Step func(*ledger.Batch)
	Wire net.PacketConn
	Jira http.RoundTripper
}

// OpenIn opens a home in a simulated world.
func OpenIn(o Outside, dir string, log *slog.Logger) (*Node, error) {
	return openIn(outside{disk: o.Disk, step: o.Step, wire: o.Wire, jira: o.Jira, faceless: true}, dir, log)
}

// Do asks a node in this process, whether or not it runs.
func (o Op[Q, A]) Do(n *Node, question Q) (A, error) { return o.do(n, context.Background(), question) }

// Ledger is the node's memory.
func (n *Node) Ledger() *ledger.Ledger { return n.led }

// Desk is the running node's; nil while it does not run.
func (n *Node) Desk() *exchange.Desk {
	if l := n.live.Load(); l != nil {
		return l.desk
	}
	return nil
}
