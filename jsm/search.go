package jsm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/jsm/jql"
)

const (
	hintPage   = 1000  // ids of one page of Changed; Jira takes up to 5,000 [S]
	searchPage = 100   // tickets of one page of Search
	maxFound   = 50000 // results that one search may have
	matchIDs   = 1000  // issue ids of one jql/match
)

// ErrMore means that a search found more than it takes in one go.
var ErrMore = fmt.Errorf("more than %d results", maxFound)

// Hint says that a ticket may have changed. It carries no data.
type Hint struct {
	ID, Key string
	Updated time.Time
}

// Changed lists the projects' tickets that changed at or after since, oldest change first, each once.
// The zero time means all. Where there are more than fit (50,000), the oldest come back with ErrMore: the
// caller goes on from the last one's time.
//
// The index lags by seconds to minutes and a result may vanish again [L], so the caller gives since
// with its overlap already taken off, and never moves its cursor beyond the start of this call minus that
// overlap. The moment is written as epoch milliseconds: dates in JQL have minutes only and mean the
// account's time zone (facts 2.3).
func (c *Client) Changed(ctx context.Context, project []string, since time.Time) ([]Hint, error) {
	if len(project) == 0 {
		return nil, nil
	}
	q := "project in (" + quotedKeys(project) + ")"
	if !since.IsZero() {
		q += " AND updated >= " + strconv.FormatInt(since.UnixMilli(), 10)
	}
	q += " ORDER BY updated ASC, key ASC"

	byID := map[string]Hint{}
	err := c.search(ctx, q, hintPage, map[string]any{"fields": []string{"updated"}}, func(is *issueJSON) error {
		h, err := is.hint()
		if err != nil {
			return err
		}
		if old, ok := byID[h.ID]; !ok || old.Updated.Before(h.Updated) { // one that changes while we page comes twice
			byID[h.ID] = h
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrMore) {
		return nil, fmt.Errorf("looking for changed tickets: %w", err)
	}
	list := make([]Hint, 0, len(byID))
	for _, h := range byID {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b Hint) int {
		return cmp.Or(a.Updated.Compare(b.Updated), compareIDs(a.ID, b.ID))
	})
	return list, err
}

// Search reads the tickets that a JQL finds, in its order, with the fields named and our marks. Their comments are
// Jira's first page and there is no history. The index lags: "nothing found" counts only after a
// settle time (facts section 9).
func (c *Client) Search(ctx context.Context, query string, fields []string) ([]*Ticket, error) {
	asked := c.asking(fields)
	var list []*Ticket
	seen := map[string]bool{}
	err := c.search(ctx, query, searchPage, map[string]any{"fields": asked, "properties": []string{MarkKey}}, func(is *issueJSON) error {
		t, err := is.ticket(asked, c.requestTypeField())
		if err != nil {
			return err
		}
		if !seen[t.ID] {
			seen[t.ID] = true
			list = append(list, t)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("searching: %w", err)
	}
	return list, nil
}

// search walks all pages. Only isLast or a missing token ends it: a page may be short, even empty,
// though more follow [D]. A token that comes back a second time would be a loop (reported by others).
func (c *Client) search(ctx context.Context, query string, size int, body map[string]any, each func(*issueJSON) error) error {
	body["jql"], body["maxResults"] = query, size
	tokens := map[string]bool{}
	for found := 0; found <= maxFound; {
		var out struct {
			Issues []issueJSON `json:"issues"`
			Token  string      `json:"nextPageToken"`
			IsLast bool        `json:"isLast"`
		}
		_, err := c.do(ctx, call{
			op: "POST search/jql", method: http.MethodPost, path: rest("search", "jql"), read: true,
			body: body, out: &out, objects: func() int { return len(out.Issues) },
		})
		if err != nil {
			return err
		}
		for i := range out.Issues {
			if err := each(&out.Issues[i]); err != nil {
				return err
			}
		}
		found += len(out.Issues)
		if out.IsLast || out.Token == "" {
			return nil
		}
		if tokens[out.Token] || len(tokens) >= maxPages {
			return fmt.Errorf("the search does not end: its page token came back after %d results", found)
		}
		tokens[out.Token] = true
		body["nextPageToken"] = out.Token
	}
	return ErrMore
}

// Match tells for each JQL which of the issues it matches, and its own error where Jira refuses that
// JQL. It is Jira's own judgement of a trigger for known tickets, without paging [S]; how fresh it is right
// after a write is not known [U].
func (c *Client) Match(ctx context.Context, ids []string, jqls []string) ([][]string, []error, error) {
	matched, refused := make([][]string, len(jqls)), make([]error, len(jqls))
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return nil, nil, fmt.Errorf("matching: %q is no issue id", clip(id, 40))
		}
		numbers[i] = n
	}
	if len(jqls) == 0 {
		return matched, refused, nil
	}
	for chunk := range slices.Chunk(numbers, matchIDs) {
		var out struct {
			Matches []struct {
				Issues []int64  `json:"matchedIssues"`
				Errors []string `json:"errors"`
			} `json:"matches"`
		}
		_, err := c.do(ctx, call{
			op: "POST jql/match", method: http.MethodPost, path: rest("jql", "match"), read: true,
			body: map[string]any{"issueIds": chunk, "jqls": jqls}, out: &out, objects: func() int { return len(chunk) },
		})
		if err != nil {
			return nil, nil, fmt.Errorf("matching: %w", err)
		}
		if len(out.Matches) != len(jqls) {
			return nil, nil, fmt.Errorf("matching: %d answers to %d queries", len(out.Matches), len(jqls))
		}
		for i, m := range out.Matches {
			for _, n := range m.Issues {
				matched[i] = append(matched[i], strconv.FormatInt(n, 10))
			}
			if len(m.Errors) > 0 {
				refused[i] = &JQLError{Messages: clipAll(m.Errors)}
			}
		}
	}
	return matched, refused, nil
}

// JQLError is what Jira has against a query.
type JQLError struct{ Messages []string }

func (e *JQLError) Error() string { return "jira refuses the JQL: " + strings.Join(e.Messages, " ") }

func clipAll(list []string) []string {
	out := make([]string, 0, min(len(list), maxMessages))
	for _, s := range list[:min(len(list), maxMessages)] {
		out = append(out, clip(s, maxMessage))
	}
	return out
}

// QuoteJQL makes any text a safe operand of a JQL.
func QuoteJQL(s string) string { return jql.Quote(s) }

// JQLFields names the fields that a JQL's conditions read, in lower case; nil where it cannot be parsed.
func JQLFields(query string) []string {
	q, err := jql.Parse(query)
	if err != nil {
		return nil
	}
	names := q.Fields()
	for i := range names {
		names[i] = strings.ToLower(names[i])
	}
	return names
}

// ParseJQL asks Jira whether a query is valid for this account, names and values included. The error
// is *JQLError where it is not.
func (c *Client) ParseJQL(ctx context.Context, query string) error {
	var out struct {
		Queries []struct {
			Errors []string `json:"errors"`
		} `json:"queries"`
	}
	_, err := c.do(ctx, call{
		op: "POST jql/parse", method: http.MethodPost, path: rest("jql", "parse"), read: true,
		query: url.Values{"validation": {"strict"}}, body: map[string]any{"queries": []string{query}}, out: &out, objects: one,
	})
	if err != nil {
		return fmt.Errorf("checking a JQL: %w", err)
	}
	if len(out.Queries) != 1 {
		return fmt.Errorf("checking a JQL: %d answers to 1 query", len(out.Queries))
	}
	if list := out.Queries[0].Errors; len(list) > 0 {
		return &JQLError{Messages: clipAll(list)}
	}
	return nil
}
