package ledger

import (
	"errors"
	"fmt"

	"parley/replica"
)

// Check walks the whole ledger and reports everything that is not as the
// package doc says: gaps and broken chains in the logs, commitments that do not
// fit their bytes, hashes that do not fit their views, indexes that point
// nowhere. It reads only.
func (l *Ledger) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	names, err := l.logNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		for _, t := range []byte{'o', 'i'} {
			if err := l.checkLog(t, name, fault); err != nil {
				return err
			}
		}
	}
	err = l.Links("", func(k Link) bool {
		l.checkLink(k, fault)
		return true
	})
	if err != nil {
		return err
	}
	return errors.Join(faults...)
}

// logNames lists the connections that have a log.
func (l *Ledger) logNames() (names []string, err error) {
	for _, t := range []byte{'H', 'h'} {
		err = l.scan(table(t), func(k, _ []byte) (bool, error) {
			r := reader{b: k[1:]}
			names = append(names, r.str())
			return true, r.end("log head")
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

func (l *Ledger) checkLog(t byte, name string, fault func(string, ...any)) error {
	heads := map[byte]byte{'o': 'H', 'i': 'h'}
	var at head
	if err := missing(l.get(table(heads[t]).str(name), at.decode)); err != nil {
		return err
	}
	want, before := replica.Seq(1), replica.Hash{}
	past, err := l.pasts(t, name)
	if err != nil {
		return err
	}
	jump := func(to replica.Seq) { // over what a restored home has lost
		for _, p := range past {
			if p.Seq >= want-1 && p.Seq < to {
				want, before = p.Seq+1, p.Chain
			}
		}
	}
	err = l.entries(t, name, 1, func(e *Entry) bool {
		jump(e.Seq)
		switch {
		case e.Seq != want:
			fault("log %c of %q: replica %d follows %d", t, name, e.Seq, want-1)
		case e.Erased && len(e.Body) > 0, !e.Erased && e.Commitment != commitment(e.Salt, e.Body):
			fault("log %c of %q: replica %d does not fit its commitment", t, name, e.Seq)
		case e.Chain != chain(before, e.Commitment):
			fault("log %c of %q: the chain breaks at replica %d", t, name, e.Seq)
		}
		want, before = e.Seq+1, e.Chain
		return true
	})
	if err != nil {
		return err
	}
	jump(at.Seq + 1)
	if at.Seq != want-1 || at.Chain != before {
		fault("log %c of %q: its head says %d, it ends at %d", t, name, at.Seq, want-1)
	}
	return nil
}

func (l *Ledger) checkLink(k Link, fault func(string, ...any)) {
	o, err := l.storedOutgoing(k.Connection, k.ID)
	if err != nil {
		fault("link %s of %q: %w", k.ID, k.Connection, err)
		return
	}
	if o.Posted.Hash() != o.After {
		fault("link %s of %q: the posted view does not fit its hash", k.ID, k.Connection)
	}
	in, err := l.storedIncoming(k.Connection, k.ID)
	if err != nil {
		fault("link %s of %q: %w", k.ID, k.Connection, err)
		return
	}
	if in.Remote.Hash() != in.After {
		fault("link %s of %q: the remote view does not fit its hash", k.ID, k.Connection)
	}
	twins, err := l.Twins(k.Connection, k.ID)
	if err != nil {
		fault("link %s of %q: %w", k.ID, k.Connection, err)
		return
	}
	locals := map[string]replica.Path{}
	for p, t := range twins {
		if other, ok := locals[t.Local]; ok {
			fault("link %s of %q: %s and %s share the local comment %s", k.ID, k.Connection, p, other, t.Local)
		}
		locals[t.Local] = p
	}
}
