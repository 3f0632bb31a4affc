package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() {
	storyCommands["hook"] = hookCommand   // hook VAR: a webhook receiver; its address
	storyCommands["hears"] = hearsCommand // hears VAR REGEXP: waits until one of its posts matches
}

// hook is a webhook's receiver.
type hook struct {
	mu    sync.Mutex // guards posts
	posts []string
}

// hooks are those of each story, by its stage and their variable.
var hooks sync.Map

type hookKey struct {
	stage *stage
	name  string
}

func hookCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "hook VAR")
	h := &hook{}
	at := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender will try again
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.posts = append(h.posts, string(body))
	}))
	ts.Defer(at.Close)
	key := hookKey{stageOf(ts), args[0]}
	hooks.Store(key, h)
	ts.Defer(func() { hooks.Delete(key) })
	ts.Setenv(args[0], at.URL)
}

func hearsCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "hears VAR REGEXP")
	want, err := regexp.Compile(args[1])
	ts.Check(err)
	v, ok := hooks.Load(hookKey{stageOf(ts), args[0]})
	if !ok {
		ts.Fatalf("there is no hook %s", args[0])
	}
	h := v.(*hook)
	patiently(ts, func() (bool, string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		all := strings.Join(h.posts, "\n")
		return want.MatchString(all), all
	})
}
