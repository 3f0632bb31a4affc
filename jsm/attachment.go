package jsm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxMIME     = 255 // characters of a MIME type (RFC 6838 allows 127 for each half)
	maxFileName = 255 // bytes of a file name, as most file systems have it
)

// Shown says how it is proved that the customer sees an attachment in the portal. Jira itself does not say.
type Shown string

// What is not proved counts as internal: an attachment that an agent adds is shown to nobody but agents until a
// public comment refers to it (JSDCLOUD-13030).
const (
	Unproven   Shown = ""
	ByCustomer Shown = "customer" // a portal-only customer attached it, and these can attach for all to see only [S]
	ByComment  Shown = "comment"  // a public comment refers to it
)

// Attachment is one file of a ticket. Its content never changes: a new version is another attachment. Several may
// have the same name.
type Attachment struct {
	ID      string
	Name    string // as Jira has it; it may hold anything
	Size    int64  // bytes
	MIME    string // what the uploader said
	Author  Person
	Created time.Time
	Shown   Shown
	Comment string // id of the comment that shows it, for ByComment
}

// Customer reports whether the customer certainly sees the attachment.
func (a Attachment) Customer() bool { return a.Shown != Unproven }

type attachmentJSON struct {
	ID      looseID     `json:"id"` // a string in tickets, a number on its own [S]
	Name    string      `json:"filename"`
	Size    int64       `json:"size"`
	MIME    string      `json:"mimeType"`
	Author  *personJSON `json:"author"`
	Created moment      `json:"created"`
}

func (j *attachmentJSON) attachment() (Attachment, error) {
	if j.ID == "" || j.Size < 0 {
		return Attachment{}, errors.New("an attachment without id, or of a negative size")
	}
	a := Attachment{
		ID: string(j.ID), Name: j.Name, Size: j.Size, MIME: clip(j.MIME, maxMIME),
		Author: j.Author.person(), Created: j.Created.Time,
	}
	if a.Author.Type == "customer" {
		a.Shown = ByCustomer
	}
	return a, nil
}

// attachments makes a list oldest first, each once.
func attachments(list []attachmentJSON) ([]Attachment, error) {
	var out []Attachment
	seen := make(map[looseID]bool, len(list))
	for i := range list {
		if seen[list[i].ID] {
			continue
		}
		seen[list[i].ID] = true
		a, err := list[i].attachment()
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b Attachment) int {
		if d := a.Created.Compare(b.Created); d != 0 {
			return d
		}
		return compareIDs(a.ID, b.ID)
	})
	return out, nil
}

// Attachments reads a ticket's attachments, oldest first, for 2 points. It is strongly consistent. A Ticket that was
// read with FieldAttachments holds the same.
func (c *Client) Attachments(ctx context.Context, issue string) ([]Attachment, error) {
	t, err := c.ticketFields(ctx, issue, FieldAttachments)
	if err != nil {
		return nil, fmt.Errorf("reading the attachments of %s: %w", clip(issue, 40), err)
	}
	return t.Attachments, nil
}

// Attachment reads what Jira knows of one attachment, for 2 points; which ticket it belongs to is not told.
func (c *Client) Attachment(ctx context.Context, id string) (Attachment, error) {
	var out attachmentJSON
	_, err := c.do(ctx, call{op: "GET attachment", method: http.MethodGet, path: rest("attachment", id), out: &out, objects: one})
	if err != nil {
		return Attachment{}, err
	}
	a, err := out.attachment()
	if err != nil {
		return Attachment{}, unusable("GET attachment", http.StatusOK, false, Definite, err.Error())
	}
	return a, nil
}

// AttachmentLimit reads the greatest size in bytes that the tenant takes; enabled is false where it takes none. Ask
// before an upload: a tenant refuses a file that is too large with 413 only after it has come.
func (c *Client) AttachmentLimit(ctx context.Context) (limit int64, enabled bool, err error) {
	var out struct {
		Enabled bool  `json:"enabled"`
		Limit   int64 `json:"uploadLimit"`
	}
	_, err = c.do(ctx, call{op: "GET attachment/meta", method: http.MethodGet, path: rest("attachment", "meta"), out: &out, objects: one})
	return out.Limit, out.Enabled, err
}

// DeleteAttachment deletes an attachment; one that is already gone is success. Jira answers 404 also for a
// missing permission [S], so that answer is checked by a read. issue is for Jira's per-ticket limit.
func (c *Client) DeleteAttachment(ctx context.Context, issue, id string) error {
	_, err := c.do(ctx, call{op: "DELETE attachment", method: http.MethodDelete, path: rest("attachment", id), issue: issue})
	if !IsNotFound(err) {
		return err
	}
	if _, readErr := c.Attachment(ctx, id); IsNotFound(readErr) {
		return nil
	}
	return err
}

// deskAttachment is an attachment as the service desk shows it. It has no id but in its addresses [S].
type deskAttachment struct {
	Links struct {
		REST    string `json:"jiraRest"`
		Content string `json:"content"`
	} `json:"_links"`
	Name    string      `json:"filename"`
	Size    int64       `json:"size"`
	MIME    string      `json:"mimeType"`
	Author  *personJSON `json:"author"`
	Created deskDate    `json:"created"`
}

// id reads .../attachment/10000, .../attachment/content/10000 or .../attachment/10000/name.txt; "" where none is
// like that. The addresses are never asked.
func (d *deskAttachment) id() string {
	for _, address := range []string{d.Links.REST, d.Links.Content} {
		u, err := url.Parse(address)
		if err != nil {
			continue
		}
		parts := strings.Split(u.Path, "/")
		i := slices.Index(parts, "attachment")
		if i < 0 {
			continue
		}
		for _, p := range parts[i+1:] {
			if n, err := strconv.ParseUint(p, 10, 63); err == nil && n > 0 {
				return strconv.FormatUint(n, 10)
			}
			if p != "content" {
				break
			}
		}
	}
	return ""
}

// deskDate is a moment as the service desk writes it [S].
type deskDate struct {
	Millis int64 `json:"epochMillis"`
}

// maxMillis is the year 9999.
const maxMillis = 253_402_300_799_999

// time is zero where there is none.
func (d *deskDate) time() time.Time {
	if d == nil || d.Millis <= 0 || d.Millis > maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(d.Millis).UTC()
}
