package portable

import (
	"sync"
	"sync/atomic"

	"hyperscale"
	"hyperscale/internal/engine/portable/h2"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// call is one exchange under way: where the lane and the goroutines of a
// connection meet.
type call struct {
	driver *Driver

	// The lane's.
	x     *wire.Exchange // nil: handed back or given up
	conn  *conn          // nil: it waits for a name
	moves int            // connections that it was taken off

	// Set before a goroutine knows of it.
	want  h2.Want
	begun hyperscale.JobTime // put on an open connection

	mu      sync.Mutex
	request *session.Request // nil: its bytes may not be looked at any more
	at      int              // bytes of head and body that were taken

	progress
}

// progress is what the goroutines of a connection tell of a call.
type progress struct {
	sent    atomic.Bool  // the request wholly
	seen    atomic.Bool  // any of the answer
	first   atomic.Int64 // … when, in job time
	in, out atomic.Int64 // bytes
}

// take copies the next bytes of the request to b. Rest says that there are more.
// Of a request that was given up there are none.
func (c *call) take(b []byte) (n int, rest bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.request == nil {
		return 0, false
	}
	head, body := c.request.Head, c.request.Body
	if c.at < len(head) {
		n = copy(b, head[c.at:])
		c.at += n
	}
	if c.at >= len(head) {
		k := copy(b[n:], body[c.at-len(head):])
		c.at += k
		n += k
	}
	return n, c.at < len(head)+len(body)
}

// got notes that some of the answer is here.
func (c *progress) got(now hyperscale.JobTime) {
	if !c.seen.Load() {
		c.first.Store(int64(now))
		c.seen.Store(true)
	}
}

// leave takes c from its exchange and its connection: nothing of the exchange is
// touched any more.
func (c *call) leave() {
	c.mu.Lock()
	c.request = nil
	c.mu.Unlock()
	c.x.Conn, c.x.Stage, c.x = nil, wire.Idle, nil
	if c.conn != nil {
		c.conn.forget(c)
	}
}

// stage is how far c has come.
func (c *call) stage() wire.Stage {
	switch {
	case c.conn == nil:
		return wire.Resolving
	case c.conn.carrier == nil:
		return wire.Stage(c.conn.stage.Load())
	case !c.sent.Load():
		return wire.Sending
	case !c.seen.Load():
		return wire.Waiting
	}
	return wire.Receiving
}

// outcome is how a call ended.
type outcome struct {
	answer session.Answer // all but Start
	fault  session.Fault
	text   string
	end    hyperscale.JobTime
	reuse  bool // the connection may take another call
}

// fill tells x what came of it.
func (o *outcome) fill(c *call, x *wire.Exchange) {
	start := x.Answer.Start
	x.Answer = o.answer
	x.Answer.Start, x.Answer.End = start, o.end
	x.Fault, x.Text = o.fault, o.text
	x.BytesIn, x.BytesOut = c.in.Load(), c.out.Load()
	if c.seen.Load() {
		first := hyperscale.JobTime(c.first.Load())
		x.Phases.FirstByte, x.Phases.Transfer = first-c.begun, o.end-first
	}
}
