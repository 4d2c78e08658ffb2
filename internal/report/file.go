package report

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// file is written beside its path and takes its place when it is whole.
type file struct {
	*os.File
	path string // where it goes; "": the file is written in place
}

// create opens what is to become the file at path. A path that is there and is
// no regular file (a pipe, a device) is written in place.
func create(path string) (target, error) {
	if followed, err := filepath.EvalSymlinks(path); err == nil {
		path = followed // the rename must not replace the link
	}
	mode, err := checkPlace(path)
	switch {
	case errors.Is(err, errInPlace):
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &file{File: f}, err
	case err != nil:
		return nil, noPlace(path, err)
	}
	beside := fmt.Sprintf("%s.%08x.tmp", path, rand.Uint32())
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, noPlace(path, atPath(err, path))
	}
	return &file{File: f, path: path}, nil
}

// noPlace says why no file can be made at a path, and what to do where it is its
// directory.
func noPlace(path string, err error) error {
	dir := filepath.Dir(path)
	if info, at := os.Stat(dir); at != nil || !info.IsDir() {
		return fmt.Errorf("%s can't be written: %s is no directory; make it, or name another path", path, dir)
	}
	return err
}

// Write writes to the file beside the path; an error speaks of the path.
func (f *file) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if err != nil && f.path != "" {
		err = atPath(err, f.path)
	}
	return n, err
}

// atPath makes an error about the file beside a path speak of the path.
func atPath(err error, path string) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return &fs.PathError{Op: "write", Path: path, Err: at.Err}
	}
	return err
}

// errInPlace says that what is at a path cannot be replaced by a file.
var errInPlace = errors.New("no regular file")

// checkPlace gives the mode that a file at path is to have. It fails where a
// file is that may not be written, though a rename could replace it.
func checkPlace(path string) (fs.FileMode, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0o666, nil
	case err != nil:
		return 0, err
	case info.IsDir():
		return 0, &fs.PathError{Op: "open", Path: path, Err: errors.New("is a directory")}
	case !info.Mode().IsRegular():
		return 0, errInPlace
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	return info.Mode().Perm(), f.Close()
}

// commit makes the whole file seen at its path. What was written survives a
// crash of the machine after it.
func (f *file) commit() error {
	if f.path == "" {
		return f.Close()
	}
	err := f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		f.remove()
		return atPath(err, f.path)
	}
	return nil
}

// partial ends the name of what was kept of a file that is not whole.
const partial = ".partial"

// keep leaves the path as it was and puts what is whole beside it, in place of
// what an earlier run left there.
func (f *file) keep(whole int64) string {
	if f.path == "" || whole == 0 {
		return ""
	}
	_ = f.Close() // that it is not whole is known
	if os.Truncate(f.Name(), whole) != nil || os.Rename(f.Name(), f.path+partial) != nil {
		return ""
	}
	return f.path + partial
}

// discard leaves the path as it was.
func (f *file) discard() {
	_ = f.Close() // nothing of it is kept
	if f.path != "" {
		f.remove()
	}
}

// remove takes the file beside the path away; one that stays does no harm.
func (f *file) remove() { _ = os.Remove(f.Name()) }
