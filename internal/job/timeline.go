package job

import (
	"time"

	"hyperscale"
	"hyperscale/internal/schedule"
)

// Span is when a workflow runs by the plan. Of a search the longest is told.
type Span struct {
	Workflow   string
	Start, End hyperscale.JobTime // if whatever comes before needs no grace; End is that of its load

	// LatestStart and LatestEnd are the same if every grace is used up.
	LatestStart, LatestEnd hyperscale.JobTime

	// Open: the plan does not say how long it takes, but its work does. Then and
	// for those after it the times are the earliest.
	Open bool
}

// Timeline is when the workflows of a plan run, in the plan's order.
func Timeline(plan *hyperscale.Plan) []Span {
	all := make([]Span, len(plan.Workflows))
	place := make(map[string]int, len(all))
	for i := range all {
		place[plan.Workflows[i].Name] = i
	}
	known := make([]bool, len(all))
	var visit func(i int) Span
	visit = func(i int) Span {
		if !known[i] {
			known[i] = true
			w := &plan.Workflows[i]
			s := Span{Workflow: w.Name}
			for _, d := range w.After {
				before := visit(place[d.Workflow])
				s.Start, s.LatestStart = max(s.Start, before.End), max(s.LatestStart, before.LatestEnd)
			}
			all[i] = s.through(w, plan.Seed)
		}
		return all[i]
	}
	for i := range all {
		visit(i)
	}
	return all
}

// through gives a span that has its starts its ends.
func (s Span) through(w *hyperscale.Workflow, seed uint64) Span {
	length, grace, known := lengthOf(w, seed)
	s.Open = !known
	s.End = later(s.Start, length)
	s.LatestEnd = later(later(s.LatestStart, length), grace)
	return s
}

// lengthOf is how long a workflow's load goes on by the plan, and how long it may
// take to finish. It is not known where only the work itself ends the load.
func lengthOf(w *hyperscale.Workflow, seed uint64) (length, grace hyperscale.JobTime, known bool) {
	if w.Load.Kind == hyperscale.LoadSearch {
		probes := hyperscale.JobTime(mostProbes(w.Load.Search))
		return probes * w.Load.Search.Hold, probes * w.Graceful, true
	}
	length, known = loadLength(w.Load, hyperscale.NewSource(seed, w.Name))
	if known {
		grace = w.Graceful
	}
	return length, grace, known
}

// loadLength is how long a load other than a search goes on by the plan.
func loadLength(load hyperscale.Load, source hyperscale.Source) (length hyperscale.JobTime, known bool) {
	switch load.Kind {
	case hyperscale.LoadOpen:
		return schedule.NewArrivals(load, source).End(), true
	case hyperscale.LoadClosed:
		return schedule.NewUsers(load).End(), true
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		return load.For, load.For > 0
	}
	return 0, false
}

// Length is the planned length of a job: until the latest end of its workflows,
// without those of which only the work itself tells how long it takes.
func Length(plan *hyperscale.Plan) hyperscale.JobTime {
	var end hyperscale.JobTime
	for _, s := range Timeline(plan) {
		end = max(end, s.LatestEnd)
	}
	return end
}

// The room that a deadline leaves beyond the planned length, and for a number of
// iterations without a cap on their time.
const (
	deadlineRoom = 15 * time.Minute
	workRoom     = 24 * time.Hour
)

// DefaultDeadline is the deadline of a plan that gives none: its planned length
// and 15 minutes, and with a load of so many iterations and no cap on their time
// at least 24 hours.
func DefaultDeadline(plan *hyperscale.Plan) time.Duration {
	deadline := later(Length(plan), deadlineRoom)
	for i := range plan.Workflows {
		load := &plan.Workflows[i].Load
		work := load.Kind == hyperscale.LoadIterations || load.Kind == hyperscale.LoadEach
		if work && load.For == 0 {
			deadline = max(deadline, workRoom)
		}
	}
	return deadline
}

// never is later than everything.
const never = hyperscale.JobTime(1<<63 - 1)

// later is t + d, or never.
func later(t, d hyperscale.JobTime) hyperscale.JobTime { return t + min(d, never-t) }
