package exchange

import (
	"encoding/json"
	"slices"
	"strings"

	"parley/jsm"
)

// NoticeWord is the label of a ticket by which a node tells its own people of
// trouble, and stands in its summary, where it is from the first moment: the
// portal takes no label. Such a ticket is never shared, whatever a trigger says:
// it would tell the partner of our troubles.
const NoticeWord = "parley-notice"

// isNotice reports whether a ticket is a notice of this node. Others' tickets
// are none, whatever they are called, so that nobody hides theirs by a word.
func (d *Desk) isNotice(t *jsm.Ticket) bool {
	if me := d.account().AccountID; me != "" && t.Creator.AccountID != "" && t.Creator.AccountID != me {
		return false
	}
	var summary string
	var labels []string
	if json.Unmarshal(t.Fields["summary"], &summary) == nil && strings.Contains(summary, "["+NoticeWord+" ") {
		return true
	}
	return json.Unmarshal(t.Fields["labels"], &labels) == nil && slices.Contains(labels, NoticeWord)
}
