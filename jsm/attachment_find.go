package jsm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

const (
	clockSlack = 10 * time.Minute // between our clock and Jira's
	echoWithin = time.Minute      // between an attachment and the comment that Jira makes of it, both by Jira's clock
)

// Sought is an upload whose answer was lost.
type Sought struct {
	Name   string // as it was given to the upload
	Size   int64
	SHA256 *[sha256.Size]byte // nil: not known, so the name decides
	By     string             // our account
	Since  time.Time          // when the upload was begun, by our clock
	Known  []string           // attachments that are accounted for otherwise
	Said   []string           // comments that are
	Public bool               // it was AttachPublic
}

// FindUpload looks whether an upload took place; nil: it did not, or Jira is still at it, so that counts only some
// time after the upload ended. An attachment can carry no mark [S], so it is told by
// who, when, how long and, read anew, by its hash. A public one is found with its echo: the public
// comment of ours that refers to it, with the mark it may have by now; where Echo stays nil, nothing shows it to the customer.
//
// It costs 2 points, and 2 more with the content for each attachment that may be it.
func (c *Client) FindUpload(ctx context.Context, issue string, s Sought) (*Uploaded, error) {
	t, err := c.ticketFields(ctx, issue, FieldAttachments, "comment")
	if err != nil {
		return nil, fmt.Errorf("looking for an upload on %s: %w", clip(issue, 40), err)
	}
	name := FileName(s.Name)
	var likely []Attachment
	for _, a := range t.Attachments {
		if a.Size != s.Size || a.Author.AccountID != s.By || a.Created.Before(s.Since.Add(-clockSlack)) || slices.Contains(s.Known, a.ID) {
			continue
		}
		if s.SHA256 != nil || a.Name == name {
			likely = append(likely, a)
		}
	}
	slices.SortStableFunc(likely, func(a, b Attachment) int { // those of the name first
		switch {
		case (a.Name == name) == (b.Name == name):
			return 0
		case a.Name == name:
			return -1
		}
		return 1
	})
	for _, a := range likely {
		up := &Uploaded{Attachment: a}
		if s.SHA256 != nil {
			if up.SHA256, err = c.HashAttachment(ctx, a); err != nil {
				return nil, fmt.Errorf("looking for an upload on %s: %w", clip(issue, 40), err)
			}
			if up.SHA256 != *s.SHA256 {
				continue
			}
		}
		if s.Public {
			err = c.findEcho(ctx, t, s.By, up, s.Said)
		}
		return up, err
	}
	return nil, nil
}

// EchoOf finds the comment that Jira made of a public upload of a's author, with the mark that it may bear; nil: there is
// none beside the comments that are accounted for otherwise. It costs 2 points and more for each public comment of the author's from the minute of the upload.
func (c *Client) EchoOf(ctx context.Context, t *Ticket, a Attachment, said []string) (*Comment, error) {
	up := &Uploaded{Attachment: a}
	err := c.findEcho(ctx, t, a.Author.AccountID, up, said)
	return up.Echo, err
}

// findEcho finds the comment that Jira made of an upload.
func (c *Client) findEcho(ctx context.Context, t *Ticket, me string, up *Uploaded, said []string) error {
	if err := c.complete(ctx, t, false); err != nil {
		return err
	}
	for i := range t.Comments {
		cm := &t.Comments[i]
		if cm.Author.AccountID != me || !cm.Customer() || cm.Created.Sub(up.Attachment.Created).Abs() > echoWithin || slices.Contains(said, cm.ID) {
			continue
		}
		list, err := c.commentAttachments(ctx, t.ID, cm.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(list, func(d deskAttachment) bool { return d.id() == up.Attachment.ID }) {
			continue
		}
		mark, err := c.CommentMark(ctx, cm.ID)
		if err != nil {
			return fmt.Errorf("looking for the comment of an upload: %w", err)
		}
		echo := *cm
		echo.Mark = mark
		up.Echo = &echo
		up.Attachment.Shown, up.Attachment.Comment = ByComment, cm.ID
		return nil
	}
	return nil
}
