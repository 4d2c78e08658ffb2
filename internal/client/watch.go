package client

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
)

// Watch calls got for every update of a job: first a snapshot, then every event
// after the number given, each exactly once and in order, and the live numbers
// between. When the connection breaks it goes on elsewhere; another snapshot
// then tells what may have been missed of the live numbers. So it does when nothing
// comes and the node does not say that it is there. It returns nil once
// the job has ended and all was told, or the error of got, or why nobody could
// go on.
func (c *Client) Watch(ctx context.Context, job hyperscale.JobID, after uint64, got func(rpc.Update) error) error {
	course := c.course(time.Now())
	follow := follower{last: after, got: got, silent: c.config.Silent}
	next := course.first(c.ownerOf(job, time.Now()))
	for {
		heard := follow.heard
		asked, err := c.attempt(ctx, next.addresses, func(n node) error {
			defer c.meeting(ctx, n, false)()
			return attend(ctx, n, func(ctx context.Context, heard func()) error {
				return n.Watch(ctx, job, follow.last, func(u rpc.Update) error {
					heard()
					return follow.hear(u)
				})
			})
		})
		if follow.failed != nil {
			return follow.failed
		}
		if ctx.Err() != nil && err != nil {
			return explain(err, "watching job", job)
		}
		if follow.heard > heard {
			course.fresh(time.Now().Add(c.config.Patience))
			course.nodes = c.nodes() // those that were met, too
		}
		c.learn(job, next.owner, asked, err)
		if next = course.after(time.Now(), mathrand.Float64(), asked, err); next.end {
			return explain(err, "watching job", job)
		}
		if next.wait > 0 {
			follow.missing(err)
		}
		if pause(ctx, next.wait) != nil {
			return explain(err, "watching job", job)
		}
	}
}

// hush is how long nothing comes over a watch before its node is asked whether it is
// there; within says how fast it has to answer. A job that runs shows something each
// second.
const (
	hush   = 3 * time.Second
	within = time.Second
)

// attend watches over a stream of a node, which calls heard whenever something came.
// When nothing does for long, and the node does not answer either, it ends the stream.
func attend(ctx context.Context, n node, stream func(ctx context.Context, heard func()) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	var knocking sync.WaitGroup
	defer knocking.Wait()
	defer stop(nil)
	came := make(chan struct{}, 1)
	knocking.Go(func() {
		quiet := time.NewTimer(hush)
		defer quiet.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-came:
			case <-quiet.C:
				if err := knock(ctx, n); err != nil {
					stop(err)
					return
				}
			}
			quiet.Reset(hush)
		}
	})
	err := stream(ctx, func() {
		select {
		case came <- struct{}{}:
		default:
		}
	})
	var gone silence
	if err != nil && errors.As(context.Cause(ctx), &gone) {
		return gone.error
	}
	return err
}

// silence is why a stream was ended that the node did not end.
type silence struct{ error }

// knock asks a node whether it is there.
func knock(ctx context.Context, n node) error {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	if err := n.Ready(ctx); err != nil {
		return silence{rpc.Errorf(rpc.Unavailable, "nothing came for %s, and then: %v", hyperscale.FormatDuration(hush), err)}
	}
	return nil
}

// follower holds what comes to the promises of Watch, over all connections.
type follower struct {
	last   uint64           // number of the last event told
	epoch  hyperscale.Epoch // highest heard of
	gap    bool             // a snapshot said that events are gone
	heard  uint64           // how much was told, beside snapshots
	got    func(rpc.Update) error
	failed error // what got said
	silent func(error)
	missed bool // nobody answers, and that was told
}

// missing tells that nobody answers.
func (f *follower) missing(why error) {
	if !f.missed {
		f.missed = true
		f.silent(why)
	}
}

// there tells that somebody answers, if nobody did.
func (f *follower) there() {
	if f.missed {
		f.missed = false
		f.silent(nil)
	}
}

// hear tells an update, unless it was told before. An error ends the connection.
func (f *follower) hear(u rpc.Update) error {
	switch u := u.(type) {
	case rpc.Happened:
		switch {
		case u.Seq <= f.last:
			return nil
		case u.Seq > f.last+1 && !f.gap:
			return rpc.Errorf(rpc.Unavailable, "event %d came after %d", u.Seq, f.last)
		}
		f.last, f.gap = u.Seq, false
		f.epoch = max(f.epoch, u.Epoch)
	case rpc.Snapshot:
		if u.Status.Epoch < f.epoch {
			return rpc.Errorf(rpc.Unavailable, "the node is of epoch %d, epoch %d was heard of", u.Status.Epoch, f.epoch)
		}
		f.epoch = u.Status.Epoch
		f.gap = f.gap || u.Truncated
	}
	if _, again := u.(rpc.Snapshot); !again {
		f.heard++
	}
	f.there()
	f.failed = f.got(u)
	return f.failed
}
