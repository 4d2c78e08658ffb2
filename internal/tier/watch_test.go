package tier

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/own"
	"hyperscale/internal/rpc"
	"hyperscale/internal/stats"
	"hyperscale/internal/store"
)

// diary is what a watcher was told.
type diary struct {
	mu      sync.Mutex
	changed chan struct{}
	told    []rpc.Update
	ended   error
	over    bool
}

// watch begins to watch a job, at the node given.
func (r *rig) watch(s *station, job hyperscale.JobID, after uint64) *diary {
	r.t.Helper()
	d := &diary{changed: make(chan struct{})}
	c := r.client(s)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := c.Watch(ctx, job, after, func(u rpc.Update) error {
			d.note(func() { d.told = append(d.told, u) })
			return nil
		})
		d.note(func() { d.ended, d.over = err, true })
	}()
	r.t.Cleanup(func() { stop(); <-done })
	return d
}

func (d *diary) note(what func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *diary) changes() (<-chan struct{}, func()) {
	d.mu.Lock()
	return d.changed, d.mu.Unlock
}

// events are those that were told.
func (d *diary) events() []hyperscale.Event {
	var list []hyperscale.Event
	for _, u := range d.told {
		if h, ok := u.(rpc.Happened); ok {
			list = append(list, h.Event)
		}
	}
	return list
}

// B-14: a watcher hears at once how the job stands, with its totals, then every
// event after the number given. A job that is not known is NOT_FOUND.
func TestWatchBeginsWithSnapshot(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, longRun)
	a := r.submit(r.client(r.stations[0]), planOf("browse"))
	w.holds(link.Running, 1)
	r.wait(func() bool {
		s, err := r.client().Get(t.Context(), a.Job)
		return err == nil && s.Totals.Started > 0
	}, "the status never shows what was started")
	for _, s := range r.stations {
		d := r.watch(s, a.Job, 1)
		r.until(d.changes, func() bool { return len(d.events()) > 0 }, "no event is told")
		snap, ok := d.told[0].(rpc.Snapshot)
		if !ok || snap.Status.Phase != hyperscale.Running || snap.Truncated || snap.Status.Job != a.Job {
			t.Errorf("at %s the first is %+v", s.id, d.told[0])
		}
		if s.id == "m1" && (snap.Status.Totals.Started == 0 || snap.Status.Elapsed == 0) {
			t.Errorf("the snapshot of the owner is %+v", snap.Status)
		}
		if ev := d.events()[0]; ev.Seq != 2 {
			t.Errorf("at %s the first event is %+v", s.id, ev)
		}
	}
	for _, s := range r.stations {
		if err := r.client(s).Watch(t.Context(), "none", 0, func(rpc.Update) error { return nil }); !errors.Is(err, rpc.NotFound) {
			t.Errorf("watching a job that is not there gives %v at %s", err, s.id)
		}
	}
	w.finish()
	r.ended(r.client(), a.Job)
	status, err := r.client().Get(t.Context(), a.Job)
	if err != nil || status.Totals.Started != slots || status.Totals.Requests.OK != slots || len(status.Workflows) != 1 {
		t.Errorf("the status of a job that has ended is %+v, %v", status, err)
	}
}

