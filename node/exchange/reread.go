package exchange

import (
	"context"
	"slices"
	"strconv"
	"time"

	"parley/jsm"
	"parley/node/ledger"
)

// reread reads shared, open tickets in turn, whole and so many an hour, for what neither `updated` nor a webhook nor a
// search tells of: web links, articles, who watches. It runs where some connection shares one of these. A round begins
// with one search for what is open, and reads what of it is linked; work that people did goes before it. The place
// outlives a restart.
type reread struct {
	rate  int      // tickets an hour; 0: none
	left  []string // of the round, by id
	last  string   // the ticket that was read last
	began time.Time
	due   time.Time
}

const (
	rereadFact  = "reread"
	rereadRound = 10 * time.Minute // no round begins sooner after the one before
)

func (r *reread) on() bool { return r.rate > 0 }

// gap is the time between two steps, and n how many tickets each reads.
func (r *reread) gap() (gap time.Duration, n int) {
	gap = max(time.Minute, time.Hour/time.Duration(r.rate))
	return gap, max(1, r.rate*int(gap/time.Second)/3600)
}

// begin takes up where an earlier process stood.
func (r *reread) begin(d *Desk) error {
	r.rate = d.cfg.Reread
	last, err := d.led.Fact(rereadFact)
	r.last = string(last)
	return err
}

// step asks for some tickets, where it is due, and reports whether the tenant was asked.
func (r *reread) step(ctx context.Context, d *Desk, now time.Time) (asked bool, err error) {
	if !r.on() || now.Before(r.due) {
		return false, nil
	}
	if spare := d.jira.Spare(); spare > 0 {
		r.due = now.Add(spare)
		return false, nil
	}
	gap, n := r.gap()
	r.due = now.Add(gap)
	if len(r.left) == 0 {
		if r.due = r.began.Add(rereadRound); now.Before(r.due) {
			return false, nil
		}
		if asked, err = r.round(ctx, d, now); err != nil || len(r.left) == 0 {
			r.due = now.Add(rereadRound)
			return asked, err
		}
		r.due = now.Add(gap)
	}
	batch := r.left[:min(n, len(r.left))]
	if err := d.lookAt(batch, true); err != nil {
		return asked, err
	}
	r.left, r.last = r.left[len(batch):], batch[len(batch)-1]
	return asked, d.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, rereadFact, []byte(r.last)) })
}

// round begins a round after the ticket that was read last.
func (r *reread) round(ctx context.Context, d *Desk, now time.Time) (asked bool, err error) {
	var projects []string
	for _, c := range d.Connections() {
		if rules := c.Rules(); rules != nil && rules.Unmoved().Reread {
			projects = merged(projects, rules.Projects)
		}
	}
	r.began = now
	if len(projects) == 0 {
		return false, nil
	}
	open, err := d.jira.Open(jsm.WithLoad(ctx, jsm.Load{Backfill: true}), projects)
	if err != nil {
		return true, err
	}
	r.left = slices.DeleteFunc(open, func(id string) bool { return !isID(id) || !d.linked(id) })
	slices.SortFunc(r.left, byNumber)
	first, _ := slices.BinarySearchFunc(r.left, r.last, byNumber)
	if first < len(r.left) && r.left[first] == r.last {
		first++
	}
	r.left = slices.Concat(r.left[first:], r.left[:first])
	return true, nil
}

// byNumber orders ids; what is none comes first.
func byNumber(a, b string) int {
	x, _ := strconv.ParseUint(a, 10, 64)
	y, _ := strconv.ParseUint(b, 10, 64)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
