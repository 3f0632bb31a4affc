package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"parley/jsm/sim"
)

// storyCommands are the words that stories use beyond testscript's own.
var storyCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"tenant":   tenantCommand,   // tenant NAME: a simulated tenant; sets NAME_URL, NAME_USER, NAME_TOKEN
	"webpage":  webpageCommand,  // webpage VAR: a server that answers everything with a login page
	"exits":    exitsCommand,    // exits STATUS PROGRAM ARG…: runs it and expects this exit status
	"json":     jsonCommand,     // json VAR PATH: a value of the last standard output, such as 0.fingerprint
	"until":    untilCommand,    // until REGEXP PROGRAM ARG…: runs it until its standard output matches
	"begin":    beginCommand,    // begin NAME ARG…: starts parley and waits for its first line, then standard output
	"end":      endCommand,      // end NAME: interrupts it and expects exit status 0
	"murder":   murderCommand,   // murder NAME: SIGKILL
	"corrupt":  corruptCommand,  // corrupt FILE: changes one byte of a card's content
	"fetch":    fetchCommand,    // fetch URL [HOST]: the page as standard output, its status first
	"ticket":   ticketCommand,   // ticket TENANT VAR SUMMARY: a customer's request; its key
	"comment":  commentCommand,  // comment TENANT KEY TEXT: a public comment of the agent
	"consents": consentsCommand, // consents accept|deny PROGRAM ARG…: a person in a browser, at "parley auth login --paste"
	"shows":    showsCommand,    // shows TENANT KEY REGEXP: waits until the ticket as JSON matches
}

const storyPatience = 30 * time.Second

type storyTenant struct {
	*sim.Tenant
	at *httptest.Server
}

// ask calls the tenant as somebody of this role.
func (t storyTenant) ask(ts *testscript.TestScript, role sim.Role, method, path string, body any) (status int, answer []byte) {
	account, ok := t.Account(role)
	if !ok {
		ts.Fatalf("the tenant has no %s", role)
	}
	b, err := json.Marshal(body)
	ts.Check(err)
	r, err := http.NewRequest(method, t.at.URL+path, bytes.NewReader(b))
	ts.Check(err)
	r.SetBasicAuth(account.Email, account.Token)
	r.Header.Set("Content-Type", "application/json")
	a, err := t.at.Client().Do(r)
	ts.Check(err)
	defer a.Body.Close()
	answer, err = io.ReadAll(a.Body)
	ts.Check(err)
	return a.StatusCode, answer
}

// call is ask where the answer must be good.
func (t storyTenant) call(ts *testscript.TestScript, role sim.Role, method, path string, body any) (v map[string]any) {
	status, answer := t.ask(ts, role, method, path, body)
	if status/100 != 2 {
		ts.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	ts.Check(json.Unmarshal(answer, &v))
	return v
}

// stage is what one story has started.
type stage struct {
	tenants  map[string]storyTenant
	programs map[string]*exec.Cmd
}

// stageKey is where a story's Env keeps its stage.
type stageKey struct{}

func newStage() *stage { return &stage{map[string]storyTenant{}, map[string]*exec.Cmd{}} }

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

func needArgs(ts *testscript.TestScript, neg bool, args []string, least int, how string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", how)
	}
}

func tenantCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "tenant NAME")
	t, err := sim.New(sim.Config{Name: args[0]})
	ts.Check(err)
	at := httptest.NewServer(t)
	ts.Defer(at.Close)
	t.SetURL(at.URL)
	stageOf(ts).tenants[args[0]] = storyTenant{t, at}
	account, _ := t.Account(sim.Sync)
	name := strings.ToUpper(args[0])
	ts.Setenv(name+"_URL", at.URL)
	ts.Setenv(name+"_USER", account.Email)
	ts.Setenv(name+"_TOKEN", account.Token)
}

func webpageCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "webpage VAR")
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><title>Log in</title><form>Who are you?</form>")
	}))
	ts.Defer(at.Close)
	ts.Setenv(args[0], at.URL)
}

func exitsCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "exits STATUS PROGRAM ARG…")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d where %d is due", got, want)
	}
}

func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "json VAR PATH")
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, step := range strings.Split(args[1], ".") {
		switch now := v.(type) {
		case map[string]any:
			next, ok := now[step]
			if !ok {
				ts.Fatalf("there is no %q in %v", step, now)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(now) {
				ts.Fatalf("there is no %q in a list of %d", step, len(now))
			}
			v = now[i]
		default:
			ts.Fatalf("%q leads nowhere", args[1])
		}
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// patiently tries until it succeeds, or fails with its last words.
func patiently(ts *testscript.TestScript, try func() (ok bool, saw string)) {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	late := time.After(storyPatience)
	for {
		ok, saw := try()
		if ok {
			return
		}
		select {
		case <-again.C:
		case <-late:
			ts.Fatalf("not within %s; last seen: %s", storyPatience, saw)
		}
	}
}

func untilCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "until REGEXP PROGRAM ARG…")
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	patiently(ts, func() (bool, string) {
		err := ts.Exec(args[1], args[2:]...)
		saw := ts.ReadFile("stdout")
		return err == nil && want.MatchString(saw), saw + ts.ReadFile("stderr")
	})
}

