package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"parley/node/ledger"
	"parley/replica"
	"parley/transport"
)

var oneLine = []string{"line"}

// A file of each size crosses whole, either way, and nothing of it is left behind.
func TestBlobCrosses(t *testing.T) {
	inFiles(t, oneLine, nil, func(w *filesWorld) {
		const chunk = transport.MaxBlobChunk
		for i, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 << 20} {
			from, to := w.north, w.south
			if i%2 == 1 {
				from, to = to, from
			}
			want := content(uint64(i), size)
			hash, n := from.put("line", fmt.Sprint(i), want)
			got, err := to.pull("line", hash, n)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %d came, %v", size, len(got), err)
			}
			if left := to.spooled(); len(left) > 0 {
				t.Errorf("%d bytes: the spool still holds %v", size, left)
			}
			if used, _ := to.desk.blobs.spool.Used(); used != 0 {
				t.Errorf("%d bytes: %d are still reserved", size, used)
			}
		}
	})
}

// Fetch never waits: the link is woken when the file is there.
func TestBlobFetchWakesTheLink(t *testing.T) {
	inFiles(t, oneLine, nil, func(w *filesWorld) {
		hash, size := w.north.put("line", "a", content(1, 100_000))
		c := w.south.desk.Connection("line")
		other := replica.LinkID{2}
		for _, link := range []replica.LinkID{filesLink, other} {
			if b, wait, err := w.south.desk.Fetch(c, link, hash, size); b != nil || wait.Stuck() || err != nil {
				t.Fatalf("at first: %v %+v %v", b, wait, err)
			}
		}
		time.Sleep(time.Minute)
		jobs, _ := w.south.desk.queue.take(time.Now(), 10)
		if len(jobs) != 2 {
			t.Errorf("%d links were woken", len(jobs))
		}
		for i, link := range []replica.LinkID{filesLink, other} {
			b, _, err := w.south.desk.Fetch(c, link, hash, size)
			if b == nil || err != nil || b.Size() != size {
				t.Fatalf("then: %v %v", b, err)
			}
			w.must(b.Applied())
			if left := len(w.south.spooled()); left != 1-i {
				t.Errorf("after %d links have it, %d files are left", i+1, left)
			}
		}
		if len(w.north.offsets()) != 1 {
			t.Errorf("it was read %d times", len(w.north.offsets()))
		}
	})
}

// I5: a blob is given on the connection that was shown it, and on no other, even
// of the same peer; whether it exists cannot be told from the answer.
func TestBlobOfOneConnectionStaysThere(t *testing.T) {
	inFiles(t, []string{"a", "b"}, nil, func(w *filesWorld) {
		hash, size := w.north.put("a", "secret", content(1, 50_000))
		foreign := w.south.held("b", hash, size, FileRefused)
		made := w.south.held("b", replica.Hash{9}, 1, FileRefused)
		if foreign.Reason != made.Reason || foreign.Class != made.Class {
			t.Errorf("%+v and %+v can be told apart", foreign, made)
		}
		w.south.held("a", hash, size+1, FileRefused) // it is not that file
		if len(w.north.offsets()) > 0 {
			t.Fatal("the tenant was asked")
		}
		if _, err := w.south.pull("a", hash, size); err != nil {
			t.Errorf("its own connection: %v", err)
		}
		grants, err := w.north.led.Grants("a", filesLink)
		w.must(err)
		w.must(w.north.led.Write(func(b *ledger.Batch) error { return ledger.DropGrant(b, grants[0]) }))
		w.south.held("a", hash, size, FileRefused) // it was withdrawn
	})
}

