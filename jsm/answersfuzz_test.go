package jsm

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sameAnswer gives one answer to whatever is asked, and ends the asking when it
// goes on for long.
type sameAnswer struct {
	body string
	left int
	end  context.CancelFunc
}

func (s *sameAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.left--; s.left <= 0 {
		s.end()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(s.body)), ContentLength: int64(len(s.body)),
	}, nil
}

// FuzzAnswers has a tenant answer every reading call with the same arbitrary bytes:
// an answer that is not Jira's is an error, or nothing, never a panic.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"id":"10042","key":"SUP-7","fields":{"summary":"x","updated":"2026-07-07T10:01:40.376+0900","created":"2026-07-07T10:01:40.376+0900","status":{"id":"1","name":"Open"},"project":{"id":"1","key":"SUP"}}}`,
		`{"issues":[{"id":"10042","key":"SUP-7","fields":{"updated":"2026-07-07T10:01:40.376+0900"}}],"isLast":true}`,
		`{"issues":[{"id":"1","fields":{"customfield_1":"2026-07-07T10:01:40.376+0900","customfield_2":[{"id":"3","finalDecision":"pending","approvers":[{"approverDecision":"approved"}]}]}},{"id":2,"fields":{"customfield_1":3,"customfield_2":{}}}],"isLast":true}`,
		`{"issues":[],"nextPageToken":"x"}`, `{"values":[{"id":"1","items":[{"field":"summary"}]}],"isLast":true,"total":1}`,
		`{"comments":[{"id":"1","body":{"type":"doc","version":1,"content":[]},"author":{"accountId":"a"}}],"total":1}`,
		`{"values":[{}],"isLastPage":false}`, `[{"id":"a","name":null}]`, `{"permissions":{"BROWSE":{"havePermission":true}}}`, `{"matches":[{"matchedIssues":[1],"errors":[]}]}`,
		`[]`, `null`, `{"fields":null}`, ``, `<html>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		synctest.Test(t, func(t *testing.T) { // a call that is made again waits first
			meetAnswer(t, body)
		})
	})
}

func meetAnswer(t *testing.T, body string) {
	t.Helper()
	for what, ask := range map[string]func(context.Context, *Client) error{
		"ticket": func(ctx context.Context, c *Client) error { _, err := c.Ticket(ctx, "10042"); return err },
		"tickets": func(ctx context.Context, c *Client) error {
			_, err := c.Tickets(ctx, []string{"10042"}, nil)
			return err
		},
		"search": func(ctx context.Context, c *Client) error { _, err := c.Search(ctx, "project = SUP", nil); return err },
		"changed": func(ctx context.Context, c *Client) error {
			_, err := c.Changed(ctx, []string{"SUP"}, time.Unix(0, 0))
			return err
		},
		"history":  func(ctx context.Context, c *Client) error { _, err := c.History(ctx, "10042"); return err },
		"comments": func(ctx context.Context, c *Client) error { _, err := c.Comments(ctx, "10042"); return err },
		"mark":     func(ctx context.Context, c *Client) error { _, err := c.Mark(ctx, "10042"); return err },
		"schema":   func(ctx context.Context, c *Client) error { _, err := c.Schema(ctx, "SUP"); return err },
		"myself":   func(ctx context.Context, c *Client) error { _, err := c.Myself(ctx); return err },
		"person":   func(ctx context.Context, c *Client) error { _, _, err := c.FindPerson(ctx, "a@b.example"); return err },
		"permissions": func(ctx context.Context, c *Client) error {
			_, err := c.Permissions(ctx, "SUP", []string{"BROWSE"})
			return err
		},
		"rated": func(ctx context.Context, c *Client) error {
			_, err := c.Rated(ctx, []string{"SUP"}, "customfield_1", time.Hour)
			return err
		},
		"awaiting": func(ctx context.Context, c *Client) error {
			_, err := c.Awaiting(ctx, []string{"SUP"}, "customfield_2")
			return err
		},
		"open":    func(ctx context.Context, c *Client) error { _, err := c.Open(ctx, []string{"SUP"}); return err },
		"updated": func(ctx context.Context, c *Client) error { _, err := c.Updated(ctx, []string{"10042"}); return err },
		"match": func(ctx context.Context, c *Client) error {
			_, _, err := c.Match(ctx, []string{"10042"}, []string{"project = SUP"})
			return err
		},
		"attachments": func(ctx context.Context, c *Client) error { _, err := c.Attachments(ctx, "10042"); return err },
		"approvals":   func(ctx context.Context, c *Client) error { _, err := c.Approvals(ctx, "10042"); return err },
		"clocks":      func(ctx context.Context, c *Client) error { _, err := c.SLAs(ctx, "10042"); return err },
		"worklogs":    func(ctx context.Context, c *Client) error { _, err := c.Worklogs(ctx, "10042"); return err },
		"links":       func(ctx context.Context, c *Client) error { _, err := c.IssueLinks(ctx, "10042"); return err },
		"addresses":   func(ctx context.Context, c *Client) error { _, err := c.RemoteLinks(ctx, "10042"); return err },
		"rating":      func(ctx context.Context, c *Client) error { _, _, err := c.Satisfaction(ctx, "10042"); return err },
		"watchers":    func(ctx context.Context, c *Client) error { _, err := c.Watchers(ctx, "10042"); return err },
		"queues":      func(ctx context.Context, c *Client) error { _, err := c.Queues(ctx, "1"); return err },
		"articles":    func(ctx context.Context, c *Client) error { _, err := c.Articles(ctx, "1", "vpn"); return err },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		c, err := New(Config{
			Base: "https://north.example", Auth: Auth{User: "sync@north.example", Token: Token(testToken)},
			HTTP: &http.Client{Transport: &sameAnswer{body, 20, cancel}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(ctx, c); err != nil && strings.Contains(err.Error(), testToken) {
			t.Errorf("%s: the error tells the token", what)
		}
		cancel()
	}
}
