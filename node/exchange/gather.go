package exchange

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// gather compares the ticket's outgoing view with the link's local bases and
// posts what changed. It reports whether nothing is left to be posted: a link
// whose last replica the peer has not stored yet keeps its changes for later.
func (l *lane) gather(t *jsm.Ticket) (clean bool, err error) {
	l.unread = false
	view, held, err := l.view(t)
	if err != nil {
		return false, err
	}
	if elsewhere(held) {
		return true, l.settleOut(held) // the view is what was posted, not what the ticket holds
	}
	changed := l.changed(view, held)
	whole := l.word.Lost > l.out.Whole
	if len(changed) == 0 && !whole && l.out.Last > 0 {
		return true, l.settleOut(held)
	}
	if whole && l.unread { // what a whole view lacks, the peer takes back: it waits for the files
		return false, l.d.led.Write(func(b *ledger.Batch) error {
			return l.d.led.PutHeld(b, l.c.Name, l.link.ID, true, l.heldOut(held))
		})
	}
	if l.c.Log.InFlight(l.link.ID) {
		l.c.wait(l.link.ID)
		// Its receipt may have come in between: then nobody else will wake us.
		if l.c.Log.InFlight(l.link.ID) || !l.c.waiting(l.link.ID) {
			return false, nil
		}
	}
	first := l.out.Last == 0
	changed, seen, rest := l.apart(changed, whole)
	r := l.replica(t, view, changed, whole)
	r.Seen = seen
	err = l.c.Log.Commit(ledger.Step{
		Replica: r, Out: l.out, Verdict: verdict(held),
		Fill: func(b *ledger.Batch) error {
			if l.link.Key != t.Key {
				l.link.Key = t.Key
				if err := ledger.PutLink(b, l.link); err != nil {
					return err
				}
			}
			if err := l.sentBlind(b, changed); err != nil {
				return err
			}
			if err := l.grants(b, t, r); err != nil {
				return err
			}
			return l.d.led.PutHeld(b, l.c.Name, l.link.ID, true, l.heldOut(held))
		},
	})
	if err == nil && first {
		err = l.neighbours(t)
	}
	if err == nil && rest {
		l.c.wait(l.link.ID)
		if !l.c.Log.InFlight(l.link.ID) && l.c.waiting(l.link.ID) {
			l.d.wakeLink(l.c, l.link.ID)
		}
	}
	if errors.Is(err, replica.ErrTooLarge) || errors.Is(err, replica.ErrMalformed) {
		return true, l.unsendable(r, err)
	}
	if err == nil && len(l.friction.Disputes) > 0 {
		l.d.wakeLink(l.c, l.link.ID) // what is said anew ends a dispute
	}
	return err == nil && !rest, err
}

// elsewhere reports a ticket that has left the connection's projects: nothing of
// it is looked at, so nothing of it has changed.
func elsewhere(held []rules.Held) bool {
	return slices.ContainsFunc(held, func(h rules.Held) bool { return h.Code == rules.Elsewhere && h.Path == "" })
}

// view is what the rules and the policy let the peer see of the ticket.
func (l *lane) view(t *jsm.Ticket) (replica.View, []rules.Held, error) {
	twins, err := l.d.led.TwinsOn(t.ID)
	if err != nil {
		return nil, nil, err
	}
	view, held := l.r.View(l.local(t, twins))
	return view, held, nil
}

// changed lists the items that differ from what was last seen or written here.
// After a new rules version the items whose rule changed are compared with what
// the peer holds instead: what is newly shared crosses, what no longer is, is
// withdrawn.
// An item that waits on its way out stays as the peer has it; one that the peer
// conceded to us is told anew where something else stands here by now.
func (l *lane) changed(view replica.View, held []rules.Held) (changed []replica.Path) {
	renewed := l.renewed()
	waits := map[replica.Path]bool{}
	for _, h := range held {
		waits[h.Path] = h.Code != rules.Dropped
	}
	for _, in := range l.open { // of ours or somebody's: that is told apart once it is settled
		for _, p := range in.Touched {
			waits[p] = true
		}
	}
	look := func(p replica.Path) {
		if waits[p] || waits[replica.Path(p.Kind())] {
			return
		}
		var now replica.Hash
		it, ok := view[p]
		if ok {
			now = it.Hash(p)
		}
		if now == l.out.Bases[p].Local && (renewed == nil || !renewed(p)) && !l.conceded(p, now) {
			return
		}
		if renewed != nil && renewed(p) {
			if was, had := l.out.Posted[p]; ok == had && (!ok || was.Equal(it)) {
				return
			}
		}
		changed = append(changed, p)
	}
	for p := range view {
		look(p)
	}
	for p, base := range l.out.Bases {
		if _, ok := view[p]; !ok && (base.Local != (replica.Hash{}) || l.conceded(p, replica.Hash{})) {
			look(p)
		}
	}
	slices.Sort(changed)
	return changed
}

// conceded reports whether the peer gave up its own word for what we posted of an
// item, while here, before that was known, its word was taken for common ground
// with what people had come to say meanwhile: by now only we say so.
func (l *lane) conceded(p replica.Path, now replica.Hash) bool {
	posted := l.out.Bases[p].Seq
	if l.word.Seq < posted || !slices.Contains(l.word.Taken, p) || now == hashOf(l.out.Posted, p) {
		return false
	}
	for q := range l.in.Items {
		if peerSaw(l.in, q) < posted && (q == p || slices.Contains(l.r.Answers(q), p)) {
			return true
		}
	}
	return false
}

