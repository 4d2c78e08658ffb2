package account

import (
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/stats"
)

// adjustable is a plan of one load of 10 s, of the kind given.
func adjustable(kind hyperscale.LoadKind) *hyperscale.Plan {
	return &hyperscale.Plan{Workflows: []hyperscale.Workflow{{
		Name: "a", Load: hyperscale.Load{Kind: kind, Stages: []hyperscale.Stage{{From: 4, To: 4, Over: 10 * time.Second}}},
	}}}
}

// What is done of a paused load stays where it was, it is said to be paused, and
// the planned end moves.
func TestPausedLoadStandsStill(t *testing.T) {
	for _, kind := range []hyperscale.LoadKind{hyperscale.LoadOpen, hyperscale.LoadClosed} {
		a := New(adjustable(kind))
		a.Adjusted(hyperscale.Adjustment{Workflow: "a", Do: hyperscale.AdjustPause, At: 5 * time.Second})
		for _, c := range []struct {
			second  time.Duration
			done    float64
			paused  bool
			planned time.Duration
		}{
			{3 * time.Second, 0.2, false, 10 * time.Second},
			{5 * time.Second, 0.4, true, 10 * time.Second},
			{9 * time.Second, 0.4, true, 14 * time.Second},
			{11 * time.Second, 0.4, false, 16 * time.Second}, // resumed
			{13 * time.Second, 0.6, false, 16 * time.Second},
		} {
			if c.second == 11*time.Second {
				a.Adjusted(hyperscale.Adjustment{Workflow: "a", Do: hyperscale.AdjustResume, At: c.second})
			}
			a.Glance(c.second)
			p := a.Progress([]job.Outcome{{Workflow: "a", Phase: hyperscale.Running, Started: time.Second}})
			if w := p.Workflows[0]; w.Done != c.done || w.Paused != c.paused || p.Planned != c.planned {
				t.Errorf("kind %v at %v: %v done, paused %v, of %v; want %+v", kind, c.second, w.Done, w.Paused, p.Planned, c)
			}
		}
	}
}

// A load that counts its arrivals is done by their number: a lower rate, which
// moves its end, does not lessen it. And what did not complete is not all done.
func TestDoneDoesNotJump(t *testing.T) {
	a := New(adjustable(hyperscale.LoadOpen))
	for _, c := range []struct {
		phase hyperscale.Phase
		done  float64
	}{{hyperscale.TimedOut, 0.3}, {hyperscale.Cancelled, 0.3}, {hyperscale.Completed, 1}} {
		a.Glance(8 * time.Second)
		w := a.Standing([]job.Outcome{{Workflow: "a", Phase: c.phase, Started: time.Second, Ended: 4 * time.Second}})[0]
		if w.Done != c.done || w.Paused {
			t.Errorf("%s: %+v, want %v done", c.phase, w, c.done)
		}
	}
	plan := adjustable(hyperscale.LoadOpen)
	plan.Workflows[0].Load.Arrivals = 20
	a = New(plan)
	a.Adjusted(hyperscale.Adjustment{Workflow: "a", Do: hyperscale.AdjustRate, Rate: hyperscale.PerSecond, At: time.Second})
	w := &stats.Window{ID: stats.WindowID{Workflow: "a", Share: hyperscale.Whole, First: 1, Seq: 1}, Interval: stats.Interval{To: time.Second}}
	w.Due, w.Slots.Started, w.Slots.Completed = 5, 5, 5
	a.Merge(w)
	a.Glance(2 * time.Second)
	if w := a.Standing([]job.Outcome{{Workflow: "a", Phase: hyperscale.Running}})[0]; w.Done != 0.25 {
		t.Errorf("5 of 20 due are %v", w.Done)
	}
}
