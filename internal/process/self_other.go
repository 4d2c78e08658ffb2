//go:build !linux

package process

import "os"

// self is the binary that runs.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}
