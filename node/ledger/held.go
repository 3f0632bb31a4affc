package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"parley/replica"
)

// Class groups held work by who can end the wait.
type Class string

// The classes of held work.
const (
	Definite  Class = "definite"  // it fails the same way until a rule or the ticket changes
	Transient Class = "transient" // it is tried again by itself
	Tenant    Class = "tenant"    // the local Jira refuses or is out of reach
	Peer      Class = "peer"      // the partner's side waits or refused
	Policy    Class = "policy"    // kept back by the security team's limits
)

// Held is an item, or with an empty Path a whole link, that waits; only it waits.
type Held struct {
	Connection string         `json:"connection"`
	Link       replica.LinkID `json:"link"`
	Path       replica.Path   `json:"path,omitempty"`
	Out        bool           `json:"out,omitempty"` // waits on its way out
	Key        string         `json:"key"`           // local ticket key, or the peer's where there is none yet
	Class      Class          `json:"class"`
	Code       string         `json:"code"`           // a word for the peer and for filters
	Reason     string         `json:"reason"`         // plain words
	Rule       string         `json:"rule,omitempty"` // file:line of the rule that decided
	Next       string         `json:"next"`           // what to do
	Since      int64          `json:"since"`          // Unix ms
	Tries      int            `json:"tries"`
	Retry      int64          `json:"retry,omitempty"` // Unix ms of the next try by itself; 0: none
}

// ID names held work in listings: stable as long as it waits for the same thing.
func (h Held) ID() string {
	direction := "in"
	if h.Out {
		direction = "out"
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s", h.Connection, h.Link, direction, h.Path))
	return hex.EncodeToString(sum[:5])
}

// PutHeld makes held exactly what waits of a link in one direction. What waited
// before keeps its beginning and counts one more try.
func (l *Ledger) PutHeld(b *Batch, connection string, id replica.LinkID, out bool, held []Held) error {
	direction := byte('i')
	if out {
		direction = 'o'
	}
	prefix := append(linkKey('X', connection, id), direction)
	before := map[replica.Path]Held{}
	err := l.scan(prefix, func(k, v []byte) (bool, error) {
		var h Held
		if err := json.Unmarshal(v, &h); err != nil {
			return false, fmt.Errorf("reading held work: %w", err)
		}
		before[h.Path] = h
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, h := range held {
		h.Connection, h.Link, h.Out = connection, id, out
		if was, ok := before[h.Path]; ok {
			h.Since, h.Tries = was.Since, was.Tries+1
			delete(before, h.Path)
		}
		v, err := json.Marshal(h)
		if err != nil {
			return fmt.Errorf("encoding held work: %w", err)
		}
		if err := b.Set(append(key(nil), prefix...).rest(string(h.Path)), v, nil); err != nil {
			return err
		}
	}
	for p := range before {
		if err := b.Delete(append(key(nil), prefix...).rest(string(p)), nil); err != nil {
			return err
		}
	}
	return nil
}

// Held calls use for everything that waits, of one connection or ("") of all.
func (l *Ledger) Held(connection string, use func(Held) bool) error {
	prefix := table('X')
	if connection != "" {
		prefix = prefix.str(connection)
	}
	return l.heldUnder(prefix, use)
}

// HeldOf lists what waits of one link.
func (l *Ledger) HeldOf(connection string, id replica.LinkID) (held []Held, err error) {
	err = l.heldUnder(linkKey('X', connection, id), func(h Held) bool {
		held = append(held, h)
		return true
	})
	return held, err
}

func (l *Ledger) heldUnder(prefix key, use func(Held) bool) error {
	return l.scan(prefix, func(_, v []byte) (bool, error) {
		var h Held
		if err := json.Unmarshal(v, &h); err != nil {
			return false, fmt.Errorf("reading held work: %w", err)
		}
		return use(h), nil
	})
}
