package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/jsm/sim"
	"parley/node/exchange"
	"parley/node/ledger"
)

// backup copies what a node has on disk while it is stopped.
func (c *company) backup() (copied *vfs.MemFS, taken time.Time) {
	c.stop()
	copied = c.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	taken = time.Now()
	c.start()
	return copied, taken
}

// restore puts a node back to a backup; marked as "parley restore" marks it, or
// silently, as a machine's snapshot does.
func (c *company) restore(copied *vfs.MemFS, taken time.Time, marked bool) {
	c.stop()
	c.fs = copied
	if marked {
		led, err := ledger.Open(ledger.Config{Dir: "ledger", FS: c.fs})
		c.w.must(err)
		c.w.must(led.MarkRestored(taken))
		c.w.must(led.Close())
	}
	c.start()
}

func (c *company) con() *exchange.Connection { return c.desk.Connection("link") }

// heal waits until the node knows that it forgot, chooses, and waits until the
// connection works.
func (c *company) heal(how exchange.Remedy, marked bool) {
	c.w.t.Helper()
	c.w.until(c.name+" knows that it was put back", 2*time.Minute, func() bool {
		return c.con().Log.Epoch().Rewound() && strings.Contains(c.peer.con().Trouble(), "put back to an earlier state")
	})
	c.w.until(c.name+" begins to heal", 2*time.Minute, func() bool {
		err := c.desk.Mend(context.Background(), "link", how)
		if errors.Is(err, exchange.ErrNotBack) && !marked { // it worked on before it met its peer, so the logs parted
			how = exchange.Resync
		} else if err != nil {
			c.w.t.Log(err)
		}
		return err == nil
	})
	c.w.until(c.name+" is healed", 5*time.Minute, func() bool {
		return !c.con().Log.Epoch().Halted() && c.con().Up() && c.peer.con().Up()
	})
}

// TestAHomePutBackIsHealed puts one side back to a backup after which both sides
// worked on: a ticket was shared and its twin made, people commented and edited
// on both sides. Healed, nothing is doubled, nothing lost, nothing echoes.
func TestAHomePutBackIsHealed(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"north", "south"} {
		for _, how := range []exchange.Remedy{exchange.FromPeer, exchange.Resync} {
			for _, marked := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s %s marked=%v", side, how, marked), func(t *testing.T) {
					inWorld(t, customer, vendor, func(w *world) { putBack(w, side, how, marked) })
				})
			}
		}
	}
}

