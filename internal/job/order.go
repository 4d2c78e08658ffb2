package job

import (
	"cmp"

	"hyperscale"
	"hyperscale/internal/schedule"
)

// decide starts a waiting workflow if what it waits for has ended, or ends it if
// it can't be started any more.
func (j *Job) decide(now hyperscale.JobTime, f *flow) {
	if j.state == cutting || j.state == finishing && !f.cleanup() {
		j.cancel(now, f)
		return
	}
	waits := false
	for _, d := range f.w.After {
		before := j.flow(d.Workflow)
		switch {
		case !before.phase.Terminal():
			waits = true
		case d.Always || before.phase == hyperscale.Completed:
		case before.dropped != "":
			f.dropped = before.w.Name + " was cancelled"
			j.cancel(now, f)
			return
		default:
			j.skip(now, f, before.w.Name+" "+fate[before.phase])
			return
		}
	}
	if waits {
		return
	}
	use, missing := j.uses(f)
	if missing != "" {
		j.skip(now, f, "there is no "+missing)
		return
	}
	j.start(now, f, use)
}

// fate says what became of a workflow.
var fate = map[hyperscale.Phase]string{
	hyperscale.Failed:    "failed",
	hyperscale.Skipped:   "was skipped",
	hyperscale.Cancelled: "was cancelled",
	hyperscale.TimedOut:  "was cut short by the deadline",
}

// uses gives the variables that others exported for a workflow, and the first
// that nobody did.
func (j *Job) uses(f *flow) (use []hyperscale.Pair, missing string) {
	for _, u := range f.w.Use {
		value, ok := find(j.flow(u.Workflow).exports, u.Name)
		if !ok {
			return nil, u.Workflow + "." + u.Name
		}
		use = append(use, hyperscale.Pair{Name: u.Local, Value: value})
	}
	return use, ""
}

func find(pairs []hyperscale.Pair, name string) (string, bool) {
	for _, p := range pairs {
		if p.Name == name {
			return p.Value, true
		}
	}
	return "", false
}

// start begins a workflow.
func (j *Job) start(now hyperscale.JobTime, f *flow, use []hyperscale.Pair) {
	if f.w.Load.Kind == hyperscale.LoadSearch {
		f.search = newSearch(f.w.Load.Search)
		j.startProbe(now, f, use)
		return
	}
	j.startLeg(now, f, StartLeg{Load: f.w.Load, Warmup: f.w.Warmup, Use: use})
}

// startProbe begins the next probe of a search.
func (j *Job) startProbe(now hyperscale.JobTime, f *flow, use []hyperscale.Pair) {
	rate, _ := f.search.next()
	load := hyperscale.Load{
		Kind:        hyperscale.LoadOpen,
		Stages:      []hyperscale.Stage{{From: int64(rate), To: int64(rate), Over: f.w.Load.Search.Hold}},
		MaxInFlight: schedule.MaxInFlight(*f.w),
	}
	// The first fifth of a probe is not judged.
	j.startLeg(now, f, StartLeg{Load: load, Warmup: f.w.Load.Search.Hold / 5, Use: use})
}

// startLeg begins a leg of a workflow.
func (j *Job) startLeg(now hyperscale.JobTime, f *flow, e StartLeg) {
	f.phase = hyperscale.Running
	f.leg = leg{number: f.leg.number + 1, at: now, load: e.Load, over: never, cutAt: never, giveUp: never}
	e.Workflow, e.Leg, e.First, e.Graceful = f.w.Name, f.leg.number, f.first, f.w.Graceful
	if f.search != nil {
		f.first += hyperscale.Slot(schedule.NewArrivals(e.Load, j.sourceOf(f)).Total())
	}
	if j.state == finishing {
		f.leg.end(later(now, f.w.Graceful), patienceAtStop)
	}
	j.do(e)
}

// legEnded books the end of a leg that was running.
func (j *Job) legEnded(now hyperscale.JobTime, f *flow, ev LegEnded) {
	once := f.w.Load.Kind == hyperscale.LoadOnce
	switch {
	case f.leg.failure != "":
		j.fail(now, f, f.leg.failure)
	case f.leg.stopped && !once, once && ev.Failed && (f.leg.stopped || f.leg.cut):
		j.cancel(now, f)
	case f.search != nil:
		j.probeEnded(now, f, ev.Probe)
	case once && ev.Failed:
		j.fail(now, f, cmp.Or(ev.Reason, "its iteration failed"))
	default:
		j.complete(now, f, ev.Exports)
	}
}

// probeEnded goes on with a search.
func (j *Job) probeEnded(now hyperscale.JobTime, f *flow, v Verdict) {
	rate, _ := f.search.next()
	f.search.record(ProbeResult{At: f.leg.at, Rate: rate, Verdict: v})
	if _, more := f.search.next(); !more {
		j.mark(now, Found, f.w.Name, describeFinding(f.search.found))
		j.complete(now, f, nil)
		return
	}
	use, _ := j.uses(f)
	j.startProbe(now, f, use)
}

// complete ends a workflow well, if it has the values that it is to export.
func (j *Job) complete(now hyperscale.JobTime, f *flow, exports []hyperscale.Pair) {
	for _, name := range f.w.Export {
		if _, ok := find(exports, name); !ok {
			j.fail(now, f, "it has no "+name+" to export")
			return
		}
	}
	f.exports = exports
	j.end(now, f, hyperscale.Completed, Ended, "")
}

// fail ends a workflow badly.
func (j *Job) fail(now hyperscale.JobTime, f *flow, reason string) {
	if f.w.Load.Kind == hyperscale.LoadOnce {
		j.result.BrokenOff = true
	}
	j.end(now, f, hyperscale.Failed, Failed, reason)
}

// skip ends a workflow that can't be started for want of another one.
func (j *Job) skip(now hyperscale.JobTime, f *flow, reason string) {
	j.end(now, f, hyperscale.Skipped, Skipped, reason)
}

// cancel ends a workflow because it was cancelled, or because the job ends.
func (j *Job) cancel(now hyperscale.JobTime, f *flow) {
	if f.dropped != "" {
		j.end(now, f, hyperscale.Cancelled, Cancelled, f.dropped)
		return
	}
	j.end(now, f, j.stopped, Cancelled, j.result.Reason)
}
