package ledger

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"parley/replica"
)

func TestBlobGrants(t *testing.T) {
	l := memory(t)
	sum := replica.Hash{7}
	put := func(connection string, link int, path replica.Path) Grant {
		g := Grant{Connection: connection, Link: linkID(link), Path: path, Hash: sum, Size: 10, Source: string(path)}
		if err := l.Write(func(b *Batch) error { return PutGrant(b, g) }); err != nil {
			t.Fatal(err)
		}
		return g
	}
	count := func(connection string, hash replica.Hash, size int64, want int) {
		t.Helper()
		got, err := l.Granted(connection, hash, size)
		if len(got) != want || err != nil {
			t.Errorf("%q may ask by %d grants, want %d: %v", connection, len(got), want, err)
		}
	}
	first, second := put("acme", 1, "attachment/1"), put("acme", 2, "attachment/2")
	put("acme", 1, "attachment/3")
	count("acme", sum, 10, 3)
	count("acme", sum, 11, 0)
	count("acme", replica.Hash{8}, 10, 0)
	count("acm", sum, 10, 0)
	count("other", sum, 10, 0)
	if got, err := l.Grants("acme", linkID(1)); len(got) != 2 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if err := l.Write(func(b *Batch) error { return errors.Join(DropGrant(b, first), DropGrant(b, second)) }); err != nil {
		t.Fatal(err)
	}
	count("acme", sum, 10, 1)
	moved := Grant{Connection: "acme", Link: linkID(1), Path: "attachment/3", Hash: replica.Hash{9}, Size: 10}
	if err := l.Write(func(b *Batch) error { return PutGrant(b, moved) }); err != nil {
		t.Fatal(err)
	}
	count("acme", sum, 10, 0) // the item names another blob now
}

