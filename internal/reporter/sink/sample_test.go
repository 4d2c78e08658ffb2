package sink

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/report"
	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Names as bad as plans can have them.
const (
	badWorkflow = "shop, =\"x\"\n|#a:b\\"
	badStep     = "GET /é\t{a=\"b\"},c d\\"
	badError    = "boom \"quoted\", line\nbreak=\\"
)

// begun is job time 0 of the sample job: close to now, as systems refuse what is old.
func begun() time.Time { return time.Now().Add(-30 * time.Second).Truncate(time.Second) }

func sampleJob() *reporter.Job {
	return &reporter.Job{
		ID: "20261128-093000-abcdef", Name: "x", Node: "m1", Version: "1.2.3", Begun: begun(),
		Plan: &hyperscale.Plan{Name: "shop \"plan\"", Tags: []hyperscale.Pair{
			{Name: "team", Value: "a,b c=d"}, {Name: "step", Value: "of the plan"}, {Name: "9 lives", Value: "é\n"},
		}},
	}
}

// sampleWindows are n seconds of a workflow: in each ten requests, one of which
// failed, that took 1 … 10 ms, and one pass of a group.
func sampleWindows(n int) []reporter.Window {
	s := stats.NewStream(badWorkflow, hyperscale.Whole)
	var list []reporter.Window
	for i := range n {
		iv := stats.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}
		list = append(list, reporter.Window{Seq: uint64(i + 1), Window: s.Cut(iv, []*stats.Record{sampleRecord()}, stats.Readings{})})
	}
	return list
}

func sampleRecord() *stats.Record {
	r := stats.NewRecord(&stats.Layout{
		Workflow: badWorkflow, FaultName: func(uint32) string { return badError },
		Steps: []stats.StepLayout{{Name: badStep, Checks: []string{"c: status"}}, {Name: "buy", Group: true}},
	})
	r.Slots = stats.Slots{Due: 10, Started: 10, Completed: 9, Failed: 1, VUTime: 2500 * time.Millisecond}
	r.Lateness.Record(100 * time.Microsecond)
	s := &r.Steps[0]
	for i := range 10 {
		s.Started++
		s.BytesIn, s.BytesOut = s.BytesIn+500, s.BytesOut+100
		took := time.Duration(i+1) * time.Millisecond
		if i == 0 {
			s.Failed++
			s.Status(500)
			s.Fault(1, "")
		} else {
			s.OK++
			s.Status(200)
		}
		s.Check(0, i > 0)
		s.Answered(i > 0, took, took)
	}
	g := &r.Steps[1]
	g.Started, g.OK = 1, 1
	g.Answered(true, 30*time.Millisecond, 30*time.Millisecond)
	return r
}

// sampleResult is what the sample job came to.
func sampleResult(job *reporter.Job) *reporter.Result {
	tally := stats.NewTally()
	for _, w := range sampleWindows(3) {
		tally.Add(w.Window)
	}
	return &reporter.Result{Missing: 2, Ending: reporter.Ending{Phase: hyperscale.Completed, Summary: report.Summarise(&stats.Result{
		Plan: job.Plan, Job: job.ID, Phase: hyperscale.Completed, Started: job.Begun, Elapsed: 3 * time.Second, Tally: tally,
		Thresholds: []stats.ThresholdResult{{Threshold: hyperscale.Threshold{Text: "p95 < 300ms", Metric: hyperscale.MetricQuantile, Quantile: 95}, Value: 9e6, Sampled: true, Passed: true}},
	}, report.Options{ExitCode: 99})}}
}

// noSecrets has none.
func noSecrets(string) (string, bool, error) { return "", false, nil }

// secrets has these.
func secrets(pairs map[string]string) Secrets {
	return func(name string) (string, bool, error) { v, ok := pairs[name]; return v, ok, nil }
}

// open makes a reporter of "kind=address".
func open(t *testing.T, text string, job *reporter.Job, secret Secrets) reporter.Reporter {
	t.Helper()
	r, err := tryOpen(t, text, job, secret)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("closing %s: %v", text, err)
		}
	})
	return r
}

func tryOpen(t *testing.T, text string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	t.Helper()
	specs, err := Parse([]string{text})
	if err != nil {
		t.Fatal(err)
	}
	return specs[0].Open(within(t), job, secret)
}

// within is a context that ends with the test or after a while.
func within(t *testing.T) context.Context {
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(stop)
	return ctx
}

// report gives a reporter all of the sample job: the windows in two deliveries, of
// which the second comes again, and the result.
func reportAll(t *testing.T, r reporter.Reporter, job *reporter.Job) {
	t.Helper()
	list := sampleWindows(3)
	for _, batch := range [][]reporter.Window{list[:1], list[1:], list[1:]} {
		if err := r.Windows(within(t), batch); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := r.Result(within(t), sampleResult(job)); err != nil {
			t.Fatal(err)
		}
	}
}

// same fails unless two values are written alike.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: %s, want %s", what, g, w)
	}
}
