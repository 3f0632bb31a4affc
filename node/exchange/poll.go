package exchange

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"parley/jsm"
	"parley/node/ledger"
)

// poll asks the tenant, for all connections together, which tickets changed. A
// hint marks its ticket dirty and carries nothing else. Webhooks only make it
// faster, and itself slower: whatever they miss, a poll finds.
func (d *Desk) poll(ctx context.Context) error {
	p := newPoller(d)
	if err := p.begin(); err != nil {
		return err
	}
	for d.brake.wait(ctx) && d.tenant.wait(ctx) {
		asked, err := p.turn(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			d.log.Warn("polling failed and will be tried again", "err", quiet(err))
			d.tenant.ail(err)
			p.failed = time.Now()
		case err == nil && asked:
			d.tenant.found()
		}
		p.rest(ctx)
	}
	return ctx.Err()
}

// PollNow asks for a poll without waiting for its time.
func (d *Desk) PollNow() {
	select {
	case d.asked <- struct{}{}:
	default:
	}
}

// poller finds what changed. All its times but the cursor's are this machine's;
// the cursor's are the tenant's, since it is compared with what Jira writes.
type poller struct {
	d         *Desk
	cursor    time.Time            // changes before it have been seen
	seen      map[string]sight     // by ticket: what polls showed not long ago
	questions map[string]*question // by ticket: whose triggers are to be asked
	keys      map[string]uint64    // keys that hints named and nobody has resolved, with their marks' generation
	lag       lagging
	sweep     sweep
	unmoved   unmoved
	reread    reread
	page      page

	due      time.Time // of the next search
	searched time.Time // when the last one was made
	whole    time.Time // when one last went back over the whole overlap
	asked    time.Time // when triggers were last asked
	failed   time.Time // when a turn last failed
}

// page is a search that found more than one call of it takes: the next goes on
// from there, without an overlap. The cursor stays until the last one.
type page struct {
	from time.Time // how far back the first one went; zero: there is none
	next time.Time
	back bool // it goes back for connections that fell behind
}

// sight is what a poll last saw of a ticket.
type sight struct {
	updated time.Time
	first   time.Time // when this state was first seen
}

const (
	askGap    = time.Second     // between two questions to triggers, while hints come one by one
	clockSlip = 5 * time.Second // how well the tenant's clock is known, with room to spare
)

func newPoller(d *Desk) *poller {
	return &poller{d: d, seen: map[string]sight{}, questions: map[string]*question{}, keys: map[string]uint64{}, lag: newLagging()}
}

// begin takes up the cursor and what was noticed and not yet shared: tickets
// without a link that an earlier process marked. The first poll ever begins
// now, and that is remembered before anything is asked.
func (p *poller) begin() error {
	stored, err := p.d.led.Cursor()
	if err != nil {
		return err
	}
	if ms, bad := strconv.ParseInt(stored, 10, 64); bad == nil {
		p.cursor = time.UnixMilli(ms)
	} else {
		p.cursor = p.d.theirs(time.Now())
		if _, err := p.d.led.MarkDirty(nil, cursorText(p.cursor)); err != nil {
			return err
		}
	}
	if err := errors.Join(p.sweep.begin(p.d), p.unmoved.begin(p.d), p.reread.begin(p.d)); err != nil {
		return err
	}
	p.d.recall.Store(true)
	return p.d.led.Dirty(func(m ledger.Mark) bool {
		switch {
		case !isID(m.Ticket):
			p.keys[m.Ticket] = max(p.keys[m.Ticket], m.Generation)
		case !p.d.linked(m.Ticket):
			p.question(m.Ticket, m.Generation, onceAndLater(p.d.cfg.IndexLag))
		}
		return true
	})
}

