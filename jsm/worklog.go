package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const worklogPage = 1000 // work logs of one page; Jira's own most is 5000 [S], of which many would be too long an answer

// Limit is whom a comment or work log is limited to. Writing needs ID or Name; of a role the name, of a group the id
// lasts [S].
type Limit struct {
	Kind string // "role" or "group"
	Name string
	ID   string
}

// Worklog is one entry of a ticket's work log. No customer ever sees it.
type Worklog struct {
	ID      string
	Author  Person
	Started time.Time
	Seconds int64 // of work
	Text    Rich  // nil: none
	Limit   *Limit
	Created time.Time
	Updated time.Time
	Mark    json.RawMessage // our property; only Worklogs reads it, nil otherwise
}

type worklogJSON struct {
	ID         looseID          `json:"id"`
	Author     *personJSON      `json:"author"`
	Started    moment           `json:"started"`
	Seconds    int64            `json:"timeSpentSeconds"`
	Text       json.RawMessage  `json:"comment"`
	Limit      *limitJSON       `json:"visibility"`
	Created    moment           `json:"created"`
	Updated    moment           `json:"updated"`
	Properties []entityProperty `json:"properties"`
}

type limitJSON struct {
	Kind string `json:"type,omitempty"`
	Name string `json:"value,omitempty"`
	ID   string `json:"identifier,omitempty"`
}

func (j *worklogJSON) worklog() Worklog {
	w := Worklog{
		ID: string(j.ID), Author: j.Author.person(), Started: j.Started.Time, Seconds: max(0, j.Seconds),
		Created: j.Created.Time, Updated: j.Updated.Time,
	}
	if len(j.Text) > 0 && string(j.Text) != "null" {
		w.Text = Rich(j.Text)
	}
	if j.Limit != nil {
		w.Limit = &Limit{j.Limit.Kind, j.Limit.Name, j.Limit.ID}
	}
	for _, p := range j.Properties {
		if p.Key == MarkKey {
			w.Mark = p.Value
		}
	}
	return w
}

// worklogsPage is a page of work logs, on its own or as the field "worklog" of an issue, which has the first 20.
type worklogsPage struct {
	Total    int           `json:"total"`
	Worklogs []worklogJSON `json:"worklogs"`
}

func (p worklogsPage) items() []worklogJSON { return p.Worklogs }
func (p worklogsPage) last(seen int) bool   { return seen >= p.Total }

// worklogs makes a list in the order of creation, each once.
func worklogs(list []worklogJSON) []Worklog {
	var out []Worklog
	seen := make(map[looseID]bool, len(list))
	for i := range list {
		if !seen[list[i].ID] {
			seen[list[i].ID] = true
			out = append(out, list[i].worklog())
		}
	}
	slices.SortStableFunc(out, func(a, b Worklog) int {
		if d := a.Created.Compare(b.Created); d != 0 {
			return d
		}
		return compareIDs(a.ID, b.ID)
	})
	return out
}

