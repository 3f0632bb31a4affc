package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"parley/node/ledger"
)

// BackupQuestion names the folder that a backup becomes.
type BackupQuestion struct {
	Dir string `json:"dir"` // absolute; it must not exist, its parent must
}

// BackupDone says what a backup holds.
type BackupDone struct {
	Dir     string    `json:"dir"`
	Taken   time.Time `json:"taken"`
	Files   int       `json:"files"`
	Bytes   int64     `json:"bytes"`
	LeftOut []string  `json:"left_out,omitempty"` // not copied: no plain files
	Seconds float64   `json:"seconds"`
}

// BackupProgress is how far a backup under way is.
type BackupProgress struct {
	Step  string `json:"step"` // "" where none is made
	Bytes int64  `json:"bytes"`
}

// Backup copies the home while the node works: the ledger at one moment
// (Pebble's checkpoint), and every other file. It is verified before it gets its
// name, so a folder of that name is a whole backup. It holds the node's keys.
var Backup = op("backup", (*Node).backup)

// BackupState tells how far a backup under way is.
var BackupState = op("backup progress", func(n *Node, _ context.Context, _ Nothing) (BackupProgress, error) {
	return n.saving.state(), nil
})

func (n *Node) backup(ctx context.Context, q BackupQuestion) (done BackupDone, err error) {
	parent, err := n.backupPlace(q.Dir)
	if err != nil {
		return done, err
	}
	if !n.saving.begin() {
		return done, advise(errors.New("another backup is being made"), "wait for it")
	}
	defer n.saving.end()
	temp, err := os.MkdirTemp(parent, ".parley-backup-*") // mode 0700
	if err != nil {
		return done, advise(fmt.Errorf("making a folder beside %s: %w", q.Dir, err), "the backup's parent folder must be there and writable")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	m, err := n.copyHome(ctx, temp)
	if err != nil {
		return done, fmt.Errorf("making a backup: %w", err)
	}
	if err := os.Rename(temp, q.Dir); err != nil {
		return done, fmt.Errorf("giving the backup its name: %w", err)
	}
	if err := syncDir(parent); err != nil {
		return done, fmt.Errorf("giving the backup its name: %w", err)
	}
	n.log.Info("a backup was made", "took", m.Took)
	return BackupDone{Dir: q.Dir, Taken: m.Taken, Files: len(m.Files), Bytes: m.bytes(), LeftOut: m.LeftOut, Seconds: m.Took.Seconds()}, nil
}

// backupPlace checks where a backup is to be and returns its parent.
func (n *Node) backupPlace(dir string) (parent string, err error) {
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("%q is not an absolute path", dir)
	}
	if _, err := os.Lstat(dir); err == nil {
		return "", advise(fmt.Errorf("%s is there already: %w", dir, fs.ErrExist), "nothing is overwritten: name a folder that does not exist")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("looking at %s: %w", dir, err)
	}
	parent = filepath.Dir(dir)
	home, err := filepath.Abs(n.home)
	if err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(home, dir); err == nil && filepath.IsLocal(rel) {
		return "", advise(fmt.Errorf("%s is inside the home that is to be saved", dir), "name a folder elsewhere, best on another disk")
	}
	return parent, nil
}

// copyHome fills a new folder, verifies it, and writes its manifest last.
func (n *Node) copyHome(ctx context.Context, to string) (*Manifest, error) {
	m := &Manifest{Version: manifestVersion, Node: string(n.id.NodeID()), Name: n.conf.Name, Taken: time.Now().UTC(), Parley: Version()}
	n.saving.step("the ledger")
	if err := n.led.Checkpoint(filepath.Join(to, ledgerDir)); err != nil {
		return nil, fmt.Errorf("copying the ledger: %w", err)
	}
	n.saving.step("the home's files")
	if err := m.copyFiles(to, n.home); err != nil {
		return nil, fmt.Errorf("copying the home: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n.saving.step("verifying the ledger's copy")
	if err := checkLedger(filepath.Join(to, ledgerDir)); err != nil {
		return nil, err
	}
	n.saving.step("hashing")
	var err error
	if m.Files, err = survey(to, n.saving.add); err != nil {
		return nil, fmt.Errorf("hashing the copy: %w", err)
	}
	if err := syncTree(to); err != nil {
		return nil, fmt.Errorf("syncing the copy: %w", err)
	}
	m.Took = time.Since(m.Taken)
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, err
	}
	if err := writePrivate(filepath.Join(to, manifestFile), append(b, '\n')); err != nil {
		return nil, fmt.Errorf("writing the manifest: %w", err)
	}
	return m, syncDir(to)
}

// passing are the files of a home that only a running process needs; and a login
// by consent, for a refresh token of the past ends it (grant.go).
var passing = []string{socketFile, ledgerDir, manifestFile, grantFile, grantFile + ".new"}

// copyFiles copies everything of a home but the ledger. What is no plain file is
// left out and named.
func (m *Manifest) copyFiles(to, home string) error {
	return filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != home {
			return nil // taken away while we walk
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(home, path)
		if err != nil || rel == "." {
			return err
		}
		switch {
		case slices.Contains(passing, rel) && d.IsDir():
			return fs.SkipDir
		case slices.Contains(passing, rel):
			return nil
		case d.IsDir():
			return os.Mkdir(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			m.LeftOut = append(m.LeftOut, filepath.ToSlash(rel))
			return nil
		}
		info, err := d.Info()
		if err == nil {
			err = copyFile(filepath.Join(to, rel), path, info.Mode().Perm())
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

// checkLedger opens a copy of a ledger, without writing to it, and walks the
// whole of it.
func checkLedger(dir string) (err error) {
	led, err := ledger.Open(ledger.Config{Dir: dir, ReadOnly: true})
	if err != nil {
		return fmt.Errorf("opening the copy: %w", err)
	}
	defer func() {
		err = errors.Join(err, led.Close())
		if gone := os.Remove(filepath.Join(dir, "LOCK")); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}()
	if err := led.Check(); err != nil {
		return advise(fmt.Errorf("the copy of the ledger is not in order: %w", err), "keep older backups, and have the disk looked at: the ledger itself may be damaged")
	}
	return nil
}
