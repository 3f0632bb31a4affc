package node

import (
	"context"
	"fmt"
	"time"

	"parley/conf"
)

// expiryStages are how long before a credential's end the admin is told, each
// once; from the last on, each day.
var expiryStages = []time.Duration{30 * day, 14 * day, 3 * day}

const day = 24 * time.Hour

// lookAtEnd is how often a running node looks whether a stage has begun.
const lookAtEnd = time.Hour

// end is what is known of a credential's end.
type end struct {
	stage int           // how many of expiryStages have begun; 0: none, or it is not known
	left  time.Duration // until it; 0 or less: it has come
	text  string        // a sentence, where stage > 0
	next  string
}

// ending judges the day that parley.toml names. Atlassian's tokens end within
// their last day: the warning counts to its beginning.
func ending(t conf.Tenant, now time.Time) end {
	if t.Expires.IsZero() {
		return end{left: 1}
	}
	what, next := "the tenant's API token", "make a new API token for the account (id.atlassian.com), put it where "+nodeFile+" says, and correct expires there"
	if t.Auth != "" && t.Auth != conf.AuthToken {
		what, next = "the client's secret", "make a new secret for the client, put it where "+nodeFile+" says, and correct expires there"
	}
	e := end{left: t.Expires.Sub(now), next: next}
	for _, s := range expiryStages {
		if e.left <= s {
			e.stage++
		}
	}
	on := t.Expires.Format(time.DateOnly)
	switch days := int((e.left + day - 1) / day); {
	case e.stage == 0:
		e.next = ""
	case e.left <= 0:
		e.text = fmt.Sprintf("%s has ended on %s", what, on)
	case days == 1:
		e.text = fmt.Sprintf("%s ends on %s, within a day", what, on)
	default:
		e.text = fmt.Sprintf("%s ends on %s, in %d days", what, on, days)
	}
	return e
}

// credentialWarnings are for the status: nothing, or one sentence.
func (n *Node) credentialWarnings(now time.Time) []string {
	if e := ending(n.conf.Tenant, now); e.stage > 0 {
		return []string{e.text + "; " + e.next}
	}
	return nil
}

// watchEnd logs that the credential ends: at each stage once, in the last days
// daily. It returns when ctx ends.
func (n *Node) watchEnd(ctx context.Context) {
	told, at := 0, time.Time{}
	for {
		now := time.Now()
		e := ending(n.conf.Tenant, now)
		last := e.stage == len(expiryStages)
		if e.stage > told || last && now.Sub(at) >= day {
			told, at = e.stage, now
			say := n.log.Warn
			if last {
				say = n.log.Error
			}
			say(e.text + "; " + e.next)
		}
		if !pause(ctx, lookAtEnd) {
			return
		}
	}
}
