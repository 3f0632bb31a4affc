package exchange

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/jsm"
	"parley/node/ledger"
	"parley/node/rules"
	"parley/replica"
)

// starts makes the links that the ticket's triggers, or a person, ask for.
func (d *Desk) starts(ctx context.Context, j *job, t *jsm.Ticket, lanes []*lane) ([]*lane, error) {
	if t == nil || unfinished(t) {
		return lanes, nil
	}
	asked := map[string]bool{}
	for name := range j.start {
		asked[name] = false
	}
	for _, r := range j.quick {
		asked[r.connection] = true
	}
	for name, byHand := range asked {
		c := d.Connection(name)
		if c == nil || slices.ContainsFunc(lanes, func(l *lane) bool { return l.c == c }) {
			continue
		}
		k, why, err := d.start(ctx, j, c, t, byHand)
		if err != nil {
			return lanes, err
		}
		if why != "" {
			for _, r := range j.quick {
				if r.connection == name {
					r.refuse(why)
				}
			}
			continue
		}
		l, err := d.lane(c, k)
		if err != nil {
			return lanes, err
		}
		if l.r == nil { // its rules ceased to work this moment
			continue
		}
		lanes = append(lanes, l)
	}
	return lanes, nil
}

// start makes a link of a ticket that is shared from here on, or says why not.
func (d *Desk) start(ctx context.Context, j *job, c *Connection, t *jsm.Ticket, byHand bool) (k ledger.Link, why string, err error) {
	r := c.Rules()
	switch {
	case d.isNotice(t):
		return k, t.Key + " is a notice of this node to its own people and is never shared", nil
	case r == nil:
		return k, "the connection's rules do not work: " + c.Trouble(), d.want(c, t.ID)
	case !j.worksAt(c):
		return k, cmp.Or(c.halted(), "the connection has begun to work this moment; ask again"), nil
	case c.Paused() != "":
		return k, "the connection is paused: " + c.Paused(), d.want(c, t.ID)
	case !slices.Contains(r.Projects, projectKey(t)):
		return k, fmt.Sprintf("%s is in project %s, which the rules of %q do not name", t.Key, projectKey(t), c.Name), nil
	}
	if why, err = d.relays(c, t); why != "" || err != nil {
		return k, why, err
	}
	now := time.Now()
	k = ledger.Link{
		ID: replica.NewLinkID(c.Wire, d.cfg.Node, t.ID), Connection: c.Name, Ticket: t.ID, Key: t.Key, Complete: true, Born: now.UnixMilli(),
		Waits: r.ApproveFirst && !byHand,
	}
	if old, err := d.led.Link(c.Name, k.ID); err == nil && old.Ticket != "" {
		if old.Ended {
			return k, fmt.Sprintf("%s was unlinked from this connection", t.Key), nil
		}
		return old, "", nil
	}
	if why, err = d.limit(c); why != "" || err != nil { // only what is new counts
		return k, why, errors.Join(err, d.want(c, t.ID))
	}
	if r.Since == "link" {
		if k.Since, err = d.since(ctx, t, r.Trigger, now, byHand); err != nil {
			return k, "", err
		}
	}
	return k, "", d.led.Write(func(b *ledger.Batch) error { return ledger.PutLink(b, k) })
}

// relays says why a ticket that came in by another connection may not leave by
// this one; "" where it may.
func (d *Desk) relays(c *Connection, t *jsm.Ticket) (string, error) {
	links, err := d.led.LinksOf(t.ID)
	if err != nil {
		return "", err
	}
	for _, k := range links {
		if !k.Theirs || k.Connection == c.Name {
			continue
		}
		if !c.Rules().Relay() {
			return fmt.Sprintf("%s came in by connection %q; to pass it on, set relay = true in the rules of %q", t.Key, k.Connection, c.Name), nil
		}
		from := d.Connection(k.Connection)
		if from != nil && from.Peer == c.Peer {
			return fmt.Sprintf("%s came from %s; it never goes back by another connection", t.Key, c.Peer), nil
		}
	}
	return "", nil
}

// day counts the links that a connection started in one day.
type day struct {
	Day   string `json:"day"`
	First string `json:"first"` // the connection's first day
	Links int    `json:"links"`
}

// limit counts one more link of today and says why it may not be made; "" where
// it may. Beyond its limit the connection pauses.
func (d *Desk) limit(c *Connection) (string, error) {
	limits := c.Rules().Limits
	if limits == (rules.Limits{}) {
		return "", nil
	}
	name := "day/" + c.Name
	v, err := d.led.Fact(name)
	if err != nil {
		return "", err
	}
	var n day
	if len(v) > 0 {
		if err := json.Unmarshal(v, &n); err != nil {
			return "", fmt.Errorf("reading the count of connection %q: %w", c.Name, err)
		}
	}
	today := time.Now().UTC().Format(time.DateOnly)
	if n.First == "" {
		n.First = today
	}
	if n.Day != today {
		n.Day, n.Links = today, 0
	}
	most := limits.TicketsPerDay
	if n.First == today && limits.FirstDay > 0 && (most == 0 || limits.FirstDay < most) {
		most = limits.FirstDay
	}
	if most > 0 && n.Links >= most {
		why := fmt.Sprintf("its limit of %d tickets a day is reached", most)
		return why, d.Pause(c.Name, why)
	}
	n.Links++
	if v, err = json.Marshal(n); err != nil {
		return "", err
	}
	return "", d.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, name, v) })
}

func projectKey(t *jsm.Ticket) string { return t.Project.Value }
