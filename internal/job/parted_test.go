package job

import (
	"testing"
	"time"

	"hyperscale"
)

// TestHowAPartedJobEnds: of all that its parts came to the worst is what the job came to.
func TestHowAPartedJobEnds(t *testing.T) {
	const (
		failed hyperscale.JobTime = 1 << iota
		cancelled
		silent
	)
	want := func(what hyperscale.JobTime) hyperscale.Phase {
		switch {
		case what&failed != 0:
			return hyperscale.Failed
		case what&cancelled != 0:
			return hyperscale.Cancelled
		case what&silent != 0:
			return hyperscale.TimedOut
		}
		return hyperscale.Completed
	}
	for what := range failed | cancelled | silent + 1 {
		j := NewParted(readPlan(t, []string{"browse: load=open:10/10s graceful=1s"}))
		j.Step(0, Start{})
		j.Step(0, LegBegan{Workflow: "browse", Leg: 1})
		j.Step(time.Second, Owed{Parts: 1})
		if what&failed != 0 {
			j.Step(2*time.Second, PartFailed{Workflow: "browse", Leg: 1, Reason: "fra failed"})
		}
		if what&silent != 0 {
			j.Step(3*time.Second, Owed{Unheard: "nyc was not heard"})
		} else {
			j.Step(3*time.Second, Owed{})
		}
		if what&cancelled != 0 {
			j.Step(4*time.Second, Cancel{By: "ann"})
		}
		j.Step(11*time.Second, LegEnded{Workflow: "browse", Leg: 1})
		if got := j.Phase(); got != want(what) {
			t.Errorf("with %03b it is %s, not %s", what, got, want(what))
		}
	}
}
