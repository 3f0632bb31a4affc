package ledger

import (
	"fmt"
	"slices"
	"testing"

	"parley/replica"
)

// Marks are cleared up to a generation, of one ticket, however many there are.
func TestClearDirtyTakesFewAndMany(t *testing.T) {
	for _, many := range []int{0, 1, fewKeys, fewKeys + 1, 3 * fewKeys} {
		l := memory(t)
		mark := func(ticket string) uint64 {
			g, err := l.MarkDirty([]string{ticket}, "")
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		mark("10041")
		upTo := l.Generation()
		for range many {
			upTo = mark("10042")
		}
		newer := mark("10042")
		mark("10043")
		if err := l.ClearDirty("10042", upTo); err != nil {
			t.Fatal(err)
		}
		var left []string
		if err := l.Dirty(func(m Mark) bool { left = append(left, fmt.Sprint(m.Ticket, " ", m.Generation)); return true }); err != nil {
			t.Fatal(err)
		}
		if want := []string{"10041 2", fmt.Sprint("10042 ", newer), fmt.Sprint("10043 ", newer+1)}; !slices.Equal(left, want) {
			t.Errorf("%d cleared: left %v, want %v", many, left, want)
		}
	}
}

// What a node does for each change must not cost more with every change before it:
// a range deletion for each made every later read sort all of them.
func TestClearingLeavesReadsCheap(t *testing.T) {
	if raced {
		t.Skip("under the race detector Pebble checks itself, which allocates for each deletion that it meets")
	}
	l := memory(t)
	step := func() {
		g, err := l.MarkDirty([]string{"10042"}, "")
		if err == nil {
			err = l.ClearDirty("10042", g)
		}
		if err == nil {
			_, err = l.Intents("acme", replica.LinkID{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const rounds = 50
	early := testing.AllocsPerRun(rounds, step)
	for range 2000 {
		step()
	}
	if late := testing.AllocsPerRun(rounds, step); late > 2*early+50 {
		t.Errorf("a change allocates %.0f times, and %.0f times after 2,000 others", early, late)
	}
}
