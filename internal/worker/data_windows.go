package worker

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock keeps other processes out for as long as the file is open.
func lock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errInUse
	}
	return err
}

// syncDir has nothing to do: the system writes directories by itself.
func syncDir(string) error { return nil }
