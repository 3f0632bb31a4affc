package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"parley/replica"
)

// A blob is the content of a file that a replica names by hash and size. The
// side that has it grants it to the connection in the batch that posts that
// replica, and reads it again from its tenant when it is asked for. The side
// that wants it keeps what has come in a spool (blobspool.go).

// Grant allows one connection's peer to ask for one blob, because of one item
// that it was shown. Nobody else is told that the blob exists (I5).
type Grant struct {
	Connection string         `json:"connection"`
	Link       replica.LinkID `json:"link"`
	Path       replica.Path   `json:"path"`   // the item in our posted view that names it
	Hash       replica.Hash   `json:"hash"`   // SHA-256 of its bytes
	Size       int64          `json:"size"`   // bytes
	Source     string         `json:"source"` // where the bytes are read again: its owner's own words
}

const maxSources = 8 // places that one blob is looked for in

func grantKey(g Grant) key { return linkKey('B', g.Connection, g.Link).rest(string(g.Path)) }

func grantIndex(connection string, hash replica.Hash) key {
	return append(table('b').str(connection), hash[:]...)
}

// PutGrant stores a grant. It belongs into the batch that posts the replica
// which names the blob (Step.Fill), never into an earlier one.
func PutGrant(b *Batch, g Grant) error {
	v, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("encoding a grant: %w", err)
	}
	if err := b.Set(grantKey(g), v, nil); err != nil {
		return err
	}
	return b.Set(grantIndex(g.Connection, g.Hash).link(g.Link).rest(string(g.Path)), nil, nil)
}

// DropGrant takes a grant back, in the batch that posts the item's withdrawal.
// A transfer under way ends within a few MiB.
func DropGrant(b *Batch, g Grant) error {
	if err := b.Delete(grantKey(g), nil); err != nil {
		return err
	}
	return b.Delete(grantIndex(g.Connection, g.Hash).link(g.Link).rest(string(g.Path)), nil)
}

// Grants lists what a link's peer may ask for because of it.
func (l *Ledger) Grants(connection string, id replica.LinkID) (grants []Grant, err error) {
	err = l.scan(linkKey('B', connection, id), func(_, v []byte) (bool, error) {
		var g Grant
		if err := json.Unmarshal(v, &g); err != nil {
			return false, fmt.Errorf("reading a grant: %w", err)
		}
		grants = append(grants, g)
		return true, nil
	})
	return grants, err
}

// Granted lists the grants by which a connection may ask for a blob, a few at
// most, since any of them names the same bytes; none where it may not.
func (l *Ledger) Granted(connection string, hash replica.Hash, size int64) (grants []Grant, err error) {
	prefix := grantIndex(connection, hash)
	err = l.scan(prefix, func(k, _ []byte) (bool, error) {
		at := reader{b: k[len(prefix):]}
		g := Grant{Connection: connection, Link: at.link(), Path: replica.Path(at.b)}
		if err := at.end("grant's index"); err != nil {
			return false, err
		}
		err := l.get(grantKey(g), func(v []byte) error { return json.Unmarshal(v, &g) })
		if err == nil && g.Hash == hash && g.Size == size { // else the item has another blob by now
			grants = append(grants, g)
		}
		return len(grants) < maxSources, missing(err)
	})
	return grants, err
}

// FileID names one version of a file of the tenant. Jira never changes a file's
// content, so what was hashed once need not be read again.
type FileID struct {
	ID      string // the tenant's own
	Size    int64  // bytes
	Created int64  // Unix ms
}

func (f FileID) key() key { return table('A').str(f.ID).num(uint64(f.Size)).num(uint64(f.Created)) }

// Sum is the SHA-256 of a file that was read whole before; ErrNone where it was not.
func (l *Ledger) Sum(f FileID) (h replica.Hash, err error) {
	err = l.get(f.key(), func(v []byte) error {
		r := reader{b: v}
		h = r.hash()
		return r.end("file's sum")
	})
	return h, err
}

// PutSum keeps a file's SHA-256. It need not wait for the disk: without it the
// file is read once more.
func (l *Ledger) PutSum(f FileID, h replica.Hash) error {
	if err := l.db.Set(f.key(), h[:], pebble.NoSync); err != nil {
		return fmt.Errorf("keeping a file's sum: %w", err)
	}
	return nil
}

// DropSum forgets a file that the tenant has deleted.
func (l *Ledger) DropSum(f FileID) error { return l.db.Delete(f.key(), pebble.NoSync) }
