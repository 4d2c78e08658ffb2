package test_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hyperscale/internal/cli"
	"hyperscale/internal/demo"
	"hyperscale/internal/testkit/ports"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "engine" { // a worker starts its own binary by another name
		os.Exit(cli.Main(context.Background(), cli.OS(), os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){
		"hyperscale": func() { os.Exit(cli.Main(context.Background(), cli.OS(), os.Args[1:])) },
	})
}

// TestScripts runs every script below testdata/script: each is the session of a
// user with the real command. $DEMO is the URL of a demo target of the script's
// own, $REFUSED one where nothing listens, $ROOT the tree. Besides testscript's
// own commands there are:
//
//	code N,… COMMAND…    the command exits with the code N, or with another of the list
//	json FILE PATH=V…    the value at a.b.0 of the JSON file is V
//	hits FILE            the target counted as many requests as the summary says
//	await N              waits until the target was asked N times
//	take NAME            $NAME is from now on what the last command printed
//	become JOB PHASE     waits until a job of the cluster at $CLUSTER is in a phase
//
// A run that is judged ends with 91, INVALID, where the machine is too busy, and is
// asked for 0,91; one with --once is not judged, and ends with 0. What a verdict is made
// of the tests of stats show.
//
// $CLUSTER is an address for a small cluster of the script's own, with ports that
// nobody uses, at $GOSSIP and $STORE those of its first node, at $SECOND its second one; $NOBODY is an address
// where no cluster is.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               prepare,
		Condition: func(what string) (bool, error) {
			if what != "race" {
				return false, fmt.Errorf("no condition is called %q", what)
			}
			return racing, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": exitsWith, "json": jsonHas, "hits": hitsAre, "await": await, "take": take, "become": become,
		},
	})
}

// counted is a demo target that can be waited for.
type counted struct {
	target *demo.Target
	mu     sync.Mutex
	asked  int64
	more   chan struct{} // closed and made anew at each request
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked++
	close(c.more)
	c.more = make(chan struct{})
	c.mu.Unlock()
	c.target.ServeHTTP(w, r)
}

// now is how often the target was asked, and a channel that is closed when it
// is asked again.
func (c *counted) now() (int64, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked, c.more
}

// targetKey is where a script keeps its target.
type targetKey struct{}

func prepare(env *testscript.Env) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	target := &counted{target: demo.New(), more: make(chan struct{})}
	server := &http.Server{Handler: target}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	env.Defer(func() {
		server.Close()
		<-served
	})
	env.Values[targetKey{}] = target
	env.Setenv("DEMO", "http://"+ln.Addr().String())
	const forCluster = 24 // three nodes with ten each, of the last of which four are used
	taken, err := ports.Take(forCluster + 1)
	if err != nil {
		return err
	}
	env.Defer(taken.GiveUp)
	env.Setenv("REFUSED", "http://"+taken.At(forCluster))
	env.Setenv("NOBODY", taken.At(forCluster))
	env.Setenv("CLUSTER", taken.At(0))
	env.Setenv("GOSSIP", taken.At(2))
	env.Setenv("STORE", taken.At(3))
	env.Setenv("SECOND", taken.At(10))
	env.Setenv("ROOT", strings.TrimSuffix(root, "/test"))
	// Else each command waits for a second before it exits; it has nothing running then.
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	return nil
}

func take(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: take NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func become(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: become JOB PHASE")
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 300 {
		ts.Check(ts.Exec("hyperscale", "status", args[0], "--json", "--server", ts.Getenv("CLUSTER")))
		var status struct{ Phase string }
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &status))
		if status.Phase == args[1] {
			return
		}
		<-tick.C
	}
	ts.Fatalf("job %s does not become %s", args[0], args[1])
}

func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N,… COMMAND…")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if !slices.Contains(strings.Split(args[0], ","), strconv.Itoa(got)) {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

func jsonHas(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: json FILE PATH=VALUE…")
	}
	document := readJSON(ts, args[0])
	for _, arg := range args[1:] {
		path, want, _ := strings.Cut(arg, "=")
		got, err := valueAt(document, strings.Split(path, "."))
		ts.Check(err)
		if (got == want) == neg {
			ts.Fatalf("%s is %s; wanted it %s to be %s", path, got, map[bool]string{true: "not", false: ""}[neg], want)
		}
	}
}

func readJSON(ts *testscript.TestScript, name string) any {
	var document any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(name)))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		ts.Fatalf("%s: %v", name, err)
	}
	return document
}

// valueAt follows names and indexes; what it gives is JSON, or the text of a
// string. len is the length of a list or mapping.
func valueAt(v any, path []string) (string, error) {
	for i, name := range path {
		switch in := v.(type) {
		case map[string]any:
			// A name may hold dots: the longest that fits is it.
			for end := len(path); end > i; end-- {
				if whole := strings.Join(path[i:end], "."); end > i+1 && has(in, whole) {
					return valueAt(in[whole], path[end:])
				}
			}
			if name == "len" {
				return strconv.Itoa(len(in)), nil
			}
			if !has(in, name) {
				return "", fmt.Errorf("there is no %s", strings.Join(path[:i+1], "."))
			}
			v = in[name]
		case []any:
			n, err := strconv.Atoi(name)
			if name == "len" {
				return strconv.Itoa(len(in)), nil
			}
			if err != nil || n < 0 || n >= len(in) {
				return "", fmt.Errorf("there is no %s", strings.Join(path[:i+1], "."))
			}
			v = in[n]
		default:
			return "", fmt.Errorf("%s is %v", strings.Join(path[:i], "."), v)
		}
	}
	if text, ok := v.(string); ok {
		return text, nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

func has(m map[string]any, name string) bool {
	_, ok := m[name]
	return ok
}

func hitsAre(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hits FILE")
	}
	said, err := valueAt(readJSON(ts, args[0]), []string{"totals", "requests", "started"})
	ts.Check(err)
	if saw, _ := ts.Value(targetKey{}).(*counted).now(); said != strconv.FormatInt(saw, 10) {
		ts.Fatalf("the summary says %s requests, the target saw %d", said, saw)
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await N")
	}
	want, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	target := ts.Value(targetKey{}).(*counted)
	for asked, more := target.now(); asked < want; asked, more = target.now() {
		select {
		case <-more:
		case <-time.After(time.Minute):
			ts.Fatalf("the target was asked %d times in a minute", asked)
		}
	}
}

// Every line of a shell transcript in the README names a command and flags that
// exist.
func TestTheReadmeNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		rest, is := strings.CutPrefix(line, "hyperscale ")
		if !is {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		var out, errs bytes.Buffer
		if code := cli.Main(context.Background(), cli.World{Stdout: &out, Stderr: &errs}, []string{name, "--help"}); code != 0 {
			t.Errorf("the README calls %q: %s", strings.TrimSpace(line), &errs)
		}
	}
}

// The plan in the README is a plan that runs.
func TestTheReadmePlanRuns(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	plan, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the README has no plan")
	}
	var out, errs bytes.Buffer
	world := cli.World{Stdin: strings.NewReader(plan), Stdout: &out, Stderr: &errs}
	if code := cli.Main(context.Background(), world, []string{"run", "-", "--once"}); code != 0 {
		t.Errorf("code %d:\n%s%s", code, &out, &errs)
	}
}
