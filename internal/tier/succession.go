package tier

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/store"
	"hyperscale/internal/tier/node"
)

// runSuccession takes over the jobs whose owner looks gone.
func (t *Tier) runSuccession(ctx context.Context, o *office) error {
	s := own.NewSuccession(t.cfg.Self, t.cfg.Succession)
	t.mu.Lock() // what was heard before this session
	for job, owner := range t.owners {
		t.heirs.put(own.OwnerChange{Job: job, Owner: owner})
	}
	for _, n := range t.peers {
		t.heirs.put(own.NodeChange{Node: n})
	}
	t.mu.Unlock()
	timer := time.NewTimer(0)
	defer timer.Stop()
	step := func(ev own.SuccessionEvent) {
		for _, e := range s.Step(t.now(), ev) {
			switch e := e.(type) {
			case own.Try:
				o.running.Go(func() error { t.try(ctx, o, e); return nil })
			case own.Probe:
				o.running.Go(func() error { t.probe(ctx, e.Node); return nil })
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
		case <-t.heirs.bell:
			for _, ev := range t.heirs.take() {
				step(ev)
			}
		}
	}
}

// try takes a job over, if it is still the one that looked gone.
func (t *Tier) try(ctx context.Context, o *office, e own.Try) {
	if t.desk(e.Job) != nil {
		return
	}
	take := own.Take{Job: e.Job, Gone: e.Gone, How: own.ByEvidence, Why: e.Why, SessionEnded: e.SessionEnded}
	if err := t.takeOver(ctx, o, take); err != nil && !errors.Is(err, own.ErrLostRace) && !errors.Is(err, own.ErrNotFound) {
		t.log.Warn("a job could not be taken over", "job", e.Job, "reason", err)
	}
}

// takeOver makes this node a job's owner and runs it.
func (t *Tier) takeOver(ctx context.Context, o *office, take own.Take) error {
	began := time.Now()
	tenure, saved, err := own.TakeOver(ctx, o.session, take, time.Now())
	for errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		pause(ctx, saveRetry)
		tenure, saved, err = own.Adopt(ctx, o.session, take.Job)
	}
	if err != nil {
		return err
	}
	t.log.Info("took a job over", "job", take.Job, "epoch", tenure.Epoch(), "why", take.Why, "took", time.Since(began))
	if saved.Head.Phase.Terminal() {
		return nil
	}
	return t.take(ctx, o, tenure, saved)
}

// take runs a job that this node has just got.
func (t *Tier) take(ctx context.Context, o *office, tenure *own.Tenure, saved own.Saved) error {
	d, err := t.open(ctx, tenure, saved)
	if err != nil {
		return err
	}
	t.mu.Lock()
	if o.jobs[d.job] != nil || t.inside != o {
		t.mu.Unlock()
		return nil
	}
	o.jobs[d.job] = d
	t.owners[d.job] = tenure.Owner()
	t.mu.Unlock()
	o.running.Go(func() error {
		why := d.run(o.ctx)
		t.mu.Lock()
		delete(o.jobs, d.job)
		t.mu.Unlock()
		if errors.Is(why, errPanicked) {
			t.afterPanic(o, d, why)
		}
		return nil
	})
	return nil
}

// adoptAfter is how long a submission or takeover under way has to be answered
// before the job that it made is looked for.
const adoptAfter = 2 * time.Second

// adopt runs a job that is this node's by the store, because the answer to what
// made it so was lost.
func (t *Tier) adopt(o *office, job hyperscale.JobID) {
	o.running.Go(func() error {
		pause(o.ctx, adoptAfter)
		if t.desk(job) != nil || o.ctx.Err() != nil {
			return nil
		}
		tenure, saved, err := own.Adopt(o.ctx, o.session, job)
		if err == nil && !saved.Head.Phase.Terminal() {
			err = t.take(o.ctx, o, tenure, saved)
		}
		if err != nil && !errors.Is(err, own.ErrFenced) && !errors.Is(err, own.ErrNotFound) {
			t.log.Warn("a job of this node could not be gone on with", "job", job, "reason", err)
		}
		return nil
	})
}

// mostPanics is how often a job may make its owner panic.
const mostPanics = 3

// afterPanic goes on with a job whose goroutine panicked, from what was saved; or
// ends it, if it does that again and again.
func (t *Tier) afterPanic(o *office, d *desk, why error) {
	take := own.Take{Job: d.job, Gone: d.tenure.Owner().Fence, How: own.ByPanic, Why: "its goroutine panicked"}
	if d.tenure.Head().Panics+1 < mostPanics {
		if err := t.takeOver(o.ctx, o, take); err != nil {
			d.log.Warn("the job could not be taken over after a panic", "reason", err)
		}
		return
	}
	tenure, saved, err := own.TakeOver(o.ctx, o.session, take, time.Now())
	if err == nil {
		_, err = tenure.Finish(o.ctx, own.Ending{
			Phase: hyperscale.Failed, Reason: fmt.Sprintf("its owner panicked %d times: %v", mostPanics, why), Now: time.Now(),
			Commit: own.Commit{Records: saved.Records, Base: true, Meta: saved.Meta, Events: []hyperscale.Event{{
				Wall: time.Now().UTC(), What: "failed", Node: t.cfg.Self, Detail: why.Error(),
			}}},
		})
	}
	d.log.Error("the job made its owner panic again and again, and is ended", "reason", why, "error", err)
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// probe tries to reach a node that ended its stream.
func (t *Tier) probe(ctx context.Context, id hyperscale.NodeID) {
	t.mu.Lock()
	address := t.peers[id].Address
	t.mu.Unlock()
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	t.heirs.put(own.Probed{Node: id, Refused: errors.Is(err, syscall.ECONNREFUSED)})
}

// offered takes over a job that its owner offers, and says what came of it.
func (t *Tier) offered(ctx context.Context, e node.Offered) {
	o := t.office()
	say := func(taken link.Taken) {
		t.mu.Lock()
		out := t.talks[e.From]
		t.mu.Unlock()
		if out != nil {
			out.box.put(taken)
		}
	}
	if o == nil || t.isDraining() {
		say(link.Taken{Job: e.Offer.Job, Refused: "this node takes nothing new"})
		return
	}
	o.running.Go(func() error {
		taken, err := t.accept(ctx, o, e.From, e.Offer)
		if err != nil {
			taken = link.Taken{Job: e.Offer.Job, Refused: err.Error()}
		}
		say(taken)
		return nil
	})
}

// accept takes over what is offered.
func (t *Tier) accept(ctx context.Context, o *office, from hyperscale.NodeID, offer link.Offer) (link.Taken, error) {
	take := own.Take{Job: offer.Job, Gone: own.Fence(offer.Fence), How: own.ByOffer, Why: "offered by " + string(from)}
	if err := t.takeOver(ctx, o, take); err != nil {
		return link.Taken{}, err
	}
	return link.Taken{Job: offer.Job, Epoch: offer.Epoch + 1}, nil
}

func (t *Tier) isDraining() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.draining
}
