package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/node/ledger"
)

// maxWhy bounds the reason of a decision, in bytes.
const maxWhy = 1000

// HeldDrop leaves held work out until it changes again at its source: who
// decided it and why are kept, and the partner is told "dropped".
var HeldDrop = op("held/drop", (*Node).heldDrop)

func (n *Node) heldDrop(_ context.Context, q HeldQuestion) (Held, error) {
	if why := strings.TrimSpace(q.Why); why == "" || len(why) > maxWhy {
		return Held{}, advise(fmt.Errorf("dropping needs a reason of 1 to %d bytes", maxWhy), `parley held drop %s --why "the partner's test ticket"`, q.ID)
	}
	h, err := n.heldOne(q.ID)
	if err != nil {
		return Held{}, err
	}
	if err := mayDrop(h); err != nil {
		return Held{}, err
	}
	d := ledger.LeftOut{
		Connection: h.Connection, Link: h.Link, Path: h.Path, Out: h.Out, Version: h.Version, Key: h.Key, Code: h.Code, Reason: h.Reason,
		Who: q.Who, Why: strings.TrimSpace(q.Why), At: time.Now().UnixMilli(),
	}
	if !h.Out && !h.Link.IsZero() {
		in, err := n.led.Incoming(h.Connection, h.Link)
		if err != nil {
			return Held{}, fmt.Errorf("reading link %s: %w", h.Link, err)
		}
		d.Seq = in.Seq
	}
	gone := &h
	if n.live.Load() != nil && h.Origin == ledger.Judged {
		gone = nil // the link's lane owns the record, and takes it away
	}
	if err := n.led.LeaveOut(d, gone); err != nil {
		return Held{}, fmt.Errorf("leaving out %s: %w", h.Key, err)
	}
	n.log.Info("held work is left out", "connection", h.Connection, "link", h.Link, "rule", h.Rule)
	if h.Link.IsZero() {
		return heldLine(h), nil
	}
	err = n.retry(h.Connection, h.Link)
	if errors.Is(err, errNoTicketYet) {
		err = nil // the next start tells the partner
	}
	return heldLine(h), err
}

// mayDrop says why there is nothing that a person could leave out; nil where
// there is.
func mayDrop(h ledger.Held) error {
	switch {
	case h.Origin == ledger.Visit:
		return advise(fmt.Errorf("%s: what fails is the work on the ticket itself, so no item of it can be left out", h.Key), "%s", h.Next)
	case h.Origin == ledger.ByPeer && !h.Link.IsZero():
		return advise(fmt.Errorf("%s waits at the partner's: only they can leave it out", h.Key), "their admin finds it under: parley held list")
	}
	return nil
}

// LeftOut is one decision to leave held work out.
type LeftOut struct {
	Connection string    `json:"connection"`
	Key        string    `json:"key"`
	Path       string    `json:"path,omitempty"`
	Direction  string    `json:"direction"`
	Code       string    `json:"code"`
	Reason     string    `json:"reason"`
	Who        string    `json:"who"`
	Why        string    `json:"why"`
	At         time.Time `json:"at"`
	Link       string    `json:"link"`
}

// HeldDropped lists the decisions.
var HeldDropped = op("held/dropped", func(n *Node, _ context.Context, q HeldQuestion) ([]LeftOut, error) {
	all := []LeftOut{}
	err := n.led.LeftOut(q.Connection, func(d ledger.LeftOut) bool {
		all = append(all, LeftOut{
			Connection: d.Connection, Key: d.Key, Path: string(d.Path), Direction: ledger.Held{Out: d.Out}.Direction(), Code: d.Code, Reason: d.Reason,
			Who: d.Who, Why: d.Why, At: time.UnixMilli(d.At), Link: d.Link.String(),
		})
		return true
	})
	return all, err
})
