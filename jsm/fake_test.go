package jsm

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fake is a Jira written by hand for one test: the answers to the calls it expects, by "METHOD path". A
// call that it does not expect fails the test. Other hosts' lines have the whole address. It answers in process, so it works under synctest too.
// Every request is checked against Atlassian's descriptions, see contract_test.go.
type fake struct {
	t       *testing.T
	answers map[string]any // string (200 and JSON), answer, or func(*http.Request, []byte) answer
	any     bool           // answers need not be in Jira's shape: the test is about wrong ones

	mu   sync.Mutex // everything below
	seen []sent
}

type sent struct {
	Line  string // "PUT /rest/api/3/issue/10042"
	Query string
	Body  string
}

type answer struct {
	status int
	body   string
	header map[string]string
	source io.Reader // the body instead; nil: body
	err    error     // no answer at all
}

type askedFunc = func(*http.Request, []byte) answer

const testToken = "s3cr3t-t0ken"

// jira makes a client of the fake.
func jira(t *testing.T, answers map[string]any) (*Client, *fake) {
	t.Helper()
	f := &fake{t: t, answers: answers}
	c, err := New(Config{
		Base: "https://north.example", Auth: Auth{User: "sync@north.example", Token: Token(testToken)},
		HTTP: &http.Client{Transport: f}, Media: &http.Client{Transport: f},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, f
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	line := r.Method + " " + r.URL.Path
	ours := r.URL.Host == "north.example"
	if !ours {
		line = r.Method + " " + r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	}
	f.mu.Lock()
	f.seen = append(f.seen, sent{line, r.URL.RawQuery, string(body)})
	f.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a := answer{status: 404, body: `{"errorMessages":["no such thing"],"errors":{}}`}
	switch x := f.answers[line].(type) {
	case nil:
		f.t.Errorf("unexpected call %s?%s %s", line, r.URL.RawQuery, body)
	case string:
		a = answer{status: 200, body: x}
	case answer:
		a = x
	case askedFunc:
		a = x(r, body)
	}
	if a.status == 0 {
		a.status = 200
	}
	f.checkCredential(r, line, ours)
	if a.err != nil {
		if ours {
			checkContract(f.t, r, body, nil)
		}
		return nil, a.err
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
	resp := w.Result()
	if a.source != nil {
		resp.Body = io.NopCloser(a.source)
	}
	resp.Request = r
	switch {
	case !ours:
	case f.any:
		checkContract(f.t, r, body, nil)
	default:
		checkContract(f.t, r, body, &a)
	}
	return resp, nil
}

// checkCredential sees that Jira gets our credential, and nobody else any header that could hold one.
func (f *fake) checkCredential(r *http.Request, line string, ours bool) {
	user, token, ok := r.BasicAuth()
	if ours && (!ok || user != "sync@north.example" || token != testToken) {
		f.t.Errorf("%s without our credential", line)
	}
	if !ours && (r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "") {
		f.t.Errorf("%s with a credential", line)
	}
}

// lines lists the calls so far.
func (f *fake) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]string, len(f.seen))
	for i, s := range f.seen {
		out[i] = s.Line
	}
	return out
}

// last returns the last call with this line.
func (f *fake) last(line string) sent {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.seen) - 1; i >= 0; i-- {
		if f.seen[i].Line == line {
			return f.seen[i]
		}
	}
	f.t.Fatalf("no call %s", line)
	return sent{}
}

// sameJSON compares JSON texts without regard to order of members and space.
func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	if canonicalJSON(t, got) != canonicalJSON(t, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func canonicalJSON(t *testing.T, s string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sequence answers a call differently each time; the last answer stays.
func sequence(list ...answer) askedFunc {
	var mu sync.Mutex
	i := 0
	return func(*http.Request, []byte) answer {
		mu.Lock()
		defer mu.Unlock()
		a := list[min(i, len(list)-1)]
		i++
		return a
	}
}
