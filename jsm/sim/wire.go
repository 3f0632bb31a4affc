package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// ErrLost is what an in-process caller sees where a connection ended without an answer.
var ErrLost = errors.New("sim: connection lost")

// Wire carries requests to tenants within the process, by the host of their URL: no socket, so that it works
// under virtual time too. A request for another host is refused as an unknown host is.
type Wire struct{ hosts map[string]*Tenant }

// NewWire joins tenants; their URLs must differ.
func NewWire(tenants ...*Tenant) *Wire {
	w := &Wire{hosts: map[string]*Tenant{}}
	for _, t := range tenants {
		if u, err := url.Parse(t.URL()); err == nil {
			w.hosts[u.Host] = t
		}
	}
	return w
}

// RoundTrip implements http.RoundTripper.
func (w *Wire) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	var body []byte
	if r.Body != nil {
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("reading the request body: %w", err)
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	t := w.hosts[r.URL.Host]
	if t == nil {
		return nil, fmt.Errorf("sim: no such host: %s", r.URL.Host)
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.Host = r.URL.Host
	rec := &sheet{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				panic(p)
			}
			answer, err = nil, ErrLost
		}
	}()
	t.ServeHTTP(rec, in)
	return rec.response(r), nil
}

// sheet is the paper on which an in-process answer is written.
type sheet struct {
	header http.Header
	sent   http.Header // as it was when the status was written
	status int
	body   bytes.Buffer
}

func (s *sheet) Header() http.Header { return s.header }

func (s *sheet) WriteHeader(status int) {
	if s.status == 0 {
		s.status, s.sent = status, s.header.Clone()
	}
}

func (s *sheet) Write(p []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return s.body.Write(p)
}

func (s *sheet) response(r *http.Request) *http.Response {
	s.WriteHeader(http.StatusOK)
	return &http.Response{Status: fmt.Sprintf("%d %s", s.status, http.StatusText(s.status)), StatusCode: s.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.sent, Body: io.NopCloser(&s.body), ContentLength: int64(s.body.Len()), Request: r}
}