// The last live numbers and windows of a job reach its watchers, at its owner and
// elsewhere, before the watch ends: nothing of an output that they make is missing.
func TestLastNumbersAreShown(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, longRun)
	a := r.submit(r.client(r.stations[0]), planOf("browse"))
	w.holds(link.Running, 1)
	diaries := []*diary{r.watch(r.stations[0], a.Job, 0), r.watch(r.stations[1], a.Job, 0)}
	for _, d := range diaries {
		r.until(d.changes, func() bool { return len(d.told) > 1 }, "nothing is told")
	}
	w.finish()
	for i, d := range diaries {
		r.until(d.changes, func() bool { return d.over }, "the watch does not end")
		if d.ended != nil {
			t.Errorf("watch %d ends with %v", i, d.ended)
		}
		var last stats.Progress
		for _, u := range d.told {
			if live, ok := u.(rpc.Live); ok {
				if err := json.Unmarshal(live.Progress, &last); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(last.Steps) == 0 || last.Steps[0].Requests.Started != slots {
			t.Errorf("watch %d: the last numbers are %+v", i, last.Steps)
		}
	}
}

// B-17: a watcher that takes nothing delays neither the job nor other watchers, and
// hears every event once it goes on.
func TestSlowWatcher(t *testing.T) {
	r := newRig(t, 1)
	w := r.newChild("w1", 2, longRun)
	a := r.submit(r.client(), planOf("browse"))
	w.holds(link.Running, 1)
	stuck, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	var once sync.Once
	var heard []hyperscale.Event
	c := r.client()
	go func() {
		done <- c.Watch(context.Background(), a.Job, 0, func(u rpc.Update) error {
			once.Do(func() { close(stuck) })
			<-release
			if h, ok := u.(rpc.Happened); ok {
				heard = append(heard, h.Event)
			}
			return nil
		})
	}()
	<-stuck
	quick := r.watch(r.stations[0], a.Job, 0)
	live := func() (n int) {
		for _, u := range quick.told {
			if _, ok := u.(rpc.Live); ok {
				n++
			}
		}
		return n
	}
	r.until(quick.changes, func() bool { return live() > 1 }, "the other watcher hears nothing")
	w.finish()
	r.until(quick.changes, func() bool { return quick.over }, "the other watcher does not hear the end")
	close(release)
	if err := <-done; err != nil {
		t.Errorf("the slow watcher ends with %v", err)
	}
	for i, ev := range heard {
		if ev.Seq != uint64(i+1) {
			t.Errorf("its event %d has the number %d", i+1, ev.Seq)
		}
	}
	if len(heard) != len(quick.events()) {
		t.Errorf("it heard %d events, the other %d", len(heard), len(quick.events()))
	}
}

// B-18: who comes back hears exactly what was missed, over a change of owner too; if
// some of it is gone, a snapshot says so.
func TestWatchGoesOn(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, longRun)
	p := planOf("browse")
	a := r.submit(r.client(r.stations[0]), p)
	w.holds(link.Running, 1)
	whole := r.watch(r.stations[1], a.Job, 0)
	late := r.watch(r.stations[1], a.Job, 2)
	r.stations[0].stop()
	r.owner(a.Job, r.stations[1])
	w.finish()
	for _, d := range []*diary{whole, late} {
		r.until(d.changes, func() bool { return d.over }, "the watch does not end")
		if d.ended != nil {
			t.Errorf("a watch ends with %v", d.ended)
		}
	}
	all := whole.events()
	for i, ev := range all {
		if ev.Seq != uint64(i+1) {
			t.Errorf("event %d has the number %d", i+1, ev.Seq)
		}
	}
	if rest := late.events(); len(rest) != len(all)-2 || rest[0].Seq != 3 {
		t.Errorf("from 3 on it was told%s\nof%s", story(rest), story(all))
	}
	if !has(all, own.OwnerChanged) {
		t.Errorf("no change of owner is told%s", story(all))
	}
	if _, err := own.Sweep(t.Context(), r.store, time.Now().Add(2*time.Hour), 0); err != nil {
		t.Fatal(err)
	}
	gone := r.watch(r.stations[1], a.Job, 1)
	r.until(gone.changes, func() bool { return gone.over }, "the watch of what was swept does not end")
	truncated := false
	for _, u := range gone.told {
		if s, ok := u.(rpc.Snapshot); ok {
			truncated = truncated || s.Truncated
		}
	}
	if gone.ended != nil || !truncated {
		t.Errorf("a watch of events that are gone was told %+v, and ends with %v", gone.told, gone.ended)
	}
}

