package ledger

import (
	"encoding/json"
	"fmt"

	"parley/replica"
)

// Twin joins a remote item, a comment as a rule, to what was made here from it. The local id of anything
// else than a comment begins with its kind: "attachment/10012".
type Twin struct {
	Connection string         `json:"connection"`
	Link       replica.LinkID `json:"link"`
	Path       replica.Path   `json:"path"`   // the item in the peer's view
	Ticket     string         `json:"ticket"` // the local ticket's id
	Local      string         `json:"local"`  // the local comment's id, or kind/id
	Gone       bool           `json:"gone,omitempty"`
}

// PutTwin stores a twin both ways round.
func PutTwin(b *Batch, t Twin) error {
	v, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encoding a twin: %w", err)
	}
	if err := b.Set(linkKey('W', t.Connection, t.Link).rest(string(t.Path)), v, nil); err != nil {
		return err
	}
	return b.Set(table('C').str(t.Ticket).rest(t.Local), v, nil)
}

// DropTwin forgets a twin that is deleted on both sides.
func DropTwin(b *Batch, t Twin) error {
	if err := b.Delete(linkKey('W', t.Connection, t.Link).rest(string(t.Path)), nil); err != nil {
		return err
	}
	return b.Delete(table('C').str(t.Ticket).rest(t.Local), nil)
}

// Twins lists, of one link, the local twins by remote path.
func (l *Ledger) Twins(connection string, id replica.LinkID) (map[replica.Path]Twin, error) {
	twins := map[replica.Path]Twin{}
	err := l.twins(linkKey('W', connection, id), func(t Twin) { twins[t.Path] = t })
	return twins, err
}

// TwinsOn lists, of one local ticket, by local id, the comments that parley
// made there, through whichever connection.
func (l *Ledger) TwinsOn(ticket string) (map[string]Twin, error) {
	twins := map[string]Twin{}
	err := l.twins(table('C').str(ticket), func(t Twin) { twins[t.Local] = t })
	return twins, err
}

func (l *Ledger) twins(prefix key, use func(Twin)) error {
	return l.scan(prefix, func(_, v []byte) (bool, error) {
		var t Twin
		if err := json.Unmarshal(v, &t); err != nil {
			return false, fmt.Errorf("reading a twin: %w", err)
		}
		use(t)
		return true, nil
	})
}
