package jsm

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// over makes a client of a real server on loopback.
func over(t *testing.T, h http.HandlerFunc) (*Client, *httptest.Server) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := New(Config{Base: srv.URL + "/ex/jira/cloud-1/", Auth: Auth{User: "u", Token: Token(testToken)}, MaxWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return c, srv
}

func TestNewRefusesBadBases(t *testing.T) {
	for _, base := range []string{
		"", "north.atlassian.net", "ftp://north.example", "http://north.example", "https://u:p@north.example",
		"https://north.example/?a=b", "https://north.example/#x", "https://north.example/a/../b", "https://\x7f", "mailto:x@y",
	} {
		_, err := New(Config{Base: base, Auth: Auth{Token: Token("t")}})
		if err == nil {
			t.Errorf("%q passes", base)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
	for _, base := range []string{"https://north.atlassian.net", "https://api.atlassian.com/ex/jira/1", "http://localhost:8080/", "http://127.0.0.1:1", "http://[::1]:1"} {
		if _, err := New(Config{Base: base, Auth: Auth{Token: Token("t")}}); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
	if _, err := New(Config{Base: "https://north.example"}); err == nil {
		t.Error("no token source passes")
	}
}

func TestPathIsAppendedToTheBase(t *testing.T) {
	var path, auth string
	c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
		path, auth = r.URL.Path, r.Header.Get("Authorization")
		io.WriteString(w, `{"accountId":"a"}`)
	})
	if _, err := c.Myself(t.Context()); err != nil {
		t.Fatal(err)
	}
	if path != "/ex/jira/cloud-1/rest/api/3/myself" || !strings.HasPrefix(auth, "Basic ") {
		t.Errorf("%s with %s", path, auth)
	}
	c.auth.User = ""
	if _, err := c.Myself(t.Context()); err != nil || auth != "Bearer "+testToken {
		t.Errorf("%v with %s", err, auth)
	}
}

func TestHostileIdsStayOneSegment(t *testing.T) {
	var raw string
	c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
		raw = r.URL.EscapedPath()
		w.WriteHeader(404)
	})
	c.Ticket(t.Context(), "1/../../myself?x=y#z")
	if raw != "/ex/jira/cloud-1/rest/api/3/issue/1%2F..%2F..%2Fmyself%3Fx=y%23z" {
		t.Error(raw)
	}
	for _, id := range []string{"", ".", "..", strings.Repeat("9", 300)} {
		raw = ""
		if _, err := c.Ticket(t.Context(), id); err == nil || raw != "" {
			t.Errorf("%q: %v, sent to %q", id, err, raw)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("followed to another host, with Authorization %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		calls := 0
		c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
			calls++
			http.Redirect(w, r, elsewhere.URL+"/login", status)
		})
		_, err := c.Myself(t.Context())
		var e *APIError
		if !errors.As(err, &e) || e.Status != status || e.Class != Tenant || calls != 1 {
			t.Errorf("%d: %v after %d calls", status, err, calls)
		}
		if _, err := c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true}); !errors.As(err, &e) || e.Applied != No {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestHTMLInsteadOfJSON(t *testing.T) {
	for _, contentType := range []string{"text/html;charset=UTF-8", "application/json"} {
		c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			if r.Method == "POST" {
				w.WriteHeader(201)
			}
			io.WriteString(w, "\n<!DOCTYPE html><title>Log in</title>")
		})
		_, err := c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true})
		var e *APIError
		if !errors.As(err, &e) || e.Class != Tenant || e.Applied != Maybe {
			t.Errorf("%v", err)
		}
		_, err = c.Myself(t.Context())
		if !errors.As(err, &e) || e.Class != Tenant || !strings.Contains(err.Error(), "HTML") {
			t.Errorf("%v", err)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"accountId":"`)
		for range 300 {
			io.WriteString(w, strings.Repeat("x", 1000))
		}
		io.WriteString(w, `"}`)
	})
	c.maxBody = 100_000
	if _, err := c.Myself(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 100000 bytes") {
		t.Error(err)
	}
}

func TestSlowAndBrokenBodies(t *testing.T) {
	c, srv := over(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(201)
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the body never comes
	})
	c.timeout = 50 * time.Millisecond
	_, err := c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true})
	var e *APIError
	if !errors.As(err, &e) || e.Class != Transient || e.Applied != Maybe || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
	if strings.Contains(err.Error(), srv.URL) {
		t.Errorf("the error names the address: %v", err)
	}
	c, _ = over(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"id":"1`)
	})
	if _, err = c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true}); !MaybeApplied(err) {
		t.Errorf("cut off: %v", err)
	}
}

func TestAppliedWhenNothingWasSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nobody listens there now
	c, err := New(Config{Base: "http://" + l.Addr().String(), Auth: Auth{Token: Token("t")}, MaxWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true})
	var e *APIError
	if !errors.As(err, &e) || e.Applied != No || e.Class != Transient {
		t.Errorf("refused connection: %v", err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	if c, err = New(Config{Base: srv.URL, Auth: Auth{Token: Token("t")}, MaxWait: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	_, err = c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true})
	if !errors.As(err, &e) || e.Applied != No || e.Class != Tenant {
		t.Errorf("unknown certificate: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = c.AddComment(ctx, "1", NewComment{Body: Rich(adfHello), Public: true}); !errors.As(err, &e) || e.Applied != No || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	c.auth.Token = func(context.Context) (string, error) { return "", errors.New("vault is closed") }
	if _, err = c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true}); !errors.As(err, &e) || e.Applied != No || e.Class != Tenant {
		t.Errorf("no token: %v", err)
	}
}

func TestResetAfterSendingMayBeApplied(t *testing.T) {
	c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	})
	if _, err := c.AddComment(t.Context(), "1", NewComment{Body: Rich(adfHello), Public: true}); !MaybeApplied(err) {
		t.Errorf("%v", err)
	}
	if _, err := c.Myself(t.Context()); MaybeApplied(err) || err == nil {
		t.Errorf("a read: %v", err)
	}
}

func TestTheTokenIsNotEchoed(t *testing.T) {
	c, _ := over(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		io.WriteString(w, `{"errorMessages":["you sent `+testToken+` as `+strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")+`"],"errors":{"x":"`+testToken+`"}}`)
	})
	_, err := c.Myself(t.Context())
	if err == nil || strings.Contains(err.Error(), testToken) || strings.Contains(err.Error(), "dTpzM2") || !strings.Contains(err.Error(), "[token]") {
		t.Error(err)
	}
}
