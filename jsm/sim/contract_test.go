package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// specGuard is a transport that holds every request and answer that passes to Atlassian's own API
// descriptions, and tells the test what does not fit. API v2 is held to the description of v3: the
// operations are the same, and rich text has no type there.
type specGuard struct {
	t    testing.TB
	next http.RoundTripper
	ops  []operation

	mu   sync.Mutex
	seen map[string]int // "METHOD template" → answers checked
}

type operation struct {
	doc   *openapi3.T
	path  string
	parts []string
	item  *openapi3.PathItem
}

// outsideSpecs are paths that the saved descriptions lack, each with the source of what the tenant does there.
var outsideSpecs = []struct{ prefix, source string }{
	{"/rest/webhooks/1.0/", "admin webhooks: Atlassian's page on webhooks, 'Registering a webhook using the REST API'"},
	{"/rest/api/3/search", "removed from Cloud: CHANGE-2046 answers 410"},
	{"/rest/servicedeskapi/knowledgebase/", "newer than the saved JSM description"},
	{"/gateway/api/jsm/assets/", "Assets: Atlassian's pages 'Assets REST API', object and object/aql"},
	{"/jsm/assets/", "the same by the API gateway's host"},
	{"/_edge/tenant_info", "Atlassian's page on OAuth 2.0 (3LO) apps: how to find the cloudId"},
	{"/file/", "the media host: seen on live sites, where GET attachment/content leads"},
	{"/sim/", "the simulation's own switches"},
}

// specFaults are places where the saved description contradicts Jira: what a live site does, and who says so.
var specFaults = []struct{ endpoint, complaint, why string }{
	{"GET /rest/api/3/issue/{issueIdOrKey}/remotelink", "value must be an object", "the answer is a list of what is described: jira.js's models"},
}

// newerKeys are members that a live site sends and the saved descriptions lack. An object of the kind is known
// by a member that it always has.
var newerKeys = []struct {
	has   string
	newer []string
	why   string
}{
	{"issueKey", []string{"summary"}, "request: jira.js's models of 2026-09"},
	{"scimManaged", []string{"uuid", "scimManaged", "created"}, "organization: jira.js's models of 2026-09"},
}

// plainer takes off what the descriptions do not know: the newer keys, and members that are null. They mark
// nothing as nullable, but a live site answers null for every empty field and for the ends of a change.
func plainer(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if item == nil {
				delete(v, k)
			} else {
				v[k] = plainer(item)
			}
		}
		for _, kind := range newerKeys {
			if _, is := v[kind.has]; is {
				for _, k := range kind.newer {
					delete(v, k)
				}
			}
		}
	case []any:
		for i := range v {
			v[i] = plainer(v[i])
		}
	}
	return v
}

func newSpecGuard(t testing.TB, next http.RoundTripper) *specGuard {
	t.Helper()
	g := &specGuard{t: t, next: next, seen: map[string]int{}}
	for _, name := range []string{"jira-cloud-platform-v3.2025-12-25.swagger-v3.v3.json", "jsm-cloud.2023-08-28.service_management.openapi.json"} {
		doc, err := loadSpec(filepath.Join(sharedDir(t), "specs", name))
		if err != nil {
			t.Fatal(err)
		}
		for path, item := range doc.Paths.Map() {
			g.ops = append(g.ops, operation{doc, path, split(path), item})
		}
	}
	// A literal path wins over one with variables.
	sort.Slice(g.ops, func(i, j int) bool {
		a, b := g.ops[i].path, g.ops[j].path
		if n, m := strings.Count(a, "{"), strings.Count(b, "{"); n != m {
			return n < m
		}
		return a < b
	})
	return g
}

var loadedSpecs sync.Map // path → func() (*openapi3.T, error)

