package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// inProcess calls a handler without a network.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// scripted is an account that talks to the tenant in raw HTTP and JSON.
type scripted struct {
	t       testing.TB
	base    string
	account Account
	rt      http.RoundTripper
}

// do calls and wants a status; it gives the answer's object (or an object whose "values" is the answer's list).
func (s scripted) do(method, path string, body any, want ...int) bean {
	s.t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequest(method, s.base+path, in)
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(s.account.Email, s.account.Token)
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.rt.RoundTrip(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	raw, _ := io.ReadAll(resp.Body)
	if !slices.Contains(want, resp.StatusCode) {
		s.t.Fatalf("%s %s: status %d, wanted %v\n%s", method, path, resp.StatusCode, want, raw)
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if len(raw) > 0 && dec.Decode(&v) != nil && resp.StatusCode < 300 {
		s.t.Fatalf("%s %s: answer is no JSON: %.200s", method, path, raw)
	}
	if items, ok := v.([]any); ok {
		return bean{"values": items}
	}
	b, _ := v.(bean)
	return b
}

func (s scripted) get(path string) bean { s.t.Helper(); return s.do("GET", path, nil, 200) }

func (s scripted) post(path string, body any, want ...int) bean {
	s.t.Helper()
	return s.do("POST", path, body, append(want, 200, 201, 204)...)
}
