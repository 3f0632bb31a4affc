package node_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/jsm/sim"
)

// work is a work log of a person.
type work struct {
	by      *company
	id      string
	token   string // in its text
	last    string // what its newest text ends with
	seconds int64
	limited bool // to some of that side
	gone    bool
}

// tie is a link of a person between two matters.
type tie struct {
	by   *company
	to   *matter
	kind string
	gone bool
}

// page is a web link of a person.
type page struct {
	by      *company
	id      string
	address string
	gone    bool
}

// things has somebody do something to the parts of a ticket that are neither fields nor comments.
func (d *drama) things(m *matter, c *company, t sim.Ticket) {
	if c == d.north && t.Status == "Resolved" && m.stars == 0 && d.rng.IntN(2) == 0 {
		d.rate(m, c, t)
		return
	}
	switch p := d.rng.IntN(24); {
	case p < 10 && d.gentle: // a tenant keeps files on the real disk, and who waits for it lets others run, as they did not before
		d.log(m, c, t)
	case p < 6:
		d.attach(m, c, t)
	case p < 8:
		d.detach(m, c, t)
	case p < 10:
		d.picture(m, c, t)
	case p < 13:
		d.log(m, c, t)
	case p < 15:
		d.relog(m, c, t)
	case p < 18:
		d.takePart(m, c, t)
	case p < 21:
		d.tie(m, c, t)
	case p < 23:
		d.page(m, c, t)
	default:
		d.decide(m, c, t)
	}
}

// log books work; now and then for some of that side alone.
func (d *drama) log(m *matter, c *company, t sim.Ticket) {
	w := &work{by: c, token: fmt.Sprintf("working-%d.", d.n), seconds: 60 * (1 + d.rng.Int64N(300)), limited: d.rng.IntN(5) == 0}
	w.last = w.token
	role := ""
	if w.limited {
		role = "Service Desk Team"
	}
	if w.limited || !d.from(c).works {
		d.noted(w.token)
	}
	var err error
	w.id, err = d.someone(c).Work(t.Key, w.seconds, w.token, role)
	d.must(err)
	m.works = append(m.works, w)
	d.tempt(c, "worklog")
}

// relog corrects a work log, or takes it away.
func (d *drama) relog(m *matter, c *company, t sim.Ticket) {
	own := slices.DeleteFunc(slices.Clone(m.works), func(w *work) bool { return w.by != c || w.gone })
	if len(own) == 0 {
		return
	}
	w := own[d.rng.IntN(len(own))]
	if d.rng.IntN(3) == 0 {
		d.must(c.admin.DeleteWork(t.Key, w.id))
		w.gone = true
		return
	}
	w.last, w.seconds = fmt.Sprintf("corrected-%d.", d.n), 60*(1+d.rng.Int64N(300))
	d.must(c.admin.EditWork(t.Key, w.id, w.seconds, w.token+" "+w.last))
}

// takePart lets one of a side's persons take part in a request, or ends that.
func (d *drama) takePart(m *matter, c *company, t sim.Ticket) {
	persons := slices.Sorted(maps.Keys(d.persons(c)))
	who := persons[d.rng.IntN(len(persons))]
	if slices.Contains(t.Participants, who) {
		d.must(d.someone(c).Unshare(t.Key, who))
	} else {
		d.must(d.someone(c).Share(t.Key, who))
	}
	m.joined[who] = !slices.Contains(t.Participants, who)
}

// tie links two shared tickets, or takes such a link away. Each side has its own kind.
func (d *drama) tie(m *matter, c *company, t sim.Ticket) {
	to := d.any()
	other, there := d.ticket(c, to)
	if to == m || to.away || !there || unfinished(other) {
		return
	}
	kind := map[*company]string{d.north: "Blocks", d.south: "Duplicate"}[c]
	for _, l := range m.ties {
		if l.by == c && l.to == to && !l.gone {
			d.must(d.someone(c).Untie(t.Key, kind, other.Key))
			l.gone = true
			return
		}
	}
	d.must(d.someone(c).Link(t.Key, kind, other.Key))
	m.ties = append(m.ties, &tie{by: c, to: to, kind: kind})
}

