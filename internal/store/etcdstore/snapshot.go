package etcdstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"

	"hyperscale/internal/store"
)

// revisionLeap is how far a restored store's revisions are ahead of the
// snapshot's, so that none that anybody saw before comes again for another change.
const revisionLeap = 1_000_000_000

// Snapshot writes all that the store's etcd holds into a file, other prefixes
// too, which [Restore] can read. The file appears when it is whole and durable.
func (s *Store) Snapshot(ctx context.Context, path string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	v, err := s.source.enter(ctx)
	if err != nil {
		return fmt.Errorf("snapshot: %w", kind(ctx, err))
	}
	defer v.leave()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.life, cancel)()
	all, err := v.client.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("snapshot: %w", kind(ctx, err))
	}
	err = writeWhole(path, all)
	return errors.Join(err, all.Close())
}

// SnapshotOf writes what the data file of a member that does not run holds into a
// file, which [Restore] can read. What a member that was killed had agreed to in
// its last tenth of a second may be only in its log, and is left out. [ErrInUse]:
// it runs.
func SnapshotOf(dir, path string) error {
	lock, err := lockDir(dir)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	data, err := os.Open(filepath.Join(dataDir(dir), "member", "snap", "db"))
	if err != nil {
		return fmt.Errorf("snapshot: %w", errors.Join(err, lock.Close()))
	}
	sum := sha256.New()
	err = writeWhole(path, io.MultiReader(io.TeeReader(data, sum), &sumOf{hash: sum}))
	return errors.Join(err, data.Close(), lock.Close())
}

// sumOf reads as the sum of what was hashed until it is first read.
type sumOf struct {
	hash hash.Hash
	left []byte
	read bool
}

// Read implements io.Reader.
func (s *sumOf) Read(p []byte) (int, error) {
	if !s.read {
		s.left, s.read = s.hash.Sum(nil), true
	}
	if len(s.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

// writeWhole makes a file of what is read, or none.
func writeWhole(path string, from io.Reader) error {
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-*")
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	_, err = io.Copy(part, from)
	err = errors.Join(err, part.Sync(), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("snapshot to %s: %w", path, errors.Join(err, os.Remove(part.Name())))
	}
	return nil
}

// Restore fills the empty directory of a member of a new cluster from a
// snapshot. Every member of [Config.Initial] is restored from the same one, and
// then runs. Revisions leap, so that fences of before hold for nobody and watches
// of before end with [store.ErrCompacted].
func Restore(c Config, snapshotFile string) (err error) {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.withDefaults()
	if c.Join || len(c.Initial) == 0 {
		return fmt.Errorf("restoring store member %s: wants all members, and no Join: %w", c.Name, store.ErrInvalid)
	}
	lock, err := lockDir(c.Dir)
	if err != nil {
		return fmt.Errorf("restoring store member %s: %w", c.Name, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if empty, err := Empty(c.Dir); err != nil || !empty {
		return fmt.Errorf("restoring store member %s: %s is not empty: %w", c.Name, c.Dir, errors.Join(err, store.ErrInvalid))
	}
	log := newZapLog(slog.New(slog.DiscardHandler))
	err = apart(log, func() error {
		return snapshot.NewV3(log.logger()).Restore(snapshot.RestoreConfig{
			SnapshotPath:        snapshotFile,
			Name:                c.Name,
			OutputDataDir:       dataDir(c.Dir),
			PeerURLs:            []string{c.Address},
			InitialCluster:      initialCluster(c.Initial),
			InitialClusterToken: c.Cluster,
			RevisionBump:        revisionLeap,
			MarkCompacted:       true,
		})
	})
	if err != nil && (strings.Contains(err.Error(), "sha256") || strings.Contains(err.Error(), "missing hash")) {
		err = errors.New("the file is damaged or cut short: what it holds does not have the sum at its end")
	}
	if err != nil {
		return fmt.Errorf("restoring store member %s from %s: %w", c.Name, snapshotFile,
			errors.Join(err, os.RemoveAll(dataDir(c.Dir))))
	}
	return nil
}
