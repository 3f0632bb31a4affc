package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/conf"
)

// The plain story: it ails, one digest tells, it is over, one digest tells.
func TestTroubleIsToldOnceAndItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		stop := w.run(t, w.channel(Channel{Digest: 10 * time.Minute}))
		w.set(ailing("tenant", Warning), ailing("peer/b", Warning))
		pass(2 * time.Hour)
		w.set(ailing("peer/b", Warning))
		pass(time.Hour)
		stop()
		w.expect(t, began, "10m0s ops: peer/b, tenant\n2h12m0s ops: over tenant")
	})
}

func TestUrgentWaitsForNoDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		stop := w.run(t, w.channel(Channel{Digest: time.Hour}))
		w.set(ailing("held/a", Warning))
		pass(5 * time.Minute)
		w.set(ailing("held/a", Warning), ailing("disk", Urgent)) // takes along what waits
		pass(5 * time.Minute)
		w.set(ailing("held/a", Urgent), ailing("disk", Urgent)) // more severe than told
		pass(2 * time.Hour)
		stop()
		w.expect(t, began, "5m0s ops: disk, held/a\n11m0s ops: more held/a")
	})
}

// What comes and goes is one trouble; what was never told and is over is told in
// one line, except by a ticket.
func TestFlappingIsOneTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		stop := w.run(t, w.channel(Channel{Name: "chat", Digest: 20 * time.Minute}), w.channel(Channel{Name: "desk", Digest: 20 * time.Minute, Apart: true}))
		for range 8 {
			w.set(ailing("peer/b", Warning))
			pass(time.Minute)
			w.set()
			pass(0)
		}
		pass(time.Hour)
		stop()
		w.expect(t, began, "20m0s chat: over peer/b")
	})
}

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		stop := w.run(t, w.channel(Channel{}))
		n := ailing("peer/b", Warning)
		n.Patience = 15 * time.Minute
		w.set(n)
		pass(14 * time.Minute)
		w.set() // it healed in time, so it begins anew below
		pass(time.Minute)
		w.set(n)
		pass(14 * time.Minute)
		w.expect(t, began, "")
		pass(10 * time.Minute)
		stop()
		w.expect(t, began, "31m0s ops: peer/b")
	})
}

// New lines are told, and only they; fewer lines are no news.
func TestOnlyNewLinesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		stop := w.run(t, w.channel(Channel{Digest: time.Minute}))
		held := func(ages ...time.Duration) Notice {
			n := ailing("held/a", Warning)
			for _, a := range ages {
				n.Lines = append(n.Lines, Line{began.Add(a), fmt.Sprintf("T-%d waits", int(a.Minutes()))})
			}
			return n
		}
		w.set(held(2*time.Minute, time.Minute))
		pass(10 * time.Minute)
		w.set(held(2 * time.Minute))
		pass(10 * time.Minute)
		w.set(held(20*time.Minute, 2*time.Minute))
		pass(10 * time.Minute)
		stop()
		w.expect(t, began, "1m0s ops: held/a\n22m0s ops: more held/a")
		last := w.heard[len(w.heard)-1].Items[0]
		if len(last.Lines) != 1 || last.Lines[0].Text != "T-20 waits" || last.More != 1 {
			t.Errorf("the second message holds %+v", last)
		}
	})
}

// A night and a weekend, in a zone of their own: 2000-01-01, where a bubble's
// clock begins, is a Saturday.
func TestQuietTimes(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Kolkata") // UTC+5:30 all year
	if err != nil {
		t.Fatal(err)
	}
	q := conf.Quiet{Zone: zone, Spans: []conf.Span{{From: 22 * 60, To: 7 * 60}}, Days: []time.Weekday{time.Saturday, time.Sunday}}
	passes := q
	passes.UrgentPasses = true
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now() // Saturday 05:30 there
		stop := w.run(t, w.channel(Channel{Name: "calm", Quiet: q}), w.channel(Channel{Name: "pager", Quiet: passes, Floor: Urgent}))
		w.set(ailing("held/a", Warning), ailing("disk", Urgent))
		pass(49 * time.Hour) // Monday 06:30
		w.expect(t, began, "0s pager: disk")
		pass(time.Hour) // Monday 07:30
		w.expect(t, began, "0s pager: disk\n49h30m0s calm: disk, held/a")
		pass(15 * time.Hour) // Monday 22:30
		w.set()
		pass(8 * time.Hour)
		w.expect(t, began, "0s pager: disk\n49h30m0s calm: disk, held/a\n65h3m0s pager: over disk")
		pass(2 * time.Hour)
		stop()
		w.expect(t, began, "0s pager: disk\n49h30m0s calm: disk, held/a\n65h3m0s pager: over disk\n73h30m0s calm: over disk, over held/a")
	})
}

