package exchange

import (
	"context"
	"slices"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// written is what some writes of ours may have changed.
type written struct {
	before  string         // the ticket's newest history entry before them
	touched []replica.Path // outgoing items that they move
	fields  []string       // local field ids that they set
	sure    bool           // Jira said that they are done
	prints  []rules.Print  // where not sure: by which they are known
}

// absorb makes what we wrote, as Jira now shows it, the base of the outgoing
// side, so that our own writes never travel back: not where maps are
// many-to-one, and not where Jira normalised a text. What somebody else changed
// meanwhile is left to be gathered.
func (w *work) absorb(ctx context.Context, plan *rules.Plan) error {
	w.absorbAgreed(plan)
	w.insist(plan)
	for _, lost := range plan.Overruled {
		w.overrule(w.judged, lost.Path, lost.Item, lost.Ours, lost.Rule)
	}
	if w.fresh == nil {
		return nil
	}
	if w.creating {
		if err := w.absorbAll(w.fresh); err != nil {
			return err
		}
		w.accounted(w.fresh)
		return w.siblings(w.fresh, written{fields: plan.Touched.Fields, sure: true})
	}
	own := written{touched: plan.Touched.Paths, fields: plan.Touched.Fields, sure: true}
	if w.ticket != nil && len(w.ticket.History) > 0 {
		own.before = w.ticket.History[0].ID
	}
	fresh, err := w.own(ctx, w.fresh, own)
	w.fresh = fresh
	return err
}

// own takes what we wrote as seen, here and by the ticket's other connections,
// once it is decided what stands where somebody else set the same at the same
// moment. It returns the ticket as it is then.
func (w *work) own(ctx context.Context, t *jsm.Ticket, own written) (*jsm.Ticket, error) {
	t, forced, err := w.contests(ctx, t, own)
	if err != nil {
		return t, err
	}
	view, held, err := w.lane.view(t)
	if err != nil {
		return t, err
	}
	w.absorbItems(view, held, t, w.trail(t.History, own.before), own)
	w.yield(view, own.touched)
	w.force(forced...)
	w.accounted(t)
	return t, w.siblings(t, own)
}

// absorbAgreed takes the items that needed no write as seen: both sides agree.
// Where somebody here said so later than the peer, the peer still has to know: by
// then it may have been given another word that is the older one. It is told
// whatever stands here then; what was seen before is common ground no more.
func (w *work) absorbAgreed(plan *rules.Plan) {
	if w.view == nil {
		return
	}
	tr := w.trail(w.ticket.History, "")
	for _, p := range plan.Agreed {
		was, posted := w.out.Bases[p]
		_, shown := w.view[p]
		ours, known := tr.of(p, false)
		switch {
		case !posted && !shown: // neither side has it, and the peer never heard of ours
		case !known || ours || !w.later(p):
			w.base(w.view, p)
		case was.Local != hashOf(w.view, p):
			w.force(p)
		}
	}
}

// later reports whether an outgoing item was set after each item of the peer's
// that is written to the same field, or names the same element.
func (w *work) later(p replica.Path) bool {
	for q, it := range w.in.Remote {
		if it.At >= w.view[p].At && (q == p || slices.Contains(w.r.Answers(q), p)) {
			return false
		}
	}
	return true
}

// absorbAll takes a new twin as it is: nothing of it is news for the peer but
// what a person has changed since it was made.
func (w *work) absorbAll(t *jsm.Ticket) error {
	view, _, err := w.lane.view(t)
	if err != nil {
		return err
	}
	tr := w.trail(t.History, "")
	for p := range view {
		if ours, known := tr.of(p, true); !byThemselves(p) && (ours || !known) {
			w.base(view, p)
		}
	}
	for p, ours := range tr.items {
		if _, shown := view[p]; !ours && !shown && tr.moved[p] { // a person has taken it away since
			w.force(p)
		}
	}
	return nil
}

// absorbItems moves the bases of what the history attributes to us, item by item
// and element by element (a transition's post-functions, too), and of what we
// surely wrote where the history is silent. What somebody else changed after us
// stays, and so does what a write was to change that never happened.
func (l *lane) absorbItems(view replica.View, held []rules.Held, t *jsm.Ticket, tr trail, own written) {
	if elsewhere(held) {
		return
	}
	seen := map[replica.Path]bool{}
	for p := range view {
		seen[p] = true
	}
	for p := range l.out.Bases {
		seen[p] = true
	}
	for _, p := range own.touched { // even where somebody took it away before we looked
		if tr.moved[p] {
			seen[p] = true
		}
	}
	for _, h := range held { // what cannot be told now is not gone
		if h.Code != rules.Dropped {
			delete(seen, h.Path)
		}
	}
	for p := range seen {
		touched := slices.Contains(own.touched, p)
		switch ours, known := tr.of(p, touched); {
		case known && ours && !l.strange(t, p, own):
			l.base(view, p)
		case known && !ours && touched && tr.moved[p]: // news, even where it is again what it was before us
			l.force(p)
		case !known && touched && own.sure:
			l.base(view, p)
		}
	}
}

// strange reports an item that our account changed to something else than what
// an unsure write was to set: a person uses the account, too. A status may be a
// halt on the way to the one that was to be set.
func (l *lane) strange(t *jsm.Ticket, p replica.Path, own written) bool {
	if own.sure || p.Element() != "" {
		return false
	}
	return slices.ContainsFunc(own.prints, func(print rules.Print) bool {
		return print.Field != "status" && l.r.Feeds(print.Field, p) && !l.r.Bears(t, print)
	})
}

// insist has an item sent again that won here against the peer's edit, where the
// peer does not know when it was said last: by the older time it may have decided
// for itself, too.
func (w *work) insist(plan *rules.Plan) {
	for _, lost := range plan.Overruled {
		for _, p := range lost.Beaten {
			now, shown := w.view[p]
			told, known := w.out.Bases[p]
			if lost.Ours || !known {
				continue
			}
			if shown && now.At != w.out.Posted[p].At || !shown && w.withdrawn(w.ticket, p) > told.Gone {
				w.force(p)
			}
		}
	}
	for _, p := range plan.Insist {
		if _, ok := w.view[p]; ok {
			w.force(p)
		}
	}
}

// force has items sent again whatever their value: the winner of a conflict never
// takes the loser's as common ground. It is on disk with the outcome.
func (l *lane) force(paths ...replica.Path) {
	for _, p := range paths {
		b := l.out.Bases[p]
		b.Local = ledger.Forced
		l.out.Bases[p] = b
	}
}

// yield forgets that we had sent items which the peer's value has replaced since:
// Jira dates them by our write, so they would win against the peer's next edit,
// which nobody here has contradicted.
func (w *work) yield(view replica.View, touched []replica.Path) {
	for _, p := range touched {
		if b := w.out.Bases[p]; b.Seq != 0 && b.Local == view[p].Hash(p) {
			if w.yielded == nil {
				w.yielded = map[replica.Path]replica.Seq{}
			}
			w.yielded[p], b.Seq = b.Seq, 0
			w.out.Bases[p] = b
		}
	}
}

// base takes an item as last seen here.
func (l *lane) base(view replica.View, p replica.Path) {
	b := l.out.Bases[p]
	b.Gone = 0 // what a person here took away once, the peer has moved since
	b.Local = hashOf(view, p)
	l.out.Bases[p] = b
}

// hashOf is the hash of what a view shows there; zero: nothing.
func hashOf(view replica.View, p replica.Path) (h replica.Hash) {
	if it, ok := view[p]; ok {
		h = it.Hash(p)
	}
	return h
}

func (w *work) overrule(at time.Time, p replica.Path, it replica.Item, ours bool, rule string) {
	w.lost = append(w.lost, w.overruled(at, p, it, ours, rule))
}

func (w *work) overruled(at time.Time, p replica.Path, it replica.Item, ours bool, rule string) ledger.Overruled {
	return ledger.Overruled{
		Connection: w.c.Name, Link: w.link.ID, Path: p, Ours: ours, Rule: rule, Kind: it.Kind, Value: it.Raw, At: at.UnixMilli(),
	}
}

// siblings takes what came in here as seen by the ticket's other connections,
// where those do not relay: it leaves by none of them. Each judges by its own
// rules which of its items that is; what a person changed beside it leaves.
func (w *work) siblings(t *jsm.Ticket, own written) error {
	links, err := w.d.led.LinksOf(w.link.Ticket)
	if err != nil {
		return err
	}
	for _, k := range links {
		c := w.d.Connection(k.Connection)
		if k.ID == w.link.ID || c == nil || k.Ended {
			continue
		}
		other, err := w.side(c, k)
		if err != nil {
			return err
		}
		if other.r == nil || other.r.Relay() {
			continue
		}
		view, held, err := other.view(t)
		if err != nil {
			return err
		}
		theirs := own
		theirs.touched = nil
		for p := range view {
			if p.Element() == "" && feeds(other.r, own.fields, p) {
				theirs.touched = append(theirs.touched, p)
			}
		}
		other.absorbItems(view, held, t, other.trail(t.History, own.before), theirs)
	}
	return nil
}

// side is the lane of another link of the ticket, with what was absorbed into it
// before in this visit.
func (w *work) side(c *Connection, k ledger.Link) (*lane, error) {
	for _, l := range w.beside {
		if l.link.ID == k.ID {
			return l, nil
		}
	}
	l, err := w.d.lane(c, k)
	if err == nil && l.r != nil && !l.r.Relay() {
		w.beside = append(w.beside, l)
	}
	return l, err
}
