package jsm

import (
	"math"
	"net/http"
	"testing"
	"time"
)

var tenPast = time.Date(2026, 11, 22, 10, 10, 0, 0, time.UTC)

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestQuotaIsReadFromAnswers(t *testing.T) {
	for _, c := range []struct {
		name        string
		h           http.Header
		limit, left int // 0: none is told
		in          time.Duration
	}{
		{"nothing", headers(), 0, 0, 0},
		{"beta", headers("Beta-RateLimit-Policy", `"global-app-quota";q=65000;w=3600`, "Beta-RateLimit", `"global-app-quota";r=11000;t=600`), 65000, 11000, 10 * time.Minute},
		{"beta, the scarcer of two", headers("Beta-RateLimit-Policy", `"a";q=65000;w=3600, "b";q=900;w=3600`, "Beta-RateLimit", `"a";r=11000;t=600, "b";r=800;t=60`), 900, 800, time.Minute},
		{"beta, another window", headers("Beta-RateLimit-Policy", `"burst";q=100;w=1`, "Beta-RateLimit", `"burst";r=11;t=1`), 0, 0, 0},
		{"beta, half", headers("Beta-RateLimit-Policy", `"a";q=65000;w=3600`), 0, 0, 0},
		{"beta, nonsense", headers("Beta-RateLimit-Policy", `;;=,"`, "Beta-RateLimit", `"";r=99999999999;t=-1`), 0, 0, 0},
		{"success", headers("X-RateLimit-Limit", "65000", "X-RateLimit-Remaining", "64000", "X-RateLimit-Reset", "2026-11-22T11:00Z"), 65000, 64000, 50 * time.Minute},
		{"quota spent, seconds before the hour", headers("X-RateLimit-Limit", "65000", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "2026-11-22T10:10:20Z", "RateLimit-Reason", "jira-quota-global-based"), 65000, 0, 20 * time.Second},
		{"burst", headers("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "2026-11-22T10:10:01Z", "RateLimit-Reason", "jira-burst-based"), 0, 0, 0},
		{"burst without a reason", headers("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "7", "X-RateLimit-Reset", "2026-11-22T10:10:01Z"), 0, 0, 0},
		{"data center", headers("X-RateLimit-Limit", "70", "X-RateLimit-Remaining", "69", "X-RateLimit-FillRate", "5"), 0, 0, 0},
		{"a reset next week", headers("X-RateLimit-Limit", "65000", "X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "2026-11-29T10:10:01Z"), 0, 0, 0},
	} {
		limit, left, reset, ok := quota(c.h, tenPast)
		if ok != (c.limit > 0) || ok && (limit != c.limit || left != c.left || reset.Sub(tenPast) != c.in) {
			t.Errorf("%s: %d of %d until %s, %t", c.name, left, limit, reset, ok)
		}
	}
}

func FuzzQuota(f *testing.F) {
	f.Add(`"a";q=65000;w=3600`, `"a";r=11000;t=600`, "65000", "1", "2026-11-22T11:00Z")
	f.Add("", "", "9223372036854775807", "-1", "never")
	f.Fuzz(func(t *testing.T, policy, state, limit, left, reset string) {
		l, r, at, ok := quota(http.Header{
			"Beta-Ratelimit-Policy": {policy}, "Beta-Ratelimit": {state},
			"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {left}, "X-Ratelimit-Reset": {reset},
		}, tenPast)
		if ok && (l <= 0 || l > math.MaxInt32 || r < 0 || r > math.MaxInt32 || at.Sub(tenPast) > 2*window) {
			t.Errorf("%d of %d until %s", r, l, at)
		}
	})
}

// TestTheHourTurns by our clock, by Jira's where that differs, and never back because of an answer that came late.
func TestTheHourTurns(t *testing.T) {
	told := func(left, in string) http.Header {
		return headers("Beta-RateLimit-Policy", `"a";q=1000;w=3600`, "Beta-RateLimit", `"a";r=`+left+`;t=`+in)
	}
	b := newBudget(1000)
	now := tenPast
	k := &call{op: "PUT issue", method: http.MethodPut}
	for range 900 {
		b.end(k, 1, now)
	}
	if s := b.status(now); s.Used != 900 || !s.Resets.Equal(tenPast.Add(50*time.Minute)) || s.Spent[""] != 900 {
		t.Errorf("%+v", s)
	}
	b.learn(told("50", "3000"), now) // others spend too
	if s := b.status(now); s.Used != 950 {
		t.Errorf("%+v", s)
	}
	b.learn(told("70", "3000"), now) // an older answer
	if s := b.status(now); s.Used != 950 {
		t.Errorf("%+v", s)
	}
	now = now.Add(50 * time.Minute) // our clock is early: Jira's hour has five seconds left
	if s := b.status(now); s.Used != 0 {
		t.Errorf("%+v", s)
	}
	b.learn(told("0", "5"), now)
	if w := b.wait(false, 1, now); w < 5*time.Second || w > 7*time.Second {
		t.Errorf("wait %s", w)
	}
	now = now.Add(6 * time.Second)
	if w := b.wait(false, 1, now); w != 0 {
		t.Errorf("wait %s in the new hour", w)
	}
	b.learn(told("999", "3590"), now)
	b.learn(told("0", "0"), now) // comes late
	if w := b.wait(false, 1, now); w != 0 {
		t.Errorf("wait %s after an answer of the last hour", w)
	}
}

// TestWhatIsKeptIsReleased evenly, so that the whole quota can be used.
func TestWhatIsKeptIsReleased(t *testing.T) {
	b := newBudget(1000)
	start := tenPast.Truncate(time.Hour)
	b.turn(start)
	b.left = 300 // backfill has had its part and more
	w := b.wait(true, 1, start)
	if w < 16*time.Minute || w > 19*time.Minute { // 300 - 1 - 10 is kept when 0.72 of the hour is left
		t.Errorf("wait %s", w)
	}
	if again := b.wait(true, 1, start.Add(w)); again != 0 {
		t.Errorf("then again %s", again)
	}
	if w := b.wait(false, 1, start); w != 0 {
		t.Errorf("people wait %s", w)
	}
}

// TestACostIsAlwaysAffordable: a call that is thought to cost more than there ever is may be made all the same.
func TestACostIsAlwaysAffordable(t *testing.T) {
	b := newBudget(10)
	k := &call{op: "POST issue/bulkfetch", method: http.MethodPost, read: true, most: 101}
	if w := b.wait(false, b.cost(k), tenPast); w != 0 {
		t.Errorf("wait %s", w)
	}
	k.most = 0
	b.end(k, 500, tenPast.Add(-2*time.Hour))
	for i := range 200 {
		b.end(k, 3, tenPast)
		if i == 0 && b.expect[k.op] < 400 {
			t.Errorf("%d expected after one cheap call", b.expect[k.op])
		}
	}
	if b.expect[k.op] != 3 {
		t.Errorf("%d expected after 200 calls of 3 points", b.expect[k.op])
	}
}
