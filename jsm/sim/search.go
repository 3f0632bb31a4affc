package sim

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"parley/jsm/jql"
)

func (t *Tenant) searchRoutes(r *router) {
	r.add("GET", "/rest/api/{v}/search/jql", searchJQL)
	r.add("POST", "/rest/api/{v}/search/jql", searchJQL)
	r.add("POST", "/rest/api/{v}/search/approximate-count", countJQL)
	gone := func(c *call) answer {
		return refuse(http.StatusGone, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046")
	}
	r.add("GET", "/rest/api/{v}/search", gone)
	r.add("POST", "/rest/api/{v}/search", gone)
	r.add("POST", "/rest/api/{v}/jql/match", matchJQL)
	r.add("POST", "/rest/api/{v}/jql/parse", parseJQL)
}

// compile reads a query for an account; the messages are Jira's.
func (t *Tenant) compile(query string, me *user) (*jql.Query, *jql.Matcher, []string) {
	q, err := jql.Parse(query)
	if err != nil {
		return nil, nil, []string{err.Error()}
	}
	m, errs := jql.Compile(q, jqlEnv{t, me})
	if len(errs) > 0 {
		messages := make([]string, len(errs))
		for i, e := range errs {
			messages[i] = e.Error()
		}
		return nil, nil, messages
	}
	return q, m, nil
}

// checkJQL tells why a query cannot be used here; nil: it can.
func (t *Tenant) checkJQL(query string) error {
	if _, _, messages := t.compile(query, nil); messages != nil {
		return errors.New(strings.Join(messages, " "))
	}
	return nil
}

// matchJQL tells whether a query finds one issue as it is now.
func (t *Tenant) matchJQL(query string, is *issue) (bool, error) {
	_, m, messages := t.compile(query, nil)
	if messages != nil {
		return false, errors.New(strings.Join(messages, " "))
	}
	return m.Match(is), nil
}

// matching gives the issues of the index that the query finds, in its order; without one, by descending id as Jira does.
func (t *Tenant) matching(me *user, q *jql.Query, m *jql.Matcher, fresh map[int64]bool) []*issue {
	var out []*issue
	for _, is := range t.index.view(t, fresh) {
		if t.cleared(me, is) && m.Match(is) {
			out = append(out, is)
		}
	}
	slices.SortStableFunc(out, func(a, b *issue) int {
		switch {
		case m.Less(a, b):
			return -1
		case m.Less(b, a):
			return 1
		}
		return cmp.Compare(b.id, a.id)
	})
	return out
}

// searchIn is a search as body or as parameters.
type searchIn struct {
	JQL             string   `json:"jql"`
	MaxResults      *int     `json:"maxResults"`
	NextPageToken   string   `json:"nextPageToken"`
	Fields          []string `json:"fields"`
	Expand          string   `json:"expand"`
	Properties      []string `json:"properties"`
	FieldsByKeys    bool     `json:"fieldsByKeys"`
	FailFast        bool     `json:"failFast"`
	ReconcileIssues []int64  `json:"reconcileIssues"`
}

func (c *call) readSearch() (searchIn, answer, bool) {
	var in searchIn
	if c.r.Method == http.MethodPost {
		a, fine := c.decode(&in)
		return in, a, fine
	}
	in = searchIn{JQL: c.q.Get("jql"), NextPageToken: c.q.Get("nextPageToken"), Fields: c.list("fields"), Expand: strings.Join(c.list("expand"), ","), Properties: c.list("properties")}
	if c.q.Has("maxResults") {
		n, fine := c.number("maxResults", 50)
		if !fine {
			return in, badNumber("maxResults", c.q.Get("maxResults")), false
		}
		in.MaxResults = &n
	}
	for _, id := range c.list("reconcileIssues") {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return in, badNumber("reconcileIssues", id), false
		}
		in.ReconcileIssues = append(in.ReconcileIssues, n)
	}
	return in, answer{}, true
}

// shortPage is how many issues a page of n may really hold: Jira gives no promise that it is full.
func shortPage(n int) int {
	if n > 10 {
		return n - n/10
	}
	return n
}

