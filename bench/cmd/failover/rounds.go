//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
	"hyperscale/test/cluster"
)

// round is one death.
type round struct {
	*cluster.Datacenter
	ctx    context.Context
	target *cluster.Target
	name   string
	job    hyperscale.JobID
	watch  *cluster.Watcher
	stop   context.CancelFunc // of the watcher
}

// The load of a round: long enough for what is waited for, and ended after it.
const (
	rate   = 600
	lasts  = time.Minute
	shares = 3
)

// patience is how long a round waits for what is to come.
const patience = 15 * time.Second

// begin submits a load to a manager and waits until it has run for a while.
func (r *round) begin(manager int) error {
	if err := r.submit(manager); err != nil {
		return err
	}
	var err error
	ctx, stop := context.WithCancel(r.ctx)
	r.stop = stop
	r.watch = r.Watch(ctx, r.job, r.Addresses(manager+1)...)
	if err = r.until(func() error { return r.since(0) }); err != nil {
		return err
	}
	long := 1500*time.Millisecond + anyMoment()
	return r.until(func() error { return r.since(long) })
}

func (r *round) submit(manager int) (err error) {
	r.job, err = r.Hand(r.ctx, r.target, cluster.Load{Name: r.name, Rate: rate, For: lasts, Cores: shares, Manager: manager})
	return err
}

// since says that the load has not yet run for so long.
func (r *round) since(d time.Duration) error {
	hits := r.target.Hits(r.name)
	if len(hits.Times) == 0 || time.Since(hits.Times[0].At) < d {
		return fmt.Errorf("the load has made %d requests", len(hits.Times))
	}
	return nil
}

func (r *round) until(so func() error) error {
	ctx, stop := context.WithTimeout(r.ctx, patience)
	defer stop()
	return cluster.Until(ctx, so)
}

// end ends the load of the round, and waits for it.
func (r *round) end() {
	if r.job != "" {
		ctx, stop := context.WithTimeout(r.ctx, patience)
		defer stop()
		if out, code, err := r.Command(ctx, "cancel", string(r.job)); err != nil || code != 0 {
			fmt.Printf("%s was not cancelled: %v %s\n", r.name, err, out)
		}
		_ = r.watch.Wait(ctx) // the next round waits for free cores
	}
	if r.stop != nil {
		r.stop()
	}
}

// idle is how long nothing happens before a start: a placer that is new waits for
// workers to state what they have.
const idle = 2500 * time.Millisecond

// start is from the command that submits to the first request.
func start(r *round) (time.Duration, error) {
	select {
	case <-time.After(idle):
	case <-r.ctx.Done():
	}
	asked := time.Now()
	if err := r.submit(0); err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(r.ctx)
	r.stop = stop
	r.watch = r.Watch(ctx, r.job, r.Addresses(0)...)
	if err := r.until(func() error { return r.since(0) }); err != nil {
		return 0, err
	}
	return r.target.Hits(r.name).Times[0].At.Sub(asked), nil
}

// back is how long it took from a death until the load of a share was made again:
// until the first slot of it that was due when nobody of before was left to make it.
func (r *round) back(died time.Time, s hyperscale.Share, left time.Duration) (time.Duration, error) {
	first := r.target.Hits(r.name).Times[0]
	zero := first.At.Add(-time.Duration(first.Slot) * time.Second / rate)
	next := int64((died.Sub(zero) + left) * rate / time.Second)
	var at time.Time
	err := r.until(func() error {
		found, ok := r.target.Hits(r.name).After(died, func(slot int64) bool { return slot >= next && s.Holds(hyperscale.Slot(slot)) })
		if at = found; !ok {
			return errors.New("the slots do not come")
		}
		return nil
	})
	return at.Sub(died), err
}

// started is how a worker logs that it was told to begin.
var started = regexp.MustCompile(`ordered to start.* job=(\S+) .*share=\[(\d+),(\d+)\)/(\d+) `)

// share is what a worker runs of the round's job, by its log.
func (r *round) share(n *cluster.Node) (s hyperscale.Share, err error) {
	for _, m := range started.FindAllStringSubmatch(n.Tail(100), -1) {
		if m[1] == string(r.job) {
			for i, to := range []*int64{&s.Lo, &s.Hi, &s.Of} {
				*to, _ = strconv.ParseInt(m[i+2], 10, 64) // it is made of digits
			}
		}
	}
	if !s.Valid() {
		return s, fmt.Errorf("worker %s was told to start nothing", n.Name)
	}
	return s, nil
}

// worker is from the death of a worker to the first request of its cover.
func worker(r *round) (time.Duration, error) {
	if err := r.begin(0); err != nil {
		return 0, err
	}
	s, err := r.share(r.Workers[1])
	if err != nil {
		return 0, err
	}
	died := time.Now()
	r.Workers[1].Kill()
	return r.back(died, s, 200*time.Millisecond) // its engine ends a little later
}

// engine is from the death of an engine to the first request of the next one.
func engine(r *round) (time.Duration, error) {
	if err := r.begin(0); err != nil {
		return 0, err
	}
	engines, err := r.Workers[1].Children()
	if err != nil || len(engines) == 0 {
		return 0, fmt.Errorf("the worker's engines: %v, %w", engines, err)
	}
	s, err := r.share(r.Workers[1])
	if err != nil {
		return 0, err
	}
	died := time.Now()
	if err := syscall.Kill(engines[0], syscall.SIGKILL); err != nil {
		return 0, err
	}
	return r.back(died, s, 10*time.Millisecond)
}

// owner is from the death of an owner that does not lead the store.
func owner(r *round) (time.Duration, error) {
	leads, err := r.Leader(r.ctx)
	if err != nil {
		return 0, err
	}
	return r.ownerDies((leads + 1) % len(r.Managers))
}

// leader is from the death of an owner that leads the store.
func leader(r *round) (time.Duration, error) {
	leads, err := r.Leader(r.ctx)
	if err != nil {
		return 0, err
	}
	return r.ownerDies(leads)
}

// ownerDies is from the death of an owner to the first windows that the next one
// saved, as a watcher at another manager hears.
func (r *round) ownerDies(manager int) (time.Duration, error) {
	if err := r.begin(manager); err != nil {
		return 0, err
	}
	died := time.Now()
	r.Managers[manager].Kill()
	var merged time.Time
	err := r.until(func() error {
		changed, ok := r.watch.Find("owner changed")
		if !ok {
			return errors.New("no new owner was heard of")
		}
		if merged, ok = r.watch.MergedAfter(changed.Came); !ok {
			return errors.New("the new owner told of no windows")
		}
		return nil
	})
	return merged.Sub(died), err
}

// handover is from the wish that an owner drain to the word of the next one.
func handover(r *round) (time.Duration, error) {
	if err := r.begin(0); err != nil {
		return 0, err
	}
	asked := time.Now()
	err := r.Ask(r.ctx, r.Managers[0], func(ctx context.Context, c *rpc.Conn) error { return c.Drain(ctx, r.Managers[0].Name) })
	if err != nil {
		return 0, err
	}
	var changed cluster.Heard
	err = r.until(func() error {
		var ok bool
		if changed, ok = r.watch.Find("owner changed"); !ok {
			return errors.New("no new owner was heard of")
		}
		return nil
	})
	r.Managers[0].Kill() // it starts again, ready for jobs
	return changed.Came.Sub(asked), err
}
