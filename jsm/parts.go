package jsm

import (
	"encoding/json"
	"fmt"
)

// Fields whose members a Ticket holds as lists of its own, where they were asked for. They cost nothing beside the
// ticket's own point, and so do these fields, whose values Ticket.Value gives: parent, timetracking, watches (the count),
// versions, security, participants, organizations, and by DecodeSLA, DecodeApprovals and DecodeRating the clocks,
// approvals and the rating of a request.
//
// What needs calls of its own, spared where an answer tells that it is as it was (recall.go), in points: comments beyond
// the first 20 (1 for each 100, and 1 each), which attachments the customer sees (ProveAttachments, 1 and 1 a comment), how
// rich texts name an attachment (MediaID, 2), marks of work logs and those beyond the first 20 (Worklogs, 1 and 1
// each), web links (RemoteLinks, 1 and 1 each), who watches (Watchers, 1 and 2 each), whether a queue holds the
// ticket (QueueHolds, 2).
const (
	FieldAttachments = "attachment"
	FieldLinks       = "issuelinks"
	FieldSubtasks    = "subtasks"
	FieldWorklogs    = "worklog"
)

// readParts fills the lists that were asked for.
func (t *Ticket) readParts() error {
	var (
		files    []attachmentJSON
		links    []linkJSON
		subtasks []linkedJSON
		work     worklogsPage
	)
	for _, part := range []struct {
		id  string
		out any
	}{{FieldAttachments, &files}, {FieldLinks, &links}, {FieldSubtasks, &subtasks}, {FieldWorklogs, &work}} {
		raw, ok := t.Fields[part.id]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, part.out); err != nil {
			return fmt.Errorf("reading field %s: %s", part.id, shape(err))
		}
	}
	var err error
	if t.Attachments, err = attachments(files); err != nil {
		return fmt.Errorf("reading field %s: %w", FieldAttachments, err)
	}
	if t.Links, err = issueLinks(links); err != nil {
		return fmt.Errorf("reading field %s: %w", FieldLinks, err)
	}
	for i := range subtasks {
		t.Subtasks = append(t.Subtasks, subtasks[i].option())
	}
	t.Worklogs = worklogs(work.Worklogs)
	t.WorklogsTotal = max(work.Total, len(t.Worklogs))
	return nil
}
