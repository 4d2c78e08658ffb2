package tier

import (
	"context"
	"errors"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/node"
)

// Cancel ends a job, or one workflow of it.
func (t front) Cancel(ctx context.Context, who rpc.Caller, c rpc.Cancellation) (rpc.CancelStatus, error) {
	t.log.Info("audit", "what", "cancel", "job", c.Job, "workflow", c.Workflow, "client", clientOf(who), "from", who.Address)
	asking, stop := context.WithTimeout(ctx, cancelTime)
	defer stop()
	if d := t.registry.desk(c.Job); d != nil {
		if status, err := d.cancel(asking, who, c); err == nil {
			return status, nil
		} // it could not be written down in time, or another owns the job by now
	}
	saved, err := own.Look(asking, t.deps.Store, c.Job)
	switch {
	case errors.Is(err, own.ErrNotFound):
		return rpc.NothingToCancel, nil
	case asking.Err() != nil || errors.Is(err, store.ErrUnavailable):
		return "", t.halt(ctx, who, c)
	case err != nil:
		return "", explain(err)
	case saved.Head.Phase.Terminal() && c.Workflow != "" && !t.hadWorkflow(ctx, c.Job, saved, c.Workflow):
		return rpc.NothingToCancel, nil
	case saved.Head.Phase == hyperscale.Cancelled:
		return rpc.AlreadyCancelled, nil
	case saved.Head.Phase.Terminal():
		return rpc.AlreadyCompleted, nil
	}
	return "", t.registry.notOwner(c.Job)
}

// hadWorkflow reports whether a job that has ended had a workflow. Once its plan is
// forgotten it is believed.
func (t front) hadWorkflow(ctx context.Context, job hyperscale.JobID, saved own.Saved, workflow string) bool {
	status := t.statusOf(job, saved.Head, saved.Owner)
	t.describeEnded(ctx, &status)
	return len(status.Workflows) == 0 || slices.ContainsFunc(status.Workflows, func(w rpc.WorkflowStatus) bool { return w.Name == workflow })
}

// cancelTime is how long a cancel may take to be written down before load is stopped
// without that.
const cancelTime = 2 * time.Second

// halt stops the load of a job whose cancel can't be written down now: the children
// are shown that the client wants it. The error says so; the wish has to be asked
// for again, or is told to the job's owner by the children.
func (t front) halt(ctx context.Context, who rpc.Caller, c rpc.Cancellation) error {
	proof := c.Proof
	if proof == nil && !who.Proved { // nobody here has certificates: its word is enough
		proof = &link.Proof{Job: c.Job, Workflow: c.Workflow, By: who.ID.String()}
	}
	if proof == nil || proof.Job != c.Job || proof.Workflow != c.Workflow {
		return rpc.Errorf(rpc.Unavailable, "the store does not answer, so the cancel of job %s can't be written down", c.Job)
	}
	told, err := ask(ctx, t.Tier, func(n *node.Node) int {
		effects, children := n.Halt(*proof)
		nodeLoop(t).performAll(ctx, effects)
		return children
	})
	if err != nil {
		return err
	}
	t.log.Info("audit", "what", "halt", "job", c.Job, "workflow", c.Workflow, "client", clientOf(who), "children", told)
	return rpc.Errorf(rpc.Unavailable, "the store does not answer, so the cancel of job %s can't be written down yet; its load is stopped all the same, on %ss: %d", c.Job, t.cfg.child(), told)
}

// cancel gives the wish to the owner and waits until it is written down.
func (d *desk) cancel(ctx context.Context, who rpc.Caller, c rpc.Cancellation) (rpc.CancelStatus, error) {
	by := clientOf(who)
	if c.Reason != "" {
		by += ": " + c.Reason
	}
	answer := make(chan rpc.CancelStatus, 1)
	err := d.ask(ctx, func() {
		d.asked.token++
		d.asked.cancels[d.asked.token] = answer
		d.step(owner.Cancel{Token: d.asked.token, Workflow: c.Workflow, By: by})
	})
	if err != nil {
		return "", err
	}
	select {
	case status, ok := <-answer:
		if !ok {
			return "", rpc.Errorf(rpc.Unavailable, "job %s changes its owner; ask again", d.job)
		}
		return status, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
