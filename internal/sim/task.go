package sim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"hyperscale/internal/store"
)

// task is code of a process that blocks: on the store, or to wait. It runs as a
// coroutine and stops at every call.
type task struct {
	p     *proc
	store *reached
	next  func() (call, bool)
	stop  func()
}

// call is what a task waits for: do is carried out elsewhere and back comes its
// answer, or with do nil time passes.
type call struct {
	do   func()
	gone func() // the answer will not come in time
	wait time.Duration
}

// begin begins a task in the process.
func (s *reached) begin(run func(ctx context.Context)) {
	p := s.p
	t := &task{p: p, store: s}
	t.next, t.stop = iter.Pull(func(yield func(call) bool) {
		s.yield = yield
		run(context.Background())
	})
	p.tasks = append(p.tasks, t)
	s.resume(t, nil)
}

// drop ends a task where it stands: its calls fail from here on.
func (t *task) drop() {
	t.store.yield = func(call) bool { return false }
	t.stop()
	t.store.yield = nil
}

// reached is the store as one process reaches it.
type reached struct {
	p     *proc
	yield func(call) bool // of the task that runs
}

// resume lets a task run up to its next call.
func (s *reached) resume(t *task, yield func(call) bool) {
	s.yield = yield
	c, more := t.next()
	mine := s.yield
	s.yield = nil
	if !more {
		t.p.tasks = slices.DeleteFunc(t.p.tasks, func(o *task) bool { return o == t })
		return
	}
	w := t.p.w
	if c.do == nil {
		t.p.after(c.wait, func() { s.resume(t, mine) })
		return
	}
	there, back, answered := s.path()
	if there >= 0 {
		w.after(there, func() { s.arrive(c.do) })
	}
	if !answered {
		t.p.at(w.now+storeTimeout, func() { c.gone(); s.resume(t, mine) })
		return
	}
	t.p.at(w.now+there+back, func() { s.resume(t, mine) })
}

// storeTimeout is how long a process waits for the store.
const storeTimeout = 2 * time.Second

// arrive carries a request out at the store. One that comes while there is no
// leader is carried out by the next, or never.
func (s *reached) arrive(do func()) {
	w := s.p.w
	if w.now < w.outage {
		if w.chance(0.5) {
			w.at(w.outage+w.between(0, time.Second), do)
		}
		return
	}
	do()
}

// path draws how long a request takes to the store and its answer back. There
// below zero: it never arrives.
func (s *reached) path() (there, back time.Duration, answered bool) {
	w, p := s.p.w, s.p
	there, back = w.between(200*time.Microsecond, 2*time.Millisecond), w.between(200*time.Microsecond, 2*time.Millisecond)
	if w.now < w.slow {
		there, back = w.between(0, 1200*time.Millisecond), w.between(0, 1200*time.Millisecond)
	}
	cut := w.net.cutOff(p.id, storeID) || w.net.cutOff(storeID, p.id)
	switch {
	case w.now < w.outage:
		w.saw("store without a leader")
		return there, 0, false
	case cut && w.chance(0.5):
		w.saw("store not reached")
		return -1, 0, false
	case cut:
		w.saw("answer of the store lost")
		return there, 0, false
	case there+back > storeTimeout:
		w.saw("answer of the store late")
		return there, 0, false
	}
	return there, back, true
}

// storeID is the store in the network.
const storeID = "store"

var errGone = fmt.Errorf("the process is gone: %w", store.ErrUnavailable)

// ask carries a call out at the store.
func (s *reached) ask(do func() error) error {
	if s.yield == nil {
		panic("sim: the store is asked outside a task")
	}
	err := errors.New("no answer")
	late := false
	ok := s.yield(call{
		do: func() {
			got := do()
			if !late {
				err = got
			}
		},
		gone: func() { late, err = true, fmt.Errorf("timed out: %w", store.ErrUnavailable) },
	})
	if !ok {
		return errGone
	}
	return err
}

// sleep lets time pass.
func (s *reached) sleep(ctx context.Context, d time.Duration) error {
	if !s.yield(call{wait: d}) {
		return errGone
	}
	return ctx.Err()
}

// Txn implements [store.Store].
func (s *reached) Txn(ctx context.Context, t store.Txn) (done store.Done, err error) {
	t = s.p.w.cfg.Sabotage.txn(t)
	var got store.Done
	err = s.ask(func() (err error) { got, err = s.p.w.store.Txn(ctx, t); return err })
	if err != nil {
		return store.Done{}, err
	}
	return got, nil
}

// Range implements [store.Store].
func (s *reached) Range(ctx context.Context, r store.Range) (page store.Page, err error) {
	var got store.Page
	err = s.ask(func() (err error) { got, err = s.p.w.store.Range(ctx, r); return err })
	if err != nil {
		return store.Page{}, err
	}
	return got, nil
}

// Watch implements [store.Store]; what watches here is told by other means.
func (s *reached) Watch(context.Context, string, string, store.Revision, func(store.Revision, []store.Event) error) error {
	panic("sim: nobody blocks on a watch")
}

// Grant implements [store.Store].
func (s *reached) Grant(ctx context.Context, ttl time.Duration) (id store.LeaseID, err error) {
	var got store.LeaseID
	err = s.ask(func() (err error) { got, err = s.p.w.store.Grant(ctx, ttl); return err })
	return got, err
}

// Renew implements [store.Store].
func (s *reached) Renew(ctx context.Context, id store.LeaseID) (ttl time.Duration, err error) {
	var got time.Duration
	err = s.ask(func() (err error) { got, err = s.p.w.store.Renew(ctx, id); return err })
	return got, err
}

// Revoke implements [store.Store].
func (s *reached) Revoke(ctx context.Context, id store.LeaseID) error {
	return s.ask(func() error { return s.p.w.store.Revoke(ctx, id) })
}
