package exchange_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/node/exchange"
	"parley/node/ledger"
)

// granted are the files of a side that its peer may ask for.
func (c *company) granted() (n int) {
	c.w.t.Helper()
	c.w.must(c.led.Links("", func(k ledger.Link) bool {
		grants, err := c.led.Grants(k.Connection, k.ID)
		c.w.must(err)
		n += len(grants)
		return true
	}))
	return n
}

// only is a side's one link.
func (c *company) only() (k ledger.Link) {
	c.w.t.Helper()
	c.w.must(c.led.Links("", func(one ledger.Link) bool { k = one; return true }))
	return k
}

// TestALinkEndedByHandGivesNothingMore ends a link while one file has crossed and another is on its way: that comes to an
// end at once, on the other side the same, and what people do then stays home.
func TestALinkEndedByHandGivesNothingMore(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"north", "south"} {
		t.Run(side, func(t *testing.T) {
			inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
				c := map[string]*company{"north": w.north, "south": w.south}[side]
				key, twin := w.shared("Printer on fire")
				w.north.attach(key, "first.png", 10_000, true)
				w.arrives(w.south, twin, 1)
				w.quiet()
				same(t, "granted", w.north.granted(), 1)
				w.north.attach(key, "second.bin", 30<<20, true)
				w.catching(roundTrip, "the second is on its way", time.Minute, func() bool { return w.south.spooled() == 1 })
				w.must(c.desk.End("link", c.only().ID))
				if side == "north" {
					same(t, "granted then", w.north.granted(), 0)
				} else {
					same(t, "waited for", w.south.spooled(), 0)
				}
				w.north.comment(key, "anybody there?", true)
				w.south.comment(twin, "hello?", true)
				time.Sleep(5 * time.Minute)
				same(t, "the south's files", w.south.files(twin), []string{"first.png 10000 portal"})
				same(t, "it is ended", c.only().Ended, true)
				same(t, "what its peer is told", slices.Contains(c.peer.held(), ": peer-refused"), true)
				if held := c.peer.codes(exchange.FileRefused); side == "north" && len(held) != 1 { // it asked for the rest in vain
					t.Errorf("the south holds %q", c.peer.held())
				}
				same(t, "by the code", strings.Contains(c.peer.heldAs("peer-refused").Reason, "unlinked"), true)
				in, err := c.led.Incoming("link", c.only().ID)
				w.must(err)
				done, err := c.led.Done("link", c.only().ID)
				w.must(err)
				same(t, "what is still to be judged", in.Seq, done.Seq)
				if strings.Contains(strings.Join(w.south.said(twin), ""), "anybody") || strings.Contains(strings.Join(w.north.said(key), ""), "hello") {
					t.Errorf("the south reads %q, the north %q", w.south.said(twin), w.north.said(key))
				}
				same(t, "what the "+side+" holds", c.held(), []string(nil))
				w.must(c.peer.desk.End("link", c.peer.only().ID))
				same(t, "and its peer, once it has ended it, too", c.peer.held(), []string(nil))
				w.quiet()
			})
		})
	}
}

// TestALinkEndedInTheMidstOfAVisitStaysEnded has a person end it while the node writes to its ticket.
func TestALinkEndedInTheMidstOfAVisitStaysEnded(t *testing.T) {
	t.Parallel()
	inWorld(t, withFiles(customer), withFiles(vendor), func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.south.attach(twin, "answer.pdf", 10_000, true)
		w.arrives(w.north, key, 1)
		w.quiet()
		w.south.before("POST", "/comment", func() { w.must(w.south.desk.End("link", w.south.only().ID)) })
		w.north.comment(key, "seen it?", true)
		time.Sleep(5 * time.Minute)
		same(t, "it is ended", w.south.only().Ended, true)
		same(t, "granted", w.south.granted(), 0)
		w.south.kill(rand.New(rand.NewPCG(1, 1)))
		w.south.start()
		time.Sleep(time.Minute)
		same(t, "it is ended after a power cut", w.south.only().Ended, true)
	})
}
