package node_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/node"
	"parley/node/exchange"
	"parley/node/ledger"
)

// TestSimulationRestored puts one company back to an earlier disk in the middle
// of everybody's work and of the faults. Both sides must say so and leave the
// connection alone; once the admin there has healed it, nothing is lost, nothing
// is there twice, and the exchange goes quiet.
func TestSimulationRestored(t *testing.T) {
	single(t)
	for n := *from; n < *from+max(4, *seeds/10); n++ {
		for _, how := range []exchange.Remedy{node.FromPeer, node.Resync} {
			t.Run(fmt.Sprintf("%s/%d", how, n), func(t *testing.T) { restored(t, n, how) })
		}
	}
}

func restored(t *testing.T, seed int, how exchange.Remedy) {
	s := agreed(seed).apply(shapes()[0])
	inWorld(t, uint64(seed), sound, s.cast(false), func(w *world) {
		d := &drama{world: w, shape: s, north: w.by("north"), south: w.by("south")}
		c := w.companies[seed%2]
		for _, side := range d.companies {
			side.slow.Store(true)
		}
		d.acts(20)
		c.tend()
		c.backup()
		d.acts(20)
		c.kill(100)
		c.restore()
		c.start()
		d.acts(10)
		d.mend(c, how)
		d.calm()
		d.check()
	})
}

// backup keeps the disk as it is now, as a machine's snapshot does.
func (c *company) backup() {
	c.saved = c.p.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 3))})
	c.taken = time.Now()
}

// restore puts the backup in place, and marks it as "parley restore" does.
func (c *company) restore() {
	c.fs, c.forgot = c.saved, c.died
	led, err := ledger.Open(ledger.Config{Dir: filepath.Join(c.home, "ledger"), FS: c.fs})
	c.w.must(err)
	c.w.must(led.MarkRestored(c.taken))
	c.w.must(led.Close())
}

// mend is what the admin of a company does that was put back: wait until status
// says so, and heal the connection. Where nothing was forgotten there is nothing to do.
func (d *drama) mend(c *company, how exchange.Remedy) {
	d.clear()
	for range 60 {
		time.Sleep(5 * time.Second)
		d.revive()
		con := c.p.n.Desk().Connections()[0]
		switch trouble := con.Trouble(); {
		case !con.Up() && trouble == "", strings.Contains(trouble, "not connected"):
		case con.Log.Epoch().Rewound():
			_, err := node.Mend.Do(c.p.n, node.MendQuestion{Connection: con.Name, How: how})
			if err == nil {
				return
			}
			if errors.Is(err, ledger.ErrNotBack) { // it went on from the old state: the error says what to do
				how = node.Resync
			}
		case con.Up():
			return
		}
	}
	d.t.Fatalf("%s is neither well nor can it be healed: %q", c.name, c.p.n.Desk().Connections()[0].Trouble())
}
