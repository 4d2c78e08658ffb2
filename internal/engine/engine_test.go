package engine

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/session"
	"hyperscale/internal/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target is a server that counts what it is asked.
type target struct {
	*httptest.Server
	hits atomic.Int64
}

func newTarget(t *testing.T, h http.HandlerFunc) *target {
	tg := &target{}
	tg.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tg.hits.Add(1)
		h(w, r)
	}))
	t.Cleanup(tg.Close)
	return tg
}

func answer(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }

// get is a workflow of one request.
func get(url string, load hyperscale.Load) *hyperscale.Workflow {
	return &hyperscale.Workflow{
		Name: "w", Load: load, Graceful: time.Second,
		Steps: []hyperscale.Step{{
			Name: "get", Kind: hyperscale.StepRequest, OnError: hyperscale.OnErrorContinue,
			Request: &hyperscale.Request{
				Method: "GET", URL: url,
				Transport: hyperscale.Transport{Timeout: 5 * time.Second, HTTP: 1, Connections: hyperscale.ConnPerVU, MaxBody: 1 << 20},
				Checks:    []hyperscale.Check{{Kind: hyperscale.CheckStatus, Name: "status", Statuses: []hyperscale.StatusRange{{Lo: 200, Hi: 200}}}},
			},
		}},
	}
}

// run runs workflows side by side to their ends and gives their tally and last
// reports.
func run(t *testing.T, lanes int, flows []*hyperscale.Workflow, during func(*Engine)) (*stats.Tally, map[int]Report) {
	t.Helper()
	p := &hyperscale.Plan{Name: "test", Seed: 7}
	for _, w := range flows {
		p.Workflows = append(p.Workflows, *w)
	}
	e, err := New(Config{Lanes: lanes})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	for i := range p.Workflows {
		w := &p.Workflows[i]
		program, err := session.Compile(p, i, session.Inputs{})
		if err != nil {
			t.Fatal(err)
		}
		layout := &stats.Layout{Workflow: w.Name, FaultName: func(f uint32) string { return program.FaultName(session.Fault(f)) }}
		for _, st := range program.Steps {
			layout.Steps = append(layout.Steps, stats.StepLayout{Name: st.Name, Group: st.Group, Checks: st.Checks})
		}
		if err := e.Start(Leg{
			ID: i, Workflow: w, Program: program, Layout: layout, Load: w.Load,
			Source: hyperscale.NewSource(p.Seed, w.Name), Share: hyperscale.Whole,
			Graceful: w.Graceful, Warmup: w.Warmup, MaxInFlight: w.Load.MaxInFlight,
		}); err != nil {
			t.Fatal(err)
		}
	}
	if during != nil {
		go during(e)
	}
	tally, ends := stats.NewTally(), map[int]Report{}
	for r := range e.Reports() {
		switch r.Kind {
		case WindowCut:
			if got := tally.Add(r.Window); got != stats.Merged {
				t.Errorf("window %d was not merged: %v", r.Window.ID.Seq, got)
			}
		case LegEnded:
			ends[r.Leg] = r
			if len(ends) == len(flows) {
				cancel()
			}
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, broken := range stats.Identities(tally) {
		t.Error(broken)
	}
	return tally, ends
}

// An open load accounts for each of its slots once, whatever the number of lanes
// and however busy the machine: what was due is exact, what was started was
// answered and seen by the target.
func TestOpenLoadIsExact(t *testing.T) {
	for _, lanes := range []int{1, 3} {
		t.Run(strconv.Itoa(lanes), func(t *testing.T) {
			tg := newTarget(t, answer)
			w := get(tg.URL, hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
				{From: int64(400 * hyperscale.PerSecond), To: int64(400 * hyperscale.PerSecond), Over: 1500 * time.Millisecond},
			}})
			w.Graceful = time.Minute
			tally, _ := run(t, lanes, []*hyperscale.Workflow{w}, nil)
			sel := tally.Job()
			if sel.Due != 600 || sel.Slots.Started+sel.Missed != 600 || sel.Requests.OK != sel.Slots.Started || sel.Slots.Started == 0 {
				t.Errorf("due %d, started %d, missed %d, ok %d; want 600 due", sel.Due, sel.Slots.Started, sel.Missed, sel.Requests.OK)
			}
			if got := tg.hits.Load(); got != int64(sel.Requests.Started) {
				t.Errorf("the target saw %d requests, %d were counted", got, sel.Requests.Started)
			}
		})
	}
}

// A closed load keeps its VUs for its time, and delivers the VU-time planned.
func TestClosedLoad(t *testing.T) {
	tg := newTarget(t, answer)
	w := get(tg.URL, hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{
		{From: 0, To: 8, Over: 500 * time.Millisecond}, {From: 8, To: 8, Over: 500 * time.Millisecond},
		{From: 8, To: 2, Over: 300 * time.Millisecond},
	}})
	tally, _ := run(t, 2, []*hyperscale.Workflow{w}, nil)
	sel := tally.Job()
	if got := tg.hits.Load(); got != int64(sel.Requests.Started) || got == 0 {
		t.Errorf("the target saw %d requests, %d were counted", got, sel.Requests.Started)
	}
	planned := (8*0.5/2 + 8*0.5 + 5*0.3) * float64(time.Second)
	if got := float64(sel.VUTime); got < planned*0.98 || got > planned*1.02 {
		t.Errorf("delivered %v VU-time, planned %v", sel.VUTime, time.Duration(planned))
	}
}

