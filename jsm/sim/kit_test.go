package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// site is a tenant with a clock that a test moves, spoken to over HTTP.
type site struct {
	*testing.T
	tn   *Tenant
	http *http.Client
	mu   sync.Mutex
	at   time.Time
}

func newSite(t *testing.T, cfg Config) *site {
	s := &site{T: t, at: time.Date(2026, 7, 7, 10, 1, 40, 376e6, time.UTC)}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.at }
	}
	tn, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.tn, s.http = tn, clientOf(tn)
	return s
}

func clientOf(tn *Tenant) *http.Client {
	return &http.Client{Transport: NewWire(tn), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *site) pass(d time.Duration) { s.mu.Lock(); s.at = s.at.Add(d); s.mu.Unlock() }

// reply is an answer as a client reads it.
type reply struct {
	status int
	header http.Header
	raw    []byte
	body   any
}

func (r reply) at(path ...string) string { return textAt(r.body, path...) }

// as calls an endpoint by a role ("" anonymous). body may be a string of JSON or anything that encodes to it.
func (s *site) as(role Role, method, path string, body any) reply {
	s.Helper()
	r, err := s.try(role, method, path, body)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (s *site) try(role Role, method, path string, body any) (reply, error) {
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return reply{}, err
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, s.tn.URL()+path, in)
	if err != nil {
		return reply{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if role != "" {
		a, known := s.tn.Account(role)
		if !known {
			return reply{}, errors.New("nobody is " + string(role))
		}
		req.SetBasicAuth(a.Email, a.Token)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	out := reply{status: res.StatusCode, header: res.Header}
	if out.raw, err = io.ReadAll(res.Body); err != nil {
		return reply{}, err
	}
	if len(out.raw) > 0 && strings.Contains(res.Header.Get("Content-Type"), "json") {
		d := json.NewDecoder(bytes.NewReader(out.raw))
		d.UseNumber()
		if err := d.Decode(&out.body); err != nil {
			return reply{}, fmt.Errorf("answer is no JSON: %w", err)
		}
	}
	return out, nil
}

// want calls and insists on a status, and on words that the answer must hold.
func (s *site) want(status int, words string, role Role, method, path string, body any) reply {
	s.Helper()
	r := s.as(role, method, path, body)
	if r.status != status || !strings.Contains(string(r.raw), words) {
		s.Errorf("%s %s by %s: got %d %s\nwant %d with %q", method, path, role, r.status, r.raw, status, words)
	}
	return r
}

// raised makes a request by the agent and gives its key.
func (s *site) raised(summary string) string {
	s.Helper()
	agent, _ := s.tn.Account(Agent)
	key, err := s.tn.As(agent.Email).CreateRequest(s.tn.desk.requestTypes[0].name, map[string]any{"summary": summary, "description": "It is *down*."})
	if err != nil {
		s.Fatal(err)
	}
	return key
}

// cf gives the id of a field by name.
func (s *site) cf(name string) string {
	s.Helper()
	f := s.tn.fieldNamed(name)
	if f == nil {
		s.Fatalf("no field %q", name)
	}
	return f.id
}

const seenIt = `{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"seen it"}]}]}`
