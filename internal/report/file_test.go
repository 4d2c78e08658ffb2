package report

import (
	"path/filepath"
	"strings"
	"testing"
)

// Whoever reads that a disk is full knows the path that was asked for, not the
// name of the file beside it.
func TestAnErrorOfWritingSpeaksOfThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	made, err := create(path)
	if err != nil {
		t.Fatal(err)
	}
	f := made.(*file)
	if err := f.Close(); err != nil { // so that writing fails
		t.Fatal(err)
	}
	defer f.remove()
	_, err = f.Write([]byte("{}"))
	if err == nil || !strings.Contains(err.Error(), path+":") {
		t.Errorf("got %v, want an error about %s", err, path)
	}
}
