package node_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"parley/jsm/sim"
)

// file is an attachment of a person.
type file struct {
	by     *company
	id     string
	name   string
	seed   uint64 // of its content
	size   int64
	sum    string // SHA-256, hexadecimal
	public bool   // the customer sees it
	opened bool   // it was internal at first
	secret bool   // for nobody beyond the side
	gone   bool   // somebody there deleted it
}

// attach has somebody attach a file: for the customer to see or not; now and then one of a name, or of bytes, that is
// there already; now and then a large one that something befalls on its way.
func (d *drama) attach(m *matter, c *company, t sim.Ticket) {
	f := &file{by: c, name: fmt.Sprintf("file-%d.bin", d.n), seed: uint64(d.n), size: 1 + d.rng.Int64N(3000), public: d.rng.IntN(2) == 0}
	way := d.from(c)
	switch p := d.rng.IntN(8); {
	case p < 2:
		f.name = "file-again.png"
	case p == 2:
		if own := m.filesOf(c); len(own) > 0 {
			old := own[d.rng.IntN(len(own))]
			f.name, f.seed, f.size, f.public = old.name, old.seed, old.size, old.public
		}
	case p == 3:
		f.size = 100_000 + d.rng.Int64N(400_000)
		d.hinder(c)
	case !f.public && !way.hidden:
		f.name, f.secret = fmt.Sprintf("file-hush-%d.bin", d.n), true
		d.noted(f.name)
	}
	d.bring(m, c, t, f)
}

// bring attaches a file.
func (d *drama) bring(m *matter, c *company, t sim.Ticket, f *file) {
	sum := sha256.New()
	content := io.TeeReader(sim.Noise(f.seed, f.size), sum)
	var err error
	if f.public || f.seed%3 == 0 {
		f.id, err = d.someone(c).AttachBy(t.Key, f.name, content, "", f.public)
	} else {
		f.id, err = d.someone(c).Attach(t.Key, f.name, content)
	}
	d.must(err)
	f.sum = hex.EncodeToString(sum.Sum(nil))
	m.files = append(m.files, f)
	d.tempt(c, "attachments")
}

// filesOf are the standing files of a side that are no secret.
func (m *matter) filesOf(c *company) (own []*file) {
	for _, f := range m.files {
		if f.by == c && !f.gone && !f.secret {
			own = append(own, f)
		}
	}
	return own
}

// hinder has something befall a side's file while the other fetches it: the network breaks off, or one of the nodes dies.
func (d *drama) hinder(c *company) {
	if d.gentle || c.p == nil {
		return
	}
	other, kept := d.across(c), d.rng.IntN(3)*50
	wait := time.Duration(d.rng.IntN(150)) * time.Millisecond
	var strike func()
	switch d.rng.IntN(4) {
	case 0:
		back := time.Second + time.Duration(d.rng.IntN(20))*time.Second
		strike = func() { d.sever(c, back) }
	case 1:
		p := c.p
		strike = func() { p.die(kept) }
	case 2:
		p := other.p
		if p == nil {
			return
		}
		strike = func() { p.die(kept) }
	default:
		d.must(c.tenant.Fault(sim.Fault{Kind: "cut", Path: "/file/**", Skip: d.rng.IntN(2)}))
		return
	}
	c.p.mouth.at(&beside{method: "GET", path: "file/*/binary", skip: d.rng.IntN(2), then: func() { time.AfterFunc(wait, strike) }})
}

// detach has somebody delete a file: mostly one of that side's own, now and then the copy of another's.
func (d *drama) detach(m *matter, c *company, t sim.Ticket) {
	if d.rng.IntN(4) == 0 {
		for _, copied := range t.Files {
			if copied.Author != c.sync.Email {
				continue
			}
			for _, f := range m.files {
				if f.sum == copied.SHA256 {
					m.cut[f.sum] = true
				}
			}
			d.must(c.admin.Detach(copied.ID))
			return
		}
	}
	if own := m.filesOf(c); len(own) > 0 {
		f := own[d.rng.IntN(len(own))]
		d.must(c.admin.Detach(f.id))
		f.gone = true
	}
}

