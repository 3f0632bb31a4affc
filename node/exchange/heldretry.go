package exchange

import (
	"context"
	"errors"
	"fmt"

	"parley/node/ledger"
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

// Underway reports held work that was tried again, is held no longer and not settled either: its file is being read, or
// on its way, or what became of its write is not known yet.
func (d *Desk) Underway(h ledger.Held) (bool, error) {
	if !h.Out {
		done, err := d.led.Done(h.Connection, h.Link)
		return err == nil && done.Pending[h.Path], err
	}
	f := d.files
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.sums {
		if h.Path.Kind() == "attachment" && h.Path.Element() == id.ID {
			return true, nil
		}
	}
	return false, nil
}
