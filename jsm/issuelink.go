package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// LinkType is a kind of link between tickets. Its words are the tenant's own.
type LinkType struct {
	ID      string
	Name    string // "Blocks"
	Outward string // "blocks"
	Inward  string // "is blocked by"
}

// IssueLink is a link of a ticket as that ticket shows it. Where Outward, the ticket stands before Type.Outward and
// Other behind it ("SUP-1 blocks SUP-2", read on SUP-1); else before Type.Inward.
type IssueLink struct {
	ID      string
	Type    LinkType
	Outward bool
	Other   Option // the other ticket's id and key
}

type linkTypeJSON struct {
	ID      looseID `json:"id"`
	Name    string  `json:"name"`
	Inward  string  `json:"inward"`
	Outward string  `json:"outward"`
}

func (j *linkTypeJSON) linkType() LinkType {
	return LinkType{string(j.ID), j.Name, j.Outward, j.Inward}
}

type linkedJSON struct {
	ID  looseID `json:"id"`
	Key string  `json:"key"`
}

func (j *linkedJSON) option() Option { return Option{ID: string(j.ID), Value: j.Key} }

type linkJSON struct {
	ID      looseID      `json:"id"`
	Type    linkTypeJSON `json:"type"`
	Inward  *linkedJSON  `json:"inwardIssue"`
	Outward *linkedJSON  `json:"outwardIssue"`
}

func issueLinks(list []linkJSON) ([]IssueLink, error) {
	var out []IssueLink
	for i := range list {
		j := &list[i]
		l := IssueLink{ID: string(j.ID), Type: j.Type.linkType()}
		switch {
		case j.ID == "" || (j.Inward == nil) == (j.Outward == nil):
			return nil, errors.New("a link without id, or not between two tickets")
		case j.Outward != nil:
			l.Outward, l.Other = true, j.Outward.option()
		default:
			l.Other = j.Inward.option()
		}
		out = append(out, l)
	}
	return out, nil
}

// LinkTypes lists the kinds of links that the tenant has.
func (c *Client) LinkTypes(ctx context.Context) ([]LinkType, error) {
	var out struct {
		Types []linkTypeJSON `json:"issueLinkTypes"`
	}
	_, err := c.do(ctx, call{
		op: "GET issueLinkType", method: http.MethodGet, path: rest("issueLinkType"), out: &out, objects: func() int { return len(out.Types) },
	})
	types := make([]LinkType, 0, len(out.Types))
	for i := range out.Types {
		types = append(types, out.Types[i].linkType())
	}
	return types, err
}

// IssueLinks reads a ticket's links, for 2 points. It is strongly consistent. A Ticket that was read with FieldLinks
// holds the same.
func (c *Client) IssueLinks(ctx context.Context, issue string) ([]IssueLink, error) {
	t, err := c.ticketFields(ctx, issue, FieldLinks)
	if err != nil {
		return nil, fmt.Errorf("reading the links of %s: %w", clip(issue, 40), err)
	}
	return t.Links, nil
}

// LinkIssues makes the link "from TYPE.Outward to", and returns it as from shows it. Repeating it is harmless: Jira
// answers the same and makes no second link [S]. No comment is ever sent with it, since that would be written again.
// The answer names no link [S], so it is read: 3 points.
func (c *Client) LinkIssues(ctx context.Context, from, to string, kind LinkType) (IssueLink, error) {
	// The inward issue of the call is the one that shows the link as an outward one (facts section 8).
	body := map[string]any{"inwardIssue": map[string]string{"id": from}, "outwardIssue": map[string]string{"id": to}}
	if kind.ID != "" {
		body["type"] = map[string]string{"id": kind.ID}
	} else {
		body["type"] = map[string]string{"name": kind.Name}
	}
	_, err := c.do(ctx, call{op: "POST issueLink", method: http.MethodPost, path: rest("issueLink"), issue: from, body: body})
	if err != nil {
		return IssueLink{}, err
	}
	links, err := c.IssueLinks(ctx, from)
	if err != nil {
		return IssueLink{}, afterWrite(err)
	}
	i := slices.IndexFunc(links, func(l IssueLink) bool {
		return l.Outward && (l.Other.ID == to || l.Other.Value == to) && (l.Type.ID == kind.ID || kind.ID == "" && l.Type.Name == kind.Name)
	})
	if i < 0 {
		return IssueLink{}, unusable("POST issueLink", http.StatusCreated, true, Transient, "the link is made, and the ticket does not show it")
	}
	return links[i], nil
}

// Unlink takes a link away; one that is already gone is success. Jira's 404 is checked by a read.
func (c *Client) Unlink(ctx context.Context, issue, id string) error {
	_, err := c.do(ctx, call{op: "DELETE issueLink", method: http.MethodDelete, path: rest("issueLink", id), issue: issue})
	if !IsNotFound(err) {
		return err
	}
	var ignored json.RawMessage
	_, readErr := c.do(ctx, call{op: "GET issueLink", method: http.MethodGet, path: rest("issueLink", id), out: &ignored, objects: one})
	if IsNotFound(readErr) {
		return nil
	}
	return err
}
