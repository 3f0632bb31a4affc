package ledger

import (
	"errors"
	"slices"

	"parley/replica"
)

// Stand is where one link stands: what was posted to the peer, and what the
// peer posted, each by its newest sequence and the view's hash. Two nodes that
// agree hold the same pair crosswise.
type Stand struct {
	Link     replica.LinkID
	Ended    bool         // nothing of it crosses any more
	Out      replica.Seq  // newest sequence posted; 0: none
	OutAfter replica.Hash // hash of the view that the peer should hold
	In       replica.Seq  // newest sequence of the peer that was folded; 0: none
	InAfter  replica.Hash // hash of the view that the peer has shown
}

// Drifted is the code of a resend that is asked for because the two sides hold
// different views, although each replica fitted.
const Drifted = "drift"

// Stands lists how the connection's links stand, in the order of their ids from
// one on, at most max of them.
func (g *Log) Stands(from replica.LinkID, max int) (stands []Stand, err error) {
	var fault error
	err = g.l.linksFrom(g.connection, from, func(k Link) bool {
		s := Stand{Link: k.ID, Ended: k.Ended}
		if !k.Ended {
			s, fault = g.Stand(k.ID)
		}
		stands = append(stands, s)
		return fault == nil && len(stands) < max
	})
	return stands, errors.Join(err, fault)
}

// Stand reports how one link stands, whether or not it is known here.
func (g *Log) Stand(id replica.LinkID) (Stand, error) {
	s := Stand{Link: id}
	out, err := g.l.Outgoing(g.connection, id)
	if err != nil {
		return s, err
	}
	in, err := g.l.Incoming(g.connection, id)
	if err != nil {
		return s, err
	}
	s.Out, s.OutAfter = out.Last, out.Posted.Hash()
	s.In, s.InAfter = in.Seq, in.Remote.Hash()
	return s, nil
}

// Owe has links post their whole view with their next replica, whose number is
// from or later.
func (g *Log) Owe(links []replica.LinkID, from replica.Seq) error {
	for chunk := range slices.Chunk(links, batchSteps) {
		err := g.l.Write(func(b *Batch) error {
			for _, id := range chunk {
				w, err := g.l.Word(g.connection, id)
				if err != nil {
					return err
				}
				w.Lost = max(w.Lost, from)
				if err := putWord(b, g.connection, id, w); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
