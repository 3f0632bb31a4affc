package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/node/ledger"
	"parley/transport"
)

// Either side is killed at random byte counts, with none, half or all of its
// unsynced data kept. The transfer goes on at the last synced place, and the
// file arrives as it was.
func TestBlobSurvivesKillsOnBothSides(t *testing.T) {
	t.Parallel()
	seeds := 12
	if testing.Short() {
		seeds = 4
	}
	kills := 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			disk := &fullDisk{room: 1 << 30}
			inFiles(t, oneLine, func(w *filesWorld) { w.south.wrap = disk.on }, func(w *filesWorld) { kills += killed(w, disk, uint64(seed)) })
		})
	}
	if kills < 3*seeds {
		t.Errorf("only %d kills in %d seeds: the test has gone blind", kills, seeds)
	}
}

func killed(w *filesWorld, disk *fullDisk, seed uint64) (kills int) {
	rng := rand.New(rand.NewPCG(4, seed))
	want := content(seed, 3<<20+rng.IntN(1<<20))
	hash, size := w.north.put("line", "a", want)
	id := ledger.BlobID{Connection: "line", Hash: hash, Size: size}
	now := make(chan struct{}, 1)
	arm := func() {
		at := w.north.got() + int64(rng.IntN(1<<20))
		w.north.watch(func(n int64) {
			if n >= at {
				select {
				case now <- struct{}{}:
				default:
				}
			}
		})
	}
	arm()
	safe := int64(0) // what the receiver surely had when somebody died last
	for tries := 0; ; tries++ {
		if tries == 100 {
			w.t.Fatal("it never comes")
		}
		before := len(w.north.offsets())
		blob, wait, err := w.south.desk.Fetch(w.south.desk.Connection("line"), filesLink, hash, size)
		if err != nil || wait.Stuck() {
			w.t.Fatalf("%+v %v", wait, err)
		}
		if blob != nil {
			r, err := blob.Open()
			w.must(err)
			got, err := io.ReadAll(r)
			w.must(errors.Join(err, r.Close(), blob.Applied()))
			if !bytes.Equal(got, want) {
				w.t.Errorf("seed %d: other bytes arrived", seed)
			}
			if left := w.south.spooled(); len(left) > 0 {
				w.t.Errorf("seed %d: the spool still holds %v", seed, left)
			}
			return kills
		}
		select {
		case <-now:
		case <-time.After(2 * time.Minute):
		}
		if from := w.north.offsets()[before:]; len(from) > 0 && from[0] < safe {
			w.t.Errorf("seed %d: it went on at %d, and %d were safe", seed, from[0], safe)
		}
		if rng.IntN(8) == 0 {
			arm()
			continue
		}
		kills++
		written := disk.end.Load() // before the record is read, which moves on meanwhile
		state, err := w.south.desk.blobs.spool.State(id)
		w.must(err)
		if safe = state.Have; written-safe > filesEvery+transport.MaxBlobChunk {
			w.t.Errorf("seed %d: %d bytes are not safe yet", seed, written-safe)
		}
		dies := []*filesNode{w.north, w.south}[rng.IntN(2)]
		dies.kill(rng)
		arm()
		dies.start()
	}
}

// A spool on a full disk refuses politely and goes on when there is room.
func TestBlobOnAFullDisk(t *testing.T) {
	full := &fullDisk{}
	inFiles(t, oneLine, func(w *filesWorld) {
		w.south.wrap = full.on
	}, func(w *filesWorld) {
		want := content(1, 1<<20)
		hash, size := w.north.put("line", "a", want)
		full.room = 600_000
		wait := w.south.held("line", hash, size, FileRoom)
		if wait.Again.IsZero() || strings.Contains(wait.Reason, "blobs/") {
			t.Errorf("%+v", wait)
		}
		full.room = 1 << 30
		time.Sleep(roomFor)
		if got, err := w.south.pull("line", hash, size); !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if from := w.north.offsets()[len(w.north.offsets())-1]; from < 500_000 {
			t.Errorf("it went on at %d", from)
		}
	})
}

// After a sync that failed nobody knows what is on disk: the file comes anew.
func TestBlobAfterAFailedSync(t *testing.T) {
	full := &fullDisk{room: 1 << 30}
	inFiles(t, oneLine, func(w *filesWorld) {
		w.south.wrap = full.on
	}, func(w *filesWorld) {
		want := content(1, 1<<20)
		hash, size := w.north.put("line", "a", want)
		full.failSync = 3
		w.south.held("line", hash, size, FileRoom)
		time.Sleep(roomFor)
		if got, err := w.south.pull("line", hash, size); !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if from := w.north.offsets()[len(w.north.offsets())-1]; from != 0 {
			t.Errorf("it went on at %d", from)
		}
	})
}

// fullDisk takes no more than so many bytes, and fails one sync.
type fullDisk struct {
	vfs.FS
	room     int
	failSync int
	end      atomic.Int64 // of the last write
}

// on is the disk over another run's files.
func (d *fullDisk) on(fs vfs.FS) vfs.FS {
	d.FS = fs
	d.end.Store(0)
	return d
}

func (d *fullDisk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.FS.OpenReadWrite(name, c, o...)
	return &fullFile{f, d}, err
}

type fullFile struct {
	vfs.File
	d *fullDisk
}

func (f *fullFile) WriteAt(p []byte, at int64) (int, error) {
	if f.d.room -= len(p); f.d.room < 0 {
		return 0, fmt.Errorf("write blobs/x: %w", syscall.ENOSPC)
	}
	f.d.end.Store(at + int64(len(p)))
	return f.File.WriteAt(p, at)
}

func (f *fullFile) Sync() error {
	if f.d.failSync--; f.d.failSync == 0 {
		return fmt.Errorf("sync blobs/x: %w", syscall.EIO)
	}
	return f.File.Sync()
}
