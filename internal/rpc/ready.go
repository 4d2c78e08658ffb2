package rpc

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/connectivity"
)

// hearing is when a node answered last. The zero value: never.
type hearing struct{ at atomic.Int64 }

func (h *hearing) now() { h.at.Store(time.Now().UnixNano()) }

func (h *hearing) within(d time.Duration) bool { return time.Since(time.Unix(0, h.at.Load())) < d }

// quiet is for how long a node that answered is taken to be there still.
const quiet = 2 * time.Second

// Ready waits until the node can be asked: until there is a connection over which
// it spoke, or, where there has been one and nothing was heard for a while, until it
// answers a light call. So it tells a node that stands still from one that is there
// before anything is asked of it that may be done only once. It fails with why there
// is no connection, or when ctx ends; then connecting goes on by itself.
func (c *Conn) Ready(ctx context.Context) error {
	stood := c.conn.GetState() == connectivity.Ready
	for {
		switch state := c.conn.GetState(); {
		case state == connectivity.Ready && (!stood || c.heard.within(quiet)):
			return nil
		case state == connectivity.Ready, state == connectivity.TransientFailure, state == connectivity.Shutdown:
			return knock(ctx, c) // where there is no connection it fails at once, and says why
		default:
			c.conn.Connect()
			if !c.conn.WaitForStateChange(ctx, state) {
				return noAnswer(ctx, c)
			}
		}
	}
}

// knock makes a call that is answered from memory.
func knock(ctx context.Context, c *Conn) error {
	_, err := c.Members(ctx)
	switch kind := KindOf(err); {
	case kind == OutOfTime, kind == Cancelled:
		return noAnswer(ctx, c)
	case kind.Again() && kind != Unavailable:
		return nil // it has too much to do, and is there
	}
	return err
}

// noAnswer says that a node was not heard while somebody waited.
func noAnswer(ctx context.Context, c *Conn) error {
	return &Error{Kind: KindOf(ctx.Err()), Undone: true, Text: "calling " + c.address + ": it does not answer"}
}
