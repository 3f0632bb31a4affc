package hint

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	testPath = "/hook/0123456789abcdefghij"
	newer    = "It's a Secret to Everybody"
	older    = "the one before"
	changed  = `{"timestamp":1,"webhookEvent":"jira:issue_updated","issue":{"id":"%d","key":"SUP-%d","fields":{"updated":"2026-07-07T10:01:40.376+0900"}}}`
)

// desk is where a test's hints go.
type desk struct {
	mu    sync.Mutex
	marks map[string]int
	calls int
	last  Hint
	fail  error
	slow  time.Duration
}

func (d *desk) mark(h Hint) error {
	if d.slow > 0 {
		<-time.After(d.slow)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.fail != nil {
		return d.fail
	}
	for _, t := range h.Tickets {
		d.marks[t.ID]++
	}
	d.last = h
	return nil
}

func (d *desk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.marks)
}

// listening is a listener whose committer runs until the test ends.
func listening(t *testing.T, d *desk, change func(*Config)) *Listener {
	t.Helper()
	d.marks = map[string]int{}
	cfg := Config{
		Path: testPath, Mark: d.mark,
		Secrets: func() ([]Secret, error) {
			return []Secret{{Value: newer}, {Value: older, Until: time.Now().Add(time.Hour)}, {Value: "ended", Until: time.Now().Add(-time.Hour)}}, nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { l.work(t.Context()) })
	t.Cleanup(wg.Wait)
	return l
}

// send posts a body with header lines "Name: value".
func send(l http.Handler, body string, head ...string) int {
	r := httptest.NewRequest(http.MethodPost, testPath, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	for _, line := range head {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	return w.Code
}

func signed(secret, body string) string { return "X-Hub-Signature: " + Sign(secret, []byte(body)) }

// TestSignature holds the signature to the example in Atlassian's page on webhooks.
func TestSignature(t *testing.T) {
	if got, want := Sign(newer, []byte("Hello World!")), "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestGenuineRequestsAreMarkedBeforeTheAnswer(t *testing.T) {
	d := &desk{}
	l := listening(t, d, nil)
	body := fmt.Sprintf(changed, 10042, 7)
	if got := send(l, body, signed(newer, body)); got != 200 || d.marks["10042"] != 1 {
		t.Fatalf("%d, %v", got, d.marks)
	}
	if d.last.Tickets[0].Updated.IsZero() {
		t.Error("a signed body's state is not told")
	}
	body = fmt.Sprintf(changed, 10043, 8)
	if got := send(l, body, signed(older, body)); got != 200 || d.marks["10043"] != 1 || l.Tally().OldSecret != 1 {
		t.Errorf("by the secret before the rotation: %d, %v, %+v", got, d.marks, l.Tally())
	}
	word := `{"issue":{"id":"10044","fields":{"updated":"2026-07-07T10:01:40.376+0900"}}}`
	for _, secret := range []string{newer, older} {
		if got := send(l, word, Header+": "+Word(secret)); got != 200 {
			t.Errorf("by automation's word: %d", got)
		}
	}
	if d.marks["10044"] != 2 || !d.last.Tickets[0].Updated.IsZero() {
		t.Errorf("automation says the same of every change, and its word binds no body: %v, %+v", d.marks, d.last)
	}
	if got := send(l, `{"webhookEvent":"user_created"}`, signed(newer, `{"webhookEvent":"user_created"}`)); got != 200 || d.calls != 4 {
		t.Errorf("an event of no ticket: %d, %d marks", got, d.calls)
	}
	if got := send(l, "", signed(newer, "")); got != 200 || !d.last.Stray {
		t.Errorf("a body left out: %d, %+v", got, d.last)
	}
}

func TestForgedRequestsAreRefused(t *testing.T) {
	d, log := &desk{}, &bytes.Buffer{}
	l := listening(t, d, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	body := fmt.Sprintf(changed, 10042, 7)
	sum := strings.TrimPrefix(Sign(newer, []byte(body)), "sha256=")
	for _, c := range []struct {
		name string
		want int
		body string
		head []string
	}{
		{"no proof", 401, body, nil},
		{"another secret", 401, body, []string{signed("guess", body)}},
		{"a secret that ended", 401, body, []string{signed("ended", body)}},
		{"another body", 401, body + " ", []string{signed(newer, body)}},
		{"another algorithm", 401, body, []string{"X-Hub-Signature: sha1=" + sum[:40]}},
		{"no algorithm", 401, body, []string{"X-Hub-Signature: " + sum}},
		{"a short sum", 401, body, []string{"X-Hub-Signature: sha256=" + sum[:62]}},
		{"the secret itself as word", 401, body, []string{Header + ": " + newer}},
		{"a bad signature beside a good word", 401, body, []string{signed("guess", body), Header + ": " + Word(newer)}},
		{"not JSON by its type", 415, body, []string{signed(newer, body), "Content-Type: text/plain"}},
		{"a form", 415, body, []string{signed(newer, body), "Content-Type: application/x-www-form-urlencoded"}},
		{"not JSON", 400, "<html>", []string{signed(newer, "<html>")}},
		{"too long", 413, strings.Repeat(" ", maxBody+1), []string{signed(newer, strings.Repeat(" ", maxBody+1))}},
	} {
		if got := send(l, c.body, c.head...); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for _, method := range []string{"GET", "PUT", "HEAD", "OPTIONS"} {
		r := httptest.NewRequest(method, testPath, strings.NewReader(body))
		r.Header.Set("X-Hub-Signature", Sign(newer, []byte(body)))
		w := httptest.NewRecorder()
		if l.ServeHTTP(w, r); w.Code != 405 || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	for _, path := range []string{"/", "/hook/", testPath + "/", testPath[:len(testPath)-1], "/HOOK" + testPath[5:]} {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("X-Hub-Signature", Sign(newer, []byte(body)))
		w := httptest.NewRecorder()
		if l.ServeHTTP(w, r); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if len(d.marks) > 0 {
		t.Errorf("forged requests made marks: %v", d.marks)
	}
	for _, secret := range []string{newer, older, testPath, Word(newer), "10042"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q: %s", secret, log)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines in the log for a burst of forged requests, want one a minute:\n%s", n, log)
	}
}

func TestReplaysAndRetriesAreMarkedOnce(t *testing.T) {
	d := &desk{}
	l := listening(t, d, nil)
	body := fmt.Sprintf(changed, 10042, 7)
	sign, id := signed(newer, body), "X-Atlassian-Webhook-Identifier: 5f1c"
	d.fail = errors.New("disk")
	if got := send(l, body, sign, id); got != 503 {
		t.Fatalf("while nothing can be marked: %d", got)
	}
	d.fail = nil
	if got := send(l, body, sign, id, "X-Atlassian-Webhook-Retry: 1"); got != 200 || d.marks["10042"] != 1 {
		t.Fatalf("what was not marked must be taken when it comes again: %d %v", got, d.marks)
	}
	for _, head := range [][]string{{sign, id}, {sign, "X-Atlassian-Webhook-Identifier: another"}, {sign}} {
		if got := send(l, body, head...); got != 200 || d.marks["10042"] != 1 {
			t.Errorf("%v: %d %v", head, got, d.marks)
		}
	}
	other := strings.Replace(body, `"timestamp":1`, `"timestamp":2`, 1)
	if got := send(l, other, signed(newer, other), "X-Atlassian-Webhook-Identifier: 5f1d"); got != 200 || d.marks["10042"] != 2 {
		t.Errorf("the ticket's next event: %d %v", got, d.marks)
	}
	if tally := l.Tally(); tally.Doubled != 3 || tally.Taken != 2 || tally.Busy != 1 {
		t.Errorf("%+v", tally)
	}
	for i := range 4 * remembered {
		l.known.add([]delivery{named("identifier", fmt.Append(nil, i))})
	}
	if n := len(l.known.young) + len(l.known.old); n > 2*remembered+2 {
		t.Errorf("%d deliveries are remembered", n)
	}
}

func TestUnsignedOnlyWhereAllowed(t *testing.T) {
	d := &desk{}
	l := listening(t, d, func(c *Config) { c.Unsigned = true })
	body := fmt.Sprintf(changed, 10042, 7)
	if got := send(l, body); got != 200 || d.marks["10042"] != 1 || !d.last.Tickets[0].Updated.IsZero() {
		t.Errorf("%d %v %+v", got, d.marks, d.last)
	}
	for _, bad := range []string{signed("guess", body), Header + ": guess", "X-Hub-Signature: sha1=00"} {
		if got := send(l, body, bad); got != 401 {
			t.Errorf("a wrong proof is worse than none: %d", got)
		}
	}
}

// TestBurst: 10,000 webhooks at once, over a slow disk. Those that found the
// queue full come again, as Jira sends them again; nothing is lost, and memory
// stays bounded.
func TestBurst(t *testing.T) {
	const events, senders = 10_000, 4_000
	d := &desk{slow: 2 * time.Millisecond}
	l := listening(t, d, nil)
	bodies := make([]string, events)
	for i := range bodies {
		bodies[i] = fmt.Sprintf(changed, 10_001+i, i+1)
	}
	before, peak := heap(), atomic.Uint64{}
	var next, again atomic.Int64
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= events {
					return
				}
				for send(l, bodies[i], signed(newer, bodies[i]), fmt.Sprintf("X-Atlassian-Webhook-Identifier: %d", i)) != 200 {
					again.Add(1)
					runtime.Gosched()
				}
				if i%1000 == 0 {
					peak.Store(max(peak.Load(), heap()))
				}
			}
		})
	}
	wg.Wait()
	if d.count() != events {
		t.Errorf("%d of %d tickets were marked", d.count(), events)
	}
	for id, n := range d.marks {
		if n != 1 {
			t.Errorf("ticket %s was marked %d times", id, n)
		}
	}
	if d.calls > events/10 {
		t.Errorf("%d synced writes for %d requests", d.calls, events)
	}
	grown := int64(peak.Load()) - int64(before)
	t.Logf("%d requests in %d synced writes, %d answered 503 and sent again, heap grew by %d KiB", events, d.calls, again.Load(), grown>>10)
	if grown > 64<<20 { // the 4,000 senders' own stacks and recorders are in it
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
