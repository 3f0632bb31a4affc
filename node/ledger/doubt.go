package ledger

import (
	"encoding/json"
	"fmt"

	"parley/replica"
)

// Doubt is a write whose call was never answered and whose effect was not there
// when the settle time was over. Jira may still apply it: it is looked for again
// until a day has passed, so that a late twin, or an old value that comes late,
// is known as ours.
type Doubt struct {
	Intent
	Settled string `json:"settled,omitempty"` // the ticket's newest changelog id when it was given up
	Next    int64  `json:"next"`              // Unix ms of the next look; 0: no more by itself
	Looks   int    `json:"looks"`
	Twin    string `json:"twin,omitempty"`    // what was found: the id of a second ticket or comment
	TwinKey string `json:"twinKey,omitempty"` // the same as a person calls it
}

func doubtKey(connection string, id replica.LinkID) key { return linkKey('U', connection, id) }

// PutDoubt stores a doubt under its intent's nonce.
func PutDoubt(b *Batch, d Doubt) error {
	v, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encoding a doubt: %w", err)
	}
	return b.Set(doubtKey(d.Connection, d.Link).rest(d.Nonce), v, nil)
}

// DropDoubt ends a doubt.
func DropDoubt(b *Batch, d Doubt) error {
	return b.Delete(doubtKey(d.Connection, d.Link).rest(d.Nonce), nil)
}

// Doubts lists a link's open doubts.
func (l *Ledger) Doubts(connection string, id replica.LinkID) (open []Doubt, err error) {
	err = l.doubts(doubtKey(connection, id), func(d Doubt) bool {
		open = append(open, d)
		return true
	})
	return open, err
}

// OpenDoubts calls use for every open doubt of the node.
func (l *Ledger) OpenDoubts(use func(Doubt) bool) error { return l.doubts(table('U'), use) }

func (l *Ledger) doubts(prefix key, use func(Doubt) bool) error {
	return l.scan(prefix, func(_, v []byte) (bool, error) {
		var d Doubt
		if err := json.Unmarshal(v, &d); err != nil {
			return false, fmt.Errorf("reading a doubt: %w", err)
		}
		return use(d), nil
	})
}
