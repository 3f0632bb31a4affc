package exchange

import (
	"slices"
	"strconv"

	"parley/jsm"
	"parley/node/rules"
	"parley/replica"
)

// trail is what a ticket's history tells since some entry: who changed what
// last. Jira has no compare-and-set, so this is how our own writes are told from
// other people's.
type trail struct {
	items  map[replica.Path]bool // outgoing item → its newest change is ours; a set's bare kind: some element of it
	moved  map[replica.Path]bool // outgoing items that we changed at all
	fields map[string][]step     // field id → its changes, newest first
}

// step is one change of one field.
type step struct {
	ours bool
	at   int64 // Unix ms
	id   string
	item jsm.ChangeItem
}

// trail reads the history after an entry.
func (l *lane) trail(history []jsm.Change, after string) trail {
	t := trail{items: map[replica.Path]bool{}, moved: map[replica.Path]bool{}, fields: map[string][]step{}}
	me := l.d.account().AccountID
	for _, c := range history { // newest first
		if !newer(c.ID, after) {
			continue
		}
		for _, it := range c.Items {
			s := step{ours: c.Author.AccountID == me, at: c.At.UnixMilli(), id: c.ID, item: it}
			id := jsm.FieldOf(it)
			t.fields[id] = append(t.fields[id], s)
			for _, p := range l.r.Moves(it) {
				if _, decided := t.items[p]; !decided {
					t.items[p] = s.ours
				}
				t.moved[p] = t.moved[p] || s.ours
			}
		}
	}
	return t
}

// of says whose the newest change of an item is. touched: we wrote it; of a set
// whose history cannot be taken apart that decides.
func (t trail) of(p replica.Path, touched bool) (ours, known bool) {
	if ours, known = t.items[p]; known || p.Element() == "" {
		return ours, known
	}
	if ours, known = t.items[replica.Path(p.Kind())]; known && touched {
		ours = true
	}
	return ours, known
}

// wrote reports whether any of the fields was last or earlier changed by us.
func (t trail) wrote(fields []string) bool {
	return slices.ContainsFunc(fields, func(f string) bool {
		return slices.ContainsFunc(t.fields[f], func(s step) bool { return s.ours })
	})
}

// overwrote finds the change by somebody else that our newest one of a field
// replaced; restored tells that we have put it back already.
func (t trail) overwrote(field string) (theirs step, restored, yes bool) {
	steps := t.fields[field]
	i := slices.IndexFunc(steps, func(s step) bool { return !s.ours })
	if i <= 0 {
		return theirs, false, false
	}
	theirs = steps[i]
	restored = i > 1 && steps[0].item.To == theirs.item.To && steps[0].item.ToString == theirs.item.ToString
	return theirs, restored, true
}

// newer reports whether a history entry came after another; ids rise.
func newer(id, after string) bool {
	a, errA := strconv.ParseUint(id, 10, 64)
	b, errB := strconv.ParseUint(after, 10, 64)
	if after == "" || errA != nil || errB != nil {
		return after == "" || (len(id) == len(after) && id > after) || len(id) > len(after)
	}
	return a > b
}

// feeds reports whether any of the fields is shown in an outgoing item.
func feeds(r *rules.Rules, fields []string, p replica.Path) bool {
	return slices.ContainsFunc(fields, func(field string) bool { return r.Feeds(field, p) })
}
