package node

import (
	"time"

	"parley/node/console"
)

// hooksLine tells how Jira's webhooks come; nil while none are listened for.
func (n *Node) hooksLine() *console.Webhooks {
	l := n.hook.listener.Load()
	if l == nil {
		return nil
	}
	t := l.Tally()
	return &console.Webhooks{Taken: t.Taken, Refused: t.Refused, OldSecret: t.OldSecret, Last: t.Last}
}

// webhooks looks whether Jira tells of changes, and whether what it sends can be believed.
func (e *examination) webhooks(n *Node, now time.Time) {
	const what, show = "webhooks", `compare Jira's secret with "parley webhook show --secret"`
	c := n.conf.Webhook
	if c.Listen == "" {
		e.look(what, "for changes that cross at once: [webhook] in "+nodeFile+`, then "parley webhook show"`, "none are listened for: a change is found by asking every %s", n.conf.Poll.Every)
		return
	}
	if _, err := n.hookSecrets(); err != nil {
		e.bad(what, err, "[webhook] in "+nodeFile+" says where the secret is")
		return
	}
	secret, t := "their secret is in "+n.hookSource(), n.hooksLine()
	switch {
	case t == nil:
		e.look(what, "", "whether Jira sends any is seen while the node runs; %s", secret)
	case t.Taken == 0 && t.Refused > 0:
		e.fail(what, show, "all %d that came were refused: another secret made them, or none; %s", t.Refused, secret)
	case t.Taken == 0:
		e.look(what, `"parley webhook show" prints what to enter in Jira`, "none has come since the node started; %s", secret)
	case t.Refused > 0:
		e.look(what, show, "%d were refused, and %d taken, the last %s; %s", t.Refused, t.Taken, ago(now, t.Last), secret)
	case t.OldSecret > 0:
		e.look(what, show, "%d came, the last %s; %d of them were made by the secret before, so Jira may not know the new one", t.Taken, ago(now, t.Last), t.OldSecret)
	case c.Unsigned:
		e.look(what, "set unsigned = false where Jira can sign them", "%d came, the last %s; unsigned ones are believed, too", t.Taken, ago(now, t.Last))
	default:
		e.ok(what, "%d came, the last %s; %s", t.Taken, ago(now, t.Last), secret)
	}
}

// ago is how long ago something was, to the second or minute.
func ago(now, at time.Time) string {
	d := max(0, now.Sub(at))
	if d < 2*time.Minute {
		return d.Round(time.Second).String() + " ago"
	}
	return d.Round(time.Minute).String() + " ago"
}