// renewed tells which items' outgoing rule is not the one of the last view; nil
// where the rules are the same.
func (l *lane) renewed() func(replica.Path) bool {
	if l.out.Last == 0 || l.out.Rules == l.hash || l.out.Rules == (replica.Hash{}) {
		return nil
	}
	before := l.c.rulesOf(l.out.Rules)
	if before == nil {
		return nil
	}
	return func(p replica.Path) bool { return before.Governs(p) != l.r.Governs(p) }
}

// replica makes what is posted, and moves the bases to it.
func (l *lane) replica(t *jsm.Ticket, view replica.View, changed []replica.Path, whole bool) *replica.Replica {
	r := &replica.Replica{
		Version: replica.Version1, Link: l.link.ID, Seen: l.done.Seq, Base: l.out.After,
		Rules: l.hash, Key: t.Key, URL: l.r.TicketURL(l.d.cfg.Site, t.Key), Via: l.via(), Set: replica.View{}, Gone: map[replica.Path]int64{},
	}
	for _, p := range changed {
		if it, ok := view[p]; ok {
			r.Set[p], l.out.Posted[p] = it, it
			l.out.Bases[p] = ledger.Base{Local: it.Hash(p), Seq: l.out.Bases[p].Seq}
		} else {
			delete(l.out.Posted, p)
			r.Gone[p] = l.withdrawn(t, p)
			l.out.Bases[p] = ledger.Base{Seq: l.out.Bases[p].Seq}
		}
	}
	if whole || l.out.Last == 0 {
		l.recall(r.Gone)
		r.Whole, r.Set, r.Base = true, l.out.Posted.Clone(), replica.Hash{}
	}
	r.After = l.out.Posted.Hash()
	l.out.After, l.out.Rules = r.After, l.hash
	return r
}

// withdrawn is when a person here took away what the view does not show any
// more: Unix ms by our Jira, 0 where the ticket's history does not tell.
func (l *lane) withdrawn(t *jsm.Ticket, p replica.Path) int64 {
	return l.r.Withdrawn(t, p, l.d.account().AccountID)
}

// mostRecalled bounds the withdrawals that a whole view tells again: the newest.
const mostRecalled = 1000

// recall adds the withdrawals that were told before and still hold: whoever asks
// for the whole view may have missed them.
func (l *lane) recall(gone map[replica.Path]int64) {
	var told []replica.Path
	for p, base := range l.out.Bases {
		_, now := gone[p]
		if _, shown := l.out.Posted[p]; !now && !shown && base.Local.IsZero() && base.Gone != 0 {
			told = append(told, p)
		}
	}
	slices.SortFunc(told, func(a, b replica.Path) int {
		return cmp.Or(cmp.Compare(l.out.Bases[b].Gone, l.out.Bases[a].Gone), cmp.Compare(a, b))
	})
	for _, p := range told[:min(len(told), mostRecalled)] {
		gone[p] = l.out.Bases[p].Gone
	}
}

// via is the way that the ticket came: the nodes it must never go back to.
func (l *lane) via() []string {
	links, err := l.d.led.LinksOf(l.link.Ticket)
	if err != nil {
		return nil
	}
	for _, k := range links {
		if k.Theirs && k.ID != l.link.ID {
			if in, err := l.d.led.Incoming(k.Connection, k.ID); err == nil {
				return append(slices.Clone(in.Via), l.d.cfg.Node)
			}
		}
	}
	return []string{l.d.cfg.Node}
}

// settleOut stores what waits on its way out, where that has changed, and the
// rules version that looked last.
func (l *lane) settleOut(held []rules.Held) error {
	before, err := l.d.led.HeldOf(l.c.Name, l.link.ID)
	if err != nil {
		return err
	}
	before = slices.DeleteFunc(before, func(h ledger.Held) bool { return !h.Out })
	if len(before) == 0 && len(held) == 0 && l.out.Rules == l.hash {
		return nil
	}
	same := slices.EqualFunc(before, l.heldOut(held), func(a, b ledger.Held) bool { return a.Path == b.Path && a.Reason == b.Reason })
	if same && l.out.Rules == l.hash {
		return nil
	}
	l.out.Rules = l.hash
	return l.d.led.Write(func(b *ledger.Batch) error {
		if err := ledger.PutOutgoing(b, l.c.Name, l.link.ID, l.out); err != nil {
			return err
		}
		return l.d.led.PutHeld(b, l.c.Name, l.link.ID, true, l.heldOut(held))
	})
}

func (l *lane) heldOut(held []rules.Held) (out []ledger.Held) {
	for _, h := range held {
		if h.Code == rules.Dropped {
			continue // the policy took it out: nothing waits
		}
		out = append(out, ledger.Held{
			Path: h.Path, Key: l.link.Key, Class: ledger.Class(h.Class), Code: h.Code,
			Reason: h.Reason, Rule: h.Rule, Next: h.Next, Since: time.Now().UnixMilli(), Version: l.version(h.Path),
		})
	}
	slices.SortFunc(out, func(a, b ledger.Held) int { return cmp.Compare(a.Path, b.Path) })
	return l.d.standing(l.c.Name, l.link.ID, out)
}

func verdict(held []rules.Held) ledger.Verdict {
	for _, h := range held {
		if h.Code == rules.Dropped {
			return ledger.Dropped
		}
	}
	return ledger.Passed
}
