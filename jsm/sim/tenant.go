package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config says which tenant to make.
type Config struct {
	Name     string           // "north", "south", "client-a" …; also the host and e-mail domain part. Empty: north
	Flavor   string           // "cloud"; empty means cloud
	Project  string           // key of the service project; empty: the seed's own
	URL      string           // base of self links; empty: https://NAME.atlassian.net
	Now      func() time.Time // empty: time.Now. Ask it under any load: the tenant adds its own offset
	IndexLag time.Duration    // how long a write stays invisible to searches; 0: none
	Flap     bool             // every second search is answered by an index copy that lags twice as much
	NoLimits bool             // no burst and per-issue limits
	Upload   int64            // bytes that one attachment may have; 0: 1 GiB
	MediaURL string           // base of the media host; empty: see (*Tenant).MediaURL
	Quota    int              // points an hour; 0: points are counted but never refused (API tokens)
	Logger   *slog.Logger     // nil: silent
	Approve  int              // approvals that pass an approval step of a built-in seed; 0: one
	Seed     []byte           // a seed as JSON (seed.go); nil: the built-in one of Name
}

// A Tenant is one simulated site. It is safe for concurrent use: every request holds mu while it is
// answered, and nothing waits for anything under it.
type Tenant struct {
	name, url, cloudID string
	log                *slog.Logger
	clock              func() time.Time
	router             *router

	mu     sync.Mutex
	seed   *seed
	offset time.Duration // by which the clock was advanced
	ids    map[string]int64
	lists  lists
	people people
	issues issues
	desk   desk
	index  index
	limits limits
	faults faults
	ledger journal
	hooks  hooks
	face   face
	oauth  oauth

	mediaURL    string // "" where it follows from url
	uploadLimit int64
	spool       spool // has a lock of its own: files are spooled before mu is taken
}

type people struct {
	list    []*user
	byID    map[string]*user
	byEmail map[string]*user
	groups  []*group
}

type group struct {
	name, id string
	members  []string // accountIds
}

// lists is what a Jira administrator set up.
type lists struct {
	projects    []*project
	fields      []*field
	byField     map[string]*field
	byKind      map[kind]*field // the first of each kind
	statuses    []*status
	priorities  []named
	resolutions []named
	issueTypes  []named
	subtasks    []string // ids of the issue types of sub-tasks
	levels      []*level
	assets      []asset
	components  []named
	versions    []version
	linkTypes   []*linkType
	transitions []*transition
	orgs        []*organization
}

type status struct{ id, name, category string }

type issues struct {
	byID     map[int64]*issue
	byKey    map[string]*issue // upper-case keys, also those that an issue had before it moved
	order    []int64           // ids, ascending
	files    map[int64]int64   // attachment → its issue
	media    map[string]*attachment
	unlogged []unlogged      // work logs that were deleted, oldest first
	home     map[int64]int64 // comment → issue that it belongs to, or belonged to
}

// ErrConfig means that a tenant cannot be made as asked.
var ErrConfig = errors.New("sim: bad configuration")

// New makes a tenant from its seed. It starts nothing.
func New(cfg Config) (*Tenant, error) {
	if cfg.Flavor != "" && cfg.Flavor != "cloud" {
		return nil, fmt.Errorf("%w: flavor %q is unknown", ErrConfig, cfg.Flavor)
	}
	if cfg.Upload < 0 {
		return nil, fmt.Errorf("%w: an upload limit of %d bytes", ErrConfig, cfg.Upload)
	}
	if cfg.Name == "" {
		cfg.Name = "north"
	}
	s, err := seedFor(cfg)
	if err != nil {
		return nil, err
	}
	t := &Tenant{name: s.Site, url: strings.TrimRight(cfg.URL, "/"), log: cfg.Logger, clock: cfg.Now, seed: s, ids: map[string]int64{}}
	if t.url == "" {
		t.url = "https://" + s.Site + ".atlassian.net"
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.clock == nil {
		t.clock = time.Now
	}
	t.mediaURL, t.uploadLimit = strings.TrimRight(cfg.MediaURL, "/"), cmp.Or(cfg.Upload, normalSize)
	t.cloudID = accountID("cloud@"+t.name, t.name, false)[len("712020:"):]
	t.issues = issues{byID: map[int64]*issue{}, byKey: map[string]*issue{}, home: map[int64]int64{}, files: map[int64]int64{}, media: map[string]*attachment{}}
	t.people = people{byID: map[string]*user{}, byEmail: map[string]*user{}}
	t.index = index{lag: cfg.IndexLag, flap: cfg.Flap}
	t.limits = Limits{On: !cfg.NoLimits, Quota: cfg.Quota}.begin(t.now())
	if err := t.grow(); err != nil {
		return nil, err
	}
	t.router = t.routes()
	return t, nil
}

// MustNew is New for tests and demonstrations with a built-in seed.
func MustNew(cfg Config) *Tenant {
	t, err := New(cfg)
	if err != nil {
		panic(err)
	}
	return t
}

// Run delivers webhooks until ctx ends. A tenant without webhooks needs no Run.
func (t *Tenant) Run(ctx context.Context) error { return t.runWebhooks(ctx) }

// Name is the tenant's name; URL the base of its links.
func (t *Tenant) Name() string { return t.name }

// URL is the base under which the tenant names itself in self links.
func (t *Tenant) URL() string { return t.url }

// SetURL changes the base of self links, for a server whose port is known only after it listens.
func (t *Tenant) SetURL(base string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.url = strings.TrimRight(base, "/")
}

// Project is the key of the service project.
func (t *Tenant) Project() string { return t.seed.Project }

// Accounts lists everybody who can log in, in the order of the seed.
func (t *Tenant) Accounts() []Account {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Account, 0, len(t.people.list))
	for _, u := range t.people.list {
		if u.active {
			out = append(out, Account{Email: u.email, Token: u.token, Role: u.role, Name: u.name, ID: u.id})
		}
	}
	return out
}

