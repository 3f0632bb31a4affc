package exchange

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// Config is what a desk works with.
type Config struct {
	Ledger   *ledger.Ledger
	Tenant   *jsm.Client
	Site     string // the tenant's address for people, without a slash at the end
	Node     string // this node's id
	Company  string // this node's name
	Sign     ed25519.PrivateKey
	Every    time.Duration // between two polls; 0: 10 s
	Overlap  time.Duration // how far back each poll looks again; 0: 5 min
	IndexLag time.Duration // after which Jira's search surely knows a change; 0: 60 s
	Slowest  time.Duration // between two polls while webhooks are proven to come; 0: as Every, for there are none
	Sweep    time.Duration // between two rounds of asking for every linked ticket; 0: none
	Unmoved  time.Duration // between two questions for ratings and approvers' answers; 0: none
	Reread   int           // shared, open tickets an hour that are read for what nothing tells of; 0: none
	// NewerTexts has texts with nodes that this version does not know offered to the tenant.
	NewerTexts bool
	// Clock is the tenant's clock minus ours; nil: they agree.
	Clock func() time.Duration
	// How long an uncertain write may still take effect before it is repeated.
	SettleComment time.Duration // 0: 60 s
	SettleCreate  time.Duration // 0: 180 s
	Compare       time.Duration // between two comparisons of a connection with its peer; 0: 24 h
	Drain         time.Duration // how long visits under way may go on once Run is to end; 0: they are broken off
	Blobs         BlobConfig    // files that replicas name
	Log           *slog.Logger  // nil: discards
}

// Desk is one node's tenant with all its connections.
type Desk struct {
	cfg       Config
	led       *ledger.Ledger
	jira      *jsm.Client
	log       *slog.Logger
	sign      ed25519.PrivateKey
	queue     *queue
	asked     chan struct{} // somebody wants a poll now
	mending   chan struct{} // a healed connection may have caught up
	tenant    tenant
	brake     brake
	blobs     *blobs
	files     *files
	began     time.Time // of this process's writes
	strangers strangers // comments of our account that persons made
	media     mediaIDs  // how texts name attachments

	mu          sync.Mutex // guards the fields below
	connections map[string]*Connection
	wires       map[wireName]*Connection // the same, as peers name them
	talks       map[*talk]bool
	me          jsm.Account
	seen        map[string]time.Time // ticket → how it was last read or left
	owed        map[string]bool      // tickets of those whose last read spared a part
	kinds       linkKinds            // the tenant's kinds of links, likewise
	people      map[string]known     // e-mail address → account, looked up not long ago

	failing failures // links whose visits fail

	intake intake // what hints have named
	tempo  *tempo
	recall atomic.Bool // there may be tickets whose triggers are to be asked again
}

const (
	workers    = 8   // tickets visited at the same time
	readAtOnce = 100 // tickets read by one call: Jira's bound for bulkfetch

	recallBytes = 16 << 20 // of what tickets' own answers leave out: 16 tickets with 500 comments of 2 KiB, or thousands with some web links
)

