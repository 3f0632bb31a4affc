package node

import (
	"context"
	"errors"
	"fmt"

	"parley/node/exchange"
)

// Drift is where the two sides of a connection stopped holding the same.
type Drift = exchange.Drift

// ReconcileQuestion asks for a comparison of both sides of a connection.
type ReconcileQuestion struct {
	Connection string   `json:"connection"`
	Last       bool     `json:"last"`  // only what the last comparison found: nobody is asked
	Heal       bool     `json:"heal"`  // bring the differing links together again
	Links      []string `json:"links"` // only these, by local key or link id; none means all
}

// Reconciled is a comparison, and how many of the differing links are being healed.
type Reconciled struct {
	Drift
	Healing int `json:"healing"`
}

// Reconcile compares what both nodes hold of each link, by hashes alone.
var Reconcile = op("reconcile", (*Node).reconcile)

func (n *Node) reconcile(ctx context.Context, q ReconcileQuestion) (r Reconciled, err error) {
	if q.Last {
		last, err := exchange.LastDrift(n.led, q.Connection)
		if err == nil && last == nil {
			err = advise(fmt.Errorf("connection %q was never compared", q.Connection), "compare it: parley reconcile %s", q.Connection)
		}
		if err != nil {
			return r, err
		}
		return Reconciled{Drift: *last}, nil
	}
	l := n.live.Load()
	if l == nil {
		return r, notRunning("the partner has to be asked")
	}
	drift, err := l.desk.Compare(ctx, q.Connection, nil)
	if errors.Is(err, exchange.ErrNoPeer) {
		return r, advise(err, `"parley status" shows since when; "parley doctor" why. What was found last: parley reconcile %s --last`, q.Connection)
	}
	if err != nil {
		return r, advise(err, `"parley status" shows the connections and what is wrong with them`)
	}
	r.Drift = *drift
	if q.Heal {
		r.Healing, err = l.desk.Realign(ctx, drift, q.Links)
	}
	return r, err
}