// Account gives the first account of a role.
func (t *Tenant) Account(role Role) (Account, bool) {
	for _, a := range t.Accounts() {
		if a.Role == role {
			return a, true
		}
	}
	return Account{}, false
}

// now is the tenant's time, in milliseconds as Jira stores it.
func (t *Tenant) now() time.Time { return t.clock().Add(t.offset).Truncate(time.Millisecond).UTC() }

// enter takes the lock and applies what was to be applied late.
func (t *Tenant) enter() func() {
	t.mu.Lock()
	t.applyLate()
	return t.mu.Unlock
}

// next gives the next number of a kind of thing; every kind counts from the seed's own beginning.
func (t *Tenant) next(kind string) int64 {
	n, begun := t.ids[kind]
	if !begun {
		n = t.seed.IDs
		switch kind {
		case "field":
			n += 20
		case "status", "priority", "resolution", "issuetype":
			n = n%97 + 1
		case "desk", "requesttype", "queue", "sla", "org", "approval":
			n = n%89 + 1
		case "transition":
			n = n%7*10 + 11
		case "history", "comment":
			n += 100
		}
		n--
	}
	n++
	if kind == "transition" {
		n += 9
	}
	t.ids[kind] = n
	return n
}

func (t *Tenant) nextText(kind string) string { return strconv.FormatInt(t.next(kind), 10) }

// SetActive deactivates an account, or brings it back; what it did stays its own.
func (t *Tenant) SetActive(email string, active bool) bool {
	defer t.enter()()
	u := t.person(email)
	if u != nil {
		u.active = active
	}
	return u != nil
}

// field finds a field by id.
func (t *Tenant) field(id string) *field { return t.lists.byField[id] }

// fieldOfKind finds the tenant's one field of a JSM kind, as request participants.
func (t *Tenant) fieldOfKind(k kind) *field { return t.lists.byKind[k] }

func (t *Tenant) fieldNamed(nameOrID string) *field {
	if f := t.lists.byField[nameOrID]; f != nil {
		return f
	}
	for _, f := range t.lists.fields {
		if strings.EqualFold(f.name, nameOrID) {
			return f
		}
	}
	return nil
}

func (t *Tenant) status(id string) *status {
	for _, s := range t.lists.statuses {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (t *Tenant) statusNamed(name string) *status {
	for _, s := range t.lists.statuses {
		if strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

func (t *Tenant) project(idOrKey string) *project {
	for _, p := range t.lists.projects {
		if p.id == idOrKey || strings.EqualFold(p.key, idOrKey) {
			return p
		}
	}
	return nil
}

// find gives the live issue of a numeric id or a key, in any case and also under a key it had before.
func (t *Tenant) find(idOrKey string) *issue {
	if id, err := strconv.ParseInt(idOrKey, 10, 64); err == nil {
		return t.issues.byID[id]
	}
	return t.issues.byKey[strings.ToUpper(idOrKey)]
}

// person finds an account by id or address.
func (t *Tenant) person(idOrEmail string) *user {
	if u := t.people.byID[idOrEmail]; u != nil {
		return u
	}
	return t.people.byEmail[strings.ToLower(idOrEmail)]
}

func pick(list []named, idOrName string) (named, bool) {
	for _, n := range list {
		if n.id == idOrName {
			return n, true
		}
	}
	for _, n := range list {
		if strings.EqualFold(n.name, idOrName) {
			return n, true
		}
	}
	return named{}, false
}
