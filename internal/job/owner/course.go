package owner

import (
	"cmp"
	"slices"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/link"
)

// course is the job as it goes on: its state machine is told what came about, and
// what it decides is done to its legs.
type course struct{ *losing }

// job gives the state machine of the job an event and does what follows.
func (o *course) job(ev job.Event) {
	o.change()
	together := uint64(0) // the want of the legs that begin in this step
	for _, e := range o.story.step(o.at(), ev) {
		switch e := e.(type) {
		case job.StartLeg:
			l := (&leg{Leg: e, head: head{Stage: wanting, Want: together}}).by(o.cfg.Plan)
			o.readjust(l)
			o.state.Legs = append(o.state.Legs, l)
			if together == 0 {
				o.want(l)
				together = l.Want
			}
		case job.StopLeg:
			o.halt(e.Workflow, e.Leg, halt{At: o.at(), Within: e.Within})
		case job.CutLeg:
			o.halt(e.Workflow, e.Leg, halt{At: o.at(), Cut: true})
		case job.Mark:
			o.tell(hyperscale.Event{At: e.At, What: string(e.What), Workflow: e.Workflow, Node: hyperscale.NodeID(e.Place), Detail: e.Detail})
		case job.Finish:
			o.finish(e.Result)
		}
	}
	o.giveUp()
}

// giveUp lets the shares go of legs that the job does not wait for any more.
func (o *course) giveUp() {
	for _, l := range o.state.Legs {
		if l.Stage != ended && !o.story.job.Waits(l.workflow(), l.Leg.Leg) {
			begun := l.begun()
			if o.up != nil && l.Stop == nil { // its parent wants it no more
				l.Stop = &halt{At: o.at(), Cut: true}
			}
			o.releaseAll(l)
			l.Stage = ended
			o.brokenOff(l, begun)
		}
	}
}

// brokenOff tells the parent of a part that it came to no end of its own.
func (o *course) brokenOff(l *leg, begun bool) {
	reason := o.story.outcome(l.workflow()).Reason
	switch {
	case !begun:
		o.handUp(l, nil, broken{State: link.Refused, Reason: reason})
	case l.quit:
		o.handUp(l, &link.Ending{Interrupted: true, Reason: reason, Stopped: o.at()}, broken{State: link.Stopped, Reason: reason})
	default:
		o.handUp(l, &link.Ending{Failed: true, Reason: reason, Stopped: o.at()}, broken{})
	}
}

// releaseAll lets the shares of a leg go that are not over. Of a workflow that was
// cancelled those are named who did not confirm it.
func (o *course) releaseAll(l *leg) {
	cancelled := slices.ContainsFunc(o.story.job.Workflows(), func(w job.Outcome) bool {
		return w.Workflow == l.workflow() && w.Phase == hyperscale.Cancelled
	})
	for _, s := range l.Shares {
		if s.over() {
			continue
		}
		if cancelled && s.placed() && s.Started {
			o.tell(hyperscale.Event{
				What: "unconfirmed", Workflow: l.workflow(), Node: s.Holder.Node,
				Detail: "it did not say that it stopped; it does so by itself if it hears no owner",
			})
		}
		o.release(l, s)
	}
}

// denied ends what wanted cores that it will never have.
func (o *course) denied(ev Denied) {
	for _, l := range slices.Clone(o.state.Legs) {
		if l.Want != ev.Want || o.over != nil {
			continue
		}
		switch {
		case l.Stage == wanting:
			o.job(job.LegBroken{Workflow: l.workflow(), Leg: l.Leg.Leg, Reason: cmp.Or(l.Refusal, ev.Reason)})
		case l.short():
			o.want(l) // the load goes on without these slots, which are missed; perhaps somebody comes
		}
	}
}

// unbriefed ends a leg that can't be put into words for its engines.
func (o *course) unbriefed(ev Unbriefed) {
	l, _ := o.state.share(ev.Hold)
	if l == nil || o.over != nil {
		return
	}
	o.job(job.LegBroken{Workflow: l.workflow(), Leg: l.Leg.Leg, Reason: ev.Reason})
}
