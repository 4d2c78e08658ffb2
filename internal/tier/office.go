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
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/store"
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
			if _, err := own.Sweep(ctx, o.tier.deps.Store, now, 0); err != nil {
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

// try takes a job over, if it is still the one that looked gone.
func (o *office) try(ctx context.Context, e own.Try) {
	if o.tier.registry.desk(e.Job) != nil {
		return
	}
	take := own.Take{Job: e.Job, Gone: e.Gone, How: own.ByEvidence, Why: e.Why, SessionEnded: e.SessionEnded}
	if err := o.takeOver(ctx, take); err != nil && !errors.Is(err, own.ErrLostRace) && !errors.Is(err, own.ErrNotFound) {
		o.log.Warn("a job could not be taken over", "job", e.Job, "reason", err)
	}
}

// takeOver makes this node a job's owner and runs it.
func (o *office) takeOver(ctx context.Context, take own.Take) error {
	began := time.Now()
	tenure, saved, err := own.TakeOver(ctx, o.session, take, began)
	for errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		pause(ctx, saveRetry)
		tenure, saved, err = own.Adopt(ctx, o.session, take.Job)
	}
	if err != nil {
		return err
	}
	o.tier.counts.took()
	o.log.Info("took a job over", "job", take.Job, "epoch", tenure.Epoch(), "why", take.Why, "took", time.Since(began))
	return o.run(tenure, saved)
}

// run runs a job that this node has just got, beside whatever else it does.
func (o *office) run(tenure *own.Tenure, saved own.Saved) error {
	if saved.Head.Phase.Terminal() {
		return o.finishPending(tenure)
	}
	d, err := o.newDesk(tenure, saved)
	if err != nil {
		return err
	}
	if !o.tier.registry.open(d) {
		return nil
	}
	o.running.Go(func() error {
		why := d.run(o.ctx)
		o.tier.registry.shut(d)
		if errors.Is(why, errPanicked) {
			o.afterPanic(d, why)
		}
		return nil
	})
	return nil
}

// finishPending ends the tenure of a job that had ended before, with nothing left
// that anybody waits for.
func (o *office) finishPending(tenure *own.Tenure) error {
	_, err := tenure.Finish(o.ctx, own.Ending{Phase: tenure.Head().Phase, Now: time.Now()})
	return err
}

// adoptAfter is how long a submission or takeover under way has to be answered
// before the job that it made is looked for.
const adoptAfter = 2 * time.Second

// adopt runs a job that is this node's by the store, because the answer to what
// made it so was lost.
func (o *office) adopt(job hyperscale.JobID) {
	o.running.Go(func() error {
		pause(o.ctx, adoptAfter)
		if o.tier.registry.desk(job) != nil || o.ctx.Err() != nil {
			return nil
		}
		tenure, saved, err := own.Adopt(o.ctx, o.session, job)
		if err == nil {
			err = o.run(tenure, saved)
		}
		if err != nil && !errors.Is(err, own.ErrFenced) && !errors.Is(err, own.ErrNotFound) {
			o.log.Warn("a job of this node could not be gone on with", "job", job, "reason", err)
		}
		return nil
	})
}

// accept takes over what another node offers, and says what came of it.
func (o *office) accept(ctx context.Context, from hyperscale.NodeID, offer link.Offer) link.Taken {
	take := own.Take{Job: offer.Job, Gone: own.Fence(offer.Fence), How: own.ByOffer, Why: "offered by " + string(from)}
	if err := o.takeOver(ctx, take); err != nil {
		return link.Taken{Job: offer.Job, Refused: err.Error()}
	}
	return link.Taken{Job: offer.Job, Epoch: offer.Epoch + 1}
}

// handOver offers one job to the others in their order.
func (o *office) handOver(ctx context.Context, d *desk) {
	t := o.tier
	var candidates []hyperscale.NodeID
	for _, n := range t.registry.nodes() {
		if n.ID != t.cfg.Self {
			candidates = append(candidates, n.ID)
		}
	}
	began := time.Now()
	for _, id := range own.Rank(d.job, candidates) {
		conn, err := t.lines.dial(t.registry.parent(id))
		if err != nil {
			continue
		}
		attempt, stop := context.WithTimeout(ctx, time.Second)
		taken, err := conn.Offer(attempt, link.Offer{Job: d.job, Epoch: d.epoch, Fence: int64(d.tenure.Owner().Fence)})
		stop()
		if err == nil && taken.Epoch > d.epoch {
			d.log.Info("handed the job over", "to", id, "took", time.Since(began))
			d.fenced("it was handed over to " + string(id))
			return
		}
		d.log.Warn("a peer does not take the job", "peer", id, "reason", cmp.Or(taken.Refused, errText(err)))
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// mostPanics is how often a job may make its owner panic.
const mostPanics = 3

// afterPanic goes on with a job whose goroutine panicked, from what was saved; or
// ends it, if it does that again and again.
func (o *office) afterPanic(d *desk, why error) {
	take := own.Take{Job: d.job, Gone: d.tenure.Owner().Fence, How: own.ByPanic, Why: "its goroutine panicked"}
	if d.tenure.Head().Panics+1 < mostPanics {
		if err := o.takeOver(o.ctx, take); err != nil {
			d.log.Warn("the job could not be taken over after a panic", "reason", err)
		}
		return
	}
	tenure, saved, err := own.TakeOver(o.ctx, o.session, take, time.Now())
	if err == nil {
		_, err = tenure.Finish(o.ctx, own.Ending{
			Phase: hyperscale.Failed, Reason: fmt.Sprintf("its owner panicked %d times: %v", mostPanics, why), Now: time.Now(),
			Commit: own.Commit{Records: saved.Records, Base: true, Meta: saved.Meta, Events: []hyperscale.Event{{
				Wall: time.Now().UTC(), What: "failed", Node: o.tier.cfg.Self, Detail: why.Error(),
			}}},
		})
	}
	d.log.Error("the job made its owner panic again and again, and is ended", "reason", why, "error", err)
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