// What one partner has sent is never given to a link of another that only names
// its hash.
func TestBlobOfSameBytesComesByEachConnection(t *testing.T) {
	inFiles(t, []string{"a", "b"}, nil, func(w *filesWorld) {
		hash, size := w.north.put("a", "secret", content(1, 50_000))
		c := w.south.desk.Connection("a")
		_, _, err := w.south.desk.Fetch(c, filesLink, hash, size)
		w.must(err)
		time.Sleep(time.Minute)
		if b, _, err := w.south.desk.Fetch(c, filesLink, hash, size); b == nil {
			t.Fatal(err)
		}
		w.south.held("b", hash, size, FileRefused)
	})
}

// A grant that is taken back ends a transfer under way.
func TestBlobWithdrawnMeanwhile(t *testing.T) {
	inFiles(t, oneLine, nil, func(w *filesWorld) {
		const size = 3 * regrant
		w.north.watch(func(n int64) {
			if n >= 1<<20 && n < 1<<20+20_000 {
				grants, err := w.north.led.Grants("line", filesLink)
				if err != nil || len(grants) == 0 {
					return
				}
				w.north.led.Write(func(b *ledger.Batch) error { return ledger.DropGrant(b, grants[0]) })
			}
		})
		hash, n := w.north.put("line", "a", content(1, size))
		w.south.held("line", hash, n, FileRefused)
		if w.north.got() > 2*regrant {
			t.Errorf("%d bytes were read after all", w.north.got())
		}
	})
}

