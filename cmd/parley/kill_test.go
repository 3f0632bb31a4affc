package main

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/conf"
	"parley/jsm/sim"
	"parley/node"
)

// Two real nodes are killed with SIGKILL again and again while people work on
// both sides. The tenants live in this process, so they survive every kill, and
// they alone are asked whether something was lost or doubled.

var killSeed = flag.Uint64("kill-seed", 0, "seed of TestKilledNodesLoseAndDoubleNothing, to replay a failure; 0: a new one")

// The two desks share every ticket and every public comment, either way, and
// agree about priority, status and summary.
const killNorth = `
peer = "south"
connection = "desk"
project = "SUPPORT"
[trigger]
jql = 'project = SUPPORT'
[outgoing]
share = ["summary", "description", "priority", "status"]
[outgoing.comments]
[incoming]
accept = ["summary", "description"]
[incoming.comments]
as = "public"
[incoming.create]
project = "SUPPORT"
request_type = "Get IT help"
[incoming.priority]
map = { P1 = "Critical", P2 = "High", P3 = "Medium", P4 = "Low" }
[incoming.status]
map = { "In Progress" = "In progress", Resolved = "Resolved" }
otherwise = "skip"
resolution = { Resolved = "Done" }
`

const killSouth = `
peer = "north"
connection = "desk"
project = "HELP"
[trigger]
jql = 'project = HELP'
[outgoing]
share = ["summary", "description", "priority", "status"]
[outgoing.comments]
[incoming]
accept = ["summary", "description"]
[incoming.comments]
as = "public"
[incoming.create]
project = "HELP"
request_type = "Report a problem"
[incoming.priority]
map = { Critical = "P1", Urgent = "P1", High = "P2", Medium = "P3", Low = "P4" }
[incoming.status]
map = { "In progress" = "In Progress", Resolved = "Resolved" }
otherwise = "skip"
resolution = { Resolved = "Fixed" }
`

// southOf says what the south shows of a value of the north.
var southOf = map[string]string{
	"Critical": "P1", "Urgent": "P1", "High": "P2", "Medium": "P3", "Low": "P4",
	"Waiting for support": "Open", "In progress": "In Progress", "Resolved": "Resolved",
}

// killPoll is fast, and looks back less far than a node may be down.
var (
	killPoll   = conf.Poll{Every: 200 * time.Millisecond, Overlap: 3 * time.Second, IndexLag: 500 * time.Millisecond}
	killSettle = conf.Settle{Comment: 2 * time.Second, Create: 2 * time.Second}
)

const silentPolls = 10 // of each node, in which nothing may be written

func TestKilledNodesLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay its choices: go test ./cmd/parley -run %s -args -kill-seed %d", t.Name(), seed)
	kills := 16
	if testing.Short() {
		kills = 6
	}
	north, south := pairedFirms(t, killNorth, killSouth)
	d := &killDrama{t: t, firms: [2]*firm{north, south}, rng: rand.New(rand.NewPCG(seed, 1))}
	k := &killer{t: t, firms: d.firms, rng: rand.New(rand.NewPCG(seed, 2))}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- d.play(stop) }()
	var err error
	func() {
		defer func() {
			close(stop)
			err = <-stopped
		}()
		for range kills {
			k.kill()
		}
	}()
	if err != nil {
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

// A ticket that a poll has noticed is not forgotten where the node dies before
// it could share it, even if the next poll does not look back that far.
func TestKilledBetweenNoticingAndSharing(t *testing.T) {
	t.Parallel()
	north, south := pairedFirms(t, killNorth, killSouth)
	eventually(t, "the node has polled", func() string {
		if north.polls() < 2 {
			return "not yet"
		}
		return ""
	})
	north.kill()
	key, err := north.agent().CreateRequest("Get IT help", map[string]any{"summary": "Noticed once", "description": "case-0001"})
	if err != nil {
		t.Fatal(err)
	}
	away := time.NewTimer(killPoll.Overlap + time.Second)
	defer away.Stop()
	<-away.C // longer than a poll looks back
	victim, dead := make(chan *os.Process, 1), make(chan struct{})
	north.front.strike(func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/issue/bulkfetch") }, func() {
		(<-victim).Kill()
		close(dead)
	})
	north.start()
	victim <- north.run.cmd.Process
	select {
	case <-dead:
	case <-time.After(patience):
		t.Fatal("the node never read the ticket")
	}
	north.kill()
	north.start()
	eventually(t, "the ticket is shared", func() string {
		if n := len(south.matching("case-0001")); n != 1 {
			return fmt.Sprintf("%d twins of %s", n, key)
		}
		return ""
	})
	for _, f := range []*firm{north, south} {
		f.end()
		f.checkLog()
	}
}

