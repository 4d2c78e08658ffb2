package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testWorld is a world whose signals the test sends.
type testWorld struct {
	World
	out, err bytes.Buffer
	signals  chan os.Signal
	exited   chan int
}

func newTestWorld() *testWorld {
	s := &testWorld{signals: make(chan os.Signal), exited: make(chan int, 1)}
	s.World = World{
		Stdin: strings.NewReader(""), Stdout: &s.out, Stderr: &s.err,
		Signals: func() (<-chan os.Signal, func()) { return s.signals, func() {} },
		Exit:    func(code int) { s.exited <- code },
	}
	return s
}

// run calls the command with the world.
func (s *testWorld) run(args ...string) int { return Main(context.Background(), s.World, args) }

// held is a target that keeps every request until it is let go, and tells when
// the first came.
func held(t *testing.T) (url string, first <-chan struct{}, letGo func()) {
	t.Helper()
	came, free := make(chan struct{}), make(chan struct{})
	var once, end sync.Once
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(came) })
		select {
		case <-free:
		case <-r.Context().Done():
		}
	}))
	letGo = func() { end.Do(func() { close(free) }) }
	t.Cleanup(func() {
		letGo()
		target.Close()
	})
	return target.URL, came, letGo
}

// summary is what the tests look at in a JSON summary.
type summary struct {
	Phase    string
	ExitCode int `json:"exit_code"`
	Totals   struct {
		Iterations, Requests map[string]int64
	}
}

func read(t *testing.T, path string) (s summary) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOneInterruptLetsFinish(t *testing.T) {
	url, came, letGo := held(t)
	s, out := newTestWorld(), filepath.Join(t.TempDir(), "out.json")
	go func() {
		<-came
		s.signals <- os.Interrupt
		letGo()
	}()
	code := s.run("run", url, "-c", "2", "-d", "60", "-o", "json="+out)
	got := read(t, out)
	if code != codeInterrupted || got.ExitCode != code || got.Phase != "CANCELLED" {
		t.Errorf("code %d, summary %+v", code, got)
	}
	if got.Totals.Iterations["interrupted"] != 0 || got.Totals.Requests["ok"] == 0 {
		t.Errorf("totals %+v", got.Totals)
	}
	if said := s.err.String(); strings.Contains(said, "finishing 0") || strings.Count(said, "interrupted: ") != 1 ||
		!strings.Contains(said, "main started: 2 VUs for 1m\n0:00  interrupted: finishing what was started, up to 30s; again to stop now\n") || !strings.Contains(s.out.String(), "cancelled after") {
		t.Errorf("stderr:\n%s\nstdout:\n%s", &s.err, &s.out)
	}
}

func TestTwoInterruptsCut(t *testing.T) {
	url, came, _ := held(t)
	s, out := newTestWorld(), filepath.Join(t.TempDir(), "out.json")
	go func() {
		<-came
		s.signals <- syscall.SIGTERM
		s.signals <- os.Interrupt
	}()
	code := s.run("run", url, "-c", "2", "-d", "60", "-o", "json="+out)
	got := read(t, out)
	if code != codeInterrupted || got.Totals.Iterations["interrupted"] == 0 || got.Totals.Requests["cancelled"] == 0 {
		t.Errorf("code %d, summary %+v", code, got)
	}
}

// blocked is a standard output that nobody reads.
type blocked struct {
	writing chan struct{} // closed at the first write
	free    chan struct{}
	once    sync.Once
}

func (b *blocked) Write(p []byte) (int, error) {
	b.once.Do(func() { close(b.writing) })
	<-b.free
	return len(p), nil
}

func TestTheThirdInterruptExits(t *testing.T) {
	url, came, _ := held(t)
	dir := t.TempDir()
	s := newTestWorld()
	stuck := &blocked{writing: make(chan struct{}), free: make(chan struct{})}
	s.Stderr = stuck
	var exit int
	s.Exit = func(code int) {
		exit = code
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 0 {
			t.Errorf("left %v, %v", entries, err)
		}
		close(stuck.free)
	}
	go func() {
		<-came
		s.signals <- os.Interrupt
		<-stuck.writing
		s.signals <- os.Interrupt
		s.signals <- os.Interrupt
	}()
	s.run("run", url, "-c", "1", "-d", "60", "-o", "csv="+filepath.Join(dir, "out.csv"))
	if exit != codeInterrupted {
		t.Errorf("exit %d", exit)
	}
}

