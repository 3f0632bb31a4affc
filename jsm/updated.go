package jsm

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// Updated tells when tickets, by id or key, last changed, in bulks of 100: one point for each that is
// found. The read is strongly consistent and follows moved tickets [S]. What is gone, hidden or
// could not be read is not in the list.
func (c *Client) Updated(ctx context.Context, idsOrKeys []string) (list []Hint, err error) {
	for chunk := range slices.Chunk(idsOrKeys, bulkFetch) {
		var out struct {
			Issues []issueJSON `json:"issues"`
		}
		_, err := c.do(ctx, call{
			op: "POST issue/bulkfetch", method: http.MethodPost, path: rest("issue", "bulkfetch"), read: true,
			body: map[string]any{"issueIdsOrKeys": chunk, "fields": []string{"updated"}},
			out:  &out, objects: func() int { return len(out.Issues) },
		})
		if err != nil {
			return nil, fmt.Errorf("asking when tickets changed: %w", err)
		}
		for i := range out.Issues {
			h, err := out.Issues[i].hint()
			if err != nil {
				return nil, fmt.Errorf("asking when tickets changed: %w", err)
			}
			list = append(list, h)
		}
	}
	return list, nil
}

// hint is what an answer with the field "updated" says of an issue.
func (is *issueJSON) hint() (Hint, error) {
	h := Hint{ID: string(is.ID), Key: is.Key}
	if h.ID == "" {
		return h, fmt.Errorf("an answer without an issue id")
	}
	var m moment
	if raw, ok := is.Fields["updated"]; ok {
		if err := m.UnmarshalJSON(raw); err != nil {
			return h, fmt.Errorf("issue %s: %w", h.ID, err)
		}
	}
	h.Updated = m.Time
	return h, nil
}
