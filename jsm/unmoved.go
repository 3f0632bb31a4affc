package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/jsm/jql"
)

// What moves no ticket's `updated` [B, U], and how it can be asked for. Jira has no webhook for a rating or an approver's
// answer [S], but its query language knows both: dates of ratings, and which tickets wait for an approval. Web links and
// watchers it does not know: these show only in a read of the ticket.

// ErrNoClause means that Jira's query language cannot ask by a field.
var ErrNoClause = errors.New("the field cannot be searched by")

// Rated lists the projects' tickets whose customer rated them within the last while; Updated is when. field is the id of
// the field that says so (Schema.RatedOn). A rating that was taken back is in no list. Searches lag, so ask for more than
// has passed; what cannot be read is left out. 1 point and 1 for each that is found.
func (c *Client) Rated(ctx context.Context, projects []string, field string, within time.Duration) (list []Hint, err error) {
	minutes := int(within/time.Minute) + 1 // a relative time: it goes by Jira's clock, and by no time zone (facts 2.3)
	err = c.byField(ctx, projects, field, fmt.Sprintf(">= \"-%dm\"", minutes), func(is *issueJSON) {
		var at moment
		if json.Unmarshal(is.Fields[field], &at) == nil {
			list = append(list, Hint{ID: string(is.ID), Key: is.Key, Updated: at.Time})
		}
	})
	return list, err
}

// Awaiting lists the projects' tickets that wait for an approval, by id, each with its approvals as they stand (none where
// they cannot be read). field is the id of the field of ApprovalsType. 1 point and 1 for each that is found.
func (c *Client) Awaiting(ctx context.Context, projects []string, field string) (found map[string][]Approval, err error) {
	found = map[string][]Approval{}
	err = c.byField(ctx, projects, field, "= pending()", func(is *issueJSON) {
		list, err := DecodeApprovals(Raw(is.Fields[field]))
		if err != nil {
			list = nil
		}
		found[string(is.ID)] = list
	})
	return found, err
}

// byField searches the projects by one condition on one custom field, and reads that field alone. Of more than 50,000 the
// others are left out.
func (c *Client) byField(ctx context.Context, projects []string, field, condition string, each func(*issueJSON)) error {
	number, custom := strings.CutPrefix(field, "customfield_")
	if !custom || strings.Trim(number, "0123456789") != "" || number == "" {
		return fmt.Errorf("%w: %s", ErrNoClause, clip(field, 40))
	}
	if len(projects) == 0 {
		return nil
	}
	q := fmt.Sprintf("project in (%s) AND cf[%s] %s ORDER BY key ASC", quotedKeys(projects), number, condition)
	err := c.search(ctx, q, searchPage, map[string]any{"fields": []string{field}}, func(is *issueJSON) error {
		if is.ID == "" {
			return errors.New("an answer without an issue id")
		}
		each(is)
		return nil
	})
	if err != nil && !errors.Is(err, ErrMore) {
		return fmt.Errorf("asking by field %s: %w", field, err)
	}
	return nil
}

// Open lists the projects' tickets that are not done, by id, in no order. Searches lag. 1 point and 1 for each; of more than
// 50,000 the others are left out.
func (c *Client) Open(ctx context.Context, projects []string) (ids []string, err error) {
	if len(projects) == 0 {
		return nil, nil
	}
	err = c.search(ctx, "project in ("+quotedKeys(projects)+") AND statusCategory != Done ORDER BY key ASC", hintPage, map[string]any{"fields": []string{"id"}}, func(is *issueJSON) error {
		ids = append(ids, string(is.ID))
		return nil
	})
	if err != nil && !errors.Is(err, ErrMore) {
		return nil, fmt.Errorf("looking for open tickets: %w", err)
	}
	return ids, nil
}

func quotedKeys(projects []string) string {
	list := make([]string, len(projects))
	for i, p := range projects {
		list[i] = jql.Quote(p)
	}
	return strings.Join(list, ", ")
}
