package job

import (
	"cmp"
	"slices"
	"time"

	"hyperscale"
)

// Job is the life of one job on one machine. It is in one of five states, and
// each event has an answer in each of them ("–": none):
//
//	           Start      LegEnded, LegBroken    Interrupt    Cancel       ThresholdBroken,  Tick
//	                                                                       StepAborted
//	unstarted  → running  –                      → over       → over       –                 –
//	running    –          book; start the next   → finishing  → finishing  → finishing, cut  grace over: cut the leg; deadline: → finishing
//	finishing  –          book; start cleanup    → cutting    –            cut               grace over: cut the leg; limit: → cutting
//	cutting    –          book                   –            –            –                 –
//	over       –          –                      –            –            –                 –
//
// LegBegan sets the times of its leg in every state that has legs, and LegAdjusted
// those of one that was not stopped. Cancel of one
// workflow, not of the job, stops that one alone and leaves the state as it is.
// PartFailed that is to end all at once is as StepAborted; Owed keeps a job running
// whose workflows have ended.
//
// Running: it starts what is ready. Finishing: loads have ended, what was started
// may go on for its grace (not after an abort, which cuts), and only cleanup is
// started: workflows without load that wait for another one whatever became of
// it ("always"). Cutting: nothing is started, all is cut. In each state a leg
// that goes on long after it was cut is given up, which fails its workflow, and
// once all workflows have ended the job is over.
type Job struct {
	flows // in the plan's order

	state    state
	deadline hyperscale.JobTime
	limit    hyperscale.JobTime // of finishing
	stopped  hyperscale.Phase   // of what the end of the job cut short; "": it runs
	result   Result             // so far
	owed     Owed
	failed   string // why it fails, whatever becomes of its workflows
}

type state int

const (
	unstarted state = iota
	running
	finishing
	cutting
	over
)

// Beyond grace, this is how long a leg may take to end: by itself, and after the
// job was told to stop.
const (
	patience       = 30 * time.Second
	patienceAtStop = 5 * time.Second

	confirming = 60 * time.Second // how long a cancel waits at most for those who are to stop
)

// New is a job that has not started. The plan is complete and has no cycle, as
// its reader promises, and does not change any more.
func New(plan *hyperscale.Plan) *Job {
	j := &Job{flows: flows{plan: plan, list: make([]flow, len(plan.Workflows)), armed: never}, deadline: never, limit: never}
	for i := range j.list {
		j.list[i] = newFlow(&plan.Workflows[i])
	}
	return j
}

// NewParted is a job whose legs are run in parts by others, who see to it that each
// comes to an end: it waits for them until its deadline.
func NewParted(plan *hyperscale.Plan) *Job {
	j := New(plan)
	j.patient = true
	return j
}

// Phase is where the job is in its life.
func (j *Job) Phase() hyperscale.Phase {
	switch j.state {
	case unstarted:
		return hyperscale.Waiting
	case running:
		if j.allEnded() {
			break
		}
		return hyperscale.Running
	case over:
		return j.result.Phase
	}
	return hyperscale.Finishing
}

// Step decides what an event at the job time now means. Times never fall from
// one step to the next.
func (j *Job) Step(now hyperscale.JobTime, ev Event) []Effect {
	j.effects = nil
	if _, ok := ev.(Tick); ok {
		j.armed = never
	}
	switch j.state {
	case unstarted:
		j.begin(now, ev)
	case running, finishing, cutting:
		j.take(now, ev)
	}
	if j.state == running || j.state == finishing || j.state == cutting {
		j.expire(now)
		j.settle(now)
		for j.next() <= now { // what was just decided may be over at once
			j.expire(now)
			j.settle(now)
		}
		j.arm(j.next())
	}
	return j.effects
}

// Workflows is where the workflows stand, in the plan's order.
func (j *Job) Workflows() []Outcome {
	all := make([]Outcome, len(j.list))
	for i := range j.list {
		all[i] = j.list[i].outcome()
	}
	return all
}

// Waits reports whether the end of a leg is waited for.
func (j *Job) Waits(workflow string, leg int) bool { return j.running(workflow, leg) != nil }

