package job

import (
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
//
// Running: it starts what is ready. Finishing: loads have ended, what was started
// may go on for its grace (not after an abort, which cuts), and only cleanup is
// started: workflows without load that wait for another one whatever became of
// it ("always"). Cutting: nothing is started, all is cut. In each state a leg
// that goes on long after it was cut is given up, which fails its workflow, and
// once all workflows have ended the job is over.
type Job struct {
	plan  *hyperscale.Plan
	flows []flow // in the plan's order

	state    state
	deadline hyperscale.JobTime
	limit    hyperscale.JobTime // of finishing
	armed    hyperscale.JobTime // the last Wake
	stopped  hyperscale.Phase   // of what the end of the job cut short; "": it runs
	result   Result             // so far
	effects  []Effect           // of the step under way
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
	j := &Job{plan: plan, flows: make([]flow, len(plan.Workflows)), deadline: never, limit: never, armed: never}
	for i := range j.flows {
		j.flows[i] = newFlow(&plan.Workflows[i])
	}
	return j
}

// Phase is where the job is in its life.
func (j *Job) Phase() hyperscale.Phase {
	switch j.state {
	case unstarted:
		return hyperscale.Waiting
	case running:
		return hyperscale.Running
	case over:
		return j.result.Phase
	}
	return hyperscale.Finishing
}

// Workflows is where the workflows stand, in the plan's order.
func (j *Job) Workflows() []Outcome {
	all := make([]Outcome, len(j.flows))
	for i := range j.flows {
		all[i] = j.flows[i].outcome()
	}
	return all
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
		j.arm()
	}
	return j.effects
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
	case LegBegan:
		if f := j.running(ev.Workflow, ev.Leg); f != nil {
			j.legBegan(f, ev.At)
		}
	case LegAdjusted:
		if f := j.running(ev.Workflow, ev.Leg); f != nil {
			j.legAdjusted(now, f, ev)
		}
	case LegEnded:
		if f := j.running(ev.Workflow, ev.Leg); f != nil {
			j.legEnded(now, f, ev)
		}
	case LegBroken:
		if f := j.running(ev.Workflow, ev.Leg); f != nil {
			j.fail(now, f, ev.Reason)
		}
	case Interrupt:
		j.interrupt(now)
	case Cancel:
		j.cancelAsked(now, ev)
	case ThresholdBroken:
		j.breached(now, ev)
	case StepAborted:
		j.stepAborted(now, ev)
	}
}

func (j *Job) do(e Effect) { j.effects = append(j.effects, e) }

func (j *Job) mark(at hyperscale.JobTime, what What, workflow, detail string) {
	j.do(Mark{At: at, What: what, Workflow: workflow, Detail: detail})
}

// running is the workflow whose leg that is; nil if it does not run.
func (j *Job) running(workflow string, number int) *flow {
	f := j.flow(workflow)
	if f == nil || !f.active() || f.leg.number != number {
		return nil
	}
	return f
}

func (j *Job) flow(workflow string) *flow {
	for i := range j.flows {
		if j.flows[i].w.Name == workflow {
			return &j.flows[i]
		}
	}
	return nil
}

// settle starts or ends each workflow that waits for nothing any more, and with
// the last one the job.
func (j *Job) settle(now hyperscale.JobTime) {
	for again := true; again; {
		again = false
		for i := range j.flows {
			if f := &j.flows[i]; f.phase == hyperscale.Waiting {
				j.decide(now, f)
				again = again || f.phase != hyperscale.Waiting
			}
		}
	}
	if !slices.ContainsFunc(j.flows, func(f flow) bool { return !f.phase.Terminal() }) {
		j.finish(now)
	}
}

// finish ends the job.
func (j *Job) finish(now hyperscale.JobTime) {
	r := &j.result
	r.Ended, r.Workflows = now, j.Workflows()
	r.Phase = hyperscale.Completed
	switch {
	case r.Breached || r.BrokenOff || slices.ContainsFunc(j.flows, is(hyperscale.Failed)):
		r.Phase = hyperscale.Failed
	case j.stopped != "":
		r.Phase = j.stopped
	case !slices.ContainsFunc(j.flows, is(hyperscale.Completed)):
		// One after the other they were cancelled, and what waits for them with them.
		if i := slices.IndexFunc(j.flows, is(hyperscale.Cancelled)); i >= 0 {
			r.Phase, r.Reason = hyperscale.Cancelled, j.flows[i].reason
		}
	}
	if i := slices.IndexFunc(j.flows, is(hyperscale.Failed)); i >= 0 && r.Reason == "" {
		r.Reason = j.flows[i].w.Name + " failed: " + j.flows[i].reason
	}
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
	for i := range j.flows {
		next = min(next, j.flows[i].next())
	}
	return next
}

// arm asks to be woken then. A Tick has used up the wake before it, early or not.
func (j *Job) arm() {
	next := j.next()
	if next != j.armed && next != never {
		j.do(Wake{At: next})
	}
	j.armed = next
}