// A target that accepts and then says nothing would hold a preflight up.
func TestInterruptedPreflight(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := newTestWorld()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		s.signals <- os.Interrupt
		io.Copy(io.Discard, conn)
		conn.Close()
	}()
	code := s.run("run", "https://"+ln.Addr().String(), "--preflight", "-n", "1")
	if code != codeInterrupted || s.out.Len() > 0 {
		t.Errorf("code %d, stdout %q, stderr %q", code, &s.out, &s.err)
	}
}

const dividedPlan = `
name: divided
target: http://localhost
seed: 5
data:
  users: {csv: users.csv, pick: shared}
  cards: {csv: users.csv, pick: random}
workflows:
  open:
    load: {rate: 50/s, arrivals: poisson, for: 2s}
    steps:
      - get: "/{{ rand 1 1000 }}/{{ users.name }}/{{ cards.name }}"
      - pause: 1s..3s
      - post: /{{ uuid }}
        body: "{{ randstr 8 }}"
  closed:
    load: {stages: [{to: 9, over: 3s}, {hold: 2s}]}
    steps:
      - get: "/{{ vu }}/{{ iteration }}/{{ users.name }}/{{ rand 1 1000 }}"
  fixed:
    load: {iterations: 23, vus: 4}
    steps:
      - get: /{{ users.name }}/{{ randstr 4 }}
  each:
    load: {each: 3, vus: 5}
    steps:
      - get: /{{ users.name }}/{{ rand 1 9 }}
  once:
    steps:
      - get: /{{ uuid }}
`

// slots gives the lines of --print-slots.
func slots(t *testing.T, plan string, args ...string) []string {
	t.Helper()
	s := newTestWorld()
	if code := s.run(append([]string{"run", plan, "--print-slots"}, args...)...); code != 0 {
		t.Fatalf("code %d: %s", code, &s.err)
	}
	return strings.Split(strings.TrimSpace(s.out.String()), "\n")
}

// The same plan and seed as one share and as seven are the same set of due
// times, rows, draws and requests.
func TestSevenSharesAreOne(t *testing.T) {
	dir := t.TempDir()
	plan := filepath.Join(dir, "plan.yaml")
	users := "name\nann\nbob\ncleo\ndan\neve\n"
	for name, text := range map[string]string{plan: dividedPlan, filepath.Join(dir, "users.csv"): users} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	whole := slots(t, plan)
	var parts []string
	for i := range 7 {
		parts = append(parts, slots(t, plan, "--share", string(rune('0'+i))+"/7")...)
	}
	slices.Sort(whole)
	slices.Sort(parts)
	if !slices.Equal(whole, parts) {
		t.Errorf("%d lines as one share, %d as seven; first difference: %s", len(whole), len(parts), difference(whole, parts))
	}
	if len(whole) < 140 || slices.Equal(whole, slots(t, plan, "--seed", "6")) {
		t.Errorf("%d lines, first: %s", len(whole), whole[0])
	}
}

func difference(a, b []string) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + " | " + b[i]
		}
	}
	return "at the end"
}

// That an output is lost is said while the run goes on, once.
func TestALostOutputIsToldDuringTheRun(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	target := httptest.NewServer(http.NotFoundHandler())
	defer target.Close()
	s := newTestWorld()
	code := s.run("run", target.URL, "--rate", "20", "-d", "2.2", "-o", "ndjson=/dev/full")
	const warning, end = "warning: output ndjson: write /dev/full: no space left", "main ended"
	text := s.err.String()
	if at := strings.Index(text, warning); code != codeOther || at < 0 || at > strings.Index(text, end) || strings.Count(text, warning) != 1 {
		t.Errorf("code %d, stderr:\n%s", code, text)
	}
}
