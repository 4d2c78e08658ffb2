package process_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/process"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
)

// asEngine makes the test binary an engine, or something that is none.
const asEngine = "TEST_ENGINE"

func TestMain(m *testing.M) {
	switch os.Getenv(asEngine) {
	case "engine":
		signal.Ignore(os.Interrupt, syscall.SIGTERM)
		if err := process.Main(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "panic":
		fmt.Fprintln(os.Stderr, "first I say this")
		panic("then that")
	case "babble":
		fmt.Println("this is no message")
		os.Exit(0)
	case "deaf":
		select {}
	}
	goleak.VerifyTestMain(m)
}

func config(what string) process.Config {
	// The race detector would make every process end a second late.
	return process.Config{Args: []string{}, Env: append(os.Environ(), asEngine+"="+what, "GORACE=atexit_sleep_ms=0")}
}

// target counts what it is asked, by path.
type target struct {
	*httptest.Server
	mu   sync.Mutex
	hits map[string]int
	all  atomic.Int64
}

func newTarget(t *testing.T) *target {
	tg := &target{hits: map[string]int{}}
	tg.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tg.all.Add(1)
		tg.mu.Lock()
		defer tg.mu.Unlock()
		tg.hits[r.URL.Path]++
	}))
	t.Cleanup(tg.Close)
	return tg
}

// brief makes a brief of a workflow that asks for /SLOT-PASS, and then pauses.
func brief(t *testing.T, url string, run spec.Run) []byte {
	t.Helper()
	path := "/{{ iteration }}"
	if k := run.Load.Kind; k == hyperscale.LoadClosed || k == hyperscale.LoadEach {
		path = "/{{ vu }}-{{ iteration }}"
	}
	p := &hyperscale.Plan{
		Name: "test", Target: url, Seed: 7, Deadline: time.Minute,
		Workflows: []hyperscale.Workflow{{
			Name: "w", Load: run.Load, Graceful: 5 * time.Second,
			Steps: []hyperscale.Step{{
				Name: "get", OnError: hyperscale.OnErrorContinue,
				Request: &hyperscale.Request{
					Method: "GET", URL: path,
					Transport: hyperscale.Transport{Timeout: 5 * time.Second, HTTP: 1, Connections: hyperscale.ConnPerVU, MaxBody: 1 << 20},
				},
			}, {
				Name: "pause", Kind: hyperscale.StepPause, OnError: hyperscale.OnErrorContinue, Needs: []int{0},
				Pause: hyperscale.Pause{Min: 5 * time.Millisecond},
			}},
		}},
	}
	flow, err := spec.Cut(p, "w", nil)
	if err != nil {
		t.Fatal(err)
	}
	if run.Share.Of == 0 {
		run.Share = hyperscale.Whole
	}
	run.Lanes, run.Graceful, run.Version = 1, 5*time.Second, "test"
	b, err := flow.Brief(run)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// engine is a process with what it told.
type engine struct {
	*process.Process
	told  chan process.Message
	done  chan error
	tally *stats.Tally
	kill  context.CancelFunc
}

func begin(t *testing.T, cfg process.Config, setup process.Setup, brief []byte) *engine {
	t.Helper()
	e := &engine{told: make(chan process.Message, 1000), done: make(chan error, 1), tally: stats.NewTally()}
	e.Process = process.New(cfg, setup, brief, func(m process.Message) { e.told <- m })
	ctx, cancel := context.WithCancel(t.Context())
	e.kill = cancel
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.done <- e.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return e
}

// next is the next message of a kind; windows on the way are added up, reserves
// granted.
func next[T process.Message](t *testing.T, e *engine) T {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case m := <-e.told:
			switch m := m.(type) {
			case T:
				return m
			case process.Window:
				if got := e.tally.Add(m.Window); got != stats.Merged {
					t.Errorf("window %d was not merged: %v", m.ID.Seq, got)
				}
			case process.Beat:
				e.Grant(m.Reserve)
			case process.Refused:
				t.Fatalf("refused: %s", m.Reason)
			}
		case err := <-e.done:
			e.done <- err
			if len(e.told) == 0 {
				t.Fatalf("it is gone: %v", err)
			}
		case <-limit:
			t.Fatal("it tells nothing")
		}
	}
}

// rate is an open load of so many arrivals a second.
func rate(n int64, over time.Duration) hyperscale.Load {
	level := n * int64(hyperscale.PerSecond)
	return hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{{From: level, To: level, Over: over}}}
}

