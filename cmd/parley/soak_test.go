package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 0, "how long TestSoak runs, as 10m")

// What a node may grow by while its peer is killed again and again, after it
// has warmed up. What people say meanwhile stays on their tickets, and with it in
// the views that a node looks at.
const (
	soakGrowth      = 1.25 // resident memory, late to early
	soakDescriptors = 8    // file descriptors more than early
)

// TestSoak kills one node every few seconds while people work on both sides and
// watches the other, half the time each way: nothing lost, nothing doubled, no
// memory or descriptor leaked.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("a long run: go test ./cmd/parley -run Soak -timeout 30m -args -soak 10m")
	}
	north, south := pairedFirms(t, killNorth, killSouth)
	d := &killDrama{t: t, firms: [2]*firm{north, south}, rng: rand.New(rand.NewPCG(1, 1)), pace: 300 * time.Millisecond}
	k := &killer{t: t, firms: d.firms, rng: rand.New(rand.NewPCG(1, 2))}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- d.play(stop) }()
	kills := 0
	for side, victim := range d.firms {
		kills += k.soak(victim, d.firms[1-side], *soak/2)
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatalf("a person cannot work: %v", err)
	}
	d.settle()
	d.quiet()
	t.Logf("%d kills (%d within a write), %d tickets, %d sayings, %d edits", kills, k.within, len(d.cases), len(d.sayings), d.edits)
	for _, f := range d.firms {
		f.end()
		f.checkLog()
		f.checkLedger()
	}
}

// soak kills the victim again and again and watches the other.
func (k *killer) soak(victim, watched *firm, length time.Duration) (kills int) {
	pid := watched.run.cmd.Process.Pid
	var memory, open []int
	for end := time.Now().Add(length); time.Now().Before(end); kills++ {
		k.killOne(victim)
		rest := time.NewTimer(time.Duration(1500+k.rng.IntN(2500)) * time.Millisecond)
		<-rest.C
		m, o := footprint(k.t, pid)
		memory, open = append(memory, m), append(open, o)
	}
	early, late := memory[len(memory)/4:len(memory)/2], memory[len(memory)*3/4:]
	if len(early) == 0 || len(late) == 0 {
		k.t.Fatalf("only %d samples: soak longer", len(memory))
	}
	before, after := median(early), median(late)
	k.t.Logf("%s while %s was killed %d times: %d to %d MiB resident, %d to %d descriptors", watched.name, victim.name, kills,
		before>>20, after>>20, median(open[len(open)/4:len(open)/2]), median(open[len(open)*3/4:]))
	if float64(after) > soakGrowth*float64(before) {
		k.t.Errorf("%s grew from %d to %d MiB", watched.name, before>>20, after>>20)
	}
	if was, now := median(open[len(open)/4:len(open)/2]), median(open[len(open)*3/4:]); now > was+soakDescriptors {
		k.t.Errorf("%s had %d descriptors, then %d", watched.name, was, now)
	}
	return kills
}

func median(of []int) int {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// footprint reads a process's resident bytes and its open descriptors.
func footprint(t *testing.T, pid int) (resident, descriptors int) {
	t.Helper()
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Skip("a process is watched through /proc: ", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize(), len(open)
}
