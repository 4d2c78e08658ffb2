package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

// A manager that can't begin says all that is wrong, and begins nothing.
func TestManagersThatAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for want, args := range map[string][]string{
		"data directory of its own":    {"manager"},
		"listens on loopback only":     {"manager", "--data", dir, "--listen", "0.0.0.0:7400"},
		"--store-cert, --store-key":    {"manager", "--data", dir, "--store-cert", "x"},
		"--cert, --key-file and":       {"manager", "--data", dir, "--cert", "x"},
		"an even number":               {"manager", "--data", dir, "--expect", "4", "--join", "127.0.0.1:1"},
		"expected NAME=URL":            {"manager", "--data", dir, "--peers", "m1"},
		"--join b; expected HOST:PORT": {"manager", "--data", dir, "--join", "127.0.0.1:7402,b"},
		"expected HOST:PORT, or off":   {"manager", "--data", dir, "--http", "7401"},
		"a file is missing":            {"manager", "snapshot", "--data", dir},
		"--data names":                 {"manager", "snapshot", "x"},
		"--data names the data":        {"manager", "remove", "m3"},
		"--gates: gate 10.0.0.1:7400":  {"manager", "--data", dir, "--gates", "10.0.0.1"},
	} {
		s := newTestWorld()
		if code := s.run(args...); code != 104 || !strings.Contains(s.err.String(), want) {
			t.Errorf("%v: code %d, without %q: %s", args, code, want, &s.err)
		}
	}
	s := newTestWorld()
	if code := s.run("manager", "snapshot", "x", "--data", dir); code != 1 || !strings.Contains(s.err.String(), "is not the data directory of a manager") {
		t.Errorf("a snapshot of nothing: code %d: %s", code, &s.err)
	}
	s = newTestWorld()
	s.run("manager", "--listen", "0.0.0.0:1", "--expect", "2")
	if n := strings.Count(s.err.String(), "\n"); n < 3 {
		t.Errorf("%d faults of three are listed: %s", n, &s.err)
	}
}

// A gate is refused like a manager, in words that are true of a gate.
func TestGatesThatAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for want, args := range map[string][]string{
		"a gate needs a data directory":        {"gate"},
		"a gate listens on loopback only":      {"gate", "--data", dir, "--listen", "0.0.0.0:7400"},
		"an even number of gates":              {"gate", "--data", dir, "--expect", "4", "--join", "127.0.0.1:1"},
		"there is no flag --dc":                {"gate", "--data", dir, "--dc", "fra"},
		"there is no flag --gates":             {"gate", "--data", dir, "--gates", "g2"},
		"a file is missing":                    {"gate", "snapshot", "--data", dir},
		"directory of a gate on this":          {"gate", "snapshot", "x"},
		"directory of a gate that runs on":     {"gate", "remove", "g3"},
		"2 gates; expected 1, 3 or 5":          {"dev", "--gates", "2"},
		"--gates 1 makes one cluster":          {"dev", "--datacenters", "2"},
		"27 datacenters; expected 26 at most":  {"dev", "--gates", "1", "--datacenters", "27"},
		"--datacenters 0; expected 1 or more":  {"dev", "--datacenters", "0"},
		"is not the data directory of a gate:": {"gate", "remove", "g3", "--data", dir},
	} {
		s := newTestWorld()
		code := 104
		if strings.HasPrefix(want, "is not") {
			code = 1
		}
		if got := s.run(args...); got != code || !strings.Contains(s.err.String(), want) {
			t.Errorf("%v: code %d, without %q: %s", args, got, want, &s.err)
		}
	}
}