// page links a ticket to a page of the web, leads the link elsewhere or takes it away. Jira tells nobody of it: what
// is said afterwards brings it.
func (d *drama) page(m *matter, c *company, t sim.Ticket) {
	own := slices.DeleteFunc(slices.Clone(m.pages), func(p *page) bool { return p.by != c || p.gone })
	address := fmt.Sprintf("https://status.globex.example/page-%d", d.n)
	var err error
	switch p := d.rng.IntN(4); {
	case len(own) == 0 || p < 2:
		one := &page{by: c, address: address}
		one.id, err = d.someone(c).Page(t.Key, address, "Status page")
		m.pages = append(m.pages, one)
	case p == 2:
		err = d.someone(c).EditPage(t.Key, own[0].id, address, "Status page")
		own[0].address = address
	default:
		err = d.someone(c).DeletePage(t.Key, own[0].id)
		own[0].gone = true
	}
	d.must(err)
	d.comment(m, c, t, true)
}

// steps are the approval steps of the two sides: the status, the ways in, what follows a decision, and its name.
var steps = map[string]struct {
	status, name, approved, declined string
	from                             []string
}{
	"north": {"Waiting for approval", "Manager approval", "In progress", "Canceled", []string{"Waiting for support", "In progress"}},
	"south": {"Pending approval", "Approval by the lead", "In Progress", "Closed", []string{"Open", "In Progress"}},
}

// decide asks for an approval, or answers one that is asked for.
func (d *drama) decide(m *matter, c *company, t sim.Ticket) {
	step := steps[c.name]
	approver := "approver@" + c.name + ".example"
	switch {
	case slices.Contains(step.from, t.Status):
		d.must(c.agent.Transition(t.Key, step.status, map[string]any{"Approvers": []string{approver}}))
		d.wrote(m, "status", c, t.Status, step.status)
	case t.Status == step.status:
		approve, to := d.rng.IntN(6) > 0, step.approved
		if !approve {
			to = step.declined
		}
		d.must(c.tenant.As(approver).Answer(t.Key, approve))
		d.wrote(m, "status", c, t.Status, to)
	}
}

// rate has the reporter rate a request that is resolved. Jira tells nobody of it, either.
func (d *drama) rate(m *matter, c *company, t sim.Ticket) {
	m.stars, m.praise = 1+d.rng.IntN(5), fmt.Sprintf("praise-%d.", d.n)
	d.must(c.tenant.As(t.Reporter).Rate(t.Key, m.stars, m.praise))
	d.comment(m, c, t, true)
}

// complete: I1, I2 and I4 for what hangs on a ticket beside fields, comments and files, by what both tenants hold.
func (d *drama) complete(m *matter, by *company, origin, other sim.Ticket) {
	d.worked(m, by, origin, other)
	d.tied(m, by, origin, other)
	d.linked(m, by, origin, other)
	d.joined(m, by, origin, other)
	d.decided(by, origin, other)
	if by == d.north {
		d.praised(m, other)
	}
}

// amount insists that something is somewhere so many times.
func (d *drama) amount(what, key string, got, want int) {
	switch {
	case got > want:
		d.t.Errorf("I2: %s is on %s %d times, which should be %d", what, key, got, want)
	case got < want:
		d.t.Errorf("I4: %s is on %s %d times, which should be %d", what, key, got, want)
	}
}

func (d *drama) worked(m *matter, by *company, origin, other sim.Ticket) {
	for _, w := range m.works {
		if w.by != by {
			continue
		}
		count := func(t sim.Ticket) (n int) {
			for _, one := range t.Work {
				if !strings.Contains(one.Text, w.token) {
					continue
				}
				n++
				if one.Seconds != w.seconds || !strings.Contains(one.Text, w.last) {
					d.t.Errorf("I4: work log %q of %s is on %s as %q, %d s; it should be %q, %d s", w.token, origin.Key, t.Key, one.Text, one.Seconds, w.last, w.seconds)
				}
			}
			return n
		}
		here, there := 1, 0
		if w.gone {
			here = 0
		} else if d.from(by).works && !w.limited {
			there = 1
		}
		d.amount("work log "+w.token, origin.Key, count(origin), here)
		d.amount("work log "+w.token, other.Key, count(other), there)
		crossed["work logs"] += there
	}
}