func putBack(w *world, side string, how exchange.Remedy, marked bool) {
	c := map[string]*company{"north": w.north, "south": w.south}[side]
	key, twin := w.shared("Printer on fire")
	w.north.comment(key, "before", true)
	w.until("the first comment crosses", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
	w.quiet()
	copied, taken := c.backup()
	w.quiet()

	key2, twin2 := w.shared("Scanner on fire") // Urgent there is P1 here is Critical there: an echo would show
	w.north.edit(key2, map[string]any{"priority": name("Urgent")})
	w.until("P1 arrives", time.Minute, func() bool { return w.south.named(twin2, "priority") == "P1" })
	w.north.comment(key, "after, in the north", true)
	w.south.comment(twin, "after, in the south", true)
	w.south.edit(twin, map[string]any{"priority": name("P4")})
	w.until("Low arrives", time.Minute, func() bool { return w.north.named(key, "priority") == "Low" })
	w.north.edit(key, map[string]any{"priority": name("Medium"), "summary": "Printer burns"})
	w.until("P3 arrives", time.Minute, func() bool { return w.south.named(twin, "priority") == "P3" })
	w.quiet()
	c.restore(copied, taken, marked)
	w.until("both sides see it", 2*time.Minute, func() bool { return c.con().Trouble() != "" && c.peer.con().Trouble() != "" })
	w.south.comment(twin, "while it stands still", true)
	before := w.writes(c)
	w.quiet()
	same(w.t, side+" writes while it stands still", w.writes(c), before)
	same(w.t, "the north hears", len(w.north.said(key)), 3)

	c.heal(how, marked)
	w.until("what waited arrives", 3*time.Minute, func() bool { return len(w.north.said(key)) == 4 })
	w.quiet()
	w.north.edit(key2, map[string]any{"summary": "Scanner burns"})
	w.south.comment(twin2, "at last", true)
	w.quiet()

	same(w.t, "south's tickets", w.south.keys(), []string{twin, twin2})
	same(w.t, "south hears of the first", slices.Sorted(slices.Values(w.south.said(twin))), []string{
		"public: Astrid Berg, north: / after, in the north", "public: Astrid Berg, north: / before", "public: after, in the south", "public: while it stands still"})
	same(w.t, "north hears of the first", len(w.north.said(key)), 4)
	same(w.t, "north hears of the second", w.north.said(key2), []string{"public: Mateo Silva, south: / at last"})
	same(w.t, "north's summary", w.north.fields(key)["summary"], "Printer burns")
	same(w.t, "south's summary", w.south.fields(twin)["summary"], "Printer burns")
	same(w.t, "south's second summary", w.south.fields(twin2)["summary"], "Scanner burns")
	same(w.t, "north's priority", w.north.named(key, "priority"), "Medium")
	same(w.t, "south's priority", w.south.named(twin, "priority"), "P3")
	same(w.t, "north's second priority", w.north.named(key2, "priority"), "Urgent")
	same(w.t, "south's second priority", w.south.named(twin2, "priority"), "P1")
	same(w.t, "held", append(w.north.held(), w.south.held()...), []string(nil))
	w.must(w.north.led.Check())
	w.must(w.south.led.Check())
	c.stop() // and it stays healed over a restart
	c.start()
	w.quiet()
	same(w.t, "halted after a restart", c.con().Log.Epoch().Halted(), false)
	same(w.t, "both up", fmt.Sprint(c.con().Up(), c.peer.con().Up()), "true true")
}

// TestAPowerCutWhileItHeals cuts the power of the side that heals, and of its
// peer, right after the remedy was chosen; each goes on by itself.
func TestAPowerCutWhileItHeals(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, customer, vendor, func(w *world) {
				key, twin := w.shared("Printer on fire")
				w.quiet()
				copied, taken := w.south.backup()
				w.quiet()
				w.north.comment(key, "after the backup", true)
				_, twin2 := w.shared("Scanner on fire")
				w.until("the comment crosses", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
				w.quiet()
				w.south.restore(copied, taken, true)
				how := []exchange.Remedy{exchange.FromPeer, exchange.Resync}[seed%2]
				w.until("it heals", 2*time.Minute, func() bool { return w.south.desk.Mend(context.Background(), "link", how) == nil })
				cut := w.south
				if seed > 1 {
					cut = w.north
				}
				cut.kill(rand.New(rand.NewPCG(seed, 1)))
				cut.start()
				w.until("it is healed", 5*time.Minute, func() bool {
					return !w.south.con().Log.Epoch().Halted() && w.south.con().Up() && w.north.con().Up()
				})
				w.north.comment(key, "at last", true)
				w.quiet()
				same(t, "south's tickets", w.south.keys(), []string{twin, twin2})
				same(t, "south hears", w.south.said(twin), []string{"public: Astrid Berg, north: / after the backup", "public: Astrid Berg, north: / at last"})
				same(t, "north hears", w.north.said(key), []string{"public: after the backup", "public: at last"})
			})
		})
	}
}

// TestHealingWaitsForAVisitUnderWay has the south find out that it was put back
// while it reads a ticket. What that visit goes by is older than what healing finds,
// so healing waits for its end.
func TestHealingWaitsForAVisitUnderWay(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		key, twin := w.shared("Printer on fire")
		w.quiet()
		copied, taken := w.south.backup()
		w.quiet()
		w.north.comment(key, "after the backup", true)
		w.until("the comment crosses", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
		w.quiet()
		w.cable.cut.Store(true)
		w.south.restore(copied, taken, false)
		began, end := make(chan bool), make(chan bool)
		w.south.before("POST", "/bulkfetch", func() { close(began); <-end })
		w.south.edit(twin, map[string]any{"summary": "Printer burns"})
		<-began
		w.cable.cut.Store(false)
		w.until("it begins to heal", 2*time.Minute, func() bool { return w.south.desk.Mend(context.Background(), "link", exchange.Resync) == nil })
		time.Sleep(time.Minute)
		same(t, "caught up", w.south.con().Log.CaughtUp(), true)
		close(end)
		w.until("it is healed", time.Minute, func() bool { return !w.south.con().Log.Epoch().Halted() })
		w.quiet()
		same(t, "south's tickets", w.south.keys(), []string{twin})
		same(t, "south hears", w.south.said(twin), []string{"public: Astrid Berg, north: / after the backup"})
		same(t, "north's summary", w.north.fields(key)["summary"], "Printer burns")
		same(t, "north hears", w.north.said(key), []string{"public: after the backup"})
	})
}

