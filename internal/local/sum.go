package local

import (
	"runtime"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/stats"
)

// sumUp makes the result of a run that is over.
func (s *shell) sumUp() *stats.Result {
	end := s.result.Ended
	s.rules.Finish(end)
	r := &stats.Result{
		Plan: s.plan, Phase: s.result.Phase, Started: s.notes.started, Elapsed: end, Tally: s.tally,
		Timeline: s.notes.marks, Stop: s.notes.stop, Thresholds: s.rules.Results(s.tally),
		Generator: stats.Generator{Readings: s.notes.readings, Version: s.cfg.Version, OS: runtime.GOOS, Arch: runtime.GOARCH},
	}
	r.Generator.Lanes = s.engine.Lanes()
	var facts []stats.LoadFacts
	for _, o := range s.result.Workflows {
		f := s.flows[o.Workflow]
		facts = append(facts, stats.LoadFacts{
			Workflow: o.Workflow, Kind: f.Load.Kind, Paced: f.Load.Pace > 0, PlannedVU: f.planned - f.waived,
		})
		r.Workflows = append(r.Workflows, f.result(o))
		if c := f.limited(s.tally.Workflow(f.Name).Slots); c.What != "" {
			c.From, c.To = o.Started, o.Ended
			s.notes.causes = append(s.notes.causes, c)
		}
	}
	r.Verdict = stats.Judge(s.tally, facts, s.notes.causes, stats.Limits{})
	return r
}

// limited is the cause that refused slots are of this machine's doing: of a
// bound that was lowered to what it allows. None if the bound did not matter;
// above one slot in twenty the load was not what the plan asked.
func (f *flow) limited(slots stats.Slots) stats.Cause {
	c := stats.Cause{State: stats.Degraded, What: f.lowered}
	switch {
	case f.lowered == "" || slots.Refused == 0:
		return stats.Cause{}
	case f.Load.Kind == hyperscale.LoadSearch: // which goes on until something gives way
		c.State = stats.Valid
	case slots.Refused*20 > slots.Due:
		c.State = stats.Invalid
	}
	return c
}

// result is how the workflow went.
func (f *flow) result(o job.Outcome) stats.WorkflowResult {
	w := stats.WorkflowResult{Name: o.Workflow, Phase: o.Phase, Start: o.Started, End: o.Ended, PlannedVU: f.planned}
	switch o.Phase {
	case hyperscale.Skipped:
		w.Skipped = o.Reason
	case hyperscale.Failed:
		w.Failure = o.Reason
	}
	if o.Search != nil {
		w.Search = &stats.SearchResult{Rate: o.Search.Rate.Float(), LimitedBy: string(o.Search.LimitedBy), Probes: f.probes}
	}
	return w
}
