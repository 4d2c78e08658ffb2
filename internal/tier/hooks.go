package tier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/reporter"
	"hyperscale/internal/reporter/sink"
	"hyperscale/internal/rpc"
	"hyperscale/internal/store"
)

// hooks are the web hooks of a job: reporters that are told of its events, as the store
// has them, in order and by their numbers, and of its end.
type hooks struct {
	store store.Store
	job   hyperscale.JobID
	lines []*reporter.Line // those that have not come to their outcome before

	ended  chan struct{} // closed: ending holds
	ending reporter.Ending
}

func newHooks(st store.Store, job hyperscale.JobID) *hooks {
	return &hooks{store: st, job: job, ended: make(chan struct{})}
}

// end says how the job ended.
func (h *hooks) end(e reporter.Ending) {
	h.ending = e
	close(h.ended)
}

// run tells them the events, first those that are there, and the end after the last that
// is of the job itself. Each leaves out what it has had. It returns once all was told, or
// ctx ends.
func (h *hooks) run(ctx context.Context) {
	if len(h.lines) == 0 {
		return
	}
	last, over := uint64(0), false
	tell := func(told own.Told) error {
		for i := range told.Events {
			ev := &told.Events[i]
			if over { // what became of reporters
				break
			}
			for _, line := range h.lines {
				line.Event(ev)
			}
			last, over = ev.Seq, ev.What == owner.JobEnded
		}
		return nil
	}
	h.untilEnd(ctx, func(ctx context.Context) {
		_ = own.WatchEvents(ctx, h.store, h.job, last, tell) // a store that does not answer is asked again
	})
	for !over && ctx.Err() == nil {
		told, err := own.Events(ctx, h.store, h.job, last, 0)
		if err == nil || errors.Is(err, own.ErrNotFound) {
			_ = tell(told) // it never fails
			break
		}
		pause(ctx, saveRetry)
	}
	if ctx.Err() != nil {
		return
	}
	for _, line := range h.lines {
		line.End(h.ending, last)
	}
}

// untilEnd does work again and again until the job has ended, which cuts it short.
func (h *hooks) untilEnd(ctx context.Context, work func(context.Context)) {
	ctx, stop := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer stop()
	waiting.Go(func() {
		defer stop()
		select {
		case <-h.ended:
		case <-ctx.Done():
		}
	})
	for ctx.Err() == nil {
		work(ctx)
		pause(ctx, saveRetry)
	}
}

// hookLimits are those of web hooks: three attempts of ours and one of another node; then
// the next event is told.
func hookLimits(l reporter.Limits) reporter.Limits {
	if l.Longest == 0 {
		l.Longest = 2 * time.Second
	}
	if l.Tries == 0 {
		l.Tries = 3
	}
	l.Batch, l.Of = 1, "event"
	return l
}

// elsewhere makes the reporter that reaches a web hook by way of another node.
func (t talks) elsewhere(s sink.Spec) func(context.Context, *reporter.Job) (reporter.Reporter, error) {
	return func(_ context.Context, job *reporter.Job) (reporter.Reporter, error) {
		return sink.Handed(job, func(ctx context.Context, id string, body []byte) error {
			return t.handOn(ctx, link.Post{Job: job.ID, To: s.Text(), ID: id, Body: body})
		}), nil
	}
}

// How long another node has to post a request, and to say what came of it.
const (
	postTime   = 4 * time.Second
	handOnTime = postTime + time.Second
)

// handOn lets another node post a request. One that can't be reached, or is left alone for
// it could not be reached before, is passed over for the next; the first that can be is
// the last that is asked.
func (t talks) handOn(ctx context.Context, p link.Post) error {
	err := errors.New("there is no other node")
	for _, id := range own.Rank(p.Job, t.registry.others(t.cfg.Self)) {
		failed := ""
		err = t.lines.forward(t.registry.parent(id), func(conn *rpc.Conn) (err error) {
			ctx, stop := context.WithTimeout(ctx, handOnTime)
			defer stop()
			failed, err = conn.Peer().Post(ctx, p)
			return err
		})
		switch {
		case err == nil && failed != "":
			return fmt.Errorf("by way of %s: %s", id, failed)
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return err
		}
	}
	return err
}

// Post sends a request to a web hook, for the owner of a job that does not reach it.
func (t talks) Post(ctx context.Context, who rpc.Caller, p link.Post) (string, error) {
	specs, err := sink.Parse([]string{p.To})
	if err != nil {
		return "", rpc.InvalidField("to", "%v", err)
	}
	ctx, stop := context.WithTimeout(ctx, postTime)
	defer stop()
	err = specs[0].Send(ctx, p.ID, p.Body, t.cfg.Version, sink.Bound(t.deps.Secrets, specs[0]))
	t.log.Info("posted to a web hook for another node", "for", who.Node, "job", p.Job, "id", p.ID, "error", errText(err))
	return errText(err), nil
}
