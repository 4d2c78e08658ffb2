package job

import (
	"testing"
	"time"

	"hyperscale"
)

// tablePlan has a workflow that runs, one that waits for it, and a teardown.
func tablePlan(t *testing.T) *hyperscale.Plan {
	return readPlan(t, []string{
		"deadline 1m",
		"browse: load=closed:5/10m graceful=10s",
		"later: after=browse load=closed:5/10s",
		"teardown: after=browse:always",
	})
}

// ways lead a new job into each state; the last step is at 20 s at the latest.
var ways = map[state][]Event{
	unstarted: {},
	running:   {Start{}},
	finishing: {Start{}, Interrupt{}},
	cutting:   {Start{}, Interrupt{}, Interrupt{}},
	over:      {Start{}, Interrupt{}, Interrupt{}, LegEnded{Workflow: "browse", Leg: 1}},
}

// TestTable walks the table in the comment of Job: every event in every state.
func TestTable(t *testing.T) {
	const soon, atDeadline, late = 20 * time.Second, 80 * time.Second, 200 * time.Second
	ended := LegEnded{Workflow: "browse", Leg: 1}
	broken := LegBroken{Workflow: "browse", Leg: 1}
	breach := ThresholdBroken{Threshold: "p95 < 1s abort"}
	fatal := StepAborted{Workflow: "browse", Step: "GET /"}
	began := LegBegan{Workflow: "browse", Leg: 1, At: soon}
	part := PartFailed{Workflow: "browse", Leg: 1, Reason: "fra failed", AtOnce: true}
	owed := Owed{Parts: 1}
	tests := []struct {
		from  state
		event Event
		at    time.Duration
		to    state
		acts  bool // there is an effect
	}{
		{unstarted, Start{}, soon, running, true},
		{unstarted, ended, soon, unstarted, false},
		{unstarted, broken, soon, unstarted, false},
		{unstarted, Interrupt{}, soon, over, true},
		{unstarted, breach, soon, unstarted, false},
		{unstarted, fatal, soon, unstarted, false},
		{unstarted, Tick{}, atDeadline, unstarted, false},
		{unstarted, Cancel{}, soon, over, true},
		{unstarted, Cancel{Workflow: "browse"}, soon, unstarted, false},
		{unstarted, began, soon, unstarted, false},
		{unstarted, part, soon, unstarted, false},
		{unstarted, owed, soon, unstarted, false},

		{running, Start{}, soon, running, false},
		{running, ended, soon, running, true},
		{running, broken, soon, running, true},
		{running, Interrupt{}, soon, finishing, true},
		{running, breach, soon, finishing, true},
		{running, fatal, soon, finishing, true},
		{running, Tick{}, soon, running, true}, // it came early: the wake is asked for again
		{running, Tick{}, atDeadline, finishing, true},
		{running, Cancel{}, soon, finishing, true},
		{running, Cancel{Workflow: "browse"}, soon, running, true},
		{running, began, soon, running, true},
		{running, part, soon, finishing, true},
		{running, owed, soon, running, false},
		{running, LegAdjusted{Workflow: "browse", Leg: 1, Length: soon}, soon, running, false}, // it has not begun

		{finishing, Start{}, soon, finishing, false},
		{finishing, ended, soon, finishing, true},  // starts the teardown
		{finishing, broken, soon, finishing, true}, // the same
		{finishing, Interrupt{}, soon, cutting, true},
		{finishing, breach, soon, finishing, true},
		{finishing, fatal, soon, finishing, true},
		{finishing, Tick{}, soon, finishing, true}, // the same
		{finishing, Cancel{}, soon, finishing, false},
		{finishing, began, soon, finishing, false}, // it was stopped before it began
		{finishing, part, soon, finishing, false},
		{finishing, owed, soon, finishing, false},

		{cutting, Start{}, soon, cutting, false},
		{cutting, ended, soon, over, true},
		{cutting, broken, soon, over, true},
		{cutting, Interrupt{}, soon, cutting, false},
		{cutting, breach, soon, cutting, false},
		{cutting, fatal, soon, cutting, false},
		{cutting, Tick{}, soon, cutting, true}, // the same
		{cutting, Tick{}, late, over, true},
		{cutting, Cancel{}, soon, cutting, false},
		{cutting, began, soon, cutting, false},
		{cutting, part, soon, cutting, false},
		{cutting, owed, soon, cutting, false},

		{over, Start{}, soon, over, false},
		{over, ended, soon, over, false},
		{over, broken, soon, over, false},
		{over, Interrupt{}, soon, over, false},
		{over, breach, soon, over, false},
		{over, fatal, soon, over, false},
		{over, Tick{}, late, over, false},
		{over, Cancel{}, soon, over, false},
		{over, began, soon, over, false},
		{over, part, soon, over, false},
		{over, owed, soon, over, false},
	}
	for _, test := range tests {
		j := New(tablePlan(t))
		for _, ev := range ways[test.from] {
			j.Step(soon, ev)
		}
		if j.state != test.from {
			t.Fatalf("the way to %d led to %d", test.from, j.state)
		}
		effects := j.Step(test.at, test.event)
		if j.state != test.to || (len(effects) > 0) != test.acts {
			t.Errorf("state %d, %T at %v: state %d, effects %v; want state %d, effects: %v",
				test.from, test.event, test.at, j.state, effects, test.to, test.acts)
		}
	}
}

func TestPhaseOfStates(t *testing.T) {
	want := map[state]hyperscale.Phase{
		unstarted: hyperscale.Waiting, running: hyperscale.Running,
		finishing: hyperscale.Finishing, cutting: hyperscale.Finishing, over: hyperscale.Cancelled,
	}
	for s, way := range ways {
		j := New(tablePlan(t))
		for _, ev := range way {
			j.Step(time.Second, ev)
		}
		if j.Phase() != want[s] {
			t.Errorf("state %d shows as %s, want %s", s, j.Phase(), want[s])
		}
	}
}

// A breach after the cut is not what ended the job, and does not fail it.
func TestWhatComesAfterTheCutChangesNothing(t *testing.T) {
	j := New(tablePlan(t))
	for _, ev := range ways[cutting] {
		j.Step(time.Second, ev)
	}
	j.Step(time.Second, ThresholdBroken{Threshold: "p95 < 1s abort"})
	j.Step(time.Second, StepAborted{Workflow: "browse", Step: "GET /"})
	effects := j.Step(2*time.Second, LegEnded{Workflow: "browse", Leg: 1})
	finish, ok := effects[len(effects)-1].(Finish)
	if !ok || finish.Result.Phase != hyperscale.Cancelled || finish.Result.Breached || finish.Result.BrokenOff {
		t.Errorf("the job ended with %+v", effects)
	}
}
