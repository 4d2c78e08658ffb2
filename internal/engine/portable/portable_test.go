package portable

import (
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/engine/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lane is the least lane that a driver can have.
type lane struct {
	begun time.Time
	bell  chan struct{}
	mu    sync.Mutex
	fs    []func()
}

func newLane() *lane { return &lane{begun: time.Now(), bell: make(chan struct{}, 1)} }

func (l *lane) post(f func()) {
	l.mu.Lock()
	l.fs = append(l.fs, f)
	l.mu.Unlock()
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

func (l *lane) clock() time.Duration { return time.Since(l.begun) }

// turn waits for posts and does them.
func (l *lane) turn(atMost time.Duration) {
	t := time.NewTimer(atMost)
	defer t.Stop()
	select {
	case <-l.bell:
	case <-t.C:
	}
	l.mu.Lock()
	fs := l.fs
	l.fs = nil
	l.mu.Unlock()
	for _, f := range fs {
		f()
	}
}

func open(t *testing.T, names *dial.Names, done func(*wire.Exchange)) wiretest.Harness {
	l := newLane()
	d := New(Config{Names: names, Clock: l.clock, Done: done, Post: l.post})
	t.Cleanup(func() {
		for i := 0; i < 3; i++ {
			l.turn(0) // what was posted before Close must do nothing
		}
	})
	return wiretest.Harness{Driver: d, Turn: l.turn}
}

func TestConformance(t *testing.T) { wiretest.Run(t, open) }
