package ledger

import (
	"encoding/json"
	"fmt"

	"parley/replica"
)

// Forced is the local base of an item that must be sent again whatever its
// value: ours has won a conflict, and the peer must know. No item hashes to it.
var Forced = func() (h replica.Hash) {
	for i := range h {
		h[i] = 0xff
	}
	return h
}()

// Friction is what a link remembers of conflicts and of busy items.
type Friction struct {
	Disputes map[replica.Path]Dispute `json:"disputes,omitempty"` // by remote item
	Writes   map[replica.Path]Busy    `json:"writes,omitempty"`   // by remote item

	// Known is how far the peer had been reconciled when an outgoing item changed
	// here that was not judged together with what has come since.
	Known map[replica.Path]replica.Seq `json:"known,omitempty"`
}

// Dispute is an item that both sides changed at the same time, as we decided it.
// What the peer decided comes with its word.
type Dispute struct {
	Sent  replica.Seq    `json:"sent"`  // our sequence that carried our value
	Came  replica.Seq    `json:"came"`  // the peer's that carried theirs
	Ours  bool           `json:"ours"`  // we kept ours
	Moves []replica.Path `json:"moves"` // our outgoing items
	Since int64          `json:"since"` // Unix ms
}

// Busy are the newest writes of one item, oldest first.
type Busy struct {
	Traces  []Trace `json:"traces"`
	Stopped bool    `json:"stopped,omitempty"` // beyond its bound: until a person asks
}

// Trace is one write.
type Trace struct {
	At  int64  `json:"at"`  // Unix ms
	Sum string `json:"sum"` // of the value, so that a circle is seen and no content kept
}

// PutFriction stores a link's friction; an empty one is taken away.
func PutFriction(b *Batch, connection string, id replica.LinkID, f Friction) error {
	k := linkKey('G', connection, id)
	if len(f.Disputes)+len(f.Writes)+len(f.Known) == 0 {
		return b.Delete(k, nil)
	}
	v, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encoding the conflicts of link %s: %w", id, err)
	}
	return b.Set(k, v, nil)
}

// Friction reads a link's; an empty one where there was none.
func (l *Ledger) Friction(connection string, id replica.LinkID) (f Friction, err error) {
	err = l.get(linkKey('G', connection, id), func(v []byte) error { return json.Unmarshal(v, &f) })
	return f, missing(err)
}
