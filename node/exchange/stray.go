package exchange

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"parley/jsm"
	"parley/node/ledger"
	"parley/replica"
)

// strays finds comments of our own account that no link knows as its own. Those
// with our mark came late, after they had been given up, or their records were
// lost with a disk: they never leave as if a person had said them. One without
// is a person's who uses the account.
func (d *Desk) strays(ctx context.Context, j *job, t *jsm.Ticket, lanes []*lane) error {
	if t == nil || len(lanes) == 0 {
		return nil
	}
	me := d.account().AccountID
	known, err := d.led.TwinsOn(t.ID)
	if err != nil {
		return err
	}
	strange := func(c jsm.Comment) bool {
		if _, ours := known[c.ID]; ours || c.Author.AccountID != me {
			return false
		}
		p := replica.Path("comment/" + c.ID)
		return !slices.ContainsFunc(lanes, func(l *lane) bool { _, posted := l.out.Posted[p]; return posted }) && !d.strangers.has(c.ID)
	}
	if !slices.ContainsFunc(t.Comments, strange) {
		return nil
	}
	there, err := d.jira.Comments(ctx, t.ID)
	if err != nil {
		return fmt.Errorf("looking whose comments of %s are: %w", t.Key, err)
	}
	var found []ledger.Twin
	for _, c := range there {
		switch nonce := nonceOf(c); {
		case !strange(c):
		case nonce == "" && slices.ContainsFunc(lanes, (*lane).mayAttach):
			j.strange = true // perhaps what Jira makes of an upload: recovering tells
		case nonce == "":
			d.strangers.add(c.ID)
		case slices.ContainsFunc(lanes, func(l *lane) bool { return l.opened(nonce) }):
			// recovering finds it
		default:
			l := lanes[max(0, slices.IndexFunc(lanes, func(l *lane) bool { return l.link.ID == markOf(c).Link }))]
			found = append(found, ledger.Twin{Connection: l.c.Name, Link: l.link.ID, Path: replica.Path("comment" + lateInfix + c.ID), Ticket: t.ID, Local: c.ID})
			j.strange = true
		}
	}
	return d.keepStrays(found)
}

// keepStrays stores what was found on a ticket and is ours.
func (d *Desk) keepStrays(found []ledger.Twin) error {
	if len(found) == 0 {
		return nil
	}
	return d.led.Write(func(b *ledger.Batch) error {
		for _, twin := range found {
			if err := ledger.PutTwin(b, twin); err != nil {
				return err
			}
		}
		return nil
	})
}

// strangers remembers comments of our account that a person made, so that Jira
// is asked once about each.
type strangers struct {
	mu  sync.Mutex // guards ids
	ids map[string]bool
}

const mostStrangers = 10_000 // comments remembered; then it begins anew

func (s *strangers) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}

func (s *strangers) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil || len(s.ids) >= mostStrangers {
		s.ids = map[string]bool{}
	}
	s.ids[id] = true
}

// opened reports whether a nonce is an open intent's.
func (l *lane) opened(nonce string) bool {
	return slices.ContainsFunc(l.open, func(in ledger.Intent) bool { return in.Nonce == nonce })
}
