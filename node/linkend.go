package node

import (
	"context"
	"errors"
	"fmt"

	"parley/node/exchange"
	"parley/replica"
)

// LinkEnd ends the link of a ticket for good: nothing of it crosses any more, either way, and the partner may ask for none
// of its files from that moment. Both tickets stay as they are. It needs no tenant and no partner.
var LinkEnd = op("link/end", (*Node).linkEnd)

func (n *Node) linkEnd(ctx context.Context, q LinksQuestion) (Link, error) {
	if q.Key == "" {
		return Link{}, errors.New("no ticket is named")
	}
	lines, err := n.links(ctx, q)
	switch {
	case err != nil:
		return Link{}, err
	case len(lines) == 0:
		return Link{}, advise(fmt.Errorf("no link has the ticket or id %q", q.Key), `"parley link list" shows all`)
	case len(lines) > 1:
		return Link{}, advise(fmt.Errorf("%s has %d links", q.Key, len(lines)), "name one by --connection, or by its id as \"parley link list\" shows it")
	}
	line := lines[0]
	id, err := replica.ParseLinkID(line.ID)
	if err != nil {
		return Link{}, err
	}
	if l := n.live.Load(); l != nil {
		err = l.desk.End(line.Connection, id)
	} else if k, found := n.led.Link(line.Connection, id); found != nil {
		err = found
	} else {
		err = exchange.EndLink(n.led, k)
	}
	line.State = "ended"
	return line, err
}
