package ledger

import (
	"encoding/json"
	"fmt"

	"parley/replica"
)

// Effect names what a write to Jira does.
type Effect string

// The effects that an intent can announce.
const (
	CreateTicket   Effect = "create"      // not repeatable
	AddComment     Effect = "comment"     // not repeatable
	EditFields     Effect = "edit"        // absolute values: repeatable, but its own echo must be known
	Transition     Effect = "transition"  // repeatable after looking at the status
	AddAttachment  Effect = "attach"      // not repeatable, and without a mark: looked up by its bytes
	AddWorklog     Effect = "worklog"     // not repeatable; carries its mark
	EditWorklog    Effect = "rework"      // as EditComment
	AddLink        Effect = "link"        // repeatable, yet known only by what it is, which its Payload tells
	PutWebLink     Effect = "web_link"    // repeatable, but an older one that comes late would undo a newer one
	AddParticipant Effect = "participant" // as AddLink
	AnswerApproval Effect = "answer"      // Jira refuses a second one
	FillQueue      Effect = "queue"       // no call: until when a queue may still not show the ticket
	EditComment    Effect = "reword"      // repeatable, but an older text that comes late would undo a newer one
)

// Intent announces a write to Jira. It is on disk before the call and is taken
// away in the batch that holds the outcome, so an intent that is found means:
// look for the mark before trying again.
type Intent struct {
	Connection string          `json:"connection"`
	Link       replica.LinkID  `json:"link"`
	Nonce      string          `json:"nonce"` // the mark that the call carries; names the intent
	Effect     Effect          `json:"effect"`
	Path       replica.Path    `json:"path,omitempty"`     // the remote item that a comment is made from
	Fields     []string        `json:"fields,omitempty"`   // local field ids that an edit or transition sets
	Touched    []replica.Path  `json:"touched,omitempty"`  // outgoing items that it moves
	History    string          `json:"history,omitempty"`  // the ticket's newest changelog id before the call; what follows it tells ours from theirs
	Payload    json.RawMessage `json:"payload,omitempty"`  // what was asked of Jira, for an effect that is looked up by content
	Sources    []replica.Path  `json:"sources,omitempty"`  // remote items behind an edit or transition
	Answered   bool            `json:"answered,omitempty"` // Jira said that it is done; what followed failed
	At         int64           `json:"at"`                 // Unix ms, before the call, or when it was given up

	// What was given up for the write, noted when it is done: who finds the value set sees no contest any more.
	Lost     []Overruled              `json:"lost,omitempty"`
	Disputes map[replica.Path]Dispute `json:"disputes,omitempty"` // by remote item
}

func intentKey(connection string, id replica.LinkID) key { return linkKey('N', connection, id) }

// PutIntent stores an intent.
func PutIntent(b *Batch, in Intent) error {
	v, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encoding an intent: %w", err)
	}
	return b.Set(intentKey(in.Connection, in.Link).rest(in.Nonce), v, nil)
}

// DropIntent takes an intent away, in the batch that holds its outcome.
func DropIntent(b *Batch, in Intent) error {
	return b.Delete(intentKey(in.Connection, in.Link).rest(in.Nonce), nil)
}

// Intents lists a link's open intents.
func (l *Ledger) Intents(connection string, id replica.LinkID) (open []Intent, err error) {
	err = l.scan(intentKey(connection, id), func(_, v []byte) (bool, error) {
		var in Intent
		if err := json.Unmarshal(v, &in); err != nil {
			return false, fmt.Errorf("reading an intent: %w", err)
		}
		open = append(open, in)
		return true, nil
	})
	return open, err
}

// OpenIntents calls use for every open intent of the node.
func (l *Ledger) OpenIntents(use func(Intent) bool) error {
	return l.scan(table('N'), func(_, v []byte) (bool, error) {
		var in Intent
		if err := json.Unmarshal(v, &in); err != nil {
			return false, fmt.Errorf("reading an intent: %w", err)
		}
		return use(in), nil
	})
}
