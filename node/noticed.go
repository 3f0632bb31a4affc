package node

import (
	"fmt"
	"strings"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/notify"
)

// notices words what ails. It is pure: the same sight, the same words. Nothing
// in it is more than a key and a reason: no ticket's text, no person, no token.
func (s *sight) notices() (all []notify.Notice) {
	all = append(all, s.tenant()...)
	down := map[string]bool{}
	for _, p := range s.peers {
		if !p.up {
			down[p.name] = true
			all = append(all, p.notice(s.conf.PeerDown))
		}
	}
	for _, c := range s.connections {
		all = append(all, s.connection(c, down[c.peer])...)
	}
	if s.full != "" {
		all = append(all, notify.Notice{
			Key: "disk", Class: "disk", Severity: notify.Urgent, Title: "No new work is taken: " + s.full,
			Next: "Free or enlarge the disk. What was acknowledged is safe, and what waits goes on by itself.",
		})
	}
	for _, e := range s.ends {
		all = append(all, e.notice(s.at)...)
	}
	return all
}

// tenant tells of the site: that it stopped us, ails, or has us wait for its limits.
func (s *sight) tenant() []notify.Notice {
	advice := s.standing.Trouble.Advice()
	n := notify.Notice{Key: "tenant", Class: "tenant", Severity: notify.Urgent, Next: advice.Next, Patience: s.conf.TenantDown}
	limit := notify.Notice{
		Key: "tenant/limit", Class: "tenant", Severity: notify.Warning, Patience: heldAlone,
		Title: "Jira's limit is reached, and the node waits for the next hour's quota",
		Next:  `Nothing must be done: it goes on by itself. "parley status" shows the budget.`,
	}
	switch {
	case s.standing.State == jsm.Paused:
		return []notify.Notice{limit}
	case s.standing.State == jsm.Stopped:
		n.Title, n.Patience = fmt.Sprintf("The tenant %s is stopped: %s", s.site, advice.Sentence), 0
	case s.standing.State == jsm.Ailing:
		n.Title = fmt.Sprintf("The tenant %s ails: %s", s.site, advice.Sentence)
	case !s.asked:
		n.Unknown = true
	case s.trouble != "":
		n.Title, n.Next = fmt.Sprintf("The tenant %s cannot be read", s.site), `"parley doctor" says what is wrong.`
	default:
		return nil
	}
	return []notify.Notice{n}
}

func (p peerSight) notice(patience time.Duration) notify.Notice {
	n := notify.Notice{
		Key: "peer/" + p.name, Class: "peer", Severity: notify.Warning, Patience: patience,
		Title: fmt.Sprintf("The partner %s cannot be reached", p.name),
		Next:  `Ask the partner whether its node runs; "parley doctor" looks at the way there. Nothing is lost meanwhile.`,
	}
	if p.trouble != "" {
		n.Title += ": " + p.trouble
	}
	return n
}

// connection tells of one agreement. What the tenant or the partner explains is
// not told a second time.
func (s *sight) connection(c connectionSight, down bool) (all []notify.Notice) {
	byHand := strings.HasPrefix(c.paused, pausedByHand)
	switch {
	case c.paused != "" && !byHand:
		all = append(all, notify.Notice{
			Key: "paused/" + c.name, Class: "connection", Severity: notify.Warning,
			Title: fmt.Sprintf("Connection %s is paused: %s", c.name, c.paused),
			Next:  fmt.Sprintf("See whether so many tickets are meant to be shared, then: parley resume %s", c.name),
		})
	case !s.asked:
		all = append(all, notify.Notice{Key: "connection/" + c.name, Unknown: true})
	case c.trouble != "" && !down && c.paused == "" && s.standing.State == jsm.Up && s.trouble == "":
		all = append(all, notify.Notice{
			Key: "connection/" + c.name, Class: "connection", Severity: notify.Urgent, Patience: s.conf.TenantDown,
			Title: fmt.Sprintf("Connection %s stands still: %s", c.name, c.trouble),
			Next:  `"parley status" shows it as it is now.`,
		})
	}
	if c.waits == 0 {
		return all
	}
	n := notify.Notice{
		Key: "held/" + c.name, Class: "held", Severity: notify.Warning, More: c.waits - len(c.held),
		Title: fmt.Sprintf("Work waits on connection %s", c.name),
		Next:  fmt.Sprintf("parley held list --connection %s", c.name),
	}
	for _, h := range c.held {
		n.Lines = append(n.Lines, notify.Line{At: heldAt(h), Text: fmt.Sprintf("%s (%s): %s", h.Key, h.Class, h.Reason)})
	}
	return append(all, n)
}

// heldAt is when held work became anybody's business, see ripeHeld.
func heldAt(h ledger.Held) time.Time {
	at := time.UnixMilli(h.Since)
	if h.Class != ledger.Definite && h.Class != ledger.Policy {
		at = at.Add(heldAlone)
	}
	return at
}

// notice tells of an end 30, 14 and 3 days before, and when it has come. Each
// of these days is a line, and so news.
func (e lastDay) notice(now time.Time) []notify.Notice {
	n := notify.Notice{
		Key: "end/" + e.what, Class: "expiry", Severity: notify.Info, Next: e.next,
		Title: fmt.Sprintf("%s ends on %s", strings.ToUpper(e.what[:1])+e.what[1:], e.at.UTC().Format(time.DateOnly)),
	}
	for _, step := range []struct {
		days int
		s    notify.Severity
	}{{30, notify.Warning}, {14, notify.Warning}, {3, notify.Urgent}, {0, notify.Urgent}} {
		at := e.at.Add(-time.Duration(step.days) * 24 * time.Hour)
		if now.Before(at) {
			break
		}
		text := fmt.Sprintf("%d days are left", step.days)
		if step.days == 0 {
			text = "it has ended"
		}
		n.Severity, n.Lines = step.s, []notify.Line{{At: at, Text: text}}
	}
	if len(n.Lines) == 0 {
		return nil
	}
	return []notify.Notice{n}
}
