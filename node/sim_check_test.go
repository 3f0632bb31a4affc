package node_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"parley/jsm/sim"
	"parley/node"
	"parley/node/ledger"
)

// quiet waits until everything has settled and then insists that nothing moves
// any more: no replica, no write to any tenant (I3).
func (d *drama) quiet() {
	d.t.Helper()
	time.Sleep(4*settle + 20*pollEvery)
	d.revive()
	count := func() (s string) {
		synctest.Wait()
		for _, c := range d.companies {
			writes := 0
			for _, n := range c.tenant.WritesBy(c.sync.Email) {
				writes += n
			}
			s += fmt.Sprintf("%s wrote %d; ", c.name, writes)
			for _, con := range c.p.n.Desk().Connections() {
				s += fmt.Sprintf("%s/%s sent %d; ", c.name, con.Name, con.Log.Position().Seq)
			}
		}
		return s
	}
	for range 20 { // a tenant that was lost is asked again within minutes
		before := count()
		time.Sleep(time.Minute)
		d.revive()
		if count() == before && d.allUp() {
			return
		}
	}
	d.explain()
	d.t.Fatalf("I3: it does not go quiet: %s", count())
}

func (d *drama) allUp() bool {
	for _, c := range d.companies {
		if c.p.n.Desk().TenantTrouble() != "" {
			return false
		}
		for _, con := range c.p.n.Desk().Connections() {
			if !con.Up() {
				return false
			}
		}
	}
	return true
}

// retryAll is what an admin does after the cause is gone.
func (c *company) retryAll() {
	held, err := node.HeldList.Do(c.p.n, node.HeldQuestion{})
	c.w.must(err)
	for _, h := range held {
		if _, err := node.HeldRetry.Do(c.p.n, node.HeldQuestion{ID: h.ID}); err != nil {
			c.w.t.Logf("%s: retrying %s: %v", c.name, h.ID, err)
		}
	}
}

// check insists on the invariants of the architecture, by their names.
func (d *drama) check() {
	for _, m := range d.matters {
		if m.away {
			continue
		}
		north, _ := d.ticket(d.north, m)
		south, there := d.ticket(d.south, m)
		if !there {
			d.t.Errorf("I4: %s has no twin", m.key)
			continue
		}
		d.once(m)
		d.converged(m, north, south)
		d.heard(m, d.north, south)
		d.heard(m, d.south, north)
		d.carried(m, d.north, north, south)
		d.carried(m, d.south, south, north)
		d.complete(m, d.north, north, south)
		d.complete(m, d.south, south, north)
		if strings.Contains(south.Description+south.Summary, "parley-mark") {
			d.t.Errorf("I2: %s still bears a create marker", south.Key)
		}
	}
	d.named()
	d.logged()
	d.discreet()
	if d.t.Failed() {
		d.explain()
		d.t.Logf("%s: %+v", d.shape.name, d.shape.terms)
		for _, m := range d.matters {
			d.t.Logf("%s (%s): %s", m.key, m.token, m)
		}
	}
}

func (m *matter) String() (s string) {
	for item, edits := range m.edits {
		s += "\n    " + item + ":"
		for _, e := range edits {
			s += fmt.Sprintf(" %s %q at %s;", e.by.name, e.value, e.at.Format("04:05.000"))
		}
	}
	for _, r := range m.remarks {
		s += fmt.Sprintf("\n    %s said %s%s public %v turned %v deleted %v", r.by.name, r.token, r.last, r.public, r.turned, r.deleted)
		if r.picture != nil {
			s += " with " + r.picture.name
		}
	}
	for _, f := range m.files {
		s += fmt.Sprintf("\n    %s attached %s as %s, %d bytes, %.8s public %v gone %v", f.by.name, f.name, f.id, f.size, f.sum, f.public, f.gone)
	}
	return s
}

// once: I2, no ticket is made twice.
func (d *drama) once(m *matter) {
	for _, c := range []*company{d.north, d.south} {
		var keys []string
		for _, t := range c.tenant.Issues() {
			if strings.Contains(t.Description, m.token) {
				keys = append(keys, t.Key)
			}
		}
		if len(keys) != 1 {
			d.t.Errorf("I2: %s has %v for one matter of %s", c.name, keys, m.key)
		}
	}
}

