package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// obj is a JSON object being built. The simulator shares no Go type with the client, so answers are built by hand.
type obj = map[string]any

// A call is one request of one account, with the tenant's lock held for as long as it is answered.
type call struct {
	t     *Tenant
	r     *http.Request
	body  []byte
	files []upload // of a multipart body
	q     url.Values
	me    *user  // nil: anonymous
	v2    bool   // the wiki dialect: /rest/api/2
	cloud string // the cloud id of a call through the gateway; "": it came straight to the site
	vars  map[string]string
	now   time.Time
	ep    *endpoint

	objects int    // objects returned beyond the first point, for the points ledger
	key     string // key of the issue concerned, for the journal
	at      *issue // the issue of the path, once it was found
	applied bool   // the endpoint ran and did what was asked
	lost    bool   // the caller gets no answer
}

// v gives a variable of the path.
func (c *call) v(name string) string { return c.vars[name] }

// An answer is what goes back: a status, a JSON body (nil: none) and extra headers.
type answer struct {
	status  int
	body    any
	header  http.Header
	raw     []byte      // sent as it is instead of body, with header's Content-Type
	content *attachment // streamed instead of body
	torn    bool        // the stream breaks off halfway
}

func (a answer) with(key, value string) answer {
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(key, value)
	return a
}

func ok(body any) answer      { return answer{status: http.StatusOK, body: body} }
func created(body any) answer { return answer{status: http.StatusCreated, body: body} }
func noContent() answer       { return answer{status: http.StatusNoContent} }

// An endpoint is one method and path pattern, and who may call it.
type endpoint struct {
	name    string // "GET /rest/api/{v}/issue/{key}": journal, limits and faults know it by this
	method  string
	parts   []string
	run     func(c *call) answer
	open    bool // needs no account
	perItem bool // a write that counts against its issue
	upload  bool // takes files as multipart/form-data
}

// A router finds endpoints. Routes of one method and length are tried in the order of registration, so
// that a literal path registered before a variable one wins.
type router struct {
	routes map[string]map[int][]*endpoint // method → number of segments → endpoints
}

func (r *router) add(method, pattern string, run func(c *call) answer) *endpoint {
	e := &endpoint{name: method + " " + pattern, method: method, parts: split(pattern), run: run}
	if r.routes == nil {
		r.routes = map[string]map[int][]*endpoint{}
	}
	if r.routes[method] == nil {
		r.routes[method] = map[int][]*endpoint{}
	}
	r.routes[method][len(e.parts)] = append(r.routes[method][len(e.parts)], e)
	return e
}

// find gives the endpoint and its variables; where there is none, another method of the path decides between 404 and 405.
func (r *router) find(method, path string) (e *endpoint, vars map[string]string, otherMethod bool) {
	parts := split(path)
	for _, e := range r.routes[method][len(parts)] {
		if vars, yes := e.match(parts); yes {
			return e, vars, false
		}
	}
	for _, byLen := range r.routes {
		for _, e := range byLen[len(parts)] {
			if _, yes := e.match(parts); yes {
				return nil, nil, true
			}
		}
	}
	return nil, nil, false
}

func (e *endpoint) match(parts []string) (map[string]string, bool) {
	for i, p := range e.parts {
		if p == "{v}" {
			if parts[i] != "2" && parts[i] != "3" && parts[i] != "latest" {
				return nil, false
			}
		} else if p[0] != '{' && p != parts[i] {
			return nil, false
		} else if p[0] == '{' && parts[i] == "" {
			return nil, false
		}
	}
	vars := make(map[string]string, 2)
	for i, p := range e.parts {
		if p[0] == '{' {
			v, err := url.PathUnescape(parts[i])
			if err != nil {
				return nil, false
			}
			vars[p[1:len(p)-1]] = v
		}
	}
	return vars, true
}

func split(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// decode reads the body as JSON into dst; Jira's own words where it is none.
func (c *call) decode(dst any) (answer, bool) {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return refuse(http.StatusBadRequest, "No content to map to Object due to end of input"), false
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	if err := d.Decode(dst); err != nil {
		return refuse(http.StatusBadRequest, "There was an error parsing JSON. Check that your request body is valid."), false
	}
	if d.More() {
		return refuse(http.StatusBadRequest, "There was an error parsing JSON. Check that your request body is valid."), false
	}
	return answer{}, true
}

// list gives a query parameter that may be repeated or hold commas.
func (c *call) list(name string) []string {
	var out []string
	for _, v := range c.q[name] {
		for p := range strings.SplitSeq(v, ",") {
			if p = strings.TrimSpace(p); p != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

// flag gives a boolean query parameter.
func (c *call) flag(name string, otherwise bool) bool {
	if v := c.q.Get(name); v != "" {
		return strings.EqualFold(v, "true")
	}
	return otherwise
}

// number gives an integer query parameter; a bad one is Jira's 404 of a failed conversion, written as 400 on Cloud.
func (c *call) number(name string, otherwise int) (int, bool) {
	s := c.q.Get(name)
	if s == "" {
		return otherwise, true
	}
	n := 0
	if err := json.Unmarshal([]byte(s), &n); err != nil || n < 0 {
		return 0, false
	}
	return n, true
}
