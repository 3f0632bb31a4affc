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
// hint marks its ticket dirty and carries nothing else. Each poll looks back
// over the overlap again, since Jira's search lags and is not monotonic; a
// ticket at a time stamp that was seen before is passed over.
func (d *Desk) poll(ctx context.Context) error {
	p := &poller{d: d, seen: map[string]sight{}}
	if err := p.begin(); err != nil {
		return err
	}
	for d.tenant.wait(ctx) {
		if err := p.step(ctx); err != nil && ctx.Err() == nil {
			d.log.Warn("polling failed and will be tried again", "err", quiet(err))
			d.pollFailed(err)
		} else if err == nil {
			d.tenant.found()
		}
		timer := time.NewTimer(d.cfg.Every)
		select {
		case <-timer.C:
		case <-d.asked:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return ctx.Err()
}

func (d *Desk) pollFailed(err error) {
	var api *jsm.APIError
	if errors.As(err, &api) && api.Class == jsm.Tenant {
		d.tenant.lose(err)
		return
	}
	d.tenant.ail(err)
}

// PollNow asks for a poll without waiting for its time.
func (d *Desk) PollNow() {
	select {
	case d.asked <- struct{}{}:
	default:
	}
}

type poller struct {
	d       *Desk
	cursor  time.Time // changes before it have been seen
	seen    map[string]sight
	noticed []string // tickets without a link that an earlier process marked: their triggers are asked again
}

// sight is what a poll last saw of a ticket.
type sight struct {
	updated time.Time
	first   time.Time // when this state was first seen
	settled bool      // its triggers were asked again after the index had caught up
}

// begin takes up the cursor and what was noticed and not yet shared. The first
// poll ever begins now, and that is remembered before anything is asked.
func (p *poller) begin() error {
	stored, err := p.d.led.Cursor()
	if err != nil {
		return err
	}
	if ms, bad := strconv.ParseInt(stored, 10, 64); bad == nil {
		p.cursor = time.UnixMilli(ms)
	} else {
		p.cursor = time.Now()
		if _, err := p.d.led.MarkDirty(nil, strconv.FormatInt(p.cursor.UnixMilli(), 10)); err != nil {
			return err
		}
	}
	return p.d.led.Dirty(func(m ledger.Mark) bool {
		if !p.d.linked(m.Ticket) && !slices.Contains(p.noticed, m.Ticket) {
			p.noticed = append(p.noticed, m.Ticket)
		}
		return true
	})
}

// step is one poll: dirty marks for what changed, and the cursor, in one batch.
func (p *poller) step(ctx context.Context) error {
	projects := p.d.projects()
	if len(projects) == 0 {
		return nil
	}
	started := time.Now()
	hints, err := p.d.jira.Changed(ctx, projects, p.cursor.Add(-p.d.cfg.Overlap))
	if err != nil {
		return err
	}
	connections := p.d.triggered()
	l := p.look(hints, started, connections)
	starts, err := p.triggers(ctx, l.ask)
	if err != nil {
		return err
	}
	left := map[string]map[string]bool{}
	for _, id := range l.ask {
		var news bool
		if left[id], news = p.d.turned(id, connections, starts[id], l.sure[id]); news && !slices.Contains(l.changed, id) {
			l.changed = append(l.changed, id)
		}
	}
	changed := slices.DeleteFunc(l.changed, func(id string) bool { return starts[id] == nil && !p.d.linked(id) })
	generation, err := p.d.led.MarkDirty(changed, strconv.FormatInt(started.UnixMilli(), 10))
	if err != nil {
		return err
	}
	p.cursor = started
	maps.Copy(p.seen, l.seen)
	for id, s := range p.seen { // beyond the overlap nothing is shown again
		if started.Sub(s.first) > 2*p.d.cfg.Overlap+p.d.cfg.IndexLag {
			delete(p.seen, id)
		}
	}
	for _, id := range changed {
		p.d.queue.add(job{lane: id, ticket: id, generation: generation, start: starts[id], left: left[id]})
	}
	return p.forgetNoticed(changed)
}

// forgetNoticed ends the marks of an earlier process that no trigger asks for
// any more.
func (p *poller) forgetNoticed(changed []string) error {
	for _, id := range p.noticed {
		if slices.Contains(changed, id) {
			continue
		}
		if err := p.d.led.ClearDirty(id, p.d.led.Generation()); err != nil {
			return err
		}
	}
	p.noticed = nil
	return nil
}

// glance is what one poll makes of its hints.
type glance struct {
	changed []string         // tickets in a state not seen before
	ask     []string         // tickets whose triggers are asked
	sure    map[string]bool  // of these, where the index has caught up meanwhile
	seen    map[string]sight // kept only once the marks are on disk: a poll that fails has seen nothing
}

func (p *poller) look(hints []jsm.Hint, now time.Time, connections []string) glance {
	l := glance{sure: map[string]bool{}, seen: map[string]sight{}}
	for _, h := range hints {
		s, known := p.seen[h.ID]
		switch {
		case !known || !s.updated.Equal(h.Updated):
			l.seen[h.ID] = sight{updated: h.Updated, first: now}
			if !p.d.ours(h) {
				l.changed = append(l.changed, h.ID)
			}
		case !s.settled && now.Sub(s.first) >= p.d.cfg.IndexLag:
			s.settled = true
			l.seen[h.ID], l.sure[h.ID] = s, true
		default:
			continue
		}
		if p.d.matters(h.ID, connections) {
			l.ask = append(l.ask, h.ID)
		}
	}
	for _, id := range p.noticed {
		if !slices.Contains(l.changed, id) {
			l.changed, l.ask = append(l.changed, id), append(l.ask, id)
		}
	}
	return l
}

// triggered names the connections that have a trigger.
func (d *Desk) triggered() (names []string) {
	for _, c := range d.Connections() {
		if r := c.Rules(); r != nil && r.Trigger != "" {
			names = append(names, c.Name)
		}
	}
	return names
}

// matters reports whether it matters if a ticket matches one of the triggers:
// it could still be shared, or its leaving has a consequence.
func (d *Desk) matters(ticket string, connections []string) bool {
	links, err := d.led.LinksOf(ticket)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(connections, func(name string) bool {
		linked := slices.ContainsFunc(links, func(k ledger.Link) bool { return k.Connection == name })
		return !linked || d.leaves(name)
	})
}

func (d *Desk) leaves(connection string) bool {
	r := d.Connection(connection).Rules()
	return r != nil && r.Leave != "keep" && r.Leave != ""
}

// turned compares which triggers a ticket matches with the links that it has.
// It names the connections whose trigger surely stopped matching (only once the
// index has caught up), and tells whether anything of it is news.
func (d *Desk) turned(ticket string, connections []string, matches map[string]bool, sure bool) (left map[string]bool, news bool) {
	links, err := d.led.LinksOf(ticket)
	if err != nil {
		return nil, true
	}
	for _, name := range connections {
		i := slices.IndexFunc(links, func(k ledger.Link) bool { return k.Connection == name })
		switch {
		case i < 0:
			news = news || matches[name]
		case matches[name]:
			news = news || links[i].Paused
		case sure && d.leaves(name) && !links[i].Paused && !links[i].Ended:
			left, news = union(left, map[string]bool{name: true}), true
		}
	}
	return left, news
}

// triggers asks Jira which of the tickets match which connection's trigger:
// one call for all, whatever the number of connections.
func (p *poller) triggers(ctx context.Context, ids []string) (map[string]map[string]bool, error) {
	starts := map[string]map[string]bool{}
	var names, jqls []string
	for _, c := range p.d.Connections() {
		if r := c.Rules(); r != nil && r.Trigger != "" {
			names, jqls = append(names, c.Name), append(jqls, r.Trigger)
		}
	}
	if len(ids) == 0 || len(names) == 0 {
		return starts, nil
	}
	matched, errs, err := p.d.jira.Match(ctx, ids, jqls)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if errs[i] != nil {
			p.d.log.Warn("a trigger cannot be asked", "connection", name, "err", errs[i])
			continue
		}
		for _, id := range matched[i] {
			if starts[id] == nil {
				starts[id] = map[string]bool{}
			}
			starts[id][name] = true
		}
	}
	return starts, nil
}

// projects are the keys of all projects that any connection's rules name.
func (d *Desk) projects() (keys []string) {
	for _, c := range d.Connections() {
		if r := c.Rules(); r != nil {
			for _, p := range r.Projects {
				if !slices.Contains(keys, p) {
					keys = append(keys, p)
				}
			}
		}
	}
	slices.Sort(keys)
	return keys
}
