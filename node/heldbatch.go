package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/node/exchange"
	"parley/node/ledger"
)

// MaxHeldBatch is how many items one question of HeldRetryAll may name: whoever
// asks shows progress between them.
const MaxHeldBatch = 25

// HeldBatch names held work to be tried again together.
type HeldBatch struct {
	IDs  []string      `json:"ids"`
	Wait time.Duration `json:"wait"` // for the outcome; 0: as long as the asker waits
}

// Retried is what became of one item.
type Retried struct {
	ID    string `json:"id"`
	Key   string `json:"key"`
	State string `json:"state"` // solved, held, waiting (for its turn, or for its file), later (no node runs)
	Why   string `json:"why"`
}

// HeldRetryAll has many items tried again with current data, and waits for what
// becomes of them where a node runs.
var HeldRetryAll = op("held/retry-all", (*Node).heldRetryAll)

func (n *Node) heldRetryAll(ctx context.Context, q HeldBatch) ([]Retried, error) {
	if len(q.IDs) > MaxHeldBatch {
		return nil, fmt.Errorf("%d items at once are too many (at most %d)", len(q.IDs), MaxHeldBatch)
	}
	if q.Wait > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, q.Wait)
		defer cancel()
	}
	before := map[string]ledger.Held{}
	err := n.led.Held("", func(h ledger.Held) bool {
		if id := h.ID(); slices.Contains(q.IDs, id) {
			before[id] = h
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	all := make([]Retried, len(q.IDs))
	var g errgroup.Group
	for i, id := range q.IDs {
		g.Go(func() error {
			all[i] = n.retryOne(ctx, id, before[id])
			return nil
		})
	}
	return all, g.Wait()
}

// retryOne has one item's link visited, and looks whether it still waits.
func (n *Node) retryOne(ctx context.Context, id string, h ledger.Held) Retried {
	r := Retried{ID: id, Key: h.Key, State: "solved"}
	l := n.live.Load()
	switch {
	case h.Connection == "":
		return r // it was solved meanwhile
	case h.Link.IsZero():
		r.State, r.Why = "held", h.Reason
		return r
	case l == nil:
		r.State = "later"
		if err := n.retry(h.Connection, h.Link); err != nil {
			r.State, r.Why = "held", err.Error()
		}
		return r
	default:
		err := l.desk.RetryNow(ctx, h.Connection, h.Link)
		if errors.Is(err, exchange.ErrWaiting) {
			r.State, r.Why = "waiting", err.Error()
			return r
		}
		if err != nil {
			r.State, r.Why = "held", err.Error()
		}
	}
	now, err := n.led.HeldOf(h.Connection, h.Link)
	if err != nil {
		r.State, r.Why = "held", err.Error()
		return r
	}
	if i := slices.IndexFunc(now, func(now ledger.Held) bool { return now.ID() == id }); i >= 0 {
		r.State, r.Why = "held", now[i].Reason
		return r
	}
	if under, err := l.desk.Underway(h); err != nil {
		r.State, r.Why = "held", err.Error()
	} else if under && r.State == "solved" {
		r.State, r.Why = "waiting", "it was tried again, and is not settled yet"
	}
	return r
}
