package transport

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sampleGreeting() *greeting {
	return &greeting{
		protocol: Versions{1, 2}, format: Versions{1, 4}, software: "parley 1.0", features: []string{"blobs", "zstd"},
		sent: time.UnixMilli(1764000000123), active: true, holds: [32]byte{7}, clock: []byte("signature"),
	}
}

func TestGreetingCrosses(t *testing.T) {
	want := sampleGreeting()
	got, err := decodeGreeting(put(want.encode(), 200, []byte("of a later version")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(greeting{})); diff != "" {
		t.Error(diff)
	}
}

func TestBadGreetingsAreRefused(t *testing.T) {
	change := func(f func(g *greeting)) []byte {
		g := sampleGreeting()
		f(g)
		return g.encode()
	}
	many := make([]string, maxFeatures+1)
	for i := range many {
		many[i] = fmt.Sprint("f", i)
	}
	for name, b := range map[string][]byte{
		"nothing":        nil,
		"cut":            sampleGreeting().encode()[:20],
		"empty range":    change(func(g *greeting) { g.protocol = Versions{3, 2} }),
		"no versions":    change(func(g *greeting) { g.format = Versions{} }),
		"hidden build":   change(func(g *greeting) { g.software = "a\x00b" }),
		"long build":     change(func(g *greeting) { g.software = string(make([]byte, maxName+1)) }),
		"many features":  change(func(g *greeting) { g.features = many }),
		"far clock":      change(func(g *greeting) { g.sent = time.UnixMilli(1 << 60) }),
		"too large":      put(sampleGreeting().encode(), 200, make([]byte, maxGreeting)),
		"large version":  put(nil, greetProtocolMin, bytes.Repeat([]byte{255}, 8)),
		"twice the same": append(sampleGreeting().encode(), put(nil, greetClock, nil)...),
	} {
		if g, err := decodeGreeting(b); !errors.Is(err, errRecord) {
			t.Errorf("%s: got %+v, %v", name, g, err)
		}
	}
}

func TestPositionsCross(t *testing.T) {
	want := make([][]byte, MaxPositions)
	for i := range want {
		want[i] = bytes.Repeat([]byte{byte(i)}, i%(MaxPosition+1))
	}
	b, err := encodePositions(want)
	if err != nil || len(b) > maxHello {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	got, err := decodePositions(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("position %d differs", i)
		}
	}
	if _, err := encodePositions(append(want, nil)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one more: %v", err)
	}
	if _, err := encodePositions([][]byte{make([]byte, MaxPosition+1)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a longer one: %v", err)
	}
	if _, err := decodePositions(put(b, 1, nil)); !errors.Is(err, errRecord) {
		t.Errorf("one more received: %v", err)
	}
	if _, err := decodePositions(put(nil, 1, make([]byte, MaxPosition+1))); !errors.Is(err, errRecord) {
		t.Errorf("a longer one received: %v", err)
	}
}

func TestAgreeKeepsTheFloor(t *testing.T) {
	for _, c := range []struct {
		ours, theirs Versions
		floor, want  uint16 // want 0: refused
	}{
		{Versions{1, 1}, Versions{1, 1}, 0, 1},
		{Versions{1, 3}, Versions{2, 5}, 0, 3},
		{Versions{1, 3}, Versions{1, 2}, 2, 2},
		{Versions{1, 3}, Versions{1, 2}, 3, 0}, // it sinks
		{Versions{1, 2}, Versions{3, 4}, 0, 0},
		{Versions{3, 4}, Versions{1, 2}, 0, 0},
	} {
		got, err := agree("it", c.ours, c.theirs, c.floor)
		if got != c.want || (err != nil) != (c.want == 0) || (err != nil && !errors.Is(err, ErrVersion)) {
			t.Errorf("%+v: got %d, %v", c, got, err)
		}
	}
}

func FuzzDecodeGreeting(f *testing.F) {
	f.Add(sampleGreeting().encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := decodeGreeting(b)
		if err != nil {
			return
		}
		again, err := decodeGreeting(g.encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g, again, cmp.AllowUnexported(greeting{})); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzDecodePositions(f *testing.F) {
	b, _ := encodePositions([][]byte{[]byte("a"), {}, []byte("bcd")})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		positions, err := decodePositions(b)
		if err != nil {
			return
		}
		again, err := encodePositions(positions)
		if err != nil || len(again) > len(b) {
			t.Errorf("%d bytes decode to positions of %d bytes, %v", len(b), len(again), err)
		}
	})
}
