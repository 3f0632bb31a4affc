package console

import (
	"time"

	"parley/node/ledger"
)

// Status is how a node does. Its JSON is what "parley status --json" prints.
type Status struct {
	Node        string       `json:"node"` // node id
	Name        string       `json:"name"`
	Running     bool         `json:"running"`
	At          time.Time    `json:"at"`
	Tenant      Tenant       `json:"tenant"`
	Budget      *Budget      `json:"budget,omitempty"`   // nil: no node runs
	Webhooks    *Webhooks    `json:"webhooks,omitempty"` // nil: none are listened for
	Connections []Connection `json:"connections"`
	Peers       []Peer       `json:"peers"`
	Warnings    []string     `json:"warnings"` // what an admin should look at soon
}

// Tenant is how the JSM site is reached.
type Tenant struct {
	URL     string    `json:"url"`
	State   string    `json:"state"` // up, down, paused (a limit is reached), unknown (no node runs)
	Trouble string    `json:"trouble,omitempty"`
	Kind    string    `json:"kind,omitempty"` // the trouble's name, as token, limit, maintenance
	Next    string    `json:"next,omitempty"` // what a person can do
	Since   time.Time `json:"since,omitzero"` // of the trouble
	Again   time.Time `json:"again,omitzero"` // when it is called again
	Calls   int64     `json:"calls"`          // requests sent since the node started
	Points  int64     `json:"points"`         // their cost by Atlassian's rule
}

// Budget is this hour's points: what Jira charges for calls, where it does.
type Budget struct {
	State       string         `json:"state"`           // enough, low (backfill waits), spent (everything waits)
	Limit       int            `json:"limit"`           // points an hour; 0: none is known
	Source      string         `json:"source"`          // of the limit: configured, learned, none
	Used        int            `json:"used"`            // of this hour
	Left        int            `json:"left"`            //
	Kept        int            `json:"kept_for_people"` // what backfill leaves just now
	Resets      time.Time      `json:"resets"`          // when the next hour begins, or calls go on
	Connections map[string]int `json:"connections"`     // used by each, our own count; "": by what serves all
}

// Low is what is left of the limit when the page begins to warn: a fifth, as Jira itself does.
func (b *Budget) Low() int { return b.Limit / 5 }

// Webhooks counts what Jira sent since the node started.
type Webhooks struct {
	Taken     uint64    `json:"taken"`
	Refused   uint64    `json:"refused"`       // for a bad proof or body
	OldSecret uint64    `json:"old_secret"`    // of the taken ones: by the secret before
	Last      time.Time `json:"last,omitzero"` // when the newest was taken
}

// Connection is one agreement with one partner.
type Connection struct {
	Name          string  `json:"name"`
	Wire          string  `json:"connection"` // its name on the wire
	Peer          string  `json:"peer"`
	State         string  `json:"state"` // up, down, paused
	Trouble       string  `json:"trouble,omitempty"`
	Version       uint64  `json:"version"` // number of the published rules
	Links         int     `json:"links"`
	Held          int     `json:"held"`
	Outbox        int     `json:"outbox"`                 // replicas that the peer has not stored yet
	OldestUnacked float64 `json:"oldest_unacked_seconds"` // age of the oldest of them; 0: none
	Files         int     `json:"files"`                  // of the peer's that are on their way here
	FileBytes     int64   `json:"file_bytes"`             // what is here of them
	FileTotal     int64   `json:"file_total"`             // bytes of all of them
}

// Link is one local ticket joined to its twin.
type Link struct {
	ID         string    `json:"id"`
	Connection string    `json:"connection"`
	Key        string    `json:"key"`   // the local ticket; "" until it is made
	Twin       string    `json:"twin"`  // the partner's; "" until it is told
	State      string    `json:"state"` // synced, waiting, held, ended
	Since      time.Time `json:"since"`
}

// Held is an item, or with an empty path a whole link, that waits.
type Held struct {
	ID         string       `json:"id"`
	Connection string       `json:"connection"`
	Key        string       `json:"key"`
	Class      ledger.Class `json:"class"`
	Reason     string       `json:"reason"`
	Next       string       `json:"next"`
	Path       string       `json:"path,omitempty"`
	Direction  string       `json:"direction"` // in, out; visit, peer, tenant or connection, where neither
	Code       string       `json:"code"`
	Rule       string       `json:"rule,omitempty"`
	Link       string       `json:"link"`
	Since      time.Time    `json:"since"`
	Tries      int          `json:"tries"`
	Retry      *time.Time   `json:"retry,omitempty"` // next try by itself
}

// Peer is one pairing, or an offered card that nobody has shown yet.
type Peer struct {
	Peer        string    `json:"peer"`
	Node        string    `json:"node"`
	State       string    `json:"state"` // offered, met, active, revoked
	Words       string    `json:"words"`
	Fingerprint string    `json:"fingerprint"`
	Confirmed   string    `json:"confirmed"` // how we made sure: words, fingerprint, yes; "" not yet
	Addresses   []string  `json:"addresses"`
	Link        string    `json:"link"` // up, down, unknown (no node runs)
	Trouble     string    `json:"trouble,omitempty"`
	Changed     time.Time `json:"changed"`
}
