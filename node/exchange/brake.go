package exchange

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// brake stops everything that would make the ledger grow, while its disk is
// nearly full: nothing is read from partners (QUIC holds them back), no ticket
// is visited, the tenant is not polled. Receipts and what is in the log already
// still leave. Nothing is lost: the cursor and the marks stay where they are.
type brake struct {
	mu  sync.Mutex // guards the fields below
	why string
	off chan struct{} // closed when the brake is taken off; nil while it is off
}

// ErrNoRoom is wrapped where work is refused because the disk is nearly full.
var ErrNoRoom = errors.New("the disk is nearly full")

// set puts the brake on for a reason in plain words, or with "" takes it off.
func (b *brake) set(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.why = why
	switch {
	case why != "" && b.off == nil:
		b.off = make(chan struct{})
	case why == "" && b.off != nil:
		close(b.off)
		b.off = nil
	}
}

// on is why the brake is on; "" while it is off.
func (b *brake) on() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.why
}

// wait returns when the brake is off; false when ctx ended first.
func (b *brake) wait(ctx context.Context) bool {
	for ctx.Err() == nil {
		b.mu.Lock()
		off := b.off
		b.mu.Unlock()
		if off == nil {
			return true
		}
		select {
		case <-off:
		case <-ctx.Done():
		}
	}
	return false
}

// Brake stops all work that needs room on the disk, for a reason in plain words;
// "" lets it go on.
func (d *Desk) Brake(why string) { d.brake.set(why) }

// room refuses work that somebody asks for while there is no room for it.
func (d *Desk) room() error {
	if why := d.brake.on(); why != "" {
		return fmt.Errorf("%w: %s", ErrNoRoom, why)
	}
	return nil
}
