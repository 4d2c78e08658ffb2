package worker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/rpc/identity"
)

// Starts are counted on the disk, and two workers never share a directory.
func TestData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "w1")
	first, err := claim(dir, time.Now())
	if err != nil || first.boot != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := claim(dir, time.Now()); !errors.Is(err, errInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("%v", err)
	}
	first.release()
	second, err := claim(dir, time.Now())
	if err != nil || second.boot != 2 {
		t.Fatalf("%+v, %v", second, err)
	}
	second.release()
	// A file that was never put in place changes nothing.
	if err := os.WriteFile(filepath.Join(dir, "boot.new"), []byte("9"), 0o600); err != nil {
		t.Fatal(err)
	}
	third, err := claim(dir, time.Now())
	if err != nil || third.boot != 3 {
		t.Fatalf("%+v, %v", third, err)
	}
	third.release()
	if err := os.WriteFile(filepath.Join(dir, "boot"), []byte("many"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := claim(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "number of starts") {
		t.Errorf("%v", err)
	}
}

// Without a directory the clock tells starts apart.
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
