package jsm_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"parley/jsm"
	"parley/jsm/sim"
)

// remembered is a ticket with more of everything than its own answer brings, on a tenant whose clock moves by a minute
// with each deed, and two clients of it: one remembers, the other does not.
type remembered struct {
	t        *testing.T
	tenant   *sim.Tenant
	ann      sim.Person
	id, key  string
	comments []string // ids
	fields   []string
	recalls  *jsm.Client
	whole    *jsm.Client
	asked    *atomic.Int64 // calls of recalls
}

type tallied struct{ n *atomic.Int64 }

func (c tallied) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

func (r *remembered) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func remember(t *testing.T) *remembered {
	t.Helper()
	r := &remembered{t: t, asked: new(atomic.Int64)}
	var err error
	r.tenant, err = sim.New(sim.Config{Name: "west", Seed: fullSite(t), NoLimits: true})
	r.must(err)
	srv := httptest.NewServer(r.tenant)
	t.Cleanup(srv.Close)
	me, _ := r.tenant.Account(sim.Sync)
	client := func(way http.RoundTripper) *jsm.Client {
		c, err := jsm.New(jsm.Config{Base: srv.URL, HTTP: &http.Client{Transport: way}, Auth: jsm.Auth{User: me.Email, Token: jsm.Token(me.Token)}})
		r.must(err)
		return c
	}
	r.recalls, r.whole = client(tallied{r.asked}), client(nil)
	r.recalls.Recall(1 << 20)
	s, err := r.whole.Schema(t.Context(), "DESK")
	r.must(err)
	r.ann = r.tenant.As("ann@west.example")
	r.id = newTicket(t, r.whole, s)
	first, err := r.whole.Ticket(t.Context(), r.id)
	r.must(err)
	r.key = first.Key
	for i := range 130 { // two pages
		id, err := r.ann.Comment(r.key, fmt.Sprint("remark ", i), i%2 == 0)
		r.must(err)
		r.comments = append(r.comments, id)
	}
	for i := range 25 {
		r.must(r.ann.Log(r.key, int64(60*(i+1)), "work"))
	}
	r.must(r.ann.WebLink(r.key, "https://wiki.example/1", "A page"))
	r.must(r.ann.Watch(r.key, "ann@west.example"))
	r.fields = []string{"summary", "watches", jsm.WatcherList, jsm.FieldWorklogs, jsm.WorklogList, jsm.WebLinkList}
	r.read()
	return r
}

// read reads the ticket with the client that remembers, and tells what that cost.
func (r *remembered) read() (got *jsm.Ticket, calls int64) {
	r.t.Helper()
	before := r.asked.Load()
	found, err := r.recalls.Tickets(r.t.Context(), []string{r.id}, r.fields)
	r.must(err)
	return found[r.id], r.asked.Load() - before
}

// differs tells which part of a ticket is not as a whole read shows it; "" where all are.
func (r *remembered) differs(got *jsm.Ticket) string {
	r.t.Helper()
	found, err := r.whole.Tickets(r.t.Context(), []string{r.id}, r.fields)
	r.must(err)
	want := found[r.id]
	for i := range want.Worklogs { // marks come with a call of their own
		want.Worklogs[i].Mark = got.Worklogs[min(i, len(got.Worklogs)-1)].Mark
	}
	for part, pair := range map[string][2]any{
		"comments": {got.Comments, want.Comments}, "work logs": {got.Worklogs, want.Worklogs}, "web links": {got.WebLinks, want.WebLinks},
		"watchers": {string(got.Fields["watches"]), string(want.Fields["watches"])}, "summary": {string(got.Fields["summary"]), string(want.Fields["summary"])},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			return part
		}
	}
	return ""
}

