package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hyperscale"
	"hyperscale/internal/plan"
	"hyperscale/internal/rpc"
	"hyperscale/internal/spec"
	"hyperscale/test/cluster"
)

// All that is free on the disk of a manager is taken at once, while it writes. Whether
// it sees that before a write of its store fails, or after, the same process serves
// again once there is room, with what it had accepted. The disk is filled until a write
// did fail once: what that leaves behind, only a program started anew gets rid of.
func TestTheDiskOfAManagerFillsAtOnce(t *testing.T) {
	needsProcesses(t)
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=260m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be mounted here: %s", strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", disk).Run() })
	d, err := cluster.New(cluster.Setup{Program: program, Dir: disk, Managers: 1, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), bound)
	defer stop()
	t.Cleanup(func() {
		d.Close()
		if t.Failed() {
			t.Log(d.Logs(40))
		}
	})
	m := d.Managers[0]
	if err := errors.Join(m.Start(), serves(ctx, d)); err != nil {
		t.Fatal(err)
	}
	for n := 0; !strings.Contains(m.Tail(1000), "the program is started anew"); n++ {
		if n == 10 {
			t.Fatal("no write failed, ten times")
		}
		fillAtOnce(ctx, t, d, filepath.Join(disk, "ballast"), n)
	}
}

// serves waits until the first manager answers.
func serves(ctx context.Context, d *cluster.Datacenter) error {
	return cluster.Until(ctx, func() error {
		if !d.Managers[0].Running() {
			return nil
		}
		_, err := d.Members(ctx, d.Managers[0])
		return err
	})
}

// fillAtOnce fills the disk while a manager takes plans, until it says that it has
// stepped down, and waits until it serves again after there is room.
func fillAtOnce(ctx context.Context, t *testing.T, d *cluster.Datacenter, ballast string, n int) {
	t.Helper()
	m := d.Managers[0]
	said := strings.Count(m.Tail(1000), "has stepped down")
	var free syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(ballast), &free); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, int64(free.Bavail)*free.Bsize); err != nil {
		t.Fatal(err)
	}
	_ = f.Close() // it need not last
	var accepted []hyperscale.JobID
	for i := 0; strings.Count(m.Tail(1000), "has stepped down") == said; i++ {
		if job, err := submitLarge(ctx, d, fmt.Sprint(n, ".", i)); err == nil {
			accepted = append(accepted, job)
		}
		if !m.Running() || ctx.Err() != nil {
			t.Fatalf("it does not step down; running: %v", m.Running())
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := serves(ctx, d); err != nil || !m.Running() {
		t.Fatalf("it does not serve again: %v; running: %v", err, m.Running())
	}
	for _, job := range accepted {
		if _, err := d.AskStatus(ctx, m, job); err != nil {
			t.Errorf("job %s, which was accepted: %v", job, err)
		}
	}
	t.Logf("%d jobs were accepted with the disk full", len(accepted))
}

// submitLarge hands in a plan that the store's data file has to grow for.
func submitLarge(ctx context.Context, d *cluster.Datacenter, key string) (job hyperscale.JobID, err error) {
	text := "target: http://127.0.0.1:1\nworkflows:\n  main:\n    load: {rate: 1/s, for: 1s}\n" +
		"    steps: [{post: /, body: " + noise(2<<20) + "}]\n"
	loaded, err := plan.Read("p.yaml", strings.NewReader(text), plan.Options{})
	if err != nil {
		return "", err
	}
	content, err := spec.Encode(loaded.Plan, spec.Rows{})
	if err != nil {
		return "", err
	}
	err = d.Ask(ctx, d.Managers[0], func(ctx context.Context, c *rpc.Conn) error {
		accepted, err := c.Submit(ctx, rpc.Submission{Key: key, Spec: content})
		job = accepted.Job
		return err
	})
	return job, err
}

// noise is text that can't be made shorter by much.
func noise(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[rand.IntN(64)]
	}
	return string(text)
}
