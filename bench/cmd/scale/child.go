//go:build unix

package main

import (
	"context"
	"io"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier"
)

// child is a simulated worker: it states, obeys and delivers as a real one does,
// and makes its windows up. Its links are channels.
type child struct {
	id    hyperscale.NodeID
	cores int
	ups   *stream[link.Up, link.Down]
	wins  *stream[link.Delivery, link.Receipt]
	stop  context.CancelFunc

	mu    sync.Mutex
	seq   uint64
	heard uint64
	holds map[link.Hold]*hold
	rec   *stats.Record // what a second of one share holds
}

// hold is one share.
type hold struct {
	state  link.State
	epoch  hyperscale.Epoch
	start  uint64
	zero   time.Time // job time 0
	reach  hyperscale.JobTime
	stream *stats.Stream
	acked  uint64
}

// stream is one conversation without a wire.
type stream[In, Out any] struct {
	up   chan In
	done <-chan struct{}
	took func(Out)
}

// Recv gives what the child says.
func (s *stream[In, Out]) Recv() (in In, err error) {
	select {
	case in = <-s.up:
		return in, nil
	case <-s.done:
		return in, io.EOF
	}
}

// Send lets the child hear.
func (s *stream[In, Out]) Send(out Out) error {
	s.took(out)
	return nil
}

// say lets the tier hear, unless the child has ended.
func (s *stream[In, Out]) say(in In) {
	select {
	case s.up <- in:
	case <-s.done:
	}
}

// attach makes a child of the tier, until ctx ends or its stop is called.
func attach(ctx context.Context, t *tier.Tier, id hyperscale.NodeID, cores int, rec *stats.Record, running *sync.WaitGroup) *child {
	ctx, stop := context.WithCancel(ctx)
	c := &child{id: id, cores: cores, stop: stop, holds: map[link.Hold]*hold{}, rec: rec}
	c.ups = &stream[link.Up, link.Down]{up: make(chan link.Up, 16), done: ctx.Done(), took: c.hear}
	c.wins = &stream[link.Delivery, link.Receipt]{up: make(chan link.Delivery, 16), done: ctx.Done(), took: c.receipt}
	who := rpc.Caller{ID: identity.ID{Cluster: "hyperscale", Env: "bench", Role: identity.Worker, DC: "dc1", Node: id}}
	running.Go(func() { _ = t.Links().Attach(ctx, who, c.ups) })   // it ends with ctx
	running.Go(func() { _ = t.Links().Deliver(ctx, who, c.wins) }) // and so does this
	return c
}

// beat states what the child has and delivers what was done since the last beat.
func (c *child) beat() {
	c.mu.Lock()
	statement := c.statement()
	windows := c.windows()
	c.mu.Unlock()
	c.ups.say(statement)
	for _, w := range windows {
		c.wins.say(w)
	}
}

func (c *child) statement() link.Statement {
	c.seq++
	s := link.Statement{Node: c.id, Boot: 1, Seq: c.seq, Cores: c.cores, Free: c.cores, Heard: c.heard}
	for name, h := range c.holds {
		held := link.Held{Hold: name, State: h.state, Start: h.start, Cut: h.stream.Seq(), Acked: h.acked, Epoch: h.epoch}
		if h.state == link.Running {
			held.JobTime = max(time.Since(h.zero), 0)
		}
		s.Holds = append(s.Holds, held)
		s.Free--
	}
	return s
}

func (c *child) windows() []link.Delivery {
	var list []link.Delivery
	for name, h := range c.holds {
		if h.state != link.Running {
			continue
		}
		now := time.Since(h.zero).Truncate(time.Second)
		for ; h.reach+time.Second <= now; h.reach += time.Second {
			w := h.stream.Cut(stats.Interval{From: h.reach, To: h.reach + time.Second}, []*stats.Record{c.rec}, stats.Readings{})
			list = append(list, link.Delivery{Hold: name, Start: h.start, Window: w.AppendBinary(nil)})
		}
	}
	return list
}

// hear obeys. A share whose end was wanted is dropped at once: this is no test of
// endings.
func (c *child) hear(down link.Down) {
	c.mu.Lock()
	changed := false
	switch down := down.(type) {
	case link.Word:
		c.heard = down.Seq
	case link.Order:
		changed = c.obey(down)
	}
	var statement link.Statement
	if changed {
		statement = c.statement()
	}
	c.mu.Unlock()
	if changed {
		c.ups.say(statement)
	}
}

func (c *child) obey(o link.Order) (changed bool) {
	h := c.holds[o.Hold]
	switch {
	case o.Do == link.Prepare && h == nil:
		c.holds[o.Hold] = &hold{state: link.Prepared, epoch: o.Epoch, stream: stats.NewStream(o.Hold.Workflow, o.Hold.Share)}
	case o.Do == link.Start && h != nil && h.state == link.Prepared:
		h.state, h.start, h.zero = link.Running, o.Number, time.Now().Add(o.In-o.At)
		h.reach = max(o.Begin, o.Hold.Share.From).Truncate(time.Second)
	case o.Do == link.Drop, o.Do == link.Stop, o.Do == link.Cut:
		delete(c.holds, o.Hold)
	default:
		return false
	}
	return true
}

func (c *child) receipt(r link.Receipt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.holds[r.Hold]; h != nil {
		h.acked = max(h.acked, r.Seq)
	}
}

// count is how many shares of a state the child holds, of a turn or above.
func (c *child) count(state link.State, turn hyperscale.Turn) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for name, h := range c.holds {
		if h.state >= state && name.Share.Turn >= turn {
			n++
		}
	}
	return n
}

// unacknowledged is how many windows of the child wait for their receipt.
func (c *child) unacknowledged() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, h := range c.holds {
		n += int(h.stream.Seq() - h.acked)
	}
	return n
}
