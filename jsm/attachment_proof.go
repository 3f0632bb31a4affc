package jsm

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// deskComment is a comment as the service desk shows it.
type deskComment struct {
	ID          looseID                   `json:"id"`
	Public      *bool                     `json:"public"`
	Created     deskDate                  `json:"created"`
	Attachments *deskPage[deskAttachment] `json:"attachments"`
}

// ProveAttachments finds out which of a ticket's attachments a public comment shows, and notes it in
// t.Attachments. ids are those that matter, none: all; those proven already are left alone. A comment that is limited
// to a role or group shows nothing, and neither does one that t does not have.
//
// It costs nothing where nothing is open, else one call and its comments for each 50 public comments, until all is
// proven; what is found stays true, so the caller keeps it. A ticket that is no request shows nothing.
func (c *Client) ProveAttachments(ctx context.Context, t *Ticket, ids ...string) error {
	open := map[string]*Attachment{}
	for i := range t.Attachments {
		if a := &t.Attachments[i]; a.Shown == Unproven && (len(ids) == 0 || slices.Contains(ids, a.ID)) {
			open[a.ID] = a
		}
	}
	shows := map[string]bool{}
	for _, cm := range t.Comments {
		shows[cm.ID] = cm.Customer()
	}
	for start, n := 0, 0; len(open) > 0 && n < maxPages; n++ {
		page, err := c.shownBy(ctx, t.ID, start)
		if IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading what the comments of %s show: %w", t.Key, err)
		}
		start += len(page.Values)
		for i := range page.Values {
			cm := &page.Values[i]
			if cm.Public == nil || !*cm.Public || !shows[string(cm.ID)] || cm.Attachments == nil {
				continue
			}
			list, err := c.restOf(ctx, t.ID, cm)
			if err != nil {
				return err
			}
			for j := range list {
				if a := open[list[j].id()]; a != nil {
					a.Shown, a.Comment = ByComment, string(cm.ID)
					delete(open, a.ID)
				}
			}
		}
		if len(page.Values) == 0 || page.last(start) {
			return nil
		}
	}
	return nil
}

func (c *Client) shownBy(ctx context.Context, issue string, start int) (deskPage[deskComment], error) {
	query := deskQuery(start)
	query.Set("public", "true")
	query.Set("internal", "false")
	query.Set("expand", "attachment")
	var out deskPage[deskComment]
	_, err := c.do(ctx, call{
		op: "GET request/comment", method: http.MethodGet, path: desk("request", issue, "comment"), query: query,
		out: &out, objects: func() int { return len(out.Values) },
	})
	return out, err
}

// restOf gives all attachments of a comment, whose first page came with it.
func (c *Client) restOf(ctx context.Context, issue string, cm *deskComment) ([]deskAttachment, error) {
	if cm.Attachments.last(0) {
		return cm.Attachments.Values, nil
	}
	return c.commentAttachments(ctx, issue, string(cm.ID))
}

// commentAttachments lists what a comment refers to.
func (c *Client) commentAttachments(ctx context.Context, issue, comment string) ([]deskAttachment, error) {
	list, err := pages(func(start int) (deskPage[deskAttachment], error) {
		var out deskPage[deskAttachment]
		_, err := c.do(ctx, call{
			op: "GET request/comment/attachment", method: http.MethodGet, path: desk("request", issue, "comment", comment, "attachment"),
			query: deskQuery(start), out: &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what comment %s shows: %w", clip(comment, 40), err)
	}
	return list, nil
}
