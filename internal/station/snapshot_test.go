package station_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hyperscale"
	"hyperscale/internal/plan"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/spec"
	"hyperscale/internal/station"
)

// submit makes a job, which waits where there are no workers.
func submit(t *testing.T, address, key string) hyperscale.JobID {
	t.Helper()
	loaded, err := plan.Read("p.yaml", strings.NewReader("target: http://127.0.0.1:1\nworkflows:\n  main:\n    load: {rate: 10/s, for: 10s}\n    steps: [{get: /}]\n"), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	content, err := spec.Encode(loaded.Plan, spec.Rows{})
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ask(t, address).Submit(soon(t), rpc.Submission{Key: key, Spec: content})
	if err != nil {
		t.Fatal(err)
	}
	return accepted.Job
}

// A snapshot, of a manager that runs or of one that does not, is what another
// cluster begins from: what was under way then has failed there, with the reason.
func TestSnapshotsAndRestores(t *testing.T) { forBoth(t, testSnapshotsAndRestores) }

func testSnapshotsAndRestores(t *testing.T, of identity.Role) {
	cfg := config(t, of, "m1")
	m := start(t, cfg)
	m.mustServe(t)
	job := submit(t, cfg.At.Listen, "k")
	dir := t.TempDir()
	for _, want := range []bool{true, false} {
		file := filepath.Join(dir, fmt.Sprint(want))
		running, err := station.Snapshot(soon(t), of, cfg.Data, file)
		if err != nil || running != want {
			t.Fatalf("a snapshot of one that runs, %v: %v, %v", want, running, err)
		}
		if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("the file: %v, %v", info, err)
		}
		mustRestore(t, of, file, job)
		if want {
			if err := m.stop(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := station.Snapshot(soon(t), of, t.TempDir(), filepath.Join(dir, "x")); err == nil {
		t.Error("a snapshot of nothing")
	}
	if _, err := station.Snapshot(soon(t), of, cfg.Data, filepath.Join(dir, "not", "there")); err == nil {
		t.Error("a snapshot into a directory that is not there")
	}
}

// mustRestore begins a new cluster from a snapshot in which the job was under way.
func mustRestore(t *testing.T, of identity.Role, file string, job hyperscale.JobID) {
	t.Helper()
	cfg := config(t, of, "other")
	cfg.Store.Restore = file
	m := start(t, cfg)
	m.mustServe(t)
	status, err := ask(t, cfg.At.Listen).Get(soon(t), job)
	if err != nil || status.Phase != hyperscale.Failed || !strings.Contains(status.Reason, "restored") {
		t.Errorf("the job is %+v, %v", status, err)
	}
	until(t, "the job is pending", func() error {
		if status, err := ask(t, cfg.At.Listen).Get(soon(t), job); err != nil || status.Owner != "" {
			return fmt.Errorf("%+v, %w", status, err)
		}
		return nil
	})
	submit(t, cfg.At.Listen, "another")
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	// Started again with the same flags it goes on; another file is refused.
	again := start(t, cfg)
	again.mustServe(t)
	if err := again.stop(); err != nil {
		t.Error(err)
	}
	cfg.Store.Restore = file + "2"
	if err := start(t, cfg).ended(); err == nil || !strings.Contains(err.Error(), "holds a store already") {
		t.Errorf("a restore over a store: %v", err)
	}
}

// A restore that was broken off leaves nothing that could be taken for whole.
func TestARestoreBrokenOff(t *testing.T) { forBoth(t, testARestoreBrokenOff) }

func testARestoreBrokenOff(t *testing.T, of identity.Role) {
	cfg := config(t, of, "m1")
	put(t, filepath.Join(cfg.Data, station.WhoFile), cfg.Self.String())
	put(t, filepath.Join(cfg.Data, station.RestoreFile), station.RestoreBegun+" /x\n")
	put(t, filepath.Join(cfg.Data, station.StoreDir, "etcd", "member", "wal", "0.wal"), "half")
	if err := start(t, cfg).ended(); err == nil || !strings.Contains(err.Error(), "--restore") {
		t.Errorf("without the flag: %v", err)
	}
	bad := filepath.Join(t.TempDir(), "bad")
	put(t, bad, strings.Repeat("x", 4096+32))
	cfg.Store.Restore = bad
	if err := start(t, cfg).ended(); err == nil || !strings.Contains(err.Error(), bad+": the file is damaged or cut short") {
		t.Errorf("from a bad file: %v", err)
	}
}

// With no room left a node steps down with a word, and serves again when there
// is some: what it had accepted is there.
func TestAFullDisk(t *testing.T) { forBoth(t, testAFullDisk) }

// comesBack waits until a node serves again, or asks to be started anew, for etcd died
// in a write and left parts behind: then it is false, and what follows is shown by the
// cluster of real processes.
func (r *running) comesBack(t *testing.T) bool {
	t.Helper()
	anew := false
	until(t, "it does not come back", func() error {
		select {
		case err := <-r.done:
			close(r.done)
			if !errors.Is(err, station.ErrAnew) {
				t.Fatalf("it ended with: %v\n%s", err, r.log)
			}
			anew = true
			return nil
		default:
		}
		return r.Ready()
	})
	return !anew
}

func testAFullDisk(t *testing.T, of identity.Role) {
	if runtime.GOOS != "linux" {
		t.Skip("small disks are mounted on Linux only")
	}
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be mounted here: %s", bytes.TrimSpace(out))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", disk).Run() })
	cfg := config(t, of, "m1")
	cfg.Data = filepath.Join(disk, "data")
	m := start(t, cfg)
	m.mustServe(t)
	job := submit(t, cfg.At.Listen, "k")
	ballast := filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	var full error
	for block := make([]byte, 1<<20); full == nil; {
		_, full = f.Write(block)
	}
	f.Close()
	until(t, "it does not step down", func() error {
		if err := m.Ready(); err == nil || !strings.Contains(m.log.String(), "has stepped down") {
			return fmt.Errorf("ready: %w", err)
		}
		return nil
	})
	if code, body := get(t, cfg.At.HTTP, "/readyz"); code != 503 || !strings.Contains(body, "has stepped down: ") {
		t.Errorf("it says %d %s", code, body)
	}
	if code, body := get(t, cfg.At.HTTP, "/metrics"); code != 200 || !strings.Contains(body, `_store_state{state="ended"} 1`) {
		t.Errorf("metrics while it has stepped down: %d %s", code, body)
	}
	until(t, "calls are not told why", func() error {
		_, err := ask(t, cfg.At.Listen).Members(soon(t))
		if err == nil || !strings.Contains(err.Error(), string(of)+" m1 has stepped down: ") {
			return fmt.Errorf("a call gives %w", err)
		}
		return nil
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if !m.comesBack(t) {
		return
	}
	if n := strings.Count(m.log.String(), "has stepped down"); n != 1 {
		t.Errorf("that it has stepped down is said %d times", n)
	}
	if status, err := ask(t, cfg.At.Listen).Get(soon(t), job); err != nil || status.Phase.Terminal() {
		t.Errorf("the job is %+v, %v", status, err)
	}
	if err := m.stop(); err != nil {
		t.Error(err)
	}
}
