package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var soak = flag.Duration("soak", 0, "how long TestSoak runs, as 10m")

// What a node may grow by while its peer is killed again and again, once it has
// warmed up. The people's work is steady: as many tickets are brought to their
// end as are raised.
//
// The Go heap is flat after two minutes (measured over a quarter of an hour). What goes on
// growing is what the ledger writes, in memtables until 8 MiB of them are flushed together,
// and then in the block cache, 16 MiB; so the bytes of the logs are taken off.
const (
	soakLife        = 40              // acts on a ticket until it is resolved
	soakWarm        = 2               // the first part of its time, 1/2, is for warming up
	soakBucket      = 6 * time.Second // samples of which the median is one point of the line
	soakSlope       = 512 << 10       // bytes a minute of resident memory that count as growth, if certain
	soakDescriptors = 8               // file descriptors more than early
)

// TestSoak kills one node every few seconds while people work on both sides and
// watches the other, which is never interrupted, half the time each way: nothing
// lost, nothing doubled, no memory or descriptor leaked.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("a long run: go test ./cmd/parley -run Soak -timeout 30m -args -soak 10m")
	}
	north, south := pairedFirms(t, killNorth, killSouth)
	d := &killDrama{
		t: t, firms: [2]*firm{north, south}, rng: rand.New(rand.NewPCG(1, 1)),
		pace: 300 * time.Millisecond, life: soakLife,
	}
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
	t.Logf("%d kills (%d within a write), %d tickets of which %d are open, %d sayings, %d edits",
		kills, k.within, len(d.cases), len(d.live()), len(d.sayings), d.edits)
	for _, f := range d.firms {
		f.end()
		f.checkLog()
		f.checkLedger()
	}
}

// written is how far each of a ledger's logs was written when it was last looked at, by its name.
type written map[string]int

// soak kills the victim again and again and watches the other.
func (k *killer) soak(victim, watched *firm, length time.Duration) (kills int) {
	var seen []footprint
	logs := written{}
	began := time.Now()
	for time.Since(began) < length {
		k.killOne(victim)
		kills++
		rest := time.NewTimer(time.Duration(1500+k.rng.IntN(2500)) * time.Millisecond)
		<-rest.C
		f := watched.footprint(logs)
		f.age = time.Since(began)
		seen = append(seen, f)
	}
	warm := seen[len(seen)/soakWarm:]
	end := warm[len(warm)-1]
	measured := end.age - warm[0].age
	if measured < 5*soakBucket {
		k.t.Fatalf("%s was watched for %v: soak longer", watched.name, measured)
	}
	resident := trend(warm, func(f footprint) int { return f.resident })
	private := trend(warm, func(f footprint) int { return f.private - f.unflushed })
	open := trend(warm, func(f footprint) int { return f.open })
	k.t.Logf("%s while %s was killed %d times, %v to %v: resident %s MiB a minute, at the end %d MiB of which %d MiB are memtables; "+
		"the rest %s; descriptors %s, at the end %d", watched.name, victim.name, kills,
		warm[0].age.Round(time.Second), end.age.Round(time.Second),
		resident.in(1<<20), end.resident>>20, end.unflushed>>20, private.in(1<<20), open.in(1), end.open)
	if private.low > soakSlope {
		k.t.Errorf("%s grows by %s MiB a minute", watched.name, private.in(1<<20))
	}
	if open.low*measured.Minutes() > soakDescriptors {
		k.t.Errorf("%s opens %s descriptors a minute more", watched.name, open.in(1))
	}
	return kills
}

// footprint is what a node's process takes at one moment.
type footprint struct {
	age       time.Duration // since it is watched
	resident  int           // bytes in memory
	private   int           // of these: not of a file, such as the program itself
	unflushed int           // bytes written to the ledger's logs since it is watched, which its memtables hold until 8 MiB are flushed together
	open      int           // descriptors
}

func (f *firm) footprint(logs written) (p footprint) {
	f.t.Helper()
	pid := f.run.cmd.Process.Pid
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		f.t.Skip("a process is watched through /proc: ", err)
	}
	for line := range strings.Lines(string(status)) {
		word := strings.Fields(line)
		switch word[0] {
		case "VmRSS:", "RssAnon:":
			kib, err := strconv.Atoi(word[1])
			if err != nil {
				f.t.Fatal(err)
			}
			if word[0] == "VmRSS:" {
				p.resident = kib << 10
			} else {
				p.private = kib << 10
			}
		}
	}
	proc := fmt.Sprintf("/proc/%d/", pid)
	open, err := os.ReadDir(proc + "fd")
	if err != nil {
		f.t.Fatal(err)
	}
	p.open = len(open)
	for _, fd := range open {
		name, err := os.Readlink(proc + "fd/" + fd.Name())
		if err != nil || filepath.Dir(name) != filepath.Join(f.home, "ledger") || filepath.Ext(name) != ".log" { // or it was closed meanwhile
			continue
		}
		info, err := os.ReadFile(proc + "fdinfo/" + fd.Name()) // the file has its whole size from the start
		if err != nil {
			continue
		}
		at := 0
		if _, err := fmt.Sscanf(string(info), "pos: %d", &at); err != nil {
			f.t.Fatalf("reading how far %s is written: %v in %q", name, err, info)
		}
		logs[name] = at
	}
	for _, at := range logs {
		p.unflushed += at
	}
	return p
}
