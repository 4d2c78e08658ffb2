//go:build unix

package cluster_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/report"
	"hyperscale/test/cluster"
)

// long runs the scenarios with the load that the promises name, in place of one
// with which they say the same sooner, and on a busy machine.
var long = flag.Bool("long", false, "20 s of 3 000/s, and the faults at 8 s")

// scenario is a test with a datacenter of its own.
type scenario struct {
	*testing.T
	*cluster.Datacenter
	target *cluster.Target
	ctx    context.Context
}

// TestMain builds the program once.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

// What the tests share: the program that was built.
var program string

func run(m *testing.M) int {
	if testing.Short() || raceDetector {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "hyperscale-cluster-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }() // it is a temporary one
		program, err = cluster.Build(context.Background(), "../..", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// needsProcesses skips a test where no processes are started.
func needsProcesses(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("real processes take time")
	}
	if raceDetector {
		t.Skip("the processes are built without the race detector")
	}
}

// start starts a datacenter for the test alone.
func start(t *testing.T, setup cluster.Setup) *scenario {
	t.Helper()
	needsProcesses(t)
	if !*long { // where figures are read, each has the machine to itself
		t.Parallel()
	}
	setup.Dir = t.TempDir()
	if setup.Program == "" {
		setup.Program = program
	}
	host := "127.0.0.1"
	if setup.Hosts != nil {
		host = setup.Hosts[0]
	}
	target, err := cluster.NewTarget(host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	d, err := cluster.New(setup)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), bound)
	t.Cleanup(stop)
	s := &scenario{T: t, Datacenter: d, target: target, ctx: ctx}
	t.Cleanup(func() {
		d.Close()
		if t.Failed() {
			t.Log("the ends of all logs:\n" + d.Logs(40))
		}
	})
	if err := d.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

// bound is the longest that one test may take.
const bound = 3 * time.Minute

// job is a job with those who watch it, and what is to be found at its end.
type job struct {
	*cluster.Job
	s        *scenario
	began    time.Time // when its first request came
	watchers []*cluster.Watcher
}

// steady is the load that most scenarios are about.
func steady(name string, manager int) cluster.Load {
	l := cluster.Load{Name: name, Rate: 1200, For: 9 * time.Second, Manager: manager}
	if *long {
		l.Rate, l.For = 3000, 20*time.Second
	}
	return l
}

// fault is how long after the first request things go wrong.
func fault() time.Duration {
	if *long {
		return 8 * time.Second
	}
	return 4 * time.Second
}

// submit hands a load in and waits for its first request. It is watched through
// each manager by itself, and by a user.
func (s *scenario) submit(l cluster.Load) *job {
	s.Helper()
	made, err := s.Submit(s.ctx, s.target, l)
	if err != nil {
		s.Fatal(err)
	}
	j := &job{Job: made, s: s}
	for i := range s.Managers {
		j.watchers = append(j.watchers, s.Watch(s.ctx, j.ID, s.Addresses(l.Manager+i)...))
	}
	s.until("the first request of "+l.Name, 20*time.Second, func() error {
		if s.target.Count(l.Name) == 0 {
			return fmt.Errorf("the user sees:\n%s", j.Screen(5))
		}
		return nil
	})
	j.began = s.target.Hits(l.Name).Times[0].At
	return j
}

// until waits for something that must come within a time.
func (s *scenario) until(what string, within time.Duration, so func() error) {
	s.Helper()
	ctx, stop := context.WithTimeout(s.ctx, within)
	defer stop()
	if err := cluster.Until(ctx, so); err != nil {
		s.Fatalf("waiting for %s: %v", what, err)
	}
}

// at waits until so long after the job's first request.
func (j *job) at(since time.Duration) {
	select {
	case <-time.After(time.Until(j.began.Add(since))):
	case <-j.s.ctx.Done():
	}
}

// pause waits for a time of the clock that others keep.
func (s *scenario) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
	}
}

