package owner

import (
	"strings"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/stats"
)

// cancel ends a workflow, or the job, because a client wants it. It is written
// down before it is answered.
func (o *Owner) cancel(ev Cancel) {
	status := o.cancelStatus(ev.Workflow)
	if status == CancelPending {
		o.change()
		o.tell(hyperscale.Event{What: "cancel", Workflow: ev.Workflow, Detail: "asked for by " + ev.By})
		o.job(job.Cancel{Workflow: ev.Workflow, By: ev.By})
	}
	o.say(Answer{Token: ev.Token, Status: status})
}

// cancelStatus is what can become of a wish to cancel.
func (o *Owner) cancelStatus(workflow string) CancelStatus {
	phase := o.Phase()
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
func (o *Owner) finish(r job.Result) {
	for _, l := range o.state.Legs {
		for _, s := range l.Shares {
			if !s.over() {
				o.release(l, s)
			}
		}
	}
	o.over = &r
	o.closeAll()
	o.join()
	o.change()
	o.tell(hyperscale.Event{What: JobEnded, Detail: strings.TrimSuffix(string(r.Phase)+": "+r.Reason, ": ")})
	o.desk.show = true
}

// result is what came of the job.
func (o *Owner) result() []byte {
	r := o.story.account.Sum(*o.over, o.cfg.Accepted)
	r.Job = o.cfg.Job
	holders := make(map[given]hyperscale.NodeID, len(o.state.Given))
	for _, g := range o.state.Given {
		holders[given{Workflow: g.Workflow, Share: g.Share}] = g.Node
	}
	r.Workers = stats.Workers(r.Tally, func(s stats.Standing) string {
		return string(holders[given{Workflow: s.Workflow, Share: s.Share}])
	})
	b, err := r.AppendBinary(nil)
	if err != nil {
		panic("owner: the result can't be written down: " + err.Error())
	}
	return b
}
