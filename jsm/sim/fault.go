package sim

import (
	"cmp"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault makes some calls go wrong. Every kind of trouble has both faces: it failed before it happened
// (status, drop), and it happened and the answer was lost (lost, applied, late).
type Fault struct {
	Kind string `json:"kind"` // see faultKinds and impostors
	// Which calls: Method empty: all. Path: a pattern as path.Match knows it, on the request's path, or a prefix
	// where it ends in "/**"; empty: all of /rest. Account: e-mail; empty: everybody's.
	Method  string `json:"method,omitempty"`
	Path    string `json:"path,omitempty"`
	Account string `json:"account,omitempty"`
	Skip    int    `json:"skip,omitempty"`  // so many matching calls pass first
	Times   int    `json:"times,omitempty"` // so many calls are hit; 0: once; -1: until cleared
	Writes  bool   `json:"writes,omitempty"`

	Status     int               `json:"status,omitempty"`     // for status and applied; 0: 503
	Body       string            `json:"body,omitempty"`       // as it is; empty: Jira's own shape
	Header     map[string]string `json:"header,omitempty"`     // further headers, as Retry-After
	Reason     string            `json:"reason,omitempty"`     // for rate: RateLimit-Reason; empty: jira-burst-based
	RetryAfter int               `json:"retryAfter,omitempty"` // for rate and maintenance: seconds; 0: 1
	AfterMS    int               `json:"afterMs,omitempty"`    // for late: milliseconds until it is applied; 0: 5000
}

// The kinds of fault.
var faultKinds = map[string]string{
	"status":  "answer with Status; nothing is applied",
	"html":    "answer 502 with a page of HTML; nothing is applied",
	"drop":    "end the connection; nothing is applied",
	"lost":    "apply, then end the connection",
	"applied": "apply, then answer with Status (0: 502) all the same",
	"late":    "end the connection, apply after AfterMS",
	"rate":    "answer 429 with Reason and RetryAfter; nothing is applied",
}

// allKinds are those and the impostors (impostor.go).
func allKinds() map[string]string {
	all := maps.Clone(faultKinds)
	maps.Copy(all, impostors)
	return all
}

type faults struct {
	list []*Fault
	late []lateCall
	n    int
}

// A lateCall is a request whose effect comes after its caller gave up.
type lateCall struct {
	at time.Time
	c  *call
	n  int
}

func (f *Fault) check() string {
	if kinds := allKinds(); kinds[f.Kind] == "" {
		return "kind must be one of " + strings.Join(slices.Sorted(maps.Keys(kinds)), ", ")
	}
	if _, err := path.Match(f.Path, "/"); err != nil {
		return "path is no pattern: " + err.Error()
	}
	return ""
}

// matches tells whether the fault strikes this call.
func (f *Fault) matches(c *call) bool {
	who := c.me != nil && strings.EqualFold(f.Account, c.me.email)
	switch {
	case f.Method != "" && !strings.EqualFold(f.Method, c.r.Method),
		f.Account != "" && !who,
		f.Writes && !isWrite(c.r.Method, c.ep.name):
		return false
	}
	if f.Path == "" {
		return !strings.HasPrefix(c.r.URL.Path, "/oauth/") && !strings.HasPrefix(c.r.URL.Path, mediaPath)
	}
	if base, deep := strings.CutSuffix(f.Path, "/**"); deep {
		return strings.HasPrefix(c.r.URL.Path, base)
	}
	fits, _ := path.Match(f.Path, c.r.URL.Path) // the pattern was checked when it came in
	return fits
}

// strike finds the fault for this call and counts it down.
func (t *Tenant) strike(c *call) *Fault {
	for i, f := range t.faults.list {
		if !f.matches(c) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		hit := *f
		switch {
		case f.Times < 0:
		case f.Times <= 1:
			t.faults.list = slices.Delete(t.faults.list, i, i+1)
		default:
			f.Times--
		}
		return &hit
	}
	return nil
}

// run performs the call.
func (c *call) run() answer {
	a := c.ep.run(c)
	c.applied = a.status < 300
	return a
}

// withFaults answers the call, or lets it go wrong as the next matching fault says.
func (t *Tenant) withFaults(c *call) (answer, outcome) {
	f := t.strike(c)
	if f == nil {
		return c.run(), answered
	}
	return t.suffer(f, c)
}

// suffer lets a call go wrong.
func (t *Tenant) suffer(f *Fault, c *call) (answer, outcome) {
	t.log.Debug("fault strikes", "kind", f.Kind, "endpoint", c.ep.name)
	if impostors[f.Kind] != "" {
		return f.impose(c), answered
	}
	switch f.Kind {
	case "html":
		page := `<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>`
		return answer{status: http.StatusBadGateway, raw: []byte(cmp.Or(f.Body, page))}.with("Content-Type", "text/html"), answered
	case "drop":
		return answer{status: http.StatusServiceUnavailable}, dropped
	case "lost":
		return c.run(), dropped
	case "applied":
		if done := c.run(); !c.applied {
			return done, answered
		}
		return f.answer(http.StatusBadGateway), answered
	case "late":
		t.faults.n++
		wait := time.Duration(cmp.Or(f.AfterMS, 5000)) * time.Millisecond
		t.faults.late = append(t.faults.late, lateCall{at: c.now.Add(wait), c: c, n: t.faults.n})
		return answer{status: http.StatusGatewayTimeout}, dropped
	case "rate":
		wait := time.Duration(cmp.Or(f.RetryAfter, 1)) * time.Second
		return tooMany(cmp.Or(f.Reason, "jira-burst-based"), 100, 0, c.now.Add(wait), wait), answered
	}
	return f.answer(http.StatusServiceUnavailable), answered
}

func (f *Fault) answer(otherwise int) answer {
	a := refuse(cmp.Or(f.Status, otherwise), "Service unavailable.")
	if f.Body != "" {
		a.raw = []byte(f.Body)
		a = a.with("Content-Type", "application/json;charset=UTF-8")
	}
	for k, v := range f.Header {
		a = a.with(k, v)
	}
	return a
}

// applyLate performs the late calls whose time has come, in order. Their answers go nowhere.
func (t *Tenant) applyLate() {
	for {
		now := t.now()
		i := -1
		for j, l := range t.faults.late {
			if !l.at.After(now) && (i < 0 || l.at.Before(t.faults.late[i].at)) {
				i = j
			}
		}
		if i < 0 {
			return
		}
		l := t.faults.late[i]
		t.faults.late = slices.Delete(t.faults.late, i, i+1)
		l.c.now = now
		a := l.c.run()
		t.ledger.write(l.c, l.c.ep.name, a, true)
	}
}

// Fault adds a fault; the first that matches a call strikes.
func (t *Tenant) Fault(f Fault) error {
	if complaint := f.check(); complaint != "" {
		return &FaultError{complaint}
	}
	defer t.enter()()
	t.faults.list = append(t.faults.list, &f)
	return nil
}

// FaultError says why a fault cannot be used.
type FaultError struct{ Complaint string }

func (e *FaultError) Error() string { return "sim: fault: " + e.Complaint }

// ClearFaults ends all faults; late calls that wait are still applied.
func (t *Tenant) ClearFaults() {
	defer t.enter()()
	t.faults.list = nil
}

// PendingLate counts the calls that are still to be applied late.
func (t *Tenant) PendingLate() int {
	defer t.enter()()
	return len(t.faults.late)
}

// Advance moves the tenant's clock forward (or back, for a negative d).
func (t *Tenant) Advance(d time.Duration) {
	t.mu.Lock()
	t.offset += d
	t.applyLate()
	t.wakeWebhooks()
	t.mu.Unlock()
}

// Now is the tenant's time.
func (t *Tenant) Now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now()
}

