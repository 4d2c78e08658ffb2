package tier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/spec"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/node"
	"hyperscale/internal/tier/seat"
)

// desk is a job that this node owns: the goroutine that runs its owner, and the
// one that writes for it. When it ends, all that was held for the job is gone.
type desk struct {
	tier  *Tier
	log   *slog.Logger
	job   hyperscale.JobID
	epoch hyperscale.Epoch
	plan  *hyperscale.Plan
	in    *mailbox.Mailbox[any] // owner.Event, or a func() to be run between two of them
	end   context.CancelCauseFunc
	hub   *hub

	// Of the job's goroutine.
	seat   *seat.Seat
	tenure *own.Tenure
	saves  chan owner.Save
	asked  asked
	tells  telling

	led     bool // by the tier above
	holding holding
}

// telling is what a desk has to do with the reporters of its job.
type telling struct {
	*reports                    // nil: the job has none
	clock    hyperscale.JobTime // of the last save
	closing  bool               // the owner is done, and the job kept for its reporters
}

// asked is what clients wait to be answered.
type asked struct {
	token   uint64 // the last
	cancels map[uint64]chan rpc.CancelStatus
	adjusts map[uint64]chan owner.Adjusted
}

func newAsked() asked {
	return asked{cancels: map[uint64]chan rpc.CancelStatus{}, adjusts: map[uint64]chan owner.Adjusted{}}
}

// close leaves all that wait without an answer.
func (a *asked) close() {
	for _, c := range a.cancels {
		close(c)
	}
	for _, c := range a.adjusts {
		close(c)
	}
}

// options are how a job is run, as they are kept in its head.
type options struct {
	Priority  link.Priority
	Exclusive bool
	Cores     int
	OneHolder bool `json:",omitempty"`
	Deadline  time.Duration
	Tags      []hyperscale.Pair
	Reporters []string          `json:",omitempty"`
	Led       bool              `json:",omitempty"` // by the tier above, which gives parts
	Across    hyperscale.Across `json:",omitzero"`
}

// newDesk makes the desk of a job that this node has just got, from what is saved.
func (o *office) newDesk(tenure *own.Tenure, saved own.Saved) (*desk, error) {
	t, head := o.tier, tenure.Head()
	d := &desk{
		tier: t, job: tenure.Job(), epoch: tenure.Epoch(), tenure: tenure, in: mailbox.New[any](), hub: newHub(),
		log:   t.log.With("job", tenure.Job(), "epoch", tenure.Epoch()),
		saves: make(chan owner.Save, 1), asked: newAsked(),
	}
	content, err := own.Spec(o.ctx, t.deps.Store, head.Spec)
	if err != nil {
		return nil, fmt.Errorf("reading the plan of job %s: %w", d.job, err)
	}
	plan, rows, err := spec.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("reading the plan of job %s: %w", d.job, err)
	}
	var how options
	if err := json.Unmarshal(head.Options, &how); err != nil {
		return nil, fmt.Errorf("reading the options of job %s: %w", d.job, err)
	}
	if how.Deadline > 0 {
		plan.Deadline = how.Deadline
	}
	d.plan, d.led, d.holding.client = plan, how.Led && t.above != nil, head.Client
	if d.tells.reports, err = t.newReports(d.job, plan, how.Reporters, head.Reporters); err != nil {
		return nil, fmt.Errorf("the reporters of job %s: %w", d.job, err)
	}
	sits := seat.Config{
		Job: d.job, Epoch: d.epoch, Plan: plan, Priority: how.Priority, Exclusive: how.Exclusive, Client: head.Client, Cores: how.Cores,
	}
	if t.bundle != nil {
		sits.Across = &how.Across
	}
	if sits.Brief, err = t.briefing(plan, rows, content, head, how); err != nil {
		return nil, fmt.Errorf("what datacenters are given of job %s: %w", d.job, err)
	}
	d.seat, err = seat.Open(sits, d.owned(how), saved)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// owned is what the owner of the job is made for.
func (d *desk) owned(how options) owner.Config {
	head := d.tenure.Head()
	cfg := owner.Config{
		Job: d.job, Self: d.tier.cfg.Self, Epoch: d.epoch, Plan: d.plan, Accepted: head.Submitted, Clock: d.tier.began,
		Reckoned: how.Cores == 0, OneHolder: how.OneHolder, Numbered: toldWindows(how.Reporters),
		Datacenters: d.tier.bundle != nil, Across: how.Across,
	}
	if how.Led {
		cfg.Parent = &owner.Parent{Place: d.tier.cfg.Datacenter, Waited: waited(head)}
	}
	return cfg
}

// put gives the job an event.
func (d *desk) put(ev owner.Event) { d.in.Put(ev) }

// fenced ends the desk: another owns the job.
func (d *desk) fenced(why string) { d.end(fmt.Errorf("%s: %w", why, own.ErrFenced)) }

// errDone ends a desk whose job is over.
var errDone = errors.New("the job is over")

// run runs the job until it is over here: finished, fenced, or the node's session
// ended. It says why; a panic ends it, too.
func (d *desk) run(ctx context.Context) error {
	ctx, d.end = context.WithCancelCause(ctx)
	var writing sync.WaitGroup
	writing.Go(func() { d.write(ctx) })
	if d.tells.reports != nil {
		d.tells.show(d.seat.Owner().Recent())
		writing.Go(func() {
			d.tells.run(ctx)
			d.in.Put(d.reported)
		})
	}
	d.tell(node.JobHere{Job: d.job, Epoch: d.epoch, Holders: d.seat.Owner().Holders(), Led: d.led})
	phase := d.tenure.Head().Phase
	d.tier.counts.is(d.job, phase)
	d.log.Info("this node owns the job", "phase", phase)
	d.loop(ctx)
	writing.Wait()
	d.tell(node.JobGone{Job: d.job})
	d.letGo(errors.Is(context.Cause(ctx), errDone))
	d.tier.counts.gone(d.job)
	d.hub.close()
	d.asked.close()
	d.log.Info("this node owns the job no more", "reason", context.Cause(ctx))
	return context.Cause(ctx)
}

