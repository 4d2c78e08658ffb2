package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// told takes what a test would have been told.
type told struct {
	testing.TB
	errors int
}

func (t *told) Helper()               {}
func (t *told) Errorf(string, ...any) { t.errors++ }

func TestGoldenNoticesADifference(t *testing.T) {
	path := filepath.Join(t.TempDir(), "golden")
	if err := os.WriteFile(path, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]int{"a\n": 0, "a": 1, "b\n": 1} {
		heard := &told{TB: t}
		if Golden(heard, path, got); heard.errors != want {
			t.Errorf("%q: %d errors", got, heard.errors)
		}
	}
}

func TestLogIsWrittenByMany(t *testing.T) {
	var log Log
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { fmt.Fprint(&log, "word ") })
	}
	all.Wait()
	if n := len(log.String()); n != 8*len("word ") {
		t.Errorf("%d bytes: %q", n, &log)
	}
}