// SetIndexLag changes how long writes stay invisible to searches, and whether every second search is
// answered by a copy that lags twice as much.
func (t *Tenant) SetIndexLag(lag time.Duration, flap bool) {
	defer t.enter()()
	t.index.set(t, lag, flap)
}

// simRoutes are the simulator's own: no account needed.
func (t *Tenant) simRoutes(r *router) {
	r.add("POST", "/sim/faults", simAddFault)
	r.add("GET", "/sim/faults", func(c *call) answer {
		return ok(obj{"faults": nonNil(c.t.faults.list), "late": len(c.t.faults.late), "kinds": allKinds()})
	})
	r.add("DELETE", "/sim/faults", func(c *call) answer { c.t.faults.list = nil; return noContent() })
	r.add("GET", "/sim/clock", func(c *call) answer {
		return ok(obj{"now": c.now.Format(time.RFC3339Nano), "epochMillis": c.now.UnixMilli()})
	})
	r.add("POST", "/sim/clock", simClock)
	r.add("POST", "/sim/index", simIndex)
	r.add("POST", "/sim/limits", simLimits)
	r.add("POST", "/sim/accounts", func(c *call) answer {
		var in struct {
			Email  string `json:"email"`
			Active bool   `json:"active"`
			Hidden bool   `json:"hidden"`
		}
		if a, fine := c.decode(&in); !fine {
			return a
		}
		u := c.t.person(in.Email)
		if u == nil {
			return refuse(http.StatusNotFound, "no such account")
		}
		u.active, u.hidden = in.Active, in.Hidden
		return noContent()
	})
	r.add("GET", "/sim/accounts", func(c *call) answer {
		out := []any{}
		for _, u := range c.t.people.list {
			out = append(out, obj{"email": u.email, "token": u.token, "role": u.role, "name": u.name, "accountId": u.id})
		}
		return ok(obj{"accounts": out, "project": c.t.seed.Project, "url": c.t.url})
	})
	r.add("GET", "/sim/journal", func(c *call) answer {
		calls := obj{}
		for k, n := range c.t.ledger.calls {
			calls[strings.Replace(k, "\t", " ", 1)] = n
		}
		return ok(obj{"writes": nonNil(c.t.ledger.writes), "calls": calls, "points": c.t.ledger.points})
	})
	r.add("DELETE", "/sim/journal", func(c *call) answer { c.t.ledger = journal{}; return noContent() })
	r.add("POST", "/sim/move/{key}/{project}", func(c *call) answer {
		is, p := c.t.find(c.v("key")), c.t.project(c.v("project"))
		if is == nil || p == nil {
			return refuse(http.StatusNotFound, "no such issue or project")
		}
		c.t.moveTo(is, p, is.creator)
		return ok(obj{"id": is.idText(), "key": is.key})
	})
	t.simWebhookRoutes(r)
}

