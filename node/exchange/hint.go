package exchange

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/jsm"
)

// intake holds what hints have named until the poll takes it. It is bounded:
// beyond that, what it has no room for is known from the marks on disk.
type intake struct {
	mu    sync.Mutex // guards the fields below
	names map[string]uint64
	over  bool
	wake  chan struct{}
}

const mostNamed = 100_000 // tickets between two turns of the poll

// put hands over tickets, by id or key, with the generation of their marks.
func (in *intake) put(names []string, generation uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.names == nil {
		in.names = map[string]uint64{}
	}
	for _, name := range names {
		if len(in.names) >= mostNamed {
			in.over = true
			break
		}
		in.names[name] = generation
	}
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

func (in *intake) take() (names map[string]uint64, over bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	names, over = in.names, in.over
	in.names, in.over = nil, false
	return names, over
}

// Hint notes that tickets may have changed, as a webhook says, and returns once
// their marks are on disk. A hint has an id or a key or both. Where it tells the
// state that it is about (Updated), and we have read or left that state, it is
// the echo of our own write and nothing happens. After an error the hint may be
// given again.
func (d *Desk) Hint(hints []jsm.Hint) error {
	projects := d.askers().projects()
	now := time.Now()
	var names []string
	told := map[string]time.Time{}
	for _, h := range hints {
		if !isID(h.ID) {
			h.ID = ""
		}
		if h.ID != "" {
			d.tempo.heard(h.ID, now)
		}
		switch {
		case h.ID != "" && !h.Updated.IsZero() && d.ours(h):
		case h.ID != "" && (h.Key == "" || d.linked(h.ID)), slices.Contains(projects, projectOf(h.Key)):
			names = append(names, cmp.Or(h.ID, h.Key))
			told[h.ID] = h.Updated
		}
	}
	if len(names) == 0 {
		return nil
	}
	generation, err := d.led.MarkDirty(names, "")
	if err != nil {
		return err
	}
	for _, id := range names {
		if isID(id) && d.linked(id) {
			d.queue.add(job{lane: id, ticket: id, generation: generation, told: told[id]})
		}
	}
	d.intake.put(names, generation)
	return nil
}

// unechoed ends the visits that only echoes ask for: a webhook of our own write
// may come while the visit that made it still goes on, and is known as its echo
// only afterwards.
func (d *Desk) unechoed(jobs []*job) []*job {
	return slices.DeleteFunc(jobs, func(j *job) bool {
		if j.told.IsZero() || j.ticket == "" || !d.ours(jsm.Hint{ID: j.ticket, Updated: j.told}) {
			return false
		}
		if err := d.led.ClearDirty(j.ticket, j.generation); err != nil {
			return false
		}
		d.queue.done(j, time.Time{})
		return true
	})
}

// projectOf is the key of the project that a ticket's key names; "" for none.
func projectOf(key string) string {
	i := strings.LastIndexByte(key, '-')
	return key[:max(i, 0)]
}

// take makes questions of what hints named since the last turn, and finds the
// ids of tickets that were named by key only. It reports whether the tenant was asked.
func (p *poller) take(ctx context.Context) (asked bool, err error) {
	names, over := p.d.intake.take()
	if over {
		p.due = time.Time{} // a search knows the rest
	}
	for name, generation := range names {
		if isID(name) {
			p.question(name, generation, soonAndLater(p.d.cfg.IndexLag))
		} else {
			p.keys[name] = max(p.keys[name], generation)
		}
	}
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(p.keys)), readAtOnce) {
		hints, err := p.d.jira.Updated(ctx, keys)
		if err != nil {
			return true, err
		}
		asked = true
		if err := p.d.Hint(hints); err != nil {
			return true, err
		}
		for _, key := range keys {
			if err := p.d.led.ClearDirty(key, p.keys[key]); err != nil {
				return true, err
			}
			delete(p.keys, key)
		}
	}
	return asked, nil
}