func TestFloor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		stop := w.run(t, w.channel(Channel{Floor: Urgent}))
		w.set(ailing("cert", Warning))
		pass(10 * time.Minute)
		w.set(ailing("cert", Urgent))
		pass(10 * time.Minute)
		w.set(ailing("cert", Warning)) // below the floor again, but it knows of it
		pass(10 * time.Minute)
		w.set()
		pass(10 * time.Minute)
		stop()
		w.expect(t, began, "10m0s ops: cert\n33m0s ops: over cert")
	})
}

// A failing channel is tried ever more slowly, with one id, and made afresh
// after an hour; another channel does not notice.
func TestFailingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		ids := map[string]int{}
		sick := w.channel(Channel{Name: "sick"})
		send := sick.Send
		var mended atomic.Bool
		sick.Send = func(ctx context.Context, m Message) (string, error) {
			ids[m.ID]++
			if !mended.Load() {
				return "", errors.New("refused")
			}
			return send(ctx, m)
		}
		stop := w.run(t, sick, w.channel(Channel{Name: "well"}))
		w.set(ailing("tenant", Urgent))
		pass(50 * time.Minute)
		if len(ids) != 1 {
			t.Errorf("%d ids within the hour", len(ids))
		}
		for id, tries := range ids {
			if tries < 6 || tries > 12 {
				t.Errorf("message %s was tried %d times in 50 minutes", id, tries)
			}
		}
		w.set() // it is over; the message made afresh says so
		pass(30 * time.Minute)
		mended.Store(true)
		pass(20 * time.Minute)
		stop()
		if len(ids) != 2 {
			t.Errorf("%d ids in all", len(ids))
		}
		w.expect(t, began, "0s well: tenant\n52m0s well: over tenant\n1h30m0s sick: over tenant")
	})
}

func TestReceiverSaysWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		w.failing(func(Message) error {
			if time.Since(began) < 10*time.Minute {
				return &Busy{40 * time.Minute, errors.New("429")}
			}
			return nil
		})
		stop := w.run(t, w.channel(Channel{}))
		w.set(ailing("tenant", Urgent))
		pass(time.Hour)
		stop()
		w.expect(t, began, "40m0s ops: tenant")
		if w.tries != 2 {
			t.Errorf("%d tries", w.tries)
		}
	})
}

// What was told is known after a restart, and so is what was not; a message on
// its way keeps its id, whether or not it had arrived.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		var ids []string
		tried := make(chan struct{})
		w.failing(func(m Message) error {
			if m.Items[0].Key == "disk" {
				ids = append(ids, m.ID)
				if len(ids) == 1 {
					close(tried)
					return errors.New("the answer was lost")
				}
			}
			return nil
		})
		c := w.channel(Channel{})
		stop := w.run(t, c)
		w.set(ailing("tenant", Warning))
		pass(time.Minute)
		w.set(ailing("tenant", Warning), ailing("disk", Urgent))
		<-tried
		synctest.Wait()
		stop() // killed before the second try
		w.set(ailing("disk", Urgent))
		stop = w.run(t, c)
		pass(10 * time.Minute)
		stop()
		w.expect(t, began, "0s ops: tenant\n2m0s ops: disk\n3m0s ops: over tenant")
		if len(ids) != 2 || ids[0] != ids[1] {
			t.Errorf("tried as %v", ids)
		}
		stop = w.run(t, c) // and once more: nothing is left to tell
		pass(time.Hour)
		stop()
		if len(w.heard) != 3 {
			t.Errorf("told again: %s", w.told(began))
		}
	})
}

