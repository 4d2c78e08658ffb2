package job

import (
	"hyperscale"
)

// flow is the life of one workflow.
//
//	Waiting → Running → Finishing → Completed
//
// Finishing is left out by loads whose end the plan does not tell. A flow that
// waits may become Skipped (what it waited for failed) or what the end of the job
// makes of it; one that runs may become Failed, or that. A search is Running
// again with each probe.
type flow struct {
	w       *hyperscale.Workflow
	phase   hyperscale.Phase
	reason  string // why it did not complete
	started hyperscale.JobTime
	ended   hyperscale.JobTime
	leg     leg               // the last one started
	first   hyperscale.Slot   // of the next leg
	search  *search           // of a search that has begun
	exports []hyperscale.Pair // once completed
	dropped string            // why it alone was cancelled; "": it was not
}

// leg is one stretch of load: a workflow's, or one probe of its search.
type leg struct {
	number  int // from 1
	load    hyperscale.Load
	at      hyperscale.JobTime // when its load began; before that, when it was decided
	begun   bool               // its load has
	stages  []Mark             // still to come
	over    hyperscale.JobTime // when the load ends by the plan; never: unknown, or passed
	cutAt   hyperscale.JobTime // when grace ends; never: it does not, or did
	giveUp  hyperscale.JobTime // when it is no longer waited for
	stopped bool               // before its load was over
	cut     bool
	failure string // what fails its workflow when it ends
}

func newFlow(w *hyperscale.Workflow) flow {
	return flow{w: w, phase: hyperscale.Waiting, leg: leg{over: never, cutAt: never, giveUp: never}}
}

// active reports whether a leg of the flow runs.
func (f *flow) active() bool {
	return f.phase == hyperscale.Running || f.phase == hyperscale.Finishing
}

// cleanup reports whether the flow is to run even when the job ends early.
func (f *flow) cleanup() bool {
	for _, d := range f.w.After {
		if d.Always {
			return f.w.Load.Kind == hyperscale.LoadOnce
		}
	}
	return false
}

// short notes that the flow's leg is ended before its time, if it is. A load that
// is over has had its time, but a search has not until it has found.
func (f *flow) short() {
	if f.phase == hyperscale.Running || f.search != nil {
		f.leg.stopped, f.phase = true, hyperscale.Finishing
	}
	f.leg.stages, f.leg.over = nil, never
}

// next is when something happens to the flow by itself.
func (f *flow) next() hyperscale.JobTime {
	if !f.active() {
		return never
	}
	next := min(f.leg.over, f.leg.cutAt, f.leg.giveUp)
	if len(f.leg.stages) > 0 {
		next = min(next, f.leg.stages[0].At)
	}
	return next
}

// grace is how long what was started may go on if the flow is stopped now: of a
// load that is over what is left of it.
func (f *flow) grace(now hyperscale.JobTime) hyperscale.JobTime {
	switch {
	case f.leg.cut:
		return 0
	case f.phase == hyperscale.Finishing:
		return max(f.leg.cutAt-now, 0)
	}
	return f.w.Graceful
}

// end bounds the leg: it is cut at the time given, and given up after patience.
func (l *leg) end(at, patience hyperscale.JobTime) {
	l.cutAt = min(l.cutAt, at)
	l.giveUp = min(l.giveUp, later(at, patience))
}

func (f *flow) outcome() Outcome {
	o := Outcome{Workflow: f.w.Name, Phase: f.phase, Reason: f.reason, Started: f.started, Ended: f.ended}
	if f.search != nil {
		found := f.search.found
		found.Probes = found.Probes[:len(found.Probes):len(found.Probes)]
		o.Search = &found
	}
	return o
}
