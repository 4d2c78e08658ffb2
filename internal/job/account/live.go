package account

import (
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/schedule"
	"hyperscale/internal/stats"
)

// rateHistory is how many seconds of rates a live view is given.
const rateHistory = 300

// live is what is kept for the live view.
type live struct {
	windows  []*stats.Window // of seconds not taken in yet
	second   hyperscale.JobTime
	now      stats.Now
	rates    []float64
	warnings []string
	stopping string
}

func (l *live) add(w *stats.Window) { l.windows = append(l.windows, w) }

// take gives the windows that begin before the end of a second.
func (l *live) take(second hyperscale.JobTime) []*stats.Window {
	i := 0
	var out []*stats.Window
	for _, w := range l.windows {
		if w.From < second {
			out = append(out, w)
		} else {
			l.windows[i] = w
			i++
		}
	}
	l.windows = l.windows[:i]
	return out
}

// warn notes a warning of the generator's self-watch, once.
func (l *live) warn(text string) {
	if !slices.Contains(l.warnings, text) {
		l.warnings = append(l.warnings, text)
	}
}

// Glance takes in the second of job time that ends now, of which all windows have
// come: rates and warnings of live views are made from it. It is called once a
// second.
func (a *Account) Glance(second hyperscale.JobTime) {
	windows := a.live.take(second)
	a.live.second, a.live.now = second, stats.Glance(time.Second, windows...)
	a.live.rates = append(a.live.rates, a.live.now.Rate)
	if n := len(a.live.rates); n > rateHistory {
		a.live.rates = slices.Clone(a.live.rates[n-rateHistory:])
	}
	a.live.selfWatch(windows)
}

// Progress is a picture of the run at the last [Account.Glance]; standing is where
// its workflows stand.
func (a *Account) Progress(standing []job.Outcome) stats.Progress {
	p := stats.Progress{
		Name: a.plan.Name, Target: a.plan.Target, Elapsed: a.live.second, Planned: a.plannedLength(standing),
		Now: a.live.now, Rates: slices.Clone(a.live.rates), Thresholds: a.Rules.Results(a.Tally),
		Warnings: slices.Clone(a.live.warnings), Marks: slices.Clone(a.marks), Stopping: a.live.stopping,
	}
	p.Workflows = a.Standing(standing)
	for _, o := range standing {
		p.Steps = append(p.Steps, a.steps(o.Workflow)...)
	}
	return p
}

// Standing is how far the workflows are at the last [Account.Glance], as a part of
// [Account.Progress] which costs little.
func (a *Account) Standing(standing []job.Outcome) []stats.WorkflowProgress {
	var list []stats.WorkflowProgress
	for _, o := range standing {
		list = append(list, a.standing(o))
	}
	return list
}

// selfWatch turns what the generator saw of itself into warnings.
func (l *live) selfWatch(windows []*stats.Window) {
	var r stats.Readings
	for _, w := range windows {
		r.Merge(w.Watch)
	}
	if r.Saturated > 0 {
		l.warn("a lane is saturated: this machine may set the rate")
	}
	if l.now.Lateness > 100*time.Millisecond {
		l.warn("requests start more than 100 ms late: this machine is too slow or too busy")
	}
	if r.ClockStep > 100*time.Millisecond {
		l.warn("the clock was set while the test ran")
	}
	if r.DescriptorCap > 0 && r.Descriptors > r.DescriptorCap*9/10 {
		l.warn("nearly all descriptors of this process are in use")
	}
}