func TestBlobSums(t *testing.T) {
	l := memory(t)
	f := FileID{"77", 10, 5}
	if _, err := l.Sum(f); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if err := l.PutSum(f, replica.Hash{3}); err != nil {
		t.Fatal(err)
	}
	if h, err := l.Sum(f); h != (replica.Hash{3}) || err != nil {
		t.Error(h, err)
	}
	for _, o := range []FileID{{"7", 10, 5}, {"77", 11, 5}, {"77", 10, 6}} {
		if _, err := l.Sum(o); !errors.Is(err, ErrNone) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if err := l.DropSum(f); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Sum(f); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

// blobOf is a file that acme sends.
func blobOf(size int) ([]byte, BlobID) {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b, BlobID{"acme", sha256.Sum256(b), int64(size)}
}

func want(t *testing.T, s *Spool, id BlobID) Arriving {
	t.Helper()
	a, err := s.Want(id, linkID(1), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The power is cut after each write: what the record says is there, is there,
// and the blob can be finished from it.
func TestBlobSpoolSurvivesPowerCuts(t *testing.T) {
	const every, step = 10_000, 3_000
	bytesOf, id := blobOf(60_000)
	for _, kept := range []int{0, 50, 100} {
		fs := vfs.NewCrashableMem()
		l, err := Open(Config{Dir: "home/ledger", FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		cfg := SpoolConfig{Dir: "home/blobs", FS: fs, Every: every}
		s, err := l.OpenSpool(cfg)
		if err != nil {
			t.Fatal(err)
		}
		want(t, s, id)
		f, err := s.Fill(id)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(bytesOf); at += step {
			if _, err := f.Write(bytesOf[at : at+step]); err != nil {
				t.Fatal(err)
			}
			back := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(1, uint64(at)))})
			goOn(t, back, cfg, id, bytesOf, int64(at+step-every-step))
		}
		if err := errors.Join(f.Finish(), f.Close(), l.Close()); err != nil {
			t.Error(err)
		}
	}
}

// goOn finishes a blob on what a power cut has left.
func goOn(t *testing.T, fs vfs.FS, cfg SpoolConfig, id BlobID, all []byte, least int64) {
	t.Helper()
	l, err := Open(Config{Dir: "home/ledger", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg.FS = fs
	s, err := l.OpenSpool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if a := want(t, s, id); a.Have < least {
		t.Errorf("%d bytes are left, at least %d were safe", a.Have, least)
	}
	f, err := s.Fill(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = f.Write(all[f.Have():]); err == nil {
		err = f.Finish()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if got := readBlob(t, s, id); !bytes.Equal(got, all) {
		t.Error("other bytes came out")
	}
}

func readBlob(t *testing.T, s *Spool, id BlobID) []byte {
	t.Helper()
	r, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// On a real disk: nobody else can read a file, damage is found before the end,
// leftovers are removed, and so is what nobody asks for.
func TestBlobSpoolOnDisk(t *testing.T) {
	l := memory(t)
	dir := filepath.Join(t.TempDir(), "blobs")
	cfg := SpoolConfig{Dir: dir}
	s, err := l.OpenSpool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	all, id := blobOf(100_000)
	want(t, s, id)
	fill := func() {
		t.Helper()
		f, err := s.Fill(id)
		if err == nil {
			_, err = f.Write(all)
			err = errors.Join(err, f.Finish(), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fill()
	path := s.path(id)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder's mode %v, %v", info.Mode(), err)
	}
	damaged := append(bytes.Clone(all[:99_999]), all[99_999]^1)
	for what, bad := range map[string][]byte{"a changed byte": damaged, "a short file": all[:50_000]} {
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); !errors.Is(err, ErrWrongBytes) {
			t.Errorf("%s: %v", what, err)
		}
		r.Close()
		if a := want(t, s, id); a.Whole || a.Have != 0 {
			t.Errorf("%s: %+v", what, a)
		}
		fill()
	}
	stray := filepath.Join(dir, "stray")
	if err := os.WriteFile(stray, all, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = l.OpenSpool(cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stray); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a stray file: %v", err)
	}
	if got := readBlob(t, s, id); !bytes.Equal(got, all) {
		t.Error("reopened, other bytes came out")
	}
	if err := s.Sweep(time.Now().Add(spoolKeep - time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.State(id); err != nil {
		t.Errorf("swept too early: %v", err)
	}
	if err := s.Sweep(time.Now().Add(spoolKeep + time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old file: %v", err)
	}
	if used, _ := s.Used(); used != 0 {
		t.Errorf("%d bytes are still reserved", used)
	}
}

// A blob that is dropped while it is written, and wanted again, is another one.
func TestBlobDroppedWhileItComes(t *testing.T) {
	l := memory(t)
	s, err := l.OpenSpool(SpoolConfig{Dir: t.TempDir(), Every: 1000})
	if err != nil {
		t.Fatal(err)
	}
	all, id := blobOf(10_000)
	want(t, s, id)
	f, err := s.Fill(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(all[:500]); err != nil {
		t.Fatal(err)
	}
	if err := s.DropLink("acme", linkID(1)); err != nil {
		t.Fatal(err)
	}
	want(t, s, id)
	if _, err := f.Write(all[500:5000]); !errors.Is(err, ErrNone) {
		t.Errorf("it is still written: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if a, err := s.State(id); a.Have != 0 || a.Whole || err != nil {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := s.Fill(BlobID{"other", id.Hash, id.Size}); !errors.Is(err, ErrNone) {
		t.Errorf("another connection's: %v", err)
	}
	f, err = s.Fill(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(all, 1)); !errors.Is(err, ErrWrongBytes) {
		t.Errorf("more than announced: %v", err)
	}
	if err := f.Finish(); err == nil {
		t.Error("a part was finished")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// However small they are, blobs are bounded in number.
func TestBlobSpoolCounts(t *testing.T) {
	s := &Spool{cfg: SpoolConfig{Most: 100}}
	for _, c := range []struct {
		have share
		size int64
		part int64
		fits bool
	}{
		{share{}, 100, 1, true}, {share{}, 101, 1, false}, {share{}, 51, 2, false}, {share{50, 1}, 50, 1, true},
		{share{0, spoolBlobs}, 0, 1, false}, {share{0, spoolBlobs - 1}, 0, 1, true}, {share{0, spoolBlobs / 2}, 0, 2, false},
	} {
		if got := s.fits(c.have, c.size, c.part); got != c.fits {
			t.Errorf("%+v and %d in 1/%d: %v", c.have, c.size, c.part, got)
		}
	}
}