// TestOneRewoundConnectionLeavesTheOthers puts the south back to a backup after
// which one of two connections carried something. That one stands still until it
// is healed; the other works on in the same session.
func TestOneRewoundConnectionLeavesTheOthers(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.north.also("calm", calm(customer))
		w.south.also("calm", calm(vendor))
		key, twin := w.shared("Printer on fire")
		other := w.north.raise("Scanner on fire", map[string]any{"labels": []string{"vendor-y"}})
		var otherTwin string
		w.until("the other connection's twin is there", 2*time.Minute, func() bool {
			otherTwin = w.north.twin(other)
			return otherTwin != ""
		})
		w.quiet()
		copied, taken := w.south.backup()
		w.north.comment(key, "after the backup", true)
		w.until("the comment crosses", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
		w.quiet()
		w.south.restore(copied, taken, false)
		w.until("both sides see it", 2*time.Minute, func() bool { return w.south.con().Trouble() != "" && w.north.con().Trouble() != "" })
		served := [2]int64{w.north.served.Load(), w.south.served.Load()}
		w.north.comment(key, "while it stands still", true)
		w.north.comment(other, "from the north", true)
		w.south.comment(otherTwin, "from the south", true)
		w.until("the other connection goes on", time.Minute, func() bool {
			return len(w.south.said(otherTwin)) == 2 && len(w.north.said(other)) == 2
		})
		for _, c := range []*company{w.north, w.south} {
			same(t, c.name+"'s trouble with the other", c.desk.Connection("calm").Trouble(), "")
			same(t, c.name+" up", c.con().Up(), false)
		}
		same(t, "south hears meanwhile", len(w.south.said(twin)), 1)

		w.south.heal(exchange.FromPeer, true)
		w.until("what waited arrives", 3*time.Minute, func() bool { return len(w.south.said(twin)) == 2 })
		w.quiet()
		same(t, "south's tickets", w.south.keys(), []string{twin, otherTwin})
		same(t, "south hears", w.south.said(twin), []string{"public: Astrid Berg, north: / after the backup", "public: Astrid Berg, north: / while it stands still"})
		same(t, "sessions", [2]int64{w.north.served.Load(), w.south.served.Load()}, served)
	})
}

// TestATicketGoneIsToldWhereItCanBe hides a ticket of two connections while one of
// them stands still: the other says so at once.
func TestATicketGoneIsToldWhereItCanBe(t *testing.T) {
	t.Parallel()
	inWorld(t, customer, vendor, func(w *world) {
		w.north.also("calm", calm(customer))
		w.south.also("calm", calm(vendor))
		other, twin := w.shared("Scanner on fire")
		key := w.north.raise("Printer on fire", map[string]any{"labels": []string{"vendor-x", "vendor-y"}})
		w.until("both twins are there", 2*time.Minute, func() bool { return len(w.south.keys()) == 3 })
		w.quiet()
		copied, taken := w.north.backup()
		w.north.comment(other, "after the backup", true)
		w.until("the comment crosses", time.Minute, func() bool { return len(w.south.said(twin)) == 1 })
		w.quiet()
		w.north.restore(copied, taken, false)
		w.until("both sides see it", 2*time.Minute, func() bool { return w.north.con().Trouble() != "" && w.south.con().Trouble() != "" })
		w.quiet()
		us := w.north.sync.Email
		w.must(w.north.tenant.Fault(sim.Fault{Kind: "status", Status: 200, Body: `{"issues": []}`, Path: "/rest/api/3/issue/bulkfetch", Account: us}))
		w.must(w.north.tenant.Fault(sim.Fault{Kind: "status", Status: 404, Method: "GET", Path: "/rest/api/3/issue/*", Account: us}))
		w.north.edit(key, map[string]any{"summary": "Printer burns"})
		w.until("one of the two says that it is gone", time.Minute, func() bool { return slices.Equal(w.north.held(), []string{": gone"}) })

		w.until("it heals", time.Minute, func() bool { return w.north.desk.Mend(context.Background(), "link", exchange.Resync) == nil })
		w.until("both twins have its new name", 10*time.Minute, func() bool {
			return !slices.ContainsFunc(w.south.keys(), func(k string) bool { return k != twin && w.south.fields(k)["summary"] != "Printer burns" })
		})
		w.quiet()
		same(t, "held", w.north.held(), []string(nil))
		same(t, "south's tickets", len(w.south.keys()), 3)
	})
}
