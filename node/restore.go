package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"parley/node/console"
	"parley/node/ledger"
)

// Restored says what a restore made.
type Restored struct {
	Home  string    `json:"home"`
	Name  string    `json:"name"` // the node's name
	Node  string    `json:"node"` // node id
	Taken time.Time `json:"taken"`
	Files int       `json:"files"`
	Bytes int64     `json:"bytes"`
	Aside string    `json:"aside,omitempty"` // where the old home was moved to
}

// Restore makes home what it was when the backup in dir was taken. Everything is
// verified before anything is touched. A home that holds something is refused,
// or with force moved aside; one where a node runs always is refused.
//
// The restored ledger bears a mark: what happened since the backup is forgotten
// there, so each connection that had crossed anything begins a new epoch and
// waits for "parley heal" (see exchange.Remedy).
func Restore(ctx context.Context, dir, home string, force bool, progress func(step string)) (r Restored, err error) {
	m, err := readManifest(dir)
	if err != nil {
		return r, err
	}
	if home, err = filepath.Abs(home); err != nil {
		return r, err
	}
	full, err := restorePlace(ctx, home)
	if err != nil {
		return r, err
	}
	if full && !force {
		return r, advise(fmt.Errorf("%s is not empty: %w", home, fs.ErrExist), "restore to another --home, or move this one aside with --force")
	}
	progress("verifying the backup")
	if err := m.check(dir, func(int64) {}); err != nil {
		return r, advise(err, "use another backup: nothing was changed")
	}
	temp, err := os.MkdirTemp(filepath.Dir(home), ".parley-restore-*")
	if err != nil {
		return r, fmt.Errorf("making a folder beside %s: %w", home, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	progress("copying")
	if err := m.copyTo(ctx, temp, dir); err != nil {
		return r, fmt.Errorf("copying the backup: %w", err)
	}
	progress("opening the ledger")
	if err := markRestored(filepath.Join(temp, ledgerDir), m.Taken); err != nil {
		return r, err
	}
	r = Restored{Home: home, Name: m.Name, Node: m.Node, Taken: m.Taken, Files: len(m.Files), Bytes: m.bytes()}
	r.Aside, err = swap(home, temp, full)
	return r, err
}

// restorePlace reports whether home holds anything, and refuses one that is in use.
func restorePlace(ctx context.Context, home string) (full bool, err error) {
	entries, err := os.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at the home: %w", err)
	}
	if _, nobody := console.Dial(ctx, filepath.Join(home, socketFile)); nobody == nil {
		return true, advise(fmt.Errorf("a node runs in %s: %w", home, ErrOpen), "stop it first")
	}
	if _, err := os.Stat(filepath.Join(home, ledgerDir)); err == nil {
		led, err := ledger.Open(ledger.Config{Dir: filepath.Join(home, ledgerDir), ReadOnly: true})
		switch {
		case locked(err):
			return true, advise(fmt.Errorf("%s: %w", home, ErrOpen), "stop what uses it first")
		case err == nil:
			return true, led.Close()
		} // one that is too damaged to be opened may well be why it is restored
	}
	return len(entries) > 0, nil
}

// copyTo copies every file of the manifest and verifies what was written.
func (m *Manifest) copyTo(ctx context.Context, to, dir string) error {
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(to, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := copyFile(path, filepath.Join(dir, filepath.FromSlash(f.Path)), fs.FileMode(f.Mode).Perm()|0o600); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(to, drafts), 0o700); err != nil {
		return err
	}
	if err := m.check(to, func(int64) {}); err != nil {
		return fmt.Errorf("what was written differs: %w", err)
	}
	return syncTree(to)
}

// markRestored walks a copy of a ledger and notes in it that it is one.
func markRestored(dir string, taken time.Time) (err error) {
	led, err := ledger.Open(ledger.Config{Dir: dir})
	if err != nil {
		return fmt.Errorf("opening the restored ledger: %w", err)
	}
	defer func() { err = errors.Join(err, led.Close()) }()
	if err := led.Check(); err != nil {
		return advise(fmt.Errorf("the restored ledger is not in order: %w", err), "use another backup: nothing was changed")
	}
	return led.MarkRestored(taken)
}

// swap gives the restored folder the home's name; what was there is moved aside.
func swap(home, temp string, full bool) (aside string, err error) {
	if full {
		aside = home + ".before-" + time.Now().UTC().Format("20060102T150405Z")
		if _, err := os.Lstat(aside); err == nil {
			return "", fmt.Errorf("%s is there already: %w", aside, fs.ErrExist)
		}
		if err := os.Rename(home, aside); err != nil {
			return "", fmt.Errorf("moving the old home aside: %w", err)
		}
	} else if err := os.Remove(home); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("taking the place of an empty folder: %w", err)
	}
	if err := os.Rename(temp, home); err != nil {
		if aside != "" {
			err = errors.Join(err, os.Rename(aside, home))
		}
		return "", fmt.Errorf("giving the restored home its name: %w", err)
	}
	return aside, syncDir(filepath.Dir(home))
}
