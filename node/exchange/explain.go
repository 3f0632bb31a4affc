package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// Became is what became of one item of a ticket, in one word.
type Became string

// What can become of an item.
const (
	Crossed   Became = "crossed"   // both sides hold it
	Mapped    Became = "mapped"    // likewise, as another value or in a field of another name
	Waiting   Became = "waiting"   // on its way
	HeldBack  Became = "held"      // it waits for a person, here or at the partner's
	Refusal   Became = "refused"   // the policy, the field's type or the partner does not take it
	Overruled Became = "overruled" // the other side's value won
	Unsent    Became = "unsent"    // the outgoing rules keep it home
	Unused    Became = "unused"    // it came, and the incoming rules make nothing of it
	LeftOut   Became = "left-out"  // a person decided that it stays out until it changes
)

// ItemReport is one item of a ticket on one of the two ways. From and To show only names of lists (options,
// statuses), unless contents were asked for.
type ItemReport struct {
	Path    string `json:"path"`            // of the item, as the sender names it
	Field   string `json:"field,omitempty"` // of the local ticket
	Became  Became `json:"became"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Rule    string `json:"rule,omitempty"` // file:line:col of our rule that decided
	Code    string `json:"code,omitempty"` // of what is held or refused
	Why     string `json:"why,omitempty"`
	Next    string `json:"next,omitempty"` // what to do about it
	Replica uint64 `json:"replica,omitempty"`
}

// TicketReport is one link of a ticket, item by item.
type TicketReport struct {
	Connection string       `json:"connection"`
	Peer       string       `json:"peer"`
	Link       string       `json:"link"`
	Key        string       `json:"key"`
	Twin       string       `json:"twin"`
	Trouble    string       `json:"trouble,omitempty"` // why nothing can be judged, or the whole link waits
	Out        []ItemReport `json:"out"`
	In         []ItemReport `json:"in"`
}

// Report reads a ticket in full and says, link by link, what became of each of its items under the rules
// that work now, and why. Nothing is posted, and nothing written to Jira. An empty connection means all;
// without content no text that a person typed is shown.
func (d *Desk) Report(ctx context.Context, connection, key string, content bool) ([]TicketReport, error) {
	d.jira.Forget(key) // in full
	t, err := d.jira.Ticket(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("reading ticket %s: %w", key, err)
	}
	links, err := d.led.LinksOf(t.ID)
	if err != nil {
		return nil, err
	}
	var all []TicketReport
	for _, k := range links {
		if connection != "" && k.Connection != connection {
			continue
		}
		r, err := d.report(ctx, k, t, content)
		if err != nil {
			return nil, fmt.Errorf("explaining %s on connection %q: %w", t.Key, k.Connection, err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b TicketReport) int {
		return cmp.Or(strings.Compare(a.Connection, b.Connection), strings.Compare(a.Link, b.Link))
	})
	return all, nil
}

func (d *Desk) report(ctx context.Context, k ledger.Link, t *jsm.Ticket, content bool) (TicketReport, error) {
	r := TicketReport{Connection: k.Connection, Link: k.ID.String(), Key: t.Key, Out: []ItemReport{}, In: []ItemReport{}}
	c := d.Connection(k.Connection)
	if c == nil {
		r.Trouble = "the connection has no published rules any more"
		return r, nil
	}
	r.Peer = c.Peer
	l, err := d.lane(c, k)
	if err != nil {
		return r, err
	}
	r.Twin = cmp.Or(l.in.Key, l.word.Twin)
	switch {
	case k.Ended:
		r.Trouble = "it was unlinked: nothing crosses any more"
		return r, nil
	case l.r == nil:
		r.Trouble = "the rules do not work: " + c.Trouble()
		return r, nil
	}
	l.ticket = t
	e := &explaining{lane: l, held: map[heldAt]ledger.Held{}}
	if err := e.recall(); err != nil {
		return r, err
	}
	for at, h := range e.held {
		if at.path == "" {
			r.Trouble = h.Reason
		}
	}
	lanes := []*lane{l}
	if err := errors.Join(d.prove(ctx, t, lanes), d.learn(ctx, t, lanes)); err != nil { // as a visit does
		return r, err
	}
	if r.Out, err = e.outgoing(content); err != nil {
		return r, err
	}
	r.In, err = e.incoming(ctx, content)
	return r, err
}

// explaining is one link that is explained.
type explaining struct {
	*lane

	held map[heldAt]ledger.Held // by our rules, our policy or Jira's answer
	left []ledger.LeftOut
	made map[replica.Path]ledger.Twin
	lost map[replica.Path]int64 // values of the peer's that lost against ours: when, Unix ms
}

type heldAt struct {
	out  bool
	path replica.Path
}

// recall reads what waits, what persons left out, and what was made here of the peer's items.
func (e *explaining) recall() error {
	held, err := e.d.led.HeldOf(e.c.Name, e.link.ID)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.Origin != ledger.ByPeer {
			e.held[heldAt{h.Out, h.Path}] = h
		}
	}
	if e.left, err = e.d.led.LeftOutOf(e.c.Name, e.link.ID); err != nil {
		return err
	}
	if e.made, err = e.d.led.Twins(e.c.Name, e.link.ID); err != nil {
		return err
	}
	e.lost = map[replica.Path]int64{}
	return e.d.led.Overruled(e.c.Name, func(o ledger.Overruled) bool {
		if o.Link == e.link.ID && !o.Ours {
			e.lost[o.Path] = o.At
		}
		return true
	})
}

// waits fills in what is known of an item that waits here, itself or with its set.
func (e *explaining) waits(out bool, p replica.Path, r *ItemReport) bool {
	for _, at := range []replica.Path{p, replica.Path(p.Kind())} {
		if h, ok := e.held[heldAt{out, at}]; ok {
			r.keeps(h.Code, h.Reason, h.Rule, h.Next)
			return true
		}
	}
	return false
}

func (r *ItemReport) keeps(code, why, rule, next string) {
	r.Became, r.Code, r.Why, r.Rule, r.Next = HeldBack, code, why, cmp.Or(rule, r.Rule), next
	if code == rules.Dropped || code == rules.Refused {
		r.Became = Refusal
	}
}

// leftOut reports whether a person's decision about an item still stands.
func (e *explaining) leftOut(out bool, p replica.Path, r *ItemReport) bool {
	for _, d := range slices.Backward(e.left) {
		if d.Out != out || !d.Covers(p) {
			continue
		}
		if out && d.Version != e.version(p) || !out && !d.Stands(e.in) {
			return false
		}
		r.Became, r.Code, r.Why, r.Next = LeftOut, d.Code, fmt.Sprintf("%s left it out: %s", d.Who, d.Why), ""
		return true
	}
	return false
}
