package jsm

import (
	"context"
	"fmt"
	"net/http"
)

// Participants reads who takes part in a request beside its reporter, for 1 point and 2 for each. A field of the type
// Participants holds the same without a call of its own.
func (c *Client) Participants(ctx context.Context, issue string) ([]Person, error) {
	list, err := pages(func(start int) (deskPage[personJSON], error) {
		var out deskPage[personJSON]
		_, err := c.do(ctx, call{
			op: "GET participant", method: http.MethodGet, path: desk("request", issue, "participant"), query: deskQuery(start),
			out: &out, objects: func() int { return 2 * len(out.Values) },
		})
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the participants of %s: %w", clip(issue, 40), err)
	}
	people := make([]Person, 0, len(list))
	for i := range list {
		people = append(people, list[i].person())
	}
	return people, nil
}

// AddParticipants lets accounts take part in a request: they see it in the portal and get its mail. All of them or,
// where Jira refuses one, none [S]. Repeating it adds nobody twice. 1 point.
func (c *Client) AddParticipants(ctx context.Context, issue string, accounts []string) error {
	return c.changeParticipants(ctx, "POST participant", http.MethodPost, issue, accounts)
}

// RemoveParticipants is the opposite of AddParticipants. Repeating it is harmless. 1 point.
func (c *Client) RemoveParticipants(ctx context.Context, issue string, accounts []string) error {
	return c.changeParticipants(ctx, "DELETE participant", http.MethodDelete, issue, accounts)
}

func (c *Client) changeParticipants(ctx context.Context, op, method, issue string, accounts []string) error {
	if len(accounts) == 0 {
		return nil
	}
	_, err := c.do(ctx, call{
		op: op, method: method, path: desk("request", issue, "participant"), issue: issue, body: map[string]any{"accountIds": accounts},
	})
	return err
}