// Worklogs reads all work logs of a ticket with their marks, oldest first, for 1 point and 1 for each. It is strongly
// consistent: the place to look for one whose answer was lost.
func (c *Client) Worklogs(ctx context.Context, issue string) ([]Worklog, error) {
	list, err := pages(func(start int) (worklogsPage, error) {
		var out worklogsPage
		_, err := c.do(ctx, call{
			op: "GET worklogs", method: http.MethodGet, path: rest("issue", issue, "worklog"),
			query: url.Values{"startAt": {strconv.Itoa(start)}, "maxResults": {strconv.Itoa(worklogPage)}, "expand": {"properties"}},
			out:   &out, objects: func() int { return len(out.Worklogs) },
		})
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the work logs of %s: %w", clip(issue, 40), err)
	}
	return worklogs(list), nil
}

// Worklog reads one work log, for 2 points.
func (c *Client) Worklog(ctx context.Context, issue, id string) (Worklog, error) {
	var out worklogJSON
	_, err := c.do(ctx, call{
		op: "GET worklog", method: http.MethodGet, path: rest("issue", issue, "worklog", id), query: url.Values{"expand": {"properties"}},
		out: &out, objects: one,
	})
	return out.worklog(), err
}

// NewWorklog is a work log to write, or what an old one becomes.
type NewWorklog struct {
	Started time.Time // written to the millisecond
	Seconds int64     // of work; Jira takes no less than a minute, and shows whole minutes
	Text    Rich      // nil: none
	Limit   *Limit    // nil: everybody who sees the ticket as an agent
	Mark    json.RawMessage
}

func (n NewWorklog) body() (map[string]any, error) {
	if n.Seconds <= 0 || n.Started.IsZero() {
		return nil, errors.New("writing a work log: it needs a start and a time spent")
	}
	body := map[string]any{"started": n.Started.UTC().Format(jiraTime), "timeSpentSeconds": n.Seconds}
	if n.Text != nil {
		if !json.Valid(n.Text) {
			return nil, errors.New("writing a work log: the text is no JSON document")
		}
		body["comment"] = json.RawMessage(n.Text)
	}
	if n.Limit != nil {
		body["visibility"] = limitJSON{n.Limit.Kind, n.Limit.Name, n.Limit.ID}
	}
	if n.Mark != nil {
		if err := checkMark(n.Mark); err != nil {
			return nil, err
		}
		body["properties"] = []entityProperty{{MarkKey, n.Mark}}
	}
	return body, nil
}

// quietly leaves the estimate alone, which is a field of its own, and sends no mail.
func quietly() url.Values { return url.Values{"adjustEstimate": {"leave"}, "notifyUsers": {"false"}} }

// AddWorklog writes a work log, with its mark in the same call, and leaves the ticket's estimate as it is. Its author
// is always our account. Not repeatable: after an error with Applied Maybe look for the mark with Worklogs first. 1 point.
func (c *Client) AddWorklog(ctx context.Context, issue string, n NewWorklog) (Worklog, error) {
	const op = "POST worklog"
	body, err := n.body()
	if err != nil {
		return Worklog{}, err
	}
	var out worklogJSON
	status, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: rest("issue", issue, "worklog"), query: quietly(), issue: issue, body: body, out: &out,
	})
	if err != nil {
		return Worklog{}, err
	}
	w := out.worklog()
	if w.ID == "" {
		return Worklog{}, unusable(op, status, true, Transient, "the answer has no work log id")
	}
	if w.Mark == nil {
		w.Mark = n.Mark
	}
	return w, nil
}

// EditWorklog replaces a work log's start, time and text. Whom it is limited to is read first and written again, so
// that no edit shows it to more people; n.Limit, where given, is what it becomes. Repeating it is harmless. 3 points.
func (c *Client) EditWorklog(ctx context.Context, issue, id string, n NewWorklog) (Worklog, error) {
	defer c.Forget(issue)
	before, err := c.Worklog(ctx, issue, id)
	if err != nil {
		return Worklog{}, err
	}
	if n.Limit == nil {
		n.Limit = before.Limit
	}
	body, err := n.body()
	if err != nil {
		return Worklog{}, err
	}
	var out worklogJSON
	_, err = c.do(ctx, call{
		op: "PUT worklog", method: http.MethodPut, path: rest("issue", issue, "worklog", id), query: quietly(), issue: issue, body: body, out: &out,
	})
	return out.worklog(), err
}

// DeleteWorklog deletes a work log; one that is already gone is success. Jira's 404 is checked by a read.
func (c *Client) DeleteWorklog(ctx context.Context, issue, id string) error {
	defer c.Forget(issue)
	_, err := c.do(ctx, call{
		op: "DELETE worklog", method: http.MethodDelete, path: rest("issue", issue, "worklog", id), query: quietly(), issue: issue,
	})
	if !IsNotFound(err) {
		return err
	}
	if _, readErr := c.Worklog(ctx, issue, id); IsNotFound(readErr) {
		return nil
	}
	return err
}
