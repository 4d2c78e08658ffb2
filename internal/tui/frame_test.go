package tui_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
	"hyperscale/internal/testkit"
	"hyperscale/internal/tui"
)

// golden compares text with a file below testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	testkit.Golden(t, filepath.Join("testdata", name), got)
}

// shop is a run in the middle, with everything there is to show.
func shop(steps int) stats.Progress {
	p := stats.Progress{
		Name: "shop", Target: "https://shop.example.com\x1b[2J",
		Elapsed: 72 * time.Second, Planned: 3 * time.Minute,
		Workflows: []stats.WorkflowProgress{
			{Name: "login", Phase: hyperscale.Completed},
			{Name: "browse", Phase: hyperscale.Running, Done: 0.4, VUs: 200, InFlight: 18},
			{Name: "search", Phase: hyperscale.Finishing, Done: 1, VUs: 40, InFlight: 7, Rate: 500},
			{Name: "teardown", Phase: hyperscale.Waiting},
		},
		Now: stats.Now{
			Rate: 1234.5, Errors: 0.012, Missed: 3, Lateness: 300 * time.Microsecond,
			Response: stats.Quantiles{Count: 1234, P50: 12e6, P95: 40e6, P99: 83e6, Max: 120e6},
		},
		Thresholds: []stats.ThresholdResult{
			{Threshold: hyperscale.Threshold{Text: "p95 < 300ms"}, Value: 212e6, Sampled: true, Passed: true},
			{Threshold: hyperscale.Threshold{Text: "errors < 0.1%"}, Value: 12e6, Sampled: true},
			{Threshold: hyperscale.Threshold{Text: "search: missed < 0.01%"}},
		},
		Warnings: []string{"the older one", "lane 1 is saturated: this machine may set the rate"},
	}
	for i := range 60 {
		p.Rates = append(p.Rates, float64(i*i%97))
	}
	for i := range steps {
		p.Steps = append(p.Steps, step(i))
	}
	return p
}

func step(i int) stats.StepProgress {
	n := uint64(i+1) * 1000
	return stats.StepProgress{
		Workflow: "browse", Step: fmt.Sprintf("GET /page/{{ rand 1 %d }}", i),
		Requests: stats.Requests{Started: n + 4, OK: n - uint64(i), Failed: uint64(i)},
		Response: stats.Quantiles{Count: n, P50: 12e6, P95: 40e6, P99: 83e6, Max: 120e6},
	}
}

func look(width, height int) tui.Look {
	value := func(_ *hyperscale.Threshold, v float64) string { return show.Duration(time.Duration(v)) }
	return tui.Look{Width: width, Height: height, Theme: show.NewTheme(false), Keys: true, Value: value}
}

func TestFrames(t *testing.T) {
	stopping := shop(2)
	stopping.Stopping = "finishing 18 iterations, up to 30s; again to stop now"
	for name, frame := range map[string]string{
		"80x24":    tui.Frame(shop(2), look(80, 24)),
		"80x30":    tui.Frame(shop(20), look(80, 30)),
		"132x40":   tui.Frame(shop(3), look(132, 40)),
		"40x12":    tui.Frame(shop(20), look(40, 12)),
		"40x10":    tui.Frame(shop(20), look(40, 10)),
		"20x4":     tui.Frame(stopping, look(20, 4)),
		"stopping": tui.Frame(stopping, look(80, 24)),
		"begin":    tui.Frame(stats.Progress{Name: "shop"}, look(80, 24)),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", frame) })
	}
}

// Whatever there is to show and however small the terminal, the frame fits, and
// nothing in it can do anything to the terminal.
func TestEveryFrameFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := shop(rapid.IntRange(0, 300).Draw(t, "steps"))
		p.Name = rapid.String().Draw(t, "name")
		p.Stopping = rapid.SampledFrom([]string{"", "stopping\n" + p.Name}).Draw(t, "stopping")
		p.Warnings = rapid.SliceOfN(rapid.String(), 0, 50).Draw(t, "warnings")
		l := look(rapid.IntRange(1, 200).Draw(t, "width"), rapid.IntRange(1, 80).Draw(t, "height"))
		frame := tui.Frame(p, l)
		lines := strings.Split(frame, "\n")
		if len(lines) > l.Height {
			t.Fatalf("%d lines in a terminal of %d", len(lines), l.Height)
		}
		for _, line := range lines {
			if show.Width(line) > l.Width {
				t.Fatalf("%d cells in a terminal of %d: %q", show.Width(line), l.Width, line)
			}
			if strings.ContainsFunc(line, unicode.IsControl) {
				t.Fatalf("a control character in %q", line)
			}
		}
	})
}

func TestColourChangesNoLayout(t *testing.T) {
	coloured := look(80, 24)
	coloured.Theme = show.NewTheme(true)
	plain, painted := tui.Frame(shop(2), look(80, 24)), tui.Frame(shop(2), coloured)
	a, b := strings.Split(plain, "\n"), strings.Split(painted, "\n")
	if len(a) != len(b) || plain == painted {
		t.Fatalf("%d lines, %d coloured", len(a), len(b))
	}
	for i := range a {
		if show.Width(a[i]) != show.Width(b[i]) {
			t.Errorf("line %d: %q, coloured %q", i, a[i], b[i])
		}
	}
}

// Rows that no whole list fits into hold what each workflow does.
func TestASmallTerminalShowsBars(t *testing.T) {
	frame := tui.Frame(shop(20), look(40, 10))
	if n := strings.Count(frame, "\n") + 1; n != 10 || !strings.Contains(frame, "login ") || !strings.Contains(frame, "browse ") {
		t.Errorf("%d lines:\n%s", n, frame)
	}
}
