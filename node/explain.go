package node

import (
	"context"
	"fmt"

	"parley/node/exchange"
)

// ExplainQuestion asks what became of each item of a ticket.
type ExplainQuestion struct {
	Connection string `json:"connection"` // empty: all that share the ticket
	Key        string `json:"key"`
	Content    bool   `json:"content"` // also texts that people typed, shortened
}

// TicketReport is one link of a ticket, item by item.
type TicketReport = exchange.TicketReport

// ExplainTicket says what became of each item of a ticket: crossed, mapped, held, refused, not shared, and
// why. It reads the ticket, and writes nothing.
var ExplainTicket = op("sync/explain", (*Node).explainTicket)

func (n *Node) explainTicket(ctx context.Context, q ExplainQuestion) ([]TicketReport, error) {
	l := n.live.Load()
	if l == nil {
		return nil, notRunning("reading the ticket needs it")
	}
	all, err := l.desk.Report(ctx, q.Connection, q.Key, q.Content)
	if err != nil {
		return nil, advise(err, `"parley link list" shows the tickets that are shared; "parley doctor" whether the tenant answers`)
	}
	if len(all) == 0 {
		where := "any connection"
		if q.Connection != "" {
			where = fmt.Sprintf("connection %q", q.Connection)
		}
		return nil, advise(fmt.Errorf("%s is not shared through %s", q.Key, where), "share it: parley sync CONNECTION %s --explain", q.Key)
	}
	return all, nil
}

// ItemReport is one of its items on one of the two ways.
type ItemReport = exchange.ItemReport
