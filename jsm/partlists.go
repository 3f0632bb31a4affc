package jsm

import "strings"

// No fields of Jira's, as WatcherList is none: named among the fields of a read they ask for lists that need a call of
// their own, from then on with every read, so that all reads show the same.
const (
	WebLinkList = "remotelinks" // Ticket.WebLinks: 1 point and 1 for each link, for every ticket
	WorklogList = "worklogs"    // Ticket.Worklogs beyond the first 20: 1 point and 1 for each, where there are more
)

// lists reports whether an id is one of the lists that every read brings, or brought with this ticket.
func (t *Ticket) lists(id string) bool {
	return id == WatcherList || id == WorklogList && t.WorklogsTotal == len(t.Worklogs) || id == WebLinkList && t.webLinks || strings.HasPrefix(id, ratingPrefix) && t.rated
}

// Ask has every read from now on bring the lists among these fields. Reads that name their fields ask by themselves;
// those of a whole ticket (Ticket, and the answer of an edit) bring what was asked for before.
func (c *Client) Ask(fields []string) { c.asking(fields) }

// askParts notes the lists among what is wanted, and takes them out.
func (c *Client) askParts(want map[string]bool) {
	c.askRating(want)
	if want[WebLinkList] {
		c.learned.webLinks.Store(true)
		delete(want, WebLinkList)
	}
	if want[WorklogList] {
		c.learned.worklogs.Store(true)
		delete(want, WorklogList)
	}
}
