package node

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/conf"
)

// answering is a tenant in the process: it answers every request alike.
type answering struct {
	status int
	date   time.Time
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	h := http.Header{}
	if !a.date.IsZero() {
		h.Set("Date", a.date.UTC().Format(http.TimeFormat))
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func ask(t *testing.T, h *heard, method string) {
	t.Helper()
	r, err := http.NewRequest(method, "https://north.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
}

func TestClockIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heard{next: answering{status: http.StatusOK}}
		ask(t, h, http.MethodGet)
		if _, known := h.clock(); known {
			t.Error("an answer without a date told the time")
		}
		h.next = answering{status: http.StatusOK, date: time.Now().Add(90 * time.Second)}
		ask(t, h, http.MethodGet)
		if offset, known := h.clock(); !known || (offset-90*time.Second).Abs() > time.Second {
			t.Errorf("the clock is %s off (%v), want 90 s", offset, known)
		}
	})
}

// Only a refused write casts doubt on the schema, and only once in a while.
func TestDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heard{next: answering{status: http.StatusBadRequest}, doubt: make(chan struct{}, 1)}
		l := &live{n: &Node{tenant: &tenant{heard: h, schemas: map[string]readSchema{"SUP": {}}}}, refresh: make(chan chan struct{})}
		ask(t, h, http.MethodGet)
		if len(h.doubt) != 0 {
			t.Error("a refused read casts doubt")
		}
		read, began := time.Now(), time.Now()
		ask(t, h, http.MethodPut)
		l.idle(t.Context(), time.Hour, &read)
		if waited := time.Since(began); waited != time.Hour || len(l.n.tenant.schemas) != 1 {
			t.Errorf("a doubt right after a reading ended the wait after %s", waited)
		}
		read, began = time.Now(), time.Now()
		go func() {
			time.Sleep(2 * doubted) // virtual
			ask(t, h, http.MethodPut)
			ask(t, h, http.MethodPut)
		}()
		l.idle(t.Context(), time.Hour, &read)
		if waited := time.Since(began); waited != 2*doubted || len(l.n.tenant.schemas) != 0 {
			t.Errorf("a doubt long after it ended the wait after %s, schemas kept: %d", waited, len(l.n.tenant.schemas))
		}
	})
}

// A token_command is not run for every call, and its token is found anew later.
func TestTokenCommandIsRunRarely(t *testing.T) {
	counter := filepath.Join(t.TempDir(), "runs")
	c := conf.DefaultNode()
	c.Tenant = conf.Tenant{URL: "https://north.example", Flavor: "cloud", TokenCommand: "echo x >>" + counter + "; wc -l <" + counter + " | tr -d ' '"}
	n, err := newTenant(&c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if token, err := n.fetch(context.Background(), &c); err != nil || token != "1" {
			t.Fatalf("token %q, %v", token, err)
		}
	}
	n.fetched = time.Now().Add(-2 * commandToken)
	if token, err := n.fetch(context.Background(), &c); err != nil || token != "2" {
		t.Errorf("token %q, %v, where a fresh one is due", token, err)
	}
}

func TestDataCenterIsRefused(t *testing.T) {
	c := conf.DefaultNode()
	c.Tenant = conf.Tenant{URL: "https://jira.acme.example", Flavor: "datacenter"}
	if _, err := newTenant(&c, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a flavor that is not spoken was taken")
	}
}
