package node_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var (
	seeds = flag.Int("seeds", 12, "how many seeds TestSimulation plays")
	from  = flag.Int("from", 0, "the first of them")
	seed  = flag.Int("seed", -1, "the one seed to play, for replaying a failure")
)

func TestMain(m *testing.M) {
	code := m.Run()
	if homes.dir != "" {
		if err := os.RemoveAll(homes.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// TestSimulation plays dramas; see the package doc.
func TestSimulation(t *testing.T) {
	single(t)
	first, end := *from, *from+*seeds
	if *seed >= 0 {
		first, end = *seed, *seed+1
	}
	clear(crossed)
	for n := first; n < end; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("replay: go test ./node -run 'TestSimulation$' -args -seed %d", n)
				}
			}()
			simulate(t, n, sound)
		})
	}
	t.Logf("%d seeds; found on the other side: %v", end-first, crossed)
}

// crossed counts what the checks found on the other side, by what it is, so that who reads a green run knows what it
// has seen. The seeds are played one after the other.
var crossed = map[string]int{}

// simulate plays one seed.
func simulate(t *testing.T, seed int, m mutant) []string {
	all := shapes()
	s := agreed(seed).apply(all[seed%len(all)])
	third := seed%3 == 0
	cast := s.cast(third)
	if seed%5 == 4 { // an hour's wrong clock, of one or both tenants, in either direction
		cast[0].skew = []time.Duration{time.Hour, -time.Hour, 0}[seed/5%3]
		cast[1].skew = []time.Duration{time.Hour, -time.Hour}[seed/15%2]
	}
	cast[seed%2].limited = seed%7 == 3
	for i := range cast {
		cast[i].swept = seed/2%2 == 0
	}
	return inWorld(t, uint64(seed), m, cast, func(w *world) {
		d := &drama{world: w, shape: s, north: w.by("north"), south: w.by("south"), skewed: seed%5 == 4}
		if third {
			d.client = w.by("client-a")
		}
		d.play()
	})
}
