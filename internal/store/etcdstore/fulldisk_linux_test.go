package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"hyperscale/internal/store"
)

// The disk is really full, and nobody looked at it before: the node ends with a word,
// which says so where only another process can go on from what was acknowledged.
func TestFullDiskEndsTheNode(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=170m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be mounted here: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	c := configs(t, 1)[0]
	c.Dir, c.Reserve = dir, 1
	n := start(t, c)
	n.mustBecome(t, Ready)
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	value := make([]byte, 900<<10)
	for i := range 1000 {
		_, err := n.Store().Txn(ctx, store.Txn{Then: []store.Op{{Kind: store.Put, Key: fmt.Sprint("k", i), Value: value}}})
		if err != nil {
			t.Logf("after %d values: %v", i, err)
			break
		}
	}
	err := n.wait()
	if !errors.Is(err, ErrDisk) || !errors.Is(err, ErrStuck) && strings.Contains(err.Error(), "can't go on") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
}
