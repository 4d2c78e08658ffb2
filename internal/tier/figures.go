package tier

import (
	"context"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/job/owner"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
	"hyperscale/internal/tier/node"
	"hyperscale/internal/tier/seat"
)

// Figures is what a node has and did since it was made, for metrics.
type Figures struct {
	Owned     map[hyperscale.Phase]int // jobs that this node owns
	Takeovers uint64                   // jobs that it got from others
	Windows   Received
	Saves     Saves

	// Lag is for how long the oldest save that is under way has been; 0: none is.
	Lag time.Duration
	// Every is how far apart the checkpoints of a job are: a second, or more where
	// all together would be above their budget. Wants is how far they would have to
	// be to stay within it.
	Every, Wants time.Duration
}

// LongestEvery is how far apart the checkpoints of a job are at most.
const LongestEvery = owner.LongestEvery

// Received is how many windows were judged each way, by [stats.Receipt].
type Received [stats.Broken + 1]uint64

// SaveBounds are the upper bounds of the classes that saves are counted in by
// how long they took; the last class has none.
var SaveBounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
}

// Saves is what was made durable.
type Saves struct {
	Bytes uint64
	Took  time.Duration               // of all together
	Class [len(SaveBounds) + 1]uint64 // saves by SaveBounds
}

// Mean is how long a save took that was made since s was before, on average; 0: none
// was.
func (s Saves) Mean(before Saves) time.Duration {
	n := uint64(0)
	for i := range s.Class {
		n += s.Class[i] - before.Class[i]
	}
	return (s.Took - before.Took) / time.Duration(max(n, 1))
}

// counts is what figures are made of. It is safe for concurrent use.
type counts struct {
	mu        sync.Mutex
	jobs      map[hyperscale.JobID]*jobCount
	takeovers uint64
	windows   Received
	saves     Saves
	budget    seat.Budget
}

// jobCount is one job that is owned here.
type jobCount struct {
	phase  hyperscale.Phase
	saving time.Time // since when; zero: no save is under way
}

func newCounts(perSecond int) *counts {
	return &counts{jobs: map[hyperscale.JobID]*jobCount{}, budget: seat.Budget{PerSecond: perSecond}}
}

// is notes the phase of a job that is owned here.
func (c *counts) is(job hyperscale.JobID, phase hyperscale.Phase) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jobs[job] == nil {
		c.jobs[job] = &jobCount{}
	}
	c.jobs[job].phase = phase
}

// gone forgets a job.
func (c *counts) gone(job hyperscale.JobID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.jobs, job)
	c.budget.Gone(job)
}

// took counts a job that was another's.
func (c *counts) took() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takeovers++
}

// judged counts windows.
func (c *counts) judged(more Received) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, n := range more {
		c.windows[i] += n
	}
}

// saving notes that a save of a job has begun, and gives what notes that it is
// done, and says how far apart those that are timed are to be from now on.
func (c *counts) saving(job hyperscale.JobID, save owner.Save) (done func() time.Duration) {
	began := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if j := c.jobs[job]; j != nil {
		j.saving = began
	}
	return func() time.Duration {
		took := time.Since(began)
		c.mu.Lock()
		defer c.mu.Unlock()
		if j := c.jobs[job]; j != nil {
			j.saving = time.Time{}
		}
		c.saves.Bytes += uint64(len(save.Record) + len(save.Result))
		c.saves.Took += took
		c.saves.Class[classOf(took)]++
		if c.jobs[job] == nil {
			return c.budget.Every() // it is gone, and to be forgotten
		}
		return c.budget.Saved(job, save)
	}
}

// classOf is the class of a save that took so long.
func classOf(took time.Duration) int {
	for i, bound := range SaveBounds {
		if took <= bound {
			return i
		}
	}
	return len(SaveBounds)
}

func (c *counts) figures(now time.Time) Figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := Figures{
		Owned: map[hyperscale.Phase]int{}, Takeovers: c.takeovers, Windows: c.windows, Saves: c.saves,
		Every: c.budget.Every(), Wants: c.budget.Wants(),
	}
	for _, j := range c.jobs {
		f.Owned[j.phase]++
		if !j.saving.IsZero() {
			f.Lag = max(f.Lag, now.Sub(j.saving))
		}
	}
	return f
}

// Ops is a node as those see it who run it. Its methods may be called at any time.
type Ops struct{ tier *Tier }

// Ops is for those who run the node.
func (t *Tier) Ops() Ops { return Ops{t} }

// Figures tells what the node has and did.
func (o Ops) Figures() Figures { return o.tier.counts.figures(time.Now()) }

// Press says how much windows this node can take from now on: its children hear
// it with the next beat.
func (o Ops) Press(level link.Level) {
	o.tier.node.Put(node.Presses{Level: level})
}

// ask gives what the node answers in its loop; an error: ctx has ended before.
func ask[T any](ctx context.Context, t *Tier, question func(*node.Node) T) (T, error) {
	answer := make(chan T, 1)
	t.node.Put(func(n *node.Node) { answer <- question(n) })
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// Children are the children as this node sees them; of a gate the managers.
func (o Ops) Children(ctx context.Context) ([]node.Child, error) {
	return ask(ctx, o.tier, func(n *node.Node) []node.Child {
		if o.tier.bundle != nil {
			return o.tier.bundle.Managers(o.tier.now())
		}
		return n.Children()
	})
}

// Cores are the cores of the children that are not gone, and those of them that no job
// has; of a gate those of datacenters.
func (o Ops) Cores(ctx context.Context) (all, free int) {
	children, _ := ask(ctx, o.tier, (*node.Node).Children) // nobody waits for them any more
	for _, c := range children {
		if c.Heard {
			all, free = all+c.Cores, free+c.Free
		}
	}
	return all, free
}

// Capacity is what the placer of this datacenter said last of it, with its age; nil:
// none was heard.
func (o Ops) Capacity(ctx context.Context) *link.Capacity {
	c, _ := ask(ctx, o.tier, func(n *node.Node) *link.Capacity { return n.Capacity(o.tier.now()) }) // nobody waits for it any more
	return c
}

// Over reports whether a job has ended here or never was, by a linearizable read. A
// store that does not answer says neither.
func (o Ops) Over(ctx context.Context, job hyperscale.JobID) bool {
	_, over := isOver(ctx, o.tier.deps.Store, job)
	return over
}

// Wait tells how long something that is put to the node now waits until it is taken
// in; until ctx ends at most.
func (o Ops) Wait(ctx context.Context) time.Duration {
	began, done := time.Now(), make(chan struct{})
	o.tier.node.Put(func(*node.Node) { close(done) })
	select {
	case <-done:
	case <-ctx.Done():
	}
	return time.Since(began)
}
