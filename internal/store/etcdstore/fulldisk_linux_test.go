package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"

	"hyperscale/internal/store"
)

// The disk is really full, and nobody looked at it before: the node ends with a
// word, and what was acknowledged is there when there is room again.
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
	acknowledged := 0
	for i := range 1000 {
		_, err := n.Store().Txn(ctx, store.Txn{Then: []store.Op{{Kind: store.Put, Key: fmt.Sprint("k", i), Value: value}}})
		if err != nil {
			t.Logf("after %d values: %v", i, err)
			break
		}
		acknowledged++
	}
	err := n.wait()
	if !errors.Is(err, ErrDisk) {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
	if errors.Is(err, ErrStuck) {
		return // and only another process could go on here
	}
	if out, err := exec.Command("mount", "-o", "remount,size=600m", dir).CombinedOutput(); err != nil {
		t.Fatalf("more room: %s", out)
	}
	n = start(t, c)
	n.mustBecome(t, Ready)
	page, err := n.Store().Range(ctx, store.Range{From: "k", Until: "l", KeysOnly: true})
	if err != nil || len(page.Entries) < acknowledged {
		t.Errorf("%d values of %d are there: %v", len(page.Entries), acknowledged, err)
	}
}
