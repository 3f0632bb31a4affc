package exchange

import (
	"context"
	"fmt"
	"sync"

	"parley/node/ledger"
	"parley/replica"
)

// Synced is what became of one ticket that a person asked to share.
type Synced struct {
	Key    string `json:"key"`
	Twin   string `json:"twin"`
	State  string `json:"state"` // applied, held, refused
	Reason string `json:"reason"`
}

// request is a person who waits for a ticket to be visited.
type request struct {
	connection string
	done       chan struct{}

	mu     sync.Mutex // guards the fields below
	why    string     // why it is refused
	failed error
	over   bool
}

func (r *request) refuse(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.why = why
}

func (r *request) visited(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.over, r.failed = true, err
		close(r.done)
	}
}

// Sync shares tickets now and waits until the peer has said what became of
// each, or ctx ends.
func (d *Desk) Sync(ctx context.Context, connection string, keys []string) ([]Synced, error) {
	c := d.Connection(connection)
	if c == nil {
		return nil, fmt.Errorf("there is no connection %q with published rules", connection)
	}
	if err := d.room(); err != nil {
		return nil, err
	}
	if c.Rules() == nil {
		return nil, fmt.Errorf("connection %q cannot work yet: %s", connection, c.Trouble())
	}
	out := make([]Synced, len(keys))
	for i, key := range keys {
		out[i] = d.syncOne(ctx, c, key)
	}
	return out, ctx.Err()
}

func (d *Desk) syncOne(ctx context.Context, c *Connection, key string) Synced {
	s := Synced{Key: key, State: "refused"}
	d.jira.Forget(key) // somebody asks: what is shown is what is there
	t, err := d.jira.Ticket(ctx, key)
	if err != nil {
		s.Reason = "it cannot be read: " + plain(err)
		return s
	}
	s.Key = t.Key
	r := &request{connection: c.Name, done: make(chan struct{})}
	d.queue.add(job{lane: t.ID, ticket: t.ID, quick: []*request{r}})
	select {
	case <-r.done:
	case <-ctx.Done():
		s.State, s.Reason = "held", "it is still waiting to be visited: "+d.TenantTrouble()
		return s
	}
	if r.failed != nil {
		s.State, s.Reason = "held", plain(r.failed)
		return s
	}
	if r.why != "" {
		s.Reason = r.why
		return s
	}
	return d.await(ctx, c, t.ID, s)
}

// await waits for the peer's word on a link's newest replica.
func (d *Desk) await(ctx context.Context, c *Connection, ticket string, s Synced) Synced {
	for {
		heard := c.Log.Heard()
		links, err := d.led.LinksOf(ticket)
		if err != nil {
			s.Reason = err.Error()
			return s
		}
		for _, k := range links {
			if k.Connection != c.Name {
				continue
			}
			if now, ok := d.answered(c, k, s); ok {
				return now
			}
		}
		select {
		case <-heard:
		case <-ctx.Done():
			s.State, s.Reason = "held", "the partner has not answered yet: "+d.whyWaiting(c)
			return s
		}
	}
}

func (d *Desk) answered(c *Connection, k ledger.Link, s Synced) (Synced, bool) {
	out, err := d.led.Outgoing(c.Name, k.ID)
	if err != nil {
		s.Reason = err.Error()
		return s, true
	}
	w, err := d.led.Word(c.Name, k.ID)
	if err != nil || w.Seq < out.Last || w.State == "" || w.State == replica.Resend {
		return s, false
	}
	s.Twin, s.State = w.Twin, string(w.State)
	switch w.State {
	case replica.Held, replica.Refused:
		s.Reason = fmt.Sprintf("the partner holds it (%s%s)", w.Code, inWords(w.Paths))
	}
	return s, true
}

func inWords(paths []replica.Path) (s string) {
	for i, p := range paths {
		if i == 5 {
			return s + " …"
		}
		s += " " + string(p)
	}
	if s != "" {
		s = ":" + s
	}
	return s
}

func (d *Desk) whyWaiting(c *Connection) string {
	switch {
	case c.Trouble() != "":
		return c.Trouble()
	case !c.Up():
		return c.Peer + " is not connected"
	}
	return "it goes on by itself"
}

// Retry asks for a link's held work to be tried again now.
func (d *Desk) Retry(connection string, id replica.LinkID) error {
	k, err := d.led.Link(connection, id)
	if err != nil {
		return fmt.Errorf("finding link %s of connection %q: %w", id, connection, err)
	}
	j := laneOf(k)
	j.retry, j.asked = true, true
	d.queue.add(j)
	return nil
}

// laneOf is a visit of a link's lane.
func laneOf(k ledger.Link) job {
	j := job{lane: k.Ticket, ticket: k.Ticket, connection: k.Connection, link: k.ID}
	if k.Ticket == "" {
		j.lane = k.Connection + "/" + k.ID.String()
	}
	return j
}

// TenantTrouble is why the tenant is not answering; "" while it is.
func (d *Desk) TenantTrouble() string { return d.tenant.Trouble() }
