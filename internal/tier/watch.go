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
		return noJob(err, job)
	}
	var one sync.Mutex
	say := func(u rpc.Update) error {
		one.Lock()
		defer one.Unlock()
		return send(u)
	}
	if err := say(rpc.Snapshot{Status: t.snapshot(ctx, job, saved)}); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	ended := make(chan struct{})
	g.Go(func() error {
		defer close(ended)
		if err := t.watchEvents(ctx, job, after, say); !errors.Is(err, errEnded) {
			return err
		}
		return nil
	})
	g.Go(func() error { return t.watchLive(ctx, job, ended, say) })
	return explain(g.Wait())
}

// snapshot is how a job fares now.
func (t front) snapshot(ctx context.Context, job hyperscale.JobID, saved own.Saved) rpc.Status {
	status := t.statusOf(job, saved.Head, saved.Owner)
	if d := t.registry.desk(job); d != nil {
		_ = d.ask(ctx, func() { d.describe(&status) }) // what is stored will do
	} else if saved.Head.Phase.Terminal() {
		t.describeEnded(ctx, &status)
	}
	return status
}

// watchEvents tells the events until the job has ended and the last was told, which
// gives errEnded.
func (t front) watchEvents(ctx context.Context, job hyperscale.JobID, after uint64, say func(rpc.Update) error) error {
	tell := func(told own.Told) error {
		if told.Truncated {
			saved, err := own.Look(ctx, t.deps.Store, job)
			if err != nil {
				return err
			}
			if err := say(rpc.Snapshot{Status: t.snapshot(ctx, job, saved), Truncated: true}); err != nil {
				return err
			}
		}
		over := false
		for _, ev := range told.Events {
			if err := say(rpc.Happened{Event: ev}); err != nil {
				return err
			}
			after = ev.Seq
			over = over || ev.What == owner.JobEnded
		}
		if over { // what became of reporters since then was told, too; what will be is not waited for
			return errEnded
		}
		after = max(after, told.Last)
		return nil
	}
	for {
		if over, err := t.toldWhole(ctx, job, after); over || err != nil {
			return err
		}
		inner, stop := context.WithTimeout(ctx, lookAgain)
		err := own.WatchEvents(inner, t.deps.Store, job, after, tell)
		stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// lookAgain is how often a watch looks whether a job has ended that told nothing.
const lookAgain = 2 * time.Second

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

// lastWords is how long a job that has ended has to show its last numbers.
const lastWords = time.Second

// watchLive shows the live numbers, from whoever owns the job now, until it has
// ended and the last were shown, or ctx ends.
func (t front) watchLive(ctx context.Context, job hyperscale.JobID, ended <-chan struct{}, say func(rpc.Update) error) error {
	live, stop := context.WithCancel(ctx)
	defer stop()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer stop()
	waiting.Go(func() {
		select {
		case <-ended:
			pause(live, lastWords)
		case <-live.Done():
		}
		stop()
	})
	var failed error
	show := func(u rpc.Update) error {
		failed = say(u)
		return failed
	}
	for ctx.Err() == nil && failed == nil {
		if d := t.registry.desk(job); d != nil {
			_ = d.hub.follow(live, show)
		} else if o, known := t.registry.ownerOf(job); known && o.Node != t.cfg.Self {
			_ = t.lines.forward(t.registry.parent(o.Node), func(conn *rpc.Conn) error { return conn.Peer().Forward(live, job, show) })
		}
		select {
		case <-ended:
			return failed
		case <-time.After(100 * time.Millisecond):
		case <-live.Done():
		}
	}
	if failed != nil {
		return failed
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
			return h.pass(w, send)
		case <-w.bell:
		}
		if err := h.pass(w, send); err != nil {
			return err
		}
	}
}

// pass gives a watcher all that waits for it.
func (h *hub) pass(w *watcher, send func(rpc.Update) error) error {
	for _, u := range h.take(w) {
		if err := send(u); err != nil {
			return err
		}
	}
	return nil
}
