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

// Origin tells who keeps something back.
type Origin string

// The origins of held work. Each has records of its own, so none takes away another's.
const (
	Judged Origin = ""      // our rules, our policy, or Jira's answer to one write
	Visit  Origin = "visit" // the last look at the ticket failed as a whole
	ByPeer Origin = "peer"  // the partner holds or refused what it got, or sent what cannot be read
)

// Held is an item, or with an empty Path a whole link, that waits; only it waits.
// With a zero Link it is what a partner sent and nobody can read.
type Held struct {
	Connection string         `json:"connection"`
	Link       replica.LinkID `json:"link"`
	Path       replica.Path   `json:"path,omitempty"`
	Out        bool           `json:"out,omitempty"` // waits on its way out
	Origin     Origin         `json:"origin,omitempty"`
	Key        string         `json:"key"` // local ticket key, or the peer's where there is none yet
	Class      Class          `json:"class"`
	Code       string         `json:"code"`           // a word for the peer and for filters
	Reason     string         `json:"reason"`         // plain words
	Rule       string         `json:"rule,omitempty"` // file:line of the rule that decided
	Next       string         `json:"next"`           // what to do
	Since      int64          `json:"since"`          // Unix ms
	Tries      int            `json:"tries"`
	Retry      int64          `json:"retry,omitempty"`   // Unix ms of the next try by itself; 0: none
	Version    string         `json:"version,omitempty"` // of the item in the local ticket when it was judged; "" not known
	Answer     *Answer        `json:"answer,omitempty"`  // what Jira said; nil: it was not Jira
}

// Answer is Jira's refusal as it came, bounded by whoever makes it, without credentials.
type Answer struct {
	Op       string            `json:"op"`               // method and endpoint
	Status   int               `json:"status,omitempty"` // of HTTP; 0: there was no answer
	Messages []string          `json:"messages,omitempty"`
	Fields   map[string]string `json:"fields,omitempty"` // field id → why
	Reason   string            `json:"reason,omitempty"` // Jira's word for a limit
	Trace    string            `json:"trace,omitempty"`  // for Atlassian's support
}

// lane is the byte that sets the records of one direction or origin apart.
func (h Held) lane() byte {
	switch {
	case h.Origin == Visit:
		return 'v'
	case h.Origin == ByPeer:
		return 'p'
	case h.Out:
		return 'o'
	}
	return 'i'
}

// Direction is "in", "out", or who keeps back what has none: "visit", "peer".
func (h Held) Direction() string {
	switch {
	case h.Origin != Judged:
		return string(h.Origin)
	case h.Out:
		return "out"
	}
	return "in"
}

// ID names held work in listings: stable as long as it waits for the same thing.
func (h Held) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s", h.Connection, h.Link, h.Direction(), h.Path))
	return hex.EncodeToString(sum[:5])
}

// PutHeld makes held exactly what waits of a link in one direction. What waited
// before keeps its beginning and counts one more try.
func (l *Ledger) PutHeld(b *Batch, connection string, id replica.LinkID, out bool, held []Held) error {
	prefix := append(linkKey('X', connection, id), Held{Out: out}.lane())
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
