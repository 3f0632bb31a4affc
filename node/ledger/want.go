package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"parley/replica"
)

// Want notes that a trigger asked for a ticket which its connection could not
// take then: it was paused, or its rules did not work. It returns once that is
// on disk.
func (l *Ledger) Want(connection, ticket string) error {
	return l.Write(func(b *Batch) error { return b.Set(table('w').str(connection).str(ticket), nil, nil) })
}

// Wants lists up to n of the tickets that a connection could not take.
func (l *Ledger) Wants(connection string, n int) (tickets []string, err error) {
	prefix := table('w').str(connection)
	err = l.scan(prefix, func(k, _ []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		tickets = append(tickets, r.str())
		return len(tickets) < n, r.end("wanted ticket")
	})
	return tickets, err
}

// DropWants forgets wanted tickets. It need not wait for the disk: one that
// comes back costs a question.
func (l *Ledger) DropWants(connection string, tickets []string) error {
	for _, t := range tickets {
		if err := l.db.Delete(table('w').str(connection).str(t), pebble.NoSync); err != nil {
			return err
		}
	}
	return nil
}

// Saw notes the state in which a ticket was read when nothing of it was left to
// do. It need not wait for the disk: without it the sweep reads the ticket once
// more.
func (l *Ledger) Saw(ticket string, updated time.Time) error {
	return l.db.Set(table('u').str(ticket), table('u').num(uint64(updated.UnixMilli()))[1:], pebble.NoSync)
}

// LastSeen is what Saw noted last; the zero time where nothing was.
func (l *Ledger) LastSeen(ticket string) (updated time.Time, err error) {
	err = l.get(table('u').str(ticket), func(v []byte) error {
		r := reader{b: v}
		updated = time.UnixMilli(int64(r.num()))
		return r.end("last seen")
	})
	return updated, missing(err)
}

// Place is where a walk over all links stands; the zero value is the start.
type Place struct {
	Connection string
	Link       replica.LinkID
}

// LinksFrom lists up to n links after a place, in the ledger's order.
func (l *Ledger) LinksFrom(after Place, n int) (links []Link, err error) {
	from := table('L')
	if after != (Place{}) {
		from = append(from.str(after.Connection).link(after.Link), 0)
	}
	err = l.scanFrom(table('L'), from, func(_, v []byte) (bool, error) {
		var k Link
		if err := json.Unmarshal(v, &k); err != nil {
			return false, fmt.Errorf("reading a link: %w", err)
		}
		links = append(links, k)
		return len(links) < n, nil
	})
	return links, err
}
