package jsm

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// doubt looks whether a failure that reads as the tenant's is that: a 401 may mean one scope, a page one request
// that a firewall dislikes, a silent 403 one ticket, and one ticket may answer with 500 for ever. What is the
// tenant's own holds up everything, so it is asked once who we are before that is believed. What concerns
// this request only comes back as such.
func (c *Client) doubt(ctx context.Context, k *call, e *APIError, began time.Time) *APIError {
	if e.Class == Tenant && e.Trouble == "" && e.Status == 0 {
		e.Trouble = TroubleSecret
	}
	if k.op == opMyself || ctx.Err() != nil {
		return e
	}
	switch e.Trouble {
	case TroubleToken, TroublePage, TroubleRemoved:
	case TroubleLicence:
		if c.gov.silent(k) {
			return narrowed(e)
		}
		return e
	default:
		if e.Class != Transient || !c.gov.suspects(e) {
			return e // nothing that another call could disprove
		}
	}
	if strings.Contains(strings.Join(e.Messages, " "), noScope) {
		return narrowed(e)
	}
	return c.confirm(ctx, e, began)
}

// confirm asks who we are, unless that has become known since the call began. Of all that want to know one asks.
func (c *Client) confirm(ctx context.Context, e *APIError, began time.Time) *APIError {
	select {
	case c.doubts <- struct{}{}:
		defer func() { <-c.doubts }()
	case <-ctx.Done():
		return e
	}
	unwell, proven := c.gov.since(began)
	switch {
	case unwell:
		return e
	case proven:
		return narrowed(e)
	}
	_, err := c.Myself(ctx)
	if err == nil {
		return narrowed(e)
	}
	if api, ok := errors.AsType[*APIError](err); ok && api.Class != Tenant {
		later := *e
		later.Class = Transient // nobody could be asked
		return &later
	}
	return e
}

// narrowed is a refusal that concerns one request, while the account is let in.
func narrowed(e *APIError) *APIError {
	n := *e
	switch e.Trouble {
	case TroubleGateway, TroubleMaintenance, TroubleUnreachable, TroubleSilent, TroubleEmpty, TroubleCut: // as before
	case TroubleToken:
		n.Class, n.Trouble = Definite, TroubleScope
	case TroublePage:
		n.Class = Transient
		if e.Status == http.StatusForbidden || e.Status == http.StatusNotFound || e.Status == http.StatusNotAcceptable {
			n.Class, n.Trouble = Definite, TroubleBlocked
		}
	default:
		n.Class = Definite
	}
	return &n
}

func (g *governor) silent(k *call) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.health.silent(k, time.Now())
}

// suspects tells whether so many calls failed in a row that it may be the tenant.
func (g *governor) suspects(e *APIError) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return e.Trouble.ails() && g.health.state == Up && g.health.failed >= failures-1
}

// since tells what has become known of the tenant since a moment.
func (g *governor) since(began time.Time) (unwell, proven bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.health.state != Up, g.health.proven.After(began)
}
