package jsm

import (
	"net/http"
	"time"
)

// State says whether a tenant may be called.
type State string

const (
	Up      State = "up"
	Ailing  State = "ailing"  // it fails call after call; it is asked now and then whether it is well again
	Paused  State = "paused"  // a limit is reached; it ends at a known time
	Stopped State = "stopped" // it refuses the account or is no Jira; it is asked now and then
)

// Standing is how a tenant stands, and since when.
type Standing struct {
	State   State
	Trouble Trouble
	Why     string    // the error behind it, in Jira's words; "" while it is up
	Since   time.Time // zero: from the start
	Until   time.Time // no call before this; zero while it is up
}

// opMyself is the cheap call by which a tenant is asked whether it lets us in.
const opMyself = "GET myself"

const (
	askFirst   = 2 * time.Second
	ailMost    = 30 * time.Second // between two looks whether an ailing tenant is well again
	stopMost   = 5 * time.Minute  // likewise of one that refuses us
	failures   = 4                // calls in a row that raise the question whether the tenant is well
	refusals   = 3                // tickets in a row to which a silent 403 must come before it is the account's
	recently   = 10 * time.Minute // how long a success speaks for the account
	maxRefused = 64               // operations whose refusals are remembered
)

// health knows whether the tenant is well. The governor's mutex guards it.
type health struct {
	state  State     // up, ailing or stopped
	err    *APIError // what made it so
	since  time.Time
	next   time.Time // when it is asked again
	step   time.Duration
	asking bool // somebody is asking it now

	proven  time.Time            // the last success of "GET myself"
	failed  int                  // calls in a row
	good    map[string]time.Time // operation → its last success
	refused map[string]int       // operation → silent refusals since then
}

func newHealth() health {
	return health{state: Up, good: map[string]time.Time{}, refused: map[string]int{}}
}

// gate lets calls pass while the tenant is well. While it is not, only the question whether it is well again
// passes; ask tells one caller that it is time for it.
func (s *health) gate(k *call, now time.Time) (ask bool, e *APIError) {
	if s.state == Up || k.op == opMyself {
		return false, nil
	}
	if !s.asking && !now.Before(s.next) {
		s.asking = true
		return true, nil
	}
	again := max(s.next.Sub(now), time.Second)
	e = &APIError{
		Op: k.op, Status: s.err.Status, Class: s.err.Class, Applied: No, RetryAfter: again, Reason: s.err.Reason,
		Trouble: s.err.Trouble, Trace: s.err.Trace, Err: s.err.Err, Unsent: true,
		Messages: append([]string{"not sent while the tenant does not answer as it should"}, s.err.Messages...),
	}
	return false, e
}

// note takes in what became of a call. A refusal of the account arrives here only once it is beyond doubt.
func (s *health) note(k *call, e *APIError, now time.Time) {
	switch {
	case e == nil:
		s.well(k, now)
	case e.Unsent:
	case e.Class == Tenant:
		s.worsen(Stopped, e, now)
	case e.Class == Transient && e.Trouble.ails():
		s.failed++
		if k.op == opMyself && (s.state != Up || s.failed >= failures) {
			s.worsen(Ailing, e, now)
		}
	case e.Status/100 == 4 && e.Status != http.StatusTooManyRequests: // Jira itself looked at it
		s.failed = 0
	}
}

// ails tells the troubles that concern every call and usually pass.
func (t Trouble) ails() bool {
	switch t {
	case TroubleGateway, TroubleMaintenance, TroubleUnreachable, TroubleSilent, TroubleEmpty, TroubleCut, TroublePage:
		return true
	}
	return false
}

func (s *health) well(k *call, now time.Time) {
	s.failed = 0
	if len(s.good) >= maxRefused {
		clear(s.good)
	}
	s.good[k.op] = now
	delete(s.refused, k.op)
	if k.op != opMyself {
		return
	}
	s.proven = now
	if s.state != Up {
		s.state, s.err, s.since, s.next = Up, nil, now, time.Time{}
	}
}

// worsen notes that the tenant ails or refuses us. One look that fails doubles the time to the next, also across
// a recovery that did not last; what fails beside it changes nothing.
func (s *health) worsen(to State, e *APIError, now time.Time) {
	if s.state != Up && now.Before(s.next) {
		return
	}
	most := ailMost
	if to == Stopped {
		most = stopMost
	}
	if s.state == Up && now.Sub(s.since) > 2*s.step {
		s.step = 0
	}
	if s.state != to {
		s.since = now
	}
	s.step = max(min(2*s.step, most), askFirst)
	s.state, s.err, s.next = to, e, now.Add(max(s.step, min(e.RetryAfter, most)))
}

// silent counts a 403 without a word, and tells whether it is this ticket's own: the same operation went well a
// short while ago, and has not been refused for many in a row.
func (s *health) silent(k *call, now time.Time) bool {
	if len(s.refused) >= maxRefused {
		clear(s.refused)
	}
	s.refused[k.op]++
	return s.refused[k.op] < refusals && now.Sub(s.good[k.op]) < recently
}