// killer kills one node after the other and starts it again.
type killer struct {
	t      *testing.T
	firms  [2]*firm
	rng    *rand.Rand
	within int // kills that struck in the middle of a write
}

// kill kills one of the nodes.
func (k *killer) kill() {
	k.killOne(k.firms[k.rng.IntN(2)])
}

// killOne kills a node: at a random moment, or when Jira has carried out a write
// of its and the answer is not on its way yet.
func (k *killer) killOne(f *firm) {
	if k.rng.IntN(3) > 0 {
		f.awaitReady() // else it may die while it starts
	}
	latest := time.NewTimer(time.Duration(50+k.rng.IntN(650)) * time.Millisecond)
	defer latest.Stop()
	struck := make(chan struct{})
	victim := f.run.cmd.Process
	atWrite := k.rng.IntN(2) == 0
	if atWrite {
		f.front.strike(creates, func() {
			victim.Kill()
			close(struck)
		})
	}
	select {
	case <-struck:
		k.within++
	case <-latest.C:
		if atWrite && !f.front.spare() { // it strikes right now
			<-struck
			k.within++
		}
	}
	f.kill()
	if k.rng.IntN(2) == 0 {
		down := time.NewTimer(time.Duration(k.rng.IntN(400)) * time.Millisecond)
		defer down.Stop()
		<-down.C
	}
	f.start()
}

// creates tells a call that changes something.
func creates(r *http.Request) bool {
	if r.Method == http.MethodPut {
		return true
	}
	_, last, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/rest/"), "/")
	return r.Method == http.MethodPost && (strings.HasSuffix(last, "/comment") || strings.HasSuffix(last, "/transitions") || strings.HasSuffix(last, "request"))
}

// killDrama is what people did, for the checks at its end.
type killDrama struct {
	t       *testing.T
	firms   [2]*firm
	rng     *rand.Rand
	cases   []*killCase
	sayings []saying
	edits   int
	pace    time.Duration // between two acts; 0: 70 ms
	life    int           // acts on a case until it is brought to its end and a new one raised; 0: none ends
}

// killCase is a ticket that somebody raised. Its mark stands in the
// descriptions of both twins and is never edited.
type killCase struct {
	origin int // index of the firm
	mark   string
	acts   int  // what was done to it
	over   bool // it is resolved, and people have others to work on
}

// saying is one comment of a person's.
type saying struct {
	mark   string // begins the text
	latest string // the whole text, as last edited
	public bool
	at     *firm
	key    string
	of     *killCase
	id     string
}

const (
	mostCases     = 12  // that people work on at a time
	recentSayings = 100 // one of the last that many is rewritten
)

// play lets people work until stop is closed, and a little longer.
func (d *killDrama) play(stop <-chan struct{}) error {
	pace := time.NewTicker(cmp.Or(d.pace, 70*time.Millisecond))
	defer pace.Stop()
	for last := 10; last > 0; {
		<-pace.C
		select {
		case <-stop:
			last--
		default:
		}
		if err := d.act(); err != nil {
			return err
		}
	}
	return nil
}