// standing is where a workflow stands.
func (a *Account) standing(o job.Outcome) stats.WorkflowProgress {
	f := a.flow(o.Workflow)
	p := stats.WorkflowProgress{Name: o.Workflow, Phase: o.Phase}
	if o.Phase == hyperscale.Waiting || o.Phase == hyperscale.Skipped {
		return p
	}
	slots := a.Tally.Slots(o.Workflow)
	p.InFlight = int64(slots.InFlight())
	changes, into := a.changes(f.Name, o.Started), a.into(o)
	p.Paused = o.Phase == hyperscale.Running && schedule.PausedAt(changes, into)
	switch f.Load.Kind {
	case hyperscale.LoadClosed:
		p.VUs = schedule.NewUsers(f.Load, changes...).At(into)
		p.Done = part(into-schedule.Paused(changes, into), f.length)
	case hyperscale.LoadOpen:
		p.Rate = rateUnder(changes, into, rateAt(f.Load.Stages, into))
		p.Done = part(into-schedule.Paused(changes, into), f.length)
		if f.Load.Arrivals > 0 { // a change of the rate moves its end
			p.Done = part(hyperscale.JobTime(slots.Due), hyperscale.JobTime(f.Load.Arrivals*int64(max(o.Copies, 1))))
		}
	case hyperscale.LoadSearch:
		if n := len(f.probes); n > 0 {
			p.Rate = f.probes[n-1].Rate
		}
	default:
		w := schedule.NewIterations(f.Load)
		p.VUs = w.VUs
		p.Done = min(float64(slots.Completed+slots.Failed+slots.Interrupted)/float64(max(w.Total()*int64(max(o.Copies, 1)), 1)), 1)
	}
	if o.Copies > 0 { // that is of each that runs
		p.VUs, p.Rate = p.VUs*int64(o.Active), p.Rate*float64(o.Active)
	}
	if o.Phase.Terminal() {
		p.VUs = 0
	}
	if o.Phase == hyperscale.Completed {
		p.Done = 1
	}
	return p
}

// into is how far into its load a workflow is, or was when it ended.
func (a *Account) into(o job.Outcome) hyperscale.JobTime {
	if o.Phase.Terminal() {
		return min(a.live.second, o.Ended) - o.Started
	}
	return a.live.second - o.Started
}

// rateAt is the level of an open load's stages at t, in slots per second.
func rateAt(stages []hyperscale.Stage, t hyperscale.JobTime) float64 {
	for _, s := range stages {
		if t < s.Over {
			return hyperscale.Rate(s.From).Float() + (hyperscale.Rate(s.To)-hyperscale.Rate(s.From)).Float()*float64(t)/float64(s.Over)
		}
		t -= s.Over
	}
	return 0
}

// rateUnder is the level of an open load under changes, if it would be the given
// one without.
func rateUnder(changes []schedule.Change, t hyperscale.JobTime, rate float64) float64 {
	for _, c := range changes {
		if c.At <= t && c.Do == hyperscale.AdjustRate {
			rate = c.Rate.Float()
		}
	}
	if schedule.PausedAt(changes, t) {
		return 0
	}
	return rate
}

// part is a ÷ b, at most 1.
func part(a, b hyperscale.JobTime) float64 {
	if b <= 0 {
		return 1
	}
	return min(max(float64(a)/float64(b), 0), 1)
}

// plannedLength is how long the loads of the plan go on if no workflow before
// another needs its grace, and if what is paused is resumed now; 0 when only the
// work itself tells.
func (a *Account) plannedLength(standing []job.Outcome) hyperscale.JobTime {
	spans := job.Timeline(a.plan)
	var end, longest hyperscale.JobTime
	for i, o := range standing {
		into := a.into(o)
		paused := schedule.Paused(a.changes(o.Workflow, o.Started), into)
		if o.Phase == hyperscale.Waiting {
			paused = longest // of those before it
		}
		longest = max(longest, paused)
		if spans[i].End > 0 {
			end = max(end, spans[i].End+paused)
		}
	}
	return end
}

// steps are a workflow's requests and groups so far.
func (a *Account) steps(workflow string) []stats.StepProgress {
	var list []stats.StepProgress
	for _, name := range a.Tally.Steps(workflow) {
		group, shown := a.flow(workflow).groups[name]
		if !shown {
			continue
		}
		sel := a.Tally.Step(workflow, name)
		list = append(list, stats.StepProgress{
			Workflow: workflow, Step: name, Group: group,
			Requests: sel.Requests, Response: stats.QuantilesOf(&sel.Sample.Response),
		})
	}
	return list
}
