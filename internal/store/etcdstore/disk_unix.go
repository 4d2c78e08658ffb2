//go:build unix

package etcdstore

import "golang.org/x/sys/unix"

// freeSpace gives the bytes that a node without privileges may still write.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
