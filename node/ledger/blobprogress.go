package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Arrivals calls use for every blob that comes in, of one connection or with "" of all, as its record stands: the bytes
// that are surely on disk. It needs no spool, so whoever only looks may ask. use returns false to end it.
func (l *Ledger) Arrivals(connection string, use func(BlobID, Arriving) bool) error {
	prefix := table('a')
	if connection != "" {
		prefix = prefix.str(connection)
	}
	return l.scan(prefix, func(k, v []byte) (bool, error) {
		r := reader{b: k[1:]}
		id := BlobID{Connection: r.str(), Hash: r.hash(), Size: int64(r.num())}
		var a Arriving
		if err := errors.Join(r.end("blob"), json.Unmarshal(v, &a)); err != nil {
			return false, fmt.Errorf("reading a blob's record: %w", err)
		}
		return use(id, a), nil
	})
}