// tied: links between two tickets.
func (d *drama) tied(m *matter, by *company, origin, other sim.Ticket) {
	seen := map[*matter]bool{}
	for _, l := range m.ties {
		if l.by != by || l.to.away || seen[l.to] {
			continue
		}
		seen[l.to] = true
		standing := slices.ContainsFunc(m.ties, func(o *tie) bool { return o.by == by && o.to == l.to && !o.gone })
		here, there := 0, 0
		if standing {
			here = 1
		}
		if standing && d.from(by).links {
			there = 1
		}
		crossed["links"] += there
		for _, side := range []struct {
			c    *company
			from sim.Ticket
			want int
		}{{by, origin, here}, {d.across(by), other, there}} {
			to, found := d.ticket(side.c, l.to)
			if !found {
				continue // that it has no twin is told elsewhere
			}
			n := 0
			for _, r := range side.c.tenant.Relations(side.from.Key) {
				if r.Type == l.kind && r.Outward && r.Other == to.Key {
					n++
				}
			}
			d.amount(fmt.Sprintf("%s %s of the %s", l.kind, to.Key, by.name), side.from.Key, n, side.want)
		}
	}
}

// linked: links to the web.
func (d *drama) linked(m *matter, by *company, origin, other sim.Ticket) {
	for _, p := range m.pages {
		if p.by != by {
			continue
		}
		here, there := 1, 0
		if p.gone {
			here = 0
		} else if d.from(by).links {
			there = 1
		}
		count := func(t sim.Ticket) int {
			return len(t.WebLinks) - len(slices.DeleteFunc(slices.Clone(t.WebLinks), func(a string) bool { return a == p.address }))
		}
		d.amount(p.address, origin.Key, count(origin), here)
		d.amount(p.address, other.Key, count(other), there)
		crossed["web links"] += there
	}
	for _, address := range other.WebLinks {
		if !slices.ContainsFunc(m.pages, func(p *page) bool { return p.address == address }) {
			d.t.Errorf("I4: %s still leads to %s", other.Key, address)
		}
	}
}

// joined: who takes part.
func (d *drama) joined(m *matter, by *company, origin, other sim.Ticket) {
	for who, there := range d.persons(by) {
		here := m.joined[who]
		if got := slices.Contains(origin.Participants, who); got != here {
			d.t.Errorf("I4: that %s takes part in %s is %v, which people left %v", who, origin.Key, got, here)
		}
		want := here && d.from(by).people
		if want {
			crossed["participants"]++
		}
		if got := slices.Contains(other.Participants, there); got != want {
			d.t.Errorf("I4: that %s takes part in %s is %v, and that %s does in %s is %v", who, origin.Key, here, there, other.Key, got)
		}
	}
}

// decided: each approval that a side has is noted on the other, as it stands.
func (d *drama) decided(by *company, origin, other sim.Ticket) {
	var want, got []string
	for _, a := range origin.Approvals {
		if d.from(by).approvals {
			want = append(want, a.State)
		}
	}
	for _, n := range other.Comments {
		if rest, ok := strings.CutPrefix(n.Text, steps[by.name].name+" at "+by.name+": "); ok {
			got = append(got, first(strings.Fields(rest)))
			if n.Public {
				d.t.Errorf("I1: the customer of %s reads of an approval: %q", other.Key, n.Text)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	crossed["approvals"] += len(want)
	if !slices.Equal(want, got) {
		d.t.Errorf("I4: the approvals of %s are %q, and noted on %s are %q", origin.Key, want, other.Key, got)
	}
}

// praised: the customer's rating.
func (d *drama) praised(m *matter, other sim.Ticket) {
	want := [2]string{}
	if m.stars > 0 && d.shape.terms.down.rating {
		want = [2]string{fmt.Sprint(m.stars), m.praise}
		crossed["ratings"]++
	}
	if got := [2]string{first(other.Fields["Number of users"]), first(other.Fields["History notes"])}; got != want {
		d.t.Errorf("I4: the rating of %s is %q, and should be %q", other.Key, got, want)
	}
}
