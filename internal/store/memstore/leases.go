package memstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"hyperscale/internal/store"
)

// leases are the leases that have not ended, and the keys that end with them.
type leases struct {
	last store.LeaseID
	all  map[store.LeaseID]*lease
	of   map[string]store.LeaseID // by key
	next time.Time                // no lease ends before; zero: there is none
}

type lease struct {
	id   store.LeaseID
	ttl  time.Duration
	ends time.Time
	keys map[string]bool
}

func newLeases() leases {
	return leases{all: make(map[store.LeaseID]*lease), of: make(map[string]store.LeaseID)}
}

func (l *leases) has(id store.LeaseID) bool { return l.all[id] != nil }

// attach ties a key to a lease and frees it from the one before; 0: from any.
func (l *leases) attach(key string, id store.LeaseID) {
	if before := l.all[l.of[key]]; before != nil {
		delete(before.keys, key)
	}
	delete(l.of, key)
	if after := l.all[id]; after != nil {
		after.keys[key] = true
		l.of[key] = id
	}
}

func (l *leases) grant(now time.Time, ttl time.Duration) store.LeaseID {
	l.last++
	ends := now.Add(ttl)
	l.all[l.last] = &lease{l.last, ttl, ends, make(map[string]bool)}
	if l.next.IsZero() || ends.Before(l.next) {
		l.next = ends
	}
	return l.last
}

// due gives the leases that have ended by now, the earliest first.
func (l *leases) due(now time.Time) []*lease {
	if l.next.IsZero() || now.Before(l.next) {
		return nil
	}
	var due []*lease
	l.next = time.Time{}
	for _, one := range l.all {
		switch {
		case !now.Before(one.ends):
			due = append(due, one)
		case l.next.IsZero() || one.ends.Before(l.next):
			l.next = one.ends
		}
	}
	slices.SortFunc(due, func(a, b *lease) int {
		return cmp.Or(a.ends.Compare(b.ends), cmp.Compare(a.id, b.id))
	})
	return due
}

// Grant implements [store.Store].
func (s *Store) Grant(ctx context.Context, ttl time.Duration) (store.LeaseID, error) {
	if ttl <= 0 {
		return 0, fmt.Errorf("lease of %v: %w", ttl, store.ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("granting a lease: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leases.grant(s.now(), ttl), nil
}

// Renew implements [store.Store].
func (s *Store) Renew(ctx context.Context, id store.LeaseID) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("renewing lease %x: %w", id, err)
	}
	defer s.deliver()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	l := s.leases.all[id]
	if l == nil {
		return 0, fmt.Errorf("renewing lease %x: %w", id, store.ErrNoLease)
	}
	l.ends = s.now().Add(l.ttl)
	return l.ttl, nil
}

// Revoke implements [store.Store].
func (s *Store) Revoke(ctx context.Context, id store.LeaseID) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("revoking lease %x: %w", id, err)
	}
	defer s.deliver()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if l := s.leases.all[id]; l != nil {
		s.end(l)
	}
	return nil
}

// Tick ends the leases whose time has come, with their keys, and gives the
// moment before which no other ends; zero: there is none.
func (s *Store) Tick() time.Time {
	defer s.deliver()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	return s.leases.next
}

func (s *Store) expire() {
	for _, l := range s.leases.due(s.now()) {
		s.end(l)
	}
}

// end ends a lease; its keys go in one change.
func (s *Store) end(l *lease) {
	keys := slices.Sorted(maps.Keys(l.keys))
	delete(s.leases.all, l.id)
	w := s.data.begin()
	for _, key := range keys {
		delete(s.leases.of, key)
		w.delete(key)
	}
	s.commit(w)
}
