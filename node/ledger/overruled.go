package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"parley/replica"
)

// ID names a lost value in listings, for good.
func (o Overruled) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "lost\x00%s\x00%s\x00%d\x00%s", o.Connection, o.Link, o.At, o.Path))
	return hex.EncodeToString(sum[:5])
}

// Overruled calls use for every value that lost, of one connection or ("") of
// all, until it says stop: link by link, the oldest of each first.
func (l *Ledger) Overruled(connection string, use func(Overruled) bool) error {
	prefix := table('Z')
	if connection != "" {
		prefix = prefix.str(connection)
	}
	return l.scan(prefix, func(_, v []byte) (bool, error) {
		var o Overruled
		if err := json.Unmarshal(v, &o); err != nil {
			return false, fmt.Errorf("reading an overruled value: %w", err)
		}
		return use(o), nil
	})
}

// TwinKey is the partner's key of a link's ticket: as its replicas name it, else
// as its word does; "" where it shares none.
func (l *Ledger) TwinKey(connection string, id replica.LinkID) (string, error) {
	in, err := l.storedIncoming(connection, id)
	if err != nil || in.Key != "" {
		return in.Key, err
	}
	w, err := l.Word(connection, id)
	return w.Twin, err
}