func cursorText(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// theirs is a moment by the tenant's clock, or by ours where that is earlier:
// looking back too far costs points, and not far enough a change.
func (d *Desk) theirs(t time.Time) time.Time {
	if d.cfg.Clock == nil {
		return t
	}
	return t.Add(min(0, d.cfg.Clock()))
}

// rest waits until something is due: a search, a question, the sweep; or until
// somebody tells something. After a failure nothing is due for a while.
func (p *poller) rest(ctx context.Context) {
	next := p.due
	if len(p.d.askers().working) > 0 { // else there is nothing to ask before the next search finds that there is
		for _, q := range p.questions {
			if at := later(q.due, p.asked.Add(askGap)); at.Before(next) {
				next = at
			}
		}
		for _, also := range []struct {
			on  bool
			due time.Time
		}{{p.sweep.on(), p.sweep.due}, {p.unmoved.on(), p.unmoved.due}, {p.reread.on(), p.reread.due}} {
			if also.on && also.due.Before(next) {
				next = also.due
			}
		}
	}
	if !p.failed.IsZero() {
		next = later(next, p.failed.Add(p.d.cfg.Every))
	}
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.d.asked:
		p.due, p.failed = later(time.Now(), p.searched.Add(askGap)), time.Time{}
	case <-p.d.intake.wake:
	case <-ctx.Done():
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// turn does what is due, and reports whether the tenant was asked anything.
func (p *poller) turn(ctx context.Context) (asked bool, err error) {
	if time.Since(p.failed) < p.d.cfg.Every && !p.failed.IsZero() {
		return false, nil // hints wait on disk
	}
	p.failed = time.Time{}
	asked, err = p.take(ctx)
	if err != nil {
		return asked, err
	}
	stepped, err := p.step(ctx, !time.Now().Before(p.due))
	if asked = asked || stepped; err != nil {
		return asked, err
	}
	for _, step := range []func(context.Context, *Desk, time.Time) (bool, error){p.sweep.step, p.unmoved.step, p.reread.step} {
		did, err := step(ctx, p.d, time.Now())
		if asked = asked || did; err != nil {
			return asked, err
		}
	}
	return asked, nil
}

// step is one look: a search where it is due, the questions that are due, and
// then the dirty marks of what is news together with the cursor, in one batch.
func (p *poller) step(ctx context.Context, search bool) (asked bool, err error) {
	now := time.Now()
	who := p.d.askers()
	if search {
		p.searched, p.due = now, now.Add(p.d.cfg.Every)
	}
	if len(who.working) == 0 {
		return false, nil // the cursor stays where it is
	}
	if err := p.lag.recall(p, who); err != nil {
		return false, err
	}
	var f found
	if search {
		if f, err = p.look(ctx, who, now); err != nil {
			return true, err
		}
	}
	a, err := p.answers(ctx, who, search)
	if err != nil {
		return true, err
	}
	if err := p.lag.fallBehind(p.d, who, a.refused, p.cursor, now); err != nil {
		return true, err
	}
	changed := slices.DeleteFunc(merged(f.changed, a.news), func(id string) bool { return a.starts[id] == nil && !p.d.linked(id) })
	cursor := ""
	if search {
		cursor = cursorText(f.cursor)
	}
	generation, err := p.d.led.MarkDirty(changed, cursor)
	if err != nil {
		return true, err
	}
	for _, id := range changed {
		p.d.queue.add(job{lane: id, ticket: id, generation: generation, start: a.starts[id], left: a.left[id]})
	}
	if search {
		p.looked(f, changed, now)
		if err := p.lag.caughtUp(p.d, who, f); err != nil {
			return true, err
		}
	}
	return search || a.asked, errors.Join(p.settle(a), p.lag.answered(p.d, a))
}

// merged are all the words of some lists, each once, in order.
func merged(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// found is what a search showed. It counts only once the marks are on disk: a
// step that fails has seen nothing.
type found struct {
	changed []string         // tickets in a state not seen before, and not left so by us
	seen    map[string]sight //
	cursor  time.Time        // where the next search begins, by the tenant's clock
	from    time.Time        // how far back this one, or the first of its pages, went
	back    bool             // it goes back for connections that fell behind: they are asked of what others have seen
	page    page             // what is left
	whole   bool             // it went back over the whole overlap
}

// look searches. Most searches go back as far as the index may lag. Now and
// then one goes back over the whole overlap, for what was later than it may be.
func (p *poller) look(ctx context.Context, who askers, now time.Time) (f found, err error) {
	since := p.page.next
	f.seen, f.from, f.back = map[string]sight{}, p.page.from, p.page.back
	if f.from.IsZero() {
		since, f.whole, f.back = p.since(who, now)
		f.from = since
	}
	hints, err := p.d.jira.Changed(ctx, who.projects(), since)
	switch {
	case err == nil:
		f.cursor = p.d.theirs(now) // as the answer has just told their clock
	case errors.Is(err, jsm.ErrMore) && len(hints) > 0:
		f.cursor = p.cursor
		f.page = page{from: f.from, back: f.back, next: later(hints[len(hints)-1].Updated, since.Add(time.Millisecond))}
	default:
		return f, err
	}
	names := who.triggered()
	for _, h := range hints {
		s, known := p.seen[h.ID]
		known = known && s.updated.Equal(h.Updated)
		if known && !f.back {
			continue
		}
		if !known {
			f.seen[h.ID] = sight{updated: h.Updated, first: now}
		}
		if !known && !p.d.ours(h) {
			f.changed = append(f.changed, h.ID)
		}
		if p.d.matters(h.ID, names) {
			p.question(h.ID, 0, onceAndLater(p.d.cfg.IndexLag))
		}
	}
	return f, nil
}

// since is how far back the next search has to go, whether that is over the
// whole overlap, and whether it goes back for connections that fell behind.
func (p *poller) since(who askers, now time.Time) (since time.Time, whole, back bool) {
	whole = now.Sub(p.whole) >= p.d.cfg.Overlap/2
	reach := p.d.cfg.Overlap + p.d.cfg.Overlap/2
	if !whole {
		reach = min(p.d.cfg.Overlap, p.d.cfg.IndexLag+clockSlip)
	}
	since = p.cursor
	if there := p.d.theirs(now); there.Before(since) {
		since = there // a clock was put back
	}
	since = since.Add(-reach)
	behind, back := p.lag.oldest(who, now)
	if from := behind.Add(-p.d.cfg.Overlap); back && from.Before(since) {
		since = from
	}
	return since, whole, back
}

// looked takes in what a search showed, once its marks are on disk.
func (p *poller) looked(f found, changed []string, now time.Time) {
	p.cursor, p.page = f.cursor, f.page
	if f.whole {
		p.whole = now
	}
	maps.Copy(p.seen, f.seen)
	for id, s := range p.seen { // beyond the overlap nothing is shown again
		if now.Sub(s.first) > 2*p.d.cfg.Overlap+p.d.cfg.IndexLag {
			delete(p.seen, id)
		}
	}
	news := slices.DeleteFunc(f.changed, func(id string) bool {
		_, shared := slices.BinarySearch(changed, id)
		return !shared
	})
	p.due = now.Add(p.d.tempo.polled(news, now))
	if !f.page.from.IsZero() {
		p.due = now
		p.d.log.Info("more tickets changed than one search takes; the next one goes on from there")
	}
}

// askers are the connections, as they stand at the beginning of a step.
type askers struct {
	working []asker
	idle    []string // whose rules cannot work now
}

type asker struct {
	name, trigger string
	projects      []string
	paused        bool
}

func (d *Desk) askers() (who askers) {
	for _, c := range d.Connections() {
		r := c.Rules()
		if r == nil {
			who.idle = append(who.idle, c.Name)
			continue
		}
		who.working = append(who.working, asker{name: c.Name, trigger: r.Trigger, projects: r.Projects, paused: c.Paused() != ""})
	}
	return who
}

// projects are the keys of all projects that any connection's rules name.
func (who askers) projects() (keys []string) {
	for _, a := range who.working {
		keys = merged(keys, a.projects)
	}
	return keys
}

// triggered names the connections that have a trigger.
func (who askers) triggered() (names []string) {
	for _, a := range who.working {
		if a.trigger != "" {
			names = append(names, a.name)
		}
	}
	return names
}

// isID tells a ticket's id from its key.
func isID(s string) bool {
	_, err := strconv.ParseUint(s, 10, 63)
	return err == nil
}
