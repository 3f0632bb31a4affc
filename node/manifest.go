package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A backup is a folder: the home's files as they were, the ledger as Pebble's
// checkpoint under "ledger", and the manifest, which is written last. A folder
// without it is no backup.
const (
	manifestFile    = "manifest.json"
	manifestVersion = 1
	mostManifest    = 64 << 20 // bytes; some 400,000 files
)

// Manifest says what a backup holds.
type Manifest struct {
	Version int           `json:"version"`
	Node    string        `json:"node"`  // node id
	Name    string        `json:"name"`  // the node's name
	Taken   time.Time     `json:"taken"` // when the copy was begun: what happened later is not in it
	Files   []BackupFile  `json:"files"`
	LeftOut []string      `json:"left_out,omitempty"` // what lies in the home and is no plain file
	Parley  string        `json:"parley"`             // version that made it
	Took    time.Duration `json:"took_ns"`
}

// BackupFile is one file of a backup.
type BackupFile struct {
	Path   string `json:"path"` // relative, with slashes
	Size   int64  `json:"size"`
	Mode   uint32 `json:"mode"` // permission bits
	SHA256 string `json:"sha256"`
}

// bytes is the size of everything.
func (m *Manifest) bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// readManifest reads a backup's manifest and refuses one that names a place
// outside the backup.
func readManifest(dir string) (*Manifest, error) {
	f, err := os.Open(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, advise(fmt.Errorf("%s is no backup: it has no %s", dir, manifestFile), "name a folder that \"parley backup\" has made; one without a manifest was never finished")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostManifest+1))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	return parseManifest(b)
}

func parseManifest(b []byte) (*Manifest, error) {
	if len(b) > mostManifest {
		return nil, fmt.Errorf("the manifest is larger than %d MiB", mostManifest>>20)
	}
	m := &Manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("the manifest has version %d, this parley reads %d", m.Version, manifestVersion)
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		if !fs.ValidPath(f.Path) || strings.Contains(f.Path, "\\") || f.Path == manifestFile || seen[f.Path] || f.Size < 0 {
			return nil, fmt.Errorf("the manifest names a file %q, which cannot be in a backup", f.Path)
		}
		seen[f.Path] = true
	}
	if !seen[nodeFile] || m.Taken.IsZero() {
		return nil, fmt.Errorf("the manifest names no %s, or not when it was taken", nodeFile)
	}
	return m, nil
}

// check compares every file with the manifest.
func (m *Manifest) check(dir string, progress func(int64)) error {
	for _, f := range m.Files {
		got, err := hashFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
		if err != nil {
			return fmt.Errorf("reading the backup's %s: %w", f.Path, err)
		}
		if got.SHA256 != f.SHA256 || got.Size != f.Size {
			return fmt.Errorf("the backup's %s is not what its manifest says: it was changed or is damaged", f.Path)
		}
		progress(f.Size)
	}
	return nil
}

// survey lists a folder's files for a manifest.
func survey(dir string, progress func(int64)) (files []BackupFile, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := hashFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f.Path = filepath.ToSlash(rel)
		files = append(files, f)
		progress(f.Size)
		return nil
	})
	slices.SortFunc(files, func(a, b BackupFile) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

func hashFile(path string) (b BackupFile, err error) {
	f, err := os.Open(path)
	if err != nil {
		return b, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return b, err
	}
	if !info.Mode().IsRegular() {
		return b, errors.New("it is no plain file")
	}
	h := sha256.New()
	if b.Size, err = io.Copy(h, f); err != nil {
		return b, err
	}
	b.Mode, b.SHA256 = uint32(info.Mode().Perm()), hex.EncodeToString(h.Sum(nil))
	return b, nil
}

// copyFile copies a file to a new one that only its owner can read, and syncs it.
func copyFile(to, from string, mode fs.FileMode) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode&0o700|0o400)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}

// syncTree makes every folder's names durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

func syncDir(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}
