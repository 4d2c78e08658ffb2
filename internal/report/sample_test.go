package report_test

import (
	"time"

	"hyperscale"
	"hyperscale/internal/stats"
)

// faults are the kinds of errors of the sample run.
var faults = map[uint32]string{1: "status 500", 2: "timeout", 3: "check browse/cart: body contains \"ok\"", 4: "no value id"}

func layout(workflow string, steps ...stats.StepLayout) *stats.Layout {
	return &stats.Layout{Workflow: workflow, Steps: steps, FaultName: func(f uint32) string { return faults[f] }}
}

// shopPlan is the plan of the sample run.
func shopPlan() *hyperscale.Plan {
	return &hyperscale.Plan{
		Name: "shop\x1b[2J",
		Tags: []hyperscale.Pair{{Name: "team", Value: "a"}, {Name: "note", Value: "x;y"}},
		Workflows: []hyperscale.Workflow{
			{Name: "login", Steps: []hyperscale.Step{{Name: "POST /token", Kind: hyperscale.StepRequest}}},
			{Name: "browse", Warmup: time.Second, Steps: []hyperscale.Step{
				{Name: "home", Kind: hyperscale.StepRequest, Request: &hyperscale.Request{
					Tags: []hyperscale.Pair{{Name: "page", Value: "home"}, {Name: "team", Value: "b"}},
				}},
				{Name: "think", Kind: hyperscale.StepPause},
				{Name: "buy", Kind: hyperscale.StepGroup, Steps: []hyperscale.Step{{Name: "POST /cart of a shop with a long path", Kind: hyperscale.StepRequest}}},
			}},
			{Name: "report", Steps: []hyperscale.Step{{Name: "GET /report", Kind: hyperscale.StepRequest}}},
		},
	}
}

// shopResult is a run of the plan: one warm-up second and two measured ones.
func shopResult() *stats.Result {
	tally := stats.NewTally()
	login := stats.NewStream("login", hyperscale.Whole)
	tally.Add(login.Last(stats.Interval{To: time.Second}, []*stats.Record{loginRecord()}, stats.Readings{Lanes: 2, Watched: time.Second}))
	browse := stats.NewStream("browse", hyperscale.Whole)
	for i, stretch := range []stats.Stretch{stats.InWarmup, stats.InLoad, stats.InLoad} {
		iv := stats.Interval{From: time.Duration(i+1) * time.Second, To: time.Duration(i+2) * time.Second, Stretch: stretch}
		cut := browse.Cut
		if i == 2 {
			cut = browse.Last
		}
		tally.Add(cut(iv, []*stats.Record{browseRecord()}, stats.Readings{Lanes: 2, Watched: time.Second}))
	}
	return &stats.Result{
		Plan:    shopPlan(),
		Phase:   hyperscale.Failed,
		Started: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC),
		Elapsed: 4 * time.Second,
		Tally:   tally,
		Workflows: []stats.WorkflowResult{
			{Name: "login", Phase: hyperscale.Completed, End: time.Second},
			{Name: "browse", Phase: hyperscale.Completed, Start: time.Second, End: 4 * time.Second, PlannedVU: 30 * time.Second},
			{Name: "report", Phase: hyperscale.Skipped, Skipped: "login failed"},
		},
		Thresholds: thresholds(),
		Verdict: stats.Verdict{State: stats.Degraded, Causes: []stats.Cause{
			{State: stats.Degraded, What: "lateness p99 of 12 ms is above 10 ms", From: time.Second, To: 3 * time.Second},
			{State: stats.Valid, What: "this machine, not the target, may set the rate"},
		}},
		Timeline:  []stats.Mark{{At: time.Second, What: "started", Detail: "browse"}},
		Generator: machine(),
	}
}

func thresholds() []stats.ThresholdResult {
	return []stats.ThresholdResult{
		{Threshold: hyperscale.Threshold{Text: "p95 < 300ms", Metric: hyperscale.MetricQuantile, Quantile: 95}, Value: 212e6, Sampled: true, Passed: true},
		{Threshold: hyperscale.Threshold{Text: "errors < 0.1%", Metric: hyperscale.MetricErrors}, Value: 0.012, Sampled: true},
		{Threshold: hyperscale.Threshold{Text: "report: rate > 5", Workflow: "report", Metric: hyperscale.MetricRate}},
	}
}

func machine() stats.Generator {
	return stats.Generator{
		Readings: stats.Readings{
			Lanes: 2, Watched: 4 * time.Second, Saturated: time.Second, CPU: 2500 * time.Millisecond,
			GCPause: 300 * time.Microsecond, GCs: 3, RunDelay: 40 * time.Millisecond, RSS: 45_000_000,
			Descriptors: 64, DescriptorCap: 4096,
		},
		Version: "1.0.0", OS: "linux", Arch: "amd64",
	}
}

func loginRecord() *stats.Record {
	r := stats.NewRecord(layout("login", stats.StepLayout{Name: "POST /token"}))
	r.Slots = stats.Slots{Due: 1, Started: 1, Completed: 1, VUTime: time.Second}
	r.Lateness.Record(50 * time.Microsecond)
	s := &r.Steps[0]
	s.Requests = stats.Requests{Started: 1, OK: 1, BytesIn: 200, BytesOut: 150}
	s.Status(200)
	s.Answered(true, 3*time.Millisecond, 2*time.Millisecond)
	return r
}

// browseRecord is one second of browsing: ten iterations of two requests.
func browseRecord() *stats.Record {
	r := stats.NewRecord(layout("browse", stats.StepLayout{Name: "home", Checks: []string{"home: status"}},
		stats.StepLayout{Name: "think"}, stats.StepLayout{Name: "buy", Group: true},
		stats.StepLayout{Name: "POST /cart of a shop with a long path", Checks: []string{"cart: body contains \"ok\""}}))
	r.Slots = stats.Slots{Due: 10, Started: 10, Completed: 8, Failed: 2, VUTime: 10 * time.Second}
	for i := range 10 {
		r.Lateness.Record(time.Duration(i) * 100 * time.Microsecond)
		r.FirstByte.Record(time.Duration(i+1) * time.Millisecond)
		r.Transfer.Record(80 * time.Microsecond)
		home(&r.Steps[0], i)
		cart(&r.Steps[3], i)
		r.Steps[2].Started++
		r.Steps[2].OK++
		r.Steps[2].Answered(true, 30*time.Millisecond, 30*time.Millisecond)
	}
	return r
}

func home(s *stats.StepRecord, i int) {
	s.Started++
	s.OK++
	s.BytesIn += 5000
	s.BytesOut += 120
	s.Status(200)
	s.Check(0, true)
	s.Answered(true, time.Duration(i+1)*time.Millisecond, time.Duration(i+1)*time.Millisecond)
}

func cart(s *stats.StepRecord, i int) {
	s.Started++
	s.BytesOut += 300
	switch i {
	case 0:
		s.TimedOut++
		s.Fault(2, "")
		s.Answered(false, 10*time.Second, 10*time.Second)
		return
	case 1:
		s.Failed++
		s.Status(500)
		s.Fault(1, "out of\nstock")
		s.Check(0, false)
	default:
		s.OK++
		s.Status(201)
		s.Check(0, true)
	}
	s.BytesIn += 400
	s.Answered(i > 1, time.Duration(20+i)*time.Millisecond, 15*time.Millisecond)
}
