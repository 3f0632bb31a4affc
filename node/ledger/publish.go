package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"parley/replica"
)

// Published is one version of a connection's rules, with every file it includes.
type Published struct {
	Connection string            `json:"connection"`
	Number     uint64            `json:"number"` // from 1
	Hash       replica.Hash      `json:"hash"`   // of the sources
	At         time.Time         `json:"at"`
	Note       string            `json:"note"`
	File       string            `json:"file"`
	Sources    map[string][]byte `json:"sources"`
}

// Publish stores a new version, which is from then on the one that works.
func (l *Ledger) Publish(p Published) (Published, error) {
	newest, err := l.PublishedRules(p.Connection)
	if missing(err) != nil {
		return p, err
	}
	p.Number = newest.Number + 1
	v, err := json.Marshal(p)
	if err != nil {
		return p, fmt.Errorf("encoding rules of %q: %w", p.Connection, err)
	}
	return p, l.Write(func(b *Batch) error {
		return b.Set(table('V').str(p.Connection).num(p.Number), v, nil)
	})
}

// PublishedRules is the version that works; ErrNone where nothing was published.
func (l *Ledger) PublishedRules(connection string) (Published, error) {
	history, err := l.RulesHistory(connection)
	if err != nil {
		return Published{}, err
	}
	if len(history) == 0 {
		return Published{}, ErrNone
	}
	return history[len(history)-1], nil
}

// RulesHistory lists every version of a connection's rules, oldest first.
func (l *Ledger) RulesHistory(connection string) (history []Published, err error) {
	err = l.scan(table('V').str(connection), func(_, v []byte) (bool, error) {
		var p Published
		if err := json.Unmarshal(v, &p); err != nil {
			return false, fmt.Errorf("reading published rules: %w", err)
		}
		history = append(history, p)
		return true, nil
	})
	return history, err
}

// PublishedConnections names every connection with published rules, in order.
func (l *Ledger) PublishedConnections() (names []string, err error) {
	prefix := table('V')
	err = l.scan(prefix, func(k, _ []byte) (bool, error) {
		r := reader{b: k[len(prefix):]}
		if name := r.str(); len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
		return true, r.end("published rules")
	})
	return names, err
}

// PutPeer stores a pairing under the peer's name.
func (l *Ledger) PutPeer(name string, record []byte) error {
	return l.Write(func(b *Batch) error { return b.Set(table('E').rest(name), record, nil) })
}

// Peers reads every pairing.
func (l *Ledger) Peers() (records [][]byte, err error) {
	err = l.scan(table('E'), func(_, v []byte) (bool, error) {
		records = append(records, append([]byte(nil), v...))
		return true, nil
	})
	return records, err
}
