package tier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/seat"
)

// office is what a node does inside one session: it owns jobs, takes over those
// of others, and holds what one node holds at a time.
type office struct {
	tier      *Tier
	log       *slog.Logger
	session   *own.Session
	submitter *own.Submitter
	ctx       context.Context
	running   *errgroup.Group
}

// hold does work whenever this node has the named hold, until ctx ends.
func (o *office) hold(ctx context.Context, name, what string, work func(context.Context) error) error {
	for ctx.Err() == nil {
		err := own.Hold(ctx, o.session, name, o.looksGone, func(ctx context.Context, _ own.Held) error {
			o.log.Info("this node " + what)
			return work(ctx)
		})
		if ctx.Err() == nil {
			o.log.Warn("this node no longer "+what, "reason", err)
			pause(ctx, sessionRetry)
		}
	}
	return ctx.Err()
}

// untilEnd is work that others do for whoever has a hold.
func untilEnd(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// looksGone reports whether the holder of something looks dead by evidence.
func (o *office) looksGone(holder own.Owner) bool {
	alive := o.tier.deps.Members.Alive()
	for _, m := range alive {
		if m.ID == holder.Node {
			return false
		}
	}
	return holder.Node != o.tier.cfg.Self && len(alive) > 1
}

// sweepEvery is how often what is old is looked for.
const sweepEvery = time.Minute

// sweep deletes what is old.
func (o *office) sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case now := <-tick.C:
			if _, err := own.Sweep(ctx, o.tier.deps.Store, now, o.tier.used()); err != nil {
				o.log.Warn("what is old could not be swept", "reason", err)
			}
		}
	}
}

// runSuccession takes over the jobs whose owner looks gone.
func (o *office) runSuccession(ctx context.Context) error {
	t := o.tier
	s := own.NewSuccession(t.cfg.Self, t.cfg.Succession)
	t.heirs.Put(t.registry.changes()...) // what was heard before this session
	timer := time.NewTimer(0)
	defer timer.Stop()
	step := func(ev own.SuccessionEvent) {
		for _, e := range s.Step(t.now(), ev) {
			switch e := e.(type) {
			case own.Try:
				o.running.Go(func() error { o.try(ctx, e); return nil })
			case own.Probe:
				o.running.Go(func() error { o.probe(ctx, e.Node); return nil })
			case own.Wake:
				timer.Reset(e.At - t.now())
			}
		}
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			step(own.Tick{})
		case <-t.heirs.Bell():
			for _, ev := range t.heirs.Take() {
				step(ev)
			}
		}
	}
}

// drainedWait is how long a node that drains leaves jobs without an owner to others.
const drainedWait = 3 * time.Second

// try takes a job over, if it is still the one that looked gone.
func (o *office) try(ctx context.Context, e own.Try) {
	if o.tier.draining.Load() {
		pause(ctx, drainedWait) // others are to be faster
	}
	if o.tier.registry.desk(e.Job) != nil || ctx.Err() != nil {
		return
	}
	take := own.Take{Job: e.Job, Gone: e.Gone, How: own.ByEvidence, Why: e.Why, SessionEnded: e.SessionEnded}
	switch err := o.takeOver(ctx, take); {
	case err == nil, errors.Is(err, own.ErrLostRace), errors.Is(err, own.ErrFenced), errors.Is(err, own.ErrNotFound):
	default:
		o.log.Warn("a job could not be taken over", "job", e.Job, "reason", err)
	}
}

// takeOver makes this node a job's owner and runs it.
func (o *office) takeOver(ctx context.Context, take own.Take) error {
	began := time.Now()
	tenure, saved, err := o.take(ctx, take)
	if err != nil {
		return err
	}
	o.tier.counts.took()
	o.log.Info("took a job over", "job", take.Job, "epoch", tenure.Epoch(), "why", take.Why, "took", time.Since(began))
	return o.run(tenure, saved)
}

// take makes this node a job's owner. A store that does not answer is asked until
// it does.
func (o *office) take(ctx context.Context, take own.Take) (*own.Tenure, own.Saved, error) {
	take.At = func(meta []byte) hyperscale.JobTime { return max(seat.At(meta), o.tier.jobTime(ctx, take.Job)) }
	tenure, saved, err := own.TakeOver(ctx, o.session, take, time.Now())
	for errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		pause(ctx, saveRetry)
		tenure, saved, err = own.Adopt(ctx, o.session, take.Job)
	}
	return tenure, saved, err
}

// run runs a job that this node has just got, beside whatever else it does. While the
// store does not let it, it is tried again. What can't be run at all is ended.
func (o *office) run(tenure *own.Tenure, saved own.Saved) error {
	err := o.begin(tenure, saved)
	if transient(err) {
		o.adopt(tenure.Job())
		return nil
	}
	return err
}

func (o *office) begin(tenure *own.Tenure, saved own.Saved) error {
	if saved.Head.Phase.Terminal() {
		return o.report(tenure, saved)
	}
	d, err := o.newDesk(tenure, saved)
	switch {
	case transient(err):
		return err
	case err != nil:
		o.log.Error("a job can't be gone on with, and is ended", "job", tenure.Job(), "reason", err)
		return o.giveUp(tenure, err.Error(), "")
	case !o.tier.registry.open(d):
		return nil
	}
	o.running.Go(func() error {
		why := d.run(o.ctx)
		o.tier.registry.shut(d)
		if o.ctx.Err() == nil && !errors.Is(why, errDone) && !errors.Is(why, own.ErrFenced) {
			o.afterFault(d, why)
		}
		return nil
	})
	return nil
}