// New makes a desk; nothing runs before Run.
func New(cfg Config) (*Desk, error) {
	switch {
	case cfg.Ledger == nil || cfg.Tenant == nil:
		return nil, errors.New("a desk needs a ledger and a tenant")
	case len(cfg.Sign) != ed25519.PrivateKeySize:
		return nil, errors.New("a desk needs the ledger key to sign receipts")
	case cfg.Node == "":
		return nil, errors.New("a desk needs its node's id")
	}
	set := func(d *time.Duration, standard time.Duration) {
		if *d <= 0 {
			*d = standard
		}
	}
	set(&cfg.Every, 10*time.Second)
	set(&cfg.Overlap, 5*time.Minute)
	set(&cfg.IndexLag, time.Minute)
	set(&cfg.Compare, 24*time.Hour)
	set(&cfg.SettleComment, time.Minute)
	set(&cfg.SettleCreate, 3*time.Minute)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	blobs, err := newBlobs(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Sweep > 0 { // it reads again what was not read whole
		cfg.Tenant.Recall(recallBytes)
	}
	return &Desk{
		blobs: blobs, files: newFiles(), cfg: cfg, led: cfg.Ledger, jira: cfg.Tenant, log: cfg.Log, sign: cfg.Sign,
		began: time.Now(), queue: newQueue(), tenant: tenant{jira: cfg.Tenant}, asked: make(chan struct{}, 1), mending: make(chan struct{}, 1),
		intake: intake{wake: make(chan struct{}, 1)}, tempo: newTempo(cfg.Every, cfg.Slowest),
		connections: map[string]*Connection{}, wires: map[wireName]*Connection{}, talks: map[*talk]bool{}, people: map[string]known{},
		seen: map[string]time.Time{}, owed: map[string]bool{},
	}, nil
}

// Connections lists the desk's connections by name.
func (d *Desk) Connections() []*Connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(maps.Values(d.connections), func(a, b *Connection) int { return strings.Compare(a.Name, b.Name) })
}

// Connection finds one by its local name; nil where there is none.
func (d *Desk) Connection(name string) *Connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.connections[name]
}

// wireName is what a peer calls a connection.
type wireName struct{ peer, wire string }

// wired finds a peer's connection by the name on the wire; nil where there is none.
func (d *Desk) wired(peer, wire string) *Connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wires[wireName{peer, wire}]
}

// Use makes a connection work by a version of its rules; r is nil, with the
// trouble in plain words, where they cannot work.
func (d *Desk) Use(name, wire, peer string, version replica.Hash, r *rules.Rules, trouble string) error {
	log, err := d.led.Log(name)
	if err != nil {
		return err
	}
	d.mu.Lock()
	c := d.connections[name]
	fresh := c == nil || c.Wire != wire || c.Peer != peer
	if fresh {
		if c != nil && d.wires[wireName{c.Peer, c.Wire}] == c {
			delete(d.wires, wireName{c.Peer, c.Wire})
		}
		c = &Connection{Name: name, Wire: wire, Peer: peer, Log: log, former: map[replica.Hash]*rules.Rules{}, waits: map[replica.LinkID]bool{}}
		d.connections[name], d.wires[wireName{peer, wire}] = c, c
	}
	talks := slices.Collect(maps.Keys(d.talks))
	d.mu.Unlock()
	if r != nil {
		d.jira.Ask(r.TicketFields()) // before anybody judges by them: what was not read would pass for deleted
	}
	changed := c.use(r, version, trouble)
	if fresh {
		for _, t := range talks {
			if t.s.Peer() == peer {
				if err := t.announce(c); err != nil {
					d.log.Warn("a connection could not be announced", "connection", name, "err", err)
				}
			}
		}
	}
	if !changed || r == nil {
		return nil
	}
	d.askAgain()
	// What came and what changed while nothing could be judged, then what a new version makes of the rest.
	for _, id := range c.Log.Due() {
		d.wakeLink(c, id)
	}
	if err := errors.Join(d.wakeMarked(), d.wakeOpen()); err != nil {
		return err
	}
	return d.renew(c, r)
}

// backfill asks for a visit of a link's lane that nobody waits for.
func (d *Desk) backfill(k ledger.Link) { d.ask(k, time.Time{}, true) }

// enqueue asks for a visit of a link's lane.
func (d *Desk) enqueue(k ledger.Link, due time.Time) { d.ask(k, due, false) }

func (d *Desk) ask(k ledger.Link, due time.Time, backfill bool) {
	if k.Ended {
		return
	}
	j := job{backfill: backfill, lane: k.Ticket, ticket: k.Ticket, connection: k.Connection, link: k.ID, due: due, retry: true}
	if k.Ticket == "" {
		j.lane = k.Connection + "/" + k.ID.String()
	}
	d.queue.add(j)
}