// end waits for the job's end and holds to what is promised of any job: watchers
// heard each event once, and the books are balanced.
func (j *job) end() cluster.Outcome {
	j.s.Helper()
	o, err := j.Wait(j.s.ctx)
	if err != nil {
		j.s.Fatal(err)
	}
	for _, w := range j.watchers {
		if err := w.Wait(j.s.ctx); err != nil {
			j.s.Error(err)
		}
		for _, fault := range w.Faults() {
			j.s.Error("a watcher: " + fault)
		}
		events := w.Events()
		if len(events) == 0 || events[len(events)-1].What != "job ended" {
			j.s.Errorf("a watcher was not told of the end: %v", events)
		}
	}
	i, r := o.Totals.Iterations, o.Totals.Requests
	if i.Due != i.Started+i.Missed || i.Started != i.Completed+i.Failed+i.Interrupted+i.Lost ||
		r.Started != r.OK+r.Failed+r.TimedOut+r.Cancelled+r.Lost {
		j.s.Errorf("the books are not balanced: %+v, %+v", i, r)
	}
	if hits := j.hits(); hits.Odd > 0 {
		j.s.Errorf("%d requests named no slot", hits.Odd)
	}
	j.s.Logf("%s: %s %s, %d due, %d started, %d at the target", j.Load.Name, o.Phase, o.Verdict.State, i.Due, r.Started, len(j.hits().Times))
	return o
}

func (j *job) hits() cluster.Hits { return j.s.target.Hits(j.Load.Name) }

// exact holds the outcome to what is promised when no worker died: what the
// report says is what the target saw, and nothing is lost, doubled or excused but
// by a machine that was too busy.
func (j *job) exact(o cluster.Outcome) {
	j.s.Helper()
	due := uint64(j.Load.Rate) * uint64(j.Load.For/time.Second)
	hits, busy := j.hits(), busy(o)
	if o.Phase != "COMPLETED" || o.Code != 0 && !(busy && o.Code == invalid) {
		j.s.Errorf("it ended %s with exit code %d, want COMPLETED with 0", o.Phase, o.Code)
	}
	if i := o.Totals.Iterations; i.Due != due || i.Missed != 0 && !busy || i.Lost != 0 {
		j.s.Errorf("%d due, %d missed, %d lost; want %d, 0, 0", i.Due, i.Missed, i.Lost, due)
	}
	if r := o.Totals.Requests; r.Started != uint64(len(hits.Times)) || r.OK != r.Started || r.Lost != 0 {
		j.s.Errorf("%+v; the target saw %d, all well", r, len(hits.Times))
	}
	if twice := hits.Doubled(); len(twice) > 0 {
		j.s.Errorf("%d slots came twice, such as %d", len(twice), twice[0])
	}
	if o.Unreported != 0 || len(o.Losses) != 0 {
		j.s.Errorf("losses: %+v, at most %d not counted; nothing was lost", o.Losses, o.Unreported)
	}
	for _, c := range o.Verdict.Causes {
		if !slow(c.What) && !(busy && strings.Contains(c.What, "did not start")) {
			j.s.Errorf("the verdict is %s: %s", o.Verdict.State, c.What)
		}
	}
}

// invalid is the exit code of a result that is INVALID.
const invalid = 91

// late is how a cause says that slots started late.
const late = "after they were due"

// slow reports whether a cause says no more than that this machine was busy.
func slow(cause string) bool {
	return strings.Contains(cause, late) || strings.Contains(cause, "saturated")
}

// busy reports whether this machine was so busy that the result is INVALID: slots
// may have come so late that they were not started.
func busy(o cluster.Outcome) bool {
	return o.Verdict.State == "INVALID" && slices.ContainsFunc(o.Verdict.Causes, func(c cause) bool { return strings.Contains(c.What, late) })
}

// flowed holds the load to having had no hole longer than a busy machine makes.
func (j *job) flowed() {
	j.s.Helper()
	const busy = 2 * time.Second
	if d, from := j.hits().Silence(); d > busy {
		j.s.Errorf("the target heard nothing for %v, %v after the first request", d, from.Sub(j.began))
	}
}

// changed holds watchers to having heard of one new owner, of the second epoch.
func (j *job) changed(from int) {
	j.s.Helper()
	for _, w := range j.watchers {
		h, ok := w.Find("owner changed")
		if !ok || h.Epoch != 2 || h.Node == j.s.Managers[from].Name {
			j.s.Errorf("a watcher heard of a new owner: %v, %+v; want one of epoch 2 that is not %s", ok, h.Event, j.s.Managers[from].Name)
		}
	}
}

// cause is a cause of a verdict.
type cause = report.Cause
