package exchange

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// absorb makes what we wrote, as Jira now shows it, the base of the outgoing
// side, so that our own writes never travel back: not where maps are
// many-to-one, and not where Jira normalised a text. What somebody else changed
// meanwhile is left to be gathered.
func (w *work) absorb(plan *rules.Plan) error {
	w.absorbAgreed(plan)
	w.insist(plan)
	if w.fresh == nil {
		return nil
	}
	view, _, err := w.lane.view(w.fresh)
	if err != nil {
		return err
	}
	var before string
	if w.ticket != nil && len(w.ticket.History) > 0 {
		before = w.ticket.History[0].ID
	}
	if w.creating {
		w.absorbAll(view)
	} else {
		w.absorbItems(view, w.fresh.History, before, plan.Touched.Paths)
		w.yield(view, plan.Touched.Paths)
	}
	w.overwritten(plan, before)
	return w.siblings(before, plan)
}

// absorbAgreed takes the items that needed no write as seen: both sides agree.
func (w *work) absorbAgreed(plan *rules.Plan) {
	if w.view != nil {
		for _, p := range plan.Agreed {
			w.base(w.view, p)
		}
	}
}

// absorbAll takes a new twin as it is: nothing of it is news for the peer but
// what a person has changed since it was made.
func (w *work) absorbAll(view replica.View) {
	since := w.since(w.fresh.History, "")
	for p := range view {
		if p.Kind() != "comment" && !feeds(w.r, since.theirs, p) {
			w.base(view, p)
		}
	}
}

// absorbItems moves the bases of the items that we touched, or that the history
// after an entry attributes to us (a transition's post-functions); those that
// somebody else changed after us stay.
func (w *work) absorbItems(view replica.View, history []jsm.Change, after string, touched []replica.Path) {
	since := w.since(history, after)
	seen := map[replica.Path]bool{}
	for p := range view {
		seen[p] = true
	}
	for p := range w.out.Bases {
		seen[p] = true
	}
	for p := range seen {
		element := p.Element() != "" // one of a set: others may have changed its neighbours
		touched := slices.Contains(touched, p)
		switch foreign := feeds(w.r, since.theirs, p); {
		case foreign && !(touched && element):
		case touched, !element && feeds(w.r, since.ours, p):
			w.base(view, p)
		}
	}
}

// insist has an item sent again that won here against the peer's edit, where the
// peer does not know when it was said last: by the older time it may have decided
// for itself, too.
func (w *work) insist(plan *rules.Plan) {
	for _, lost := range plan.Overruled {
		for _, p := range lost.Beaten {
			now, ok := w.view[p]
			if b, known := w.out.Bases[p]; ok && !lost.Ours && known && now.At != w.out.Posted[p].At {
				b.Local = replica.Hash{}
				w.out.Bases[p] = b
			}
		}
	}
}

// yield forgets that we had sent items which the peer's value has replaced since:
// Jira dates them by our write, so they would win against the peer's next edit,
// which nobody here has contradicted.
func (w *work) yield(view replica.View, touched []replica.Path) {
	for _, p := range touched {
		if b := w.out.Bases[p]; b.Seq != 0 && b.Local == view[p].Hash(p) {
			b.Seq = 0
			w.out.Bases[p] = b
		}
	}
}

// base takes an item as last seen here.
func (w *work) base(view replica.View, p replica.Path) {
	b := w.out.Bases[p]
	if it, ok := view[p]; ok {
		b.Local = it.Hash(p)
	} else {
		b.Local = replica.Hash{}
	}
	w.out.Bases[p] = b
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

// authors says whose the newest change of each field is, after some entry.
type authors struct{ ours, theirs []string }

// since reads the history after an entry.
func (w *work) since(history []jsm.Change, after string) (a authors) {
	decided := map[string]bool{}
	me := w.d.account().AccountID
	for _, c := range history { // newest first
		if !newer(c.ID, after) {
			continue
		}
		for _, it := range c.Items {
			field := fieldOf(it)
			switch {
			case decided[field]:
				continue
			case c.Author.AccountID == me:
				a.ours = append(a.ours, field)
			default:
				a.theirs = append(a.theirs, field)
			}
			decided[field] = true
		}
	}
	return a
}

// feeds reports whether any of the fields is shown in an outgoing item.
func feeds(r *rules.Rules, fields []string, p replica.Path) bool {
	return slices.ContainsFunc(fields, func(field string) bool { return r.Feeds(field, p) })
}

// fieldOf names the field of a history item; old entries lack the stable id.
func fieldOf(it jsm.ChangeItem) string {
	if it.FieldID != "" {
		return it.FieldID
	}
	return strings.ToLower(it.Field)
}

// overwritten notes, for each field that we wrote, what somebody else had set
// between our reading and our writing: Jira has no compare-and-set.
func (w *work) overwritten(plan *rules.Plan, before string) {
	ours := map[string]bool{}
	for _, c := range w.fresh.History { // newest first
		if !newer(c.ID, before) || w.creating {
			continue
		}
		for _, it := range c.Items {
			field := fieldOf(it)
			if c.Author.AccountID == w.d.account().AccountID {
				ours[field] = true
			} else if ours[field] && plan.Wrote(field) {
				w.overrule(replica.Path(field), replica.NewItem(replica.Text(it.ToString), c.At.UnixMilli()), true)
			}
		}
	}
	for _, lost := range plan.Overruled {
		w.overrule(lost.Path, lost.Item, lost.Ours)
	}
}

func (w *work) overrule(p replica.Path, it replica.Item, ours bool) {
	w.lost = append(w.lost, ledger.Overruled{
		Connection: w.c.Name, Link: w.link.ID, Path: p, Ours: ours, Kind: it.Kind, Value: it.Raw, At: time.Now().UnixMilli(),
	})
}

// siblings takes what came in here as seen by the ticket's other connections,
// where those do not relay: it leaves by none of them.
func (w *work) siblings(before string, plan *rules.Plan) error {
	links, err := w.d.led.LinksOf(w.link.Ticket)
	if err != nil {
		return err
	}
	for _, k := range links {
		c := w.d.Connection(k.Connection)
		if k.ID == w.link.ID || c == nil || k.Ended {
			continue
		}
		other, err := w.d.lane(c, k)
		if err != nil {
			return err
		}
		if other.r == nil || other.r.Relay() {
			continue
		}
		view, _, err := other.view(w.fresh)
		if err != nil {
			return err
		}
		side := &work{lane: other, fresh: w.fresh}
		side.absorbItems(view, w.fresh.History, before, side.shown(view, plan.Touched.Fields))
		w.beside = append(w.beside, other)
	}
	return nil
}

// shown lists the items of a view that any of the fields feeds.
func (l *lane) shown(view replica.View, fields []string) (paths []replica.Path) {
	for p := range view {
		if feeds(l.r, fields, p) {
			paths = append(paths, p)
		}
	}
	return paths
}
