package job

import (
	"cmp"
	"slices"

	"hyperscale"
)

// Course is what decides over the legs of a job: a [Job], by its plan, or a [Led], as
// a parent says.
type Course interface {
	// Step decides what an event at the job time now means. Times never fall from one
	// step to the next.
	Step(now hyperscale.JobTime, ev Event) []Effect
	// Phase is where the job is in its life.
	Phase() hyperscale.Phase
	// Workflows is where the workflows stand, in the plan's order.
	Workflows() []Outcome
	// Waits reports whether the end of a leg is waited for.
	Waits(workflow string, leg int) bool
}

// Led is the life of a job of which a parent decides: it is given legs, of one
// workflow one after the other or beside each other, may be told to stop them before
// their time, and is told when all is over. What follows from the time of a leg it
// does by itself, for the parent may not be heard.
//
// A leg has here a number of its own, whatever the parent calls it.
type Led struct {
	flows // one for each leg, in the order in which they were given
	began bool
	over  *Result
}

// NewLed is a job that was given nothing yet. The plan is as for [New].
func NewLed(plan *hyperscale.Plan) *Led { return &Led{flows: flows{plan: plan, armed: never}} }

// Phase is where the job is in its life.
func (l *Led) Phase() hyperscale.Phase {
	switch {
	case l.over != nil:
		return l.over.Phase
	case l.began:
		return hyperscale.Running
	}
	return hyperscale.Waiting
}

// Step decides what an event at the job time now means.
func (l *Led) Step(now hyperscale.JobTime, ev Event) []Effect {
	l.effects = nil
	if l.over != nil {
		return nil
	}
	switch ev := ev.(type) {
	case Start:
		l.began = true
	case Tick:
		l.armed = never
	case Lead:
		l.lead(now, ev.Leg)
	case LegBegan, LegAdjusted:
		l.timed(now, ev)
	case LegEnded:
		l.legEnded(now, ev)
	case LegBroken:
		if f := l.running(ev.Workflow, ev.Leg); f != nil {
			l.end(now, f, hyperscale.Failed, Failed, ev.Reason)
		}
	case Halt:
		l.halt(now, ev)
	case Withdraw:
		if f := l.running(ev.Workflow, ev.Leg); f != nil {
			l.end(now, f, hyperscale.Cancelled, Cancelled, "its parent wants it no more")
		}
	case Over:
		l.finish(now, ev)
		return l.effects
	}
	l.expire(now, func(now hyperscale.JobTime, f *flow) {
		l.end(now, f, hyperscale.Failed, Failed, "it did not end when it was cut")
	})
	l.arm(l.next())
	return l.effects
}

// lead begins a leg.
func (l *Led) lead(now hyperscale.JobTime, e StartLeg) {
	i := slices.IndexFunc(l.plan.Workflows, func(w hyperscale.Workflow) bool { return w.Name == e.Workflow })
	if i < 0 {
		return
	}
	e.Leg = 1
	for k := range l.list {
		if l.list[k].w.Name == e.Workflow {
			e.Leg++
		}
	}
	f := newFlow(&l.plan.Workflows[i])
	f.phase = hyperscale.Running
	f.leg = leg{number: e.Leg, at: now, load: e.Load, over: never, cutAt: never, giveUp: never}
	l.list = append(l.list, f)
	l.do(e)
}

// legEnded books the end of a leg.
func (l *Led) legEnded(now hyperscale.JobTime, ev LegEnded) {
	f := l.running(ev.Workflow, ev.Leg)
	switch {
	case f == nil:
	case f.leg.stopped || f.leg.cut && ev.Failed:
		l.end(now, f, hyperscale.Cancelled, Cancelled, cmp.Or(ev.Reason, "its parent stopped it"))
	case ev.Failed:
		l.end(now, f, hyperscale.Failed, Failed, ev.Reason)
	default:
		l.end(now, f, hyperscale.Completed, Ended, "")
	}
}

// halt ends a leg before its time. Told again it may be cut, or have less time.
func (l *Led) halt(now hyperscale.JobTime, ev Halt) {
	f := l.running(ev.Workflow, ev.Leg)
	if f == nil || f.leg.cut {
		return
	}
	f.short()
	if ev.Cut {
		l.cutLeg(f)
		f.leg.giveUp = min(f.leg.giveUp, later(now, patienceAtStop))
		return
	}
	l.do(StopLeg{Workflow: ev.Workflow, Leg: ev.Leg, Within: ev.Within})
	f.leg.end(later(now, ev.Within), confirming)
}

// finish ends the job as the parent says it ended.
func (l *Led) finish(now hyperscale.JobTime, ev Over) {
	for i := range l.list {
		if f := &l.list[i]; f.active() {
			l.end(now, f, hyperscale.Cancelled, Cancelled, "the job is over")
		}
	}
	r := Result{Phase: ev.Phase, Reason: ev.Reason, Ended: now, Workflows: l.Workflows()}
	l.over = &r
	l.do(Finish{Result: r})
}

// Waits reports whether the end of a leg is waited for.
func (l *Led) Waits(workflow string, leg int) bool { return l.running(workflow, leg) != nil }

// Workflows is where the workflows stand, in the plan's order: where a leg that goes
// on stands, or else how the last one ended.
func (l *Led) Workflows() []Outcome {
	all := make([]Outcome, len(l.plan.Workflows))
	for i := range all {
		all[i] = Outcome{Workflow: l.plan.Workflows[i].Name, Phase: hyperscale.Waiting}
		if l.over != nil {
			all[i].Phase, all[i].Reason = hyperscale.Skipped, "nothing of it was given to this datacenter"
		}
		for k := range l.list {
			f := &l.list[k]
			if f.w.Name != all[i].Workflow || !f.active() && !all[i].Phase.Terminal() && all[i].Phase != hyperscale.Waiting {
				continue
			}
			started := all[i].Started
			all[i] = f.outcome()
			all[i].Started = cmp.Or(started, all[i].Started)
		}
	}
	return all
}
