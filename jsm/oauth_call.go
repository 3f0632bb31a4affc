package jsm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// noScope is how Atlassian's gateway refuses a token that lacks a scope: with a 401 [B].
const noScope = "scope does not match"

const scopedHint = "an API token with scopes is refused at the site's own address; it is for the gateway"

const scopeHint = "the token lacks a scope that this call needs"

// attempt sends the call with the account's credential, and once more with a new token where the
// first was refused and another can be had. A 401 comes before Jira does anything [D], so repeating
// is safe for writes too.
func (c *Client) attempt(ctx context.Context, k *call, address string, body []byte) (int, *APIError) {
	for again := false; ; again = true {
		address, token, e := c.credential(ctx, k, address)
		if e != nil {
			return 0, e
		}
		status, e := c.send(ctx, k, address, body, token)
		if e == nil || e.Status != http.StatusUnauthorized {
			return status, e
		}
		switch {
		case IsScopeMissing(e):
			e.Messages = append(e.Messages, scopeHint)
			return status, e
		case !again && c.auth.Renew != nil && c.auth.Renew(ctx, token):
			continue
		case c.auth.User != "" && c.auth.Base == nil:
			e.Messages = append(e.Messages, scopedHint)
		}
		return status, e
	}
}

// credential gives the token, and the call's address where it goes through a gateway.
func (c *Client) credential(ctx context.Context, k *call, address string) (string, string, *APIError) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	token, err := c.auth.Token(ctx)
	if err != nil {
		return "", "", asAPIError(k.op, fmt.Errorf("getting the token: %w", err))
	}
	if c.auth.Base == nil {
		return address, token, nil
	}
	base, err := c.auth.Base(ctx)
	if err != nil {
		return "", "", asAPIError(k.op, err)
	}
	return base + strings.TrimPrefix(address, c.base), token, nil
}

// IsScopeMissing reports whether the gateway refused a token because it lacks a scope.
func IsScopeMissing(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Status == http.StatusUnauthorized && strings.Contains(strings.Join(e.Messages, "; "), noScope)
}
