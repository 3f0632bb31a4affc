package exchange_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/jsm/sim"
)

const (
	mostResident = 150 << 20 // bytes that a node may ever hold in memory
	hugeFile     = 300 << 20 // bytes of one of the attachments; the others are small
	smallish     = 64 << 10
	bigChanges   = 40 // of fields, after it has crossed
)

// BenchmarkBigTicket carries a ticket of 500 comments, 100 attachments (one of 300 MiB) and 60 custom fields between
// two nodes and two simulated tenants, four processes of the parley program, and tells the most memory that each node
// ever held (VmHWM of /proc/PID/status) and how long it took: some 6 minutes, by Jira's limits on writes to one issue.
// Then fields are changed, so that what only grows would show.
//
//	go test ./node/exchange -run '^$' -bench BigTicket -benchtime 1x -timeout 30m
func BenchmarkBigTicket(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("a process is watched through /proc: ", err)
	}
	dir := b.TempDir()
	program := filepath.Join(dir, "parley")
	if out, err := exec.Command("go", "build", "-o", program, "parley/cmd/parley").CombinedOutput(); err != nil {
		b.Fatalf("building the program: %v\n%s", err, out)
	}
	for b.Loop() {
		carryBig(b, program, b.TempDir())
	}
}

func carryBig(b *testing.B, program, dir string) {
	north := newProcess(b, program, dir, "north", bigSeed("north", "SUPPORT", 10000))
	south := newProcess(b, program, dir, "south", bigSeed("south", "HELP", 20000))
	north.pair(south)
	south.pair(north)
	north.publish(south, bigRules("south", "SUPPORT", "HELP"))
	south.publish(north, bigRules("north", "HELP", "SUPPORT"))
	for _, p := range []*process{north, south} {
		p.do("POST", "/sim/limits", map[string]any{"on": false}) // people took years for it
	}
	key := north.raise("The printer burns")
	sizes := make([]int64, bigFiles)
	for i := range sizes {
		sizes[i] = smallish
	}
	sizes[bigFiles/2] = hugeFile
	north.grow(key, sizes)
	for _, p := range []*process{north, south} {
		p.do("POST", "/sim/limits", map[string]any{"on": true})
		p.run()
	}
	began := time.Now()
	north.share(key)
	twin := "HELP-1"
	await := func(what string, limit time.Duration, holds func() bool) {
		b.Helper()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for end := time.After(limit); !holds(); {
			select {
			case <-tick.C:
			case <-north.ended:
				b.Fatal("the node of north has ended")
			case <-south.ended:
				b.Fatal("the node of south has ended")
			case <-end:
				b.Fatalf("after %v still not: %s", limit, what)
			}
		}
	}
	await("the ticket crosses whole", 20*time.Minute, func() bool {
		if len(south.keys()) == 0 {
			return false
		}
		comments, files := south.size(twin)
		return comments >= bigComments && files == bigFiles
	})
	b.ReportMetric(time.Since(began).Seconds(), "s-crossing")
	whole := [2]int64{north.peak(), south.peak()}
	ids, there := north.fieldIDs(), south.fieldIDs()
	for i := range bigChanges {
		field := bigField(i * len(bigKinds) % bigFields) // a text; not one too often within an hour, which a loop would
		north.do("PUT", "/rest/api/3/issue/"+key, map[string]any{"fields": map[string]any{ids[field]: fmt.Sprint("Changed ", i)}})
		await("the field is changed", time.Minute, func() bool { return south.fields(twin)[there[field]] == fmt.Sprint("Changed ", i) })
	}
	for i, p := range []*process{north, south} {
		peak := p.peak()
		b.ReportMetric(float64(whole[i])/(1<<20), p.name+"-MiB")
		b.ReportMetric(float64(peak)/(1<<20), p.name+"-later-MiB")
		if peak > mostResident {
			b.Errorf("the node of %s held %d MiB", p.name, peak>>20)
		}
	}
}

// A process is one company of this benchmark: its tenant and its node are programs.
type process struct {
	deskFace
	name, program, home string
	sync                sim.Account
	node                *exec.Cmd
	ended               <-chan struct{} // closed when the node has
}