// last is the newest change of an item by anybody.
func (m *matter) last(item string) (e edit) {
	if all := m.edits[item]; len(all) > 0 {
		e = all[len(all)-1]
	}
	return e
}

// lastOf is the newest change of an item by one company.
func (m *matter) lastOf(item string, c *company) (e edit) {
	for _, one := range m.edits[item] {
		if one.by == c {
			e = one
		}
	}
	return e
}

// wanted gives the words that may count in the end: the last one; where it
// brought back what that side had before, which nobody may have noticed, also
// the other side's last; and so where the rules let one side win against what it
// did not know.
func (d *drama) wanted(m *matter, item string) []edit {
	last := m.last(item)
	other := m.lastOf(item, d.north)
	if last.by == d.north {
		other = m.lastOf(item, d.south)
	}
	back := slices.ContainsFunc(m.edits[item], func(e edit) bool { return e.by == last.by && e.was == last.value })
	if d.skewed {
		back = true // by Jira's clocks another word may be the later one
	}
	tie := last.at.UnixMilli() == other.at.UnixMilli() // then the larger node id decides
	// A word that was written over in the moment before a disk was lost was known to that disk alone.
	lost := last.by != nil && !last.by.forgot.IsZero() && last.at.Before(last.by.forgot) && last.by.forgot.Sub(last.at) < 3*time.Second
	stubborn := d.shape.stubborn && (item == "summary" || item == "priority") && last.by == d.south
	if other.by != nil && (back || tie || lost || stubborn) {
		return []edit{last, other}
	}
	return []edit{last}
}

// converged: I3 and I4, both tickets agree under both sides' rules, on the word
// that counts.
func (d *drama) converged(m *matter, north, south sim.Ticket) {
	same := func(item, here, there string) {
		for _, e := range d.wanted(m, item) {
			if here == e.value && there == e.value {
				return
			}
		}
		d.t.Errorf("I4: %s of %s is %q, of %s %q; the last word was %q in the %s", item, north.Key, here, south.Key, there, m.last(item).value, m.last(item).by.name)
	}
	same("summary", north.Summary, south.Summary)
	same("description", north.Description, south.Description)
	if len(m.edits["duedate"]) > 0 {
		same("duedate", first(north.Fields["Due date"]), first(south.Fields["Due date"]))
	}
	for item := range m.edits {
		if name, ok := strings.CutPrefix(item, "label/"); ok {
			same(item, presence(north.Labels, name), presence(south.Labels, name))
		}
	}
	d.prioritized(m, north, south)
	d.stands(m, north)
	if d.shape.people && len(m.edits["assignee"]) > 0 {
		d.assigned(m, north, south)
	}
}

