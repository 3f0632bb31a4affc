package node_test

import (
	"net/http"
	"strings"
	"time"

	"parley/jsm/sim"
)

// play is one simulation: acts, then quiet, then the checks.
func (d *drama) play() {
	for _, c := range d.companies {
		c.slow.Store(true)
	}
	d.acts(acts)
	d.calm()
	d.check()
}

func (d *drama) acts(n int) {
	for range n {
		d.act()
		time.Sleep(5*time.Millisecond + time.Duration(d.rng.IntN(4000))*time.Millisecond)
	}
}

const acts = 70

// act is one thing that happens.
func (d *drama) act() {
	d.n++
	switch p := d.rng.IntN(40); {
	case len(d.matters) == 0 || p == 0:
		d.raise()
		d.unlucky()
	case p < 22:
		d.people()
	case p < 24 && d.client != nil:
		d.clients()
	case p < 29:
		d.jiraFails()
	case p < 35:
		d.nodeFails()
	case p < 37:
		d.networkFails()
	case p < 39:
		d.interrupts()
	case d.rng.IntN(4) == 0:
		d.lose()
	default:
		if c := d.one(); c.p != nil && !c.p.mouth.dead.Load() {
			for name := range c.rules {
				c.rules[name] += "# another version\n"
			}
			c.publishLive()
		}
	}
}

func (d *drama) one() *company { return d.companies[d.rng.IntN(len(d.companies))] }

// jiraFails makes calls of one node go wrong, in one of their two faces.
func (d *drama) jiraFails() {
	c := d.one()
	kinds := []sim.Fault{
		{Kind: "lost", Writes: true}, {Kind: "lost", Writes: true}, {Kind: "applied", Writes: true}, {Kind: "drop"},
		{Kind: "status", Status: 503}, {Kind: "status", Status: 500, Writes: true}, {Kind: "html"},
		{Kind: "status", Status: 401, Times: 1 + d.rng.IntN(6)},
		{Kind: "rate", RetryAfter: 2}, c.quota("jira-quota-tenant-based"), c.quota("jira-quota-global-based"),
		{Kind: "rate", Reason: "jira-per-issue-on-write", RetryAfter: 5, Writes: true, Times: 3},
		{Kind: "late", Writes: true, AfterMS: 1000 + d.rng.IntN(4000)},
		{Kind: "late", Method: "POST", AfterMS: 1000 + d.rng.IntN(4000)},
		{Kind: "lost", Method: "POST", Path: "/rest/servicedeskapi/request"}, {Kind: "late", Method: "POST", Path: "/rest/servicedeskapi/request", AfterMS: 5000},
		{Kind: "lost", Method: "POST", Path: "/rest/api/3/issue/*/comment"}, {Kind: "lost", Method: "PUT"}, {Kind: "applied", Method: "PUT"},
		{Kind: "status", Status: 400, Method: "PUT", Path: "/rest/api/3/issue/*", Times: 1 + d.rng.IntN(2),
			Body: `{"errorMessages":[],"errors":{"duedate":"Field 'duedate' cannot be set. It is not on the appropriate screen, or unknown."}}`},
		{Kind: "status", Status: 400, Method: "POST", Path: "/rest/servicedeskapi/request", Body: `{"errorMessage":"The form is closed.","i18nErrorMessage":{"i18nKey":"x","parameters":[]}}`},
		{Kind: "index"},
	}
	f := kinds[d.rng.IntN(len(kinds))]
	if d.rng.IntN(3) == 0 {
		f = d.thingFails()
	}
	f.Account, f.Skip = c.sync.Email, d.rng.IntN(3)
	if strings.HasPrefix(f.Path, "/file/") {
		f.Account = "" // the media host knows nobody
	}
	if f.Kind == "index" {
		c.tenant.SetIndexLag(indexLag, true)
		return
	}
	d.must(c.tenant.Fault(f))
}

// thingCalls are those that write what hangs on a ticket, or fetch a file.
var thingCalls = [][2]string{
	{"POST", "issue/*/attachments"}, {"POST", "servicedesk/*/attachTemporaryFile"}, {"POST", "request/*/attachment"}, {"GET", "file/*/binary"},
	{"DELETE", "attachment/*"}, {"POST", "issue/*/worklog"}, {"PUT", "worklog/*"}, {"DELETE", "worklog/*"},
	{"POST", "issueLink"}, {"DELETE", "issueLink/*"}, {"POST", "issue/*/remotelink"}, {"DELETE", "issue/*/remotelink"},
	{"POST", "request/*/participant"}, {"DELETE", "request/*/participant"},
}