// flow is that of a workflow; nil: there is none.
func (j *Job) flow(workflow string) *flow {
	for i := range j.list {
		if j.list[i].w.Name == workflow {
			return &j.list[i]
		}
	}
	return nil
}

// begin is the first event that means something.
func (j *Job) begin(now hyperscale.JobTime, ev Event) {
	switch ev := ev.(type) {
	case Start:
		j.state = running
		if j.plan.Deadline > 0 {
			j.deadline = later(now, j.plan.Deadline)
		}
	case Interrupt:
		j.result.Interrupted = true
		j.because(hyperscale.Cancelled, "interrupted")
		j.cut(now, Interrupted, "before the start")
	case Cancel:
		if ev.Workflow == "" {
			j.because(hyperscale.Cancelled, cancelledBy(ev.By))
			j.cut(now, Cancelled, "before the start")
		}
	}
}

// take books an event of a job that has started and is not over.
func (j *Job) take(now hyperscale.JobTime, ev Event) {
	switch ev := ev.(type) {
	case LegBegan, LegAdjusted:
		j.timed(now, ev)
	case LegEnded:
		if f := j.running(ev.Workflow, ev.Leg); f != nil {
			j.legEnded(now, f, ev)
		}
	case LegBroken:
		if f := j.running(ev.Workflow, ev.Leg); f != nil {
			j.fail(now, f, ev.Reason)
		}
	case PartFailed:
		j.partFailed(now, ev)
	case Owed:
		j.owed = ev
	case Interrupt:
		j.interrupt(now)
	case Cancel:
		j.cancelAsked(now, ev)
	case ThresholdBroken:
		j.breached(now, ev)
	case StepAborted:
		j.stepAborted(now, ev)
	case abortedElsewhere:
		j.result.BrokenOff = true
		j.abort(now, ev.reason)
	}
}

// settle starts or ends each workflow that waits for nothing any more, and with
// the last one the job.
func (j *Job) settle(now hyperscale.JobTime) {
	for again := true; again; {
		again = false
		for i := range j.list {
			if f := &j.list[i]; f.phase == hyperscale.Waiting {
				j.decide(now, f)
				again = again || f.phase != hyperscale.Waiting
			}
		}
	}
	if j.allEnded() && (j.owed.Parts == 0 || j.state != running) {
		j.finish(now)
	}
}

// allEnded reports whether all workflows have.
func (j *Job) allEnded() bool {
	return !slices.ContainsFunc(j.list, func(f flow) bool { return !f.phase.Terminal() })
}

// finish ends the job.
func (j *Job) finish(now hyperscale.JobTime) {
	r := &j.result
	r.Ended, r.Workflows = now, j.Workflows()
	r.Phase = hyperscale.Completed
	switch {
	case r.Breached || r.BrokenOff || j.failed != "" || slices.ContainsFunc(j.list, is(hyperscale.Failed)):
		r.Phase = hyperscale.Failed
	case j.stopped != "":
		r.Phase = j.stopped
	case !slices.ContainsFunc(j.list, is(hyperscale.Completed)):
		// One after the other they were cancelled, and what waits for them with them.
		if i := slices.IndexFunc(j.list, is(hyperscale.Cancelled)); i >= 0 {
			r.Phase, r.Reason = hyperscale.Cancelled, j.list[i].reason
		}
	case j.owed.Unheard != "" && !j.owed.Excused:
		r.Phase, r.Reason = hyperscale.TimedOut, j.owed.Unheard
	}
	if r.Phase == hyperscale.Completed {
		r.Reason = j.owed.Unheard
	}
	if i := slices.IndexFunc(j.list, is(hyperscale.Failed)); i >= 0 && r.Reason == "" {
		r.Reason = j.list[i].w.Name + " failed: " + j.list[i].reason
	}
	r.Reason = cmp.Or(r.Reason, j.failed)
	j.state = over
	j.do(Finish{Result: *r})
}

// is reports of a workflow whether it is in that phase.
func is(phase hyperscale.Phase) func(flow) bool {
	return func(f flow) bool { return f.phase == phase }
}

// next is when something happens by itself; never: not at all.
func (j *Job) next() hyperscale.JobTime {
	if j.state == over {
		return never
	}
	next := j.limit
	if j.state == running {
		next = j.deadline
	}
	return min(next, j.flows.next())
}
