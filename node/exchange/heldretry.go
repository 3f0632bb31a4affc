package exchange

import (
	"context"
	"errors"
	"fmt"

	"parley/replica"
)

// ErrWaiting is returned where a visit was asked for and has not been made in time.
var ErrWaiting = errors.New("its turn has not come yet")

// RetryNow asks for a link's held work to be tried again with current data, and
// waits until that is done. The error is the visit's, or wraps ErrWaiting where
// ctx ended first: then it is still tried.
func (d *Desk) RetryNow(ctx context.Context, connection string, id replica.LinkID) error {
	k, err := d.led.Link(connection, id)
	if err != nil {
		return fmt.Errorf("finding link %s of connection %q: %w", id, connection, err)
	}
	if k.Ended {
		return fmt.Errorf("%s was unlinked", k.Key)
	}
	r := &request{done: make(chan struct{})}
	j := job{lane: k.Ticket, ticket: k.Ticket, connection: k.Connection, link: k.ID, retry: true, asked: true, quick: []*request{r}}
	if k.Ticket == "" {
		j.lane = k.Connection + "/" + k.ID.String()
	}
	d.queue.add(j)
	select {
	case <-r.done:
		return r.failed
	case <-ctx.Done():
		why := ErrWaiting
		if trouble := d.TenantTrouble(); trouble != "" {
			why = fmt.Errorf("%w: %s", ErrWaiting, trouble)
		}
		return why
	}
}
