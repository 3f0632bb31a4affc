package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// aMessage holds one of everything, and texts that try to be more than text.
func aMessage() Message {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hostile := Notice{
		Key: "held/globex", Class: "held", Severity: Warning, Title: "Work waits on <!channel> globex\r\nBcc: all@acme.example",
		Lines: []Line{{at, "SUP-7 (definite): no P9 & <https://evil.example|here>\x1b[2J\u202e"}}, More: 2, Next: "parley held list",
	}.bounded()
	return Message{ID: "MID", Made: at, Items: []Item{
		{Notice: hostile, Since: at, Again: true},
		{Notice: Notice{Key: "peer/b", Severity: Urgent, Title: "The partner b cannot be reached"}, Since: at, Over: at.Add(time.Hour)},
	}}
}

// receiver is a webhook's other end: it keeps the last post and answers as told.
type receiver struct {
	*httptest.Server
	status int
	header http.Header // of the answer
	last   *http.Request
	body   []byte
	posts  int
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: http.StatusOK, header: http.Header{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		r.last, r.body, r.posts = q, body, r.posts+1
		for k, v := range r.header {
			w.Header()[k] = v
		}
		w.WriteHeader(r.status)
		io.WriteString(w, "the secret is s3cret")
	}))
	t.Cleanup(r.Close)
	return r
}

func fixed(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

func TestWebhookIsSigned(t *testing.T) {
	r := newReceiver(t)
	w := &Webhook{Node: "north", Shape: "json", Zone: time.UTC, URL: fixed(r.URL + "/hook"), Secret: fixed("s3cret"), Client: r.Client()}
	if _, err := w.Send(t.Context(), aMessage()); err != nil {
		t.Fatal(err)
	}
	signature := r.last.Header.Get("Parley-Signature")
	stamp, _, _ := strings.Cut(strings.TrimPrefix(signature, "t="), ",")
	seconds, err := time.ParseDuration(stamp + "s")
	if err != nil || Sign("s3cret", time.Unix(int64(seconds.Seconds()), 0), r.body) != signature || Sign("other", time.Unix(int64(seconds.Seconds()), 0), r.body) == signature {
		t.Errorf("signature %q does not fit the body (%v)", signature, err)
	}
	if age := time.Since(time.Unix(int64(seconds.Seconds()), 0)); age < -time.Second || age > time.Minute {
		t.Errorf("signed %s ago", age)
	}
	if got := r.last.Header.Get("Parley-Delivery"); got != "MID" {
		t.Errorf("delivery %q", got)
	}
	var got struct {
		ID, Node, Text string
		Notices        []struct {
			Key, State, Title string
			Lines             []string
			More              int
			Over              time.Time
		}
	}
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Notices) != 2 || got.Notices[0].State != "more" || got.Notices[1].State != "over" || got.Notices[1].Over.IsZero() || got.Notices[0].More != 2 || len(got.Notices[0].Lines) != 1 {
		t.Errorf("notices: %+v", got.Notices)
	}
	if strings.ContainsAny(got.Text, "\x1b\u202e\r") || !strings.HasPrefix(got.Text, "[parley north] 2 notices, 1 over\nWARNING: Work waits") {
		t.Errorf("text: %q", got.Text)
	}
}

// A chat must not be pinged, nor shown a link that a reason smuggles in.
func TestChatsGetPlainText(t *testing.T) {
	r := newReceiver(t)
	for _, shape := range []string{"slack", "teams"} {
		w := &Webhook{Node: "north", Shape: shape, URL: fixed(r.URL), Client: r.Client()}
		if _, err := w.Send(t.Context(), aMessage()); err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(r.body, &v); err != nil {
			t.Fatal(err)
		}
		if r.last.Header.Get("Parley-Signature") != "" {
			t.Error("signed without a secret")
		}
		switch shape {
		case "slack":
			text, _ := v["text"].(string)
			if len(v) != 1 || strings.ContainsAny(text, "<>") || !strings.Contains(text, "&lt;!channel&gt;") {
				t.Errorf("slack: %s", r.body)
			}
		case "teams":
			if v["type"] != "message" || strings.Contains(string(r.body), `"TextBlock"`) || !strings.Contains(string(r.body), `"TextRun"`) {
				t.Errorf("teams: %s", r.body)
			}
		}
	}
}

func TestWebhookFails(t *testing.T) {
	r := newReceiver(t)
	w := &Webhook{Node: "north", Shape: "json", URL: fixed(r.URL + "/T00/B00/hidden"), Client: r.Client()}
	for _, c := range []struct {
		status int
		after  string
		want   time.Duration
	}{
		{503, "120", 2 * time.Minute}, {429, "", 0}, {404, "soon", 0}, {302, "", 0}, {500, "-5", 0},
		{503, time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 0}, {429, "99999999999999999999", 0},
	} {
		r.status, r.posts = c.status, 0
		r.header.Set("Retry-After", c.after)
		r.header.Set("Location", r.URL+"/elsewhere")
		_, err := w.Send(t.Context(), aMessage())
		b, ok := errors.AsType[*Busy](err)
		if !ok || b.After != c.want {
			t.Errorf("%d after %q: %v", c.status, c.after, err)
		}
		if r.posts != 1 {
			t.Errorf("%d: %d posts", c.status, r.posts)
		}
		if s := err.Error(); strings.Contains(s, "hidden") || strings.Contains(s, "s3cret") {
			t.Errorf("%d: the error tells too much: %s", c.status, s)
		}
	}
	r.Close()
	if _, err := w.Send(t.Context(), aMessage()); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("nobody there: %v", err)
	}
	for _, bad := range []string{"http://hooks.example/x", "https://u:p@hooks.example", "ftp://hooks.example", "hidden", "https:///hidden"} {
		w.URL = fixed(bad)
		if _, err := w.Send(t.Context(), aMessage()); err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A receiver that never answers is let go.
func TestWebhookIsPatientOnlyForAWhile(t *testing.T) {
	asked, let := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(asked); <-let }))
	defer s.Close()
	defer close(let)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	w := &Webhook{Node: "north", Shape: "json", URL: fixed(s.URL), Client: s.Client()}
	if _, err := w.Send(ctx, aMessage()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
