package worker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
)

// Starts are counted on the disk, whatever the clock says, and two workers never
// share a directory.
func TestData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "w1")
	now := time.Now()
	last := hyperscale.Boot(0)
	start := func(now time.Time) *data {
		t.Helper()
		d, err := claim(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		if d.boot <= last {
			t.Errorf("boot %d after %d", d.boot, last)
		}
		last = d.boot
		return d
	}
	d := start(now)
	if _, err := claim(dir, now); !errors.Is(err, errInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	d.release()
	start(now.Add(-24 * time.Hour)).release() // the clock was set back
	// A file that was never put in place changes nothing.
	if err := os.WriteFile(filepath.Join(dir, "boot.new"), []byte("9"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(now).release()
	if err := os.RemoveAll(dir); err != nil { // the directory was lost
		t.Fatal(err)
	}
	start(now.Add(time.Second)).release()
	if err := os.WriteFile(filepath.Join(dir, "boot"), []byte("many"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := claim(dir, now); err == nil || !strings.Contains(err.Error(), "number of the last start") {
		t.Errorf("%v", err)
	}
}

// Without a directory the clock tells starts apart.
func TestADataDirectoryOfSomethingElse(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"lock", "boot", "node"} { // as a manager has them
		if err := os.WriteFile(filepath.Join(dir, name), []byte("7\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := claim(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "it holds node, and is not that of a worker") {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "boot")); err != nil || string(text) != "7\n" {
		t.Errorf("its starts were counted: %s, %v", text, err)
	}
}

func TestBootByClock(t *testing.T) {
	now := time.Now()
	a, _ := claim("", now)
	b, err := claim("", now.Add(time.Millisecond))
	if err != nil || b.boot <= a.boot {
		t.Errorf("%+v, %+v, %v", a, b, err)
	}
}

// All that is wrong is listed at once.
func TestCheck(t *testing.T) {
	id := self(identity.Worker, "w 1")
	_, err := New(Config{
		Self: id, Join: []string{"nowhere", "10.0.0.1:7400"}, Cores: 9999, Autonomy: time.Second, Targets: []string{"a b"},
	}, deps(os.Stderr))
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		`the node name "w 1"`, `manager "nowhere": host:port is wanted`, "manager 10.0.0.1:7400: without certificates",
		"9999 cores", "an autonomy of 1s", `allowed target "a b"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if _, err := New(Config{Self: self(identity.Manager, "m1")}, deps(os.Stderr)); err == nil ||
		!strings.Contains(err.Error(), "not the identity of a worker") || !strings.Contains(err.Error(), "at least one manager") {
		t.Errorf("%v", err)
	}
}
