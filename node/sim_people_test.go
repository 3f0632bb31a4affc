package node_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/jsm/sim"
)

// A drama is people at work on both sides, and what must come of it: the model
// is kept from what people did, never from parley's own word.
type drama struct {
	*world
	shape        shape
	north, south *company
	client       *company // nil: two companies
	skewed       bool     // a tenant's clock is wrong
	gentle       bool     // nothing fails
	n            int      // of the last act

	mu      sync.Mutex // guards the fields below: a person may act while a node calls
	matters []*matter
	deleted []time.Time // when a ticket of the south's was
	side    []string    // secrets of the third company
	notes   []string    // texts for one side only
}

// A matter is one ticket that the customer shared, with all that people did to
// it and its twin.
type matter struct {
	token   string // stands in the description on both sides
	key     string // the customer's
	away    bool   // somebody deleted it, or moved it out of the project: what becomes of it is not looked at
	remarks []*remark
	edits   map[string][]edit // item → by whom and when, oldest first
	files   []*file
	cut     map[string]bool // bytes of which somebody took a copy away
	works   []*work
	ties    []*tie
	pages   []*page
	joined  map[string]bool // who takes part, by e-mail address
	stars   int             // the rating; 0: none
	praise  string
}

// edit is one change of one item by a person.
type edit struct {
	by    *company
	was   string // what it was on that side's ticket
	value string
	at    time.Time
}

// remark is one comment of a person.
type remark struct {
	by      *company
	id      string
	token   string // in its text
	last    string // what its newest text ends with
	public  bool   // from the start on
	turned  bool   // made internal later
	edited  bool
	deleted bool
	picture *file // in its text
}

// wrote notes a person's change.
func (d *drama) wrote(m *matter, item string, by *company, was, value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m.edits[item] = append(m.edits[item], edit{by, was, value, time.Now()})
}

func (d *drama) noted(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes = append(d.notes, text)
}

// raise makes a ticket in the north that is to be shared.
func (d *drama) raise() {
	m := &matter{token: fmt.Sprintf("matter-%d.", d.n), edits: map[string][]edit{}, cut: map[string]bool{}, joined: map[string]bool{}}
	summary := fmt.Sprintf("ticket %d", d.n)
	key, err := d.north.agent.CreateRequest("Get IT help", map[string]any{"summary": summary, "description": "Since this morning. " + m.token})
	d.must(err)
	m.key = key
	d.wrote(m, "summary", d.north, "", summary)
	d.wrote(m, "description", d.north, "", "Since this morning. "+m.token)
	d.must(d.north.agent.SetField(key, "priority", "Medium"))
	d.wrote(m, "priority", d.north, "", "Medium")
	d.must(d.north.agent.Label(key, "vendor-x"))
	d.wrote(m, "label/vendor-x", d.north, "gone", "there")
	d.matters = append(d.matters, m)
}

// unlucky has the making of the next twin go wrong, now and then.
func (d *drama) unlucky() {
	switch d.rng.IntN(6) {
	case 0:
		d.south.dieAt("POST", "servicedeskapi/request", d.rng.IntN(3)*50, 0)
	case 1, 2:
		f := []sim.Fault{{Kind: "lost"}, {Kind: "late", AfterMS: 1000 + d.rng.IntN(4000)}, {Kind: "applied"}}[d.rng.IntN(3)]
		f.Account, f.Method, f.Path = d.south.sync.Email, "POST", "/rest/servicedeskapi/request"
		d.must(d.south.tenant.Fault(f))
	}
}

// unfinished reports a twin in the making.
func unfinished(t sim.Ticket) bool { return strings.Contains(t.Description, "parley-mark-") }

// across is the side opposite to one of the two.
func (d *drama) across(c *company) *company {
	if c == d.north {
		return d.south
	}
	return d.north
}

// from is what crosses from a side.
func (d *drama) from(c *company) passage {
	if c == d.north {
		return d.shape.terms.down
	}
	return d.shape.terms.up
}

// persons are those whom a side tells of as taking part, and who they are on the other.
func (d *drama) persons(c *company) map[string]string {
	if c == d.north {
		return northern
	}
	return southern
}

// any is a matter to work on.
func (d *drama) any() *matter { return d.matters[d.rng.IntN(len(d.matters))] }

// ticket finds a matter's ticket on one side; false where there is none (yet).
func (d *drama) ticket(c *company, m *matter) (sim.Ticket, bool) {
	if c == d.north {
		return c.tenant.Issue(m.key)
	}
	for _, t := range c.tenant.Issues() {
		if strings.Contains(t.Description, m.token) {
			return t, true
		}
	}
	return sim.Ticket{}, false
}