// act is one thing that somebody does.
func (d *killDrama) act() error {
	live := d.live()
	if p := d.rng.IntN(100); len(live) == 0 || len(live) < mostCases && p < 8 {
		return d.raise()
	}
	c := live[d.rng.IntN(len(live))]
	side := d.rng.IntN(2)
	c.acts++
	if d.life > 0 && c.acts > d.life {
		return d.finish(c)
	}
	f := d.firms[side]
	at := f.matching(c.mark)
	if len(at) == 0 {
		return nil // its twin is not made yet
	}
	key := at[0].Key
	switch p := d.rng.IntN(100); {
	case p < 35:
		return d.say(f, c, key, true)
	case p < 45:
		return d.say(f, c, key, false)
	case p < 55:
		return d.edit()
	case p < 75:
		d.edits++
		names := [2][]string{{"Critical", "Urgent", "High", "Medium", "Low"}, {"P1", "P2", "P3", "P4"}}[side]
		return f.agent().SetField(key, "priority", names[d.rng.IntN(len(names))])
	case p < 85:
		d.edits++
		return f.agent().SetField(key, "summary", fmt.Sprintf("summary %d of %s", d.edits, c.mark))
	default:
		if side == c.origin {
			return nil // who raised it does not work on it
		}
		d.edits++
		return d.work(side, at[0])
	}
}

// live is the cases that are not over.
func (d *killDrama) live() (live []*killCase) {
	for _, c := range d.cases {
		if !c.over {
			live = append(live, c)
		}
	}
	return live
}

// finish brings a case one step nearer to its end, on the side that works on it.
func (d *killDrama) finish(c *killCase) error {
	side := 1 - c.origin
	at := d.firms[side].matching(c.mark)
	if len(at) == 0 {
		return nil
	}
	if at[0].Status == "Resolved" {
		c.over = true
		return nil
	}
	d.edits++
	return d.work(side, at[0])
}

func (d *killDrama) raise() error {
	c := &killCase{origin: d.rng.IntN(2), mark: fmt.Sprintf("case-%04d", len(d.cases)+1)}
	f := d.firms[c.origin]
	form := []string{"Get IT help", "Report a problem"}[c.origin]
	_, err := f.agent().CreateRequest(form, map[string]any{"summary": "summary of " + c.mark, "description": c.mark + " as told on the telephone"})
	d.cases = append(d.cases, c)
	return err
}

func (d *killDrama) say(f *firm, c *killCase, key string, public bool) error {
	s := saying{mark: fmt.Sprintf("saying-%04d", len(d.sayings)+1), public: public, at: f, key: key, of: c}
	s.latest = s.mark + " first"
	var err error
	s.id, err = f.agent().Comment(key, s.latest, public)
	d.sayings = append(d.sayings, s)
	return err
}

// edit lets somebody rewrite a comment.
func (d *killDrama) edit() error {
	if len(d.sayings) == 0 {
		return nil
	}
	recent := d.sayings[max(0, len(d.sayings)-recentSayings):]
	s := &recent[d.rng.IntN(len(recent))]
	d.edits++
	s.latest = fmt.Sprintf("%s edited %d", s.mark, d.edits)
	return s.at.agent().EditComment(s.key, s.id, s.latest)
}

// work moves a ticket one step on, or opens it again.
func (d *killDrama) work(side int, t sim.Ticket) error {
	way := [2]map[string]string{
		{"Waiting for support": "Start work", "In progress": "Resolve", "Resolved": "Reopen"},
		{"Open": "Begin", "In Progress": "Solve", "Resolved": "Back to work"},
	}[side][t.Status]
	var screen map[string]any
	if way == "Resolve" || way == "Solve" {
		screen = map[string]any{"resolution": []string{"Done", "Fixed"}[side]}
	}
	return d.firms[side].agent().Transition(t.Key, way, screen)
}

