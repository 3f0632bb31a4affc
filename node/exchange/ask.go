package exchange

import (
	"context"
	"maps"
	"slices"
	"time"

	"parley/node/ledger"
)

// question is a ticket whose triggers are to be asked: once when it is noticed,
// and again when the index surely knows what was noticed. Only then does "no"
// count, and its dirty mark, if it has one, ends.
type question struct {
	due        time.Time
	ages       []time.Duration // until the questions after that, from when it was noticed
	noticed    time.Time
	generation uint64 // its dirty marks up to here end with it
}

// When a noticed ticket is asked about. A search has shown it, so the index
// knows it; a webhook is often before the index.
func onceAndLater(lag time.Duration) []time.Duration { return []time.Duration{0, lag} }
func soonAndLater(lag time.Duration) []time.Duration { return []time.Duration{0, lag / 4, lag} }

const mostQuestions = 1_000_000 // tickets, 150 bytes each; of more the next search knows

// question notes that a ticket's triggers are to be asked. A ticket that is
// noticed again is asked about from the beginning.
func (p *poller) question(id string, generation uint64, ages []time.Duration) {
	q := p.questions[id]
	if q == nil {
		if len(p.questions) >= mostQuestions {
			return
		}
		q = &question{}
		p.questions[id] = q
	}
	now := time.Now()
	q.generation = max(q.generation, generation)
	q.noticed, q.due, q.ages = now, now.Add(ages[0]), ages[1:]
}

// answers are what the triggers said to the questions that were due.
type answers struct {
	ids     []string                   // that were asked about
	last    map[string]bool            // of these, for the last time: the index surely knows
	starts  map[string]map[string]bool // ticket → connections whose trigger it matches
	left    map[string]map[string]bool // ticket → connections whose trigger it surely matches no more
	news    []string                   // tickets with a consequence
	refused map[string]error           // connections whose trigger Jira does not take
	asked   bool                       // Jira was asked at all
}

// answers asks the questions that are due, one call for all tickets and
// connections. Between two searches they wait for each other a little, so that
// hints which come one by one do not cost a call each.
// What the search of this step has noticed is among them: the cursor moves past it.
func (p *poller) answers(ctx context.Context, who askers, search bool) (a answers, err error) {
	now := time.Now()
	a = answers{last: map[string]bool{}, left: map[string]map[string]bool{}}
	names := who.triggered()
	if !search && now.Sub(p.asked) < askGap {
		return a, nil
	}
	for _, id := range slices.Sorted(maps.Keys(p.questions)) {
		q := p.questions[id]
		if q.due.After(now) {
			continue
		}
		a.ids = append(a.ids, id)
		a.last[id] = len(q.ages) == 0
	}
	asked := slices.DeleteFunc(slices.Clone(a.ids), func(id string) bool { return !p.d.matters(id, names) })
	if a.starts, a.refused, err = p.d.triggers(ctx, who, asked); err != nil {
		return a, err
	}
	if a.asked = len(asked) > 0; a.asked {
		p.asked = now
	}
	answered := slices.DeleteFunc(names, func(name string) bool { return a.refused[name] != nil })
	for _, id := range asked {
		left, news := p.d.turned(id, answered, a.starts[id], a.last[id])
		if left != nil {
			a.left[id] = left
		}
		if news {
			a.news = append(a.news, id)
		}
	}
	return a, nil
}

// settle ends the questions that were asked for the last time, with the marks
// of the tickets that nobody shares; the others come again.
func (p *poller) settle(a answers) error {
	for _, id := range a.ids {
		q := p.questions[id]
		if !a.last[id] {
			q.due, q.ages = q.noticed.Add(q.ages[0]), q.ages[1:]
			continue
		}
		delete(p.questions, id)
		if q.generation > 0 && a.starts[id] == nil && !p.d.linked(id) {
			if err := p.d.led.ClearDirty(id, q.generation); err != nil {
				return err
			}
		}
	}
	return nil
}

// triggers asks Jira which of the tickets match which connection's trigger: one
// call for all, whatever the number of connections.
func (d *Desk) triggers(ctx context.Context, who askers, ids []string) (starts map[string]map[string]bool, refused map[string]error, err error) {
	starts, refused = map[string]map[string]bool{}, map[string]error{}
	var names, jqls []string
	for _, a := range who.working {
		if a.trigger != "" {
			names, jqls = append(names, a.name), append(jqls, a.trigger)
		}
	}
	if len(ids) == 0 || len(names) == 0 {
		return starts, refused, nil
	}
	matched, errs, err := d.jira.Match(ctx, ids, jqls)
	if err != nil {
		return nil, nil, err
	}
	for i, name := range names {
		if errs[i] != nil {
			d.log.Warn("a trigger cannot be asked", "connection", name, "err", errs[i])
			refused[name] = errs[i]
			continue
		}
		for _, id := range matched[i] {
			if starts[id] == nil {
				starts[id] = map[string]bool{}
			}
			starts[id][name] = true
		}
	}
	return starts, refused, nil
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
// index has caught up), and tells whether anything of it is news. Connections
// are those whose trigger was answered.
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
