package account

import (
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/stats"
)

// Sum makes the result of a run that is over; started is the wall clock at job
// time 0. Of the generator only what windows told is filled in.
func (a *Account) Sum(over job.Result, started time.Time) *stats.Result {
	a.Rules.Finish(over.Ended)
	r := &stats.Result{
		Plan: a.plan, Phase: over.Phase, Started: started, Elapsed: over.Ended, Tally: a.Tally,
		Timeline: a.marks, Stop: a.stop, Thresholds: a.Rules.Results(a.Tally),
		Losses:    a.losses,
		Generator: stats.Generator{Readings: a.Tally.Generator()},
	}
	var facts []stats.LoadFacts
	for _, o := range over.Workflows {
		f := a.flow(o.Workflow)
		facts = append(facts, stats.LoadFacts{
			Workflow: o.Workflow, Kind: f.Load.Kind, Paced: f.Load.Pace > 0, PlannedVU: f.planned - f.waived,
		})
		r.Workflows = append(r.Workflows, f.result(o))
		for _, c := range f.limited(a.Tally.Workflow(f.Name).Slots) {
			c.From, c.To = o.Started, o.Ended
			a.Cause(c)
		}
	}
	causes := append(stats.LossCauses(a.losses), a.causes...)
	r.Datacenters = a.places.results(facts, causes)
	r.Verdict = stats.Judge(a.Tally, facts, append(causes, a.places.addUp(a.Tally)...), stats.Limits{})
	return r
}

// limited are the causes that refused slots are of the generator's doing: of a
// bound that was lowered to what a node has room for. None if the bound did not
// matter; above one slot in twenty the load was not what the plan asked.
func (f *flow) limited(slots stats.Slots) []stats.Cause {
	if slots.Refused == 0 {
		return nil
	}
	state := stats.Degraded
	switch {
	case f.Load.Kind == hyperscale.LoadSearch: // which goes on until something gives way
		state = stats.Valid
	case slots.Refused*20 > slots.Due:
		state = stats.Invalid
	}
	var causes []stats.Cause
	for _, l := range f.lowered {
		causes = append(causes, stats.Cause{State: state, What: l.How, Node: l.Node})
	}
	return causes
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
