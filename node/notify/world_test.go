package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a Store; it can fail.
type memory struct {
	mu    sync.Mutex
	b     []byte
	fails error
	saves int
}

func (m *memory) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.b), nil
}

func (m *memory) Save(b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails != nil {
		return m.fails
	}
	m.b, m.saves = slices.Clone(b), m.saves+1
	return nil
}

// world is what ails, and what each channel heard.
type world struct {
	mu    sync.Mutex
	ails  []Notice
	heard []heard
	tries int
	fail  func(Message) error // nil: everything is delivered
	store *memory
}

type heard struct {
	channel string
	at      time.Time
	Message
}

func newWorld() *world { return &world{store: &memory{}} }

func (w *world) set(ails ...Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ails = ails
}

func (w *world) failing(f func(Message) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = f
}

func (w *world) channel(c Channel) Channel {
	if c.Name == "" {
		c.Name = "ops"
	}
	c.Send = func(_ context.Context, m Message) (string, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tries++
		if w.fail != nil {
			if err := w.fail(m); err != nil {
				return "", err
			}
		}
		w.heard = append(w.heard, heard{c.Name, time.Now(), m})
		return "ref-" + m.Items[0].Key, nil
	}
	return c
}

// told is what was heard so far, a message a line: minute, channel, items.
func (w *world) told(began time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for _, h := range w.heard {
		var items []string
		for _, it := range h.Items {
			s := it.Key
			switch {
			case !it.Over.IsZero():
				s = "over " + s
			case it.Again:
				s = "more " + s
			}
			items = append(items, s)
		}
		lines = append(lines, fmt.Sprintf("%s %s: %s", h.at.Sub(began).Truncate(time.Minute), h.channel, strings.Join(items, ", ")))
	}
	return strings.Join(lines, "\n")
}

// run runs a notifier until stop is called.
func (w *world) run(t *testing.T, channels ...Channel) (stop func()) {
	t.Helper()
	n, err := New(Config{Channels: channels, Store: w.store, Look: func(context.Context) ([]Notice, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Clone(w.ails), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// pass lets time go by, a little beyond d, so that what is due then is done. It
// never ends at the moment of a look.
func pass(d time.Duration) {
	time.Sleep(d + 30*time.Second + time.Millisecond)
	synctest.Wait()
}

func (w *world) expect(t *testing.T, began time.Time, want string) {
	t.Helper()
	if got := w.told(began); got != want {
		t.Errorf("told:\n%s\nwant:\n%s", got, want)
	}
}

func ailing(key string, s Severity) Notice {
	return Notice{Key: key, Class: "test", Severity: s, Title: key + " ails"}
}
