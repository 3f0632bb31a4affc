package node_test

import (
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk is a crashable disk in memory, on which a process can die at a sync of
// the ledger's log: before it, as after a failed fsync or a torn write, or after
// it and before anybody learns of it.
type disk struct {
	*vfs.MemFS
	p    *process
	lies bool // says that the log is synced when it is not (see hasty)

	mu     sync.Mutex // guards the fields below
	fate   *fate      // of the next sync
	honest time.Time  // when a lying disk last told the truth
}

// fate is how the process ends at its next sync.
type fate struct {
	after bool // the sync is done first
	kept  int  // percent of the unsynced data that is on disk all the same
}

// doom has the process die at its next sync.
func (d *disk) doom(f fate) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fate = &f
}

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.MemFS.Create(name, c)
	return d.watch(name, f), err
}

func (d *disk) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.MemFS.ReuseForWrite(old, name, c)
	return d.watch(name, f), err
}

func (d *disk) watch(name string, f vfs.File) vfs.File {
	if f == nil || !strings.HasSuffix(name, ".log") {
		return f
	}
	return &logFile{f, d}
}

// logFile is a file of the ledger's write-ahead log.
type logFile struct {
	vfs.File
	d *disk
}

func (f *logFile) Sync() error     { return f.d.sync(f.File.Sync) }
func (f *logFile) SyncData() error { return f.d.sync(f.File.SyncData) }

func (d *disk) sync(do func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := d.fate
	d.fate = nil
	if end != nil && !end.after {
		d.p.die(end.kept)
	}
	if d.lies && time.Since(d.honest) < 20*time.Second {
		do = func() error { return nil }
	} else {
		d.honest = time.Now()
	}
	err := do()
	if end != nil && end.after {
		d.p.die(end.kept)
	}
	return err
}

// spare takes back what was to befall the next sync.
func (d *disk) spare() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fate = nil
}
