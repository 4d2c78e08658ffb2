package job

import (
	"hyperscale"
)

// flows are the flows of one job, with what their legs do whoever decides over them:
// times that are known once a load begins, and what follows when they have come.
type flows struct {
	plan    *hyperscale.Plan
	list    []flow
	armed   hyperscale.JobTime // the last Wake
	effects []Effect           // of the step under way
	patient bool               // legs that do not end are not given up
}

func (j *flows) do(e Effect) { j.effects = append(j.effects, e) }

func (j *flows) mark(at hyperscale.JobTime, what What, workflow, detail string) {
	j.do(Mark{At: at, What: what, Workflow: workflow, Detail: detail})
}

// running is the flow whose leg that is; nil if it does not run.
func (j *flows) running(workflow string, number int) *flow {
	for i := range j.list {
		if f := &j.list[i]; f.w.Name == workflow && f.active() && f.leg.number == number {
			return f
		}
	}
	return nil
}

// sourceOf is where the draws of a workflow come from.
func (j *flows) sourceOf(f *flow) hyperscale.Source {
	return hyperscale.NewSource(j.plan.Seed, f.w.Name)
}

// timed takes what changes the times of a leg.
func (j *flows) timed(now hyperscale.JobTime, ev Event) {
	switch ev := ev.(type) {
	case LegBegan:
		if f := j.running(ev.Workflow, ev.Leg); f != nil {
			j.legBegan(f, ev)
		}
	case LegAdjusted:
		if f := j.running(ev.Workflow, ev.Leg); f != nil {
			j.legAdjusted(now, f, ev)
		}
	}
}

// legBegan sets the times of a leg whose load begins.
func (j *flows) legBegan(f *flow, ev LegBegan) {
	at := ev.At
	if f.leg.begun || f.leg.stopped {
		return
	}
	f.leg.begun, f.leg.at = true, at
	if f.leg.number == 1 {
		f.started = at
		j.mark(at, Started, f.w.Name, describe(f.w.Load))
	}
	if f.search != nil {
		rate, _ := f.search.next()
		j.mark(at, Probe, f.w.Name, rate.String())
	}
	if ev.Length != 0 {
		j.lasts(f, ev.Length)
		return
	}
	if length, known := loadLength(f.leg.load, j.sourceOf(f)); known {
		j.lasts(f, length)
		f.leg.stages = stageMarks(f.w.Name, f.leg.load, at, f.leg.over)
	}
}

// lasts sets when a leg is over that lasts so long; below zero: nobody knows.
func (j *flows) lasts(f *flow, length hyperscale.JobTime) {
	f.leg.stages, f.leg.over, f.leg.cutAt, f.leg.giveUp = nil, never, never, never
	if length >= 0 {
		f.leg.over = later(f.leg.at, length)
		f.leg.end(later(f.leg.over, f.w.Graceful), j.patience())
	}
}

// legAdjusted sets the times of a leg whose load was changed by hand. What the plan
// says of its stages counts no more.
func (j *flows) legAdjusted(now hyperscale.JobTime, f *flow, ev LegAdjusted) {
	if !f.leg.begun || f.leg.stopped || f.phase != hyperscale.Running {
		return
	}
	j.mark(now, Adjusted, f.w.Name, ev.What)
	j.lasts(f, ev.Length)
}

// patience is how long beyond its grace a leg may take to end by itself.
func (j *flows) patience() hyperscale.JobTime {
	if j.patient {
		return never
	}
	return patience
}

// cutLeg cuts a leg that was not cut before.
func (j *flows) cutLeg(f *flow) {
	f.leg.cutAt = never
	if !f.leg.cut {
		f.leg.cut = true
		j.do(CutLeg{Workflow: f.w.Name, Leg: f.leg.number})
	}
}

// expire does what the time of legs has come for. A leg that did not end when it was
// cut is given up as the function does it.
func (j *flows) expire(now hyperscale.JobTime, giveUp func(hyperscale.JobTime, *flow)) {
	for i := range j.list {
		if f := &j.list[i]; f.active() {
			j.expireLeg(now, f)
			if f.leg.giveUp <= now {
				giveUp(now, f)
			}
		}
	}
}

func (j *flows) expireLeg(now hyperscale.JobTime, f *flow) {
	l := &f.leg
	for len(l.stages) > 0 && l.stages[0].At <= now {
		j.do(l.stages[0])
		l.stages = l.stages[1:]
	}
	if l.over <= now {
		j.mark(l.over, LoadOver, f.w.Name, "")
		f.phase, l.over = hyperscale.Finishing, never
	}
	if l.cutAt <= now {
		j.mark(now, Cut, f.w.Name, "the time to finish what was started is over")
		j.cutLeg(f)
	}
}

// end ends a flow.
func (j *flows) end(now hyperscale.JobTime, f *flow, phase hyperscale.Phase, what What, reason string) {
	f.phase, f.reason, f.ended = phase, reason, now
	j.mark(now, what, f.w.Name, reason)
}

// next is when something happens to a flow by itself; never: not at all.
func (j *flows) next() hyperscale.JobTime {
	next := never
	for i := range j.list {
		next = min(next, j.list[i].next())
	}
	return next
}

// arm asks to be woken then. A Tick has used up the wake before it, early or not.
func (j *flows) arm(next hyperscale.JobTime) {
	if next != j.armed && next != never {
		j.do(Wake{At: next})
	}
	j.armed = next
}
