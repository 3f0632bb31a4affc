//go:build linux || darwin || freebsd

package node

import "syscall"

// diskSpace is how much an ordinary user may still write to the disk of path,
// and how much such a user could have written to an empty one.
func diskSpace(path string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	block := uint64(s.Bsize)
	used := uint64(s.Blocks) - uint64(s.Bfree)
	return uint64(s.Bavail) * block, (used + uint64(s.Bavail)) * block, nil
}
