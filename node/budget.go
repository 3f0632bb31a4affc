package node

import (
	"time"

	"parley/jsm"
	"parley/node/console"
)

// Budget is what is left of the tenant's limits.
type Budget = console.Budget

// tenantLine tells how the tenant is reached.
func (n *Node) tenantLine() console.Tenant {
	calls := n.Calls().Total()
	t := console.Tenant{URL: n.conf.Tenant.URL, State: "unknown", Calls: calls.Calls, Points: calls.Points}
	l := n.live.Load()
	if l == nil {
		return t
	}
	t.State, t.Trouble = "up", l.tenantTrouble()
	s := n.tenant.client.Standing()
	switch {
	case s.State == jsm.Paused:
		t.State = "paused"
	case t.Trouble != "":
		t.State = "down"
	}
	if s.State != jsm.Up {
		t.Kind, t.Next, t.Since, t.Again = string(s.Trouble), s.Trouble.Advice().Next, s.Since, s.Until
	}
	return t
}

// budget tells what this hour's calls have cost, and what is left where that is
// known; nil while no node runs.
func (n *Node) budget(now time.Time) *Budget {
	if n.live.Load() == nil {
		return nil
	}
	q := n.tenant.client.Budget()
	b := &Budget{Limit: q.Limit, Source: "none", Used: q.Used, Kept: q.Kept, Resets: q.Resets, Connections: q.Spent, State: "enough"}
	switch {
	case q.Limit == 0:
	case q.Learned:
		b.Source = "learned"
	default:
		b.Source = "configured"
	}
	b.Left = max(0, q.Limit-q.Used)
	if n.tenant.client.Spare() > 0 {
		b.State = "low"
	}
	if s := n.tenant.client.Standing(); s.State == jsm.Paused {
		b.State, b.Resets = "spent", s.Until
	}
	return b
}
