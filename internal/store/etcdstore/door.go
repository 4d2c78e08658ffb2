package etcdstore

import (
	"context"
	"fmt"
	"sync"

	"hyperscale/internal/store"
)

// errGone: the node that a store belongs to has ended, or its client was closed.
var errGone = fmt.Errorf("its node has ended: %w", store.ErrUnavailable)

// door lets requests in to an etcd in this process from when it is ready until it
// ends, and knows when the last has left: what is inside an etcd that is being
// closed may crash.
type door struct {
	opened chan struct{} // closed when it was opened, or shut for good
	inside sync.WaitGroup

	mu    sync.Mutex
	open  bool
	visit visit
	end   context.CancelFunc // of visit.life
	fall  context.CancelFunc // of visit.reign
}

func newDoor() *door { return &door{opened: make(chan struct{})} }

// enter implements source.
func (d *door) enter(ctx context.Context) (visit, error) {
	select {
	case <-ctx.Done():
		return visit{}, fmt.Errorf("waiting for the member to be ready: %w", store.ErrUnavailable)
	case <-d.opened:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		return visit{}, errGone
	}
	d.inside.Add(1)
	v := d.visit
	v.leave = d.inside.Done
	return v, nil
}

// unlock lets requests in.
func (d *door) unlock(v visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v.life, d.end = context.WithCancel(context.Background())
	v.reign, d.fall = context.WithCancel(v.life)
	d.visit, d.open = v, true
	close(d.opened)
}

// newReign ends the requests that came in before it. Those that wait for the
// leader of then might wait for long.
func (d *door) newReign() (endOld func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open {
		return func() {}
	}
	endOld = d.fall
	d.visit.reign, d.fall = context.WithCancel(d.visit.life)
	return endOld
}

// shut ends all requests and waits until they have left. None comes in again.
func (d *door) shut() {
	d.mu.Lock()
	was := d.open
	select {
	case <-d.opened:
	default:
		close(d.opened)
	}
	d.open = false
	d.mu.Unlock()
	if was {
		d.end()
	}
	d.inside.Wait()
}