// settle waits until both tenants agree about everything.
func (d *killDrama) settle() {
	eventually(d.t, "both tenants agree", func() string { return strings.Join(d.faults(), "\n  ") })
}

// faults lists what is not as it should be, from both tenants alone.
func (d *killDrama) faults() (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for _, f := range d.firms {
		if n := len(f.tenant.Issues()); n != len(d.cases) {
			fault("%s has %d tickets where %d cases were raised", f.name, n, len(d.cases))
		}
		for _, t := range f.tenant.Issues() {
			if strings.Contains(t.Summary+t.Description, "parley-mark") {
				fault("%s of %s still shows a create marker", t.Key, f.name)
			}
		}
	}
	for _, c := range d.cases {
		n, s := d.firms[0].matching(c.mark), d.firms[1].matching(c.mark)
		if len(n) != 1 || len(s) != 1 {
			fault("%s is there %d times in the north and %d times in the south", c.mark, len(n), len(s))
			continue
		}
		d.compare(c, n[0], s[0], fault)
	}
	return faults
}

// compare compares one case's twins.
func (d *killDrama) compare(c *killCase, n, s sim.Ticket, fault func(string, ...any)) {
	twins := n.Key + " and " + s.Key
	if n.Summary != s.Summary {
		fault("%s: summaries %q and %q", twins, n.Summary, s.Summary)
	}
	if southOf[n.Priority] != s.Priority {
		fault("%s: priorities %s and %s", twins, n.Priority, s.Priority)
	}
	if southOf[n.Status] != s.Status {
		fault("%s: statuses %s and %s", twins, n.Status, s.Status)
	}
	due := [2]int{}
	for _, saying := range d.sayings {
		if saying.of != c {
			continue
		}
		for side, t := range []sim.Ticket{n, s} {
			want := 0
			if saying.public || d.firms[side] == saying.at {
				want = 1
			}
			due[side] += want
			got := slices.DeleteFunc(slices.Clone(t.Comments), func(n sim.Note) bool { return !strings.Contains(n.Text, saying.mark) })
			if len(got) != want {
				fault("%s: %s (public: %v, said in the %s) is there %d times", t.Key, saying.mark, saying.public, saying.at.name, len(got))
			} else if want == 1 && !strings.HasSuffix(strings.TrimSpace(got[0].Text), saying.latest) {
				fault("%s: %q where %q was said last", t.Key, got[0].Text, saying.latest)
			}
		}
	}
	for side, t := range []sim.Ticket{n, s} {
		if len(t.Comments) != due[side] {
			fault("%s has %d comments where %d are due", t.Key, len(t.Comments), due[side])
		}
	}
}

// quiet insists that neither node writes anything in several polls.
func (d *killDrama) quiet() {
	var polls [2]int
	var writes [2]string
	for i, f := range d.firms {
		polls[i], writes[i] = f.polls(), f.writes()
	}
	eventually(d.t, "both nodes go on polling", func() string {
		for i, f := range d.firms {
			if n := f.polls() - polls[i]; n < silentPolls {
				return fmt.Sprintf("%s polled %d times", f.name, n)
			}
		}
		return ""
	})
	for i, f := range d.firms {
		if now := f.writes(); now != writes[i] {
			d.t.Errorf("it does not go quiet: the node of %s wrote %s, then %s", f.name, writes[i], now)
		}
		s, err := node.StatusOf.Ask(d.t.Context(), f.home, node.Nothing{})
		if err != nil {
			d.t.Fatal(err)
		}
		if c := s.Connections[0]; c.State != "up" || c.Held != 0 || c.Outbox != 0 || c.Links != len(d.cases) {
			d.t.Errorf("%s: %+v where nothing should wait", f.name, c)
		}
	}
	if faults := d.faults(); len(faults) > 0 {
		d.t.Errorf("when all was quiet:\n  %s", strings.Join(faults, "\n  "))
	}
}
