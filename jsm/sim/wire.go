package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// ErrLost is what an in-process caller sees where a connection ended without an answer.
var ErrLost = errors.New("sim: connection lost")

// Wire carries requests to tenants within the process, by the host of their URL: no socket, so that it works
// under virtual time too. The tenants' media hosts are known as well. A request for another host is refused as
// an unknown host is. Neither a request's nor an answer's file is held in memory.
type Wire struct{ tenants []*Tenant }

// NewWire joins tenants; their URLs must differ.
func NewWire(tenants ...*Tenant) *Wire {
	return &Wire{tenants}
}

// find gives the tenant of a host. Several may share a media host, where the address names the one.
func (w *Wire) find(u *url.URL) *Tenant {
	for _, t := range w.tenants {
		site, err := url.Parse(t.URL())
		media, err2 := url.Parse(t.MediaURL())
		switch {
		case err == nil && site.Host == u.Host,
			err2 == nil && media.Host == u.Host && u.Query().Get("client") == t.cloudID:
			return t
		}
	}
	return nil
}

// RoundTrip implements http.RoundTripper.
func (w *Wire) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	defer body.Close()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	t := w.find(r.URL)
	if t == nil {
		return nil, fmt.Errorf("sim: no such host: %s", r.URL.Host)
	}
	in := r.Clone(r.Context())
	in.Body = body
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
	rest   io.Reader // an attachment's content, read by the caller as it goes; nil: it is all in body
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

// ReadFrom takes over the content of an attachment without reading it.
func (s *sheet) ReadFrom(r io.Reader) (int64, error) {
	if l, limited := r.(*io.LimitedReader); limited && s.rest == nil {
		switch l.R.(type) {
		case blobReader, *tornReader:
			s.WriteHeader(http.StatusOK)
			s.rest = r
			return l.N, nil
		}
	}
	s.WriteHeader(http.StatusOK)
	return s.body.ReadFrom(r)
}

func (s *sheet) response(r *http.Request) *http.Response {
	s.WriteHeader(http.StatusOK)
	length, content := int64(s.body.Len()), io.Reader(&s.body)
	if s.rest != nil {
		content = io.MultiReader(&s.body, s.rest)
		length = -1
		if n, err := strconv.ParseInt(s.sent.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
	}
	return &http.Response{Status: fmt.Sprintf("%d %s", s.status, http.StatusText(s.status)), StatusCode: s.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.sent, Body: io.NopCloser(content), ContentLength: length, Request: r}
}
