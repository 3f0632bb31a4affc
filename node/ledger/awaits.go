package ledger

import (
	"encoding/json"
	"fmt"

	"parley/replica"
)

// Awaits lists, of texts that were written here, the peer's files that they show and that were not here yet: each text
// is written again when its file has come.
type Awaits map[replica.Path][]replica.Path

// Awaits reads those of a link; nil where there are none.
func (l *Ledger) Awaits(connection string, id replica.LinkID) (a Awaits, err error) {
	err = l.get(linkKey('F', connection, id), func(v []byte) error {
		if err := json.Unmarshal(v, &a); err != nil {
			return fmt.Errorf("reading which files texts wait for: %w", err)
		}
		return nil
	})
	return a, missing(err)
}

// PutAwaits stores a for a link.
func PutAwaits(b *Batch, connection string, id replica.LinkID, a Awaits) error {
	k := linkKey('F', connection, id)
	if len(a) == 0 {
		return b.Delete(k, nil)
	}
	v, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encoding which files texts wait for: %w", err)
	}
	return b.Set(k, v, nil)
}
