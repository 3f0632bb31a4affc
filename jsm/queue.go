package jsm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Queue is a list of a desk's requests. It is a query: a ticket is put there by the fields that the query asks for.
type Queue struct {
	ID, Name, JQL string
}

type queueJSON struct {
	ID   looseID `json:"id"`
	Name string  `json:"name"`
	JQL  string  `json:"jql"`
}

// Queues lists the queues of a desk. Only agents may.
func (c *Client) Queues(ctx context.Context, deskID string) ([]Queue, error) {
	list, err := pages(func(start int) (deskPage[queueJSON], error) {
		var out deskPage[queueJSON]
		_, err := c.do(ctx, call{
			op: "GET queue", method: http.MethodGet, path: desk("servicedesk", deskID, "queue"), query: deskQuery(start),
			out: &out, objects: func() int { return len(out.Values) },
		})
		return out, err
	})
	queues := make([]Queue, 0, len(list))
	for _, q := range list {
		queues = append(queues, Queue{string(q.ID), q.Name, q.JQL})
	}
	return queues, err
}

// QueueHolds tells whether a queue holds a ticket, by Jira's own judgement of the queue's query, for 2 points. How fresh
// that is right after a write is not known [U]. Where Jira does not judge the query, as one with words of an app, the
// queue itself is read until the ticket is found.
func (c *Client) QueueHolds(ctx context.Context, deskID string, q Queue, issue string) (bool, error) {
	if _, err := strconv.ParseUint(issue, 10, 63); err != nil {
		return false, fmt.Errorf("asking whether queue %q holds %q: that is no issue id", clip(q.Name, 80), clip(issue, 40))
	}
	if strings.TrimSpace(q.JQL) != "" {
		matched, bad, err := c.Match(ctx, []string{issue}, []string{q.JQL})
		if err != nil {
			return false, fmt.Errorf("asking whether queue %q holds %s: %w", clip(q.Name, 80), issue, err)
		}
		if bad[0] == nil {
			return slices.Contains(matched[0], issue), nil
		}
	}
	return c.queueLists(ctx, deskID, q, issue)
}

// errFound ends the paging through a queue.
var errFound = errors.New("found")

func (c *Client) queueLists(ctx context.Context, deskID string, q Queue, issue string) (bool, error) {
	_, err := pages(func(start int) (deskPage[linkedJSON], error) {
		var out deskPage[linkedJSON]
		_, err := c.do(ctx, call{
			op: "GET queue/issue", method: http.MethodGet, path: desk("servicedesk", deskID, "queue", q.ID, "issue"), query: deskQuery(start),
			out: &out, objects: func() int { return len(out.Values) },
		})
		if err == nil && slices.ContainsFunc(out.Values, func(i linkedJSON) bool { return string(i.ID) == issue }) {
			err = errFound
		}
		return out, err
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}
