package prepare

import (
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/session"
)

// ask is a step of one request.
func ask() hyperscale.Step {
	return hyperscale.Step{Name: "get", Request: &hyperscale.Request{Method: "GET", URL: "http://127.0.0.1:1/", Transport: hyperscale.Transport{Timeout: 5 * time.Second, HTTP: 1}}}
}

// steady is an open load of so many arrivals a second.
func steady(rate int64) hyperscale.Load {
	level := rate * int64(hyperscale.PerSecond)
	return hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{{From: level, To: level, Over: time.Second}}}
}

// fitted fits a share of one workflow with a load into limits.
func fitted(load hyperscale.Load, share hyperscale.Share, descriptors, ports int64) (*Flow, error) {
	w := hyperscale.Workflow{Name: "w", Load: load, Steps: []hyperscale.Step{ask()}}
	f := &Flow{Workflow: &w, Share: share, Origins: []*session.Origin{{Host: "127.0.0.1", Port: "1", Transport: &w.Steps[0].Request.Transport}}}
	return f, Fit([]*Flow{f}, dial.NewNames(), Limits{descriptors, ports})
}

// Numbers that the user wrote are refused when they cannot be had, with the
// numbers and the remedy.
func TestFitRefuses(t *testing.T) {
	closed := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 5000, To: 5000, Over: time.Second}}}
	asked := steady(100)
	asked.MaxInFlight = 5000
	for _, load := range []hyperscale.Load{closed, asked} {
		if _, err := fitted(load, hyperscale.Share{}, 4096, 28000); err == nil || !strings.Contains(err.Error(), "needs 5000 descriptors for its connections, 4064 are allowed") {
			t.Errorf("too few descriptors: %v", err)
		}
		if _, err := fitted(load, hyperscale.Share{}, 20000, 4000); err == nil || !strings.Contains(err.Error(), "needs 5000 local ports, the system has 4000") {
			t.Errorf("too few ports: %v", err)
		}
		if _, err := fitted(load, hyperscale.Share{}, 20000, 28000); err != nil {
			t.Errorf("enough of both: %v", err)
		}
		if _, err := fitted(load, hyperscale.Share{}, 0, 0); err != nil {
			t.Errorf("unknown limits: %v", err)
		}
	}
}

// The default bound of an open load is lowered to what can be had, and said.
func TestFitLowersDefaults(t *testing.T) {
	load := steady(20000) // × 5 s: more than 25 000
	f, err := fitted(load, hyperscale.Share{}, 4096, 28000)
	if err != nil || f.MaxInFlight != 4064 || f.Lowered == "" {
		t.Errorf("descriptors: %v, %d, %q", err, f.MaxInFlight, f.Lowered)
	}
	f, err = fitted(load, hyperscale.Share{}, 100_000, 28000)
	if err != nil || f.MaxInFlight != 14000 || f.Lowered == "" {
		t.Errorf("ports: %v, %d, %q", err, f.MaxInFlight, f.Lowered)
	}
	f, err = fitted(load, hyperscale.Share{}, 0, 0)
	if err != nil || f.MaxInFlight != 25000 || f.Lowered != "" {
		t.Errorf("unknown: %v, %d, %q", err, f.MaxInFlight, f.Lowered)
	}
}

// A share is held against the machine by its own part.
func TestFitShare(t *testing.T) {
	quarter := hyperscale.Share{Lo: 1, Hi: 2, Of: 4}
	closed := hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{{From: 5000, To: 5000, Over: time.Second}}}
	if _, err := fitted(closed, quarter, 4096, 28000); err != nil {
		t.Errorf("1250 of 5000 virtual users: %v", err)
	}
	if _, err := fitted(closed, quarter, 1000, 28000); err == nil || !strings.Contains(err.Error(), "needs 1250 descriptors") {
		t.Errorf("1250 virtual users, 1000 descriptors: %v", err)
	}
	f, err := fitted(steady(20000), quarter, 1032, 28000)
	if err != nil || quarter.Count(f.MaxInFlight) != 1000 || f.Lowered == "" {
		t.Errorf("arrivals in progress: %v, %d, %q", err, f.MaxInFlight, f.Lowered)
	}
}

// How many requests of one VU may be in flight at once.
func TestWidth(t *testing.T) {
	one := ask()
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
