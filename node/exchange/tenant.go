package exchange

import (
	"context"
	"errors"
	"sync"

	"parley/jsm"
)

// tenant knows whether Jira is there, as the client's governor sees it, and what
// the last poll had against it. While it is lost, nothing is tried but one
// cheap question at a time, so that a revoked token never becomes a storm of 401s.
type tenant struct {
	jira *jsm.Client

	mu      sync.Mutex // guards trouble
	trouble string
}

// ail notes why the last poll failed, unless the governor held it back: then the
// trouble is the governor's to tell.
func (t *tenant) ail(err error) {
	if api, ok := errors.AsType[*jsm.APIError](err); ok && api.Unsent {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble = err.Error()
}

// found notes that a poll went well.
func (t *tenant) found() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trouble = ""
}

// Trouble is why the tenant is lost, in plain words; "" while it is there.
func (t *tenant) Trouble() string {
	if s := t.jira.Standing(); s.State != jsm.Up {
		return s.Trouble.Advice().Sentence + " (" + s.Why + ")"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trouble
}

// wait returns when the tenant may be called again; false when ctx ended.
func (t *tenant) wait(ctx context.Context) bool {
	return t.jira.Await(ctx) == nil && ctx.Err() == nil
}

// load is for whom a visit's calls are made.
func (j *job) load() jsm.Load { return jsm.Load{Connection: j.connection, Backfill: j.backfill} }
