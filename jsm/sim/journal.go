package sim

import (
	"maps"
	"net/http"
	"strings"
	"time"
)

// Write is one API call that changes something, as the journal keeps it.
type Write struct {
	At       time.Time `json:"at"`
	Account  string    `json:"account"`  // e-mail
	Endpoint string    `json:"endpoint"` // "PUT /rest/api/{v}/issue/{key}"
	Path     string    `json:"path"`
	Key      string    `json:"key"`     // key of the issue concerned, where there is one
	Status   int       `json:"status"`  // what was answered (also when the answer was lost)
	Applied  bool      `json:"applied"` // whether the tenant changed
	Lost     bool      `json:"lost"`    // whether the caller never saw the answer
}

const maxWrites = 100_000 // entries kept; the counters go on

// journal counts every call, and remembers the writes.
type journal struct {
	writes []Write
	calls  map[string]int // account + "\t" + endpoint
	points map[string]int // account → points spent since the start
}

// readPost tells POSTs that only read: they cost as reads and are no writes.
func readPost(name string) bool {
	for _, end := range []string{"/search/jql", "/search/approximate-count", "/issue/bulkfetch", "/jql/match", "/jql/parse", "/comment/list",
		"/changelog/bulkfetch", "/worklog/list", "/search", "/object/aql"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

func isWrite(method, name string) bool {
	return method != http.MethodGet && method != http.MethodHead && !readPost(name)
}

// noted enters an answered call into the journal and the points ledger.
func (t *Tenant) noted(c *call, name string, a answer) answer {
	who := c.who()
	t.ledger.count(who, name)
	if a.status != http.StatusTooManyRequests {
		cost := 1
		if !isWrite(c.r.Method, name) {
			cost += c.objects
		}
		t.ledger.points[who] += cost
		a = t.limits.spend(c, cost, a)
	}
	t.ledger.write(c, name, a, c.lost)
	return a
}

// count notes that an account called an endpoint.
func (j *journal) count(who, name string) {
	if j.calls == nil {
		j.calls, j.points = map[string]int{}, map[string]int{}
	}
	j.calls[who+"\t"+name]++
}

// write enters a call that changes something.
func (j *journal) write(c *call, name string, a answer, lost bool) {
	if !isWrite(c.r.Method, name) {
		return
	}
	w := Write{At: c.now, Account: c.who(), Endpoint: name, Path: c.r.URL.Path, Key: c.key, Status: a.status, Applied: c.applied, Lost: lost}
	if len(j.writes) >= maxWrites {
		j.writes = j.writes[1:]
	}
	j.writes = append(j.writes, w)
}

func (c *call) who() string {
	if c.me == nil {
		return "anonymous"
	}
	return c.me.email
}

// Writes gives the journal of API writes, oldest first: the newest 100,000. Deeds of t.As are people's and not in it.
func (t *Tenant) Writes() []Write {
	defer t.enter()()
	return append([]Write(nil), t.ledger.writes...)
}

// WritesBy counts the applied writes of one account by endpoint; empty: of all accounts.
func (t *Tenant) WritesBy(email string) map[string]int {
	out := map[string]int{}
	for _, w := range t.Writes() {
		if w.Applied && (email == "" || w.Account == email) {
			out[w.Endpoint]++
		}
	}
	return out
}

// Calls counts every API call of one account by endpoint; empty: of all accounts.
func (t *Tenant) Calls(email string) map[string]int {
	defer t.enter()()
	out := map[string]int{}
	for k, n := range t.ledger.calls {
		who, name, _ := strings.Cut(k, "\t")
		if email == "" || who == email {
			out[name] += n
		}
	}
	return out
}

// Points gives what each account has spent of Atlassian's points: a read 1 and what it returned, a write 1.
func (t *Tenant) Points() map[string]int {
	defer t.enter()()
	return maps.Clone(t.ledger.points)
}

// ResetJournal forgets writes and counters, to measure from here.
func (t *Tenant) ResetJournal() {
	defer t.enter()()
	t.ledger = journal{}
}
