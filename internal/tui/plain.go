package tui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
	"hyperscale/internal/stats"
)

// Every is how often [Plain] writes a line when nothing else happens.
const Every = 10 * time.Second

// Plain writes a run as lines for a file or a pipe: one each 10 s of the run,
// and one when a workflow begins, enters a stage of its load, or ends, when the
// run begins to end, and for each warning. It is used by one goroutine.
type Plain struct {
	w      io.Writer
	plan   *hyperscale.Plan
	states map[string]state
	next   hyperscale.JobTime
	warned map[string]bool
	ending string
}

// state is what was last said of a workflow.
type state struct {
	phase hyperscale.Phase
	stage int
}

// NewPlain writes lines about the plan's run to w.
func NewPlain(w io.Writer, plan *hyperscale.Plan) *Plain {
	return &Plain{w: w, plan: plan, states: make(map[string]state), next: Every, warned: make(map[string]bool)}
}

// Show writes what is new since the last call. An error of the writer is not
// reported: there would be nowhere to report it.
func (p *Plain) Show(now stats.Progress) {
	for i := range now.Workflows {
		p.workflow(now, &now.Workflows[i])
	}
	for _, w := range now.Warnings {
		if !p.warned[w] {
			p.warned[w] = true
			p.line(now, "warning: "+show.Clean(w))
		}
	}
	if now.Stopping != p.ending {
		p.ending = now.Stopping
		p.line(now, show.Clean(now.Stopping))
	}
	if now.Elapsed >= p.next {
		p.next = now.Elapsed - now.Elapsed%Every + Every
		p.line(now, glance(now))
	}
}

// workflow says where a workflow is if it was elsewhere before.
func (p *Plain) workflow(now stats.Progress, w *stats.WorkflowProgress) {
	planned := p.planned(w.Name)
	is := state{w.Phase, 0}
	if w.Phase == hyperscale.Running && planned != nil {
		is.stage = stageAt(planned.Load.Stages, w.Done)
	}
	was := p.states[w.Name]
	if is == was || is.phase == hyperscale.Waiting {
		return
	}
	p.states[w.Name] = is
	text := show.Clean(w.Name) + ": " + strings.ToLower(string(w.Phase))
	if is.stage > 0 && len(planned.Load.Stages) > 1 {
		text += fmt.Sprintf(", stage %d of %d: %s", is.stage, len(planned.Load.Stages), stageText(&planned.Load, is.stage-1))
	}
	p.line(now, text)
}

func (p *Plain) planned(name string) *hyperscale.Workflow {
	for i := range p.plan.Workflows {
		if p.plan.Workflows[i].Name == name {
			return &p.plan.Workflows[i]
		}
	}
	return nil
}

// stageAt is the number, from 1, of the stage that a load is in when the given
// part of its schedule is done; 0 for a load without stages.
func stageAt(stages []hyperscale.Stage, done float64) int {
	var whole, sum time.Duration
	for _, s := range stages {
		whole += s.Over
	}
	at := time.Duration(done * float64(whole))
	for i, s := range stages {
		sum += s.Over
		if at < sum {
			return i + 1
		}
	}
	return len(stages)
}

// stageText says what a stage of the load does.
func stageText(l *hyperscale.Load, i int) string {
	s := l.Stages[i]
	if s.From == s.To {
		return level(l, s.To) + " for " + show.Duration(s.Over)
	}
	return level(l, s.From) + " to " + level(l, s.To) + " over " + show.Duration(s.Over)
}

func level(l *hyperscale.Load, n int64) string {
	if l.Kind == hyperscale.LoadClosed {
		return show.Plural(n, "VU")
	}
	return show.Rate(hyperscale.Rate(n).Float())
}

// glance is the run in one line.
func glance(p stats.Progress) string {
	var vus, inFlight int64
	for _, w := range p.Workflows {
		vus, inFlight = vus+w.VUs, inFlight+w.InFlight
	}
	n := p.Now
	parts := []string{
		show.Rate(n.Rate), show.Count(inFlight) + " in flight", show.Plural(vus, "VU"),
		"p50 " + quantile(n.Response, "p50") + " p95 " + quantile(n.Response, "p95") + " p99 " + quantile(n.Response, "p99"),
		"errors " + show.Percent(n.Errors), "late " + show.Duration(n.Lateness),
	}
	if n.Missed > 0 {
		parts = append(parts, "missed "+show.Count(int64(n.Missed)))
	}
	return strings.Join(parts, ", ")
}

func (p *Plain) line(now stats.Progress, text string) {
	clock := show.Clock(now.Elapsed)
	if now.Planned > 0 {
		clock += "/" + show.Clock(now.Planned)
	}
	_, _ = fmt.Fprintf(p.w, "%s  %s\n", clock, text)
}
