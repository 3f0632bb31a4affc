package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/node/console"
	"parley/node/ledger"
	"parley/transport"
)

// What a person reads of a node; the JSON of their listings.
type (
	Status     = console.Status
	Connection = console.Connection
	Link       = console.Link
	Held       = console.Held
	Peer       = console.Peer
)

// Nothing is a question or an answer without content.
type Nothing struct{}

// StatusOf asks how a node does.
var StatusOf = op("status", (*Node).status)

func (n *Node) status(context.Context, Nothing) (Status, error) {
	s := Status{
		Node: string(n.id.NodeID()), Name: n.conf.Name, At: time.Now(), Warnings: append(n.expiries(time.Now()), n.credentialWarnings(time.Now())...),
		Running: n.live.Load() != nil, Tenant: n.tenantLine(), Budget: n.budget(time.Now()), Webhooks: n.hooksLine(),
	}
	if full := n.space.full(); full != "" {
		s.Warnings = append(s.Warnings, full)
	}
	var err error
	if s.Connections, err = n.connections(); err != nil {
		return s, err
	}
	s.Peers, err = n.peerLines()
	return s, err
}

// connections tells how each published connection does.
func (n *Node) connections() ([]Connection, error) {
	names, err := n.led.PublishedConnections()
	if err != nil {
		return nil, err
	}
	all := make([]Connection, 0, len(names))
	for _, name := range names {
		c, err := n.connection(name)
		if err != nil {
			return nil, fmt.Errorf("looking at connection %q: %w", name, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func (n *Node) connection(name string) (Connection, error) {
	c := Connection{Name: name, State: "down"}
	p, err := n.led.PublishedRules(name)
	if err != nil {
		return c, err
	}
	c.Version = p.Number
	if src, err := source(p); err == nil {
		c.Wire, c.Peer = src.Connection.Value, src.Peer.Value
	}
	paused, err := n.paused(name)
	if err != nil {
		return c, err
	}
	if l := n.live.Load(); l != nil {
		if at := l.desk.Connection(name); at != nil {
			c.Trouble = at.Trouble()
			switch {
			case at.Up():
				c.State = "up"
			case c.Trouble == "":
				c.Trouble = l.end.States()[at.Peer].Err
			}
		}
	}
	if paused != "" {
		c.State, c.Trouble = "paused", paused
	}
	if err := errors.Join(n.count(&c), n.arriving(&c)); err != nil {
		return c, err
	}
	return c, n.outbox(&c)
}

// count counts a connection's links and what it holds.
func (n *Node) count(c *Connection) error {
	err := n.led.Links(c.Name, func(k ledger.Link) bool {
		if !k.Ended {
			c.Links++
		}
		return true
	})
	if err != nil {
		return err
	}
	return n.led.Held(c.Name, func(ledger.Held) bool {
		c.Held++
		return true
	})
}

// outbox tells what the peer has not stored yet.
func (n *Node) outbox(c *Connection) error {
	log, err := n.led.Log(c.Name)
	if err != nil {
		return err
	}
	told, at := log.Told(), log.Position()
	if at.Seq <= told.Stored {
		return nil
	}
	c.Outbox = int(at.Seq - told.Stored)
	oldest, err := log.Entries(told.Stored+1, 1)
	if err != nil || len(oldest) == 0 {
		return err
	}
	c.OldestUnacked = max(0, time.Since(oldest[0].At).Seconds())
	return nil
}

// expiryWarning is how long before a certificate's end an admin is told.
const expiryWarning = 30 * 24 * time.Hour

// expiries warns of node certificates that end soon.
func (n *Node) expiries(now time.Time) []string {
	warnings := []string{}
	warn := func(whose string, end time.Time, next string) {
		switch left := end.Sub(now); {
		case left < 0:
			warnings = append(warnings, fmt.Sprintf("%s ended on %s; %s", whose, end.UTC().Format(time.DateOnly), next))
		case left < expiryWarning:
			warnings = append(warnings, fmt.Sprintf("%s ends in %d days; %s", whose, int(left.Hours()/24), next))
		}
	}
	warn("this node's certificate", n.id.NotAfter(), "make a new node identity and pair again")
	pairs, err := n.pairing.List()
	if err != nil {
		return append(warnings, err.Error())
	}
	for _, p := range pairs {
		if p.State == transport.Offered || p.State == transport.Revoked {
			continue
		}
		if end, err := cardEnd(p); err == nil {
			warn("the certificate of "+p.Name, end, "ask the partner for a new card")
		}
	}
	return warnings
}