// wakeLink asks for visits of links that are known by their ids; each finds its
// ticket.
func (d *Desk) wakeLink(c *Connection, ids ...replica.LinkID) { d.queue.addLinks(c.Name, ids) }

// freed is called when a link may post its next replica: what changed meanwhile
// still has its dirty mark.
func (d *Desk) freed(c *Connection, id replica.LinkID) {
	if c.waiting(id) {
		d.wakeLink(c, id)
	}
}

// told is called when the peer has said something new of a link.
func (d *Desk) told(c *Connection, id replica.LinkID) {
	w, err := d.led.Word(c.Name, id)
	if err == nil && (w.State == replica.Resend || len(w.Kept)+len(w.Taken) > 0) {
		d.wakeLink(c, id)
	}
}

func (d *Desk) join(t *talk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.talks[t] = true
}

func (d *Desk) leave(t *talk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.talks, t)
}

// Run works until ctx ends: it polls the tenant and visits tickets. A lost
// tenant pauses both; they resume by themselves.
func (d *Desk) Run(ctx context.Context) error {
	if err := d.refill(); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.poll(ctx) })
	g.Go(func() error { return d.work(ctx) })
	g.Go(func() error { return d.mend(ctx) })
	g.Go(func() error { return d.recheck(ctx) })
	g.Go(func() error { return d.compare(ctx) })
	g.Go(func() error { return d.sweepBlobs(ctx) })
	g.Go(func() error { return d.sumFiles(ctx) })
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// refill fills the queue with what the ledger says is unfinished.
func (d *Desk) refill() error {
	if err := d.wakeMarked(); err != nil {
		return err
	}
	for _, c := range d.Connections() {
		for _, id := range c.Log.Due() {
			d.queue.add(job{lane: c.Name + "/" + id.String(), connection: c.Name, link: id, retry: true})
		}
	}
	return d.wakeOpen()
}

