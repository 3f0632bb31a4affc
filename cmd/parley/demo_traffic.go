package main

import (
	"strings"

	"parley/node"
)

// traffic is what parley has done in a world so far.
type traffic struct {
	replicas int   // posted by all nodes
	writes   int   // to the tenants, by the nodes' accounts
	calls    int   // of those accounts, polls left out
	polls    []int // of each company's node
}

// pollsSince is how often every node has polled at least since then.
func (n traffic) pollsSince(then traffic) int {
	least := n.polls[0] - then.polls[0]
	for i := range n.polls {
		least = min(least, n.polls[i]-then.polls[i])
	}
	return least
}

// traffic counts what parley has done in the world so far: replicas by the
// nodes' ledgers, calls and writes by the tenants' journals.
func (w *world) traffic() (n traffic, err error) {
	n.polls = make([]int, len(w.names))
	for i, name := range w.names {
		c := w.companies[name]
		for endpoint, calls := range c.tenant.Calls(c.sync.Email) {
			if strings.HasSuffix(endpoint, "/search/jql") {
				n.polls[i] += calls
			} else {
				n.calls += calls
			}
		}
		for _, writes := range c.tenant.WritesBy(c.sync.Email) {
			n.writes += writes
		}
		links, err := c.links()
		if err != nil {
			return n, err
		}
		sent := map[string]uint64{} // by connection: sequence numbers have no gaps
		for _, l := range links {
			sent[l.Connection] = max(sent[l.Connection], l.SentSeq)
		}
		for _, last := range sent {
			n.replicas += int(last)
		}
	}
	return n, nil
}

// links asks a node for its links in detail.
func (c *company) links() ([]node.LinkDetail, error) {
	if err := c.w.ctx.Err(); err != nil {
		return nil, err
	}
	all, err := node.Links.Ask(c.w.ctx, c.home, node.LinksQuestion{})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return node.LinkShow.Ask(c.w.ctx, c.home, node.LinksQuestion{})
}
