package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/node"
)

// freeRedirect is a callback address that nobody listens at.
func freeRedirect(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String() + "/callback"
}

func TestOnlyTheBrowserThatIsWaitedForIsHeard(t *testing.T) {
	redirect := freeRedirect(t)
	type end struct {
		answer string
		err    error
	}
	ends, ready := make(chan end, 1), make(chan struct{})
	ours := func(address string) bool { return address == redirect+"?code=c&state=s" }
	go func() {
		answer, err := awaitBrowser(t.Context(), redirect, ours, func() { close(ready) })
		ends <- end{answer, err}
	}()
	<-ready
	visit := func(method, address, host string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		if a.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Error("the code would go on as a referrer")
		}
		return a.StatusCode, string(b)
	}
	good := redirect + "?code=c&state=s"
	for _, c := range [][3]string{
		{"GET", redirect, ""}, {"GET", redirect + "?code=c&state=other", ""}, {"POST", good, ""},
		{"GET", strings.Replace(good, "/callback", "/other", 1), ""}, {"GET", good, "attacker.example"},
	} {
		if status, body := visit(c[0], c[1], c[2]); status != http.StatusBadRequest || strings.Contains(body, "state") {
			t.Errorf("%v: %d %s", c, status, body)
		}
	}
	select {
	case e := <-ends:
		t.Fatalf("ended early: %+v", e)
	default:
	}
	if status, body := visit("GET", good, ""); status != http.StatusOK || !strings.Contains(body, "close this window") {
		t.Errorf("%d %s", status, body)
	}
	if e := <-ends; e.err != nil || e.answer != good {
		t.Errorf("%+v", e)
	}
}

func TestWaitingForABrowserEnds(t *testing.T) {
	redirect := freeRedirect(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := awaitBrowser(ctx, redirect, func(string) bool { return true }, func() {})
	if a, ok := errors.AsType[*node.Advice](err); !ok || !strings.Contains(a.Hint, "--timeout") {
		t.Error(err)
	}
	for _, elsewhere := range []string{"https://parley.example/callback", "http://10.0.0.1:80/", "http://localhost/callback"} {
		if _, err := awaitBrowser(t.Context(), elsewhere, nil, nil); err == nil {
			t.Errorf("%s was listened at", elsewhere)
		}
	}
}
