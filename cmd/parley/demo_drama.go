package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/jsm/sim"
	"parley/node"
)

// demoCase is one of the five ways in which desks work together.
type demoCase struct {
	id        int
	name      string
	story     string      // what it shows, for a reader
	companies []string    // each with a tenant and a node
	partners  [][2]string // paired and connected when the play begins; each one's draft bears the other's name
	play      func(*drama)
}

// check is one thing that must have come about, looked up in the tenants.
type check struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

type caseResult struct {
	ID     int     `json:"id"`
	Name   string  `json:"name"`
	OK     bool    `json:"ok"`
	Checks []check `json:"checks"`
}

// figures add up over the cases.
type figures struct {
	latencies []time.Duration // from a person's edit until it was seen on the other side
	changes   int             // by people
	replicas  int
	calls     int // to Jira by the nodes' accounts, polls left out
	polled    int
}

const (
	seenWithin  = 20 * time.Second // for an edit to be seen on the other side
	quietWithin = 20 * time.Second // for everything to go quiet
	quietPolls  = 6                // polls of each node in which nothing may move
)

// drama is a case at play: people act in the tenants, and what is then seen
// there is checked. The play stops at the first deed that fails; the checks that
// are left then fail too.
type drama struct {
	w      *world
	c      demoCase
	before traffic   // when the play began
	deed   time.Time // when a person last did something
	took   figures
	checks []check
	err    error // why the play stopped
}

// newDrama begins a play in a world that has been opened since began; err is why
// it could not be opened.
func newDrama(w *world, c demoCase, began time.Time, err error) *drama {
	s := &drama{w: w, c: c, deed: began, err: err}
	s.before, err = w.traffic()
	s.fail(err)
	return s
}

// fail stops the play.
func (s *drama) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// person is somebody at work in one company's tenant.
type person struct {
	s    *drama
	c    *company
	does sim.Person
	mail string
}

// at gives a person of a company by role: agent, customer.
func (s *drama) at(company string, role sim.Role) person {
	c := s.w.companies[company]
	a, found := c.tenant.Account(role)
	if !found {
		s.fail(fmt.Errorf("nobody at %s is %s", company, role))
	}
	return person{s, c, c.tenant.As(a.Email), a.Email}
}

// act is one change by a person; from here the time is taken.
func (p person) act(what string, deed func() error) {
	if p.s.err != nil {
		return
	}
	p.s.deed = time.Now()
	if err := deed(); err != nil {
		p.s.fail(fmt.Errorf("%s at %s: %w", what, p.c.name, err))
		return
	}
	p.s.took.changes++
}

func (p person) raise(requestType string, fields map[string]any) (key string) {
	p.act("raising a ticket", func() (err error) {
		key, err = p.does.CreateRequest(requestType, fields)
		return err
	})
	return key
}

func (p person) label(key string, labels ...string) {
	p.act("labelling "+key, func() error { return p.does.Label(key, labels...) })
}

func (p person) unlabel(key string, labels ...string) {
	p.act("taking a label off "+key, func() error { return p.does.Unlabel(key, labels...) })
}

func (p person) set(key, field string, value any) {
	p.act("editing "+key, func() error { return p.does.SetField(key, field, value) })
}

// says writes a public comment, notes an internal one.
func (p person) says(key, text string)  { p.comment(key, text, true) }
func (p person) notes(key, text string) { p.comment(key, text, false) }

func (p person) comment(key, text string, public bool) {
	p.act("commenting on "+key, func() error {
		_, err := p.does.Comment(key, text, public)
		return err
	})
}

// moves brings a ticket to a status; resolution may be empty.
func (p person) moves(key, status, resolution string) {
	var fields map[string]any
	if resolution != "" {
		fields = map[string]any{"resolution": resolution}
	}
	p.act("moving "+key, func() error { return p.does.Transition(key, status, fields) })
}

// sees waits until a person's last edit is seen on the other side, and notes
// how long it took.
func (s *drama) sees(what string, l look) {
	if took, ok := s.wait(what, seenWithin, l); ok {
		s.took.latencies = append(s.took.latencies, took)
	}
}

// also waits for what follows from the same edit.
func (s *drama) also(what string, l look) { s.wait(what, seenWithin, l) }

// holds checks what must be so now.
func (s *drama) holds(what string, l look) {
	seen, ok := notReached, false
	if s.err == nil {
		seen, ok = l()
	}
	s.note(check{what, ok, seen}, 0)
}

const notReached = "not reached: the play stopped before"

func (s *drama) wait(what string, most time.Duration, l look) (took time.Duration, ok bool) {
	if s.err != nil {
		s.note(check{what, false, notReached}, 0)
		return 0, false
	}
	var seen string
	err := within(s.w.ctx, most, func() (bool, error) {
		seen, ok = l()
		return ok, s.err
	})
	took = time.Since(s.deed)
	switch {
	case errors.Is(err, errTooLate):
		seen = fmt.Sprintf("not within %s; seen: %s", most, seen)
	case err != nil:
		s.fail(err)
		seen = err.Error()
	default:
		seen = strings.TrimSuffix(fmt.Sprintf("after %d ms: %s", took.Milliseconds(), seen), ": ")
	}
	s.note(check{what, err == nil, seen}, took)
	return took, err == nil
}

func (s *drama) note(c check, took time.Duration) {
	s.checks = append(s.checks, c)
	if s.w.d.ctx.Err() != nil {
		return // who ended the demo knows why nothing more is seen
	}
	if s.w.crossing != nil {
		s.fail(s.w.crossing.tell())
	}
	s.w.d.say.check(c, took)
}

// quiet makes sure that the exchange stops once people do.
func (s *drama) quiet() {
	s.deed = time.Now()
	last, err := s.w.traffic()
	s.fail(err)
	since := last
	s.wait("then it is quiet", quietWithin, func() (string, bool) {
		now, err := s.w.traffic()
		s.fail(err)
		if now.replicas != last.replicas || now.writes != last.writes {
			since = now
		}
		last = now
		polls := now.pollsSince(since)
		return fmt.Sprintf("no replica and no write in %d polls of each node", polls), polls >= quietPolls
	})
	to := &s.w.d.took
	to.latencies = append(to.latencies, s.took.latencies...)
	to.changes += s.took.changes
	to.replicas += last.replicas - s.before.replicas
	to.calls += last.calls - s.before.calls
	for i, n := range last.polls {
		to.polled += n - s.before.polls[i]
	}
}

// result is what came of the case. Where the play stopped, the reason is a check
// of its own, with what the nodes warned of.
func (s *drama) result() caseResult {
	if s.err != nil {
		why := s.err.Error()
		if a, ok := errors.AsType[*node.Advice](s.err); ok {
			why += " (" + a.Hint + ")"
		}
		s.note(check{"the play comes to its end", false, strings.TrimSpace(why + "\n" + s.w.log.String())}, 0)
	}
	r := caseResult{ID: s.c.id, Name: s.c.name, OK: true, Checks: s.checks}
	for _, c := range s.checks {
		r.OK = r.OK && c.OK
	}
	return r
}
