package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxGlobalID is Jira's limit in characters [S].
const maxGlobalID = 255

// RemoteLink is a web link of a ticket. GlobalID is what finds it again: the same one is updated and never doubled, so
// it serves as our mark. Jira empties what is left out of an update [S].
type RemoteLink struct {
	ID           string
	GlobalID     string // "": made by a person
	URL          string
	Title        string
	Summary      string
	Relationship string // "links to" where empty
	App          string // type of the application it leads to, as com.atlassian.confluence
	AppName      string
	Resolved     bool // shown struck through
}

// Article reports whether the link leads to a page of Confluence, which is how a knowledge article hangs on a ticket:
// no call links one otherwise.
func (l RemoteLink) Article() bool { return l.App == "com.atlassian.confluence" }

type remoteLinkJSON struct {
	ID           looseID          `json:"id,omitempty"`
	GlobalID     string           `json:"globalId,omitempty"`
	Relationship string           `json:"relationship,omitempty"`
	App          *remoteAppJSON   `json:"application,omitempty"`
	Object       remoteObjectJSON `json:"object"`
}

type remoteAppJSON struct {
	Type string `json:"type,omitempty"`
	Name string `json:"name,omitempty"`
}

type remoteObjectJSON struct {
	URL     string            `json:"url"`
	Title   string            `json:"title"`
	Summary string            `json:"summary,omitempty"`
	Status  *remoteStatusJSON `json:"status,omitempty"`
}

type remoteStatusJSON struct {
	Resolved bool `json:"resolved"`
}

func (j *remoteLinkJSON) link() RemoteLink {
	l := RemoteLink{
		ID: string(j.ID), GlobalID: j.GlobalID, URL: j.Object.URL, Title: j.Object.Title, Summary: j.Object.Summary,
		Relationship: j.Relationship, Resolved: j.Object.Status != nil && j.Object.Status.Resolved,
	}
	if j.App != nil {
		l.App, l.AppName = j.App.Type, j.App.Name
	}
	return l
}

func (l RemoteLink) body() (remoteLinkJSON, error) {
	u, err := url.Parse(l.URL)
	switch {
	case l.GlobalID == "" || utf8.RuneCountInString(l.GlobalID) > maxGlobalID:
		return remoteLinkJSON{}, fmt.Errorf("writing a web link: a global id of 1 to %d characters finds it again", maxGlobalID)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return remoteLinkJSON{}, errors.New("writing a web link: the address is none of the web")
	case strings.TrimSpace(l.Title) == "":
		return remoteLinkJSON{}, errors.New("writing a web link: it has no title")
	}
	j := remoteLinkJSON{
		GlobalID: l.GlobalID, Relationship: l.Relationship,
		Object: remoteObjectJSON{URL: l.URL, Title: l.Title, Summary: l.Summary},
	}
	if l.App != "" || l.AppName != "" {
		j.App = &remoteAppJSON{l.App, l.AppName}
	}
	if l.Resolved {
		j.Object.Status = &remoteStatusJSON{true}
	}
	return j, nil
}

// RemoteLinks reads all web links of a ticket, for 1 point and 1 for each.
func (c *Client) RemoteLinks(ctx context.Context, issue string) ([]RemoteLink, error) {
	var out []remoteLinkJSON
	_, err := c.do(ctx, call{
		op: "GET remotelink", method: http.MethodGet, path: rest("issue", issue, "remotelink"), out: &out, objects: func() int { return len(out) },
	})
	links := make([]RemoteLink, 0, len(out))
	for i := range out {
		links = append(links, out[i].link())
	}
	return links, err
}

// PutRemoteLink makes a web link, or makes the one of the same GlobalID what l says, as a whole. It returns the
// link's id. Repeating it is harmless [S]. 1 point.
func (c *Client) PutRemoteLink(ctx context.Context, issue string, l RemoteLink) (id string, err error) {
	defer c.Forget(issue)
	const op = "POST remotelink"
	body, err := l.body()
	if err != nil {
		return "", err
	}
	var out struct {
		ID looseID `json:"id"`
	}
	status, err := c.do(ctx, call{op: op, method: http.MethodPost, path: rest("issue", issue, "remotelink"), issue: issue, body: body, out: &out})
	if err == nil && out.ID == "" {
		err = unusable(op, status, true, Transient, "the answer has no link id")
	}
	return string(out.ID), err
}

// DeleteRemoteLink takes a web link away by its GlobalID; one that is already gone is success. Jira's 404 is checked by a read.
func (c *Client) DeleteRemoteLink(ctx context.Context, issue, globalID string) error {
	defer c.Forget(issue)
	query := url.Values{"globalId": {globalID}}
	_, err := c.do(ctx, call{
		op: "DELETE remotelink", method: http.MethodDelete, path: rest("issue", issue, "remotelink"), query: query, issue: issue,
		header: http.Header{"Content-Type": {"application/json"}}, // 415 without, though there is no body [L]
	})
	if !IsNotFound(err) {
		return err
	}
	var ignored json.RawMessage
	_, readErr := c.do(ctx, call{
		op: "GET remotelink", method: http.MethodGet, path: rest("issue", issue, "remotelink"), query: query, out: &ignored, objects: one,
	})
	if IsNotFound(readErr) {
		return nil
	}
	return err
}
