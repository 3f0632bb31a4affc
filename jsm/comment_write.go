package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// visibilityKey is the property that makes a comment internal. Without it the platform makes a
// comment PUBLIC [S]; role and group restrictions do not make it internal [L].
const visibilityKey = "sd.public.comment"

// cleanupTime is how long taking back a leaked note may go on after the caller has given up.
const cleanupTime = 30 * time.Second

// NewComment is a comment to write.
type NewComment struct {
	Body   Rich
	Public bool            // shown to the customer
	Mark   json.RawMessage // our property, set in the same call; nil: none
	Parent string          // id of the comment it replies to; empty: none
}

// LeakedNote is an internal note that Jira did not prove to be internal. It was deleted at once;
// where Deleted is false it still stands and a person must act.
type LeakedNote struct {
	Issue, Comment string
	Deleted        bool
	Err            error // why deleting failed
}

func (e *LeakedNote) Error() string {
	if e.Deleted {
		return fmt.Sprintf("jira: note %s on issue %s came back without proof of being internal; it was deleted", e.Comment, e.Issue)
	}
	return fmt.Sprintf("jira: note %s on issue %s came back without proof of being internal and COULD NOT BE DELETED: %v",
		e.Comment, e.Issue, e.Err)
}

func (e *LeakedNote) Unwrap() error { return e.Err }

// WrongVisibility is a comment meant for the customer that Jira did not prove to be public. It is kept, since a
// narrower audience than meant leaks nothing; the Comment is returned beside this error.
type WrongVisibility struct{ Issue, Comment string }

func (e *WrongVisibility) Error() string {
	return fmt.Sprintf("jira: comment %s on issue %s was meant to be public and is not (it stays, internal)", e.Comment, e.Issue)
}

// ErrParentVisibility refuses a note as a reply to a comment that is not internal: replies inherit
// their parent's visibility [L], so the note would be published before it could be taken back.
var ErrParentVisibility = errors.New("an internal note cannot reply to a public comment")

// AddComment writes a comment and proves its visibility from the answer. Author is always our account.
// Not repeatable: after an error with Applied Maybe look for the mark with Comments first.
// Errors: *LeakedNote, *WrongVisibility (with the comment), ErrParentVisibility, *APIError.
func (c *Client) AddComment(ctx context.Context, issue string, n NewComment) (Comment, error) {
	body, err := n.body()
	if err != nil {
		return Comment{}, err
	}
	if n.Parent != "" {
		parent, err := strconv.ParseInt(n.Parent, 10, 64)
		if err != nil {
			return Comment{}, fmt.Errorf("replying to comment %q: no comment id", clip(n.Parent, 40))
		}
		body["parentId"] = parent
		if !n.Public {
			if err := c.internalParent(ctx, issue, n.Parent); err != nil {
				return Comment{}, err
			}
		}
	}
	const op = "POST comment"
	var out commentJSON
	status, err := c.do(ctx, call{
		op: op, method: http.MethodPost, path: rest("issue", issue, "comment"), issue: issue, body: body, out: &out,
	})
	if err != nil {
		return Comment{}, err
	}
	made := out.comment()
	if made.ID == "" {
		return Comment{}, unusable(op, status, true, Transient, "the answer has no comment id")
	}
	if made.Mark == nil {
		made.Mark = n.Mark
	}
	return c.prove(ctx, issue, made, n.Public)
}

// EditComment replaces a comment's text and never changes who sees it: the visibility is read first and
// proven afterwards. For anything but a public comment the property is sent again, so that no edit
// can publish a note. Repeating it is harmless. Errors: as AddComment.
func (c *Client) EditComment(ctx context.Context, issue, comment string, text Rich) (now Comment, err error) {
	defer func() { c.recall.reword(issue, now, err) }()
	before, err := c.Comment(ctx, issue, comment)
	if err != nil {
		return Comment{}, err
	}
	public := before.VisibilityKnown && before.Public
	body, err := NewComment{Body: text, Public: public}.body()
	if err != nil {
		return Comment{}, err
	}
	var out commentJSON
	_, err = c.do(ctx, call{
		op: "PUT comment", method: http.MethodPut, path: rest("issue", issue, "comment", comment), issue: issue, body: body, out: &out,
	})
	if err != nil {
		return Comment{}, err
	}
	after := out.comment()
	after.ID = comment
	if !after.VisibilityKnown { // the write's answer was silent; the comment itself decides
		if after, err = c.Comment(ctx, issue, comment); err != nil {
			if public {
				return Comment{}, afterWrite(err)
			}
			after = Comment{ID: comment}
		}
	}
	return c.prove(ctx, issue, after, public)
}

func (n NewComment) body() (map[string]any, error) {
	if !json.Valid(n.Body) {
		return nil, errors.New("writing a comment: the text is no JSON document")
	}
	body := map[string]any{"body": json.RawMessage(n.Body)}
	var properties []entityProperty
	if !n.Public {
		// A boolean: the string "true" is taken as public [L].
		properties = append(properties, entityProperty{visibilityKey, json.RawMessage(`{"internal":true}`)})
	}
	if n.Mark != nil {
		if err := checkMark(n.Mark); err != nil {
			return nil, err
		}
		properties = append(properties, entityProperty{MarkKey, n.Mark})
	}
	if properties != nil {
		body["properties"] = properties
	}
	return body, nil
}