// transient reports whether the same may succeed when it is tried again.
func transient(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// adoptAfter is how long a submission or takeover under way has to be answered
// before the job that it made is looked for.
const adoptAfter = 2 * time.Second

// adopt runs a job that is this node's by the store, because the answer to what
// made it so was lost, or the store did not answer afterwards.
func (o *office) adopt(job hyperscale.JobID) {
	o.running.Go(func() error {
		for {
			pause(o.ctx, adoptAfter)
			if o.tier.registry.desk(job) != nil || o.ctx.Err() != nil {
				return nil
			}
			tenure, saved, err := own.Adopt(o.ctx, o.session, job)
			if err == nil {
				err = o.run(tenure, saved)
			}
			if transient(err) {
				continue
			}
			if err != nil && !errors.Is(err, own.ErrFenced) && !errors.Is(err, own.ErrNotFound) {
				o.log.Warn("a job of this node could not be gone on with", "job", job, "reason", err)
			}
			return nil
		}
	})
}

// accept takes over what another node offers, and says what came of it.
func (o *office) accept(ctx context.Context, from hyperscale.NodeID, offer link.Offer) link.Taken {
	saved, err := own.Look(ctx, o.tier.deps.Store, offer.Job)
	switch {
	case err != nil:
		return link.Taken{Job: offer.Job, Refused: err.Error()}
	case saved.Owner.Node != from:
		return link.Taken{Job: offer.Job, Refused: fmt.Sprintf("%s does not own it, %s does", from, cmp.Or(saved.Owner.Node, "nobody"))}
	}
	take := own.Take{Job: offer.Job, Gone: own.Fence(offer.Fence), How: own.ByOffer, Why: "offered by " + string(from)}
	if err := o.takeOver(ctx, take); err != nil {
		return link.Taken{Job: offer.Job, Refused: err.Error()}
	}
	return link.Taken{Job: offer.Job, Epoch: offer.Epoch + 1}
}

// handOver offers one job to the others in their order, and reports whether one
// took it.
func (o *office) handOver(ctx context.Context, d *desk) bool {
	t := o.tier
	began := time.Now()
	for _, id := range own.Rank(d.job, t.registry.others(t.cfg.Self)) {
		conn, err := t.lines.dial(t.registry.parent(id))
		if err != nil {
			continue
		}
		attempt, stop := context.WithTimeout(ctx, time.Second)
		taken, err := conn.Peer().Offer(attempt, link.Offer{Job: d.job, Epoch: d.epoch, Fence: int64(d.tenure.Owner().Fence)})
		stop()
		if err == nil && taken.Epoch > d.epoch {
			d.log.Info("handed the job over", "to", id, "took", time.Since(began))
			d.fenced("it was handed over to " + string(id))
			return true
		}
		d.log.Warn("a peer does not take the job", "peer", id, "reason", cmp.Or(taken.Refused, errText(err)))
	}
	return false
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// mostPanics is how often a job may make its owner fail.
const mostPanics = 3

// afterFault goes on with a job whose goroutine ended by a fault of ours, from what
// was saved; or ends the job, if that happens again and again.
func (o *office) afterFault(d *desk, why error) {
	take := own.Take{Job: d.job, Gone: d.tenure.Owner().Fence, How: own.ByPanic, Why: why.Error()}
	if d.tenure.Head().Panics+1 < mostPanics {
		if err := o.takeOver(o.ctx, take); err != nil {
			d.log.Warn("the job could not be taken over after a fault", "reason", err)
		}
		return
	}
	tenure, _, err := o.take(o.ctx, take)
	if err == nil {
		var f *fault
		stack := ""
		if errors.As(why, &f) {
			stack = f.stack
		}
		err = o.giveUp(tenure, fmt.Sprintf("its owner failed %d times: %v", mostPanics, why), stack)
	}
	d.log.Error("the job made its owner fail again and again, and is ended", "reason", why, "error", err)
}

// mostStack bounds the stack in the history of a job, in bytes.
const mostStack = 16 << 10

// giveUp ends a job that can't be gone on with. It has no result; its web hooks are told
// so.
func (o *office) giveUp(tenure *own.Tenure, reason, stack string) error {
	detail := string(hyperscale.Failed) + ": " + reason
	if stack != "" {
		detail += "\n" + stack[:min(len(stack), mostStack)]
	}
	ending := own.Ending{Phase: hyperscale.Failed, Reason: reason, Now: time.Now(), Pending: hasHooks(tenure.Head()), Commit: own.Commit{Base: true, Events: []hyperscale.Event{{
		Wall: time.Now().UTC(), What: owner.JobEnded, Node: o.tier.cfg.Self, Detail: detail,
	}}}}
	for {
		_, err := tenure.Finish(o.ctx, ending)
		if err == nil && ending.Pending {
			o.adopt(tenure.Job())
		}
		if !transient(err) || o.ctx.Err() != nil {
			return err
		}
		pause(o.ctx, saveRetry)
	}
}

// probe tries to reach a node that ended its stream.
func (o *office) probe(ctx context.Context, id hyperscale.NodeID) {
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.tier.registry.parent(id).Address)
	if err == nil {
		_ = conn.Close() // that it could be made is all that counts
	}
	o.tier.heirs.Put(own.Probed{Node: id, Refused: errors.Is(err, syscall.ECONNREFUSED)})
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
