package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
)

// ErrInUse: another node uses the data directory.
var ErrInUse = errors.New("another node uses this data directory")

// ErrDisk: the disk is full, slow or broken, or what etcd has on it is.
var ErrDisk = errors.New("the disk does not serve")

func dataDir(dir string) string { return filepath.Join(dir, "etcd") }

// lockDir makes the directory and keeps every other node out of it, for as long
// as the file stays open.
func lockDir(dir string) (*fileutil.LockedFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := fileutil.TryLockFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fileutil.ErrLocked) {
		return nil, fmt.Errorf("data directory %s: %w", dir, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("locking data directory %s: %w", dir, err)
	}
	return lock, nil
}

// ErrStuck: part of the member did not end, and does not until the process does.
// No other member can run in this process.
var ErrStuck = errors.New("the process must end")

// Lock makes a directory and keeps every other node out of it until what it gives
// is closed. [ErrInUse]: another is in.
func Lock(dir string) (io.Closer, error) { return lockDir(dir) }

// Empty reports whether a data directory holds no member: it is new, or was
// wiped.
func Empty(dir string) (bool, error) {
	entries, err := os.ReadDir(filepath.Join(dataDir(dir), "member", "wal"))
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("data directory %s: %w", dir, err)
	}
	return len(entries) == 0, nil
}

// What must be free on the disk.
const (
	reserve   = 32 << 20          // while a member runs
	beginRoom = 160<<20 + reserve // before a first start: segments of etcd's log and its data file are made at once
)

// Room says why the disk of a member with default settings has no room for it to
// start, first or again; nil: it has.
func Room(dir string) error {
	fresh, err := Empty(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("data directory: %w: %w", ErrDisk, err)
	}
	d := newDisk(Config{Dir: dir}.withDefaults())
	if fresh {
		d.reserve = beginRoom
	}
	return d.space()
}

const (
	spaceEach = time.Second     // how often free space is looked at
	probeEach = 5 * time.Second // how often a write is timed
)

// disk watches the disk below a data directory. etcd would end the process on a
// write that fails, and lead on while a write hangs.
type disk struct {
	dir     string
	reserve int64
	slow    time.Duration
	free    func(dir string) (int64, error)
	write   func(dir string) error
}

func newDisk(c Config) disk {
	return disk{c.Dir, c.Reserve, c.SlowDisk, freeSpace, probe}
}

// space refuses a disk that is nearly full.
func (d disk) space() error {
	free, err := d.free(d.dir)
	if err != nil {
		return fmt.Errorf("free space of %s: %w: %w", d.dir, ErrDisk, err)
	}
	if free < d.reserve {
		return fmt.Errorf("%s has %d MiB free, below the reserve of %d MiB: %w",
			d.dir, free>>20, d.reserve>>20, ErrDisk)
	}
	return nil
}

// watch returns nil when ctx ends, and an error when the disk no longer serves.
// A write that hangs is left behind: nothing can end it.
func (d disk) watch(ctx context.Context) error {
	space := time.NewTicker(spaceEach)
	defer space.Stop()
	for due := time.Now(); ; {
		if err := d.space(); err != nil {
			return err
		}
		if now := time.Now(); !now.Before(due) {
			if err := d.time(ctx); err != nil {
				return err
			}
			due = now.Add(probeEach)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-space.C:
		}
	}
}

// time writes a little and looks at the clock.
func (d disk) time(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- d.write(d.dir) }()
	late := time.NewTimer(d.slow)
	defer late.Stop()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("writing to %s: %w: %w", d.dir, ErrDisk, err)
		}
		return nil
	case <-late.C:
		return fmt.Errorf("a small write to %s takes longer than %v: %w", d.dir, d.slow, ErrDisk)
	case <-ctx.Done():
		return nil
	}
}

// probe makes one small write durable.
func probe(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "probe"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 512))
	return errors.Join(err, f.Sync(), f.Close())
}
