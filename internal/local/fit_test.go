package local

import (
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/job/account"
	"hyperscale/internal/session"
)

// fitted fits one workflow with a load into limits.
func fitted(load hyperscale.Load, descriptors, ports int64) (*flow, []string, error) {
	w := hyperscale.Workflow{Name: "w", Load: load, Steps: []hyperscale.Step{ask("GET", "http://127.0.0.1:1/")}}
	p := &hyperscale.Plan{Workflows: []hyperscale.Workflow{w}}
	s := &shell{plan: p, names: dial.NewNames(), account: account.New(p)}
	f := &flow{Workflow: &w, origins: []*session.Origin{{Host: "127.0.0.1", Port: "1", Transport: &w.Steps[0].Request.Transport}}}
	s.flows = map[string]*flow{"w": f}
	var warnings []string
	s.cfg.Warn = func(text string) { warnings = append(warnings, text) }
	err := s.fit(descriptors, ports)
	return f, warnings, err
}

// Numbers that the user wrote are refused when they cannot be had, with the
// numbers and the remedy.
func TestFitRefuses(t *testing.T) {
	closed := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 5000, To: 5000, Over: time.Second}}}
	asked := steady(100, time.Second)
	asked.MaxInFlight = 5000
	for _, load := range []hyperscale.Load{closed, asked} {
		if _, _, err := fitted(load, 4096, 28000); err == nil || !strings.Contains(err.Error(), "needs 5000 descriptors for its connections, 4064 are allowed") {
			t.Errorf("too few descriptors: %v", err)
		}
		if _, _, err := fitted(load, 20000, 4000); err == nil || !strings.Contains(err.Error(), "needs 5000 local ports, the system has 4000") {
			t.Errorf("too few ports: %v", err)
		}
		if _, _, err := fitted(load, 20000, 28000); err != nil {
			t.Errorf("enough of both: %v", err)
		}
		if _, _, err := fitted(load, 0, 0); err != nil {
			t.Errorf("unknown limits: %v", err)
		}
	}
}

// The default bound of an open load is lowered to what can be had, and said.
func TestFitLowersDefaults(t *testing.T) {
	load := steady(20000, time.Second) // × 5 s: more than 25 000
	f, warnings, err := fitted(load, 4096, 28000)
	if err != nil || f.maxInFlight != 4064 || len(warnings) != 1 {
		t.Errorf("descriptors: %v, %d, %q", err, f.maxInFlight, warnings)
	}
	f, warnings, err = fitted(load, 100_000, 28000)
	if err != nil || f.maxInFlight != 14000 || len(warnings) != 1 {
		t.Errorf("ports: %v, %d, %q", err, f.maxInFlight, warnings)
	}
	f, warnings, err = fitted(load, 0, 0)
	if err != nil || f.maxInFlight != 25000 || len(warnings) != 0 {
		t.Errorf("unknown: %v, %d, %q", err, f.maxInFlight, warnings)
	}
}

// How many requests of one VU may be in flight at once.
func TestWidth(t *testing.T) {
	one := ask("GET", "/")
	after := func(i int, s hyperscale.Step) hyperscale.Step { s.Needs = []int{i}; return s }
	parallel := hyperscale.Step{Kind: hyperscale.StepParallel, Steps: []hyperscale.Step{one, one, one}}
	for _, tc := range []struct {
		name  string
		steps []hyperscale.Step
		want  int64
	}{
		{"one after the other", []hyperscale.Step{one, after(0, one), after(1, one)}, 1},
		{"at once", []hyperscale.Step{one, one}, 2},
		{"parallel", []hyperscale.Step{one, after(0, parallel)}, 3},
		{"group", []hyperscale.Step{{Kind: hyperscale.StepGroup, Steps: []hyperscale.Step{parallel}}}, 3},
		{"choose", []hyperscale.Step{{Kind: hyperscale.StepChoose, Choices: []hyperscale.Choice{{Steps: []hyperscale.Step{one}}, {Steps: []hyperscale.Step{parallel}}}}}, 3},
	} {
		if got := width(tc.steps); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}