// Bytes that are not what was announced are thrown away, a few times, and then
// the file is held until a person asks again.
func TestBlobWithWrongBytesIsHeld(t *testing.T) {
	inFiles(t, oneLine, nil, func(w *filesWorld) {
		want := content(1, 300_000)
		hash, size := w.north.put("line", "a", want)
		w.north.files["a"] = append(bytes.Clone(want[:len(want)-1]), want[len(want)-1]^1)
		w.south.held("line", hash, size, FileWrong)
		if n := len(w.north.offsets()); n != maxBad {
			t.Errorf("it was read %d times", n)
		}
		w.south.held("line", hash, size, FileWrong) // at once: nothing is asked
		if n := len(w.north.offsets()); n != maxBad {
			t.Errorf("it was read %d times", n)
		}
		w.south.stop()
		w.south.start() // also after a restart
		w.south.held("line", hash, size, FileWrong)
		w.north.files["a"] = want
		_, wait, err := w.south.desk.Refetch(w.south.desk.Connection("line"), filesLink, hash, size)
		if wait.Stuck() || err != nil {
			t.Errorf("asked again by a person: %+v %v", wait, err)
		}
		if got, err := w.south.pull("line", hash, size); !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// A tenant that fails for a while costs time alone: what has come is kept.
func TestBlobGoesOnAfterATenantFails(t *testing.T) {
	inFiles(t, oneLine, nil, func(w *filesWorld) {
		down := 3
		w.north.refuse = func(string) error {
			if down--; down >= 0 {
				return errors.New("502")
			}
			return nil
		}
		want := content(1, 100_000)
		hash, size := w.north.put("line", "a", want)
		if got, err := w.south.pull("line", hash, size); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		w.north.refuse = func(string) error { return errors.New("502") }
		hash, size = w.north.put("line", "b", content(2, 100_000))
		wait := w.south.held("line", hash, size, FileLate)
		if in := time.Until(wait.Again); in <= 0 || in > failedFor {
			t.Errorf("tried again in %v", in)
		}
		w.north.refuse = nil
		time.Sleep(failedFor)
		if _, err := w.south.pull("line", hash, size); err != nil {
			t.Errorf("later: %v", err)
		}
		delete(w.north.files, "b")
		w.south.held("line", hash, size, FileRefused) // gone for good
	})
}

// While the disk is nearly full no file comes in, and nothing of one is lost.
func TestBlobWaitsForRoom(t *testing.T) {
	inFiles(t, oneLine, nil, func(w *filesWorld) {
		want := content(1, 4<<20)
		hash, size := w.north.put("line", "a", want)
		w.north.watch(func(n int64) {
			if n > 2<<20 {
				w.south.desk.Brake("the disk is 91 % full")
			}
		})
		c := w.south.desk.Connection("line")
		_, _, err := w.south.desk.Fetch(c, filesLink, hash, size)
		w.must(err)
		time.Sleep(10 * time.Minute)
		_, wait, err := w.south.desk.Fetch(c, filesLink, hash, size)
		if err != nil || wait.Stuck() || wait.Have == 0 || wait.Have == size {
			t.Fatalf("without room: %+v %v", wait, err)
		}
		read := w.north.got()
		time.Sleep(10 * time.Minute)
		if w.north.got() != read {
			t.Error("it is asked for all the same")
		}
		w.north.watch(nil)
		w.south.desk.Brake("")
		if got, err := w.south.pull("line", hash, size); !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if from := w.north.offsets()[len(w.north.offsets())-1]; from != wait.Have {
			t.Errorf("it went on at %d of %d", from, wait.Have)
		}
	})
}

// The spool is bounded, and no connection has more than half of it.
func TestBlobSpoolIsBounded(t *testing.T) {
	inFiles(t, []string{"a", "b"}, nil, func(w *filesWorld) {
		d := w.south.desk
		a, b := d.Connection("a"), d.Connection("b")
		if _, wait, err := d.Fetch(a, filesLink, replica.Hash{1}, filesMost/2+1); wait.Code != FileLarge || err != nil || !wait.Again.IsZero() {
			t.Errorf("larger than ever: %+v %v", wait, err)
		}
		if _, wait, err := d.Fetch(a, filesLink, replica.Hash{1}, filesMost/2); wait.Stuck() || err != nil {
			t.Errorf("half of it: %+v %v", wait, err)
		}
		if _, wait, err := d.Fetch(a, filesLink, replica.Hash{2}, 1); wait.Code != FileRoom || err != nil || wait.Again.IsZero() {
			t.Errorf("beyond half of it: %+v %v", wait, err)
		}
		if _, wait, err := d.Fetch(b, filesLink, replica.Hash{2}, filesMost/2); wait.Stuck() || err != nil {
			t.Errorf("another connection: %+v %v", wait, err)
		}
		w.must(d.DropBlobs(a.Name, filesLink))
		if _, wait, err := d.Fetch(a, filesLink, replica.Hash{2}, 1); wait.Stuck() || err != nil {
			t.Errorf("after the link ended: %+v %v", wait, err)
		}
	})
}

// A connection with many files delays another's only one by what is under way.
func TestBlobsOfConnectionsTakeTurns(t *testing.T) {
	inFiles(t, []string{"a", "b"}, nil, func(w *filesWorld) {
		type named struct {
			hash replica.Hash
			size int64
		}
		var many []named
		for i := range 30 {
			hash, size := w.north.put("a", fmt.Sprint(i), content(uint64(i), 200_000))
			many = append(many, named{hash, size})
		}
		hash, size := w.north.put("b", "one", content(99, 200_000))
		d := w.south.desk
		d.Brake("until all are asked for")
		for _, f := range many {
			_, _, err := d.Fetch(d.Connection("a"), filesLink, f.hash, f.size)
			w.must(err)
		}
		_, _, err := d.Fetch(d.Connection("b"), filesLink, hash, size)
		w.must(err)
		before := 0
		w.north.refuse = func(source string) error {
			if source == "one" && before < 1000 {
				t.Logf("after %d of the others", before)
				if before > pullsEach+1 { // one more may have been picked in the same moment
					t.Errorf("the other connection's file came after %d of 30", before)
				}
				before = 1000
			}
			before++
			return nil
		}
		d.Brake("")
		time.Sleep(time.Hour)
		if before < 1000+len(many)-pullsEach {
			t.Errorf("not all came: %d", before)
		}
		for _, f := range many {
			if b, wait, err := d.Fetch(d.Connection("a"), filesLink, f.hash, f.size); b == nil {
				t.Errorf("%+v %v", wait, err)
			}
		}
		synctest.Wait()
	})
}
