package hyperscalev1_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const protocol = "../../../proto/"

// The code was written from the protocol as it stands.
func TestWrittenFromTheProtocol(t *testing.T) {
	files, err := filepath.Glob(protocol + "hyperscale/v1/*.proto")
	if err != nil || len(files) == 0 {
		t.Fatalf("no protocol: %v", err)
	}
	sum := sha256.New()
	for _, name := range files { // Glob sorts
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	want, err := os.ReadFile("source.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != strings.TrimSpace(string(want)) {
		t.Error("proto/hyperscale/v1 changed after the code was written; run proto/generate.sh")
	}
}

// Where the tools were put by proto/generate.sh, writing it anew changes nothing.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	if tools, err := filepath.Glob("../../../.tools/proto-*/buf"); runtime.GOOS == "windows" || err != nil || len(tools) == 0 {
		t.Skip("buf is not there; proto/generate.sh installs it")
	}
	fresh := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), protocol+"generate.sh", fresh).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	written, err := filepath.Glob(fresh + "/internal/rpc/hyperscalev1/*.pb.go")
	if err != nil {
		t.Fatal(err)
	}
	committed, err := filepath.Glob("*.pb.go")
	if err != nil || len(written) != len(committed) {
		t.Fatalf("%d files are written, %d are here: %v", len(written), len(committed), err)
	}
	for _, name := range written {
		now, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		here, err := os.ReadFile(filepath.Base(name))
		if err != nil || !bytes.Equal(now, here) {
			t.Errorf("%s is not current: run proto/generate.sh (%v)", filepath.Base(name), err)
		}
	}
}
