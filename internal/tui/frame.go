package tui

import (
	"fmt"
	"slices"
	"strings"

	"hyperscale"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// Look is how a frame is drawn.
type Look struct {
	Width, Height int // of the terminal, in cells; 0: 80 by 24
	Theme         show.Theme
	// Keys says that keys can be pressed: the last line tells which.
	Keys bool
	// Leaves says that an interrupt goes away and the run goes on.
	Leaves bool
	// Value writes a threshold's value as people read it.
	Value func(*hyperscale.Threshold, float64) string
}

// Frame draws the run as it stands, in at most Height lines of at most Width
// cells, whatever the size and however much there is to show.
func Frame(p stats.Progress, l Look) string {
	if l.Width <= 0 || l.Height <= 0 {
		l.Width, l.Height = 80, 24
	}
	f := frame{p: p, Look: l}
	top := append(f.head(), f.now()...)
	lists := []list{
		{lines: f.workflows(), rank: 1},
		{head: f.stepHead(), lines: f.steps(), rank: 3},
		{lines: f.thresholds(), rank: 0},
		{lines: f.warnings(), rank: 2},
	}
	foot := append([]string{""}, f.foot())
	if len(top)+len(foot) > l.Height { // the last line is the one that is needed
		foot = foot[1:]
		top = top[:max(0, l.Height-1)]
	}
	lines := append(top, arrange(lists, l.Height-len(top)-len(foot))...)
	lines = append(lines, foot...)
	for i, line := range lines {
		lines[i] = show.Fit(line, l.Width)
	}
	return strings.Join(lines[:min(len(lines), l.Height)], "\n")
}

// frame is one picture in the making.
type frame struct {
	Look
	p stats.Progress
}

// head says what runs against what, and for how long.
func (f frame) head() []string {
	clock := show.Clock(f.p.Elapsed)
	if f.p.Planned > 0 {
		clock += " of " + show.Clock(f.p.Planned)
	}
	name := show.Clean(f.p.Name)
	if f.p.Target != "" {
		name += "  " + show.Clean(f.p.Target)
	}
	room := f.Width - show.Width(clock) - 2
	return []string{f.Theme.Strong(show.Left(name, room)) + "  " + clock, ""}
}

// workflows is a bar for each, with what it does now.
func (f frame) workflows() []string {
	widest := 4
	for _, w := range f.p.Workflows {
		widest = min(max(widest, show.Width(show.Clean(w.Name))), max(4, f.Width/4))
	}
	bar := max(4, min(30, f.Width/4))
	var lines []string
	for _, w := range f.p.Workflows {
		done := w.Done
		if w.Phase == hyperscale.Completed {
			done = 1
		}
		lines = append(lines, fmt.Sprintf("%s %s %s  %s", show.Left(show.Clean(w.Name), widest),
			f.Theme.Accent(show.Bar(done, bar)), show.Right(fmt.Sprintf("%.0f%%", done*100), 4), f.state(w)))
	}
	return lines
}

// state is what a workflow does, in words.
func (f frame) state(w stats.WorkflowProgress) string {
	switch w.Phase {
	case hyperscale.Running:
		return f.Theme.Faint(doing(w))
	case hyperscale.Finishing:
		return f.Theme.Warn("finishing " + hyperscale.Plural(w.InFlight, "iteration"))
	case hyperscale.Failed, hyperscale.Cancelled, hyperscale.TimedOut:
		return f.Theme.Bad(strings.ToLower(string(w.Phase)))
	case hyperscale.Completed:
		return f.Theme.Good("completed")
	}
	return f.Theme.Faint(strings.ToLower(string(w.Phase)))
}

// doing is the level of a running workflow.
func doing(w stats.WorkflowProgress) string {
	parts := []string{hyperscale.Count(w.InFlight) + " in flight"}
	if w.Paused {
		return "paused · " + parts[0]
	}
	if w.VUs > 0 {
		parts = append([]string{hyperscale.Plural(w.VUs, "VU")}, parts...)
	}
	if w.Rate > 0 {
		parts = append([]string{show.Rate(w.Rate) + " asked"}, parts...)
	}
	return strings.Join(parts, " · ")
}

// now is the last second: numbers and the course of the rate.
func (f frame) now() []string {
	n := f.p.Now
	var vus, inFlight int64
	for _, w := range f.p.Workflows {
		vus, inFlight = vus+w.VUs, inFlight+w.InFlight
	}
	errors := "errors " + show.Percent(n.Errors)
	if n.Errors > 0 {
		errors = f.Theme.Bad(errors)
	}
	parts := []string{
		f.Theme.Strong(show.Rate(n.Rate)), hyperscale.Count(inFlight) + " in flight",
		"p50 " + quantile(n.Response, "p50"), "p95 " + quantile(n.Response, "p95"), "p99 " + quantile(n.Response, "p99"),
		errors, "late " + show.Duration(n.Lateness),
	}
	if vus > 0 {
		parts = slices.Insert(parts, 2, hyperscale.Plural(vus, "VU"))
	}
	if n.Missed > 0 {
		parts = append(parts, f.Theme.Bad("missed "+hyperscale.Count(n.Missed)))
	}
	lines := show.Flow(parts, "  ", f.Width)
	if spark := show.Spark(f.p.Rates, f.Width); spark != "" {
		lines = append(lines, f.Theme.Accent(spark))
	}
	return lines
}

// column is one column of numbers in the table of steps.
type column struct {
	name  string
	width int
}

// columns are as many as leave room for names.
func (f frame) columns() []column {
	all := []column{{"requests", 12}, {"errors", 8}, {"p50", 8}, {"p95", 8}, {"p99", 8}, {"max", 8}, {"in flight", 11}}
	for len(all) > 2 && f.nameRoom(all) < 24 {
		all = all[:len(all)-1]
	}
	return all
}

// nameRoom is the cells for the name of a step beside the columns.
func (f frame) nameRoom(columns []column) int {
	room := f.Width
	for _, c := range columns {
		room -= c.width
	}
	return max(8, room)
}

func (f frame) stepHead() string {
	columns := f.columns()
	line := show.Left("step", f.nameRoom(columns))
	for _, c := range columns {
		line += show.Right(c.name, c.width)
	}
	return f.Theme.Faint(show.Fit(line, f.Width))
}

func (f frame) steps() []string {
	several, columns := len(f.p.Workflows) > 1, f.columns()
	var lines []string
	for i := range f.p.Steps {
		s := &f.p.Steps[i]
		name := show.Clean(s.Step)
		if several {
			name = show.Clean(s.Workflow) + "/" + name
		}
		line := show.Left(name, f.nameRoom(columns))
		for _, c := range columns {
			line += f.cell(s, c)
		}
		lines = append(lines, line)
	}
	return lines
}

// cell is one number of a step.
func (f frame) cell(s *stats.StepProgress, c column) string {
	switch c.name {
	case "requests":
		return show.Right(hyperscale.Count(s.Requests.Started), c.width)
	case "in flight":
		return show.Right(hyperscale.Count(int64(s.InFlight())), c.width)
	case "errors":
		text := show.Right(show.Ratio(int64(s.Errors()), int64(s.Ended())), c.width)
		if s.Errors() > 0 {
			return f.Theme.Bad(text)
		}
		return text
	}
	return show.Right(quantile(s.Response, c.name), c.width)
}

// quantile is the named one of the few.
func quantile(q stats.Quantiles, name string) string {
	if q.Count == 0 {
		return show.Nothing
	}
	d := q.Max
	switch name {
	case "p50":
		d = q.P50
	case "p95":
		d = q.P95
	case "p99":
		d = q.P99
	}
	return show.Duration(d)
}

// thresholds are shown as they stand.
func (f frame) thresholds() []string {
	widest := 0
	for i := range f.p.Thresholds {
		widest = min(max(widest, show.Width(show.Clean(f.p.Thresholds[i].Threshold.Text))), max(8, f.Width-16))
	}
	var lines []string
	for i := range f.p.Thresholds {
		t := &f.p.Thresholds[i]
		text := show.Left(show.Clean(t.Threshold.Text), widest)
		switch {
		case !t.Sampled:
			lines = append(lines, f.Theme.Faint("· "+text))
		case t.Passed:
			lines = append(lines, f.Theme.Good("✓")+" "+text+"  "+f.Theme.Good(f.value(t)))
		default:
			lines = append(lines, f.Theme.Bad("✗")+" "+text+"  "+f.Theme.Bad(f.value(t)))
		}
	}
	return lines
}

func (f frame) value(t *stats.ThresholdResult) string {
	if f.Value == nil {
		return ""
	}
	return f.Value(&t.Threshold, t.Value)
}

// warnings are the newest first: the list is cut at its end.
func (f frame) warnings() []string {
	var lines []string
	for i := len(f.p.Warnings) - 1; i >= 0; i-- {
		lines = append(lines, f.Theme.Warn("! "+show.Clean(f.p.Warnings[i])))
	}
	return lines
}

// foot says how to stop, or why the run is ending.
func (f frame) foot() string {
	switch {
	case f.p.Stopping != "":
		return f.Theme.Warn(show.Clean(f.p.Stopping))
	}
	key := map[bool]string{true: "q", false: "Ctrl-C"}[f.Keys]
	if f.Leaves {
		return f.Theme.Faint(key + " goes away; the job goes on")
	}
	return f.Theme.Faint(key + " stops gracefully, twice at once")
}
