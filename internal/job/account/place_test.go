package account

import (
	"encoding/json"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/stats"
)

// What places promised of a closed load is together what the load did, though one was
// lost and another went on with its virtual users; and so after it was written down.
func TestPlacesPromiseTheLoad(t *testing.T) {
	plan := adjustable(hyperscale.LoadClosed)
	a := New(plan)
	half, other := hyperscale.Share{Lo: 0, Hi: 1, Of: 2, Turn: 1}, hyperscale.Share{Lo: 1, Hi: 2, Of: 2, Turn: 2}
	cover := hyperscale.Share{Lo: 1, Hi: 2, Of: 2, Turn: 3, From: 6 * time.Second}
	a.Ended(Leg{
		Workflow: "a", Number: 1, Load: plan.Workflows[0].Load, Share: hyperscale.Whole, Begin: 2 * time.Second, Stopped: 12 * time.Second, Waived: time.Second,
		Parts: []Part{
			{Place: "us", Share: half, Until: 12 * time.Second, Waived: time.Second},
			{Place: "eu", Share: other, Until: 6 * time.Second},
			{Place: "ap", Share: cover, Until: 12 * time.Second},
		},
	})
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = Read(plan, text); err != nil {
		t.Fatal(err)
	}
	r := a.Sum(job.Result{Phase: hyperscale.Completed, Workflows: []job.Outcome{{Workflow: "a", Phase: hyperscale.Completed}}}, time.Time{})
	if got := r.Workflows[0].PlannedVU; got != 40*time.Second {
		t.Errorf("%v were promised", got)
	}
	for i, want := range []struct {
		name    string
		planned time.Duration
	}{{"ap", 12 * time.Second}, {"eu", 8 * time.Second}, {"us", 20 * time.Second}} {
		if d := r.Datacenters[i]; d.Name != want.name || d.PlannedVU[0] != want.planned {
			t.Errorf("%s promised %v", d.Name, d.PlannedVU)
		}
	}
}

// A joint that is counted for the whole and for no place is said to be an identity
// that does not hold; and each place has the causes that are its own.
func TestPlacesAddUp(t *testing.T) {
	one := func(workers string) *stats.Window {
		w := &stats.Window{Interval: stats.Interval{To: time.Second}, Watch: stats.Readings{Node: workers}}
		w.ID.Workflow, w.Due = "a", 3
		w.Slots.Started, w.Completed = 3, 3
		for range 3 {
			w.Lateness.Record(time.Millisecond)
		}
		return w
	}
	for _, missing := range []bool{false, true} {
		a := New(adjustable(hyperscale.LoadOpen))
		a.Joint(one("eu/w1"), "eu")
		a.Joint(one("us/w1"), map[bool]string{false: "us"}[missing])
		a.Loss(stats.Loss{Node: "us/w1", Workflow: "a", Lost: 1})
		a.Cause(stats.Cause{State: stats.Degraded, Node: "eu", What: "slow"})
		r := a.Sum(job.Result{Phase: hyperscale.Completed, Workflows: []job.Outcome{{Workflow: "a", Phase: hyperscale.Completed}}}, time.Time{})
		if got := r.Verdict.State == stats.Invalid; got != missing {
			t.Errorf("one is missing: %v, and the verdict is %+v", missing, r.Verdict)
		}
		if missing {
			continue
		}
		eu, us := r.Datacenters[0], r.Datacenters[1]
		if len(eu.Verdict.Causes) != 1 || eu.Verdict.Causes[0].What != "slow" || len(us.Verdict.Causes) != 1 || us.Verdict.Causes[0].Node != "us/w1" {
			t.Errorf("%+v\n%+v", eu.Verdict, us.Verdict)
		}
		if nodes := us.Tally.Nodes(); len(nodes) != 1 || nodes[0].Node != "us/w1" {
			t.Errorf("%+v", nodes)
		}
	}
}
