package main

import (
	"strings"
	"sync"
	"time"
)

// watchNodes is how often the nodes are asked what they have posted.
const watchNodes = 100 * time.Millisecond

// crossing tells what crosses, as the nodes' ledgers note it.
type crossing struct {
	w *world

	mu   sync.Mutex        // guards told
	told map[string]uint64 // company and link → sequence of the newest replica told
}

// run tells until the world ends.
func (x *crossing) run() error {
	next := time.NewTicker(watchNodes)
	defer next.Stop()
	for {
		if err := x.tell(); err != nil && x.w.ctx.Err() == nil {
			return err
		}
		select {
		case <-next.C:
		case <-x.w.ctx.Done():
			return nil
		}
	}
}

// tell tells what all nodes have posted since it was last called.
func (x *crossing) tell() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, name := range x.w.names {
		if err := x.of(x.w.companies[name]); err != nil {
			return err
		}
	}
	return nil
}

// of tells what one node has posted.
func (x *crossing) of(c *company) error {
	links, err := c.links()
	if err != nil {
		return err
	}
	for _, l := range links {
		id := c.name + "/" + l.Connection + "/" + l.ID
		if l.SentSeq <= x.told[id] {
			continue
		}
		var items []string
		for _, it := range l.Sent {
			if it.Seq > x.told[id] {
				items = append(items, it.Path)
			}
		}
		switch {
		case items == nil && x.told[id] == 0:
			items = []string{"its key"}
		case items == nil:
			items = []string{"something is no longer shared"}
		}
		x.told[id] = l.SentSeq
		for i, line := range wrap(c.name+" → "+l.Connection+"  "+l.Key+": "+strings.Join(items, ", "), speechWidth-8) {
			x.w.d.say.line("%*s%s", 3+min(i, 1)*4, "", clean(line))
		}
	}
	return nil
}
