package exchange

import (
	"time"

	"parley/node/ledger"
	"parley/replica"
)

// lookUp settles the open intents of one kind: an earlier visit announced a call and does not know what became of it.
// find says what the ticket shows of one: the twins that it made, none where it is not there. That is made again only
// after the settle time, since the first try may still take effect; until then its item waits.
func (w *work) lookUp(open []ledger.Intent, find func(ledger.Intent) ([]ledger.Twin, error)) error {
	for _, in := range open {
		made, err := find(in)
		switch {
		case err != nil:
			return err
		case len(made) > 0:
			w.twins = append(w.twins, made...)
			if err := w.keepFound(in, made); err != nil {
				return err
			}
		case time.Now().Before(w.d.settled(in, w.d.cfg.SettleComment)):
			w.wait(in, w.d.cfg.SettleComment)
			continue
		default:
			w.doubt(in)
		}
		w.finished = append(w.finished, in)
		w.judgeAgain(in.Path) // it may say or show an older word
	}
	return nil
}

// keepFound stores what was found at once, so that the plan made next knows it.
func (w *work) keepFound(in ledger.Intent, found []ledger.Twin) error {
	return w.putTwins(found, func(b *ledger.Batch) error { return ledger.DropIntent(b, in) })
}

// keepTwins stores what was found at once, with the doubts that it ends.
func (w *work) keepTwins() error { return w.putTwins(w.twins, w.storeDoubts) }

// putTwins stores twins with what comes of them. What was known as a stray until now is known by its item from then on.
func (w *work) putTwins(twins []ledger.Twin, with func(*ledger.Batch) error) error {
	known, err := w.d.led.TwinsOn(w.link.Ticket)
	if err != nil {
		return err
	}
	return w.d.led.Write(func(b *ledger.Batch) error {
		for _, t := range twins {
			if was, there := known[t.Local]; there && was.Path != t.Path {
				if err := ledger.DropTwin(b, was); err != nil {
					return err
				}
			}
			if err := ledger.PutTwin(b, t); err != nil {
				return err
			}
		}
		return with(b)
	})
}

// twinAs is what is made here of an item of the peer's: a local id, on the link's ticket.
func (l *lane) twinAs(p replica.Path, local string) ledger.Twin {
	return ledger.Twin{Connection: l.c.Name, Link: l.link.ID, Path: p, Ticket: l.link.Ticket, Local: local}
}
