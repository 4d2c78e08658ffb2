package station

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/store/etcdstore"
)

// The files of a data directory. The store's own are below storeDir.
const (
	lockFile    = "lock"         // held by the process that uses the directory
	whoFile     = "node"         // whose it is: the identity of the node
	bootFile    = "boot"         // number of starts
	restoreFile = "restore"      // how far a restore is, and of what
	controlPort = "control.sock" // where a node that runs hears who may open it
	storeDir    = "store"
)

// data is a node's hold on its data directory.
type data struct {
	dir  string
	lock io.Closer
}

// claim takes a data directory for this process and this node alone, before
// anything else in it is touched.
func claim(dir string, who identity.ID) (*data, error) {
	lock, err := etcdstore.Lock(dir)
	if err != nil {
		return nil, err
	}
	d := &data{dir, lock}
	if err := d.belongs(who); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s: %w", dir, err), lock.Close())
	}
	return d, nil
}

// release lets others have it.
func (d *data) release() error { return d.lock.Close() }

func (d *data) path(name string) string { return filepath.Join(d.dir, name) }

// store is where the store's member keeps its data.
func (d *data) store() string { return d.path(storeDir) }

// belongs refuses what is not this node's, and marks a new directory as its.
func (d *data) belongs(who identity.ID) error {
	text, err := os.ReadFile(d.path(whoFile))
	switch {
	case err == nil:
		if owner := strings.TrimSpace(string(text)); owner != who.String() {
			return fmt.Errorf("it is that of %s, and this is %s; name another with --data", owner, who)
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("it can't be read: %w", err)
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return fmt.Errorf("it can't be read: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{lockFile, "lost+found"}, e.Name()) && !strings.HasPrefix(e.Name(), ".") {
			return fmt.Errorf("it holds %s, and is not that of a %s; name an empty or a new one with --data", e.Name(), who.Role)
		}
	}
	return d.write(whoFile, who.String())
}

// write puts one line into a file, which is whole and durable before it has its
// name.
func (d *data) write(name, line string) error {
	f, err := os.CreateTemp(d.dir, ".new-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", d.path(name), err)
	}
	_, err = fmt.Fprintln(f, line)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), d.path(name))
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", d.path(name), errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// nextBoot counts a start: it is written down before it is used, so that no start
// has the number of another. The first is numbered by the clock (in ms), for the
// directory may have been wiped, and others remember the numbers of before.
func (d *data) nextBoot(now time.Time) (hyperscale.Boot, error) {
	text, err := os.ReadFile(d.path(bootFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("reading the number of starts: %w", err)
	}
	n := uint64(now.UnixMilli())
	if err == nil {
		if n, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 63); err != nil {
			return 0, fmt.Errorf("%s does not hold the number of starts: %w", d.path(bootFile), err)
		}
	}
	n++
	return hyperscale.Boot(n), d.write(bootFile, strconv.FormatUint(n, 10))
}
