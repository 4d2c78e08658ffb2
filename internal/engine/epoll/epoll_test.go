//go:build linux

package epoll

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/engine/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lane is the least lane that a driver can have.
type lane struct {
	*Driver
	poller *Poller
	begun  time.Time
	now    hyperscale.JobTime
	mu     sync.Mutex
	fs     []func()
}

func (l *lane) post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fs = append(l.fs, f)
	l.poller.Wake()
}

func (l *lane) turn(atMost time.Duration) {
	l.now = time.Since(l.begun)
	if l.Flush() {
		atMost = 0
	}
	l.Write()
	n := l.poller.Poll(0)
	if n == 0 {
		n = l.poller.Wait(atMost)
	}
	l.Receive(0, n)
	for i := range n {
		l.Handle(i)
	}
	l.mu.Lock()
	fs := l.fs
	l.fs = nil
	l.mu.Unlock()
	for _, f := range fs {
		f()
	}
	l.Write()
	l.Flush()
}

func TestConformance(t *testing.T) {
	wiretest.Run(t, func(t *testing.T, names *dial.Names, done func(*wire.Exchange)) wiretest.Harness {
		p, err := NewPoller()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		l := &lane{poller: p, begun: time.Now()}
		l.Driver = New(p, Config{
			Names: names, Done: done, Post: l.post,
			Now: &l.now, Clock: func() hyperscale.JobTime { return time.Since(l.begun) },
		})
		return wiretest.Harness{Driver: l.Driver, Turn: l.turn}
	})
}
