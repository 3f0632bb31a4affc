package exchange

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// disputes notes how conflicts were decided that the peer has to decide, too: of
// items that crossed each other on the wire. A dispute ends when either side
// says the item anew.
func (w *work) disputes(plan *rules.Plan) {
	open := map[replica.Path]ledger.Dispute{}
	for p, d := range w.friction.Disputes {
		again := slices.ContainsFunc(d.Moves, func(q replica.Path) bool { b := w.out.Bases[q]; return b.Seq > d.Sent || b.Local == ledger.Forced })
		if w.in.Items[p].Seq <= d.Came && !again {
			open[p] = d
		}
	}
	for _, c := range plan.Contested {
		if d := w.dispute(c); d.Sent > 0 {
			open[c.Path] = d
		}
	}
	w.friction.Disputes = open
}

func (w *work) dispute(c rules.Contested) ledger.Dispute {
	return ledger.Dispute{Came: w.in.Items[c.Path].Seq, Ours: c.Ours, Moves: c.Moves, Since: time.Now().UnixMilli(), Sent: w.crossed(c)}
}

// conceding adds to an intent what of ours its write replaces.
func (w *work) conceding(in ledger.Intent, plan *rules.Plan, sources []replica.Path) ledger.Intent {
	for _, lost := range plan.Overruled {
		if lost.Ours && slices.Contains(sources, lost.Path) {
			in.Lost = append(in.Lost, w.overruled(w.judged, lost.Path, lost.Item, true, lost.Rule))
		}
	}
	for _, c := range plan.Contested {
		if d := w.dispute(c); d.Sent > 0 && !c.Ours && slices.Contains(sources, c.Path) {
			if in.Disputes == nil {
				in.Disputes = map[replica.Path]ledger.Dispute{}
			}
			in.Disputes[c.Path] = d
		}
	}
	return in
}

// gaveUp takes up what an earlier visit conceded by a write that was made: the judgement finds the value here, and would
// know of no contest.
func (w *work) gaveUp(in ledger.Intent) {
	w.lost = append(w.lost, in.Lost...)
	for p, d := range in.Disputes {
		if now, open := w.friction.Disputes[p]; open && now.Came >= d.Came {
			continue
		}
		if w.friction.Disputes == nil {
			w.friction.Disputes = map[replica.Path]ledger.Dispute{}
		}
		w.friction.Disputes[p] = d
	}
}

// crossed is the sequence with which our value of a contested item went out
// before the peer had seen it; zero where it is yet to be sent, or sent again:
// the peer then hears of it knowing of its own.
func (w *work) crossed(c rules.Contested) (sent replica.Seq) {
	for _, q := range c.Moves {
		b := w.out.Bases[q]
		if b.Local == ledger.Forced {
			return 0
		}
		if it, there := w.view[q]; c.Ours && (there && it.Hash(q) != b.Local || !there && b.Local != replica.Hash{}) {
			return 0
		}
		if seq := max(b.Seq, w.yielded[q]); seq > w.in.Items[c.Path].Seen {
			sent = max(sent, seq)
		}
	}
	return sent
}

// told adds to what the peer is told how the open disputes were decided here.
func (w *work) told(o *replica.Outcome) {
	for _, p := range slices.Sorted(maps.Keys(w.friction.Disputes)) {
		if w.friction.Disputes[p].Ours {
			o.Kept = append(o.Kept, p)
		} else {
			o.Taken = append(o.Taken, p)
		}
	}
}

// standing tells of the disputes that both sides decided for themselves, or both
// for the other: they would never agree by writing.
func (w *work) standing() (held []ledger.Held) {
	for _, p := range slices.Sorted(maps.Keys(w.friction.Disputes)) {
		d := w.friction.Disputes[p]
		theirs, says := w.word.Taken, "both sides took the other's"
		if d.Ours {
			theirs, says = w.word.Kept, "both sides kept their own"
		}
		if w.word.Seq < d.Sent || !slices.ContainsFunc(d.Moves, func(q replica.Path) bool { return slices.Contains(theirs, q) }) {
			continue
		}
		held = append(held, ledger.Held{
			Path: p, Key: w.key(), Class: ledger.Definite, Code: CodeStanding, Since: d.Since,
			Reason: fmt.Sprintf("%s of %s was changed here and at %s at the same time, and by their rules %s: the two tickets differ.", p, w.key(), w.c.Peer, says),
			Next:   "Agree with the partner on a value and set it on either side; then have wins decide alike on both (for example latest).",
		})
	}
	return held
}
