package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"parley/conf"
	"parley/jsm"
)

const (
	// commandToken is how long a token_command's answer is kept: a password
	// manager is not asked for every call, and a rotated token is found soon.
	commandToken = time.Minute
	// schemaAge is how old a schema may be while a node runs: fields and
	// statuses change by an admin's hand, rarely.
	schemaAge = time.Hour
	// doubted is how often a refused write may have schemas read again.
	doubted = 5 * time.Minute
)

// tenant is the JSM site as this process reaches it.
type tenant struct {
	client *jsm.Client
	heard  *heard
	login  login

	mu      sync.Mutex // guards the fields below
	schemas map[string]readSchema
	token   string // of token_command
	fetched time.Time
}

type readSchema struct {
	*jsm.Schema
	at time.Time
}

func newTenant(c *conf.Node, log *slog.Logger) (*tenant, error) { return newTenantBy(c, log, nil) }

// newTenantBy is newTenant with all calls made by jira, those for the contents of files too; nil: by connection pools.
func newTenantBy(c *conf.Node, log *slog.Logger, jira http.RoundTripper) (*tenant, error) {
	if c.Tenant.Flavor != "cloud" {
		return nil, advise(fmt.Errorf("flavor = %q in %s: this version of parley speaks to Jira Cloud only", c.Tenant.Flavor, nodeFile), `set flavor = "cloud", with a Cloud site's address`)
	}
	t := &tenant{heard: &heard{next: http.DefaultTransport.(*http.Transport).Clone(), doubt: make(chan struct{}, 1)}, schemas: map[string]readSchema{}}
	auth, err := t.credential(c, log)
	if err != nil {
		return nil, err
	}
	var media *http.Client
	if jira != nil {
		t.heard.next, media = jira, &http.Client{Transport: jira}
	}
	t.client, err = jsm.New(jsm.Config{
		Base: c.Tenant.URL, Logger: log, UserAgent: "parley/" + Version(), Auth: auth, Points: c.Budget.PointsPerHour,
		HTTP: &http.Client{Transport: t.heard}, Media: media, MediaHosts: c.Tenant.MediaHosts,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the tenant of %s: %w", nodeFile, err)
	}
	return t, nil
}

// fetch gets the token from where parley.toml says.
func (t *tenant) fetch(ctx context.Context, c *conf.Node) (string, error) {
	if c.Tenant.TokenCommand == "" {
		return c.Token(ctx)
	}
	t.mu.Lock()
	token, fetched := t.token, t.fetched
	t.mu.Unlock()
	if token != "" && time.Since(fetched) < commandToken {
		return token, nil
	}
	token, err := c.Token(ctx)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.fetched = token, time.Now()
	return token, nil
}

// schema reads a project's schema, or gives one that was read at most maxAge ago.
func (t *tenant) schema(ctx context.Context, project string, maxAge time.Duration) (*jsm.Schema, error) {
	t.mu.Lock()
	known := t.schemas[project]
	t.mu.Unlock()
	if known.Schema != nil && time.Since(known.at) < maxAge {
		return known.Schema, nil
	}
	s, err := t.client.Schema(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of project %s: %w", project, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.schemas[project] = readSchema{s, time.Now()}
	return s, nil
}

// forget makes the next look read every schema again.
func (t *tenant) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.schemas)
}

// heard notes what the tenant's answers tell besides their content: how far its
// clock is from ours, and that a write did not fit its fields.
type heard struct {
	next  http.RoundTripper
	doubt chan struct{} // a write was refused as malformed: the schema may have changed

	mu     sync.Mutex // guards the fields below
	offset time.Duration
	known  bool
}

// RoundTrip reads the answer's Date header, which has whole seconds (RFC 9110,
// section 6.6.1): the offset is right to about half a second and half the call.
func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	a, err := h.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if a.StatusCode == http.StatusBadRequest && r.Method != http.MethodGet {
		select {
		case h.doubt <- struct{}{}:
		default:
		}
	}
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		middle := sent.Add(time.Since(sent) / 2)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.offset, h.known = date.Add(time.Second/2).Sub(middle), true
	}
	return a, nil
}

// CloseIdleConnections lets http.Client close what the transport keeps open.
func (h *heard) CloseIdleConnections() {
	if t, ok := h.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// clock is the tenant's clock minus ours, where an answer has told it.
func (h *heard) clock() (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.offset, h.known
}

// Version names this build: its module version, or the commit it was made of.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