// A share runs from its brief to its end: what the windows say is what the
// target saw, and they end at whole seconds of job time.
func TestRuns(t *testing.T) {
	tg := newTarget(t)
	e := begin(t, config("engine"), process.Setup{Node: "w1"}, brief(t, tg.URL, spec.Run{Load: rate(200, 1500*time.Millisecond)}))
	next[process.Prepared](t, e)
	e.Start(process.Start{Number: 1, At: 7400 * time.Millisecond, Begin: 7500 * time.Millisecond, In: 100 * time.Millisecond})
	first := next[process.Window](t, e)
	if first.From != 7500*time.Millisecond || first.To != 8*time.Second {
		t.Errorf("the first window is of %v … %v", first.From, first.To)
	}
	e.tally.Add(first.Window)
	e.Beat(0)
	if beat := next[process.Beat](t, e); beat.JobTime < 8*time.Second || beat.Reserve != (link.Reserve{}) {
		t.Errorf("beat %+v", beat)
	}
	end := next[process.Ended](t, e)
	if err := <-e.done; err != nil {
		t.Fatal(err)
	}
	sel := e.tally.Job()
	if sel.Due != 300 || sel.Slots.Started != uint64(tg.all.Load()) || sel.Completed == 0 || end.Stopped != 9*time.Second {
		t.Errorf("due %d, started %d, hits %d, completed %d, stopped at %v", sel.Due, sel.Slots.Started, tg.all.Load(), sel.Completed, end.Stopped)
	}
	for _, broken := range stats.Identities(e.tally) {
		t.Error(broken)
	}
}