// beginCommand starts parley in the background. Its log goes to NAME.log.
func beginCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 2, "begin NAME ARG…")
	path, err := exec.LookPath("parley")
	ts.Check(err)
	c := exec.Command(path, args[1:]...)
	c.Dir = ts.MkAbs(".")
	c.Env = storyEnv(ts)
	log, err := os.OpenFile(ts.MkAbs(args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	c.Stderr = log
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	log.Close()
	w := stageOf(ts)
	w.programs[args[0]] = c
	ts.Defer(func() {
		if w.programs[args[0]] == c {
			c.Process.Kill()
			c.Wait()
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		said, _ := os.ReadFile(ts.MkAbs(args[0] + ".log"))
		ts.Fatalf("%s said nothing: %v\n%s", args[0], err, said)
	}
	fmt.Fprint(ts.Stdout(), line)
}

// storyEnv is the story's environment for a program in the background.
func storyEnv(ts *testscript.TestScript) (env []string) {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		env = append(env, name+"="+ts.Getenv(name))
	}
	for name := range stageOf(ts).tenants {
		for _, v := range []string{"_URL", "_USER", "_TOKEN"} {
			env = append(env, strings.ToUpper(name)+v+"="+ts.Getenv(strings.ToUpper(name)+v))
		}
	}
	return env
}

func (w *stage) take(ts *testscript.TestScript, name string) *exec.Cmd {
	c := w.programs[name]
	if c == nil {
		ts.Fatalf("%s does not run", name)
	}
	delete(w.programs, name)
	return c
}

func endCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "end NAME")
	c := stageOf(ts).take(ts, args[0])
	ts.Check(c.Process.Signal(syscall.SIGTERM))
	if err := c.Wait(); err != nil {
		said, _ := os.ReadFile(ts.MkAbs(args[0] + ".log"))
		ts.Fatalf("%s ended badly: %v\n%s", args[0], err, said)
	}
}

func murderCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "murder NAME")
	c := stageOf(ts).take(ts, args[0])
	ts.Check(c.Process.Kill())
	if err := c.Wait(); err == nil {
		ts.Fatalf("%s was not killed", args[0])
	}
}

func corruptCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "corrupt FILE")
	lines := strings.Split(ts.ReadFile(args[0]), "\n")
	i := slices.IndexFunc(lines, func(l string) bool {
		_, err := base64.StdEncoding.DecodeString(l)
		return len(l) > 40 && err == nil
	})
	if i < 0 || i+1 >= len(lines) {
		ts.Fatalf("%s is no card", args[0])
	}
	// The second line of content lies inside the certificate or what follows it.
	b, err := base64.StdEncoding.DecodeString(lines[i+1])
	ts.Check(err)
	b[len(b)/2] ^= 0x20
	lines[i+1] = base64.StdEncoding.EncodeToString(b)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(lines, "\n")), 0o644))
}

func fetchCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 1, "fetch URL [HOST]")
	r, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	if len(args) > 1 {
		r.Host = args[1]
	}
	a, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n%s\n%s", a.Status, a.Header.Get("Content-Security-Policy"), b)
}

func ticketCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 3, "ticket TENANT VAR SUMMARY")
	t := stageOf(ts).tenants[args[0]]
	desks := t.call(ts, sim.Agent, "GET", "/rest/servicedeskapi/servicedesk", nil)
	desk := desks["values"].([]any)[0].(map[string]any)["id"]
	forms := t.call(ts, sim.Agent, "GET", fmt.Sprintf("/rest/servicedeskapi/servicedesk/%v/requesttype", desk), nil)
	form := forms["values"].([]any)[0].(map[string]any)["id"]
	made := t.call(ts, sim.Agent, "POST", "/rest/servicedeskapi/request", map[string]any{
		"serviceDeskId": desk, "requestTypeId": form,
		"requestFieldValues": map[string]any{"summary": args[2], "description": "As the summary says."},
	})
	ts.Setenv(args[1], fmt.Sprint(made["issueKey"]))
}

func commentCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 3, "comment TENANT KEY TEXT")
	stageOf(ts).tenants[args[0]].call(ts, sim.Human, "POST", "/rest/servicedeskapi/request/"+args[1]+"/comment", map[string]any{"body": args[2], "public": true})
}

func showsCommand(ts *testscript.TestScript, neg bool, args []string) {
	needArgs(ts, neg, args, 3, "shows TENANT KEY REGEXP")
	want, err := regexp.Compile(args[2])
	ts.Check(err)
	t := stageOf(ts).tenants[args[0]]
	patiently(ts, func() (bool, string) {
		status, b := t.ask(ts, sim.Agent, "GET", "/rest/api/3/issue/"+args[1], nil)
		return status == http.StatusOK && want.Match(b), string(b) // 404: it is not made yet
	})
}
