package tui

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// Every is how often [Plain] writes a line when nothing else happens.
const Every = 10 * time.Second

// Plain writes a run as lines for a file or a pipe: one each 10 s of the run,
// and one for each mark (a workflow begins, enters a stage of its load, ends;
// the run is stopped) and each warning. It is used by one goroutine.
type Plain struct {
	w        io.Writer
	next     hyperscale.JobTime
	last     stats.Progress
	marks    int // how many were written
	warnings int // how many were written
	begun    bool
	held     []string // words of interrupts that came before the first progress
	owed     int      // interrupts whose words were written and whose marks were not seen yet
}

// NewPlain writes lines about a run to w.
func NewPlain(w io.Writer) *Plain { return &Plain{w: w, next: Every} }

// Show writes what is new since the last call. An error of the writer is not
// reported: there would be nowhere to report it.
func (p *Plain) Show(now stats.Progress) {
	p.last = now
	p.Mark(now.Marks)
	p.begun = true
	for _, text := range p.held {
		p.Say(text)
	}
	p.held = nil
	for ; p.warnings < len(now.Warnings); p.warnings++ {
		p.line(now.Elapsed, now.Planned, "warning: "+show.Clean(now.Warnings[p.warnings]))
	}
	if now.Elapsed >= p.next {
		p.next = now.Elapsed - now.Elapsed%Every + Every
		p.line(now.Elapsed, now.Planned, glance(now))
	}
}

// Mark writes those of the marks that were not written yet: what happened after
// the last progress.
func (p *Plain) Mark(marks []stats.Mark) {
	for ; p.marks < len(marks); p.marks++ {
		m := marks[p.marks]
		if p.wasSaid(m) {
			continue
		}
		text := m.What
		if m.Detail != "" {
			text += ": " + m.Detail
		}
		p.line(m.At, p.last.Planned, show.Clean(text))
	}
}

// Warn writes a warning that is no part of the run's progress.
func (p *Plain) Warn(text string) {
	p.line(p.last.Elapsed, p.last.Planned, "warning: "+show.Clean(text))
}

// wasSaid reports whether words stand, or were now put, in place of a mark.
func (p *Plain) wasSaid(m stats.Mark) bool {
	switch {
	case m.What != "interrupted" && m.What != "cut short":
		return false
	case p.owed > 0:
		p.owed--
		return true
	case len(p.held) > 0:
		p.line(m.At, p.last.Planned, show.Clean(p.held[0]))
		p.held = p.held[1:]
		return true
	}
	return false
}

// Say writes words about an interrupt at once, but not before the first
// progress, which tells what began before it. They stand for the interrupt's
// mark, which comes later.
func (p *Plain) Say(text string) {
	if !p.begun {
		p.held = append(p.held, text)
		return
	}
	p.owed++
	p.line(p.last.Elapsed, p.last.Planned, show.Clean(text))
}

// Tell writes what happened beside the run's own progress, at once.
func (p *Plain) Tell(text string) { p.line(p.last.Elapsed, p.last.Planned, show.Clean(text)) }

// glance is the run in one line.
func glance(p stats.Progress) string {
	var vus, inFlight int64
	for _, w := range p.Workflows {
		vus, inFlight = vus+w.VUs, inFlight+w.InFlight
	}
	n := p.Now
	parts := []string{
		show.Rate(n.Rate), hyperscale.Count(inFlight) + " in flight",
		"p50 " + quantile(n.Response, "p50") + " p95 " + quantile(n.Response, "p95") + " p99 " + quantile(n.Response, "p99"),
		"errors " + show.Percent(n.Errors), "late " + show.Duration(n.Lateness),
	}
	if vus > 0 {
		parts = slices.Insert(parts, 2, hyperscale.Plural(vus, "VU"))
	}
	if n.Missed > 0 {
		parts = append(parts, "missed "+hyperscale.Count(n.Missed))
	}
	for _, w := range p.Workflows {
		if w.Paused {
			parts = append(parts, show.Clean(w.Name)+" is paused")
		}
	}
	return strings.Join(parts, ", ")
}

func (p *Plain) line(at hyperscale.JobTime, planned time.Duration, text string) {
	clock := show.Clock(at)
	if planned > 0 {
		clock += "/" + show.Clock(planned)
	}
	_, _ = fmt.Fprintf(p.w, "%s  %s\n", clock, text)
}
