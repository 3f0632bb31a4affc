package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestPowerCutKeepsWhatWasCommitted cuts the power at every step, with none,
// half and all of the unsynced data kept, and reopens.
func TestPowerCutKeepsWhatWasCommitted(t *testing.T) {
	for _, kept := range []int{0, 50, 100} {
		t.Run(fmt.Sprintf("%d%%", kept), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			l, err := Open(Config{Dir: "ledger", FS: fs})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			g, err := l.Log("acme")
			if err != nil {
				t.Fatal(err)
			}
			south := memory(t)
			sg, err := south.Log("globex")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 30 {
				seq := post(t, l, g, linkID(i%7), fmt.Sprint(i))
				back := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(1, uint64(i)))})
				again, err := Open(Config{Dir: "ledger", FS: back})
				if err != nil {
					t.Fatal(err)
				}
				if err := again.Check(); err != nil {
					t.Fatalf("after a cut at replica %d: %v", seq, err)
				}
				log, err := again.Log("acme")
				if err != nil {
					t.Fatal(err)
				}
				if got := log.Position().Seq; got != seq {
					t.Fatalf("after a cut at replica %d the log ends at %d", seq, got)
				}
				carry(t, log, sg, sg.Position().Stored+1) // and goes on where the peer is
				if err := again.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if err := south.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckFindsDamage(t *testing.T) {
	l := memory(t)
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		post(t, l, g, linkID(i), "x")
	}
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	e, err := l.entry('o', "acme", 3)
	if err != nil {
		t.Fatal(err)
	}
	e.Body[len(e.Body)-1] ^= 1
	if err := l.Write(func(b *Batch) error {
		log := segments{b: b, table: 'o', connection: "acme"}
		return errors.Join(log.add(&e), log.close())
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err == nil {
		t.Error("a changed byte in the log was not found")
	}
}