// wakeOpen has the links visited that have something open in Jira, each when it is
// due: a call without an answer, or work that is tried again; and those that a file
// is fetched for, which goes on where it stood.
func (d *Desk) wakeOpen() error {
	if d.blobs.spool != nil {
		d.blobs.spool.Waiters(d.wakeAgain)
	}
	wake := func(connection string, id replica.LinkID, due time.Time) {
		d.queue.add(job{lane: connection + "/" + id.String(), connection: connection, link: id, due: due, retry: true})
	}
	err := d.led.OpenIntents(func(in ledger.Intent) bool {
		wake(in.Connection, in.Link, time.Time{})
		return true
	})
	if err != nil {
		return fmt.Errorf("reading intents: %w", err)
	}
	err = d.led.OpenDoubts(func(in ledger.Doubt) bool {
		if in.Next > 0 {
			wake(in.Connection, in.Link, time.UnixMilli(in.Next))
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("reading doubts: %w", err)
	}
	err = d.led.Held("", func(h ledger.Held) bool {
		d.failing.known(h)
		if h.Retry > 0 {
			wake(h.Connection, h.Link, time.UnixMilli(h.Retry))
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("reading held work: %w", err)
	}
	return nil
}

// wakeMarked has the linked tickets visited that have a dirty mark; the poll asks
// the others' triggers again.
func (d *Desk) wakeMarked() error {
	err := d.led.Dirty(func(m ledger.Mark) bool {
		if d.linked(m.Ticket) {
			d.queue.add(job{lane: m.Ticket, ticket: m.Ticket, generation: m.Generation, retry: true})
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("reading dirty marks: %w", err)
	}
	return nil
}

// work hands due jobs to their lanes: tickets are read many at a time, then
// visited side by side.
func (d *Desk) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	late, end := outlive(ctx, d.cfg.Drain)
	defer end()
	for ctx.Err() == nil {
		if !d.brake.wait(ctx) || !d.tenant.wait(ctx) {
			break
		}
		d.queue.spareUntil(time.Now().Add(d.jira.Spare()))
		jobs, next := d.queue.take(time.Now(), readAtOnce)
		jobs = d.unechoed(jobs)
		if len(jobs) == 0 {
			d.sleep(ctx, next)
			continue
		}
		for _, j := range jobs {
			d.engage(j)
		}
		tickets, err := d.read(ctx, jobs)
		for _, j := range jobs {
			g.Go(func() error {
				d.attend(late, j, tickets, err)
				return nil
			})
		}
	}
	return errors.Join(g.Wait(), ctx.Err())
}

// sleep waits for new work, or until the next job is due.
func (d *Desk) sleep(ctx context.Context, next time.Time) {
	var timer <-chan time.Time
	if !next.IsZero() {
		t := time.NewTimer(time.Until(next))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-d.queue.wake:
	case <-timer:
	case <-ctx.Done():
	}
}

// read fetches the tickets of many jobs with one call.
func (d *Desk) read(ctx context.Context, jobs []*job) (map[string]*jsm.Ticket, error) {
	generation := d.led.Generation()
	var ids []string
	for _, j := range jobs {
		if j.ticket != "" {
			j.generation = generation
			ids = append(ids, j.ticket)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	onlyBackfill := !slices.ContainsFunc(jobs, func(j *job) bool { return !j.backfill })
	return d.jira.Tickets(jsm.WithLoad(ctx, jsm.Load{Backfill: onlyBackfill}), ids, d.fields())
}

// fields are the ids of all fields that any connection's rules look at.
func (d *Desk) fields() []string {
	set := map[string]bool{"description": true} // where a create marker shows
	for _, c := range d.Connections() {
		if r := c.Rules(); r != nil {
			for _, f := range r.TicketFields() {
				set[f] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// attend visits one lane and says when to come back.
func (d *Desk) attend(ctx context.Context, j *job, tickets map[string]*jsm.Ticket, err error) {
	var retry time.Time
	var unreadable *jsm.Unreadable
	if errors.As(err, &unreadable) { // one ticket's fault stays with it
		err = unreadable.ByID[j.ticket]
	}
	if err == nil {
		retry, err = d.visit(jsm.WithLoad(ctx, j.load()), j, tickets[j.ticket])
	}
	if err != nil && ctx.Err() == nil {
		retry = d.setback(j, err)
	} else if err == nil {
		d.recovered(j, retry)
	}
	for _, r := range j.quick {
		r.visited(err)
	}
	d.release(j)
	d.queue.done(j, retry)
}

// setback decides when a visit that failed as a whole is made again.
func (d *Desk) setback(j *job, err error) time.Time {
	wait := 5 * time.Second
	var api *jsm.APIError
	if errors.As(err, &api) {
		wait = max(wait, api.RetryAfter)
	}
	wait = d.stumbled(j, err, wait)
	level := slog.LevelWarn
	if api != nil && api.Unsent { // the governor has told of it, once
		level = slog.LevelDebug
	}
	d.log.Log(context.Background(), level, "a visit failed and will be made again", "ticket", j.lane, "err", quiet(err), "took", wait)
	return time.Now().Add(wait)
}

// quiet words an error for the log without what Jira says in it: its sentences
// quote values of tickets.
func quiet(err error) string {
	var api *jsm.APIError
	var fields *jsm.FieldErrors
	switch {
	case errors.As(err, &fields):
		return "jira refused fields " + strings.Join(slices.Sorted(maps.Keys(fields.Fields)), ", ")
	case errors.As(err, &api) && api.Status == 0:
		return fmt.Sprintf("jira: %s: no answer: %v", api.Op, api.Err)
	case errors.As(err, &api):
		return fmt.Sprintf("jira: %s: status %d, %s", api.Op, api.Status, api.Class)
	}
	return err.Error()
}
