package exchange

import (
	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
)

// Tickets point to each other (parent). The peer knows another ticket of ours by its link on the same connection, or
// not at all.

// linkOf gives the link of another of our tickets on the lane's connection.
func (l *lane) linkOf(ticket string) (replica.LinkID, bool) {
	links, err := l.d.led.LinksOf(ticket)
	if err != nil {
		return replica.LinkID{}, false // not known now: the item waits
	}
	for _, k := range links {
		if k.Connection == l.c.Name && !k.Ended {
			return k.ID, true
		}
	}
	return replica.LinkID{}, false
}

// ticketOf gives our ticket of another link of the connection.
func (c *Connection) ticketOf(led *ledger.Ledger, id replica.LinkID) (jsm.Option, bool) {
	k, err := led.Link(c.Name, id)
	if err != nil || k.Ended || k.Ticket == "" {
		return jsm.Option{}, false
	}
	return jsm.Option{ID: k.Ticket, Value: k.Key}, true
}