// A record that cannot be read costs a repetition, not the notices.
func TestDamagedRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		w.store.b = []byte(`{"troubles":`)
		stop := w.run(t, w.channel(Channel{}))
		w.set(ailing("tenant", Warning))
		pass(time.Minute)
		stop()
		w.expect(t, began, "0s ops: tenant")
	})
}

// Just after a start nobody knows whether a trouble still stands.
func TestUnknownChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		stop := w.run(t, w.channel(Channel{}))
		w.set(ailing("tenant", Urgent))
		pass(time.Minute)
		w.set(Notice{Key: "tenant", Unknown: true}, Notice{Key: "other", Unknown: true})
		pass(time.Hour)
		w.expect(t, began, "0s ops: tenant")
		w.set()
		pass(12 * time.Minute)
		stop()
		if !strings.Contains(w.told(began), "over tenant") {
			t.Error("its end was not told")
		}
	})
}

// Nothing is sent that is not on disk first.
func TestNothingIsSentUnsaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := newWorld(), time.Now()
		w.store.fails = errors.New("no space left")
		stop := w.run(t, w.channel(Channel{}))
		w.set(ailing("disk", Urgent))
		pass(10 * time.Minute)
		w.expect(t, began, "")
		w.store.mu.Lock()
		w.store.fails = nil
		w.store.mu.Unlock()
		pass(time.Minute)
		stop()
		w.expect(t, began, "10m0s ops: disk")
	})
}

// A ticket's troubles are apart: one that is refused stops no other, later news
// bear the reference, and one that is over before it was made is moot.
func TestApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var moot []bool
		w.failing(func(m Message) error {
			if len(m.Items) != 1 {
				return fmt.Errorf("%d troubles in one", len(m.Items))
			}
			if m.Items[0].Key == "a" {
				moot = append(moot, m.Moot)
				return errors.New("refused")
			}
			return nil
		})
		stop := w.run(t, w.channel(Channel{Apart: true}))
		w.set(ailing("a", Warning), ailing("b", Warning), ailing("c", Warning))
		pass(5 * time.Minute)
		w.set(ailing("c", Urgent))
		pass(30 * time.Minute)
		stop()
		var got []string
		for _, h := range w.heard {
			got = append(got, fmt.Sprintf("%s over=%v ref=%s", h.Items[0].Key, !h.Items[0].Over.IsZero(), h.Ref))
		}
		slices.Sort(got)
		want := []string{"b over=false ref=", "b over=true ref=ref-b", "c over=false ref=", "c over=false ref=ref-c"}
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if len(moot) < 3 || moot[0] || !moot[len(moot)-1] {
			t.Errorf("moot: %v", moot)
		}
	})
}

// However much ails, and however long nobody listens, what is kept is bounded.
func TestBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.failing(func(Message) error { return errors.New("nobody there") })
		stop := w.run(t, w.channel(Channel{}), w.channel(Channel{Name: "desk", Apart: true}))
		long := strings.Repeat("ü", 100_000)
		for round := range 3 {
			var all []Notice
			for i := range 2 * maxTroubles {
				n := ailing(fmt.Sprintf("k%d", i+round*maxTroubles), Urgent)
				for range 2 * maxLines {
					n.Lines = append(n.Lines, Line{time.Now(), long})
				}
				all = append(all, n)
			}
			w.set(all...)
			pass(0)
		}
		stop()
		if size := len(w.store.b); size > maxBook {
			t.Errorf("%d bytes are stored", size)
		}
		k, err := readBook(w.store.b, []Channel{{Name: "ops"}, {Name: "desk"}})
		if err != nil || len(k.Troubles) > maxTroubles || len(k.Pages["desk"].Waiting) > maxTroubles {
			t.Errorf("%d troubles, %d messages (%v)", len(k.Troubles), len(k.Pages["desk"].Waiting), err)
		}
	})
}
