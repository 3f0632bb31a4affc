package exchange

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
)

// unmoved looks for what Jira knows and yet does not call a change of the ticket: a customer's rating, and an approver's
// answer that decides nothing. No webhook tells of them and `updated` stays (facts 2.3, 3.3), but a search finds them: for
// 1 point and 1 for each ticket that it finds, once a period. What no search finds, see reread.go.
type unmoved struct {
	period   time.Duration
	due      time.Time
	since    time.Time            // ratings up to then were asked for; zero: never
	kept     time.Time            // since, as it is on disk
	rated    map[string]time.Time // ticket → its rating, of the last answer
	awaiting map[string]string    // ticket that waits for an approval → who said what, of the last answer
	refused  map[string]time.Time // field by which Jira would not be asked → when
}

const (
	ratedFact   = "rated"
	ratedKept   = 10 * time.Minute // a restart asks for that much again
	ratedMost   = 24 * time.Hour   // how far ratings are asked back for while they cannot be asked for, or a connection's rules do not work
	unmovedRest = time.Hour        // before a field by which Jira refused to be asked is tried again
)

func (u *unmoved) on() bool { return u.period > 0 }

// begin takes up where an earlier process stood.
func (u *unmoved) begin(d *Desk) error {
	u.period = d.cfg.Unmoved
	u.rated, u.awaiting, u.refused = map[string]time.Time{}, map[string]string{}, map[string]time.Time{}
	v, err := d.led.Fact(ratedFact)
	if err != nil {
		return err
	}
	if ms, bad := strconv.ParseInt(string(v), 10, 64); bad == nil {
		u.since = time.UnixMilli(ms)
	}
	u.kept = u.since
	return nil
}

// step asks where it is due, and marks the tickets of which there is news. It reports whether the tenant was asked.
func (u *unmoved) step(ctx context.Context, d *Desk, now time.Time) (asked bool, err error) {
	if !u.on() || now.Before(u.due) {
		return false, nil
	}
	u.due = now.Add(u.period)
	ratings, approvals, idle := d.unmovedBy()
	rated, err := u.newRatings(ctx, d, ratings, now)
	if err != nil {
		return true, err
	}
	awaiting, err := u.askAwaiting(ctx, d, approvals, now)
	if err != nil {
		return true, err
	}
	news := u.news(rated, awaiting)
	if err := d.lookAt(news, false); err != nil {
		return true, err
	}
	u.rated, u.awaiting = rated, awaiting
	asked = len(ratings)+len(approvals) > 0
	for field := range ratings {
		idle = idle || u.resting(field, now)
	}
	if len(ratings) == 0 || idle && now.Sub(u.since) < ratedMost {
		return asked, nil // it is asked from there once it can be
	}
	u.since = now
	if now.Sub(u.kept) < ratedKept && len(news) == 0 {
		return asked, nil
	}
	u.kept = now
	return asked, d.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, ratedFact, []byte(cursorText(now))) })
}

// news lists the tickets of which an answer tells something else than the one before. One that waits no longer was decided,
// perhaps by nobody's transition.
func (u *unmoved) news(rated map[string]time.Time, awaiting map[string]string) (news []string) {
	for id, at := range rated {
		if !u.rated[id].Equal(at) {
			news = append(news, id)
		}
	}
	for id, said := range awaiting {
		if was, known := u.awaiting[id]; !known || was != said {
			news = append(news, id)
		}
	}
	for id := range u.awaiting {
		if _, still := awaiting[id]; !still {
			news = append(news, id)
		}
	}
	return merged(news)
}

// unmovedBy lists the fields to ask by, with the projects; idle reports a connection whose rules do not work now.
func (d *Desk) unmovedBy() (ratings, approvals map[string][]string, idle bool) {
	ratings, approvals = map[string][]string{}, map[string][]string{}
	for _, c := range d.Connections() {
		r := c.Rules()
		if r == nil {
			idle = true
			continue
		}
		u := r.Unmoved()
		if u.RatedOn != "" {
			ratings[u.RatedOn] = merged(ratings[u.RatedOn], r.Projects)
		}
		if u.Approvals != "" {
			approvals[u.Approvals] = merged(approvals[u.Approvals], r.Projects)
		}
	}
	return ratings, approvals, idle
}

// newRatings asks for what customers rated since the last question, and a while before: the index lags.
func (u *unmoved) newRatings(ctx context.Context, d *Desk, by map[string][]string, now time.Time) (map[string]time.Time, error) {
	within := d.cfg.Overlap + d.cfg.IndexLag + u.period
	if !u.since.IsZero() {
		within += max(0, now.Sub(u.since))
	}
	found := map[string]time.Time{}
	for _, field := range slices.Sorted(maps.Keys(by)) {
		if u.resting(field, now) {
			continue
		}
		hints, err := d.jira.Rated(ctx, by[field], field, within)
		if err = u.excuse(d, field, err, now); err != nil {
			return nil, err
		}
		for _, h := range hints {
			if d.linked(h.ID) {
				found[h.ID] = h.Updated
			}
		}
	}
	return found, nil
}

// askAwaiting asks which tickets wait for an approval, and what their approvers have said.
func (u *unmoved) askAwaiting(ctx context.Context, d *Desk, by map[string][]string, now time.Time) (map[string]string, error) {
	found := map[string]string{}
	for _, field := range slices.Sorted(maps.Keys(by)) {
		if u.resting(field, now) {
			continue
		}
		tickets, err := d.jira.Awaiting(ctx, by[field], field)
		if err = u.excuse(d, field, err, now); err != nil {
			return nil, err
		}
		for id, list := range tickets {
			if d.linked(id) {
				found[id] = approvers(list)
			}
		}
	}
	return found, nil
}

// approvers tells who of a ticket's approvers said what.
func approvers(list []jsm.Approval) string {
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, "%s %s", a.ID, a.Decision)
		for _, one := range a.Approvers {
			fmt.Fprintf(&b, " %s %s", one.Person.AccountID, one.Decision)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// excuse takes a field by which Jira will not be asked for what it is: no reason to stop polling. It is told, and tried
// again after a while.
func (u *unmoved) excuse(d *Desk, field string, err error, now time.Time) error {
	if err == nil || !definite(err) && !errors.Is(err, jsm.ErrNoClause) {
		return err
	}
	u.refused[field] = now
	d.log.Warn("jira cannot be asked for what it does not call a change of a ticket; it crosses with the ticket's next change", "err", quiet(err))
	return nil
}

// resting reports a field by which Jira refused to be asked not long ago.
func (u *unmoved) resting(field string, now time.Time) bool {
	at, refused := u.refused[field]
	return refused && now.Sub(at) < unmovedRest
}

// lookAt has linked tickets read again and visited, whatever their state. backfill: nobody waits for it.
func (d *Desk) lookAt(ids []string, backfill bool) error {
	if len(ids) == 0 {
		return nil
	}
	d.jira.Forget(ids...)
	generation, err := d.led.MarkDirty(ids, "")
	if err != nil {
		return err
	}
	for _, id := range ids {
		d.queue.add(job{lane: id, ticket: id, generation: generation, backfill: backfill})
	}
	return nil
}
