package ledger

import "parley/replica"

// unfolded is which entries of a log are not in their links' records yet: the
// entries themselves are the marks, so that a replica costs one record on disk.
// Which they are is memory, made at start from the entries after the oldest.
type unfolded struct {
	due   map[replica.LinkID][]replica.Seq // by link, oldest first
	order []flight                         // the same of all links, and some that are folded by now
}

// load finds them from an entry on; upto tells how far a link's record has come.
// One that cannot be read is its link's trouble alone, whenever that is read.
func (u *unfolded) load(l *Ledger, t byte, connection string, from replica.Seq, upto func(replica.LinkID) (replica.Seq, error)) error {
	u.due = map[replica.LinkID][]replica.Seq{}
	folded := map[replica.LinkID]replica.Seq{}
	return l.entries(t, connection, from, func(e Entry) bool {
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
	u.due[f.link] = append(u.due[f.link], f.seq)
	u.order = append(u.order, f)
}

// fold forgets a link's entries up to seq.
func (u *unfolded) fold(link replica.LinkID, seq replica.Seq) {
	later := u.due[link]
	for len(later) > 0 && later[0] <= seq {
		later = later[1:]
	}
	if len(later) > 0 {
		u.due[link] = later
	} else {
		delete(u.due, link)
	}
}

// first is the oldest entry; none where there is none.
func (u *unfolded) first(none replica.Seq) replica.Seq {
	for ; len(u.order) > 0; u.order = u.order[1:] {
		if f := u.order[0]; u.waits(f) {
			return f.seq
		}
	}
	return none
}

func (u *unfolded) waits(f flight) bool {
	due := u.due[f.link]
	return len(due) > 0 && due[0] <= f.seq
}
