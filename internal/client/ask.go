package client

import (
	"context"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
)

// ask makes a call, again and elsewhere as its course says. Job is whose owner
// is meant; "": anybody.
func (c *Client) ask(ctx context.Context, job hyperscale.JobID, call func(node) error) error {
	course := c.course(time.Now())
	next := course.first(c.ownerOf(job, time.Now()))
	for {
		asked, err := c.attempt(ctx, next.addresses, call)
		if ctx.Err() != nil && err != nil {
			return err
		}
		c.learn(job, next.owner, asked, err)
		course.nodes = c.nodes() // those that were met meanwhile, too
		if next = course.after(time.Now(), mathrand.Float64(), asked, err); next.end {
			return err
		}
		if pause(ctx, next.wait) != nil {
			return err
		}
	}
}

// course begins with the node that was there last.
func (c *Client) course(now time.Time) *course {
	return &course{nodes: c.nodes(), until: now.Add(c.config.Patience)}
}

// nodes are those to ask in turn.
func (c *Client) nodes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Concat(c.config.Nodes, c.met)
	at := max(slices.Index(all, c.begin), 0)
	return slices.Concat(all[at:], all[:at])
}

// prefer lets later calls begin with a node that is there, if it is one of those
// asked in turn.
func (c *Client) prefer(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.config.Nodes, address) || slices.Contains(c.met, address) {
		c.begin = address
	}
}

// meeting begins to ask a node for the others, beside a call that is made of it; with
// once, unless some node told of them before. The function that it gives ends that, with
// the call.
func (c *Client) meeting(ctx context.Context, n node, once bool) (end func()) {
	c.mu.Lock()
	known := c.told
	c.mu.Unlock()
	if known && once {
		return func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	var met sync.WaitGroup
	met.Go(func() { c.meet(ctx, n) })
	return func() { stop(); met.Wait() }
}

// meet asks a node for the others, so that whoever knows one of them can go on at
// another when that is gone. What it can't learn does not matter now.
func (c *Client) meet(ctx context.Context, n node) {
	ctx, stop := context.WithTimeout(ctx, meetTime)
	defer stop()
	members, err := n.Members(ctx)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = true
	for _, m := range members {
		if m.Role == string(identity.Worker) || m.Address == "" || slices.Contains(c.config.Nodes, m.Address) || slices.Contains(c.met, m.Address) {
			continue
		}
		c.met = append(c.met, m.Address)
	}
}

// meetTime is how long the others' addresses are waited for.
const meetTime = 2 * time.Second

// learn remembers an owner that answered, and forgets one that did not. Owner is who
// was to be asked for that; "": nobody in particular.
func (c *Client) learn(job hyperscale.JobID, owner, asked string, err error) {
	switch {
	case owner == "":
	case err == nil && asked == owner:
		c.found(job, asked)
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.owners, job)
	}
}

// found remembers where a job's owner is.
func (c *Client) found(job hyperscale.JobID, address string) {
	if job == "" || address == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if len(c.owners) >= mostOwners {
		for job, o := range c.owners {
			if !o.until.After(now) {
				delete(c.owners, job)
			}
		}
	}
	if len(c.owners) >= mostOwners {
		clear(c.owners)
	}
	c.owners[job] = owner{address, now.Add(c.config.Owner)}
}

func (c *Client) ownerOf(job hyperscale.JobID, now time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.owners[job]; o.until.After(now) {
		return o.address
	}
	return ""
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