// someone is who acts on a side.
func (d *drama) someone(c *company) sim.Person {
	if d.rng.IntN(3) == 0 {
		return c.human
	}
	return c.agent
}

// people do one thing on one side.
func (d *drama) people() {
	m, c := d.any(), d.north
	if d.rng.IntN(2) == 0 {
		c = d.south
	}
	t, there := d.ticket(c, m)
	if !there || unfinished(t) || m.away {
		return // nobody works on a twin in the making
	}
	switch p := d.rng.IntN(30); {
	case p < 5:
		d.comment(m, c, t, d.rng.IntN(4) > 0)
	case p < 8:
		d.rework(m, c, t)
	case p < 14:
		d.field(m, c, t)
	case p < 17:
		d.label(m, c, t)
	case p < 20:
		d.move(m, c, t)
	default:
		d.things(m, c, t)
	}
}

func (d *drama) comment(m *matter, c *company, t sim.Ticket, public bool) {
	r := &remark{by: c, token: fmt.Sprintf("saying-%d.", d.n), public: public}
	r.last = r.token
	var err error
	r.id, err = d.someone(c).Comment(t.Key, r.token, public)
	d.must(err)
	m.remarks = append(m.remarks, r)
	if !public {
		d.noted(r.token)
	}
}

// rework edits a comment, takes it away, or makes it internal.
func (d *drama) rework(m *matter, c *company, t sim.Ticket) {
	var own []*remark
	for _, r := range m.remarks {
		if r.by == c && !r.deleted && r.picture == nil {
			own = append(own, r)
		}
	}
	if len(own) == 0 {
		return
	}
	r := own[d.rng.IntN(len(own))]
	switch p := d.rng.IntN(6); {
	case p == 0:
		d.must(c.admin.DeleteComment(t.Key, r.id))
		r.deleted = true
	case p == 1 && r.public && !r.turned:
		d.must(c.agent.ShowComment(r.id, false))
		r.turned = true
	default:
		again := fmt.Sprintf("again-%d.", d.n)
		d.must(c.admin.EditComment(t.Key, r.id, r.token+" "+again))
		if r.public && !r.turned {
			r.last, r.edited = again, true
		} else {
			d.noted(again)
		}
	}
}

// field has somebody edit a field, often while the other side does the same, or
// the other side's node is about to die with it.
func (d *drama) field(m *matter, c *company, t sim.Ticket) {
	other, item := d.across(c), d.item()
	apart := d.rng.IntN(4) == 0 && !d.gentle
	if apart { // what they say in the next seconds crosses on its way
		d.sever(c, 10*time.Second)
	}
	d.edit(m, c, t, item)()
	if d.rng.IntN(2) == 0 { // and says another thing while the first is on its way
		if kept := d.rng.IntN(3) * 50; !d.gentle {
			other.dieAt("PUT", "issue/*", kept, 1500*time.Millisecond)
		}
		time.Sleep(time.Duration(1000+d.rng.IntN(1500)) * time.Millisecond)
		d.edit(m, c, t, item)()
	}
	twin, there := d.ticket(other, m)
	if there && (apart || d.rng.IntN(4) == 0) && !unfinished(twin) {
		time.Sleep(time.Duration(d.rng.IntN(1500)) * time.Millisecond)
		d.edit(m, other, twin, item)()
	}
}

// sever cuts a side off for a while.
func (d *drama) sever(c *company, while time.Duration) {
	d.cable.part(c.socket.LocalAddr(), true)
	time.AfterFunc(while, func() { d.cable.part(c.socket.LocalAddr(), false) })
}

// item names a field that people edit on both sides.
func (d *drama) item() string {
	items := []string{"summary", "priority", "priority", "duedate", "description"}
	if d.shape.people {
		items = append(items, "assignee")
	}
	return items[d.rng.IntN(len(items))]
}

