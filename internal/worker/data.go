package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperscale"
)

// errInUse: another worker uses the data directory.
var errInUse = errors.New("another worker uses it")

// data is a worker's hold on its data directory, and the number of its start.
type data struct {
	boot hyperscale.Boot
	lock *os.File // nil: there is no directory
}

// claim takes a data directory for this process alone and counts the start;
// without one the clock tells starts apart.
func claim(dir string, now time.Time) (*data, error) {
	if dir == "" {
		return &data{boot: bootOf(now)}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := foreign(dir); err != nil {
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	d := &data{lock: f}
	if err := lock(f); err != nil {
		d.release()
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	if d.boot, err = nextBoot(filepath.Join(dir, "boot"), now); err != nil {
		d.release()
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	return d, nil
}

// foreign says what in a directory is none of a worker's, before anything in it is
// touched; nil: there is nothing.
func foreign(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{"lock", "boot", "boot.new", "lost+found"}, e.Name()) && !strings.HasPrefix(e.Name(), ".") {
			return fmt.Errorf("it holds %s, and is not that of a worker; name an empty or a new one with --data", e.Name())
		}
	}
	return nil
}

// release lets others have the directory.
func (d *data) release() {
	if d.lock != nil {
		_ = d.lock.Close() // which also unlocks it; nothing was written
	}
}

// nextBoot raises the number in a file, which is on the disk before anybody hears
// it. It is that of the clock, so that it rises when the directory was lost, and
// above the last, so that it rises when the clock was set back. One that was cut
// short by a crash can't be there: it is written beside and then put in place.
func nextBoot(path string, now time.Time) (hyperscale.Boot, error) {
	last := uint64(0)
	text, err := os.ReadFile(path)
	if err == nil {
		last, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 63)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read the number of the last start: %w", err)
	}
	next := max(hyperscale.Boot(last+1), bootOf(now))
	beside := path + ".new"
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, fmt.Errorf("count the start: %w", err)
	}
	_, err = fmt.Fprintln(f, uint64(next))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(beside, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return 0, fmt.Errorf("count the start: %w", err)
	}
	return next, nil
}
