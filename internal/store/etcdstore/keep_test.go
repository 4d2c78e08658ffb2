package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hyperscale/internal/store"
)

// fill writes until there is no room, and gives how many keys it wrote.
func fill(t *testing.T, s store.Store) int {
	t.Helper()
	value := make([]byte, 512<<10)
	for i := range 1000 {
		_, err := s.Txn(t.Context(), store.Txn{Then: []store.Op{{Kind: store.Put, Key: fmt.Sprint("k", i), Value: value}}})
		if errors.Is(err, store.ErrFull) {
			return i
		}
		if err != nil {
			t.Fatalf("filling: %v", err)
		}
	}
	t.Fatal("it is never full")
	return 0
}

// A store that is full says so, takes deletions, and is tidied back to life.
func TestFullStoreIsTidied(t *testing.T) {
	t.Parallel()
	c := configs(t, 1)
	c[0].Quota = 8 << 20
	n := startAll(t, c)[0]
	if wrote := fill(t, n.Store()); wrote == 0 {
		t.Fatal("nothing fitted")
	}
	n.mustBecome(t, Full)
	if _, err := n.Store().Grant(t.Context(), time.Minute); !errors.Is(err, store.ErrFull) {
		t.Errorf("granting a lease in a full store: %v", err)
	}
	done, err := n.Store().Txn(t.Context(), store.Txn{Then: []store.Op{{Kind: store.DeleteRange, Key: "k", Until: "l"}}})
	if err != nil {
		t.Fatalf("deleting from a full store: %v", err)
	}
	if err := n.Store().Compact(t.Context(), done.Revision); err != nil {
		t.Fatal(err)
	}
	before := n.server.Backend().Size()
	for began := time.Now(); n.server.Backend().Size() >= before && time.Since(began) < patient; {
		if err := n.tidyOnce(t.Context()); err != nil { // in vain until etcd has forgotten
			t.Fatal(err)
		}
	}
	n.mustBecome(t, Ready)
	if after := n.Health().Size; after >= before {
		t.Errorf("the file had %d bytes, and has %d", before, after)
	}
	mustPut(t, n.Store(), "a", "1")
}

func TestNeedsTidying(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		size, inUse int64
		full, want  bool
	}{
		{size: 1 * mib, inUse: 0},
		{size: 40 * mib, inUse: 30 * mib},
		{size: 60 * mib, inUse: 20 * mib, want: true},
		{size: 120 * mib, inUse: 80 * mib},
		{size: 200 * mib, inUse: 190 * mib},
		{size: 200 * mib, inUse: 120 * mib, want: true},
		{size: 256 * mib, inUse: 250 * mib, full: true},
		{size: 256 * mib, inUse: 220 * mib, full: true, want: true},
	} {
		if got := needsTidying(c.size, c.inUse, 256*mib, c.full); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// Only one member at a time rewrites its file, and the leader steps aside.
func TestMembersTakeTurns(t *testing.T) {
	t.Parallel()
	nodes := startAll(t, configs(t, 3))
	leader, others := leading(t, nodes)
	err := others[0].takeTurn(t.Context(), func() error {
		return others[1].takeTurn(t.Context(), func() error {
			t.Error("two at a time")
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	did := false
	err = leader.takeTurn(t.Context(), func() error {
		did = true
		return leader.rewrite()
	})
	if err != nil || !did {
		t.Errorf("a turn that was free: %v, %v", did, err)
	}
	if leader.server.Leader() == leader.server.MemberID() {
		t.Error("it led while it stood still")
	}
	mustPut(t, others[0].Store(), "a", "1")
}

func TestHistoryIsForgotten(t *testing.T) {
	t.Parallel()
	c := configs(t, 1)
	c[0].History = time.Second
	n := startAll(t, c)[0]
	first := mustPut(t, n.Store(), "a", "0")
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for i := 0; ; i++ {
		mustPut(t, n.Store(), "a", "1")
		_, err := n.Store().Range(ctx, store.Range{Until: "z", At: first})
		if errors.Is(err, store.ErrCompacted) {
			return
		}
		if err != nil {
			t.Fatalf("after %d writes: %v", i, err)
		}
	}
}

func TestSnapshotIsRestored(t *testing.T) {
	t.Parallel()
	n := startAll(t, configs(t, 1))[0]
	at := mustPut(t, n.Store(), "a", "1")
	file := filepath.Join(t.TempDir(), "snapshot")
	if err := n.Store().Snapshot(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	mustPut(t, n.Store(), "a", "too late")
	all := configs(t, 3)
	for _, c := range all {
		if err := Restore(c, file); err != nil {
			t.Fatal(err)
		}
		if err := Restore(c, file); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("restoring over a member: %v", err)
		}
	}
	nodes := startAll(t, all)
	for _, n := range nodes {
		mustRead(t, n.Store(), "a", "1")
	}
	if next := mustPut(t, nodes[0].Store(), "b", "1"); next < at+revisionLeap {
		t.Errorf("revision %d after %d", next, at)
	}
	err := nodes[1].Store().Watch(t.Context(), "", "z", at+1, func(store.Revision, []store.Event) error { return nil })
	if !errors.Is(err, store.ErrCompacted) {
		t.Errorf("a watch of before: %v", err)
	}
}

func TestRestoringRubbish(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"empty": "", "short": "rubbish", "long": string(make([]byte, 1<<16))} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c := configs(t, 1)[0]
		if err := Restore(c, file); err == nil {
			t.Errorf("%s was restored", name)
		}
		if empty, err := Empty(c.Dir); !empty || err != nil {
			t.Errorf("%s left something: %v", name, err)
		}
	}
	if err := Restore(configs(t, 1)[0], filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}

func TestSnapshotAppearsWhole(t *testing.T) {
	t.Parallel()
	n := startAll(t, configs(t, 1))[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if err := n.Store().Snapshot(ctx, filepath.Join(dir, "s")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := n.Store().Snapshot(t.Context(), filepath.Join(dir, "no", "such", "place")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