// picture has somebody say something in public with a picture in it, which the customer sees from then on.
func (d *drama) picture(m *matter, c *company, t sim.Ticket) {
	own := slices.DeleteFunc(m.filesOf(c), func(f *file) bool { // a name means the newest file that bears it, whoever brought it
		return slices.ContainsFunc(t.Files, func(o sim.File) bool { return o.Name == f.name && o.ID != f.id })
	})
	if len(own) == 0 {
		own = append(own, &file{by: c, name: fmt.Sprintf("file-%d.png", d.n), seed: uint64(d.n), size: 500, public: d.rng.IntN(2) == 0})
		d.bring(m, c, t, own[0])
	}
	f := own[len(own)-1]
	r := &remark{by: c, token: fmt.Sprintf("saying-%d.", d.n), public: true, picture: f}
	r.last = r.token
	var err error
	r.id, err = d.someone(c).Comment(t.Key, r.token+" !"+f.name+"!", true)
	d.must(err)
	f.opened, f.public = f.opened || !f.public, true
	m.remarks = append(m.remarks, r)
}

// carried: I1, I2 and I4 for files, by what both tenants hold: each that stands at its origin and crosses is on the
// other side once, with the same bytes, and shown to whom the rules say; what was deleted at its origin is gone; what
// people attached is still where they did.
func (d *drama) carried(m *matter, by *company, origin, other sim.Ticket) {
	way, sync := d.from(by), d.across(by).sync.Email
	sums := map[string][]*file{}
	for _, f := range m.files {
		if f.by == by {
			sums[f.sum] = append(sums[f.sum], f)
		}
	}
	for sum, files := range sums {
		stand := bearing(origin.Files, sum, "")
		var crossing, shown, standing, either int
		for _, f := range files {
			if f.gone {
				continue
			}
			standing++
			if !slices.ContainsFunc(stand, func(s sim.File) bool { return s.ID == f.id }) {
				d.t.Errorf("I4: %s of %s was deleted by nobody, and is gone", f.name, origin.Key)
			}
			if f.opened && way.sends(false) && !way.sends(true) { // it may have crossed before, and what has crossed stays
				either++
			}
			if way.sends(f.public) {
				crossing++
				if way.shows(f.public) {
					shown++
				}
			}
		}
		if len(stand) != standing {
			d.t.Errorf("I2: %s is on %s %d times, where people left %d", files[0].name, origin.Key, len(stand), standing)
		}
		copies := bearing(other.Files, sum, sync)
		onPortal := len(copies) - len(slices.DeleteFunc(slices.Clone(copies), func(f sim.File) bool { return f.Portal }))
		crossed["files"] += len(copies)
		crossed["files for customers"] += onPortal
		switch {
		case len(copies) > crossing+either:
			d.t.Errorf("I2: %s of %s is on %s %d times, which should be %d", files[0].name, origin.Key, other.Key, len(copies), crossing)
		case m.cut[sum]: // somebody there took a copy away
		case len(copies) < crossing:
			d.t.Errorf("I4: %s of %s is on %s %d times, which should be %d", files[0].name, origin.Key, other.Key, len(copies), crossing)
		case onPortal < shown || onPortal > shown+either:
			d.t.Errorf("I1: %s of %s is shown to the customer of %s %d times, which should be %d", files[0].name, origin.Key, other.Key, onPortal, shown)
		}
	}
	for _, f := range other.Files {
		if _, known := sums[f.SHA256]; f.Author == sync && !known {
			d.t.Errorf("I4: %s of %s has bytes that nobody attached", f.Name, other.Key)
		}
	}
	d.pictured(m, by, other)
}

// pictured: a public comment shows the picture in place, where the customer there may see it.
func (d *drama) pictured(m *matter, by *company, other sim.Ticket) {
	for _, r := range m.remarks {
		f := r.picture
		if r.by != by || f == nil || f.gone || m.cut[f.sum] || !d.from(by).files || !d.from(by).shows(true) {
			continue
		}
		crossed["pictures"]++
		for _, n := range other.Comments {
			if strings.Contains(n.Text, r.token) && !strings.Contains(n.Wiki, "!"+f.name) && !strings.Contains(n.Wiki, "[^"+f.name) {
				d.t.Errorf("I4: %q on %s lacks its picture %s: %q", r.token, other.Key, f.name, n.Wiki)
			}
		}
	}
}

// bearing are the files of some bytes; those of one author, or where that is empty of people.
func bearing(all []sim.File, sum, author string) (list []sim.File) {
	for _, f := range all {
		if f.SHA256 == sum && (f.Author == author || author == "" && !strings.HasPrefix(f.Author, "sync@")) {
			list = append(list, f)
		}
	}
	return list
}
