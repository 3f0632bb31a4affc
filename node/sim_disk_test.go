package node_test

import (
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk is a crashable disk in memory, on which a process can die at a sync of
// the ledger's log or of a file that is coming in: before it, as after a failed
// fsync or a torn write, or after it and before anybody learns of it.
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
	blob  bool // the sync is one of a file that comes in, not of the log
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
	return &watched{f, d, false}
}

func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := d.MemFS.OpenReadWrite(name, c, o...)
	if f == nil || err != nil {
		return f, err
	}
	return &watched{f, d, true}, nil
}

// watched is a file of the ledger's write-ahead log, or a blob of the spool.
type watched struct {
	vfs.File
	d    *disk
	blob bool
}

func (f *watched) Sync() error     { return f.d.sync(f.blob, f.File.Sync) }
func (f *watched) SyncData() error { return f.d.sync(f.blob, f.File.SyncData) }

func (d *disk) sync(blob bool, do func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := d.fate
	if end != nil && end.blob != blob {
		end = nil
	}
	if end != nil {
		d.fate = nil
	}
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
