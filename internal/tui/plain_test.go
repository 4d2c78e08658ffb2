package tui_test

import (
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/stats"
	"hyperscale/internal/tui"
)

func TestPlainLines(t *testing.T) {
	plan := &hyperscale.Plan{Workflows: []hyperscale.Workflow{
		{Name: "browse", Load: hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{
			{From: 0, To: 200, Over: 10 * time.Second}, {From: 200, To: 200, Over: 20 * time.Second},
		}}},
		{Name: "search", Load: hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
			{From: 0, To: int64(50 * hyperscale.PerSecond), Over: 30 * time.Second},
		}}},
		{Name: "setup"},
	}}
	var b strings.Builder
	lines := tui.NewPlain(&b, plan)
	for second := range 32 {
		lines.Show(at(second))
	}
	golden(t, "plain.txt", b.String())
}

// at is the progress of a run of thirty seconds.
func at(second int) stats.Progress {
	done := min(1, float64(second)/30)
	p := stats.Progress{
		Elapsed: time.Duration(second) * time.Second, Planned: 30 * time.Second,
		Workflows: []stats.WorkflowProgress{
			{Name: "browse", Phase: hyperscale.Running, Done: done, VUs: 200, InFlight: 11},
			{Name: "search", Phase: hyperscale.Waiting},
			{Name: "setup", Phase: hyperscale.Running, Done: 0},
		},
		Now: stats.Now{Rate: 100 + float64(second), Lateness: 2e6, Response: stats.Quantiles{Count: 9, P50: 1e6, P95: 2e6, P99: 3e6}},
	}
	if second >= 5 {
		p.Workflows[2].Phase = hyperscale.Completed
		p.Workflows[1].Phase = hyperscale.Running
		p.Warnings = []string{"lane 1 is saturated"}
	}
	if second >= 20 {
		p.Now.Missed, p.Now.Errors = 12, 0.5
		p.Stopping = "finishing 11 iterations, up to 30s; again to stop now"
	}
	if second >= 30 {
		p.Workflows[0].Phase = hyperscale.Finishing
	}
	return p
}
