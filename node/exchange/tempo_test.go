package exchange

import (
	"testing"
	"time"
)

func TestTempoFollowsWebhooks(t *testing.T) {
	now := time.Now()
	tempo := newTempo(10*time.Second, 2*time.Minute)
	poll := func(news ...string) time.Duration { return tempo.polled(news, now) }
	is := func(what string, got, want time.Duration) {
		t.Helper()
		if got != want {
			t.Errorf("%s: the next poll in %v, want %v", what, got, want)
		}
	}
	is("nothing happens", poll(), 10*time.Second)
	is("after a change", poll("1"), 5*time.Second)
	now = now.Add(30 * time.Second)
	is("still lively", poll(), 5*time.Second)
	now = now.Add(time.Minute)
	is("quiet again", poll(), 10*time.Second)
	for i, id := range []string{"1", "2"} {
		now = now.Add(10 * time.Second)
		tempo.heard(id, now.Add(-time.Second))
		is("hints come, and are not proven yet", poll(id), []time.Duration{5 * time.Second, 5 * time.Second}[i])
	}
	tempo.heard("3", now)
	is("proven", poll("3"), 20*time.Second)
	is("proven, and quiet", poll(), 40*time.Second)
	is("proven, and quiet", poll(), 80*time.Second)
	is("as slow as it may be", poll(), 2*time.Minute)
	is("as slow as it may be", poll(), 2*time.Minute)

	now = now.Add(2 * time.Minute)
	is("a change whose hint may still come", poll("4"), 2*time.Minute)
	tempo.heard("4", now.Add(20*time.Second))
	now = now.Add(2 * time.Minute)
	is("it came", poll(), 2*time.Minute)

	is("a change that no hint tells of", poll("5"), 2*time.Minute)
	now = now.Add(2 * time.Minute)
	is("none came", poll(), 10*time.Second)

	deaf := newTempo(10*time.Second, 0)
	for range 5 {
		deaf.heard("1", now)
		deaf.polled([]string{"1"}, now)
	}
	if got := deaf.polled(nil, now.Add(time.Hour)); got != 10*time.Second {
		t.Errorf("without a listener the next poll is in %v", got)
	}
	brisk := newTempo(250*time.Millisecond, 0)
	if got := brisk.polled([]string{"1"}, now); got != 250*time.Millisecond {
		t.Errorf("a brisk poller waits %v", got)
	}
}