func searchJQL(c *call) answer {
	in, a, fine := c.readSearch()
	if !fine {
		return a
	}
	limit := 50
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	switch {
	case limit < 1 || limit > 5000:
		return refuse(http.StatusBadRequest, "The value of maxResults must be between 1 and 5000.")
	case len(in.ReconcileIssues) > 50:
		return refuse(http.StatusBadRequest, "The maximum number of issues that can be reconciled is 50.")
	case len(in.Properties) > 5:
		return refuse(http.StatusBadRequest, "The maximum number of properties is 5.")
	}
	q, m, messages := c.t.compile(in.JQL, c.me)
	switch {
	case messages != nil:
		return refuse(http.StatusBadRequest, messages...)
	case !q.Bounded():
		return refuse(http.StatusBadRequest, jql.ErrUnbounded.Error())
	case len(q.OrderBy) > 7:
		return refuse(http.StatusBadRequest, "The maximum number of fields in the ORDER BY clause is 7.")
	}
	fresh := map[int64]bool{}
	for _, id := range in.ReconcileIssues {
		fresh[id] = true
	}
	all := []*issue{}
	if c.me.browses() {
		all = c.t.matching(c.me, q, m, fresh)
	}
	from, fine := readToken(in.NextPageToken, in.JQL)
	if !fine {
		return refuse(http.StatusBadRequest, "Invalid nextPageToken.")
	}
	from = min(from, len(all))
	to := min(from+shortPage(limit), len(all))
	if len(all)-from <= limit && limit == shortPage(limit) {
		to = len(all)
	}
	v := view{me: c.me, v2: c.v2, fields: in.Fields, props: in.Properties, expand: map[string]bool{}, search: true}
	for e := range strings.SplitSeq(in.Expand, ",") {
		v.expand[strings.TrimSpace(e)] = true
	}
	list := make([]any, 0, to-from)
	for _, is := range all[from:to] {
		list = append(list, c.t.foundBean(is, c.me, v))
	}
	c.objects = len(list)
	b := obj{"issues": list, "isLast": to >= len(all)}
	if to < len(all) {
		b["nextPageToken"] = writeToken(to, in.JQL)
	}
	return ok(b)
}

// foundBean is an issue in a search: the id only, where no field was asked for.
func (t *Tenant) foundBean(is *issue, me *user, v view) obj {
	if len(v.fields) == 0 || len(v.fields) == 1 && v.fields[0] == "id" {
		v.fields = []string{"id"}
		b := t.issueBean(is, me, v)
		delete(b, "key")
		delete(b, "self")
		delete(b, "expand")
		return b
	}
	return t.issueBean(is, me, v)
}

// A page token is opaque to the caller; ours holds the offset and is good for its query only.
func writeToken(at int, query string) string {
	return base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "%d:%s", at, accountID(query, "token", false)[7:]))
}

func readToken(token, query string) (int, bool) {
	if token == "" {
		return 0, true
	}
	raw, err := base64.URLEncoding.DecodeString(token)
	at, of, two := strings.Cut(string(raw), ":")
	n, err2 := strconv.Atoi(at)
	return n, err == nil && err2 == nil && two && n >= 0 && of == accountID(query, "token", false)[7:]
}

