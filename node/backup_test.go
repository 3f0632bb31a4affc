package node

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/node/ledger"
	"parley/replica"
)

// saved makes a backup of a node with something in its ledger.
func saved(t *testing.T, n *Node) string {
	t.Helper()
	stored(t, n)
	log, err := n.led.Log("globex")
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Commit(ledger.Step{Outcome: &replica.Outcome{Seq: 1, State: replica.Applied}}); err != nil { // something crossed
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(n.home, "token"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(n.home, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "backup")
	done, err := n.backup(t.Context(), BackupQuestion{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.LeftOut) != 1 || done.LeftOut[0] != "elsewhere" || done.Files < 8 || done.Bytes == 0 {
		t.Errorf("the backup says %+v", done)
	}
	return dir
}

func noProgress(string) {}

// TestABackupIsTheHome restores a backup to another place: the same files with
// the same modes, the ledger in order, marked so that it will be healed first.
func TestABackupIsTheHome(t *testing.T) {
	n := newNode(t)
	dir := saved(t, n)
	to := filepath.Join(t.TempDir(), "restored")
	r, err := Restore(t.Context(), dir, to, false, noProgress)
	if err != nil {
		t.Fatal(err)
	}
	if r.Node != string(n.ID()) || r.Name != "north" || r.Aside != "" {
		t.Errorf("restored: %+v", r)
	}
	for _, name := range []string{nodeFile, policyFile, "token", "node.key", "ledger.key", "node.crt", filepath.Join(drafts, exampleFile)} {
		was, err := os.ReadFile(filepath.Join(n.home, name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(to, name))
		if err != nil {
			t.Fatal(err)
		}
		is, err := os.ReadFile(filepath.Join(to, name))
		if err != nil || string(is) != string(was) || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s differs, or others may read it (%v): %v", name, info.Mode(), err)
		}
	}
	if _, err := os.Stat(filepath.Join(to, manifestFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the manifest is in the home: %v", err)
	}
	back, err := Open(to, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if err := back.Check(); err != nil {
		t.Error(err)
	}
	links := 0
	if err := back.led.Links("", func(ledger.Link) bool { links++; return true }); err != nil || links == 0 {
		t.Errorf("%d links: %v", links, err)
	}
	for home, want := range map[*Node]bool{n: false, back: true} {
		log, err := home.led.Log("globex")
		if err != nil {
			t.Fatal(err)
		}
		if got := log.Epoch().Rewound(); got != want {
			t.Errorf("%s waits to be healed: %v, want %v", home.home, got, want)
		}
	}
	was, err := n.led.Log("globex")
	if err != nil {
		t.Fatal(err)
	}
	is, err := back.led.Log("globex")
	if err != nil {
		t.Fatal(err)
	}
	if was.Position().Epoch == is.Position().Epoch {
		t.Error("the restored log has the old epoch")
	}
}

func TestABackupOverwritesNothing(t *testing.T) {
	n := newNode(t)
	dir := saved(t, n)
	if _, err := n.backup(t.Context(), BackupQuestion{Dir: dir}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second backup to the same place: %v", err)
	}
	if _, err := n.backup(t.Context(), BackupQuestion{Dir: filepath.Join(n.home, "backup")}); err == nil || !strings.Contains(err.Error(), "inside the home") {
		t.Errorf("a backup inside the home: %v", err)
	}
	if _, err := n.backup(t.Context(), BackupQuestion{Dir: filepath.Join(t.TempDir(), "no", "parent")}); err == nil {
		t.Error("a backup without a parent folder was made")
	}
	if _, err := Restore(t.Context(), dir, n.home, true, noProgress); !errors.Is(err, ErrOpen) {
		t.Errorf("a restore over a home in use: %v", err)
	}
	full := home(t)
	if _, err := Restore(t.Context(), dir, full, false, noProgress); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a restore over another home: %v", err)
	}
	r, err := Restore(t.Context(), dir, full, true, noProgress)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.Aside, nodeFile)); err != nil {
		t.Errorf("the old home is not aside: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(full), ".parley-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

// TestADamagedBackupIsRefused changes, cuts, removes and misnames what a backup holds.
func TestADamagedBackupIsRefused(t *testing.T) {
	n := newNode(t)
	dir := saved(t, n)
	manifest := func(change func(*Manifest)) func(string) error {
		return func(dir string) error {
			path := filepath.Join(dir, manifestFile)
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			m, err := parseManifest(b)
			if err != nil {
				return err
			}
			change(m)
			if b, err = json.Marshal(m); err != nil {
				return err
			}
			return os.WriteFile(path, b, 0o600)
		}
	}
	for name, damage := range map[string]func(dir string) error{
		"no manifest":   func(dir string) error { return os.Remove(filepath.Join(dir, manifestFile)) },
		"a file gone":   func(dir string) error { return os.Remove(filepath.Join(dir, policyFile)) },
		"a file cut":    func(dir string) error { return os.Truncate(filepath.Join(dir, nodeFile), 10) },
		"half manifest": func(dir string) error { return os.Truncate(filepath.Join(dir, manifestFile), 100) },
		"a byte": func(dir string) error {
			f, err := os.OpenFile(filepath.Join(dir, "node.key"), os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{'?'}, 30)
			return errors.Join(err, f.Close())
		},
		"a path outside":  manifest(func(m *Manifest) { m.Files[0].Path = "../../etc/passwd" }),
		"an absolute one": manifest(func(m *Manifest) { m.Files[0].Path = "/etc/passwd" }),
		"a later version": manifest(func(m *Manifest) { m.Version = 99 }),
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "backup")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if err := damage(copied); err != nil {
				t.Fatal(err)
			}
			to := filepath.Join(t.TempDir(), "home")
			if _, err := Restore(t.Context(), copied, to, false, noProgress); err == nil {
				t.Fatal("it was restored")
			}
			if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something was made of it: %v", err)
			}
		})
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"version":1,"node":"n","name":"north","taken":"2026-11-22T00:00:00Z","files":[{"path":"parley.toml","size":1,"mode":384,"sha256":""}]}`))
	f.Add([]byte(`{"version":1,"taken":"2026-11-22T00:00:00Z","files":[{"path":"../x"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseManifest(b)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if !filepath.IsLocal(filepath.FromSlash(file.Path)) {
				t.Errorf("%q leads outside", file.Path)
			}
		}
	})
}