// edit gives an edit of one field, to be made now or at a bad moment.
func (d *drama) edit(m *matter, c *company, t sim.Ticket, item string) func() {
	who, value := d.someone(c), ""
	switch item {
	case "summary":
		value = fmt.Sprintf("ticket %d of the %s", d.n, c.name)
	case "priority":
		names := slices.Sorted(maps.Keys(d.shape.up))
		if c == d.north { // two of them are one and the same in the south
			names = append(slices.Sorted(maps.Keys(d.shape.down)), "Urgent", "Urgent")
		}
		value = names[d.rng.IntN(len(names))]
	case "duedate":
		value = fmt.Sprintf("2000-02-%02d", 1+d.rng.IntN(28))
	case "description":
		if c == d.south {
			return func() {} // it goes one way
		}
		value = fmt.Sprintf("It is worse at %d. %s", d.n, m.token)
	case "assignee":
		value = []string{"agent", "human"}[d.rng.IntN(2)] + "@" + c.name + ".example"
	}
	return func() {
		now, _ := c.tenant.Issue(t.ID)
		was := shows(now, item)
		if was == value {
			return // Jira takes it for no change
		}
		if err := who.SetField(t.Key, item, value); err != nil {
			d.t.Errorf("%s cannot set %s of %s to %q: %v", c.name, item, t.Key, value, err)
			return
		}
		d.wrote(m, item, c, was, value)
	}
}

// shows reads a field as it is now.
func shows(t sim.Ticket, item string) string {
	switch item {
	case "summary":
		return t.Summary
	case "description":
		return t.Description
	case "priority":
		return t.Priority
	case "assignee":
		return t.Assignee
	}
	return first(t.Fields["Due date"])
}

// label adds or removes one label; components are picked likewise.
func (d *drama) label(m *matter, c *company, t sim.Ticket) {
	name := []string{"vip", "vpn", "wifi"}[d.rng.IntN(3)]
	if slices.Contains(t.Labels, name) {
		d.must(d.someone(c).Unlabel(t.Key, name))
		d.wrote(m, "label/"+name, c, "there", "gone")
	} else {
		d.must(d.someone(c).Label(t.Key, name))
		d.wrote(m, "label/"+name, c, "gone", "there")
	}
}

// move takes a transition that is open.
func (d *drama) move(m *matter, c *company, t sim.Ticket) {
	ways := map[string][]string{
		"Waiting for support": {"In progress", "Waiting for customer"}, "In progress": {"Waiting for customer", "Waiting for support"},
		"Waiting for customer": {"Waiting for support"}, "Resolved": {"In progress"},
	}
	if c == d.south {
		ways = map[string][]string{"Open": {"In Progress"}, "In Progress": {"Pending customer", "Resolved"}, "Pending customer": {"In Progress"}, "Resolved": {"In Progress"}}
	}
	next := ways[t.Status]
	if len(next) == 0 {
		return
	}
	to := next[d.rng.IntN(len(next))]
	var screen map[string]any
	if to == "Resolved" {
		screen = map[string]any{"resolution": "Done"}
	}
	d.must(d.someone(c).Transition(t.Key, to, screen))
	d.wrote(m, "status", c, t.Status, to)
}

// lose has an administrator delete a ticket, or move it to another project,
// where somebody goes on talking: none of that is the partner's business.
func (d *drama) lose() {
	m, c := d.any(), d.north
	if d.rng.IntN(2) == 0 {
		c = d.south
	}
	t, there := d.ticket(c, m)
	if !there || m.away || unfinished(t) {
		return
	}
	m.away = true
	if d.rng.IntN(2) == 0 {
		d.must(c.admin.Delete(t.Key))
		if c == d.south {
			d.deleted = append(d.deleted, time.Now())
		}
		return
	}
	project := "OPS"
	if c == d.south {
		project = "DEV"
	}
	key, err := c.admin.Move(t.Key, project)
	d.must(err)
	note := fmt.Sprintf("elsewhere-%d.", d.n)
	_, err = c.agent.Comment(key, note, true)
	d.must(err)
	d.noted(note)
}

// clients does one thing at the third company, or with its ticket in the north.
func (d *drama) clients() {
	secret := fmt.Sprintf("secret-%d.", d.n)
	all := d.client.tenant.Issues()
	switch {
	case len(all) == 0 || d.rng.IntN(4) == 0:
		key, err := d.client.agent.CreateRequest("Technical question", map[string]any{"summary": "About " + secret, "description": "All of " + secret})
		d.must(err)
		d.must(d.client.agent.Label(key, "partner-x"))
	case d.rng.IntN(2) == 0:
		_, err := d.client.agent.Comment(all[d.rng.IntN(len(all))].Key, secret, true)
		d.must(err)
	default:
		for _, t := range d.north.tenant.Issues() {
			if strings.Contains(t.Description, "All of secret-") && !unfinished(t) {
				d.must(d.north.agent.Label(t.Key, "vendor-x")) // by mistake: it is not the north's to pass on
				_, err := d.north.agent.Comment(t.Key, secret, true)
				d.must(err)
				break
			}
		}
	}
	d.side = append(d.side, secret)
}
