// Package memstore is a store in the memory of one process: whole, with
// revisions, history, leases and watches, and deterministic. Tests and the
// simulator run on it, and a single node that need not survive its end can.
//
// Time is given to it. With a clock of the caller's, leases end when the first
// call after their end comes, or [Store.Tick]; nothing in here waits for a timer,
// so a single thread can drive everything. What a simulator wants to see it
// subscribes to ([Store.Subscribe]); the call comes from within the write.
package memstore

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"hyperscale/internal/store"
)

// Store is a [store.Store]. All its methods may be called at the same time, and
// from within a subscription.
type Store struct {
	now  func() time.Time
	self bool // the clock is the real one: blocked watches end leases themselves

	mu      sync.Mutex
	data    data
	leases  leases
	feed    feed
	changed chan struct{} // closed, and made anew, when something changed
}

// New makes an empty store. The clock may be nil: then it is the real one, or
// that of the synctest bubble.
func New(now func() time.Time) *Store {
	s := &Store{now: now, data: newData(), leases: newLeases(), changed: make(chan struct{})}
	if now == nil {
		s.now, s.self = time.Now, true
	}
	return s
}

// Txn implements [store.Store].
func (s *Store) Txn(ctx context.Context, t store.Txn) (store.Done, error) {
	if err := t.Check(); err != nil {
		return store.Done{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Done{}, fmt.Errorf("transaction: %w", err)
	}
	defer s.deliver()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	ops, held := t.Then, true
	for _, c := range t.If {
		held = held && s.data.mod(c.Key) == c.Mod
	}
	if !held {
		ops = t.Else
	}
	for _, op := range ops {
		if op.Kind == store.Put && op.Lease != 0 && !s.leases.has(op.Lease) {
			return store.Done{}, fmt.Errorf("putting %q under lease %x: %w", op.Key, op.Lease, store.ErrNoLease)
		}
	}
	read := s.carryOut(ops)
	return store.Done{Held: held, Revision: s.data.revision, Read: read}, nil
}

// carryOut does the operations one after the other, as one change.
func (s *Store) carryOut(ops []store.Op) [][]store.Entry {
	read := make([][]store.Entry, len(ops))
	w := s.data.begin()
	for i, op := range ops {
		switch op.Kind {
		case store.Get:
			if e, there := w.get(op.Key); there {
				read[i] = []store.Entry{copied(e)}
			}
		case store.GetRange:
			read[i], _ = w.page(store.Range{From: op.Key, Until: op.Until})
		case store.Put:
			w.put(op.Key, bytes.Clone(op.Value), op.Lease)
		case store.Delete:
			w.delete(op.Key)
		case store.DeleteRange:
			entries, _ := w.page(store.Range{From: op.Key, Until: op.Until, KeysOnly: true})
			for _, e := range entries {
				w.delete(e.Key)
			}
		}
	}
	s.commit(w)
	return read
}

// commit makes what was written a change that leases and watches know of.
func (s *Store) commit(w writing) {
	if len(w.events) == 0 {
		return
	}
	for _, e := range w.events {
		s.leases.attach(e.Key, e.Lease)
	}
	s.data.commit(w)
	s.feed.add(change{w.revision, w.events})
	close(s.changed)
	s.changed = make(chan struct{})
}

// Range implements [store.Store].
func (s *Store) Range(ctx context.Context, r store.Range) (store.Page, error) {
	if err := ctx.Err(); err != nil {
		return store.Page{}, fmt.Errorf("reading from %q: %w", r.From, err)
	}
	defer s.deliver()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	revision := s.data.revision
	if r.At != 0 {
		revision = r.At
	}
	if revision < s.data.compacted {
		return store.Page{}, fmt.Errorf("reading from %q at %d: %w", r.From, revision, store.ErrCompacted)
	}
	if revision > s.data.revision {
		return store.Page{}, fmt.Errorf("reading from %q at %d, which is to come: %w", r.From, revision, store.ErrInvalid)
	}
	r.At = revision
	entries, more := s.data.page(r)
	return store.Page{Entries: entries, More: more, Revision: revision}, nil
}

// Compact drops what was overwritten or deleted before the revision. To read or
// watch from an earlier one fails from then on.
func (s *Store) Compact(_ context.Context, before store.Revision) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before > s.data.revision {
		return fmt.Errorf("compacting to %d, which is to come: %w", before, store.ErrInvalid)
	}
	s.data.compact(before)
	return nil
}

// Revision is that of the last change; an empty store has 1.
func (s *Store) Revision() store.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.revision
}

// copied gives an entry whose bytes are the reader's own.
func copied(e store.Entry) store.Entry {
	e.Value = bytes.Clone(e.Value)
	return e
}

func copies(events []store.Event) []store.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Entry = copied(events[i].Entry)
	}
	return events
}
