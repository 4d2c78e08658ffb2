//go:build unix

package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc"
)

// Watcher watches a job through one manager after another, without the care that
// the client library takes: it notes each gap and repeat of what managers send.
type Watcher struct {
	dialing rpc.Dialing

	mu     sync.Mutex
	heard  []Heard
	merged []time.Time // when windows came that an owner had saved
	faults []string
	breaks int // connections that ended before the job did
	epoch  hyperscale.Epoch
	ended  chan struct{}
	err    error
}

// Heard is an event and when it came.
type Heard struct {
	hyperscale.Event
	Came time.Time
}

// Watch begins to watch, at the first address; each time the connection ends, at
// the next. It ends with the job or ctx.
func (d *Datacenter) Watch(ctx context.Context, job hyperscale.JobID, addresses ...string) *Watcher {
	w := &Watcher{dialing: d.dialing, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		w.err = w.watch(ctx, job, addresses)
	}()
	return w
}

func (w *Watcher) watch(ctx context.Context, job hyperscale.JobID, addresses []string) error {
	last := uint64(0)
	for n := 0; ; n++ {
		conn, err := rpc.Dial(addresses[n%len(addresses)], w.dialing)
		if err != nil {
			return err
		}
		err = conn.Watch(ctx, job, last, func(u rpc.Update) error {
			last = w.take(u, last)
			return nil
		})
		_ = conn.Close() // it has ended
		if err == nil {
			return nil
		}
		if kind := rpc.KindOf(err); !kind.Again() {
			return fmt.Errorf("watching %s: %w", job, err)
		}
		w.mu.Lock()
		w.breaks++
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// take notes one update and gives the number of the last event heard.
func (w *Watcher) take(u rpc.Update, last uint64) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch u := u.(type) {
	case rpc.Happened:
		if u.Seq != last+1 {
			w.faults = append(w.faults, fmt.Sprintf("event %d (%s) came after %d", u.Seq, u.What, last))
		}
		if u.Epoch < w.epoch {
			w.faults = append(w.faults, fmt.Sprintf("event %d (%s) is of epoch %d, after epoch %d", u.Seq, u.What, u.Epoch, w.epoch))
		}
		w.epoch = max(w.epoch, u.Epoch)
		w.heard = append(w.heard, Heard{u.Event, time.Now()})
		return u.Seq
	case rpc.Window:
		w.merged = append(w.merged, time.Now())
	case rpc.Snapshot:
		if u.Truncated {
			w.faults = append(w.faults, fmt.Sprintf("what happened after event %d is gone", last))
		}
	}
	return last
}

// Events are those heard so far.
func (w *Watcher) Events() []Heard {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Heard(nil), w.heard...)
}

// Find is the first event heard of a kind that counts; ok is false if there was none.
func (w *Watcher) Find(what string) (h Heard, ok bool) {
	for _, h := range w.Events() {
		if h.What == what {
			return h, true
		}
	}
	return Heard{}, false
}

// MergedAfter is when a window came first after a moment: its owner had saved it,
// and acknowledged what it is made of.
func (w *Watcher) MergedAfter(moment time.Time) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.merged {
		if at.After(moment) {
			return at, true
		}
	}
	return time.Time{}, false
}

// Faults are the gaps and repeats so far.
func (w *Watcher) Faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.faults...)
}

// Wait waits for the end of the job as the watcher hears of it.
func (w *Watcher) Wait(ctx context.Context) error {
	select {
	case <-w.ended:
		return w.err
	case <-ctx.Done():
		return fmt.Errorf("a watcher heard no end: %w", ctx.Err())
	}
}