func (d *desk) tell(events ...node.Event) {
	for _, ev := range events {
		d.tier.node.Put(ev)
	}
}

// loop steps the owner.
func (d *desk) loop(ctx context.Context) {
	defer func() {
		if r := recover(); r != nil {
			d.end(panicked(d.log, "running a job", r))
		}
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	d.step(owner.Begin{})
	for {
		d.want()
		d.hold()
		timer.Reset(d.untilNext())
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			d.step(owner.Tick{})
		case <-d.in.Bell():
			for _, item := range d.in.Take() {
				switch item := item.(type) {
				case func():
					item()
				case owner.Event:
					d.step(item)
				}
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// want tells the node what the job wants of the cores now, if that changed.
func (d *desk) want() {
	if changed := d.seat.Want(*d.tier.room.Load()); changed != nil {
		d.tell(*changed)
	}
}

func (d *desk) untilNext() time.Duration {
	next := max(d.seat.Owner().Next()-d.tier.now(), 0)
	if d.led {
		next = min(next, holdEach)
	}
	return min(next, time.Hour)
}

// waited is how long the tier above has had to take what came of a job that has ended.
func waited(h own.Head) time.Duration {
	if h.Ended.IsZero() {
		return 0
	}
	return max(time.Since(h.Ended), 0)
}

// step gives the owner an event and does what it wants.
func (d *desk) step(ev owner.Event) {
	if d.tier.cfg.trap != nil {
		d.tier.cfg.trap(d.job, ev)
	}
	tell, do := d.seat.Step(d.tier.now(), ev)
	if _, ok := ev.(owner.Delivered); ok {
		d.tier.counts.judged(owner.TakeReceived(d.seat.Owner()))
	}
	d.tell(tell...)
	for _, e := range do {
		d.perform(e)
	}
}

// perform does one thing that the owner wants.
func (d *desk) perform(e owner.Effect) {
	switch e := e.(type) {
	case owner.Acknowledge:
		e.Receipt.Owner = d.tier.registry.parent(d.tier.cfg.Self)
		d.tell(node.JobAnswers{Job: d.job, To: e.To, Receipt: e.Receipt})
	case owner.Save:
		d.tells.clock = e.Clock
		d.saves <- e // there is room: at most one is under way
	case owner.Answer:
		if a := d.asked.cancels[e.Token]; a != nil {
			a <- rpc.CancelStatus(e.Status)
			delete(d.asked.cancels, e.Token)
		}
	case owner.Adjusted:
		if a := d.asked.adjusts[e.Token]; a != nil {
			a <- e
			delete(d.asked.adjusts, e.Token)
		}
	case owner.Show:
		d.show(e)
	case owner.Deliver:
		if d.led {
			d.tier.above.Put(child.Deliver{Delivery: e.Delivery})
		}
	case owner.Over:
		d.over()
	}
}

// over ends the desk, unless reporters wait for something.
func (d *desk) over() {
	if d.tells.reports == nil {
		d.end(errDone)
		return
	}
	d.tells.closing = true
	d.reported()
}

// reported lets the job go, once it is over and all reporters have come to their
// outcome.
func (d *desk) reported() {
	select {
	case <-d.tells.done:
	default:
		return
	}
	if d.tells.closing {
		d.tells.closing = false
		d.saves <- lastSave(d.seat.Owner().Phase(), d.tells.clock)
	}
}

// lastSave writes down what became of reporters, and that nobody waits for anything
// any more. No owner makes a save of that number.
func lastSave(phase hyperscale.Phase, clock hyperscale.JobTime) owner.Save {
	return owner.Save{Number: 0, Ended: true, Phase: phase, Clock: clock}
}

// write makes saves durable, one after the other.
func (d *desk) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-d.saves:
			done := d.tier.counts.saving(d.job, s)
			err := d.save(ctx, s)
			every := done()
			if err != nil {
				d.end(err)
				return
			}
			if s.Number == 0 {
				d.end(errDone)
				return
			}
			d.tier.counts.is(d.job, s.Phase)
			d.put(owner.Saved{Number: s.Number, Every: every})
			if s.Result != nil && d.tells.reports != nil {
				d.in.Put(func() { d.report(s) }) // after what that shows
			}
		}
	}
}

// saveRetry is how long a store that does not answer is left alone.
const saveRetry = 50 * time.Millisecond

// save makes one save durable. While the store does not answer it is tried again;
// an error is final.
func (d *desk) save(ctx context.Context, s owner.Save) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked(d.log, "writing a job down", r)
		}
	}()
	beside, written := d.tells.beside()
	err = seat.Write(ctx, d.tenure, s, beside, time.Now(), func(ctx context.Context, wait time.Duration) error {
		d.log.Warn("the store does not take what is to be written; trying again", "in", wait)
		pause(ctx, wait)
		return context.Cause(ctx)
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		written()
	}
	return err
}

// report gives the reporters what the job came to.
func (d *desk) report(s owner.Save) {
	result, err := stats.DecodeResult(d.plan, s.Result)
	if err != nil {
		panic("tier: a result that was just made can't be read: " + err.Error())
	}
	d.tells.end(s.Phase, s.Reason, result)
}
