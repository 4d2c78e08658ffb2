// Package mailbox is a queue without a bound from many to one, so that those who
// send to each other never wait for each other. Whoever fills one sees to it that
// what can be under way is bounded elsewhere: by windows that may be
// unacknowledged, or by what is said in a second.
package mailbox

import "sync"

// Mailbox is such a queue. Make one with [New].
type Mailbox[T any] struct {
	bell chan struct{}

	mu    sync.Mutex
	items []T
}

// New is an empty mailbox.
func New[T any]() *Mailbox[T] { return &Mailbox[T]{bell: make(chan struct{}, 1)} }

// Put adds to the queue, in order. It may be called by many and never waits.
func (m *Mailbox[T]) Put(items ...T) {
	m.mu.Lock()
	m.items = append(m.items, items...)
	m.mu.Unlock()
	select {
	case m.bell <- struct{}{}:
	default: // it rings already
	}
}

// Bell rings when there may be something to take.
func (m *Mailbox[T]) Bell() <-chan struct{} { return m.bell }

// Take empties the queue; nil: there was nothing.
func (m *Mailbox[T]) Take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}