func nonNil[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

func simAddFault(c *call) answer {
	var f Fault
	if a, fine := c.decode(&f); !fine {
		return a
	}
	if complaint := f.check(); complaint != "" {
		return refuse(http.StatusBadRequest, complaint)
	}
	c.t.faults.list = append(c.t.faults.list, &f)
	return created(f)
}

func simClock(c *call) answer {
	var in struct {
		AdvanceMS int64 `json:"advanceMs"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	c.t.offset += time.Duration(in.AdvanceMS) * time.Millisecond
	c.t.applyLate()
	c.t.wakeWebhooks()
	return ok(obj{"now": c.t.now().Format(time.RFC3339Nano), "epochMillis": c.t.now().UnixMilli(), "offset": strconv.FormatInt(c.t.offset.Milliseconds(), 10)})
}

func simIndex(c *call) answer {
	var in struct {
		LagMS int64 `json:"lagMs"`
		Flap  bool  `json:"flap"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	c.t.index.set(c.t, time.Duration(in.LagMS)*time.Millisecond, in.Flap)
	return noContent()
}

func simLimits(c *call) answer {
	var in Limits
	if a, fine := c.decode(&in); !fine {
		return a
	}
	if complaint := in.check(); complaint != "" {
		return refuse(http.StatusBadRequest, complaint)
	}
	c.t.limits = in.begin(c.now)
	return noContent()
}
