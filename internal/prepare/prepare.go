// Package prepare makes workflows ready to run on this machine: compiled, and
// held against the connections that the system allows.
package prepare

import (
	"fmt"
	"time"

	"hyperscale"
	"hyperscale/internal/session"
	"hyperscale/internal/stats"
)

// Flow is a workflow that is to run here.
type Flow struct {
	*hyperscale.Workflow
	Origins []*session.Origin // known before the start
	Share   hyperscale.Share  // of its slots, that is run here; zero: the whole

	MaxInFlight int64  // of the whole job, as Fit left it; 0: no bound
	Lowered     string // how Fit lowered it to what this machine allows; "": it did not
}

// Compile makes a workflow's program with the values that it uses of others.
func Compile(plan *hyperscale.Plan, workflow int, version string, rows map[string]session.Rows, use []hyperscale.Pair) (*session.Program, error) {
	in := session.Inputs{UserAgent: "hyperscale/" + version, Rows: rows, Use: map[string]session.Value{}}
	for _, u := range use {
		in.Use[u.Name] = session.Value{Text: u.Value}
	}
	program, err := session.Compile(plan, workflow, in)
	if err != nil {
		return nil, fmt.Errorf("prepare workflow %s: %w", plan.Workflows[workflow].Name, err)
	}
	program.Wall = time.Now
	return program, nil
}

// Layout names what the numbers of a workflow mean.
func Layout(workflow string, p *session.Program) *stats.Layout {
	l := &stats.Layout{Workflow: workflow, FaultName: func(f uint32) string { return p.FaultName(session.Fault(f)) }}
	for _, st := range p.Steps {
		l.Steps = append(l.Steps, stats.StepLayout{Name: st.Name, Group: st.Group, Checks: st.Checks})
	}
	return l
}
