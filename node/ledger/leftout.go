package ledger

import (
	"encoding/json"
	"fmt"

	"parley/replica"
)

// LeftOut is a person's decision that held work is left out until it changes
// again at its source. It is never taken away: the newest of an item counts.
type LeftOut struct {
	Connection string         `json:"connection"`
	Link       replica.LinkID `json:"link"`
	Path       replica.Path   `json:"path,omitempty"` // empty: the whole link
	Out        bool           `json:"out,omitempty"`
	Seq        replica.Seq    `json:"seq,omitempty"`     // incoming: the partner's newest replica then; a later change of the item ends it
	Version    string         `json:"version,omitempty"` // outgoing: the item's version in the local ticket then; another one ends it
	Key        string         `json:"key"`
	Code       string         `json:"code"`   // of what was held
	Reason     string         `json:"reason"` // likewise
	Who        string         `json:"who"`
	Why        string         `json:"why"`
	At         int64          `json:"at"` // Unix ms
}

// Covers reports whether the decision is about an item: its own, its set's, or
// its whole link's.
func (d LeftOut) Covers(p replica.Path) bool {
	return d.Path == "" || d.Path == p || string(d.Path) == p.Kind()
}

// Stands reports whether an incoming decision still holds: nothing that it
// covers came later. What the partner's view does not hold item by item, such as
// a rule's own field, it covers until anything of the ticket comes.
func (d LeftOut) Stands(in *Incoming) bool {
	if d.Path == "" {
		return in.Seq <= d.Seq
	}
	known := false
	for p, a := range in.Items {
		if !d.Covers(p) {
			continue
		}
		if known = true; a.Seq > d.Seq {
			return false
		}
	}
	return known || in.Seq <= d.Seq
}

// LeaveOut stores a decision. Where gone is not nil that held work is taken away
// with it: for whoever knows that no lane runs, or that none owns it.
func (l *Ledger) LeaveOut(d LeftOut, gone *Held) error {
	v, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encoding what is left out: %w", err)
	}
	return l.Write(func(b *Batch) error {
		if err := b.Set(linkKey('J', d.Connection, d.Link).num(uint64(d.At)).rest(string(d.Path)), v, nil); err != nil || gone == nil {
			return err
		}
		return b.Delete(append(linkKey('X', gone.Connection, gone.Link), gone.lane()).rest(string(gone.Path)), nil)
	})
}

// LeftOutOf lists a link's decisions, the oldest first.
func (l *Ledger) LeftOutOf(connection string, id replica.LinkID) (all []LeftOut, err error) {
	err = l.leftOut(linkKey('J', connection, id), func(d LeftOut) bool {
		all = append(all, d)
		return true
	})
	return all, err
}

// LeftOut calls use for every decision of a connection, or ("") of all, until it says stop.
func (l *Ledger) LeftOut(connection string, use func(LeftOut) bool) error {
	prefix := table('J')
	if connection != "" {
		prefix = prefix.str(connection)
	}
	return l.leftOut(prefix, use)
}

func (l *Ledger) leftOut(prefix key, use func(LeftOut) bool) error {
	return l.scan(prefix, func(_, v []byte) (bool, error) {
		var d LeftOut
		if err := json.Unmarshal(v, &d); err != nil {
			return false, fmt.Errorf("reading what is left out: %w", err)
		}
		return use(d), nil
	})
}
