package tui_test

import (
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
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

// News are written at once, also before anything began, and stand for no mark.
func TestNewsAreWrittenAtOnce(t *testing.T) {
	var b strings.Builder
	p := tui.NewPlain(&b)
	p.Tell("waiting: none is free")
	p.Show(stats.Progress{Elapsed: time.Second, Marks: []stats.Mark{{What: "main started"}, {At: 300 * time.Millisecond, What: "interrupted"}}})
	if want := "0:00  waiting: none is free\n0:00  main started\n0:00  interrupted\n"; b.String() != want {
		t.Errorf("written:\n%s\nwant:\n%s", b.String(), want)
	}
}

// Words about an interrupt and the mark of it are one thing: one line, after
// what happened before it.
func TestAnInterruptIsOneLine(t *testing.T) {
	const words = "interrupted: finishing 3 iterations"
	begun := []stats.Mark{{What: "main started"}}
	stopped := append(begun[:1:1], stats.Mark{At: 300 * time.Millisecond, What: "interrupted", Detail: "what was started may finish"})
	for name, test := range map[string]struct {
		do   func(*tui.Plain)
		want string
	}{
		"before the first progress": {func(p *tui.Plain) {
			p.Say(words)
			p.Show(stats.Progress{Elapsed: time.Second, Marks: stopped})
		}, "0:00  main started\n0:00  " + words + "\n"},
		"and nothing but the end follows": {func(p *tui.Plain) {
			p.Say(words)
			p.Mark(stopped)
		}, "0:00  main started\n0:00  " + words + "\n"},
		"the first progress is older": {func(p *tui.Plain) {
			p.Say(words)
			p.Show(stats.Progress{Marks: begun})
			p.Mark(stopped)
		}, "0:00  main started\n0:00  " + words + "\n"},
		"later": {func(p *tui.Plain) {
			p.Show(stats.Progress{Marks: begun})
			p.Say(words)
			p.Mark(stopped)
		}, "0:00  main started\n0:00  " + words + "\n"},
		"without words": {func(p *tui.Plain) { p.Mark(stopped) },
			"0:00  main started\n0:00  interrupted: what was started may finish\n"},
		"twice": {func(p *tui.Plain) {
			p.Say(words)
			p.Say("interrupted again: stopping now")
			p.Mark(append(stopped[:2:2], stats.Mark{At: 400 * time.Millisecond, What: "cut short"}))
		}, "0:00  main started\n0:00  " + words + "\n0:00  interrupted again: stopping now\n"},
	} {
		var b strings.Builder
		test.do(tui.NewPlain(&b))
		if b.String() != test.want {
			t.Errorf("%s: got\n%swant\n%s", name, &b, test.want)
		}
	}
}

// A paused load is said to be paused, live and in lines.
func TestPausedIsShown(t *testing.T) {
	var b strings.Builder
	p := at(12)
	p.Workflows[0].Paused = true
	tui.NewPlain(&b).Show(p)
	if frame := tui.Frame(p, tui.Look{Theme: show.NewTheme(false)}); !strings.Contains(frame, "paused · 11 in flight") || !strings.Contains(b.String(), ", browse is paused\n") {
		t.Errorf("%s\n%s", frame, b.String())
	}
}
