package tier

import "sync"

// mailbox is a queue without a bound from many to one, so that actors which send
// to each other never wait for each other. What fills it is bounded elsewhere: by
// windows in flight, statements a second, and one commit a job.
type mailbox[T any] struct {
	mu    sync.Mutex
	items []T
	bell  chan struct{}
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{bell: make(chan struct{}, 1)} }

// put adds to the queue.
func (m *mailbox[T]) put(items ...T) {
	m.mu.Lock()
	m.items = append(m.items, items...)
	m.mu.Unlock()
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

// take empties the queue. After a ring of the bell it may be empty.
func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}
