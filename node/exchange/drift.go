package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/node/ledger"
	"parley/replica"
)

// Drift is where the two sides of a connection stopped holding the same. It
// tells links and keys, never what they hold.
type Drift struct {
	Connection string       `json:"connection"`
	At         time.Time    `json:"at"`
	Links      int          `json:"links"` // compared
	Differing  []Difference `json:"differing"`
}

// Difference is one link that the two sides see differently.
type Difference struct {
	Link string `json:"link"`
	Key  string `json:"key"`  // the local ticket's; "" where the link is not known here
	What string `json:"what"` // sent, received, unknown here, unknown there
	Why  string `json:"why"`  // in plain words

	id    replica.LinkID
	peers replica.Seq // the newest sequence that the peer says it posted for the link
}

// What a difference is.
const (
	driftSent         = "sent"
	driftReceived     = "received"
	driftUnknownHere  = "unknown here"
	driftUnknownThere = "unknown there"
)

const (
	driftPage  = 1000            // links that one message tells of
	mostDrift  = 10_000          // links that may differ before the comparison is given up
	driftAgain = 3 * time.Second // after which what differs is looked at again: what is under way is no drift
)

// ErrNoPeer is returned where the partner is not there to be asked.
var ErrNoPeer = errors.New("the partner is not connected")

