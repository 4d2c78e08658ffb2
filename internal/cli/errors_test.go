package cli

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"hyperscale"
	"hyperscale/internal/plan"
	"hyperscale/internal/stats"
)

// answered is a plan with one request, and a result in which it was answered.
func answered(change func(*stats.Result)) *stats.Result {
	layout := &stats.Layout{Workflow: "main", Steps: []stats.StepLayout{{Name: "GET /"}}}
	record := stats.NewRecord(layout)
	record.Steps[0].Status(200)
	tally := stats.NewTally()
	tally.Add(stats.NewStream("main", hyperscale.Whole).Last(stats.Interval{To: 1e9}, []*stats.Record{record}, stats.Readings{}))
	r := &stats.Result{
		Phase: hyperscale.Completed, Tally: tally,
		Plan: &hyperscale.Plan{Workflows: []hyperscale.Workflow{
			{Name: "setup"},
			{Name: "main", Load: hyperscale.Load{Kind: hyperscale.LoadOpen}, Steps: []hyperscale.Step{
				{Kind: hyperscale.StepGroup, Steps: []hyperscale.Step{{Kind: hyperscale.StepRequest}}},
			}},
		}},
		Workflows: []stats.WorkflowResult{{Name: "setup", Phase: hyperscale.Completed}, {Name: "main", Phase: hyperscale.Completed}},
	}
	change(r)
	return r
}

// Each case breaks one thing more than the one before it, from the weakest: the
// code is that of the strongest.
func TestExitCodes(t *testing.T) {
	changes := []struct {
		name   string
		change func(*stats.Result)
		code   int
	}{
		{"all well", func(*stats.Result) {}, 0},
		{"nothing answered", func(r *stats.Result) { r.Tally = stats.NewTally() }, 1},
		{"degraded", func(r *stats.Result) { r.Verdict.State = stats.Degraded }, 90},
		{"invalid", func(r *stats.Result) { r.Verdict.State = stats.Invalid }, 91},
		{"threshold", func(r *stats.Result) { r.Thresholds = []stats.ThresholdResult{{Passed: true}, {}} }, 99},
		{"setup failed", func(r *stats.Result) { r.Workflows[0].Phase, r.Phase = hyperscale.Failed, hyperscale.Failed }, 107},
		{"deadline", func(r *stats.Result) { r.Stop.Deadline, r.Phase = true, hyperscale.TimedOut }, 97},
		{"interrupted", func(r *stats.Result) { r.Stop.Interrupted, r.Phase = true, hyperscale.Cancelled }, 105},
	}
	for i, c := range changes {
		r := answered(func(r *stats.Result) {
			for _, earlier := range changes[:i+1] {
				earlier.change(r)
			}
		})
		if got := exitCode(outcome{result: r, strict: true}); got != c.code {
			t.Errorf("%s: %d, want %d", c.name, got, c.code)
		}
	}
}

func TestExitCodesOfOtherCases(t *testing.T) {
	well := answered(func(*stats.Result) {})
	for name, c := range map[string]struct {
		o    outcome
		code int
	}{
		"degraded, not strict":       {outcome{result: answered(func(r *stats.Result) { r.Verdict.State = stats.Degraded })}, 0},
		"on-error abort":             {outcome{result: answered(func(r *stats.Result) { r.Stop.OnError = true })}, 107},
		"a workflow with load broke": {outcome{result: answered(func(r *stats.Result) { r.Workflows[1].Phase, r.Phase = hyperscale.Failed, hyperscale.Failed })}, 1},
		"output lost":                {outcome{result: well, err: errors.New("disk full")}, 1},
		"output lost, threshold":     {outcome{result: answered(func(r *stats.Result) { r.Thresholds = make([]stats.ThresholdResult, 1) }), err: errors.New("disk full")}, 99},
		"refused":                    {outcome{err: fmt.Errorf("run: %w", refuse("no such plan"))}, 104},
		"interrupted early":          {outcome{err: errInterrupted}, 105},
		"anything else":              {outcome{err: errors.New("?")}, 1},
		"nothing to send": {outcome{result: answered(func(r *stats.Result) {
			r.Tally, r.Plan.Workflows = stats.NewTally(), r.Plan.Workflows[:1]
		})}, 0},
	} {
		if got := exitCode(c.o); got != c.code {
			t.Errorf("%s: %d, want %d", name, got, c.code)
		}
	}
}

func TestComplaints(t *testing.T) {
	faults := plan.Faults{
		{File: "p.yaml", Pos: struct{ Line, Col int }{4, 11}, What: "rate must be above zero"},
		{File: "p.yaml", What: "no workflows"},
	}
	for _, c := range []struct {
		err    error
		asJSON bool
		want   string
	}{
		{refused(faults), false, "p.yaml:4:11: rate must be above zero\np.yaml: no workflows\n"},
		{refused(faults), true, `{"error":"rate must be above zero","file":"p.yaml","line":4,"column":11}` + "\n" +
			`{"error":"no workflows","file":"p.yaml"}` + "\n"},
		{refuse("bad \x1b[2J"), false, "hyperscale: bad \\x1b[2J\n"},
		{refuse("a <b> & c"), true, `{"error":"a <b> & c"}` + "\n"},
	} {
		var b bytes.Buffer
		complain(&b, c.err, c.asJSON)
		if b.String() != c.want {
			t.Errorf("%q, want %q", b.String(), c.want)
		}
	}
}
