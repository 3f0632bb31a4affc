package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"parley/conf"
)

// sendTime bounds one try of one message.
const sendTime = time.Minute

// Channel is one way to tell somebody.
type Channel struct {
	Name   string
	Kind   string        // for listings: webhook, mail, ticket
	Apart  bool          // each trouble has messages of its own, which the sender joins by their Ref
	Floor  Severity      // what is less severe is not told; "" is Info
	Digest time.Duration // news gathers this long; zero: it does not
	Quiet  conf.Quiet
	// Send delivers a message. It returns once it is delivered; after an error
	// it may have been, and is sent again with the same ID. ref is kept for
	// later messages of the same trouble, where they are apart.
	Send func(context.Context, Message) (ref string, err error)
}

// Busy is an error of Send that says when to try again.
type Busy struct {
	After time.Duration
	Err   error
}

func (b *Busy) Error() string { return b.Err.Error() }
func (b *Busy) Unwrap() error { return b.Err }

// Store keeps what was told over a restart. Save returns once it is on disk.
type Store interface {
	Load() ([]byte, error) // empty where nothing was saved
	Save([]byte) error
}

// Config is what a Notifier needs.
type Config struct {
	Channels []Channel
	Store    Store
	Every    time.Duration // between two looks; zero: 10 s
	Log      *slog.Logger  // nil: silent
	// Look tells what ails now. After an error nothing is concluded.
	Look func(context.Context) ([]Notice, error)
}

// Notifier tells people. Run gives it life.
type Notifier struct {
	cfg    Config
	states atomic.Pointer[[]State]

	// Only Run and what it calls touch the rest.
	book  *book
	saved []byte
	full  bool // it was logged that no more troubles find room
}

// State is how a channel does. Its JSON is a line of "parley notify list --json".
type State struct {
	Channel string     `json:"channel"`
	Kind    string     `json:"kind"`
	Floor   Severity   `json:"floor"`
	Waiting int        `json:"waiting"`         // messages that were tried or are about to be
	Quiet   bool       `json:"quiet"`           // it is a quiet time now
	Sent    *time.Time `json:"sent,omitempty"`  // the last message delivered
	Fault   string     `json:"fault,omitempty"` // why the last try failed
	Next    *time.Time `json:"next,omitempty"`  // when it is tried again
	Told    int        `json:"told"`            // troubles that it knows of and that stand
}

// New checks the configuration and reads what was told before. A record of it
// that cannot be read is logged and left behind: telling twice is better than
// not telling.
func New(cfg Config) (*Notifier, error) {
	if cfg.Store == nil || cfg.Look == nil {
		return nil, errors.New("making the notifier: no store or nothing to look at")
	}
	if cfg.Every <= 0 {
		cfg.Every = 10 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	names := map[string]bool{}
	for _, c := range cfg.Channels {
		if c.Name == "" || c.Send == nil || names[c.Name] {
			return nil, fmt.Errorf("making the notifier: channel %q has no name of its own or cannot send", c.Name)
		}
		names[c.Name] = true
	}
	stored, err := cfg.Store.Load()
	if err != nil {
		return nil, fmt.Errorf("reading what was told: %w", err)
	}
	n := &Notifier{cfg: cfg, saved: stored}
	if n.book, err = readBook(stored, cfg.Channels); err != nil {
		cfg.Log.Error("what was told before is not known any more; it is told anew", "err", err)
	}
	n.publish(time.Now())
	return n, nil
}

// States tells how the channels do. It may be called at any time.
func (n *Notifier) States() []State { return *n.states.Load() }

// outcome is what became of one try.
type outcome struct {
	channel, about string
	message        *Message
	ref            string
	err            error
}

// Run looks and tells until ctx ends; then it lets go of what is on its way,
// which is told again after the next start, and returns nil.
func (n *Notifier) Run(ctx context.Context) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan outcome, len(n.cfg.Channels)) // at most one try each
	busy := map[string]bool{}
	tick := time.NewTicker(n.cfg.Every)
	defer tick.Stop()
	n.look(ctx)
	for {
		for _, job := range n.step(time.Now(), busy) {
			busy[job.channel.Name] = true
			sending.Go(func() { ended <- job.run(ctx) })
		}
		select {
		case <-ctx.Done():
			return nil
		case o := <-ended:
			delete(busy, o.channel)
			n.enter(time.Now(), o)
		case <-tick.C:
			n.look(ctx)
		}
	}
}

