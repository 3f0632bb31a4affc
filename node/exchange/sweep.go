package exchange

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"parley/jsm"
	"parley/node/ledger"
)

// sweep asks, slowly and for every linked ticket, when it last changed, and
// marks those whose state nobody has told of, or that was not read whole (jsm.Ticket.Owed): a lost webhook and a search that
// never showed the change heal within a day. It survives a restart.
type sweep struct {
	Began time.Time    `json:"began"` // the round under way, or the last one
	Place ledger.Place `json:"place"` // where it stands
	Going bool         `json:"going"`

	period time.Duration
	due    time.Time // of the next step
}

const (
	sweepAtOnce = 100         // tickets of one question: Jira's bound for bulkfetch
	sweepGap    = time.Minute // between two: 6,000 tickets, and as many points, an hour
	sweepFact   = "sweep"
)

func (s *sweep) on() bool { return s.period > 0 }

// begin takes up the round that an earlier process began.
func (s *sweep) begin(d *Desk) error {
	s.period = d.cfg.Sweep
	if !s.on() {
		return nil
	}
	v, err := d.led.Fact(sweepFact)
	if err != nil {
		return err
	}
	now := time.Now()
	if len(v) == 0 || json.Unmarshal(v, s) != nil || s.Began.After(now) {
		s.Began, s.Place, s.Going = now, ledger.Place{}, false
		if err := s.keep(d); err != nil {
			return err
		}
	}
	s.due = s.Began.Add(s.period)
	if s.Going {
		s.due = now.Add(sweepGap)
	}
	return nil
}

func (s *sweep) keep(d *Desk) error {
	v, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding the sweep: %w", err)
	}
	return d.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, sweepFact, v) })
}

// step asks about some tickets, where it is due, and reports whether it did.
func (s *sweep) step(ctx context.Context, d *Desk, now time.Time) (asked bool, err error) {
	if !s.on() || now.Before(s.due) {
		return false, nil
	}
	if spare := d.jira.Spare(); spare > 0 {
		s.due = now.Add(spare)
		return false, nil
	}
	if !s.Going {
		s.Began, s.Place, s.Going = now, ledger.Place{}, true
	}
	links, err := d.led.LinksFrom(s.Place, sweepAtOnce)
	if err != nil {
		return false, err
	}
	if len(links) == 0 {
		s.Going, s.Place = false, ledger.Place{}
		s.due = later(s.Began.Add(s.period), now.Add(sweepGap))
		return false, s.keep(d)
	}
	if err := d.sweepOver(ctx, links); err != nil {
		return true, err
	}
	last := links[len(links)-1]
	s.Place = ledger.Place{Connection: last.Connection, Link: last.ID}
	s.due = now.Add(sweepGap)
	return true, s.keep(d)
}

// sweepOver marks those links' tickets whose state is not the one that was last
// read whole. A ticket that is not there is marked too: its visit finds out why.
func (d *Desk) sweepOver(ctx context.Context, links []ledger.Link) error {
	var ids []string
	for _, k := range links {
		if k.Ticket != "" && !k.Ended && !slices.Contains(ids, k.Ticket) {
			ids = append(ids, k.Ticket)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	now, err := d.jira.Updated(jsm.WithLoad(ctx, jsm.Load{Backfill: true}), ids)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, h := range now {
		was, err := d.led.LastSeen(h.ID)
		if err != nil {
			return err
		}
		known[h.ID] = h.Updated.UnixMilli() <= was.UnixMilli() && !was.IsZero()
	}
	moved := slices.DeleteFunc(ids, func(id string) bool { return known[id] })
	d.jira.Forget(moved...)
	generation, err := d.led.MarkDirty(moved, "")
	if err != nil {
		return err
	}
	for _, id := range moved {
		d.queue.add(job{lane: id, ticket: id, generation: generation, backfill: true})
	}
	return nil
}
