package node

import (
	"context"
	"fmt"
	"slices"

	"parley/node/exchange"
	"parley/node/ledger"
)

// HeldDetail is one held item in full.
type HeldDetail struct {
	Held
	Name   string         `json:"name"`             // of its code
	Means  string         `json:"means"`            // likewise, one sentence
	Cause  string         `json:"cause"`            // what usually lies behind it
	Advice string         `json:"advice"`           // what usually helps
	Ticket string         `json:"ticket"`           // the local ticket's id
	Twin   string         `json:"twin"`             // the partner's key
	Answer *ledger.Answer `json:"answer,omitempty"` // what Jira said
	Said   string         `json:"said,omitempty"`   // what else was said, of a standstill
}

// HeldShow shows one.
var HeldShow = op("held/show", (*Node).heldShow)

func (n *Node) heldShow(_ context.Context, q HeldQuestion) (d HeldDetail, err error) {
	still := n.standstills()
	if i := slices.IndexFunc(still, func(s standstill) bool { return s.ID == q.ID }); i >= 0 {
		d.Held, d.Said = still[i].Held, still[i].cause
		d.explain()
		return d, nil
	}
	h, err := n.heldOne(q.ID)
	if err != nil {
		return d, err
	}
	d.Held, d.Answer = heldLine(h), h.Answer
	d.explain()
	if h.Link.IsZero() {
		return d, nil
	}
	k, err := n.led.Link(h.Connection, h.Link)
	if err == nil {
		d.Ticket = k.Ticket
	}
	if d.Twin, err = n.led.TwinKey(h.Connection, h.Link); err != nil {
		return d, fmt.Errorf("looking at link %s: %w", h.Link, err)
	}
	return d, nil
}

func (d *HeldDetail) explain() {
	if e, ok := exchange.Explain(d.Code); ok {
		d.Name, d.Means, d.Cause, d.Advice = e.Name, e.Means, e.Cause, e.Next
	}
}

// Explained is one code of held work, for people.
type Explained = exchange.Explained

// Explain lists the catalogue of codes, or one of them; it needs no home.
func Explain(code string) ([]Explained, error) {
	if code == "" {
		return exchange.Catalogue(), nil
	}
	e, ok := exchange.Explain(code)
	if !ok {
		return nil, advise(fmt.Errorf("there is no code %q", code), `"parley held explain" lists all; a partner's newer version may have more`)
	}
	return []Explained{e}, nil
}
