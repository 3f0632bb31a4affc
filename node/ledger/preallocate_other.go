//go:build !linux

package ledger

import "github.com/cockroachdb/pebble/v2/vfs"

// preallocated is fs: only Linux reserves a file with its size in one call.
func preallocated(fs vfs.FS) vfs.FS { return fs }
