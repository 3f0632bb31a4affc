package jsm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// maxMark is Jira's limit for one entity property, in characters of its JSON [D].
const maxMark = 32_768

func checkMark(mark json.RawMessage) error {
	if !json.Valid(mark) {
		return errors.New("the mark is no JSON")
	}
	if len(mark) > maxMark {
		return fmt.Errorf("the mark has %d bytes, Jira takes %d", len(mark), maxMark)
	}
	return nil
}

// SetMark writes our mark on a ticket, whole. Repeating it is harmless. It is not in the history.
func (c *Client) SetMark(ctx context.Context, issue string, mark json.RawMessage) error {
	return c.setProperty(ctx, call{op: "PUT issue/properties", path: rest("issue", issue, "properties", MarkKey), issue: issue}, mark)
}

// Mark reads our mark from a ticket; nil: it has none. An absent ticket answers the same way [S].
func (c *Client) Mark(ctx context.Context, issue string) (json.RawMessage, error) {
	return c.property(ctx, call{op: "GET issue/properties", path: rest("issue", issue, "properties", MarkKey)})
}

// SetCommentMark writes our mark on a comment, whole. Repeating it is harmless.
func (c *Client) SetCommentMark(ctx context.Context, issue, comment string, mark json.RawMessage) error {
	return c.setProperty(ctx, call{op: "PUT comment/properties", path: rest("comment", comment, "properties", MarkKey), issue: issue}, mark)
}

// CommentMark reads our mark from a comment; nil: it has none.
func (c *Client) CommentMark(ctx context.Context, comment string) (json.RawMessage, error) {
	return c.property(ctx, call{op: "GET comment/properties", path: rest("comment", comment, "properties", MarkKey)})
}

func (c *Client) setProperty(ctx context.Context, k call, mark json.RawMessage) error {
	if err := checkMark(mark); err != nil {
		return err
	}
	k.method, k.body = http.MethodPut, mark
	_, err := c.do(ctx, k)
	return err
}

func (c *Client) property(ctx context.Context, k call) (json.RawMessage, error) {
	var out entityProperty
	k.method, k.out, k.objects = http.MethodGet, &out, one
	_, err := c.do(ctx, k)
	if IsNotFound(err) {
		return nil, nil
	}
	return out.Value, err
}

// entityProperty is a property in bodies and answers [S].
type entityProperty struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}
