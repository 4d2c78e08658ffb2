package job

import (
	"cmp"

	"hyperscale"
)

// because notes why the job ends before its time, and what the workflows are
// that this cuts short. The first reason stays.
func (j *Job) because(phase hyperscale.Phase, reason string) {
	if j.stopped == "" {
		j.stopped, j.result.Reason = phase, reason
	}
}

// interrupt is the user's wish to end: first by letting finish what was started,
// then at once.
func (j *Job) interrupt(now hyperscale.JobTime) {
	if j.state == cutting {
		return
	}
	j.result.Interrupted = true
	j.because(hyperscale.Cancelled, "interrupted")
	if j.state == finishing {
		j.cut(now, CutShort, "interrupted again")
		return
	}
	j.stop(now, Interrupted)
}

// pastDeadline ends the job like an interrupt, with a bound on all of it.
func (j *Job) pastDeadline(now hyperscale.JobTime) {
	j.result.PastDeadline = true
	j.because(hyperscale.TimedOut, "past its deadline of "+hyperscale.FormatDuration(j.plan.Deadline))
	j.limit = later(later(now, j.stop(now, Deadline)), patienceAtStop)
}

// stop ends all loads before their time; what was started may go on for its
// grace. It gives the longest.
func (j *Job) stop(now hyperscale.JobTime, why What) (longest hyperscale.JobTime) {
	j.state = finishing
	for i := range j.list {
		if f := &j.list[i]; f.active() {
			longest = max(longest, f.grace(now))
		}
	}
	j.mark(now, why, "", "what was started may finish, for up to "+hyperscale.FormatDuration(longest))
	for i := range j.list {
		if f := &j.list[i]; f.active() {
			j.stopLeg(now, f, why == Cancelled)
		}
	}
	return longest
}

// stopLeg ends the load of a flow before its time. If a client cancelled it, those
// who run it have longer to confirm.
func (j *Job) stopLeg(now hyperscale.JobTime, f *flow, cancelled bool) {
	grace, patience := f.grace(now), patienceAtStop
	if cancelled {
		patience = max(patience, confirming-grace)
	}
	f.short()
	j.do(StopLeg{Workflow: f.w.Name, Leg: f.leg.number, Within: grace})
	f.leg.end(later(now, grace), patience)
}

// cancelAsked is somebody's wish that a workflow, or the job, ends. What would
// have come after a cancelled workflow is cancelled with it.
func (j *Job) cancelAsked(now hyperscale.JobTime, ev Cancel) {
	reason := cancelledBy(ev.By)
	for i := range j.list {
		if f := &j.list[i]; ev.Shown && f.active() && (ev.Workflow == "" || f.w.Name == ev.Workflow) {
			f.leg.stopped = true // though by the plan its load may be over by now
		}
	}
	if ev.Workflow == "" {
		if j.state == running {
			j.because(hyperscale.Cancelled, reason)
			j.stop(now, Cancelled)
		}
		return
	}
	f := j.flow(ev.Workflow)
	switch {
	case f == nil || f.phase.Terminal() || f.dropped != "":
	case f.active():
		f.dropped = reason
		j.stopLeg(now, f, true)
	default:
		f.dropped = reason
		j.end(now, f, hyperscale.Cancelled, Cancelled, reason)
	}
}

func cancelledBy(who string) string {
	if who == "" {
		return "cancelled"
	}
	return "cancelled by " + who
}

// breached ends the job because of a threshold. When all is being cut it is not
// what ended the job.
func (j *Job) breached(now hyperscale.JobTime, ev ThresholdBroken) {
	if j.state != cutting {
		j.result.Breached = true
		j.abort(now, "threshold "+ev.Threshold)
	}
}

// stepAborted ends the job because of a step that failed, and fails its workflow.
func (j *Job) stepAborted(now hyperscale.JobTime, ev StepAborted) {
	f := j.flow(ev.Workflow)
	if j.state == cutting || f == nil || !f.active() {
		return
	}
	f.leg.failure = "step " + ev.Step + " failed (on-error: abort)"
	j.result.BrokenOff = true
	j.abort(now, ev.Workflow+": "+f.leg.failure)
}

// partFailed fails the leg of which a part has failed, at its end or, with the whole job,
// now. That may be told only after the leg has ended.
func (j *Job) partFailed(now hyperscale.JobTime, ev PartFailed) {
	if j.stopped != "" {
		return // how it ended then is no news
	}
	j.failed = cmp.Or(j.failed, ev.Reason)
	if f := j.running(ev.Workflow, ev.Leg); f != nil {
		f.leg.failure = cmp.Or(f.leg.failure, ev.Reason)
	}
	if ev.AtOnce {
		j.abort(now, ev.Reason)
	}
}

// abort ends the job with nothing allowed to finish; cleanup follows.
func (j *Job) abort(now hyperscale.JobTime, reason string) {
	j.because(hyperscale.Cancelled, reason)
	j.mark(now, Aborted, "", reason)
	j.state = finishing
	j.cutLegs(now)
}

// cut ends the job without any cleanup that has not begun.
func (j *Job) cut(now hyperscale.JobTime, why What, detail string) {
	j.mark(now, why, "", detail)
	j.state, j.limit = cutting, never
	j.cutLegs(now)
}

func (j *Job) cutLegs(now hyperscale.JobTime) {
	for i := range j.list {
		if f := &j.list[i]; f.active() {
			f.short()
			j.cutLeg(f)
			f.leg.giveUp = min(f.leg.giveUp, later(now, patienceAtStop))
		}
	}
}

// expire does what the time has come for.
func (j *Job) expire(now hyperscale.JobTime) {
	j.flows.expire(now, j.giveUp)
	if j.state == running && j.deadline <= now {
		j.pastDeadline(now)
	}
	if j.state == finishing && j.limit <= now {
		j.cut(now, CutShort, "the time for finishing has passed")
	}
}

// giveUp ends a workflow that did not end when it was cut. If a client cancelled it
// that is what it is, though not all who run it confirmed; the same if parts of it were
// waited for until the deadline.
func (j *Job) giveUp(now hyperscale.JobTime, f *flow) {
	r := &j.result
	switch {
	case f.dropped != "":
		j.end(now, f, hyperscale.Cancelled, Cancelled, f.dropped+unconfirmed)
	case j.stopped == hyperscale.Cancelled && !r.Interrupted && !r.Breached && !r.BrokenOff:
		j.end(now, f, hyperscale.Cancelled, Cancelled, r.Reason+unconfirmed)
	case j.patient && j.stopped == hyperscale.TimedOut:
		j.end(now, f, hyperscale.TimedOut, Cancelled, r.Reason+unconfirmed)
	default:
		j.fail(now, f, "it did not end when it was cut")
	}
}

// unconfirmed follows the reason of a workflow that was given up.
const unconfirmed = "; not all who run it have confirmed that"
