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
	var b strings.Builder
	lines := tui.NewPlain(&b)
	for second := range 32 {
		lines.Show(at(second))
		if second == 20 {
			lines.Say("finishing 11 iterations")
		}
	}
	lines.Mark(append(at(31).Marks, stats.Mark{At: 31 * time.Second, What: "browse ended"}))
	golden(t, "plain.txt", b.String())
}

// at is the progress of a run of thirty seconds.
func at(second int) stats.Progress {
	p := stats.Progress{
		Elapsed: time.Duration(second) * time.Second, Planned: 30 * time.Second,
		Workflows: []stats.WorkflowProgress{{Name: "browse", Phase: hyperscale.Running, VUs: 200, InFlight: 11}},
		Now:       stats.Now{Rate: 100 + float64(second), Lateness: 2e6, Response: stats.Quantiles{Count: 9, P50: 1e6, P95: 2e6, P99: 3e6}},
		Marks:     []stats.Mark{{What: "browse started", Detail: "stage 1 of 2: 0 VUs to 200 VUs in 5s"}},
	}
	if second >= 5 {
		p.Marks = append(p.Marks, stats.Mark{At: 5 * time.Second, What: "browse stage", Detail: "stage 2 of 2: 200 VUs for 25s"})
		p.Warnings = []string{"lane 1 is\nsaturated"}
	}
	if second >= 20 {
		p.Now.Missed, p.Now.Errors, p.Now.Response = 12, 0.5, stats.Quantiles{}
		p.Marks = append(p.Marks, stats.Mark{At: 20300 * time.Millisecond, What: "interrupted"})
	}
	return p
}
