package exchange

import (
	"strconv"
	"time"

	"parley/node/ledger"
)

// A trigger is asked when a ticket changes. Two things keep a connection from
// being asked then, and both are remembered on disk until it has been:
//
//   - Its rules do not work, or Jira refuses its trigger. The connection falls
//     behind: the time up to which it was asked stays, while the poll's cursor
//     moves on; when it works again, one search goes back to that time.
//   - It is paused, or its rules ceased to work between the question and the
//     visit. The ticket is wanted; when the connection goes on, its trigger is
//     asked again.

// lagging knows which connections fell behind.
type lagging struct {
	behind  map[string]time.Time // by the tenant's clock; zero: known not to be behind
	refused map[string]time.Time // when Jira last refused a connection's trigger
	wanted  map[string][]string  // tickets whose triggers are asked in this step for a connection that wanted them
}

func newLagging() lagging {
	return lagging{behind: map[string]time.Time{}, refused: map[string]time.Time{}, wanted: map[string][]string{}}
}

const (
	refusedFor  = 5 * time.Minute // before a trigger that was refused has a search of its own again
	wantsAtOnce = 1000            // tickets: what one question to Jira may hold
)

func behindFact(connection string) string { return "behind/" + connection }

// since is the time up to which a connection was asked, where it fell behind.
func (g *lagging) since(d *Desk, connection string) (time.Time, error) {
	at, known := g.behind[connection]
	if known {
		return at, nil
	}
	v, err := d.led.Fact(behindFact(connection))
	if err != nil {
		return at, err
	}
	if ms, bad := strconv.ParseInt(string(v), 10, 64); bad == nil {
		at = time.UnixMilli(ms)
	}
	g.behind[connection] = at
	return at, nil
}

// put stores how far connections were asked; the zero time: as far as the poll.
func (g *lagging) put(d *Desk, at map[string]time.Time) error {
	if len(at) == 0 {
		return nil
	}
	err := d.led.Write(func(b *ledger.Batch) error {
		for name, t := range at {
			var v []byte
			if !t.IsZero() {
				v = []byte(cursorText(t))
			}
			if err := ledger.PutFact(b, behindFact(name), v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, t := range at {
		g.behind[name] = t
	}
	return nil
}

// fallBehind notes, before the cursor moves, the connections that could not be
// asked in this step.
func (g *lagging) fallBehind(d *Desk, who askers, refused map[string]error, cursor, now time.Time) error {
	fallen := map[string]time.Time{}
	note := func(name string) error {
		at, err := g.since(d, name)
		if err == nil && at.IsZero() {
			fallen[name] = cursor
		}
		return err
	}
	for _, name := range who.idle {
		if err := note(name); err != nil {
			return err
		}
		delete(g.refused, name) // other rules will have another trigger
	}
	for name := range refused {
		if err := note(name); err != nil {
			return err
		}
		g.refused[name] = now
	}
	return g.put(d, fallen)
}

// refusedOf tells whether Jira refused a connection's trigger not long ago.
func (g *lagging) refusedOf(connection string, now time.Time) bool {
	return now.Sub(g.refused[connection]) < refusedFor
}

// oldest is how far back a search has to go for the connections that work again.
func (g *lagging) oldest(who askers, now time.Time) (oldest time.Time, ok bool) {
	for _, a := range who.working {
		at := g.behind[a.name]
		if at.IsZero() || g.refusedOf(a.name, now) {
			continue
		}
		if !ok || at.Before(oldest) {
			oldest, ok = at, true
		}
	}
	return oldest, ok
}

// caughtUp notes for whom of those behind a search, to its last page, went back
// far enough.
func (g *lagging) caughtUp(d *Desk, who askers, f found) error {
	if !f.back || !f.page.from.IsZero() {
		return nil
	}
	done := map[string]time.Time{}
	for _, a := range who.working {
		if at := g.behind[a.name]; !at.IsZero() && !g.refusedOf(a.name, time.Now()) && !at.Add(-d.cfg.Overlap).Before(f.from) {
			done[a.name] = time.Time{}
		}
	}
	return g.put(d, done)
}

// recall makes questions of the tickets that connections wanted and can take
// now, and reads how far those asked were, where that is not known yet.
func (g *lagging) recall(p *poller, who askers) error {
	for _, a := range who.working {
		if _, err := g.since(p.d, a.name); err != nil {
			return err
		}
	}
	if !p.d.recall.Swap(false) {
		return nil
	}
	for _, a := range who.working {
		if a.paused || a.trigger == "" {
			continue
		}
		tickets, err := p.d.led.Wants(a.name, wantsAtOnce)
		if err != nil {
			return err
		}
		for _, id := range tickets {
			p.question(id, 0, []time.Duration{0})
			g.wanted[a.name] = append(g.wanted[a.name], id)
		}
		if len(tickets) == wantsAtOnce {
			p.d.recall.Store(true)
		}
	}
	return nil
}

// answered forgets the wanted tickets that have been asked about.
func (g *lagging) answered(d *Desk, a answers) error {
	for name, tickets := range g.wanted {
		var asked, left []string
		for _, id := range tickets {
			if _, there := a.last[id]; there && a.refused[name] == nil {
				asked = append(asked, id)
			} else {
				left = append(left, id)
			}
		}
		if err := d.led.DropWants(name, asked); err != nil {
			return err
		}
		if g.wanted[name] = left; len(left) == 0 {
			delete(g.wanted, name)
		}
	}
	return nil
}

// want notes that a connection could not take a ticket that its trigger asked for.
func (d *Desk) want(c *Connection, ticket string) error {
	if err := d.led.Want(c.Name, ticket); err != nil {
		return err
	}
	d.recall.Store(true)
	return nil
}

// askAgain has triggers asked again: a connection can take tickets that it could
// not take before.
func (d *Desk) askAgain() {
	d.recall.Store(true)
	d.PollNow()
}
