package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serveSocket serves calls on a socket in dir until the test ends.
func serveSocket(t *testing.T, path string, calls map[string]Call) {
	t.Helper()
	l, err := ListenSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(API(calls, func(err error) *Problem { return &Problem{Message: err.Error(), Hint: "try again"} }), slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket file stays: %v", err)
		}
	})
}

var echoCalls = map[string]Call{
	"echo": func(_ context.Context, q json.RawMessage) (any, error) {
		return map[string]json.RawMessage{"said": q}, nil
	},
	"fail": func(context.Context, json.RawMessage) (any, error) { return nil, errors.New("no such ticket") },
	"odd":  func(context.Context, json.RawMessage) (any, error) { return func() {}, nil },
}

func TestAskAndAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parley.sock")
	serveSocket(t, path, echoCalls)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket has mode %v (%v), 0600 is due", info.Mode(), err)
	}
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var a struct{ Said []string }
	if err := c.Ask(t.Context(), "echo", []string{"x"}, &a); err != nil || len(a.Said) != 1 || a.Said[0] != "x" {
		t.Fatalf("got %v, %v", a, err)
	}
	p, ok := errors.AsType[*Problem](c.Ask(t.Context(), "fail", nil, &a))
	if !ok || p.Message != "no such ticket" || p.Hint != "try again" {
		t.Errorf("a refusal came as %v", p)
	}
	if p, ok := errors.AsType[*Problem](c.Ask(t.Context(), "later", nil, &a)); !ok || !strings.Contains(p.Hint, "version") {
		t.Errorf("an unknown operation came as %v", p)
	}
	if err := c.Ask(t.Context(), "odd", nil, &a); err == nil {
		t.Error("an answer that is no JSON passed")
	}
	if err := c.Ask(t.Context(), "echo", strings.Repeat("x", maxRequest), &a); err == nil {
		t.Error("a question beyond the limit passed")
	}
}

func TestOnlyPostIsAnswered(t *testing.T) {
	w := httptest.NewRecorder()
	API(echoCalls, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/echo", nil))
	if w.Code == http.StatusOK {
		t.Errorf("a GET was answered: %s", w.Body)
	}
}

// A socket file whose node was killed is nobody, and is replaced.
func TestDeadSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parley.sock")
	if _, err := Dial(t.Context(), path); !errors.Is(err, ErrNobody) {
		t.Errorf("a missing socket is %v", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), path); !errors.Is(err, ErrNobody) {
		t.Errorf("a dead socket is %v", err)
	}
	serveSocket(t, path, echoCalls)
	if _, err := Dial(t.Context(), path); err != nil {
		t.Errorf("the new socket: %v", err)
	}
}

// A home may lie deeper than a unix socket's name may be long.
func TestLongPath(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("this system has no /proc/self/fd: long paths are refused with a reason")
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("a", 120))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "parley.sock")
	serveSocket(t, path, echoCalls)
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var a map[string]any
	if err := c.Ask(t.Context(), "echo", 1, &a); err != nil {
		t.Error(err)
	}
}

// A client that goes away ends the operation that it waits for.
func TestLeavingEndsTheCall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parley.sock")
	began, ended := make(chan bool), make(chan error, 1)
	serveSocket(t, path, map[string]Call{"wait": func(ctx context.Context, _ json.RawMessage) (any, error) {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}})
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-began
		leave()
	}()
	if err := c.Ask(ctx, "wait", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the client got %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
}

// Whatever comes in, the API answers one JSON document and does not panic.
func FuzzAPI(f *testing.F) {
	f.Add("echo", []byte(`{"a":1}`))
	f.Add("fail", []byte(`[`))
	f.Add("../echo", []byte(nil))
	h := API(map[string]Call{
		"echo": func(_ context.Context, q json.RawMessage) (any, error) {
			var v map[string]any
			return v, json.Unmarshal(q, &v)
		},
	}, func(err error) *Problem { return &Problem{Message: err.Error()} })
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.URL.Path = apiPath + name
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code/100 == 3 {
			return // a path that is cleaned first
		}
		b, err := io.ReadAll(w.Body)
		if err != nil || !json.Valid(b) {
			t.Fatalf("%d %q is no JSON (%v)", w.Code, b, err)
		}
	})
}
