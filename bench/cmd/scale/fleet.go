//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/tier"
)

// fleet is simulated workers. Their links are channels, or streams of gRPC.
type fleet struct {
	score
	children []*child
	stops    []context.CancelFunc // of their links
	running  sync.WaitGroup
	mu       sync.Mutex
	driving  time.Duration // CPU time that the children took to speak
}

// way is how a child is linked, until ctx ends or the link does.
type way func(ctx context.Context, c *child) error

// redial is how long a child waits before it begins a new link.
const redial = 100 * time.Millisecond

// newFleet is so many children that link that way, until ctx ends.
func newFleet(ctx context.Context, workers, cores int, load hyperscale.JobTime, link way) *fleet {
	f := &fleet{}
	sample := newSample(load)
	for i := range workers {
		c := newChild(hyperscale.NodeID(fmt.Sprintf("w%05d", i)), cores, &f.score, sample)
		own, stop := context.WithCancel(ctx)
		f.children, f.stops = append(f.children, c), append(f.stops, stop)
		f.running.Go(func() {
			for own.Err() == nil {
				c.linked()
				_ = link(own, c) // it begins anew
				pause(own, redial)
			}
		})
	}
	f.running.Go(func() { f.drive(ctx, (*child).beat) })
	f.running.Go(func() { f.drive(ctx, (*child).deliver) })
	return f
}

// drive lets all children do something once a second, spread over it. What they say
// and what they deliver goes apart: making windows up costs far more, and is not to
// make them miss their beats.
func (f *fleet) drive(ctx context.Context, do func(*child)) {
	runtime.LockOSThread() // its CPU time is its own
	defer runtime.UnlockOSThread()
	const parts = 100
	tick := time.NewTicker(time.Second / parts)
	defer tick.Stop()
	last := threadTime()
	for part := 0; ; part++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for i := part % parts; i < len(f.children); i += parts {
			do(f.children[i])
		}
		now := threadTime()
		f.mu.Lock()
		f.driving += now - last
		f.mu.Unlock()
		last = now
	}
}

// driven is the CPU time that the children took so far to speak.
func (f *fleet) driven() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.driving
}

// lose ends the first n children at once.
func (f *fleet) lose(n int) time.Time {
	at := time.Now()
	for _, stop := range f.stops[:n] {
		stop()
	}
	for _, c := range f.children[:n] {
		c.die()
	}
	return at
}

// unacknowledged is how many windows wait for their receipt.
func (f *fleet) unacknowledged() int {
	n := 0
	for _, c := range f.children {
		n += c.unacknowledged()
	}
	return n
}

// nameOf is who a child is.
func nameOf(c *child) identity.ID {
	return identity.ID{Cluster: "hyperscale", Env: "bench", Role: identity.Worker, DC: "dc1", Node: c.id}
}

// inMemory links children to a tier in this process.
func inMemory(t *tier.Tier) way {
	return func(ctx context.Context, c *child) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		who := rpc.Caller{ID: nameOf(c)}
		var delivering sync.WaitGroup
		delivering.Go(func() {
			defer stop()
			_ = t.Links().Deliver(ctx, who, &channel[link.Delivery, link.Receipt]{c.wins, ctx.Done(), c.receipt}) // they end together
		})
		err := t.Links().Attach(ctx, who, &channel[link.Up, link.Down]{c.ups, ctx.Done(), c.hear})
		stop()
		delivering.Wait()
		return err
	}
}

// channel is one conversation without a wire.
type channel[In, Out any] struct {
	up   chan In
	done <-chan struct{}
	took func(Out)
}

// Recv gives what the child says.
func (s *channel[In, Out]) Recv() (in In, err error) {
	select {
	case in = <-s.up:
		return in, nil
	case <-s.done:
		return in, io.EOF
	}
}

// Send lets the child hear.
func (s *channel[In, Out]) Send(out Out) error {
	s.took(out)
	return nil
}

// bySocket links children to the manager at an address, each by a connection of its
// own.
func bySocket(address string) way {
	return func(ctx context.Context, c *child) error {
		conn, err := rpc.Dial(address, rpc.Dialing{Self: nameOf(c)})
		if err != nil {
			return err
		}
		defer conn.Close()
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		up, err := conn.Attach(ctx)
		if err != nil {
			return err
		}
		wins, err := conn.Deliver(ctx)
		if err != nil {
			return err
		}
		var talking sync.WaitGroup
		defer talking.Wait()
		defer stop()
		talking.Go(func() { defer stop(); listen(wins, c.receipt) })
		talking.Go(func() { defer stop(); talk(ctx, wins, c.wins) })
		talking.Go(func() { defer stop(); talk(ctx, up, c.ups) })
		return listen(up, c.hear)
	}
}

// listen hands on what comes until the stream ends.
func listen[In, Out any](from rpc.Call[In, Out], took func(In)) error {
	for {
		in, err := from.Recv()
		if err != nil {
			return err
		}
		took(in)
	}
}

// talk sends what is said until the stream ends.
func talk[In, Out any](ctx context.Context, to rpc.Call[In, Out], said chan Out) {
	for {
		select {
		case <-ctx.Done():
			return
		case out := <-said:
			if to.Send(out) != nil {
				return // the one who listens hears why
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
