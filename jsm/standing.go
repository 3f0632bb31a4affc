package jsm

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Standing tells how the tenant stands just now. It makes no call.
func (c *Client) Standing() Standing {
	c.gov.mu.Lock()
	defer c.gov.mu.Unlock()
	return c.gov.standing(time.Now())
}

// Budget tells how the tenant's quota stands. It makes no call.
func (c *Client) Budget() Budget {
	c.gov.mu.Lock()
	defer c.gov.mu.Unlock()
	return c.gov.budget.status(time.Now())
}

// Spare is how long backfill had better not be begun, so that what is left of the quota serves people; 0: it may.
func (c *Client) Spare() time.Duration {
	c.gov.mu.Lock()
	defer c.gov.mu.Unlock()
	return c.gov.budget.wait(true, max(2, c.gov.budget.limit/50), time.Now())
}

// Await returns once the tenant may be called: at once while it is well, else after the pause that it asked for,
// or when it is well again. Of all that wait one asks it now and then, with one cheap call; the time
// between doubles up to minutes. The error is ctx's.
func (c *Client) Await(ctx context.Context) error {
	for ctx.Err() == nil {
		s, change, ask := c.gov.look()
		if s.State == Up {
			return nil
		}
		if ask {
			c.ask(ctx)
			continue
		}
		timer := time.NewTimer(max(time.Until(s.Until), time.Millisecond))
		select {
		case <-change:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return ctx.Err()
}

// ask sees whether the tenant is well again. The caller was told to by the governor, and nobody else is.
func (c *Client) ask(ctx context.Context) error {
	defer c.gov.asked()
	_, err := c.Myself(ctx)
	return err
}

// look gives the standing and a channel that its next change closes; ask tells the caller to ask the tenant.
func (g *governor) look() (s Standing, change <-chan struct{}, ask bool) {
	g.mu.Lock()
	defer g.unlock()
	now := time.Now()
	g.announce(now)
	s = g.standing(now)
	if (s.State == Ailing || s.State == Stopped) && !now.Before(s.Until) {
		if !g.health.asking {
			g.health.asking, ask = true, true
		}
		s.Until = now.Add(stopMost) // whoever asks wakes the others
	}
	return s, g.change, ask
}

// standing puts together what health and limits say. The caller holds mu.
func (g *governor) standing(now time.Time) Standing {
	if h := &g.health; h.state != Up {
		return Standing{State: h.state, Trouble: h.err.Trouble, Why: h.err.Error(), Since: h.since, Until: h.next}
	}
	if g.last.State == Paused && now.Before(g.last.Until) {
		return g.last
	}
	wait, why := g.pace.paused(&call{op: opMyself}, now)
	if spent := g.budget.wait(false, 1, now); spent > wait {
		wait, why = spent, "this hour's points are spent"
	}
	if wait > g.maxWait {
		return Standing{State: Paused, Trouble: TroubleLimit, Why: why, Since: now, Until: now.Add(wait)}
	}
	return Standing{State: Up, Since: g.health.since}
}

// announce notes a change of standing for the log, one line each, and wakes who waits for one. The caller holds mu.
func (g *governor) announce(now time.Time) {
	s := g.standing(now)
	if s.State == g.last.State {
		s.Since = g.last.Since
		g.last = s
		return
	}
	n := news{before: g.last, now: s, at: now}
	if e := g.health.err; e != nil {
		n.cause = fmt.Sprintf("%s, status %d, %s", e.Op, e.Status, s.Trouble)
	} else {
		n.cause = s.Why
	}
	g.last = s
	g.news = append(g.news, n)
	g.tell()
}

// news is a change of standing that is still to be logged.
type news struct {
	before, now Standing
	cause       string // without what Jira says in it: its sentences quote values of tickets
	at          time.Time
}

// unlock ends a step: it gives mu back, and then tells what changed meanwhile.
func (g *governor) unlock() {
	all := g.news
	g.news = nil
	g.mu.Unlock()
	for _, n := range all {
		n.tell(g.log)
	}
}

func (n news) tell(log *slog.Logger) {
	if n.now.State == Up {
		log.Info("jira is called again", "took", n.at.Sub(n.before.Since).Round(time.Millisecond))
		return
	}
	a, level := n.now.Trouble.Advice(), slog.LevelWarn
	if n.now.State == Stopped {
		level = slog.LevelError
	}
	again := n.now.Until.Sub(n.at).Round(time.Second)
	log.Log(context.Background(), level, fmt.Sprintf("jira is not called for now. %s %s", a.Sentence, a.Next), "err", n.cause, "took", again)
}

// tell wakes whoever waits for a change. The caller holds mu.
func (g *governor) tell() {
	close(g.change)
	g.change = make(chan struct{})
}
