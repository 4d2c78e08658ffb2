package memstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hyperscale/internal/store"
)

// Watch implements [store.Store]. With a clock of the caller's it learns of
// leases that ended when something else touches the store.
func (s *Store) Watch(ctx context.Context, from, until string, since store.Revision,
	got func(store.Revision, []store.Event) error) error {
	next := since
	for {
		c, changed, ends, err := s.look(&next, from, until)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("watching %q: %w", from, err)
		}
		if len(c.events) > 0 {
			if err := got(c.revision, copies(c.events)); err != nil {
				return err
			}
			continue
		}
		if err := s.wait(ctx, changed, ends); err != nil {
			return fmt.Errorf("watching %q: %w", from, err)
		}
	}
}

// look gives the next change for a watch that goes on from next; if there is
// none, what is closed with the next one, and when a lease may end.
func (s *Store) look(next *store.Revision, from, until string) (change, <-chan struct{}, time.Time, error) {
	defer s.deliver()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if *next == 0 {
		*next = s.data.revision + 1
	}
	if *next < s.data.compacted {
		return change{}, nil, time.Time{}, fmt.Errorf("watching %q from %d: %w", from, *next, store.ErrCompacted)
	}
	var c change
	c, *next = s.data.since(*next, from, until)
	return c, s.changed, s.leases.next, nil
}

func (s *Store) wait(ctx context.Context, changed <-chan struct{}, ends time.Time) error {
	var ended <-chan time.Time
	if s.self && !ends.IsZero() {
		timer := time.NewTimer(time.Until(ends))
		defer timer.Stop()
		ended = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-ended:
	}
	return nil
}

// feed brings changes to subscribers, one at a time and in order.
type feed struct {
	subscribers []*subscriber
	pending     []delivery
	busy        bool // someone up the stack, or another thread, delivers
}

type subscriber struct {
	from, until string
	since       store.Revision
	got         func(store.Revision, []store.Event)
	gone        bool
}

type delivery struct {
	to *subscriber
	change
}

func (f *feed) add(c change) {
	for _, to := range f.subscribers {
		f.addFor(to, c)
	}
}

func (f *feed) addFor(to *subscriber, c change) {
	if events := c.within(to.from, to.until); len(events) > 0 && c.revision >= to.since {
		f.pending = append(f.pending, delivery{to, change{c.revision, events}})
	}
}

// Subscribe is Watch for a single thread: got is called with the changes that
// have been, before Subscribe returns, and with each later one before the call
// that made it returns. It may call the store; changes that it makes come to the
// subscribers after it has returned. After cancel it is not called again.
func (s *Store) Subscribe(from, until string, since store.Revision,
	got func(store.Revision, []store.Event)) (cancel func(), err error) {
	defer s.deliver()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if since == 0 {
		since = s.data.revision + 1
	}
	if since < s.data.compacted {
		return nil, fmt.Errorf("watching %q from %d: %w", from, since, store.ErrCompacted)
	}
	to := &subscriber{from: from, until: until, since: since, got: got}
	for _, c := range s.data.history {
		s.feed.addFor(to, c)
	}
	s.feed.subscribers = append(s.feed.subscribers, to)
	return func() { s.unsubscribe(to) }, nil
}

func (s *Store) unsubscribe(to *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to.gone = true
	s.feed.subscribers = slices.DeleteFunc(s.feed.subscribers, func(one *subscriber) bool { return one == to })
}

// deliver calls the subscribers, without the lock so that they may call us.
func (s *Store) deliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed.busy {
		return
	}
	s.feed.busy = true
	defer func() { s.feed.busy = false }()
	for len(s.feed.pending) > 0 {
		d := s.feed.pending[0]
		s.feed.pending = s.feed.pending[1:]
		if !d.to.gone {
			s.call(d)
		}
	}
}

func (s *Store) call(d delivery) {
	s.mu.Unlock()
	defer s.mu.Lock()
	d.to.got(d.revision, copies(d.events))
}
