package tier

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/spec"
	"hyperscale/internal/tier/node"
)

// Led is the node towards the tier above, which leads jobs that are owned here: what
// [child.Manager] wants is done by it, and what that is to hear is taken from it.
type Led struct{ *Tier }

// Led is for whoever keeps up the links to the tier above.
func (t *Tier) Led() Led { return Led{t} }

// News is what the plain code is to hear of jobs here; nil: there is no tier above.
func (l Led) News() *mailbox.Mailbox[child.Event] { return l.above }

// Do does what the plain code wants that is for the owner of a job here. What is for
// others is not its business.
func (l Led) Do(ctx context.Context, e child.Effect) {
	switch e := e.(type) {
	case child.Ordered:
		l.ordered(ctx, e)
	case child.Route:
		l.put(e.Job, owner.ParentAt{Link: e.Link, Epoch: e.Epoch, Level: e.Level})
	case child.Receipted:
		l.put(e.Job, owner.ParentTells{Receipt: e.Receipt})
	case child.Word:
		l.put(e.Job, owner.TopHeard{Age: e.Age})
		l.node.Put(node.JobTop{Job: e.Job, Age: e.Age})
	}
}

func (l Led) put(job hyperscale.JobID, ev owner.Event) {
	if d := l.registry.desk(job); d != nil {
		d.put(ev)
	}
}

// ordered gives an order to the owner of its job, which is begun with its first part.
func (l Led) ordered(ctx context.Context, e child.Ordered) {
	if e.Order.Proof != nil {
		l.cancelled(e)
		return
	}
	ev := owner.Ordered{Order: e.Order}
	switch e.Order.Do {
	case link.Prepare:
		a, err := spec.DecodeAssignment(e.Order.Brief)
		if err != nil {
			l.log.Warn("a part of a job can't be read", "job", e.Order.Hold.Job, "gate", e.By, "reason", err)
			return
		}
		ev.Prepare = prepareOf(a)
		if l.registry.desk(e.Order.Hold.Job) == nil {
			l.begin(ctx, e, a, ev)
			return
		}
	case link.Adjust:
		a, err := spec.DecodeAdjustments(e.Order.Brief)
		if err != nil {
			l.log.Warn("adjustments of a job can't be read", "job", e.Order.Hold.Job, "gate", e.By, "reason", err)
			return
		}
		ev.Adjust = a.List
	}
	l.put(e.Order.Hold.Job, ev)
}

// cancelled obeys a client that shows that it wants an end, whichever gate passes that on:
// the one that owns the job may not be able to write it down. It is told upward.
func (l Led) cancelled(e child.Ordered) {
	d, p := l.registry.desk(e.Order.Hold.Job), e.Order.Proof
	if d == nil {
		return // whoever owns it here hears it, too
	}
	who, err := rpc.CheckProof(l.deps.Dialing.Certificates, l.deps.Dialing.Self, p)
	tenant, _, _ := strings.Cut(d.holding.client, "/")
	switch {
	case err != nil:
	case p.Job != d.job:
		err = fmt.Errorf("it is of job %s", p.Job)
	case tenant != who.Tenant:
		err = fmt.Errorf("%s is of another tenant than whose job it is, %q", who.Who(), tenant)
	}
	if err != nil {
		d.log.Warn("a client's cancel is refused", "gate", e.By, "reason", err)
		return
	}
	client := who.Tenant + "/" + who.Name
	d.log.Info("a client's cancel is obeyed", "gate", e.By, "client", client, "workflow", p.Workflow)
	d.put(owner.Cancel{Workflow: p.Workflow, By: client})
}

// prepareOf is an assignment as an owner takes it.
func prepareOf(a *spec.Assignment) *owner.Prepare {
	return &owner.Prepare{
		Workflow: a.Workflow, Load: a.Load, First: a.First, Warmup: a.Warmup, Graceful: a.Graceful, Use: a.Use, Share: a.Share,
		Begun: a.Begun, Begin: a.Begin, From: link.Reserve{Place: a.Place, Pass: a.Pass}, Adjustments: a.Adjustments,
		Group: a.Group, Parts: a.Parts,
	}
}

// begin makes a job of its first part, owned here: unless it is there already, and
// whoever owns it states so. It is named by the gates, which makes it the same job
// whoever is told first.
func (l Led) begin(ctx context.Context, e child.Ordered, a *spec.Assignment, first owner.Ordered) {
	o, job := l.inside.Load(), e.Order.Hold.Job
	if o == nil || l.draining.Load() {
		return // the gate asks another
	}
	l.unowned.do(errand{job: job}, func() {
		if err := l.accept(ctx, o, e, a); err != nil {
			l.log.Warn("a job of gates can't be begun here yet", "job", job, "gate", e.By, "reason", err)
			return
		}
		l.put(job, first)
	})
}

// accept writes the job down, if nobody did.
func (l Led) accept(ctx context.Context, o *office, e child.Ordered, a *spec.Assignment) error {
	var origin own.Origin
	if err := json.Unmarshal(a.Origin, &origin); err != nil {
		return fmt.Errorf("whose job it is: %w", err)
	}
	ctx, stop := context.WithTimeout(ctx, acceptTime)
	defer stop()
	accepted, err := o.submitter.Submit(ctx, own.Submission{
		Key: "gates/" + string(e.Order.Hold.Job), Job: e.Order.Hold.Job, Content: a.Spec, Origin: origin,
		Event: hyperscale.Event{What: "accepted", Node: l.cfg.Self, Detail: "a part of it, from gate " + string(e.Order.Owner)},
	})
	if err != nil || accepted.Tenure == nil {
		return err
	}
	l.log.Info("audit", "what", "assign", "job", accepted.Job, "client", origin.Client, "from", e.By)
	return o.run(accepted.Tenure, own.Saved{Job: accepted.Job, Head: accepted.Tenure.Head()})
}

// acceptTime is how long a store may take to accept a part.
const acceptTime = 10 * time.Second

// holding is what the tier above was told last of a job that it leads.
type holding struct {
	client string // whose job it is; it never changes
	told   []byte
	at     time.Time
}

// holdEach is how often it is told anew though nothing changed.
const holdEach = time.Second

// hold tells the tier above what is held of a job that it leads, when that changed, and
// each second.
func (d *desk) hold() {
	if !d.led {
		return
	}
	held := d.seat.Owner().Held()
	text := heldText(held)
	if bytes.Equal(text, d.holding.told) && time.Since(d.holding.at) < holdEach {
		return
	}
	d.holding.told, d.holding.at = text, time.Now()
	d.tier.above.Put(child.Holds{Job: d.job, Tenure: d.epoch, Autonomy: d.seat.Owner().Lease(), Held: held})
}

// heldText is all that the tier above is to hear of at once when it changed.
func heldText(held []link.Held) []byte {
	var b []byte
	for _, h := range held {
		b = fmt.Appendf(b, "%v %d %s %d %d %s %s %v\n", h.Hold, h.State, h.Reason, h.Start, h.Adjustment, h.Aborted, h.Lowered, h.Cancelled)
	}
	return b
}

// letGo tells the tier above that this node does not own the job any more, or that it
// is over.
func (d *desk) letGo(over bool) {
	switch {
	case !d.led:
	case over:
		d.tier.above.Put(child.Ended{Job: d.job})
	default:
		d.tier.above.Put(child.Holds{Job: d.job})
	}
}
