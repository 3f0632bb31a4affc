package ledger

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"parley/replica"
)

// TestAFailingDiskStopsTheLedgerForGood has the disk fail under the log's file,
// once: in its sync, or for lack of space. The step is not acknowledged, nothing
// is tried again, no later step is accepted, and what had been acknowledged is there.
func TestAFailingDiskStopsTheLedgerForGood(t *testing.T) {
	for name, fault := range map[string]struct {
		kinds []errorfs.OpKind
		err   error
	}{
		"fsync":      {[]errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, syscall.EIO},
		"disk full":  {[]errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFilePreallocate}, syscall.ENOSPC},
		"write lost": {[]errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileFlush}, syscall.EIO},
	} {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			var armed atomic.Bool
			var struck atomic.Int64
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if !armed.Load() || !strings.HasSuffix(op.Path, ".log") {
					return nil
				}
				for _, k := range fault.kinds {
					if op.Kind == k && struck.Add(1) == 1 {
						return fault.err
					}
				}
				return nil
			}))
			fatal := make(chan string, 1)
			l, err := Open(Config{Dir: "ledger", FS: fs, Fatal: func(why string) { fatal <- why }})
			if err != nil {
				t.Fatal(err)
			}
			g, err := l.Log("acme")
			if err != nil {
				t.Fatal(err)
			}
			for i := range 20 {
				post(t, l, g, linkID(i), fmt.Sprint(i))
			}
			armed.Store(true)
			answered := make(chan error, 1)
			go func() { // Pebble never returns from a failed sync of its log
				answered <- l.Write(func(b *Batch) error { return PutFact(b, "x", []byte("y")) })
			}()
			select {
			case <-fatal:
			case err := <-answered:
				if err == nil {
					t.Fatal("the step was acknowledged though the disk failed")
				}
				<-fatal
			}
			if err := l.Write(func(b *Batch) error { return PutFact(b, "x", []byte("z")) }); !errors.Is(err, ErrFailed) {
				t.Errorf("a later step: %v", err)
			}
			if err := g.Commit(step(t, l, g, linkID(1), "later")); !errors.Is(err, ErrFailed) {
				t.Errorf("a later replica: %v", err)
			}
			reopened(t, mem, 20)
		})
	}
}

// reopened opens what a power cut leaves and checks that the log has n replicas.
func reopened(t *testing.T, mem *vfs.MemFS, n uint64) {
	t.Helper()
	for _, kept := range []int{0, 50, 100} {
		back := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(7, uint64(kept)))})
		l, err := Open(Config{Dir: "ledger", FS: back})
		if err != nil {
			t.Fatal(err)
		}
		g, err := l.Log("acme")
		if err != nil {
			t.Fatal(err)
		}
		if got := uint64(g.Position().Seq); got != n {
			t.Errorf("%d %% of the unsynced kept: the log ends at %d, want %d", kept, got, n)
		}
		if err := errors.Join(l.Check(), l.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestATornWriteLosesNothingThatWasAcknowledged tears the last, unsynced write at
// every byte, with what follows missing or garbage.
func TestATornWriteLosesNothingThatWasAcknowledged(t *testing.T) {
	mem := vfs.NewCrashableMem()
	l, err := Open(Config{Dir: "ledger", FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		post(t, l, g, linkID(i), fmt.Sprint(i))
	}
	name, before := walTail(t, mem)
	if err := l.db.Set(table('K').rest("torn"), make([]byte, 200), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	if err := l.db.Set(table('K').rest("synced"), nil, pebble.Sync); err != nil { // both reach the file
		t.Fatal(err)
	}
	_, after := walTail(t, mem)
	if len(after) <= len(before) {
		t.Fatalf("the log did not grow: %d, %d bytes", len(before), len(after))
	}
	for cut := len(before); cut < len(after); cut += 7 {
		for _, garbage := range []bool{false, true} {
			back := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
			torn := append([]byte(nil), after[:cut]...)
			if garbage {
				torn = append(torn, []byte("garbage of another file")...)
			}
			f, err := back.Create(name, vfs.WriteCategoryUnspecified)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(torn); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(f.Sync(), f.Close()); err != nil {
				t.Fatal(err)
			}
			reopened(t, back, 5)
		}
	}
}

// walTail is the newest log file and what it holds.
func walTail(t *testing.T, fs vfs.FS) (name string, content []byte) {
	t.Helper()
	names, err := fs.List("ledger")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasSuffix(n, ".log") && n > name {
			name = n
		}
	}
	name = fs.PathJoin("ledger", name)
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if content, err = io.ReadAll(f); err != nil {
		t.Fatal(err)
	}
	return name, content
}

// step is what post commits.
func step(t *testing.T, l *Ledger, g *Log, id replica.LinkID, value string) Step {
	t.Helper()
	out, err := l.Outgoing(g.connection, id)
	if err != nil {
		t.Fatal(err)
	}
	it := replica.NewItem(replica.Text(value), 1)
	r := &replica.Replica{Version: replica.Version1, Link: id, Base: out.After, Whole: out.Last == 0, Set: replica.View{"summary": it}}
	out.Posted["summary"], out.Bases["summary"] = it, Base{Local: it.Hash("summary")}
	r.After = out.Posted.Hash()
	out.After = r.After
	return Step{Replica: r, Out: out, Verdict: Passed}
}

// TestEachTableHasFilesOfItsOwn flushes a log and the links' states together.
func TestEachTableHasFilesOfItsOwn(t *testing.T) {
	l := memory(t)
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		post(t, l, g, linkID(i), fmt.Sprint(i))
	}
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	levels, err := l.db.SSTables()
	if err != nil {
		t.Fatal(err)
	}
	files := map[byte]int{}
	for _, f := range slices.Concat(levels...) {
		first, last := f.Smallest.UserKey[0], f.Largest.UserKey[0]
		if first != last {
			t.Errorf("file %d holds the tables from %c to %c", f.FileNum, first, last)
		}
		files[first]++
	}
	if files['O'] == 0 || files['o'] == 0 {
		t.Errorf("the states and the log were not flushed: %v", files)
	}
}
