package node_test

import (
	"bytes"
	"slices"

	"parley/node/ledger"
	"parley/replica"
)

// logged: I7. Each ledger holds together, both sides' logs are the same, and the
// peer's word is there for all that was sent.
func (d *drama) logged() {
	wires, away := map[string][]ledger.Position{}, d.away()
	for _, c := range d.companies {
		d.must(c.p.n.Check())
		led := c.p.n.Ledger()
		for _, con := range c.p.n.Desk().Connections() {
			at := con.Log.Position()
			wires[con.Wire] = append(wires[con.Wire], at)
			if told := con.Log.Told(); told.Stored != at.Seq {
				d.t.Errorf("I7: %s/%s sent %d replicas, the peer has receipted %d", c.name, con.Name, at.Seq, told.Stored)
			}
			d.must(led.Links(con.Name, func(k ledger.Link) bool {
				out, err := led.Outgoing(k.Connection, k.ID)
				d.must(err)
				word, err := led.Word(k.Connection, k.ID)
				d.must(err)
				if (word.Seq < out.Last || word.State == replica.Resend) && !away[k.ID] {
					d.t.Errorf("I7: %s: replica %d of %s has no word of the peer, whose last is %d (%s)", c.name, out.Last, k.Key, word.Seq, word.State)
				}
				return true
			}))
		}
		d.must(led.OpenIntents(func(in ledger.Intent) bool {
			k, err := led.Link(in.Connection, in.Link)
			d.must(err)
			if _, there := c.tenant.Issue(k.Ticket); there { // of one that was deleted nobody can say
				d.t.Errorf("I2: %s still has an open intent for %s: %s %s", c.name, k.Key, in.Effect, in.Path)
			}
			return true
		}))
	}
	for wire, both := range wires {
		if len(both) != 2 || both[0].Chain != both[1].InChain || both[1].Chain != both[0].InChain {
			d.t.Errorf("I7: the two ledgers of %s differ: %+v", wire, both)
		}
	}
}

// away are the links of a company that was put back, or of its peer, one of whose
// tickets was deleted or moved away: nothing is said of them until it is back.
func (d *drama) away() map[replica.LinkID]bool {
	restored := slices.ContainsFunc(d.companies, func(c *company) bool { return c.saved != nil })
	away := map[replica.LinkID]bool{}
	for _, c := range d.companies {
		d.must(c.p.n.Ledger().Links("", func(k ledger.Link) bool {
			t, there := c.tenant.Issue(k.Ticket)
			if restored && (!there || t.Key != k.Key) {
				away[k.ID] = true
			}
			return true
		}))
	}
	return away
}

// discreet: I8. No token is in a ledger's bytes or in a log; nor is a person's
// text in a log.
func (d *drama) discreet() {
	d.logs.mu.Lock()
	log := d.logs.buf.Bytes()
	d.logs.mu.Unlock()
	for _, c := range d.companies {
		token := []byte(c.sync.Token)
		if bytes.Contains(log, token) {
			d.t.Errorf("I8: the token of %s is in a log", c.name)
		}
		c.eachFile("", func(path string, content []byte) {
			if bytes.Contains(content, token) {
				d.t.Errorf("I8: the token of %s is in %s", c.name, path)
			}
		})
	}
	for _, word := range []string{"saying-", "again-", "file-", "working-", "page-", "praise-", "secret-", "matter-", "@"} {
		if i := bytes.Index(log, []byte(word)); i >= 0 {
			d.t.Errorf("I8: a log speaks of a ticket or a person: %q", log[max(0, i-100):min(len(log), i+60)])
		}
	}
}

// eachFile reads a disk.
func (c *company) eachFile(dir string, use func(path string, content []byte)) {
	names, err := c.fs.List(dir + "/")
	c.w.must(err)
	for _, name := range names {
		path := dir + "/" + name
		info, err := c.fs.Stat(path)
		c.w.must(err)
		if info.IsDir() {
			c.eachFile(path, use)
			continue
		}
		f, err := c.fs.Open(path)
		c.w.must(err)
		content := make([]byte, info.Size())
		if n, err := f.ReadAt(content, 0); n > 0 || err == nil {
			use(path, content[:n])
		}
		c.w.must(f.Close())
	}
}
