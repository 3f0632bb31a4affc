package jsm

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"parley/jsm/jql"
)

// sample learns a status's transitions from another ticket that stands in it, and whether approvals
// hold tickets there. It writes nothing. Where no ticket is found, or none that we may read, the
// status stays unknown.
func (c *Client) sample(ctx context.Context, flow *workflow, project, issueType string, s Status) error {
	query := fmt.Sprintf("project = %s AND issuetype = %s AND status = %s ORDER BY updated DESC",
		operand(project), operand(issueType), operand(s.ID))
	var out struct {
		Issues []issueJSON `json:"issues"`
	}
	_, err := c.do(ctx, call{
		op: "POST search/jql", method: http.MethodPost, path: rest("search", "jql"), read: true,
		body: map[string]any{"jql": query, "maxResults": 1, "fields": []string{"status"}},
		out:  &out, objects: func() int { return len(out.Issues) },
	})
	if err != nil {
		return fmt.Errorf("looking for a ticket in status %s: %w", s.ID, err)
	}
	flow.looked(s.ID)
	if len(out.Issues) == 0 {
		return nil
	}
	is := &out.Issues[0]
	t, err := is.ticket(nil, "")
	if err != nil || t.Status.ID != s.ID { // the index lags; what the issue says now counts
		return nil
	}
	list, err := c.transitions(ctx, t.ID, s.ID)
	if IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the transitions of status %s: %w", s.ID, err)
	}
	pending, err := c.approvalPending(ctx, t.ID)
	if err != nil {
		return err
	}
	flow.setApproval(s.ID, pending)
	flow.learn(s.ID, list)
	return nil
}

// approvalPending reports whether a request waits for an approval. A ticket that is no request, or
// whose approvals we may not see, has none for us.
func (c *Client) approvalPending(ctx context.Context, id string) (bool, error) {
	var out deskPage[struct {
		Decision string `json:"finalDecision"`
	}]
	_, err := c.do(ctx, call{
		op: "GET request/approval", method: http.MethodGet, path: desk("request", id, "approval"), query: deskQuery(0),
		out: &out, objects: func() int { return len(out.Values) },
	})
	if err != nil {
		if isDefinite(err) {
			return false, nil
		}
		return false, fmt.Errorf("reading the approvals: %w", err)
	}
	for _, a := range out.Values {
		if a.Decision == "pending" {
			return true, nil
		}
	}
	return false, nil
}

// operand writes an id into a JQL: a bare number is an id, a quoted one a name first.
func operand(id string) string {
	if strings.Trim(id, "0123456789") == "" {
		return id
	}
	return jql.Quote(id)
}
