package jsm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Operations with a limit of their own, see pace.go.
const (
	opIssue     = "GET issue"
	opChangelog = "GET changelog"
	opUsers     = "GET user/search"
)

const (
	bulkFetch   = 100 // issues of one bulkfetch [S]
	commentPage = 100 // comments of one page, Jira's default [S]
)

// Unreadable are tickets of a bulk read whose answers make no sense. The others were read: one
// ticket's fault stays with it.
type Unreadable struct{ ByID map[string]error }

func (e *Unreadable) Error() string {
	var parts []string
	for _, id := range slices.Sorted(maps.Keys(e.ByID)) {
		parts = append(parts, e.ByID[id].Error())
	}
	return "jira: unreadable tickets: " + clip(strings.Join(parts, "; "), 1000)
}

// Ticket reads one ticket, by id or key, with all fields, all comments and the whole history. The
// read is strongly consistent and follows a moved ticket, whose Key then differs from the one asked [D].
func (c *Client) Ticket(ctx context.Context, idOrKey string) (*Ticket, error) {
	return c.ticket(ctx, idOrKey, nil, true)
}

// ticket reads one ticket; fields nil means all of them. Only wholeHistory pages through a long history.
func (c *Client) ticket(ctx context.Context, idOrKey string, fields []string, wholeHistory bool) (*Ticket, error) {
	query := url.Values{"expand": {"changelog"}, "properties": {MarkKey}}
	if fields != nil {
		query.Set("fields", strings.Join(fields, ","))
	}
	var out issueJSON
	_, err := c.do(ctx, call{op: opIssue, method: http.MethodGet, path: rest("issue", idOrKey), query: query, out: &out, objects: one})
	if err != nil {
		return nil, err
	}
	t, err := out.ticket(fields, c.requestTypeField())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", clip(idOrKey, 40), err)
	}
	return t, c.complete(ctx, t, wholeHistory)
}

// ticketFields reads one ticket with nothing but some fields, and without history.
func (c *Client) ticketFields(ctx context.Context, issue string, fields ...string) (*Ticket, error) {
	var out issueJSON
	_, err := c.do(ctx, call{
		op: opIssue, method: http.MethodGet, path: rest("issue", issue), query: url.Values{"fields": {strings.Join(fields, ",")}}, out: &out, objects: one,
	})
	if err != nil {
		return nil, err
	}
	return out.ticket(fields, "")
}

func (c *Client) requestTypeField() string {
	if id := c.learned.requestTypeField.Load(); id != nil {
		return *id
	}
	return ""
}

// complete reads what an answer's first pages left out.
func (c *Client) complete(ctx context.Context, t *Ticket, wholeHistory bool) error {
	c.labelAssets(ctx, t)
	if err := c.reading(t).all(ctx); err != nil {
		return err
	}
	if wholeHistory && t.HistoryTotal > len(t.History) {
		list, err := c.History(ctx, t.ID)
		if err != nil {
			return err
		}
		t.History, t.HistoryTotal = list, len(list)
	}
	return nil
}

// Tickets reads many tickets by id, in bulks of 100, with the fields named, all comments and the
// newest 40 entries of the history. Tickets that are gone or not visible are absent from the map. Where single
// answers make no sense the error is *Unreadable and the map holds the others.
func (c *Client) Tickets(ctx context.Context, ids []string, fields []string) (map[string]*Ticket, error) {
	asked := c.asking(fields)
	found := map[string]*Ticket{}
	bad := &Unreadable{ByID: map[string]error{}}
	for chunk := range slices.Chunk(ids, bulkFetch) {
		if err := c.bulk(ctx, chunk, asked, found, bad); err != nil {
			return nil, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(found)) { // in a fixed order, so that a simulation replays
		if err := c.complete(ctx, found[id], false); IsNotFound(err) {
			delete(found, id) // gone since the bulk was read
		} else if err != nil {
			return nil, err
		}
	}
	if len(bad.ByID) > 0 {
		return found, bad
	}
	return found, nil
}

func (c *Client) bulk(ctx context.Context, ids, asked []string, found map[string]*Ticket, bad *Unreadable) error {
	var out struct {
		Issues []issueJSON `json:"issues"`
		Errors []struct {
			ID looseID `json:"id"`
		} `json:"issueErrors"`
	}
	_, err := c.do(ctx, call{
		op: "POST issue/bulkfetch", method: http.MethodPost, path: rest("issue", "bulkfetch"), read: true,
		body: map[string]any{"issueIdsOrKeys": ids, "fields": asked, "properties": []string{MarkKey}, "expand": []string{"changelog"}},
		out:  &out, objects: func() int { return len(out.Issues) }, most: 1 + len(ids),
	})
	if err != nil {
		return err
	}
	for i := range out.Issues {
		t, err := out.Issues[i].ticket(asked, c.requestTypeField())
		if err != nil {
			bad.ByID[string(out.Issues[i].ID)] = err
			continue
		}
		found[t.ID] = t
	}
	for _, e := range out.Errors {
		// "a retriable error or payload constraint" [S]: not the same as gone, so each is asked for alone.
		t, err := c.ticket(ctx, string(e.ID), asked, false)
		var api *APIError
		switch {
		case err == nil:
			found[t.ID] = t
		case IsNotFound(err):
		case errors.As(err, &api) && api.Class != Definite:
			return err
		default:
			bad.ByID[string(e.ID)] = err
		}
	}
	return nil
}

// History reads all changes of a ticket, newest first.
func (c *Client) History(ctx context.Context, id string) ([]Change, error) {
	raw, err := pages(func(start int) (platformPage[changeJSON], error) {
		var out platformPage[changeJSON]
		_, err := c.do(ctx, call{
			op: opChangelog, method: http.MethodGet, path: rest("issue", id, "changelog"),
			query: url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {"100"}},
			out:   &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", clip(id, 40), err)
	}
	list := make([]Change, 0, len(raw))
	seen := map[looseID]bool{}
	for i := range raw {
		if !seen[raw[i].ID] { // entries made while paging move nothing, but a tenant may repeat itself
			seen[raw[i].ID] = true
			list = append(list, raw[i].change())
		}
	}
	newestFirst(list)
	return list, nil
}
