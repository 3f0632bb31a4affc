package ledger

// Mark is one durable dirty mark: the ticket may have changed.
type Mark struct {
	Ticket     string
	Generation uint64 // marks up to here are cleared by whoever read the ticket after seeing them
}

// MarkDirty notes that tickets may have changed and, where cursor is not empty,
// moves the poll's cursor, in one synced batch.
func (l *Ledger) MarkDirty(tickets []string, cursor string) (generation uint64, err error) {
	if len(tickets) == 0 && cursor == "" {
		return 0, nil
	}
	generation = l.mark.Add(1)
	return generation, l.Write(func(b *Batch) error {
		for _, t := range tickets {
			if err := b.Set(table('M').str(t).num(generation), nil, nil); err != nil {
				return err
			}
		}
		if cursor != "" {
			return b.Set(table('K').rest(pollCursor), []byte(cursor), nil)
		}
		return nil
	})
}

const pollCursor = "poll"

// Cursor is the poll's cursor as last stored; "" before the first poll.
func (l *Ledger) Cursor() (string, error) {
	v, err := l.Fact(pollCursor)
	return string(v), err
}

// Generation is that of the newest dirty mark: whoever reads a ticket after
// this call has seen what every mark so far hints at.
func (l *Ledger) Generation() uint64 { return l.mark.Load() }

// ClearDirty takes away a ticket's marks up to a generation. It need not wait
// for the disk: a mark that comes back costs one read.
func (l *Ledger) ClearDirty(ticket string, upTo uint64) error {
	return l.clear(table('M').str(ticket), table('M').str(ticket).num(upTo+1))
}

// Dirty calls use for every ticket with a dirty mark.
func (l *Ledger) Dirty(use func(Mark) bool) error {
	prefix := table('M')
	return l.scan(prefix, func(k, _ []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		m := Mark{Ticket: r.str(), Generation: r.num()}
		if err := r.end("dirty mark"); err != nil {
			return false, err
		}
		return use(m), nil
	})
}

func (l *Ledger) newestMark() (newest uint64, err error) {
	newest = 1
	err = l.Dirty(func(m Mark) bool {
		newest = max(newest, m.Generation)
		return true
	})
	return newest, err
}

// Fact reads a small named fact; empty where there is none.
func (l *Ledger) Fact(name string) (value []byte, err error) {
	err = l.get(table('K').rest(name), func(v []byte) error {
		value = append([]byte(nil), v...)
		return nil
	})
	return value, missing(err)
}

// PutFact stores a small named fact in b.
func PutFact(b *Batch, name string, value []byte) error {
	return b.Set(table('K').rest(name), value, nil)
}