func (c *Client) internalParent(ctx context.Context, issue, parent string) error {
	p, err := c.Comment(ctx, issue, parent)
	if err != nil {
		return fmt.Errorf("reading the comment to reply to: %w", err)
	}
	if !p.VisibilityKnown || p.Public {
		return ErrParentVisibility
	}
	return nil
}

// prove compares what Jira answered with what was meant.
func (c *Client) prove(ctx context.Context, issue string, made Comment, public bool) (Comment, error) {
	switch {
	case public && made.VisibilityKnown && made.Public, !public && made.VisibilityKnown && !made.Public:
		return made, nil
	case public:
		return made, &WrongVisibility{issue, made.ID}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	leak := &LeakedNote{Issue: issue, Comment: made.ID}
	for range maxTries { // deleting is repeatable, and every second counts
		if leak.Err = c.DeleteComment(ctx, issue, made.ID); leak.Err == nil {
			leak.Deleted = true
			break
		}
		var e *APIError
		if !errors.As(leak.Err, &e) || e.Class != Transient || sleep(ctx, time.Second) != nil {
			break
		}
	}
	return Comment{}, leak
}

// DeleteComment deletes a comment; one that is already gone is success. Jira answers 404 also for
// missing permission [S], so that answer is checked by a read.
func (c *Client) DeleteComment(ctx context.Context, issue, comment string) error {
	defer c.Forget(issue)
	_, err := c.do(ctx, call{
		op: "DELETE comment", method: http.MethodDelete, path: rest("issue", issue, "comment", comment), issue: issue,
	})
	if !IsNotFound(err) {
		return err
	}
	if _, readErr := c.Comment(ctx, issue, comment); IsNotFound(readErr) {
		return nil
	}
	return err
}

// Comment reads one comment, without its mark.
func (c *Client) Comment(ctx context.Context, issue, comment string) (Comment, error) {
	var out commentJSON
	_, err := c.do(ctx, call{
		op: "GET comment", method: http.MethodGet, path: rest("issue", issue, "comment", comment), out: &out, objects: one,
	})
	return out.comment(), err
}

// Comments reads all comments of a ticket with their marks, oldest first. It is strongly consistent:
// the place to look for a comment whose answer was lost.
func (c *Client) Comments(ctx context.Context, issue string) ([]Comment, error) {
	list, err := c.commentPages(ctx, issue, "properties", 0)
	if err != nil {
		return nil, fmt.Errorf("reading the comments of %s: %w", clip(issue, 40), err)
	}
	return list, nil
}

// commentPages reads the comments from a place on, 0 being the oldest one's.
func (c *Client) commentPages(ctx context.Context, issue, expand string, from int) ([]Comment, error) {
	raw, err := pages(func(start int) (commentsPage, error) {
		query := url.Values{"startAt": {strconv.Itoa(from + start)}, "maxResults": {strconv.Itoa(commentPage)}, "orderBy": {"created"}}
		if expand != "" {
			query.Set("expand", expand)
		}
		var out commentsPage
		_, err := c.do(ctx, call{
			op: "GET comments", method: http.MethodGet, path: rest("issue", issue, "comment"), query: query,
			out: &out, objects: func() int { return len(out.Comments) },
		})
		out.Total -= from
		return out, err
	})
	if err != nil {
		return nil, err
	}
	if expand == "properties" {
		err = c.addProperties(ctx, raw)
	}
	return inOrder(raw), err
}

// addProperties asks again where the list had none: expand=properties is described for comment/list
// [S], and only seen on the issue's own list [L].
func (c *Client) addProperties(ctx context.Context, list []commentJSON) error {
	byID := map[looseID]*commentJSON{}
	var ids []int64
	for i := range list {
		if list[i].Properties != nil {
			return nil
		}
		n, err := strconv.ParseInt(string(list[i].ID), 10, 64)
		if err != nil {
			return fmt.Errorf("comment id %q is no number", clip(string(list[i].ID), 40))
		}
		byID[list[i].ID] = &list[i]
		ids = append(ids, n)
	}
	for len(ids) > 0 {
		chunk := ids[:min(len(ids), 1000)] // the call's limit [S]
		ids = ids[len(chunk):]
		var out platformPage[commentJSON]
		_, err := c.do(ctx, call{
			op: "POST comment/list", method: http.MethodPost, path: rest("comment", "list"), read: true,
			query: url.Values{"expand": {"properties"}}, body: map[string]any{"ids": chunk},
			out: &out, objects: func() int { return len(out.Values) },
		})
		if err != nil {
			return err
		}
		for _, v := range out.Values {
			if c := byID[v.ID]; c != nil {
				c.Properties = v.Properties
			}
		}
	}
	return nil
}
