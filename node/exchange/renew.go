package exchange

import (
	"bytes"
	"context"
	"fmt"

	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// worksFact keeps by which rules, under which policy, all links of a connection
// have been marked.
func worksFact(connection string) string { return "works/" + connection }

// renew has every link of a connection visited whose rules or policy are not those
// of the last time. The marks are on disk before that is noted, so neither a
// crash nor a start costs reading all tickets again.
func (d *Desk) renew(c *Connection, r *rules.Rules) error {
	basis := r.Basis()
	was, err := d.led.Fact(worksFact(c.Name))
	if err != nil || bytes.Equal(was, basis[:]) {
		return err
	}
	var tickets []string
	mark := func() error {
		_, err := d.led.MarkDirty(tickets, "")
		tickets = tickets[:0]
		return err
	}
	var failed error
	err = d.led.Links(c.Name, func(k ledger.Link) bool {
		d.backfill(k)
		if k.Ticket != "" && !k.Ended {
			tickets = append(tickets, k.Ticket)
		}
		if len(tickets) == markAtOnce {
			failed = mark()
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err == nil {
		err = mark()
	}
	if err != nil {
		return fmt.Errorf("marking the links of %q for their new rules: %w", c.Name, err)
	}
	return d.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, worksFact(c.Name), basis[:]) })
}

const markAtOnce = 1000 // marks that one synced batch holds

// recheck looks, once after the start and beside everything else, for links that
// a crash left with something to say and without a mark. It asks the ledger only.
func (d *Desk) recheck(ctx context.Context) error {
	for _, c := range d.Connections() {
		var failed error
		err := d.led.Links(c.Name, func(k ledger.Link) bool {
			var open bool
			if open, failed = d.unsaid(k); open {
				d.backfill(k)
			}
			return failed == nil && ctx.Err() == nil
		})
		if err == nil {
			err = failed
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("looking through the links of %q: %w", c.Name, err)
		}
	}
	return nil
}

// unsaid reports whether a link owes the peer something that it has not posted:
// its whole view, or an item that won against the peer's. An item that was taken
// away here looks the same, and costs one visit.
func (d *Desk) unsaid(k ledger.Link) (bool, error) {
	if k.Ended || k.Ticket == "" {
		return false, nil
	}
	out, err := d.led.Outgoing(k.Connection, k.ID)
	if err != nil {
		return false, err
	}
	word, err := d.led.Word(k.Connection, k.ID)
	if err != nil || word.Lost > out.Whole || out.Last == 0 {
		return err == nil, err
	}
	for p := range out.Posted {
		if out.Bases[p].Local == (replica.Hash{}) {
			return true, nil
		}
	}
	return false, nil
}