// assigned: the last word, each side's person by its own name.
func (d *drama) assigned(m *matter, north, south sim.Ticket) {
	for _, e := range d.wanted(m, "assignee") {
		who, _, _ := strings.Cut(e.value, "@")
		if north.Assignee == who+"@north.example" && south.Assignee == who+"@south.example" {
			return
		}
	}
	d.t.Errorf("I4: assignee of %s is %q, of %s %q; the last word was %q", north.Key, north.Assignee, south.Key, south.Assignee, m.last("assignee").value)
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func presence(labels []string, name string) string {
	if slices.Contains(labels, name) {
		return "there"
	}
	return "gone"
}

// prioritized: the last word stands as it was said where it was said, and as the
// map has it on the other side.
func (d *drama) prioritized(m *matter, north, south sim.Ticket) {
	if d.holds(d.south, m, "priority") || d.holds(d.north, m, "priority") {
		if !d.shape.strict {
			d.t.Errorf("I4: the priority of %s is held", m.key)
		}
		return
	}
	for _, e := range d.wanted(m, "priority") {
		switch {
		case e.by == d.north && north.Priority == e.value && south.Priority == d.shape.down[e.value],
			e.by == d.south && south.Priority == e.value && d.shape.down[north.Priority] == e.value:
			return
		}
	}
	d.t.Errorf("I4: the priority of %s is %s, of %s %s; the last word was %q in the %s", north.Key, north.Priority, south.Key, south.Priority, m.last("priority").value, m.last("priority").by.name)
}

// stands: the customer's status follows the vendor's, where the map names it and
// nobody in the north said something later.
func (d *drama) stands(m *matter, north sim.Ticket) {
	if len(m.edits["status"]) == 0 || d.holds(d.north, m, "status") {
		return
	}
	up := map[string]string{"Resolved": "Resolved", "In Progress": "In progress"}
	if theirs := m.lastOf("status", d.south); theirs.by != nil && up[theirs.value] == "" {
		return // what the vendor had before may or may not have been seen
	}
	for _, e := range d.wanted(m, "status") {
		if e.by == d.north && north.Status == e.value || e.by == d.south && north.Status == up[e.value] {
			return
		}
	}
	d.t.Errorf("I4: %s is %q; the last word was %q in the %s", north.Key, north.Status, m.last("status").value, m.last("status").by.name)
}

// holds reports whether a side visibly holds an item of a matter.
func (d *drama) holds(c *company, m *matter, item string) bool {
	t, _ := d.ticket(c, m)
	found := false
	d.must(c.p.n.Ledger().Held("", func(h ledger.Held) bool {
		found = found || h.Key == t.Key && h.Code != "peer-holds" && (h.Path == "" || h.Path.Kind() == item)
		return !found
	}))
	return found
}

// heard: I1, I2 and I4 for comments: what was said in public on one side is on
// the other exactly once, as it was said last.
func (d *drama) heard(m *matter, by *company, other sim.Ticket) {
	for _, r := range m.remarks {
		if r.by != by || !r.public {
			continue
		}
		var there []sim.Note
		for _, n := range other.Comments {
			if strings.Contains(n.Text, r.token) {
				there = append(there, n)
			}
		}
		switch {
		case len(there) > 1:
			d.t.Errorf("I2: %q is on %s %d times", r.token, other.Key, len(there))
		case len(there) == 0 && !r.deleted && !r.turned:
			d.t.Errorf("I4: %q never reached %s", r.token, other.Key)
		case len(there) == 0:
		case !r.turned && there[0].Public == d.from(by).closed:
			d.t.Errorf("I1: %q is on %s, and that its customer reads it is %v", r.token, other.Key, there[0].Public)
		case r.deleted && !r.turned && !strings.Contains(there[0].Text, "Deleted at"):
			d.t.Errorf("I4: %q was deleted, and on %s it is %q", r.token, other.Key, there[0].Text)
		case !r.deleted && !r.turned && !strings.Contains(there[0].Text, r.last):
			d.t.Errorf("I4: %q was edited to %q, and on %s it is %q", r.token, r.last, other.Key, there[0].Text)
		}
	}
}

// named: I1 and I5. Nothing for one side alone is in anything that left, or on
// the other side's tickets; nothing of the third company went to the south, and
// nothing of the south to the third.
func (d *drama) named() {
	for _, c := range d.companies {
		for _, con := range c.p.n.Desk().Connections() {
			entries, err := con.Log.Entries(1, 100_000)
			d.must(err)
			for _, e := range entries {
				for _, note := range d.notes {
					if bytes.Contains(e.Body, []byte(note)) {
						d.t.Errorf("I1: %q left %s by %s with replica %d", note, c.name, con.Name, e.Seq)
					}
				}
				for _, secret := range d.side {
					if con.Wire == "desk" && bytes.Contains(e.Body, []byte(secret)) {
						d.t.Errorf("I5: %q of a third company left %s with replica %d", secret, c.name, e.Seq)
					}
				}
				if con.Wire == "side" && bytes.Contains(e.Body, []byte("matter-")) {
					d.t.Errorf("I5: a matter of the south left %s with replica %d", c.name, e.Seq)
				}
			}
		}
	}
	least := 0 // what went away before it was shared may have no twin
	for _, m := range d.matters {
		if !m.away {
			least++
		}
	}
	again := 0 // a disk that was put back knows nothing of what was deleted since: its twin may be made again
	for _, at := range d.deleted {
		if c := d.south; at.After(c.taken) && !at.After(c.forgot) {
			again++
		}
	}
	if n := len(d.south.tenant.Issues()) + len(d.deleted); n < least || n > len(d.matters)+again {
		d.t.Errorf("I2, I5: the south had %d tickets for %d matters", n, len(d.matters))
	}
}
