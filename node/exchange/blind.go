package exchange

import (
	"parley/node/ledger"
	"parley/replica"
)

// A replica says how far we had reconciled the peer (its Seen), and the peer takes
// an item in it for an answer to all of that. Where somebody here had set an item
// before, and nothing here decided between that and the peer's word, this would
// be untrue: no rule takes the peer's item, or its judgement waits. Such an item
// leaves in a replica of its own that says what was known when it was set, so that
// the peer decides between the two.

// blind notes the items that changed here and were not judged together with what
// came, and how far the peer had been reconciled then.
func (w *work) blind(pending map[replica.Path]bool) {
	if w.creating || w.ticket == nil || w.view == nil {
		return
	}
	waits := w.unjudged(pending)
	known := map[replica.Path]replica.Seq{}
	seen := max(w.done.Seq, w.knew)
	for p, it := range w.view {
		if p.Element() != "" || it.Hash(p) == w.out.Bases[p].Local || w.out.Bases[p].Local == ledger.Forced {
			continue
		}
		before, noted := w.friction.Known[p]
		switch seq := waits[p]; {
		case seq > 0 && (!noted || seq <= before):
			known[p] = seq - 1
		case noted && (seq > 0 || !w.r.Answered(p)):
			known[p] = before
		case !w.r.Answered(p) && w.in.Seq > seen:
			known[p] = seen
		}
	}
	w.friction.Known = known
}

// unjudged tells which outgoing items show what the peer's pending items would
// change, and the first sequence of each that is yet to be judged.
func (l *lane) unjudged(pending map[replica.Path]bool) map[replica.Path]replica.Seq {
	first := map[replica.Path]replica.Seq{}
	for p := range pending {
		for _, q := range l.r.Answers(p) {
			if seq := l.in.Items[p].Seq; seq > 0 && (first[q] == 0 || seq < first[q]) {
				first[q] = seq
			}
		}
	}
	return first
}

// apart takes what leaves in the next replica out of what changed, with what that
// one says to have seen, and tells whether something is left for another. What was
// set here while the peer's word on it waits is as blind as what was set before.
func (l *lane) apart(changed []replica.Path, whole bool) (next []replica.Path, seen replica.Seq, rest bool) {
	var late []replica.Path
	seen = l.done.Seq
	waits := l.unjudged(l.done.Pending)
	for _, p := range changed {
		known, noted := l.friction.Known[p]
		first := waits[p]
		if p.Element() != "" { // which element here shows which of the peer's only its rule knows
			first = waits[replica.Path(p.Kind())]
		}
		if first > 0 && !noted {
			known, noted = first-1, true
		}
		if noted && known < l.done.Seq {
			late = append(late, p)
			seen = min(seen, known)
		} else {
			next = append(next, p)
		}
	}
	switch {
	case len(late) == 0:
		return changed, l.done.Seq, false
	case l.out.Last == 0: // the link's first is one replica
		return changed, seen, false
	case whole: // said again, it is judged by its times alone
		return changed, l.done.Seq, false
	case len(next) > 0:
		return next, l.done.Seq, true
	}
	return late, seen, false
}

// sentBlind forgets what has left, in the batch of its replica.
func (l *lane) sentBlind(b *ledger.Batch, sent []replica.Path) error {
	if len(l.friction.Known) == 0 {
		return nil
	}
	for _, p := range sent {
		delete(l.friction.Known, p)
	}
	return ledger.PutFriction(b, l.c.Name, l.link.ID, l.friction)
}
