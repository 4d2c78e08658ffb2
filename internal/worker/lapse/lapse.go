// Package lapse says what the schedule of a share held while no engine ran it: a
// pure function of the load and of what the share's windows told. What the
// windows told, what lapsed, and what the engine does that goes on add up to the
// schedule exactly.
package lapse

import (
	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/schedule"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
	"hyperscale/internal/worker/agent"
)

// Load is what has to be known of a share's load.
type Load struct {
	hyperscale.Load
	Source hyperscale.Source // the workflow's
	First  hyperscale.Slot   // number of an open load's first slot
	Warmup hyperscale.JobTime
	From   link.Reserve // where the turn began, if another holder had the share before

	Adjustments []hyperscale.Adjustment // of the job, those that its brief told of
}

// resume is where virtual users go on after an engine that was granted the reserve.
// One that was granted none may have begun what needs no word: see [schedule.Ahead].
func (l *Load) resume(share hyperscale.Share, granted link.Reserve) link.Reserve {
	if granted == (link.Reserve{}) {
		granted.Place, granted.Pass = schedule.Ahead(l.Load, share)
		granted.Place += l.From.Place
		granted.Pass += l.From.Pass
	}
	r := link.Reserve{Place: max(granted.Place, l.From.Place), Pass: max(granted.Pass, l.From.Pass)}
	switch l.Kind {
	case hyperscale.LoadIterations:
		r.Place = min(r.Place, schedule.NewIterations(l.Load).Count(share))
	case hyperscale.LoadEach:
		r.Pass = min(r.Pass, l.Iterations)
	}
	return r
}

// Of says what the schedule held from a share's last window until another engine
// goes on, and where that one does. Slots due before the engine died, of which no
// window told, were probably started and are lost; those due from then on are missed.
// Of the last adjustments it may not have heard, and have begun what is not due under
// them. Of virtual users everything before the reserve is lost that no window told of;
// in a closed load nothing more is due than what was begun.
func (l *Load) Of(g agent.Gone) agent.Lapse {
	adjustments := l.Adjustments
	for _, text := range g.Adjusted {
		// Each tells all that were made; one that can't be read no engine ran under.
		if a, err := spec.DecodeAdjustments(text); err == nil && len(a.List) > len(adjustments) {
			adjustments = a.List
		}
	}
	changes := schedule.Changes(adjustments, g.Hold.Workflow, g.Begin)
	switch l.Kind {
	case hyperscale.LoadOpen:
		return l.open(g, changes)
	case hyperscale.LoadClosed:
		return agent.Lapse{
			Losses: l.parts(g, ends(g, schedule.NewUsers(l.Load, changes...).End())), Next: l.resume(g.Hold.Share, g.Reserve),
		}
	}
	var due int64
	share := g.Hold.Share
	reserve := l.resume(share, g.Reserve)
	switch l.Kind {
	case hyperscale.LoadOnce:
		due = schedule.NewIterations(l.Load).Count(share)
	case hyperscale.LoadEach:
		due = (reserve.Pass - l.From.Pass) * schedule.NewIterations(l.Load).Count(share)
	case hyperscale.LoadIterations:
		due = reserve.Place - l.From.Place
	}
	losses := l.parts(g, ends(g, schedule.Cap(l.For, changes)))
	losses[0].Lost = above(uint64(max(due, 0)), g.Due)
	return agent.Lapse{Losses: losses, Next: reserve, Over: l.Kind == hyperscale.LoadOnce}
}

const never = hyperscale.JobTime(1<<63 - 1)

// ends is the job time that is so long after the load's beginning.
func ends(g agent.Gone, length hyperscale.JobTime) hyperscale.JobTime {
	if length > never-g.Begin {
		return never
	}
	return g.Begin + length
}

// open is the lapse of arrivals.
func (l *Load) open(g agent.Gone, changes []schedule.Change) agent.Lapse {
	all := schedule.NewArrivals(l.Load, l.Source, changes...)
	before := l.before(g, all)
	heard := []func(hyperscale.JobTime) int64{before} // slots due before a time, by what it may have heard of
	for i := len(changes) - 1; i >= 0 && changes[i].Number > g.Adjustment; i-- {
		heard = append(heard, l.before(g, schedule.NewArrivals(l.Load, l.Source, changes[:i]...)))
	}
	next := max(before(g.Hold.Share.From), l.From.Place) + int64(g.Due) // what the windows told of; the rest was due or is
	losses := l.parts(g, ends(g, all.End()))
	for i := range losses {
		x := &losses[i]
		died := next
		for _, before := range heard {
			died = max(died, before(min(x.To, g.Died)))
		}
		x.Lost, x.Missed = schedule.Lapsed(next, died, before(x.To))
		next += int64(x.Lost + x.Missed)
	}
	return agent.Lapse{Losses: losses, Next: link.Reserve{Place: next}}
}

// before counts the slots of the share that are due before a job time.
func (l *Load) before(g agent.Gone, all *schedule.Arrivals) func(hyperscale.JobTime) int64 {
	return func(t hyperscale.JobTime) int64 {
		return g.Hold.Share.Count(int64(l.First) + all.Before(max(t-g.Begin, 0)))
	}
}

// parts cuts the time from the last window up to where another goes on at the
// ends of warm-up and load. There is always one part.
func (l *Load) parts(g agent.Gone, end hyperscale.JobTime) []stats.Losses {
	from := max(g.Reach, g.Begin, g.Hold.Share.From)
	to := max(from, g.Back)
	warm := min(ends(g, l.Warmup), end)
	var parts []stats.Losses
	for _, p := range []stats.Interval{
		{From: from, To: min(to, warm), Stretch: stats.InWarmup},
		{From: max(from, warm), To: min(to, end), Stretch: stats.InLoad},
		{From: max(from, end), To: to, Stretch: stats.InGrace},
	} {
		if p.From < p.To {
			parts = append(parts, stats.Losses{Interval: p})
		}
	}
	if parts == nil {
		parts = []stats.Losses{{Interval: stats.Interval{From: from, To: to, Stretch: l.stretch(from, warm, end)}}}
	}
	return parts
}

func (l *Load) stretch(at, warm, end hyperscale.JobTime) stats.Stretch {
	switch {
	case at < warm:
		return stats.InWarmup
	case at < end:
		return stats.InLoad
	}
	return stats.InGrace
}

// above is a − b, or 0 when b is greater.
func above(a, b uint64) uint64 {
	if b >= a {
		return 0
	}
	return a - b
}