func TestWhatAnAnswerLeavesOutIsReadWhereItTellsThatItChanged(t *testing.T) {
	const whole = 6 // bulkfetch, 2 pages of comments, work logs, web links, watchers
	for _, c := range []struct {
		name  string
		deed  func(r *remembered) error
		calls int64  // of the read after it
		stale string // the part that is not seen, and owed
		owed  bool
	}{
		{"nothing", func(r *remembered) error { return nil }, 1, "", false},
		{"a field", func(r *remembered) error { return r.ann.SetField(r.key, "summary", "Other words") }, 1, "", true},
		{"two fields, a minute apart", func(r *remembered) error {
			err := r.ann.SetField(r.key, "summary", "Other words")
			r.tenant.Advance(time.Minute)
			return firstOf(err, r.ann.SetField(r.key, "Contract", "C-1"))
		}, 1, "", true},
		{"a new comment", func(r *remembered) error { _, err := r.ann.Comment(r.key, "one more", true); return err }, 2, "", true},
		{"150 new comments", func(r *remembered) (err error) {
			for i := range 150 {
				_, e := r.ann.Comment(r.key, fmt.Sprint("more ", i), true)
				err = firstOf(err, e)
			}
			return err
		}, 3, "", true},
		{"an edit of an old comment", func(r *remembered) error { return r.ann.EditComment(r.key, r.comments[100], "in other words") }, whole - 1, "", true},
		{"an edit of the first comment", func(r *remembered) error { return r.ann.EditComment(r.key, r.comments[0], "in other words") }, 1, "", true},
		{"a comment less", func(r *remembered) error { return r.ann.DeleteComment(r.key, r.comments[60]) }, whole - 1, "", true},
		{"one less and one more", func(r *remembered) error {
			_, err := r.ann.Comment(r.key, "one more", true)
			return firstOf(err, r.ann.DeleteComment(r.key, r.comments[60]))
		}, whole - 1, "", true},
		{"a work log", func(r *remembered) error { return r.ann.Log(r.key, 7200, "more work") }, 2, "", true},
		{"a watcher", func(r *remembered) error { return r.ann.Watch(r.key, "sync@west.example") }, 2, "", false},
		{"a web link", func(r *remembered) error { return r.ann.WebLink(r.key, "https://wiki.example/2", "Another") }, 1, "web links", false},
		{"an old comment, and then a field", func(r *remembered) error {
			err := r.ann.EditComment(r.key, r.comments[100], "in other words")
			r.tenant.Advance(time.Minute)
			return firstOf(err, r.ann.SetField(r.key, "summary", "Other words"))
		}, 1, "comments", true},
		{"a web link, and then a field", func(r *remembered) error {
			return firstOf(r.ann.WebLink(r.key, "https://wiki.example/2", "Another"), r.ann.SetField(r.key, "summary", "Other words"))
		}, 1, "web links", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := remember(t)
			r.tenant.Advance(time.Minute)
			r.must(c.deed(r))
			got, calls := r.read()
			if calls != c.calls {
				t.Errorf("%d calls, want %d", calls, c.calls)
			}
			if part := r.differs(got); part != c.stale {
				t.Errorf("the part that differs is %q, want %q", part, c.stale)
			}
			if got.Owed() != c.owed {
				t.Errorf("owed %v, want %v", got.Owed(), c.owed)
			}
			r.recalls.Forget(r.key)
			if got, _ = r.read(); r.differs(got) != "" || got.Owed() {
				t.Errorf("a whole read differs in %q, owed %v", r.differs(got), got.Owed())
			}
			if got, calls = r.read(); calls != 1 || got.Owed() {
				t.Errorf("%d calls after it, owed %v", calls, got.Owed())
			}
		})
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// What is owed stays owed until a whole read.
func TestOwedUntilAWholeRead(t *testing.T) {
	r := remember(t)
	r.tenant.Advance(time.Minute)
	r.must(r.ann.SetField(r.key, "summary", "Other words"))
	for range 3 {
		if got, calls := r.read(); !got.Owed() || calls != 1 {
			t.Errorf("owed %v after %d calls", got.Owed(), calls)
		}
	}
	r.tenant.Advance(time.Minute)
	r.must(r.ann.SetField(r.key, "summary", "And others"))
	if got, _ := r.read(); !got.Owed() {
		t.Error("the next edit pays for none before it")
	}
}

// A client changes parts itself, and by an edit of a field sees what it has changed.
func TestOwnWritesAreNotTakenFromMemory(t *testing.T) {
	r := remember(t)
	ctx := t.Context()
	r.tenant.Advance(time.Minute)
	_, err := r.recalls.EditComment(ctx, r.id, r.comments[100], jsm.Rich(adfHello))
	r.must(err)
	if got, calls := r.read(); calls != 1 || r.differs(got) != "" {
		t.Errorf("%d calls, and %q differs", calls, r.differs(got))
	}
	_, err = r.recalls.PutRemoteLink(ctx, r.id, jsm.RemoteLink{GlobalID: "x", URL: "https://wiki.example/9", Title: "Ours"})
	r.must(err)
	r.tenant.Advance(time.Minute)
	got, err := r.recalls.Edit(ctx, r.id, jsm.Edit{Set: map[string]jsm.Value{"summary": "Other words"}})
	r.must(err)
	if part := r.differs(got); part != "" || got.Owed() {
		t.Errorf("%q differs, owed %v", part, got.Owed())
	}
}

// Memory is bounded: what was read longest ago is read whole again.
func TestRecallIsBounded(t *testing.T) {
	r := remember(t)
	r.recalls.Recall(1 << 10)
	r.tenant.Advance(time.Minute)
	r.must(r.ann.SetField(r.key, "summary", "Other words"))
	if got, calls := r.read(); calls != 6 || got.Owed() {
		t.Errorf("%d calls, owed %v", calls, got.Owed())
	}
}