// newProcess starts a tenant and makes a home for its node.
func newProcess(b *testing.B, program, dir, name string, seed []byte) *process {
	b.Helper()
	p := &process{deskFace: deskFace{tb: b, way: http.DefaultTransport}, name: name, program: program, home: filepath.Join(dir, name)}
	p.must(os.WriteFile(p.home+".seed", seed, 0o600))
	tenant := exec.Command(program, "sim", "--listen", "127.0.0.1:0", "--name", name, "--seed", p.home+".seed")
	out, err := tenant.StdoutPipe()
	p.must(err)
	p.start(tenant)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	p.must(err)
	var ready struct {
		URL      string        `json:"url"`
		Project  string        `json:"project"`
		Accounts []sim.Account `json:"accounts"`
	}
	p.must(json.Unmarshal(line, &ready))
	p.url, p.project, p.all = ready.URL, ready.Project, ready.Accounts
	for _, a := range p.all {
		switch a.Role {
		case sim.Agent:
			p.agent = a
		case sim.Sync:
			p.sync = a
		}
	}
	p.must(os.WriteFile(p.home+".token", []byte(p.sync.Token+"\n"), 0o600))
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	p.must(err)
	page, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	p.must(errors.Join(socket.Close(), page.Close()))
	p.parley("init", "--name", name, "--tenant", p.url, "--user", p.sync.Email, "--token-file", p.home+".token", "--listen", socket.LocalAddr().String(), "--console", page.Addr().String())
	return p
}

// start starts a program that ends with the benchmark, and tells when it has.
func (p *process) start(c *exec.Cmd) <-chan struct{} {
	p.tb.Helper()
	log, err := os.OpenFile(p.home+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	p.must(err)
	defer log.Close()
	c.Stderr = log
	p.must(c.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Wait()
	}()
	p.tb.Cleanup(func() {
		c.Process.Kill()
		<-ended
		if text, _ := os.ReadFile(p.home + ".log"); p.tb.Failed() {
			p.tb.Logf("%s said last:\n%s", p.name, text[max(0, len(text)-3000):])
		}
	})
	return ended
}

// parley runs a command to its end and gives its standard output.
func (p *process) parley(args ...string) []byte {
	p.tb.Helper()
	var out, errs bytes.Buffer
	c := exec.Command(p.program, append(args, "--home", p.home)...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		p.tb.Fatalf("parley %s: %v\n%s", strings.Join(args, " "), err, &errs)
	}
	return out.Bytes()
}

// pair has the other accept this side's card.
func (p *process) pair(other *process) {
	p.tb.Helper()
	var told struct {
		Fingerprint string `json:"fingerprint"`
	}
	p.must(json.Unmarshal(p.parley("pair", "offer", "--out", p.home+".card", "--json"), &told))
	other.parley("pair", "accept", p.home+".card", "--as", p.name)
	other.parley("pair", "confirm", p.name, "--fingerprint", told.Fingerprint)
}

func (p *process) publish(peer *process, rules string) {
	p.tb.Helper()
	p.must(os.WriteFile(filepath.Join(p.home, "connections", peer.name+".toml"), []byte(rules), 0o600))
	p.parley("rules", "publish", peer.name)
}

func (p *process) run() {
	p.tb.Helper()
	p.node = exec.Command(p.program, "run", "--home", p.home)
	p.ended = p.start(p.node)
}

// peak is the most memory that the node has held, in bytes.
func (p *process) peak() int64 {
	p.tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.node.Process.Pid))
	p.must(err)
	for line := range strings.Lines(string(status)) {
		if word := strings.Fields(line); word[0] == "VmHWM:" {
			kib, err := strconv.ParseInt(word[1], 10, 64)
			p.must(err)
			return kib << 10
		}
	}
	p.tb.Fatalf("the node of %s has ended", p.name)
	return 0
}

// keys lists the tenant's tickets.
func (p *process) keys() []any {
	p.tb.Helper()
	return p.do("POST", "/rest/api/3/search/jql", map[string]any{"jql": "project = " + p.project, "fields": []string{"summary"}})["issues"].([]any)
}
