package local

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target counts what it is asked, and by whom.
type target struct {
	*httptest.Server
	hits, strangers atomic.Int64
}

// newTarget gives out a token and wants it back.
func newTarget(t *testing.T) *target {
	tg := &target{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"access_token":"secret"}`))
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			tg.strangers.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("GET /fail", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	tg.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tg.hits.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(tg.Close)
	return tg
}

// ask is a step of one request.
func ask(method, url string) hyperscale.Step {
	return hyperscale.Step{
		Name: strings.ToUpper(method) + " " + url, Kind: hyperscale.StepRequest, OnError: hyperscale.OnErrorContinue,
		Request: &hyperscale.Request{Method: method, URL: url, Transport: hyperscale.Transport{
			Timeout: 5 * time.Second, HTTP: 1, Connections: hyperscale.ConnPerVU, MaxBody: 1 << 20,
		}},
	}
}

// steady is an open load of so many arrivals a second.
func steady(rate int64, d time.Duration) hyperscale.Load {
	level := rate * int64(hyperscale.PerSecond)
	return hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{{From: level, To: level, Over: d}}}
}

// login gets a token and exports it.
func login() hyperscale.Workflow {
	st := ask("POST", "/token")
	st.OnError = hyperscale.OnErrorStop
	st.Request.Captures = []hyperscale.Capture{{Name: "token", Kind: hyperscale.CaptureJSON, Arg: "$.access_token"}}
	return hyperscale.Workflow{Name: "login", Export: []string{"token"}, Graceful: time.Second, Steps: []hyperscale.Step{st}}
}

// browse uses the token.
func browse(load hyperscale.Load) hyperscale.Workflow {
	st := ask("GET", "/")
	st.Request.BearerAuth = "{{ token }}"
	return hyperscale.Workflow{
		Name: "browse", After: []hyperscale.Dependency{{Workflow: "login"}},
		Use:  []hyperscale.Use{{Local: "token", Workflow: "login", Name: "token"}},
		Load: load, Graceful: time.Second, Steps: []hyperscale.Step{st},
	}
}

// run runs a plan against the target.
func run(t *testing.T, tg *target, cfg Config, thresholds []hyperscale.Threshold, flows ...hyperscale.Workflow) *stats.Result {
	t.Helper()
	cfg.Plan = &hyperscale.Plan{
		Name: "test", Target: tg.URL, Seed: 7, Deadline: time.Minute, Workflows: flows, Thresholds: thresholds,
	}
	cfg.Lanes, cfg.Version = 2, "test"
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range stats.Identities(r.Tally) {
		t.Error(broken)
	}
	// What was cut may not have reached the target.
	got, hits := r.Tally.Job().Requests, uint64(tg.hits.Load())
	if hits > got.Started || hits < got.Started-got.Cancelled {
		t.Errorf("the target saw %d requests, %d were counted and %d cut", hits, got.Started, got.Cancelled)
	}
	return r
}

// What one workflow exports the next one uses.
func TestExports(t *testing.T) {
	tg := newTarget(t)
	r := run(t, tg, Config{}, nil, login(), browse(steady(100, 300*time.Millisecond)))
	if r.Phase != hyperscale.Completed || tg.strangers.Load() > 0 {
		t.Errorf("%s, %d requests without the token", r.Phase, tg.strangers.Load())
	}
	if got := r.Tally.Workflow("browse").Requests.OK; got != 30 {
		t.Errorf("%d requests were ok, want 30", got)
	}
	if r.Verdict.State != stats.Valid {
		t.Logf("verdict %v: %v", r.Verdict.State, r.Verdict.Causes)
	}
}

// A workflow whose dependency failed is skipped, and the job has failed.
func TestDependentIsSkipped(t *testing.T) {
	tg := newTarget(t)
	first := login()
	first.Steps[0].Request.URL, first.Steps[0].Request.Method = "/fail", "GET"
	r := run(t, tg, Config{}, nil, first, browse(steady(100, time.Second)))
	if r.Phase != hyperscale.Failed {
		t.Errorf("phase %s", r.Phase)
	}
	if w := r.Workflows[1]; w.Phase != hyperscale.Skipped || w.Skipped == "" {
		t.Errorf("browse: %s, %q", w.Phase, w.Skipped)
	}
}

// The deadline ends the run when it has come, not with the next thing to happen.
func TestDeadline(t *testing.T) {
	tg := newTarget(t)
	flow := browse(steady(100, 20*time.Second))
	flow.After, flow.Use = nil, nil
	flow.Steps[0].Request.BearerAuth = ""
	r, err := Run(t.Context(), Config{Lanes: 2, Plan: &hyperscale.Plan{
		Target: tg.URL, Deadline: 300 * time.Millisecond, Workflows: []hyperscale.Workflow{flow},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Phase != hyperscale.TimedOut || !r.Stop.Deadline || r.Elapsed > 10*time.Second {
		t.Errorf("%s after %v, %+v", r.Phase, r.Elapsed, r.Stop)
	}
}

// An interrupt stops the load; what was under way finishes.
func TestInterrupt(t *testing.T) {
	tg := newTarget(t)
	stop := make(chan struct{}, 2)
	cfg := Config{Interrupts: stop, Windows: func(w *stats.Window) {
		if w.ID.Workflow == "browse" && w.ID.Seq == 1 {
			stop <- struct{}{}
		}
	}}
	r := run(t, tg, cfg, nil, login(), browse(steady(100, time.Hour)))
	if !r.Stop.Interrupted || r.Phase != hyperscale.Cancelled {
		t.Errorf("phase %s, interrupted: %v", r.Phase, r.Stop.Interrupted)
	}
	sel := r.Tally.Workflow("browse")
	if sel.Due == 0 || sel.Completed != sel.Slots.Started || sel.Interrupted != 0 {
		t.Errorf("due %d, missed %d, interrupted %d", sel.Due, sel.Missed, sel.Interrupted)
	}
}

// A threshold with abort ends the job.
func TestThresholdAborts(t *testing.T) {
	tg := newTarget(t)
	th := hyperscale.Threshold{Text: "errors < 1% over 1s abort", Metric: hyperscale.MetricErrors, Op: "<", Value: 0.01, Over: time.Second, Abort: true}
	w := hyperscale.Workflow{Name: "w", Load: steady(50, time.Hour), Graceful: time.Second, Steps: []hyperscale.Step{ask("GET", "/fail")}}
	r := run(t, tg, Config{}, []hyperscale.Threshold{th}, w)
	if r.Phase != hyperscale.Failed || r.Stop.Aborted == "" || r.Thresholds[0].Passed {
		t.Errorf("phase %s, aborted %q, threshold %+v", r.Phase, r.Stop.Aborted, r.Thresholds[0])
	}
}

// on-error: abort ends the job.
func TestStepAborts(t *testing.T) {
	tg := newTarget(t)
	w := hyperscale.Workflow{Name: "w", Load: steady(50, time.Hour), Graceful: time.Second, Steps: []hyperscale.Step{ask("GET", "/fail")}}
	w.Steps[0].OnError = hyperscale.OnErrorAbort
	r := run(t, tg, Config{}, nil, w)
	if r.Phase != hyperscale.Failed || !r.Stop.OnError || !strings.Contains(r.Stop.Aborted, "GET /fail") {
		t.Errorf("phase %s, stop %+v", r.Phase, r.Stop)
	}
}

// VUs that end as the plan wished are not missing: stop-vu is no failure of the
// generator.
func TestStopVUIsNoShortage(t *testing.T) {
	tg := newTarget(t)
	w := hyperscale.Workflow{Name: "w", Graceful: time.Second, Steps: []hyperscale.Step{ask("GET", "/fail")}, Load: hyperscale.Load{
		Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 5, To: 5, Over: 500 * time.Millisecond}, {From: 5, To: 0, Over: 200 * time.Millisecond}},
	}}
	w.Steps[0].OnError = hyperscale.OnErrorStopVU
	r := run(t, tg, Config{}, nil, w)
	if got := r.Tally.Job().Requests.Started; got != 5 {
		t.Errorf("%d requests were started, want 5", got)
	}
	for _, c := range r.Verdict.Causes {
		if strings.Contains(c.What, "VU-seconds") {
			t.Errorf("verdict %v: %s", r.Verdict.State, c.What)
		}
	}
	if got := r.Tally.Job().VUTime; got > 100*time.Millisecond {
		t.Errorf("VU-time delivered: %v", got)
	}
}

// A search ends with the highest rate that met its condition.
func TestSearch(t *testing.T) {
	tg := newTarget(t)
	w := hyperscale.Workflow{Name: "w", Graceful: time.Second, Steps: []hyperscale.Step{ask("GET", "/fail")}, Load: hyperscale.Load{
		Kind: hyperscale.LoadSearch,
		Search: &hyperscale.Search{
			While: []hyperscale.Threshold{{Text: "rate < 300", Metric: hyperscale.MetricRate, Op: "<", Value: 300}},
			From:  100 * hyperscale.PerSecond, To: 1000 * hyperscale.PerSecond, Hold: 300 * time.Millisecond, Within: 0.5,
		},
	}}
	r := run(t, tg, Config{}, nil, w)
	s := r.Workflows[0].Search
	if s == nil || len(s.Probes) == 0 {
		t.Fatalf("search: %+v", s)
	}
	last := s.Probes[len(s.Probes)-1]
	switch s.LimitedBy {
	case "condition": // the rate of a busy machine may stay below what was asked of it
		if s.Rate < 200 || len(s.Probes) < 3 {
			t.Errorf("search: %+v", s)
		}
	case "this machine": // a busy one: then the search ends there and says so
		if last.Met || !strings.Contains(last.Cause, "generator") {
			t.Errorf("last probe: %+v", last)
		}
	default:
		t.Errorf("limited by %q", s.LimitedBy)
	}
}

// A context that ends cuts the run off, and nothing is left behind.
func TestContextEnds(t *testing.T) {
	tg := newTarget(t)
	ctx, cancel := context.WithCancel(t.Context())
	cfg := Config{
		Lanes: 1,
		Plan: &hyperscale.Plan{Target: tg.URL, Deadline: time.Minute, Workflows: []hyperscale.Workflow{
			{Name: "w", Load: steady(50, time.Hour), Graceful: time.Second, Steps: []hyperscale.Step{ask("GET", "/")}},
		}},
		Windows: func(*stats.Window) { cancel() },
	}
	if r, err := Run(ctx, cfg); err == nil {
		t.Errorf("it ended well: %+v", r)
	}
}
