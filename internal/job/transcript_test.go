package job

import (
	"strings"
	"testing"

	"hyperscale/internal/testkit"

	"hyperscale"
)

// player plays a script: it steps a job and fires its timer.
type player struct {
	job    *Job
	wake   hyperscale.JobTime
	finals int
	queued bool // legs begin when the script says so, not at once
}

// step takes an event at its time, after the ticks that come before it (and, at
// "until", those at its time).
func (p *player) step(at hyperscale.JobTime, ev Event) []string {
	var lines []string
	_, until := ev.(Tick)
	for p.wake < at || until && p.wake == at {
		now := p.wake
		p.wake = never
		lines = append(lines, p.tell(now, Tick{})...)
	}
	if until {
		return lines
	}
	return append(lines, p.tell(at, ev)...)
}

func (p *player) tell(at hyperscale.JobTime, ev Event) []string {
	var lines []string
	var begun []LegBegan
	for _, e := range p.job.Step(at, ev) {
		switch e := e.(type) {
		case Wake:
			p.wake = e.At
		case Finish:
			p.wake = never
			p.finals++
		case StartLeg:
			begun = append(begun, LegBegan{Workflow: e.Workflow, Leg: e.Leg, At: at})
		}
		lines = append(lines, tell(e))
	}
	for _, b := range begun {
		if !p.queued {
			lines = append(lines, p.tell(at, b)...)
		}
	}
	return lines
}

// TestTranscripts plays the scripts in testdata. In each, blocks of input are
// followed by a line "----" and what came of it. The first block is the plan.
func TestTranscripts(t *testing.T) { testkit.Scripts(t, play) }

// play gives the script with its output made anew.
func play(t *testing.T, text string) string {
	var p *player
	var out []string
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		input, _, _ := strings.Cut(block, "\n----")
		out = append(out, input)
		lines := strings.Split(input, "\n")
		for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
			lines = lines[1:]
		}
		switch {
		case len(lines) == 0:
		case p == nil:
			queued, begin := lines[0] == "queued", New
			if lines[0] == "parted" {
				begin = NewParted
			}
			if queued || lines[0] == "parted" {
				lines = lines[1:]
			}
			p = &player{job: begin(readPlan(t, lines)), wake: never, queued: queued}
		default:
			out[len(out)-1] += "\n----"
			for _, line := range lines {
				at, ev := readEvent(t, line)
				for _, told := range p.step(at, ev) {
					out[len(out)-1] += "\n" + told
				}
			}
		}
	}
	if p == nil || p.finals != 1 || !p.job.Phase().Terminal() {
		t.Errorf("the job did not finish once: %v", p)
	}
	return strings.Join(out, "\n\n") + "\n"
}
