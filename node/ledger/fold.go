package ledger

import (
	"cmp"
	"slices"

	"parley/replica"
)

// Changed lists what reconciling has to judge: the items that came after d, and
// those that still wait from before.
func (in *Incoming) Changed(d *Done) (paths []replica.Path) {
	for p, a := range in.Items {
		if a.Seq > d.Seq || d.Pending[p] {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// fold takes in one more replica. unbroken: neither log was ever put back.
func (in *Incoming) fold(seq replica.Seq, r *replica.Replica, unbroken bool) {
	before, first := in.Remote, unbroken && in.Seq == 0 && in.Lost == 0
	view, err := before.Fold(r)
	if err != nil { // Seq stays: what is not known was not reconciled, so no replica of ours may say that we have seen it
		in.Lost, in.Broken = seq, r.Whole
		return
	}
	in.Seq = seq
	in.Remote, in.After, in.Via, in.Lost = view, r.After, r.Via, 0
	if r.Key != "" {
		in.Key, in.URL = r.Key, r.URL
	}
	set, gone := r.Set, r.Gone
	now := Arrival{Seq: seq, Seen: r.Seen}
	if r.Whole && !first { // it says again what was said before that: the times decide
		set, gone = in.news(before, r)
		now.Seen = 0
	}
	for p := range set {
		in.Items[p] = now
	}
	for p, at := range gone {
		now.Gone = at
		in.Items[p] = now
	}
	in.forget()
}

// news is what a whole view says that before does not, or says of another time:
// it is said again later, because the ticket here has moved.
func (in *Incoming) news(before replica.View, r *replica.Replica) (set replica.View, gone map[replica.Path]int64) {
	set, left := replica.Diff(before, r.Set)
	for p, it := range r.Set {
		if it.At != before[p].At {
			set[p] = it
		}
	}
	gone = make(map[replica.Path]int64, len(left))
	for _, p := range left {
		gone[p] = r.Gone[p]
	}
	for p, at := range r.Gone {
		if was, known := in.Items[p]; !known || was.Gone != at {
			gone[p] = at
		}
	}
	return set, gone
}

// mostGone bounds how many items that are not there any more a link remembers, of
// either side.
const mostGone = 10_000

// forget drops the oldest withdrawn items once a peer has made up too many.
func (in *Incoming) forget() {
	if len(in.Items) > len(in.Remote)+mostGone {
		forget(in.Items, func(p replica.Path, _ Arrival) bool { _, there := in.Remote[p]; return !there }, func(a Arrival) replica.Seq { return a.Seq })
	}
}

// forget drops the oldest bases of what is not there any more.
func (o *Outgoing) forget() {
	if len(o.Bases) > len(o.Posted)+mostGone {
		forget(o.Bases, func(_ replica.Path, b Base) bool { return b.Local.IsZero() }, func(b Base) replica.Seq { return b.Seq })
	}
}

// forget leaves half of the bound, so that it has not to be done each time.
func forget[V any](items map[replica.Path]V, gone func(replica.Path, V) bool, seq func(V) replica.Seq) {
	var old []replica.Path
	for p, v := range items {
		if gone(p, v) {
			old = append(old, p)
		}
	}
	if len(old) <= mostGone {
		return
	}
	slices.SortFunc(old, func(a, b replica.Path) int {
		return cmp.Or(cmp.Compare(seq(items[a]), seq(items[b])), cmp.Compare(a, b))
	})
	for _, p := range old[:len(old)-mostGone/2] {
		delete(items, p)
	}
}

// carried notes the sequence that carried a replica's items and withdrawals.
func (o *Outgoing) carried(seq replica.Seq, r *replica.Replica) {
	for p := range r.Set {
		base := o.Bases[p]
		base.Seq = seq
		o.Bases[p] = base
	}
	for p, at := range r.Gone {
		base := o.Bases[p]
		base.Seq, base.Gone = seq, at
		o.Bases[p] = base
	}
}