// Stop, cut and the loss of the agent end a load.
func TestStops(t *testing.T) {
	tg := newTarget(t)
	for name, stop := range map[string]func(*engine){
		"stop": func(e *engine) { e.Stop(time.Minute) },
		"cut":  func(e *engine) { e.Cut() },
	} {
		e := begin(t, config("engine"), process.Setup{}, brief(t, tg.URL, spec.Run{Load: rate(100, time.Hour)}))
		next[process.Prepared](t, e)
		e.Start(process.Start{Number: 1})
		stop(e)
		next[process.Ended](t, e)
		if err := <-e.done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := begin(t, config("engine"), process.Setup{}, brief(t, tg.URL, spec.Run{Load: rate(100, time.Hour)}))
	next[process.Prepared](t, e)
	e.Stop(0)
	next[process.Ended](t, e)
}

// An engine whose agent is gone goes at once, whatever it does, and does not
// need to be killed.
func TestGoesWithItsAgent(t *testing.T) {
	tg := newTarget(t)
	for _, started := range []bool{false, true} {
		e := begin(t, config("engine"), process.Setup{}, brief(t, tg.URL, spec.Run{Load: rate(100, time.Hour)}))
		next[process.Prepared](t, e)
		if started {
			e.Start(process.Start{Number: 1})
			next[process.Window](t, e)
		}
		before := time.Now()
		e.kill()
		var died *process.Died
		if err := <-e.done; !errors.As(err, &died) || died.State != "exit status 0" {
			t.Errorf("started %v: %v", started, err)
		}
		t.Logf("gone after %v", time.Since(before))
	}
}

// Once its lease is over an engine cuts its load by itself, and says so.
func TestLease(t *testing.T) {
	tg := newTarget(t)
	e := begin(t, config("engine"), process.Setup{}, brief(t, tg.URL, spec.Run{Load: rate(100, time.Hour)}))
	next[process.Prepared](t, e)
	e.Start(process.Start{Number: 1, Until: time.Hour})
	e.Beat(400 * time.Millisecond)
	ended := next[process.Ended](t, e)
	if !ended.Alone || ended.Stopped < 400*time.Millisecond || ended.Stopped > 5*time.Second {
		t.Errorf("%+v; want that it ended alone after 400ms", ended)
	}
}

// Without a word for the time of autonomy an engine stops by itself.
func TestAutonomy(t *testing.T) {
	tg := newTarget(t)
	e := begin(t, config("engine"), process.Setup{Autonomy: 300 * time.Millisecond}, brief(t, tg.URL, spec.Run{Load: rate(100, time.Hour)}))
	next[process.Prepared](t, e)
	e.Start(process.Start{Number: 1})
	if end := next[process.Ended](t, e); end.Stopped < 300*time.Millisecond {
		t.Errorf("stopped at %v", end.Stopped)
	}
}

// How an engine died is told, with its last words.
func TestDeaths(t *testing.T) {
	for what, want := range map[string][]string{
		"panic":  {"exit status 2", "panic: then that"},
		"babble": {"a message of"},
		"deaf":   {"signal: killed"},
	} {
		t.Run(what, func(t *testing.T) {
			e := begin(t, config(what), process.Setup{}, nil)
			if what == "deaf" {
				e.kill()
			}
			err := <-e.done
			var died *process.Died
			if !errors.As(err, &died) {
				t.Fatalf("%v", err)
			}
			for _, w := range want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
	missing := process.New(process.Config{Executable: "/nowhere/at/all"}, process.Setup{}, nil, nil)
	if err := missing.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "start an engine") {
		t.Errorf("%v", err)
	}
}

// What can't be run is refused with the reason.
func TestRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"its format is 7":       {7},
		"target is demo":        brief(t, spec.DemoTarget, spec.Run{Load: rate(1, time.Second)}),
		"needs 5000000 descrip": brief(t, "http://127.0.0.1:1", spec.Run{Load: hyperscale.Load{Kind: hyperscale.LoadIterations, VUs: 5_000_000, Iterations: 5_000_000}}),
	} {
		e := begin(t, config("engine"), process.Setup{}, b)
		select {
		case m := <-e.told:
			if r, ok := m.(process.Refused); !ok || !strings.Contains(r.Reason, name) {
				t.Errorf("%s: %+v", name, m)
			}
		case err := <-e.done:
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Targets that the node does not allow are refused before the start; the node's
// own demo target is allowed.
func TestRefusesTargets(t *testing.T) {
	for url, want := range map[string]string{
		"http://192.0.2.7":              "192.0.2.7 is no target that this node allows",
		"http://169.254.169.254/latest": "169.254.169.254 is no target that this node allows",
	} {
		e := begin(t, config("engine"), process.Setup{Targets: []string{"10.0.0.0/8"}}, brief(t, url, spec.Run{Load: rate(1, time.Second)}))
		if m, ok := (<-e.told).(process.Refused); !ok || m.Reason != want {
			t.Errorf("%s: %+v", url, m)
		}
	}
	tg := newTarget(t)
	e := begin(t, config("engine"), process.Setup{Demo: tg.URL, Targets: []string{"10.0.0.0/8"}}, brief(t, spec.DemoTarget, spec.Run{}))
	next[process.Prepared](t, e)
	e.Start(process.Start{Number: 1})
	if end := next[process.Ended](t, e); end.Failed || tg.all.Load() != 1 {
		t.Errorf("%+v, %d requests", end, tg.all.Load())
	}
}

// A plan whose target is the demo gets the node's.
func TestDemo(t *testing.T) {
	tg := newTarget(t)
	e := begin(t, config("engine"), process.Setup{Demo: tg.URL}, brief(t, spec.DemoTarget, spec.Run{}))
	next[process.Prepared](t, e)
	e.Start(process.Start{Number: 1})
	if end := next[process.Ended](t, e); end.Failed || tg.all.Load() != 1 {
		t.Errorf("%+v, %d requests", end, tg.all.Load())
	}
}

// An engine that was started ahead runs like any other; one that nobody took
// goes with its starter.
func TestStarter(t *testing.T) {
	tg := newTarget(t)
	s := process.NewStarter(config("engine"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for range 3 {
		told := make(chan process.Message, 100)
		p := s.New(process.Setup{}, brief(t, tg.URL, spec.Run{}), func(m process.Message) { told <- m })
		p.Start(process.Start{Number: 1})
		if err := p.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, ok := (<-told).(process.Prepared); !ok {
			t.Error("it was not prepared")
		}
	}
	cancel()
	if err := <-done; err != nil || tg.all.Load() != 3 {
		t.Errorf("%v, %d requests", err, tg.all.Load())
	}
}

// BenchmarkStart is the time from the wish for an engine until it is ready.
func BenchmarkStart(b *testing.B) {
	flow, err := spec.Cut(&hyperscale.Plan{
		Target: "http://127.0.0.1:1", Workflows: []hyperscale.Workflow{{Name: "w", Steps: []hyperscale.Step{{
			Name: "get", OnError: hyperscale.OnErrorContinue, Request: &hyperscale.Request{Method: "GET", URL: "/", Transport: hyperscale.Transport{
				Timeout: time.Second, HTTP: 1, Connections: hyperscale.ConnPerVU,
			}},
		}}}},
	}, "w", nil)
	if err != nil {
		b.Fatal(err)
	}
	brief, err := flow.Brief(spec.Run{Share: hyperscale.Whole, Lanes: 1})
	if err != nil {
		b.Fatal(err)
	}
	cfg := config("engine")
	if binary := os.Getenv("HYPERSCALE_BINARY"); binary != "" {
		cfg = process.Config{Executable: binary}
	}
	measure := func(b *testing.B, launch func(hear func(process.Message)) *process.Process) {
		for b.Loop() {
			ready := make(chan process.Message, 1)
			p := launch(func(m process.Message) { ready <- m })
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			go func() { done <- p.Run(ctx) }()
			if m, ok := (<-ready).(process.Prepared); !ok {
				b.Fatal(m)
			}
			b.StopTimer()
			cancel()
			<-done
			b.StartTimer()
		}
	}
	b.Run("Cold", func(b *testing.B) {
		measure(b, func(hear func(process.Message)) *process.Process {
			return process.New(cfg, process.Setup{}, brief, hear)
		})
	})
	b.Run("Spare", func(b *testing.B) {
		s := process.NewStarter(cfg)
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		measure(b, func(hear func(process.Message)) *process.Process {
			b.StopTimer()
			<-time.After(800 * time.Millisecond)
			b.StartTimer()
			return s.New(process.Setup{}, brief, hear)
		})
		cancel()
		<-done
	})
}
