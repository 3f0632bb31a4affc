package ledger

import (
	"os"
	"path/filepath"
	"testing"
)

// TestALogIsReadUpToWhereItWasWritten opens what a killed node leaves: a write-ahead log whose rest is zeros.
func TestALogIsReadUpToWhereItWasWritten(t *testing.T) {
	dir, left := t.TempDir(), filepath.Join(t.TempDir(), "left")
	l, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g, err := l.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		post(t, l, g, linkID(i), "x")
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("the write-ahead logs are %q: %v", logs, err)
	}
	if wal, err := os.Stat(logs[0]); err != nil || wal.Size() < memTable {
		t.Errorf("it has not its whole size: %d, %v", wal.Size(), err)
	}
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	again, err := Open(Config{Dir: left})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Check(); err != nil {
		t.Error(err)
	}
	log, err := again.Log("acme")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := log.Position().Seq, g.Position().Seq; got != want {
		t.Errorf("it ends at %d, not at %d", got, want)
	}
}