// thingFails is a fault of one of those calls: its answer is lost, or it is carried out late, or refused for a moment;
// of a file's bytes half come.
func (d *drama) thingFails() sim.Fault {
	call := thingCalls[d.rng.IntN(len(thingCalls))]
	f := []sim.Fault{{Kind: "lost"}, {Kind: "lost"}, {Kind: "applied"}, {Kind: "late", AfterMS: 1000 + d.rng.IntN(4000)},
		{Kind: "drop"}, {Kind: "status", Status: 503}, {Kind: "html"}}[d.rng.IntN(7)]
	f.Method, f.Path = call[0], "/rest/api/3/"+call[1]
	switch {
	case call[0] == "GET":
		f.Path, f.Kind = "/file/**", []string{"cut", "drop", "status"}[d.rng.IntN(3)]
	case strings.HasPrefix(call[1], "worklog/"):
		f.Path = "/rest/api/3/issue/*/" + call[1]
	case strings.HasPrefix(call[1], "servicedesk/"), strings.HasPrefix(call[1], "request/"):
		f.Path = "/rest/servicedeskapi/" + call[1]
	}
	return f
}

// quota is a refusal because the hour's points are spent, half a minute before
// the hour ends.
func (c *company) quota(reason string) sim.Fault {
	const wait = 30 * time.Second
	return sim.Fault{Kind: "status", Status: http.StatusTooManyRequests, Header: map[string]string{
		"Retry-After": "30", "RateLimit-Reason": reason, "X-RateLimit-Limit": "65000", "X-RateLimit-Remaining": "0",
		"X-RateLimit-Reset": c.tenant.Now().Add(wait).Format("2006-01-02T15:04:05Z"),
	}}
}

// nodeFails kills, stops or freezes a node, or starts one that is down.
func (d *drama) nodeFails() {
	c := d.one()
	kept := d.rng.IntN(3) * 50
	if c.p == nil || c.p.mouth.dead.Load() {
		c.tend()
		return
	}
	switch p := d.rng.IntN(10); {
	case p == 0:
		c.halt()
	case p == 1:
		c.kill(kept)
	case p < 6: // what it asks of Jira is done, and it never hears so
		calls := [][2]string{{"POST", "servicedeskapi/request"}, {"POST", "issue/*/comment"}, {"POST", "issue/*/comment"}, {"PUT", "issue/*"}, {"POST", "issue/*/transitions"}}
		if d.rng.IntN(2) == 0 {
			calls = thingCalls
		}
		call := calls[d.rng.IntN(len(calls))]
		c.dieAt(call[0], call[1], kept, 0)
	case p < 9:
		c.p.disk.doom(fate{after: d.rng.IntN(2) == 0, kept: kept, blob: d.rng.IntN(3) == 0})
	default:
		c.p.mouth.freeze(time.Minute)
	}
}

// dieAt has the node die when a call of that kind is carried out, before it
// hears so. The call may be slow on its way.
func (c *company) dieAt(method, path string, kept int, slow time.Duration) {
	if p := c.p; p != nil {
		p.mouth.at(&beside{method: method, path: path, before: func() { time.Sleep(slow) }, then: func() { p.die(kept) }})
	}
}

// networkFails changes what befalls packets.
func (d *drama) networkFails() {
	c := d.one()
	switch d.rng.IntN(5) {
	case 0:
		d.cable.part(c.socket.LocalAddr(), true)
	case 1:
		d.cable.turn(weather{lose: 20, double: 20, delay: 30})
	case 2:
		d.cable.readdress(c.socket.LocalAddr(), 20_000+d.n)
	default:
		d.cable.clear()
	}
}

// interrupts has a person edit a ticket right before the node writes to it.
func (d *drama) interrupts() {
	m, c := d.any(), d.one()
	if c == d.client || c.p == nil || m.away {
		return
	}
	t, there := d.ticket(c, m)
	if !there || unfinished(t) {
		return
	}
	method, path := "PUT", "/issue/"+t.ID
	if d.rng.IntN(3) == 0 {
		method, path = "POST", "/issue/"+t.ID+"/comment"
	}
	c.p.mouth.at(&beside{method: method, path: path, before: d.edit(m, c, t, d.item())})
}

// calm ends all faults, lets everybody work and waits until nothing moves any
// more; then an admin has what is held tried again.
func (d *drama) calm() {
	d.clear()
	d.quiet()
	for _, c := range d.companies {
		c.retryAll()
	}
	d.quiet()
}

// clear ends all faults, with every node running.
func (d *drama) clear() {
	d.cable.clear()
	for _, c := range d.companies {
		c.tenant.ClearFaults()
		c.tenant.SetIndexLag(indexLag, false)
		if c.p != nil {
			c.p.disk.spare()
			c.p.mouth.at(nil)
		}
		c.tend()
	}
}
