package main

import (
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"parley/node/ledger"
)

// stopLimit is how long a node may take to stop while its tenant answers: it has
// 20 s for writes under way, of which a healthy tenant needs a few.
const stopLimit = 20 * time.Second

// A node that is asked to stop while people work and replicas cross finishes the
// writes that are under way: it ends with status 0 and leaves none on disk whose
// outcome it does not know. What was in flight between the nodes is receipted or
// kept: once the node runs again nothing is lost and nothing doubled.
func TestStoppedNodesFinishWhatTheyBegan(t *testing.T) {
	t.Parallel()
	north, south := pairedFirms(t, killNorth, killSouth)
	rng := rand.New(rand.NewPCG(7, 1))
	d := &killDrama{t: t, firms: [2]*firm{north, south}, rng: rand.New(rand.NewPCG(7, 2))}
	done, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- d.play(done) }()
	within := 0
	for i := range 8 {
		f := d.firms[i%2]
		f.awaitConnection("desk", "up", "")
		if f.stopWithin(time.Duration(200+rng.IntN(800)) * time.Millisecond) {
			within++
		}
		f.checkNoIntent()
		f.start()
	}
	close(done)
	if err := <-stopped; err != nil {
		t.Fatalf("a person cannot work: %v", err)
	}
	if within == 0 {
		t.Error("no node was ever stopped in the middle of a write")
	}
	d.settle()
	d.quiet()
	t.Logf("8 stops (%d within a write), %d tickets, %d sayings, %d edits", within, len(d.cases), len(d.sayings), d.edits)
	for _, f := range d.firms {
		f.end()
		f.checkLog()
		f.checkLedger()
	}
}

// stopWithin asks the node to stop in the middle of its next write, when Jira has
// carried it out and the answer is not on its way yet, or after a while without
// one. It says whether it was within a write.
func (f *firm) stopWithin(latest time.Duration) (within bool) {
	f.t.Helper()
	struck := make(chan error, 1)
	process := f.run.cmd.Process
	f.front.strike(creates, func() { struck <- process.Signal(syscall.SIGTERM) })
	late := time.NewTimer(latest)
	defer late.Stop()
	var err error
	select {
	case err = <-struck:
		within = true
	case <-late.C:
		if within = !f.front.spare(); within { // it strikes right now
			err = <-struck
		} else {
			err = process.Signal(syscall.SIGTERM)
		}
	}
	if err != nil {
		f.t.Fatal(err)
	}
	began := time.Now()
	err = f.run.cmd.Wait()
	f.run.ended = true
	if took := time.Since(began); err != nil || took > stopLimit {
		f.t.Errorf("the node of %s took %v to stop: %v", f.name, took, err)
	}
	return within
}

// checkNoIntent looks whether a node that has ended left a write of which it does
// not know what became.
func (f *firm) checkNoIntent() {
	f.t.Helper()
	l, err := ledger.Open(ledger.Config{Dir: filepath.Join(f.home, "ledger"), ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	err = l.OpenIntents(func(in ledger.Intent) bool {
		f.t.Errorf("%s left a write open: %s of %s", f.name, in.Effect, in.Path)
		return true
	})
	if err != nil {
		f.t.Error(err)
	}
	if err := l.Close(); err != nil {
		f.t.Error(err)
	}
}
