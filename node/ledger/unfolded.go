package ledger

import (
	"container/heap"

	"parley/replica"
)

// unfolded is which entries of a log are not in their links' records yet: the
// entries themselves are the marks, so that a replica costs one record on disk.
// Which they are is memory, made at start from the entries after the oldest.
type unfolded struct {
	due   map[replica.LinkID]*overdue
	order overdues // the same, the one with the oldest entry first
}

// overdue is a link's entries that are not in its record.
type overdue struct {
	link  replica.LinkID
	seqs  []replica.Seq // oldest first; never empty
	place int           // in the order
}

// load finds them from an entry on; upto tells how far a link's record has come.
// One that cannot be read is its link's trouble alone, whenever that is read.
func (u *unfolded) load(l *Ledger, t byte, connection string, from replica.Seq, upto func(replica.LinkID) (replica.Seq, error)) error {
	u.due = map[replica.LinkID]*overdue{}
	folded := map[replica.LinkID]replica.Seq{}
	return l.entries(t, connection, from, func(e *Entry) bool {
		seq, known := folded[e.Link]
		if !known {
			var err error
			if seq, err = upto(e.Link); err != nil {
				l.log.Error("a link's record cannot be read", "connection", connection, "link", e.Link, "err", err)
			}
			folded[e.Link] = seq
		}
		if e.Seq > seq && e.Link != (replica.LinkID{}) {
			u.add(flight{e.Seq, e.Link})
		}
		return true
	})
}

func (u *unfolded) add(f flight) {
	if o := u.due[f.link]; o != nil {
		o.seqs = append(o.seqs, f.seq)
		return
	}
	o := &overdue{link: f.link, seqs: []replica.Seq{f.seq}}
	u.due[f.link] = o
	heap.Push(&u.order, o)
}

// of are a link's entries.
func (u *unfolded) of(link replica.LinkID) []replica.Seq {
	if o := u.due[link]; o != nil {
		return o.seqs
	}
	return nil
}

// fold forgets a link's entries up to seq.
func (u *unfolded) fold(link replica.LinkID, seq replica.Seq) {
	o := u.due[link]
	switch {
	case o == nil:
	case o.seqs[len(o.seqs)-1] <= seq:
		heap.Remove(&u.order, o.place)
		delete(u.due, link)
	default:
		for o.seqs[0] <= seq {
			o.seqs = o.seqs[1:]
		}
		heap.Fix(&u.order, o.place)
	}
}

// first is the oldest entry; none where there is none.
func (u *unfolded) first(none replica.Seq) replica.Seq {
	if len(u.order) == 0 {
		return none
	}
	return u.order[0].seqs[0]
}

// dueBefore lists at most n links that have entries before a number, those with
// the oldest first, each with its newest entry.
func (u *unfolded) dueBefore(before replica.Seq, n int) (newest []flight) {
	var taken []*overdue
	for len(taken) < n && u.first(before) < before {
		o := heap.Pop(&u.order).(*overdue)
		taken = append(taken, o)
		newest = append(newest, flight{o.seqs[len(o.seqs)-1], o.link})
	}
	for _, o := range taken {
		heap.Push(&u.order, o)
	}
	return newest
}

// overdues is a heap.
type overdues []*overdue

func (w overdues) Len() int           { return len(w) }
func (w overdues) Less(a, b int) bool { return w[a].seqs[0] < w[b].seqs[0] }

func (w overdues) Swap(a, b int) {
	w[a], w[b] = w[b], w[a]
	w[a].place, w[b].place = a, b
}

func (w *overdues) Push(x any) {
	o := x.(*overdue)
	o.place = len(*w)
	*w = append(*w, o)
}

func (w *overdues) Pop() any {
	last := len(*w) - 1
	o := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	return o
}
