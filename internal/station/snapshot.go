package station

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hyperscale/internal/own"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/store"
	"hyperscale/internal/store/etcdstore"
)

// Snapshot writes all that the store of the node in that role with that data
// directory holds into a file. One that runs is asked by the socket in its directory, so
// that only who may use that can ask; of one that does not the data file is
// copied. Running tells which it was.
func Snapshot(ctx context.Context, role identity.Role, dir, file string) (running bool, err error) {
	if err := isOf(role, dir); err != nil {
		return false, err
	}
	if file, err = filepath.Abs(file); err != nil {
		return false, fmt.Errorf("snapshot: %w", err)
	}
	lock, err := etcdstore.Lock(dir)
	if errors.Is(err, etcdstore.ErrInUse) {
		return true, order(ctx, role, dir, "/snapshot", "to", file)
	}
	if err != nil {
		return false, err
	}
	return false, errors.Join(etcdstore.SnapshotOf(filepath.Join(dir, storeDir), file), lock.Close())
}

// How far a restore is, as the first word of the restore file; the file that it is
// from follows.
const (
	restoreBegun  = "begun"  // the store may be there in part
	restoreFilled = "filled" // it is there, as of then
	restoreDone   = "done"   // and what was under way then has been ended
)

// restored is how far a restore is, and from which file; "": there is none.
func (d *data) restored() (state, file string, err error) {
	text, err := os.ReadFile(d.path(restoreFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	state, file, _ = strings.Cut(strings.TrimSpace(string(text)), " ")
	return state, file, err
}

// restore fills an empty directory from a snapshot, if that is wanted. A restore
// that was broken off begins anew; one that was completed is not done again.
func (d *data) restore(c etcdstore.Config, file string, fresh bool) error {
	state, from, err := d.restored()
	if err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	if state == restoreBegun {
		if file == "" {
			return fmt.Errorf("restoring from %s was broken off: start it again with --restore", from)
		}
		if err := os.RemoveAll(d.store()); err != nil {
			return fmt.Errorf("restoring anew: %w", err)
		}
		fresh = true
	}
	if file == "" {
		return nil
	}
	if file, err = filepath.Abs(file); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	switch {
	case fresh:
		err := d.write(restoreFile, restoreBegun+" "+file)
		if err == nil {
			err = etcdstore.Restore(c, file)
		}
		if err == nil {
			err = d.write(restoreFile, restoreFilled+" "+file)
		}
		return err
	case from == file:
		return nil // the flag is still there at a later start
	}
	return fmt.Errorf("--restore begins a new cluster, and %s holds a store already: name an empty directory with --data", d.dir)
}

// afterRestore ends what was under way when the snapshot was made, before anybody
// uses the store.
func (l *life) afterRestore(ctx context.Context) error {
	state, file, err := l.data.restored()
	if err != nil || state != restoreFilled {
		return err
	}
	for {
		err := own.AfterRestore(ctx, l.store.Store(), time.Now())
		if err == nil {
			break
		}
		if !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		l.log.Warn("a restored store is not fit to be used yet; trying again", "reason", err)
		if !pause(ctx, time.Second) {
			return context.Cause(ctx)
		}
	}
	l.log.Info("the store was restored; jobs that had not ended are FAILED with what the snapshot holds", "from", file)
	return l.data.write(restoreFile, restoreDone+" "+file)
}