// look enters what ails now into the book.
func (n *Notifier) look(ctx context.Context) {
	notices, err := n.cfg.Look(ctx)
	if err != nil {
		if ctx.Err() == nil {
			n.cfg.Log.Warn("it could not be seen what is to be told; it is tried again", "err", err)
		}
		return
	}
	left := n.book.see(time.Now(), notices)
	if left > 0 && !n.full {
		n.cfg.Log.Error("there are more troubles than can be told of; the first ones are told", "left", left)
	}
	n.full = left > 0
}

// job is one try of one message.
type job struct {
	channel Channel
	about   string
	message *Message
	content Message // a copy, since the page goes on
}

func (j job) run(ctx context.Context) outcome {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	ref, err := j.channel.Send(ctx, j.content)
	return outcome{j.channel.Name, j.about, j.message, ref, err}
}

// step makes what is owed into messages and picks those to be tried now. What
// it returns is on disk, marked as tried.
func (n *Notifier) step(now time.Time, busy map[string]bool) (jobs []job) {
	n.book.settle(now, n.cfg.Channels)
	for _, c := range n.cfg.Channels {
		p := n.book.Pages[c.Name]
		p.gather(now, n.book, c)
		if busy[c.Name] {
			continue
		}
		about, m := p.due(now, c)
		if m == nil {
			continue
		}
		j := job{c, about, m, *m}
		if c.Apart {
			t := n.book.Troubles[about]
			j.content.Ref, j.content.Moot = p.Told[about].Ref, t == nil || !t.Missing.IsZero()
		}
		m.Tried = now
		jobs = append(jobs, j)
	}
	n.publish(now)
	if err := n.save(); err != nil {
		n.cfg.Log.Error("what is told cannot be stored, so nothing is sent; it is tried again", "err", err)
		return nil
	}
	return jobs
}

// enter notes what became of a try.
func (n *Notifier) enter(now time.Time, o outcome) {
	p := n.book.Pages[o.channel]
	if o.err == nil {
		p.delivered(now, o.about, o.message, o.ref)
		return
	}
	var asked time.Duration
	if b, ok := errors.AsType[*Busy](o.err); ok {
		asked = b.After
	}
	if p.Tries == 0 {
		n.cfg.Log.Warn("a notice could not be delivered; it is tried again", "channel", o.channel, "err", o.err)
	}
	p.failed(now, o.err.Error(), asked)
}

// save stores the book where it has changed.
func (n *Notifier) save() error {
	b, err := json.Marshal(n.book)
	if err != nil || bytes.Equal(b, n.saved) {
		return err
	}
	if err := n.cfg.Store.Save(b); err != nil {
		return err
	}
	n.saved = b
	return nil
}

func (n *Notifier) publish(now time.Time) {
	all := make([]State, 0, len(n.cfg.Channels))
	for _, c := range n.cfg.Channels {
		p := n.book.Pages[c.Name]
		s := State{Channel: c.Name, Kind: c.Kind, Floor: c.Floor, Waiting: len(p.Waiting), Quiet: silent(c.Quiet, now, false), Fault: p.Fault}
		for _, t := range p.Told {
			if !t.Over {
				s.Told++
			}
		}
		if at := p.Sent; !at.IsZero() {
			s.Sent = &at
		}
		if at := p.Next; !at.IsZero() {
			s.Next = &at
		}
		all = append(all, s)
	}
	n.states.Store(&all)
}

// Trial is a message that says it is a test of a channel.
func Trial(channel string, now time.Time) Message {
	return Message{ID: rand.Text(), Made: now, Items: []Item{{Since: now, Notice: Notice{
		Key: "test/" + channel, Class: "test", Severity: Info,
		Title: fmt.Sprintf("This is a test of channel %q", channel), Next: "Nothing is to be done: the channel works.",
	}}}}
}