// Iterations are shared by the VUs and none is lost or done twice.
func TestIterations(t *testing.T) {
	for _, tc := range []struct {
		name string
		load hyperscale.Load
		want uint64
	}{
		{"shared", hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 1001, VUs: 7}, 1001},
		{"fewer VUs than lanes", hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 11, VUs: 1}, 11},
		{"fewer iterations than VUs", hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 3, VUs: 9}, 3},
		{"each", hyperscale.Load{Kind: hyperscale.LoadEach, Iterations: 20, VUs: 5}, 100},
		{"once", hyperscale.Load{Kind: hyperscale.LoadOnce}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tg := newTarget(t, answer)
			tally, ends := run(t, 3, []*hyperscale.Workflow{get(tg.URL, tc.load)}, nil)
			sel := tally.Job()
			if sel.Due != tc.want || sel.Completed != tc.want || uint64(tg.hits.Load()) != tc.want {
				t.Errorf("due %d, completed %d, hits %d; want %d", sel.Due, sel.Completed, tg.hits.Load(), tc.want)
			}
			if ends[0].Failed {
				t.Error("it failed")
			}
		})
	}
}

// What is under way at the end of grace is interrupted and counted as such.
func TestGraceCuts(t *testing.T) {
	release := make(chan struct{})
	tg := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	w := get(tg.URL, hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
		{From: int64(100 * hyperscale.PerSecond), To: int64(100 * hyperscale.PerSecond), Over: 200 * time.Millisecond},
	}})
	w.Graceful = 100 * time.Millisecond
	tally, _ := run(t, 2, []*hyperscale.Workflow{w}, nil)
	sel := tally.Job()
	if sel.Interrupted != 20 || sel.Requests.Cancelled != 20 {
		t.Errorf("%d iterations interrupted, %d requests cancelled; want 20", sel.Interrupted, sel.Requests.Cancelled)
	}
}

// Arrivals above max-in-flight are missed and counted as refused.
func TestMaxInFlight(t *testing.T) {
	tg := newTarget(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w := get(tg.URL, hyperscale.Load{Kind: hyperscale.LoadOpen, MaxInFlight: 6, Stages: []hyperscale.Stage{
		{From: int64(100 * hyperscale.PerSecond), To: int64(100 * hyperscale.PerSecond), Over: 300 * time.Millisecond},
	}})
	w.Graceful = 10 * time.Millisecond
	tally, _ := run(t, 2, []*hyperscale.Workflow{w}, nil)
	sel := tally.Job()
	if sel.Due != 30 || sel.Slots.Started != 6 || sel.Missed != 24 || sel.Refused != 24 {
		t.Errorf("due %d, started %d, missed %d, refused %d; want 30, 6, 24, 24", sel.Due, sel.Slots.Started, sel.Missed, sel.Refused)
	}
}

// A request that takes too long is timed out, with the time at which it was
// given up.
func TestTimeout(t *testing.T) {
	tg := newTarget(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w := get(tg.URL, hyperscale.Load{Kind: hyperscale.LoadOnce})
	w.Steps[0].Request.Transport.Timeout = 50 * time.Millisecond
	tally, ends := run(t, 1, []*hyperscale.Workflow{w}, nil)
	sel := tally.Job()
	if sel.TimedOut != 1 || !ends[0].Failed {
		t.Fatalf("timed out: %d, failed: %v", sel.TimedOut, ends[0].Failed)
	}
	if got := sel.Sample.Response.Min(); got < 50*time.Millisecond || got > time.Second {
		t.Errorf("given up after %v", got)
	}
	if got := sel.Errors.List(); len(got) != 1 || got[0].Text != "timeout" {
		t.Errorf("errors: %v", got)
	}
}

// A target that refuses is not asked in a tight loop by closed loads.
func TestRefusedWaits(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + ln.Addr().String()
	_ = ln.Close()
	w := get(url, hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 2, To: 2, Over: 450 * time.Millisecond}}})
	tally, _ := run(t, 1, []*hyperscale.Workflow{w}, nil)
	sel := tally.Job()
	// At 0, 100, 200, 300 and 400 ms, if the machine keeps up.
	if sel.Requests.Failed > 10 || sel.Requests.Failed == 0 {
		t.Errorf("%d requests failed; want at most 10", sel.Requests.Failed)
	}
	if got := sel.Errors.List(); len(got) != 1 || got[0].Text != "connection refused" {
		t.Errorf("errors: %v", got)
	}
}

// Stop ends the load and lets what is under way finish; due counts what was due
// before.
func TestStop(t *testing.T) {
	var first atomic.Bool
	asked := make(chan struct{})
	tg := newTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if first.CompareAndSwap(false, true) {
			close(asked)
		}
		answer(w, r)
	})
	w := get(tg.URL, hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
		{From: int64(200 * hyperscale.PerSecond), To: int64(200 * hyperscale.PerSecond), Over: time.Hour},
	}})
	w.Graceful = time.Minute
	tally, _ := run(t, 2, []*hyperscale.Workflow{w}, func(e *Engine) {
		<-asked
		if err := e.Stop(0, time.Minute); err != nil {
			t.Error(err)
		}
	})
	sel := tally.Job()
	if sel.Due == 0 || sel.Slots.Started == 0 || sel.Completed != sel.Slots.Started {
		t.Errorf("due %d, started %d, completed %d", sel.Due, sel.Slots.Started, sel.Completed)
	}
}