// Compare asks the peer how each link of a connection stands and lists those
// that the two sides see differently; neither's content crosses. progress, which
// may be nil, is told how many links have been compared. The result is kept for
// [Desk.LastDrift].
func (d *Desk) Compare(ctx context.Context, connection string, progress func(links int)) (*Drift, error) {
	c := d.Connection(connection)
	if c == nil {
		return nil, fmt.Errorf("there is no connection %q with published rules", connection)
	}
	drift := &Drift{Connection: connection, Differing: []Difference{}}
	suspects, err := d.differing(ctx, c, &drift.Links, progress)
	if err != nil {
		return nil, fmt.Errorf("comparing connection %q: %w", connection, err)
	}
	if len(suspects) > 0 && !pause(ctx, driftAgain) {
		return nil, ctx.Err()
	}
	for _, s := range suspects {
		still, err := d.stillDiffers(ctx, c, s)
		if err != nil {
			return nil, fmt.Errorf("comparing connection %q: %w", connection, err)
		}
		if still == nil {
			continue
		}
		if k, err := d.led.Link(c.Name, s.id); err == nil {
			still.Key = k.Key
		}
		drift.Differing = append(drift.Differing, *still)
	}
	drift.At = time.Now()
	return drift, d.keepDrift(drift)
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// differing walks both sides' links in the order of their ids.
func (d *Desk) differing(ctx context.Context, c *Connection, n *int, progress func(int)) (suspects []Difference, err error) {
	for from, more := (replica.LinkID{}), true; more; {
		page, err := c.askStands(ctx, from)
		if err != nil {
			return nil, err
		}
		more = page.more
		ours, err := c.Log.Stands(from, driftPage)
		if err != nil {
			return nil, err
		}
		end := page.end(ours)
		for id, pair := range pairs(page.stands, ours, end) {
			*n++
			if len(suspects) == mostDrift {
				return nil, fmt.Errorf("more than %d links differ: the two homes do not belong together", mostDrift)
			}
			if diff := d.judge(c, id, pair[0], pair[1]); diff != nil {
				suspects = append(suspects, *diff)
			}
		}
		if progress != nil {
			progress(*n)
		}
		more = more || len(ours) == driftPage
		from = next(end)
	}
	slices.SortFunc(suspects, func(a, b Difference) int { return bytes.Compare(a.id[:], b.id[:]) })
	return suspects, nil
}

// stillDiffers looks again at one link.
func (d *Desk) stillDiffers(ctx context.Context, c *Connection, s Difference) (*Difference, error) {
	page, err := c.askStands(ctx, s.id)
	if err != nil {
		return nil, err
	}
	var there *ledger.Stand
	if len(page.stands) > 0 && page.stands[0].Link == s.id {
		there = &page.stands[0]
	}
	ours, err := c.Log.Stand(s.id)
	if err != nil {
		return nil, err
	}
	var here *ledger.Stand
	if k, err := d.led.Link(c.Name, s.id); err == nil {
		ours.Ended = k.Ended
		here = &ours
	} else if !errors.Is(err, ledger.ErrNone) {
		return nil, err
	}
	return d.judge(c, s.id, there, here), nil
}

// judge says in what the two sides differ about a link; nil: in nothing, or in
// what is under way.
func (d *Desk) judge(c *Connection, id replica.LinkID, theirs, ours *ledger.Stand) *Difference {
	diff := func(what, why string) *Difference {
		found := &Difference{Link: id.String(), What: what, Why: why, id: id}
		if theirs != nil {
			found.peers = theirs.Out
		}
		return found
	}
	stored, told := c.Log.Position().Stored, c.Log.Told().Stored
	switch {
	case ours != nil && ours.Ended || theirs != nil && theirs.Ended:
		return nil
	case theirs == nil && (ours.Out == 0 || ours.Out > told || ours.In == 0 && d.waitsThere(c, id)):
		return nil
	case theirs == nil:
		return diff(driftUnknownThere, "the partner does not know this link although it stored what we sent")
	case ours == nil && theirs.Out > stored:
		return nil
	case ours == nil:
		if s, err := c.Log.Stand(id); err == nil && s.In == theirs.Out && s.InAfter == theirs.OutAfter && theirs.In == 0 {
			return nil // it waits for its ticket to be made
		}
		return diff(driftUnknownHere, "the partner has this link, this node does not know it")
	case ours.Out <= told && (ours.Out != theirs.In || ours.OutAfter != theirs.InAfter):
		return diff(driftSent, "the partner does not hold what was sent for this link")
	case theirs.Out <= stored && (theirs.Out != ours.In || theirs.OutAfter != ours.InAfter):
		return diff(driftReceived, "what the partner says it sent for this link is not what is held here")
	}
	return nil
}

// waitsThere reports that the peer has stored a new link and not yet said what
// became of it: its ticket is still to be made.
func (d *Desk) waitsThere(c *Connection, id replica.LinkID) bool {
	w, err := d.led.Word(c.Name, id)
	return err == nil && w.State == ""
}

// Realign brings the links of the last comparison together again: each side posts
// its whole view of them anew. Links are given by id; none means all. It returns
// how many are being healed.
func (d *Desk) Realign(ctx context.Context, drift *Drift, links []string) (healed int, err error) {
	c := d.Connection(drift.Connection)
	if c == nil {
		return 0, fmt.Errorf("there is no connection %q with published rules", drift.Connection)
	}
	for _, diff := range drift.Differing {
		if len(links) > 0 && !slices.Contains(links, diff.Link) && !slices.Contains(links, diff.Key) {
			continue
		}
		if err := d.healOne(c, diff); err != nil {
			return healed, fmt.Errorf("healing link %s of connection %q: %w", diff.Link, c.Name, err)
		}
		healed++
	}
	return healed, ctx.Err()
}

func (d *Desk) healOne(c *Connection, diff Difference) error {
	if err := c.Log.Owe([]replica.LinkID{diff.id}, c.Log.Position().Seq+1); err != nil {
		return err
	}
	if diff.peers > 0 {
		o := &replica.Outcome{Link: diff.id, Seq: diff.peers, State: replica.Resend, Code: ledger.Drifted}
		if err := c.Log.Commit(ledger.Step{Outcome: o}); err != nil {
			return err
		}
	}
	d.wakeLink(c, diff.id)
	return nil
}

func driftFact(connection string) string { return "drift/" + connection }

func (d *Desk) keepDrift(drift *Drift) error {
	v, err := json.Marshal(drift)
	if err != nil {
		return err
	}
	return d.led.Write(func(b *ledger.Batch) error { return ledger.PutFact(b, driftFact(drift.Connection), v) })
}

// LastDrift is what the last comparison of a connection found; nil where there
// was none yet.
func LastDrift(l *ledger.Ledger, connection string) (*Drift, error) {
	v, err := l.Fact(driftFact(connection))
	if err != nil || len(v) == 0 {
		return nil, err
	}
	drift := &Drift{}
	if err := json.Unmarshal(v, drift); err != nil {
		return nil, fmt.Errorf("reading the last comparison of connection %q: %w", connection, err)
	}
	return drift, nil
}

// compare compares every connection from time to time, so that what nobody
// noticed is told.
func (d *Desk) compare(ctx context.Context) error {
	for pause(ctx, d.cfg.Compare/24) {
		for _, c := range d.Connections() {
			last, err := LastDrift(d.led, c.Name)
			if err != nil {
				return err
			}
			if !c.Up() || last != nil && time.Since(last.At) < d.cfg.Compare {
				continue
			}
			drift, err := d.Compare(ctx, c.Name, nil)
			switch {
			case err != nil:
				d.log.Debug("a connection could not be compared", "connection", c.Name, "err", err)
			case len(drift.Differing) > 0:
				d.log.Warn("links differ between both sides; parley reconcile lists and heals them", "connection", c.Name, "links", len(drift.Differing))
			}
		}
	}
	return nil
}

// pairs joins both sides' links up to end: theirs, ours; nil where a side has none.
func pairs(theirs, ours []ledger.Stand, end replica.LinkID) map[replica.LinkID][2]*ledger.Stand {
	all := map[replica.LinkID][2]*ledger.Stand{}
	for side, stands := range [2][]ledger.Stand{theirs, ours} {
		for i := range stands {
			if id := stands[i].Link; bytes.Compare(id[:], end[:]) <= 0 {
				pair := all[id]
				pair[side] = &stands[i]
				all[id] = pair
			}
		}
	}
	return all
}

// next is the id after one.
func next(id replica.LinkID) replica.LinkID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id
}
