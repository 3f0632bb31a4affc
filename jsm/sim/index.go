package sim

import (
	"slices"
	"time"
)

// index is the search index: it sees every write only after a lag, and a second copy of it may see it later
// still, so that what one search found the next one misses. Without lag it is the live data.
type index struct {
	lag      time.Duration
	flap     bool
	searches int
	docs     map[int64][]doc // issue → its versions, oldest first; only where there is a lag
}

// A doc is an issue as of one write; nil: deleted.
type doc struct {
	at time.Time
	is *issue
}

func (x *index) set(t *Tenant, lag time.Duration, flap bool) {
	x.lag, x.flap = max(0, lag), flap
	x.docs = nil
	if x.lag == 0 {
		return
	}
	x.docs = map[int64][]doc{}
	for id, is := range t.issues.byID {
		x.docs[id] = []doc{{is: is.clone()}} // known since ever
	}
}

// wrote tells the index of a write.
func (x *index) wrote(t *Tenant, is *issue) {
	if x.lag == 0 {
		return
	}
	if x.docs == nil {
		x.docs = map[int64][]doc{}
	}
	x.add(is.id, doc{at: t.now(), is: is.clone()})
}

func (x *index) gone(t *Tenant, id int64) {
	if x.lag > 0 {
		x.add(id, doc{at: t.now()})
	}
}

// add keeps a version and drops those that no search can see any more.
func (x *index) add(id int64, d doc) {
	list := x.docs[id]
	horizon := d.at.Add(-2 * x.lag)
	for len(list) > 1 && !list[1].at.After(horizon) {
		list = list[1:]
	}
	x.docs[id] = append(slices.Clip(list), d)
}

// view gives the issues as the next search sees them, by ascending id. fresh holds ids that the caller
// wants reconciled: those are read from the live data.
func (x *index) view(t *Tenant, fresh map[int64]bool) []*issue {
	out := make([]*issue, 0, len(t.issues.order))
	if x.lag == 0 {
		for _, id := range t.issues.order {
			out = append(out, t.issues.byID[id])
		}
		return out
	}
	x.searches++
	seen := t.now().Add(-x.lag)
	if x.flap && x.searches%2 == 1 {
		seen = seen.Add(-x.lag)
	}
	ids := make([]int64, 0, len(x.docs))
	for id := range x.docs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if fresh[id] {
			if live := t.issues.byID[id]; live != nil {
				out = append(out, live)
			}
			continue
		}
		var last *issue
		for _, d := range x.docs[id] {
			if d.at.After(seen) {
				break
			}
			last = d.is
		}
		if last != nil {
			out = append(out, last)
		}
	}
	return out
}
