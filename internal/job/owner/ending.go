package owner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
)

// cancel ends a workflow, or the job, because a client wants it. It is written
// down before it is answered.
func (o *course) cancel(ev Cancel) {
	status := o.cancelStatus(ev.Workflow)
	if status == CancelPending {
		o.change()
		o.tell(hyperscale.Event{What: "cancel", Workflow: ev.Workflow, Detail: "asked for by " + ev.By})
		o.cancelled(job.Cancel{Workflow: ev.Workflow, By: ev.By})
	}
	o.say(Answer{Token: ev.Token, Status: status})
}

// cancelledAt hears from a child that a client cancelled its load, whose wish could
// not be written down then.
func (o *course) cancelledAt(child hyperscale.NodeID, workflow string, by link.Cancelled) {
	if by.Whole {
		workflow = ""
	}
	if by.By == "" || o.over != nil || o.cancelStatus(workflow) != CancelPending {
		return
	}
	o.change()
	o.tell(hyperscale.Event{
		What: "cancel", Workflow: workflow, Node: child, Detail: "was shown to it while nothing could be written down, by " + by.By,
	})
	o.cancelled(job.Cancel{Workflow: workflow, By: by.By, Shown: true})
}

// cancelled ends a workflow, or with "" the job, as a client wants it. Of a job that
// is led what is here of it ends, and the parent is told, which ends the rest.
func (o *course) cancelled(ev job.Cancel) {
	o.job(ev)
	if o.up == nil {
		return
	}
	if o.state.Cancels == nil {
		o.state.Cancels = map[string]string{}
	}
	o.state.Cancels[ev.Workflow] = ev.By
	for _, l := range slices.Clone(o.state.Legs) {
		if ev.Workflow == "" || l.workflow() == ev.Workflow {
			o.job(job.Halt{Workflow: l.workflow(), Leg: l.Leg.Leg, Within: l.Leg.Graceful})
		}
	}
}

// cancelStatus is what can become of a wish to cancel.
func (o *course) cancelStatus(workflow string) CancelStatus {
	phase := o.phase()
	if workflow != "" {
		found := false
		for _, w := range o.story.job.Workflows() {
			if w.Workflow == workflow {
				phase, found = w.Phase, true
			}
		}
		if !found {
			return CancelUnknown
		}
	}
	if o.over != nil { // after a takeover no more of its workflows is known
		phase = o.over.Phase
	}
	switch {
	case phase == hyperscale.Cancelled || o.story.cancelled(workflow):
		return AlreadyCancelled
	case phase.Terminal():
		return AlreadyOver
	}
	return CancelPending
}

// finish closes the books: the job is over. What is said from here on is its
// result.
func (o *course) finish(r job.Result) {
	for _, l := range o.state.Legs {
		o.releaseAll(l)
	}
	o.over = &r
	o.closeAll()
	o.join()
	o.change()
	o.tell(hyperscale.Event{What: JobEnded, Detail: strings.TrimSuffix(string(r.Phase)+": "+r.Reason, ": ")})
	o.show = true
	if !o.cfg.Datacenters {
		return // who holds something says so, and is told to drop it
	}
	for _, node := range slices.Sorted(maps.Keys(o.kids)) {
		o.order(o.kids[node].Holder, o.farewell(link.Hold{Job: o.cfg.Job}), nil)
	}
}

// farewell is the order to drop what is held of a job that is over.
func (o *orders) farewell(h link.Hold) link.Order {
	order := link.Order{Do: link.Drop, Hold: h}
	if h.Workflow == "" {
		order.Phase, order.Reason = o.over.Phase, o.over.Reason
	}
	return order
}

// Forsaken is what came of a job that was ended FAILED without its owner, by what was
// saved of it: its records in order, and the job time of the last save. Whoever held
// slots then may have gone on, for how long nobody can tell: what is booked ends at
// that time, and what may have been begun after is in the bound alone.
func Forsaken(cfg Config, records [][]byte, clock hyperscale.JobTime, reason string) ([]byte, error) {
	o, err := Read(cfg, records, clock)
	if err != nil {
		return nil, err
	}
	r := job.Result{Phase: hyperscale.Failed, Reason: reason, Ended: clock}
	for _, w := range o.story.job.Workflows() {
		if !w.Phase.Terminal() {
			w.Phase, w.Reason, w.Ended = hyperscale.Failed, reason, clock
		}
		r.Workflows = append(r.Workflows, w)
	}
	o.course.cutOff(clock)
	o.course.finish(r)
	return o.result(), nil
}

// cutOff lets the books of all that runs end at a job time, after which nobody here can
// tell what holders did.
func (o *course) cutOff(at hyperscale.JobTime) {
	o.dark.blind = true
	for _, l := range o.state.Legs {
		if l.Stop == nil {
			l.Stop = &halt{At: at}
		}
		for _, x := range l.Holes {
			x.Blind = true
		}
	}
}

// abandon ends the job because it was without an owner for too long.
func (o *course) abandon(silence time.Duration) {
	reason := fmt.Sprintf("it was without an owner for %v", silence.Round(time.Second))
	if o.up != nil {
		o.job(job.Over{Phase: hyperscale.Failed, Reason: reason})
		return
	}
	for _, l := range slices.Clone(o.state.Legs) {
		if l.Stage != ended {
			o.job(job.LegBroken{Workflow: l.workflow(), Leg: l.Leg.Leg, Reason: reason})
		}
	}
}
