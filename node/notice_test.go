package node

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm"
	"parley/jsm/sim"
	"parley/node/ledger"
	"parley/node/notify"
)

// words are a sight's notices, a line each.
func words(s sight) string {
	var lines []string
	for _, n := range s.notices() {
		line := fmt.Sprintf("%s %s %s %q", n.Key, n.Severity, n.Patience, n.Title)
		if n.Unknown {
			line = n.Key + " unknown"
		}
		for _, l := range n.Lines {
			line += "\n  " + l.Text
		}
		if n.More > 0 {
			line += fmt.Sprintf("\n  and %d more", n.More)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestWhatIsNoticed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	well := func(change func(*sight)) sight {
		s := sight{at: now, conf: conf.Notify{TenantDown: time.Minute, PeerDown: 15 * time.Minute}, site: "https://n.example", asked: true,
			standing: jsm.Standing{State: jsm.Up}, peers: []peerSight{{name: "globex", up: true}}, connections: []connectionSight{{name: "desk", peer: "globex"}}}
		change(&s)
		return s
	}
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		change func(*sight)
		want   string
	}{
		"nothing":    {func(*sight) {}, ""},
		"just begun": {func(s *sight) { s.asked = false; s.trouble = "it has not been asked yet" }, "tenant unknown\nconnection/desk unknown"},
		"no entry":   {func(s *sight) { s.standing = jsm.Standing{State: jsm.Stopped, Trouble: jsm.TroubleToken} }, `tenant urgent 0s "The tenant https://n.example is stopped: Jira does not let parley's account in."`},
		"limit": {func(s *sight) {
			s.standing = jsm.Standing{State: jsm.Paused, Trouble: jsm.TroubleLimit}
			s.trouble = "429"
		}, `tenant/limit warning 15m0s "Jira's limit is reached, and the node waits for the next hour's quota"`},
		"poll fails": {func(s *sight) { s.trouble = "reading: EOF"; s.connections[0].trouble = "the tenant cannot be read" }, `tenant urgent 1m0s "The tenant https://n.example cannot be read"`},
		"peer down":  {func(s *sight) { s.peers[0].up = false; s.connections[0].trouble = "gone" }, `peer/globex warning 15m0s "The partner globex cannot be reached"`},
		"rules":      {func(s *sight) { s.connections[0].trouble = "the rules do not fit" }, `connection/desk urgent 1m0s "Connection desk stands still: the rules do not fit"`},
		"by hand": {func(s *sight) {
			s.connections[0].paused = pausedByHand + " on Monday"
			s.connections[0].trouble = "paused"
		}, ""},
		"its limit": {func(s *sight) { s.connections[0].paused = "its limit of 5 tickets a day is reached" }, `paused/desk warning 0s "Connection desk is paused: its limit of 5 tickets a day is reached"`},
		"disk":      {func(s *sight) { s.full = "the disk is 91 % full" }, `disk urgent 0s "No new work is taken: the disk is 91 % full"`},
		"far end":   {func(s *sight) { s.ends = []lastDay{{"it", "", now.Add(31 * day)}} }, ""},
		"month":     {func(s *sight) { s.ends = []lastDay{{"it", "", now.Add(29 * day)}} }, "end/it warning 0s \"It ends on 2026-03-30\"\n  30 days are left"},
		"last days": {func(s *sight) { s.ends = []lastDay{{"it", "", now.Add(2 * day)}} }, "end/it urgent 0s \"It ends on 2026-03-03\"\n  3 days are left"},
		"ended":     {func(s *sight) { s.ends = []lastDay{{"it", "", now.Add(-day)}} }, "end/it urgent 0s \"It ends on 2026-02-28\"\n  it has ended"},
		"held": {func(s *sight) {
			s.connections[0].waits, s.connections[0].held = 3, []ledger.Held{{Key: "SUP-7", Class: ledger.Definite, Reason: "no P9"}}
		}, "held/desk warning 0s \"Work waits on connection desk\"\n  SUP-7 (definite): no P9\n  and 2 more"},
	} {
		if got := words(well(c.change)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// What is tried again by itself is news only once it has waited a while, and
// then at that time, not at its beginning.
func TestHeldIsRipe(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		class ledger.Class
		age   time.Duration
		want  bool
	}{
		{ledger.Definite, 0, true}, {ledger.Policy, 0, true}, {ledger.Transient, time.Minute, false}, {ledger.Transient, heldAlone, true},
		{ledger.Peer, time.Minute, false}, {ledger.Peer, time.Hour, true}, {ledger.Tenant, time.Hour, false},
	} {
		h := ledger.Held{Class: c.class, Since: now.Add(-c.age).UnixMilli()}
		if got := ripeHeld(h, now); got != c.want {
			t.Errorf("%s for %s: %v", c.class, c.age, got)
		}
		if c.want && heldAt(h).After(now) {
			t.Errorf("%s for %s: news of the future", c.class, c.age)
		}
	}
	var many []ledger.Held
	for i := range 3 * maxHeldLines {
		many = append(many, ledger.Held{Since: int64(i)})
	}
	if got := youngest(many); len(got) != maxHeldLines || got[0].Since != int64(3*maxHeldLines-1) {
		t.Errorf("the youngest are %v", got)
	}
}

// deskOf opens a node beside a simulated tenant.
func deskOf(t *testing.T) (*sim.Tenant, *noticeDesk) {
	t.Helper()
	tenant, err := sim.New(sim.Config{Name: "south"})
	if err != nil {
		t.Fatal(err)
	}
	at := httptest.NewServer(tenant)
	t.Cleanup(at.Close)
	tenant.SetURL(at.URL)
	account, _ := tenant.Account(sim.Sync)
	t.Setenv("SOUTH_TOKEN", account.Token)
	dir := filepath.Join(t.TempDir(), "home")
	if err := Init(dir, InitOptions{Name: "south", Tenant: conf.Tenant{URL: at.URL, User: account.Email, TokenEnv: "SOUTH_TOKEN"}, DialOnly: true}); err != nil {
		t.Fatal(err)
	}
	n, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	n.conf.Settle.Create, n.conf.Settle.Comment = 0, 0
	return tenant, &noticeDesk{n, conf.Channel{Name: "desk", Kind: "ticket", Project: "HELP", RequestType: "Report a problem"}}
}

func notice(id, key string, change func(*notify.Message)) notify.Message {
	m := notify.Message{ID: id, Made: time.Now(), Items: []notify.Item{{Since: time.Now(), Notice: notify.Notice{Key: key, Severity: notify.Urgent, Title: key + " ails"}}}}
	if change != nil {
		change(&m)
	}
	return m
}

// ours are the tenant's tickets that are notices.
func ours(t *testing.T, d *noticeDesk) (all []*jsm.Ticket) {
	t.Helper()
	found, err := d.n.tenant.client.Search(t.Context(), `project = HELP AND summary ~ "parley"`, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range found {
		whole, err := d.n.tenant.client.Ticket(t.Context(), one.ID)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, whole)
	}
	slices.SortFunc(all, func(a, b *jsm.Ticket) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// One trouble, one open ticket: later news are internal comments, each once,
// even where what was made is not remembered.
func TestNoticeIsOneTicket(t *testing.T) {
	_, d := deskOf(t)
	send := func(m notify.Message) string {
		t.Helper()
		ref, err := d.send(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	over := func(m *notify.Message) { m.Items[0].Over = time.Now() }
	if ref := send(notice("m0", "peer/x", over)); ref != "" {
		t.Errorf("ticket %s was opened over what is past", ref)
	}
	first := send(notice("m1", "peer/a", nil))
	again := send(notice("m1", "peer/a", nil)) // the node was killed before it noted the ticket
	more := send(notice("m2", "peer/a", func(m *notify.Message) { m.Ref = first }))
	send(notice("m2", "peer/a", func(m *notify.Message) { m.Ref = first })) // or the comment
	last := send(notice("m3", "peer/a", over))
	if first == "" || again != first || more != first || last != first {
		t.Errorf("tickets %q %q %q %q", first, again, more, last)
	}
	all := ours(t, d)
	if len(all) != 1 {
		t.Fatalf("%d tickets", len(all))
	}
	one := all[0]
	if !strings.Contains(string(one.Fields["labels"]), "parley-notice") || !ofNotice(one, noticeToken(d.n, "peer/a")) || len(one.Marks) != 1 {
		t.Errorf("labels %s, marks %v", one.Fields["labels"], one.Marks)
	}
	if len(one.Comments) != 2 || one.Comments[0].Public || one.Comments[1].Public {
		t.Errorf("comments %+v", one.Comments)
	}
	if other := send(notice("m4", "peer/b", nil)); other == first {
		t.Error("two troubles share a ticket")
	}
}

// A lost answer makes no second ticket, and a lost request makes one.
func TestNoticeTicketSurvivesFaults(t *testing.T) {
	for _, kind := range []string{"applied", "lost", "drop", "status"} {
		t.Run(kind, func(t *testing.T) {
			tenant, d := deskOf(t)
			if _, err := d.send(t.Context(), notice("m0", "warm", nil)); err != nil { // its schema is read
				t.Fatal(err)
			}
			tenant.Fault(sim.Fault{Kind: kind, Method: "POST", Path: "/rest/servicedeskapi/request", Status: 503})
			m := notice("m1", "peer/a", nil)
			if _, err := d.send(t.Context(), m); err == nil {
				t.Fatal("the fault did not strike")
			}
			ref, err := d.send(t.Context(), m)
			if err != nil || ref == "" {
				t.Fatalf("ticket %q, %v", ref, err)
			}
			if all := ours(t, d); len(all) != 2 {
				t.Errorf("%d tickets where two are due", len(all))
			}
			if tried, err := d.tried(noticeToken(d.n, "peer/a")); err != nil || !tried.IsZero() {
				t.Errorf("an intent is left from %s (%v)", tried, err)
			}
		})
	}
}

func TestNoticeNamesWhatIsMissing(t *testing.T) {
	_, d := deskOf(t)
	d.c.RequestType = "No such form"
	if _, err := d.send(t.Context(), notice("m1", "peer/a", nil)); err == nil || !strings.Contains(err.Error(), `no request type "No such form"`) {
		t.Errorf("got %v", err)
	}
}
