package exchange

import (
	"context"
	"fmt"
	"time"

	"parley/jsm"
	"parley/node/ledger"
)

// SetAccount tells the desk who it is in its tenant, once that is known.
func (d *Desk) SetAccount(me jsm.Account) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.me = me
}

func (d *Desk) account() jsm.Account {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.me
}

// known is what a look-up by e-mail address found.
type known struct {
	person jsm.Person
	there  bool
	until  time.Time
}

const (
	personFor  = time.Hour // a found account is believed this long
	nobodyFor  = time.Minute
	mostPeople = 10_000 // addresses remembered; beyond them the memory starts anew
)

// persons looks accounts up by e-mail address, so that the judgement itself
// never waits for the tenant.
func (d *Desk) persons(ctx context.Context, emails []string) (func(string) (jsm.Person, bool), error) {
	found := map[string]known{}
	for _, email := range emails {
		d.mu.Lock()
		k, ok := d.people[email]
		d.mu.Unlock()
		if !ok || time.Now().After(k.until) {
			person, there, err := d.jira.FindPerson(ctx, email)
			if err != nil {
				return nil, fmt.Errorf("looking up a person: %w", err)
			}
			k = known{person: person, there: there, until: time.Now().Add(nobodyFor)}
			if there {
				k.until = time.Now().Add(personFor)
			}
			d.mu.Lock()
			if len(d.people) >= mostPeople {
				clear(d.people)
			}
			d.people[email] = k
			d.mu.Unlock()
		}
		found[email] = k
	}
	return func(email string) (jsm.Person, bool) {
		k := found[email]
		return k.person, k.there
	}, nil
}

// linked reports whether a ticket has a link.
func (d *Desk) linked(ticket string) bool {
	links, err := d.led.LinksOf(ticket)
	return err != nil || len(links) > 0
}

// saw notes the state in which a ticket was read or left: a hint that tells of
// no later one, such as the echo of our own write, is no news. The sweep is told
// only of what was read whole: what is owed, it reads again.
func (d *Desk) saw(t *jsm.Ticket) {
	d.mu.Lock()
	if len(d.seen) >= mostSeen {
		clear(d.seen)
		clear(d.owed)
	}
	news := t.Updated.After(d.seen[t.ID])
	if news {
		d.seen[t.ID] = t.Updated
	}
	swept := !t.Owed() && (news || d.owed[t.ID])
	if delete(d.owed, t.ID); t.Owed() {
		d.owed[t.ID] = true
	}
	d.mu.Unlock()
	if swept {
		if err := d.led.Saw(t.ID, t.Updated); err != nil {
			d.log.Warn("a ticket's state could not be noted; the sweep will read it again", "ticket", t.ID, "err", err)
		}
	}
}

const mostSeen = 100_000 // tickets remembered; beyond them the memory starts anew, which costs a read each

func (d *Desk) ours(h jsm.Hint) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !h.Updated.After(d.seen[h.ID])
}

func pauseFact(connection string) string { return "pause/" + connection }

// Pause stops a connection from starting new links; those that it has go on.
func (d *Desk) Pause(connection, why string) error {
	c := d.Connection(connection)
	if c == nil {
		return fmt.Errorf("there is no connection %q with published rules", connection)
	}
	if err := d.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, pauseFact(connection), []byte(why)) }); err != nil {
		return err
	}
	c.mu.Lock()
	c.paused = why
	c.mu.Unlock()
	return nil
}

// Resume ends a pause and visits what waited.
func (d *Desk) Resume(connection string) error {
	if err := d.Pause(connection, ""); err != nil {
		return err
	}
	d.askAgain()
	return d.led.Links(connection, func(k ledger.Link) bool {
		d.backfill(k)
		return true
	})
}
