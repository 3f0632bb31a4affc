package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/node/ledger"
	"parley/replica"
)

// HeldQuestion names held work: all of it, one connection's, one class's, or
// one by its id.
type HeldQuestion struct {
	Connection string       `json:"connection"`
	Class      ledger.Class `json:"class"` // only of this class
	ID         string       `json:"id"`
	Who        string       `json:"who"` // for a decision: the person
	Why        string       `json:"why"` // likewise: the reason
}

// HeldList lists what waits.
var HeldList = op("held", (*Node).heldList)

func (n *Node) heldList(_ context.Context, q HeldQuestion) ([]Held, error) {
	all := []Held{}
	for _, line := range n.standstills() {
		if (q.Connection == "" || q.Connection == line.Connection || line.Connection == "") && (q.Class == "" || q.Class == line.Class) {
			all = append(all, line.Held)
		}
	}
	err := n.led.Held(q.Connection, func(h ledger.Held) bool {
		if q.Class == "" || q.Class == h.Class {
			all = append(all, heldLine(h))
		}
		return true
	})
	return all, err
}

func heldLine(h ledger.Held) Held {
	line := Held{
		ID: h.ID(), Connection: h.Connection, Key: h.Key, Class: h.Class, Reason: h.Reason, Next: h.Next,
		Path: string(h.Path), Direction: h.Direction(), Code: h.Code, Rule: h.Rule, Since: time.UnixMilli(h.Since), Tries: h.Tries,
	}
	if !h.Link.IsZero() { // what cannot be read belongs to none
		line.Link = h.Link.String()
	}
	if h.Retry > 0 {
		next := time.UnixMilli(h.Retry)
		line.Retry = &next
	}
	return line
}

// heldOne finds held work by its id.
func (n *Node) heldOne(id string) (found ledger.Held, err error) {
	err = n.led.Held("", func(h ledger.Held) bool {
		if h.ID() != id {
			return true
		}
		found = h
		return false
	})
	if err == nil && found.Connection == "" {
		still := n.standstills()
		if i := slices.IndexFunc(still, func(s standstill) bool { return s.ID == id }); i >= 0 {
			return found, advise(fmt.Errorf("it is not one ticket's: %s", still[i].Reason), "%s", still[i].Next)
		}
		err = advise(fmt.Errorf("nothing is held under the id %q", id), `"parley held list" shows what waits; it may have been solved meanwhile`)
	}
	return found, err
}

// HeldRetry has held work tried again: at once where the node runs, else when
// it starts. The link's other held items are tried with it.
var HeldRetry = op("held/retry", (*Node).heldRetry)

func (n *Node) heldRetry(_ context.Context, q HeldQuestion) (Held, error) {
	h, err := n.heldOne(q.ID)
	if err != nil {
		return Held{}, err
	}
	return heldLine(h), n.retry(h.Connection, h.Link)
}

// HeldRelease lets through what the rules keep back for a person: the first
// share of a link under approve_first.
var HeldRelease = op("held/release", (*Node).heldRelease)

func (n *Node) heldRelease(_ context.Context, q HeldQuestion) (Held, error) {
	h, err := n.heldOne(q.ID)
	if err != nil {
		return Held{}, err
	}
	k, err := n.led.Link(h.Connection, h.Link)
	if err != nil {
		return Held{}, fmt.Errorf("finding link %s: %w", h.Link, err)
	}
	if !k.Waits || !h.Out || h.Path != "" {
		return Held{}, advise(fmt.Errorf("%s does not wait for a person's release (it is held as %s: %s)", h.Key, h.Class, h.Reason), `"parley held retry %s" tries it again`, q.ID)
	}
	if l := n.live.Load(); l != nil {
		return heldLine(h), l.desk.Release(h.Connection, h.Link)
	}
	k.Waits = false
	if err := n.led.Write(func(b *ledger.Batch) error { return ledger.PutLink(b, k) }); err != nil {
		return Held{}, fmt.Errorf("noting the release: %w", err)
	}
	return heldLine(h), n.retry(h.Connection, h.Link)
}

// errNoTicketYet: a ticket that is to be made waits for a running node.
var errNoTicketYet = errors.New("its ticket is not made yet, and no node runs that could")

func (n *Node) retry(connection string, id replica.LinkID) error {
	if id.IsZero() {
		return advise(errors.New("what cannot be read cannot be tried again"), "ask the partner's admin, then: parley held drop ID --why TEXT")
	}
	if l := n.live.Load(); l != nil {
		return l.desk.Retry(connection, id)
	}
	k, err := n.led.Link(connection, id)
	if err != nil {
		return fmt.Errorf("finding link %s: %w", id, err)
	}
	if k.Ticket == "" {
		return advise(errNoTicketYet, `start the node with "parley run"`)
	}
	_, err = n.led.MarkDirty([]string{k.Ticket}, "")
	return err
}
