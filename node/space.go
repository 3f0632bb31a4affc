package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"parley/node/exchange"
)

// The node refuses new work while the disk of its home is nearly full, so that
// what is under way can still be finished and recorded.
const (
	spaceFull   = 0.90     // of the disk in use: from here on nothing new is taken
	spaceRoom   = 0.85     // below this it goes on by itself
	spaceEnough = 32 << 30 // bytes free that are enough whatever their share is
	spaceEvery  = 15 * time.Second
)

// space is what is known of the home's disk.
type space struct {
	look func(path string) (free, total uint64, err error)

	mu  sync.Mutex // guards why
	why string     // why no new work is taken; "" it is
}

// full is why the node takes no new work, in plain words; "" where it does.
func (s *space) full() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// step looks at the disk once and reports whether work stops or goes on.
func (s *space) step(home string) (changed bool) {
	free, total, err := s.look(home)
	if err != nil || total == 0 {
		return false // it cannot be told: the ledger stops by itself when a write fails
	}
	used := inUse(free, total)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.why == "" && crowded(free, total):
		s.why = fmt.Sprintf("the disk of %s is %.0f %% full (%d MiB left): no new work is taken until it is below %.0f %%. Free some space; it goes on by itself", home, 100*used, free>>20, 100*spaceRoom)
		return true
	case s.why != "" && (used < spaceRoom || free >= spaceEnough):
		s.why = ""
		return true
	}
	return false
}

func inUse(free, total uint64) float64 {
	return 1 - float64(free)/float64(max(total, 1))
}

// crowded reports a disk on which no new work is taken.
func crowded(free, total uint64) bool {
	return total > 0 && inUse(free, total) >= spaceFull && free < spaceEnough
}

// watchSpace stops and resumes the desk's work by the room on the disk, until ctx ends.
func (n *Node) watchSpace(ctx context.Context, desk *exchange.Desk) error {
	for {
		if n.space.step(n.home) {
			why := n.space.full()
			desk.Brake(why)
			if why != "" {
				n.log.Error("the disk is nearly full: no new work is taken", "err", why)
			} else {
				n.log.Info("there is room on the disk again: work goes on")
			}
		}
		if !pause(ctx, spaceEvery) {
			return nil
		}
	}
}
