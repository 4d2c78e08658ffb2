package tier

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
)

// errEnded ends a watch of a job that has ended and was told whole.
var errEnded = errors.New("the job has ended")

// Watch shows a job: where it stands, its events after the number given, each
// exactly once, and beside them the live numbers from whoever owns it.
func (t front) Watch(ctx context.Context, _ rpc.Caller, job hyperscale.JobID, after uint64, send func(rpc.Update) error) error {
	saved, err := own.Look(ctx, t.deps.Store, job)
	if err != nil {
		return explain(err)
	}
	var one sync.Mutex
	say := func(u rpc.Update) error {
		one.Lock()
		defer one.Unlock()
		return send(u)
	}
	status := t.statusOf(job, saved.Head, saved.Owner)
	if d := t.registry.desk(job); d != nil {
		_ = d.ask(ctx, func() { d.describe(&status) })
	}
	if err := say(rpc.Snapshot{Status: status}); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.watchEvents(ctx, job, after, status, say) })
	g.Go(func() error { return t.watchLive(ctx, job, say) })
	if err := g.Wait(); !errors.Is(err, errEnded) {
		return explain(err)
	}
	return nil
}

// watchEvents tells the events until the job has ended and the last was told.
func (t front) watchEvents(ctx context.Context, job hyperscale.JobID, after uint64, status rpc.Status, say func(rpc.Update) error) error {
	for {
		if over, err := t.toldWhole(ctx, job, after); over || err != nil {
			return err
		}
		inner, stop := context.WithTimeout(ctx, 2*time.Second)
		err := own.WatchEvents(inner, t.deps.Store, job, after, func(told own.Told) error {
			if told.Truncated {
				if err := say(rpc.Snapshot{Status: status, Truncated: true}); err != nil {
					return err
				}
			}
			for _, ev := range told.Events {
				if err := say(rpc.Happened{Event: ev}); err != nil {
					return err
				}
				after = ev.Seq
				if ev.What == owner.JobEnded {
					return errEnded
				}
			}
			return nil
		})
		stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// toldWhole gives errEnded if the job has ended and all its events were told.
func (t front) toldWhole(ctx context.Context, job hyperscale.JobID, after uint64) (bool, error) {
	saved, err := own.Look(ctx, t.deps.Store, job)
	if err != nil {
		return false, err
	}
	if saved.Head.Phase.Terminal() && !saved.Head.Pending && saved.Events <= after {
		return true, errEnded
	}
	return false, nil
}

// watchLive shows the live numbers, from whoever owns the job now, until ctx ends.
func (t front) watchLive(ctx context.Context, job hyperscale.JobID, say func(rpc.Update) error) error {
	for ctx.Err() == nil {
		var failed error
		show := func(u rpc.Update) error {
			failed = say(u)
			return failed
		}
		if d := t.registry.desk(job); d != nil {
			_ = d.hub.follow(ctx, show)
		} else if o, known := t.registry.ownerOf(job); known && o.Node != t.cfg.Self {
			if conn, err := t.lines.dial(t.registry.parent(o.Node)); err == nil {
				_ = conn.Forward(ctx, job, show)
			}
		}
		if failed != nil {
			return failed
		}
		pause(ctx, 100*time.Millisecond)
	}
	return ctx.Err()
}

// follow shows what a job shows until it is not owned here any more.
func (h *hub) follow(ctx context.Context, send func(rpc.Update) error) error {
	w := h.join()
	defer h.leave(w)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-h.done:
			return nil
		case <-w.bell:
		}
		for _, u := range h.take(w) {
			if err := send(u); err != nil {
				return err
			}
		}
	}
}
