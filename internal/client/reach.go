package client

import (
	"context"
	"slices"
	"sync"
	"time"

	"hyperscale/internal/rpc"
)

// late is for how long one node is waited for before the next is tried beside it.
const late = 300 * time.Millisecond

// line is a connection and how many calls use it.
type line struct {
	address string
	node    node
	calls   int
}

// attempt makes a call at the first of the addresses that is there, and says which
// that was; "": none of them.
func (c *Client) attempt(ctx context.Context, addresses []string, call func(node) error) (string, error) {
	l, err := c.reach(ctx, addresses)
	if err != nil {
		return "", err
	}
	defer c.giveBack(l)
	c.prefer(l.address)
	return l.address, call(l.node)
}

// reach finds the first of the addresses where a node is there. It begins with the
// next as soon as one fails, or is late: then both are waited for. So one that stands
// still costs a moment, and yet nothing is asked of two nodes. The error is the
// first one, or that which no other node would change.
func (c *Client) reach(ctx context.Context, addresses []string) (*line, error) {
	ctx, stop := context.WithCancel(ctx)
	come := make(chan arrival, len(addresses))
	var all sync.WaitGroup
	defer func() {
		stop()
		all.Wait()
		close(come)
		for a := range come { // who came too late
			c.giveBack(a.line)
		}
	}()
	timer := time.NewTimer(0) // for the first of them
	defer timer.Stop()
	begun, open := 0, 0
	var failed error
	for {
		select {
		case <-timer.C:
		case a := <-come:
			open--
			if a.err == nil || !rpc.KindOf(a.err).Again() {
				return a.line, a.err
			}
			if failed == nil {
				failed = a.err
			}
		}
		if begun < len(addresses) {
			address := addresses[begun]
			begun, open = begun+1, open+1
			all.Go(func() { come <- c.arrive(ctx, address) })
			timer.Reset(late)
		} else if open == 0 {
			return nil, failed
		}
	}
}

// arrival is what came of trying one address.
type arrival struct {
	line *line
	err  error
}

// arrive waits until the node at an address is there. Whoever is given the line gives
// it back.
func (c *Client) arrive(ctx context.Context, address string) arrival {
	l, err := c.take(address)
	if err != nil {
		return arrival{err: err}
	}
	if err := l.node.Ready(ctx); err != nil {
		c.giveBack(l)
		return arrival{err: err}
	}
	return arrival{line: l}
}

func (c *Client) take(address string) (*line, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lines[address]
	if l == nil {
		c.tidy()
		n, err := c.dial(address)
		if err != nil {
			return nil, err
		}
		l = &line{address: address, node: n}
		c.lines[address] = l
	}
	l.calls++
	return l, nil
}

func (c *Client) giveBack(l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l != nil {
		l.calls--
	}
}

// tidy closes connections to nodes that were asked in passing, once there are
// many.
func (c *Client) tidy() {
	if len(c.lines) < mostLines {
		return
	}
	for address, l := range c.lines {
		if l.calls == 0 && !slices.Contains(c.config.Nodes, address) {
			_ = l.node.Close() // nobody waits for it
			delete(c.lines, address)
		}
	}
}
