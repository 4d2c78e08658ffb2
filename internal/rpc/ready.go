package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc/connectivity"
)

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
		case state == connectivity.Ready && (!stood || time.Since(time.Unix(0, c.heard.Load())) < quiet):
			return nil
		case state == connectivity.Ready, state == connectivity.TransientFailure, state == connectivity.Shutdown:
			return c.knock(ctx) // where there is no connection it fails at once, and says why
		default:
			c.conn.Connect()
			if !c.conn.WaitForStateChange(ctx, state) {
				return c.noAnswer(ctx)
			}
		}
	}
}

// knock makes a call that is answered from memory.
func (c *Conn) knock(ctx context.Context) error {
	_, err := c.Members(ctx)
	switch kind := KindOf(err); {
	case kind == OutOfTime, kind == Cancelled:
		return c.noAnswer(ctx)
	case kind.Again() && kind != Unavailable:
		return nil // it has too much to do, and is there
	}
	return err
}

// noAnswer says that a node was not heard while somebody waited.
func (c *Conn) noAnswer(ctx context.Context) error {
	return &Error{Kind: KindOf(ctx.Err()), Undone: true, Text: "calling " + c.address + ": it does not answer"}
}