func loadSpec(path string) (*openapi3.T, error) {
	load, _ := loadedSpecs.LoadOrStore(path, sync.OnceValues(func() (*openapi3.T, error) {
		// Jira's times have an offset without a colon: 2026-07-07T10:01:40.376+0900.
		openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$`))
		doc, err := openapi3.NewLoader().LoadFromFile(path)
		if err != nil {
			return nil, err
		}
		// It allows no property besides its alternatives' and has none itself: no clause could ever satisfy it.
		if clause := doc.Components.Schemas["JqlQueryClause"]; clause != nil {
			clause.Value.AdditionalProperties = openapi3.AdditionalProperties{}
		}
		return doc, nil
	}))
	return load.(func() (*openapi3.T, error))()
}

func (g *specGuard) find(method, path string) (*operation, map[string]string) {
	if rest, ok := strings.CutPrefix(path, "/rest/api/2/"); ok {
		path = "/rest/api/3/" + rest
	}
	parts := split(path)
	for i, op := range g.ops {
		if len(op.parts) != len(parts) || op.item.GetOperation(method) == nil {
			continue
		}
		vars, match := map[string]string{}, true
		for j, p := range op.parts {
			if name, ok := strings.CutPrefix(p, "{"); ok {
				vars[strings.TrimSuffix(name, "}")] = parts[j]
			} else if p != parts[j] {
				match = false
				break
			}
		}
		if match {
			return &g.ops[i], vars
		}
	}
	return nil, nil
}

// RoundTrip passes the request on and checks both ways.
func (g *specGuard) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	g.check(r, sent, resp, got)
	return resp, nil
}

func (g *specGuard) check(r *http.Request, sent []byte, resp *http.Response, got []byte) {
	for _, out := range outsideSpecs {
		if strings.HasPrefix(r.URL.Path, out.prefix) && r.URL.Path != "/rest/api/3/search/jql" && r.URL.Path != "/rest/api/3/search/approximate-count" {
			return
		}
	}
	op, vars := g.find(r.Method, r.URL.Path)
	if op == nil {
		g.complain(r.Method+" "+r.URL.Path, "the descriptions have no such operation")
		return
	}
	endpoint := r.Method + " " + op.path
	g.mu.Lock()
	g.seen[endpoint]++
	g.mu.Unlock()

	copied := r.Clone(context.Background())
	copied.Body = io.NopCloser(bytes.NewReader(sent))
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	options.WithCustomSchemaErrorFunc(schemaComplaint)
	// The descriptions give multipart bodies the schema of a Java class; what is in them, the words of the operation say.
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		options.ExcludeRequestBody = true
		if resp.StatusCode < 300 && (r.Header.Get("X-Atlassian-Token") != "no-check" || !bytes.Contains(sent, []byte(`name="file"`))) {
			g.complain(endpoint, "request: multipart without the XSRF header or without a part named file")
		}
	}
	in := &openapi3filter.RequestValidationInput{Request: copied, PathParams: vars, Options: options,
		Route: &routers.Route{Spec: op.doc, Path: op.path, PathItem: op.item, Method: r.Method, Operation: op.item.GetOperation(r.Method)}}
	if resp.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			g.complain(endpoint, "request: "+brief(err))
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: options}
	if len(got) == 0 && (resp.StatusCode != http.StatusOK || anything(op.item.GetOperation(r.Method))) {
		out.Options = &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: true}
	}
	var body any
	if json.Unmarshal(got, &body) == nil {
		if plain, err := json.Marshal(plainer(body)); err == nil {
			out.SetBodyBytes(plain)
		}
	} else {
		out.SetBodyBytes(got)
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		g.complain(endpoint, fmt.Sprintf("answer %d: %s\n    %.300s", resp.StatusCode, brief(err), got))
	}
}

// anything tells whether an operation's 200 is described as any JSON at all, which in these descriptions means no body.
func anything(op *openapi3.Operation) bool {
	resp := op.Responses.Status(http.StatusOK)
	if resp == nil || resp.Value == nil {
		return true
	}
	media := resp.Value.Content.Get("application/json")
	return media == nil || media.Schema == nil || media.Schema.Value == nil || media.Schema.Value.Type == nil && media.Schema.Ref == ""
}

func (g *specGuard) complain(endpoint, what string) {
	for _, f := range specFaults {
		if f.endpoint == endpoint && strings.Contains(what, f.complaint) {
			return
		}
	}
	g.t.Errorf("%s: %s", endpoint, what)
}

func schemaComplaint(err *openapi3.SchemaError) string {
	s := "/" + strings.Join(err.JSONPointer(), "/") + ": " + err.Reason
	if err.Origin != nil {
		s += " (" + brief(err.Origin) + ")"
	}
	return s
}

func brief(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > 700 {
		s = s[:700] + "…"
	}
	return s
}

// complaints is a test that only remembers what went wrong.
type complaints struct {
	testing.TB
	list []string
}

func (c *complaints) Errorf(format string, args ...any) {
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

// TestSpecGuardBites: what is not as described must not pass.
func TestSpecGuardBites(t *testing.T) {
	for _, c := range []struct {
		name, method, path, sent, got string
		status                        int
		bites                         bool
	}{
		{"as described", "GET", "/rest/api/3/myself", "", `{"accountId":"a","active":true}`, 200, false},
		{"a wrong type", "GET", "/rest/api/3/myself", "", `{"accountId":7}`, 200, true},
		{"no such operation", "GET", "/rest/api/3/nonsense", "", `{}`, 200, true},
		{"no such status", "GET", "/rest/api/3/myself", "", `{}`, 299, true},
		{"a wrong request", "POST", "/rest/api/3/search/jql", `{"jql":5}`, `{"issues":[]}`, 200, true},
		{"an unknown member", "GET", "/rest/servicedeskapi/info", "", `{"version":"1","surprise":1}`, 200, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := &complaints{TB: t}
			guard := newSpecGuard(seen, inProcess{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.got)
			})})
			r, err := http.NewRequest(c.method, "https://north.example"+c.path, strings.NewReader(c.sent))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			if _, err := guard.RoundTrip(r); err != nil {
				t.Fatal(err)
			}
			if (len(seen.list) > 0) != c.bites {
				t.Errorf("complaints: %q", seen.list)
			}
		})
	}
}