// B-32: the percentage never falls, over takeovers too, and is 100 at success only. Of what
// is never saved nobody hears.
func TestPercentNeverFalls(t *testing.T) {
	r := newRig(t, 2)
	w := r.newChild("w1", 2, longRun)
	p := planOf("browse")
	a := r.submit(r.client(r.stations[0]), p)
	c := r.client()
	last := 0.0
	look := func() float64 {
		s, err := c.Get(t.Context(), a.Job)
		if err != nil {
			t.Fatal(err)
		}
		if s.Percent < last {
			t.Errorf("the percentage falls from %v to %v", last, s.Percent)
		}
		if s.Percent >= 100 && s.Phase != hyperscale.Completed {
			t.Errorf("it is %v in phase %s", s.Percent, s.Phase)
		}
		last = max(last, s.Percent)
		return s.Percent
	}
	r.wait(func() bool { return look() > 1 }, "nothing gets done")
	w.holds(link.Running, 1)
	r.stations[0].cable.fill(func(t store.Txn) bool {
		return slices.ContainsFunc(t.Then, func(op store.Op) bool { return op.Kind == store.Put && strings.Contains(op.Key, string(a.Job)) })
	})
	r.wait(func() bool { look(); return strings.Contains(r.log.String(), "does not take what is to be written") }, "nothing is saved")
	look()
	r.stations[0].stop()
	c = r.client(r.stations[1])
	r.owner(a.Job, r.stations[1])
	before := last
	r.wait(func() bool { return look() > before }, "nothing gets done after the takeover")
	w.finish()
	r.ended(c, a.Job)
	if look() != 100 {
		t.Errorf("it ends at %v percent", last)
	}
}

var manyJobs = flag.Int("jobs", 1000, "how many jobs come and go before what is left is looked for")

// B-03, B-04: after many jobs nothing of them is left in memory.
func TestNothingIsLeft(t *testing.T) {
	r := newRig(t, 1, func(_ *Config, d *Deps) {
		d.Log = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	r.newChild("w1", 64, func(c *labourer) { c.windows = 1; c.forgets = true })
	c, s := r.client(), submissionOf(t, planOf("browse"))
	run := func(n int) {
		var running sync.WaitGroup
		for range 20 {
			running.Go(func() {
				for range n / 20 {
					a, err := c.Submit(t.Context(), s)
					if err == nil {
						err = c.Watch(t.Context(), a.Job, 0, func(rpc.Update) error { return nil })
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		running.Wait()
		if _, err := own.Sweep(t.Context(), r.store, time.Now().Add(100*time.Hour), 0); err != nil {
			t.Fatal(err)
		}
		if err := r.store.Compact(t.Context(), r.store.Revision()); err != nil {
			t.Fatal(err)
		}
	}
	jobs := *manyJobs
	if testing.Short() {
		jobs = min(jobs, 200)
	}
	run(100)
	heap, routines := measure()
	for left := jobs; left > 0; left -= 1000 { // swept in between, as it is in life: the store's tables never shrink
		run(min(left, 1000))
	}
	known := r.stations[0].registry
	r.wait(func() bool {
		known.mu.Lock()
		defer known.mu.Unlock()
		return len(known.desks)+len(known.owners) == 0
	}, "jobs that ended are still known")
	r.wait(func() bool { _, now := measure(); return now <= routines+5 }, "goroutines are left")
	after, now := measure()
	t.Logf("after %d jobs the heap went from %d to %d bytes, goroutines from %d to %d", jobs, heap, after, routines, now)
	// The keys of submissions are remembered for a day: about 300 bytes each.
	if grown := after - heap; grown > int64(jobs)*700+2<<20 {
		t.Errorf("after %d jobs the heap has grown by %d bytes", jobs, grown)
	}
}

func measure() (heap int64, routines int) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), runtime.NumGoroutine()
}