func countJQL(c *call) answer {
	var in struct {
		JQL string `json:"jql"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	q, m, messages := c.t.compile(in.JQL, c.me)
	switch {
	case messages != nil:
		return refuse(http.StatusBadRequest, messages...)
	case !q.Bounded():
		return refuse(http.StatusBadRequest, jql.ErrUnbounded.Error())
	}
	n := 0
	if c.me.browses() {
		n = len(c.t.matching(c.me, q, m, nil))
	}
	return ok(obj{"count": n})
}

func matchJQL(c *call) answer {
	var in struct {
		IssueIDs []int64  `json:"issueIds"`
		JQLs     []string `json:"jqls"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	switch {
	case len(in.IssueIDs) == 0 || len(in.JQLs) == 0:
		return refuse(http.StatusBadRequest, "issueIds and jqls must not be empty.")
	case len(in.IssueIDs) > 1000 || len(in.JQLs) > 100:
		return refuse(http.StatusBadRequest, "The maximum number of issue IDs is 1000 and of JQL queries 100.")
	}
	indexed := map[int64]*issue{}
	for _, is := range c.t.index.view(c.t, nil) {
		indexed[is.id] = is
	}
	matches := []any{}
	for _, query := range in.JQLs {
		found, errs := []int64{}, []string{}
		_, m, messages := c.t.compile(query, c.me)
		errs = append(errs, messages...)
		for _, id := range in.IssueIDs {
			if is := indexed[id]; m != nil && is != nil && c.t.sees(c.me, is) && m.Match(is) {
				found = append(found, id)
			}
		}
		matches = append(matches, obj{"matchedIssues": found, "errors": errs})
	}
	c.objects = len(in.IssueIDs)
	return ok(obj{"matches": matches})
}

func parseJQL(c *call) answer {
	var in struct {
		Queries []string `json:"queries"`
	}
	if a, fine := c.decode(&in); !fine {
		return a
	}
	mode := cmp.Or(c.q.Get("validation"), "strict")
	if !slices.Contains([]string{"strict", "warn", "none"}, mode) {
		return refuse(http.StatusBadRequest, "The validation parameter must be one of strict, warn, none.")
	}
	if len(in.Queries) == 0 {
		return refuse(http.StatusBadRequest, "queries must not be empty.")
	}
	out := []any{}
	for _, query := range in.Queries {
		b := obj{"query": query}
		q, err := jql.Parse(query)
		if err != nil {
			b["errors"] = []string{err.Error()}
			out = append(out, b)
			continue
		}
		b["structure"] = structure(q)
		if mode != "none" {
			if _, _, messages := c.t.compile(query, c.me); messages != nil && mode == "strict" {
				b["errors"] = messages
				delete(b, "structure")
			} else if messages != nil {
				b["warnings"] = messages
			}
		}
		out = append(out, b)
	}
	return ok(obj{"queries": out})
}

// structure is a query's tree in the shape of /jql/parse.
func structure(q *jql.Query) obj {
	b := obj{}
	if q.Where != nil {
		b["where"] = clause(q.Where)
	}
	if len(q.OrderBy) > 0 {
		fields := []any{}
		for _, s := range q.OrderBy {
			f := obj{"field": fieldRef(s.Field)}
			if s.Direction != "" {
				f["direction"] = strings.ToLower(string(s.Direction))
			}
			fields = append(fields, f)
		}
		b["orderBy"] = obj{"fields": fields}
	}
	return b
}

func fieldRef(f jql.Field) obj { return obj{"name": f.Name, "encodedName": f.Raw} }

func clause(w jql.Clause) obj {
	switch x := w.(type) {
	case *jql.And:
		return obj{"operator": "and", "clauses": clauses(x.Clauses)}
	case *jql.Or:
		return obj{"operator": "or", "clauses": clauses(x.Clauses)}
	case *jql.Not:
		return obj{"operator": "not", "clauses": []any{clause(x.Clause)}}
	case *jql.Terminal:
		b := obj{"field": fieldRef(x.Field), "operator": string(x.Operator)}
		if x.Operand != nil {
			b["operand"] = operand(x.Operand)
		}
		return b
	}
	return obj{}
}

func clauses(list []jql.Clause) []any {
	out := make([]any, len(list))
	for i, w := range list {
		out[i] = clause(w)
	}
	return out
}

func operand(o jql.Operand) obj {
	switch x := o.(type) {
	case jql.Value:
		return obj{"value": x.Text, "encodedValue": x.Raw}
	case jql.Keyword:
		return obj{"keyword": "empty"}
	case jql.Func:
		return obj{"function": x.Name, "arguments": nonNil(x.Args)}
	case jql.List:
		values := []any{}
		for _, v := range x.Values {
			values = append(values, operand(v))
		}
		return obj{"values": values}
	}
	return obj{}
}
