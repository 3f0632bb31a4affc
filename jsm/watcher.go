package jsm

import (
	"context"
	"net/http"
	"net/url"
)

// Watchers reads who watches a ticket, for 1 point and 2 for each. They can be fewer than the number that the field
// "watches" tells without a call of its own: Jira names others only to an account that may see watchers [S].
func (c *Client) Watchers(ctx context.Context, issue string) ([]Person, error) {
	var out struct {
		People []personJSON `json:"watchers"`
	}
	_, err := c.do(ctx, call{
		op: "GET watchers", method: http.MethodGet, path: rest("issue", issue, "watchers"), out: &out, objects: func() int { return 2 * len(out.People) },
	})
	var people []Person
	for i := range out.People {
		people = append(people, out.People[i].person())
	}
	return people, err
}

// AddWatcher makes an account watch a ticket. Repeating it is harmless. 1 point.
func (c *Client) AddWatcher(ctx context.Context, issue, account string) error {
	defer c.Forget(issue)
	_, err := c.do(ctx, call{op: "POST watchers", method: http.MethodPost, path: rest("issue", issue, "watchers"), issue: issue, body: account})
	return err
}

// RemoveWatcher makes an account watch a ticket no longer. Repeating it is harmless. 1 point.
func (c *Client) RemoveWatcher(ctx context.Context, issue, account string) error {
	defer c.Forget(issue)
	_, err := c.do(ctx, call{
		op: "DELETE watchers", method: http.MethodDelete, path: rest("issue", issue, "watchers"), issue: issue, query: url.Values{"accountId": {account}},
	})
	return err
}
