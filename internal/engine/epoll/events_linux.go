package epoll

import (
	"golang.org/x/sys/unix"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// early is what was received for an event before the events were dealt with.
type early struct {
	c   *conn // nil: nothing was
	n   int
	at  hyperscale.JobTime
	buf [earlySize]byte
}

// earlySize is the longest answer that is received early. A connection that has
// brought a longer one is left to the lane's one buffer from then on.
const earlySize = 1000

// Receive takes in answers for the events [from, to), as far as they are plain,
// before any of them is dealt with: so the kernel's path for it stays in the
// caches, and the time of each is that of its arrival.
func (d *Driver) Receive(from, to int) {
	for i := from; i < to; i++ {
		e := &d.early[i]
		e.c = nil
		ev := &d.poller.events[i]
		if ev.Fd == wakeIndex || ev.Events&^(unix.EPOLLIN|unix.EPOLLOUT) != 0 || ev.Events&unix.EPOLLIN == 0 {
			continue
		}
		c := d.conns[ev.Fd]
		if c == nil || c.gen != ev.Pad || !c.receivesEarly() {
			continue
		}
		got, errno := recv(c.fd, e.buf[:])
		if errno != 0 || got == 0 {
			continue // what it was is met again when the event is dealt with
		}
		e.c, e.n, e.at = c, got, d.Clock()
	}
}

// receivesEarly reports whether what c brings can wait in a small buffer until
// its event is dealt with.
func (c *conn) receivesEarly() bool {
	return c.state == open && c.tls == nil && !c.large && c.x != nil && c.x.Stage != wire.Sending
}

// Handle deals with event i of the last Poll or Wait.
func (d *Driver) Handle(i int) {
	if e := &d.early[i]; e.c != nil {
		d.arrived(e)
		return
	}
	ev := d.poller.events[i]
	if ev.Fd == wakeIndex {
		d.poller.drainWake()
		return
	}
	c := d.conns[ev.Fd]
	if c == nil || c.gen != ev.Pad {
		return // ended earlier in this batch
	}
	d.tick()
	switch c.state {
	case connecting:
		d.connected(c)
	case securing:
		d.secure(c)
	default:
		d.ready(c, ev.Events)
	}
}

// arrived deals with what was received early.
func (d *Driver) arrived(e *early) {
	c := e.c
	if c.state == closed {
		return
	}
	*d.Now = e.at
	c.large = e.n == earlySize
	d.feed(c, e.buf[:e.n])
	if c.large && c.state == open {
		d.read(c, false)
	}
}

// ready deals with the events of an open connection.
func (d *Driver) ready(c *conn, events uint32) {
	if events&unix.EPOLLOUT != 0 && c.x != nil && c.x.Stage == wire.Sending {
		if fault, why := d.write(c); fault != 0 {
			d.fail(c, fault, why)
			return
		}
	}
	if events&^uint32(unix.EPOLLOUT) != 0 {
		d.read(c, events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0)
	}
}

// connected is called when a connection attempt has ended.
func (d *Driver) connected(c *conn) {
	now := *d.Now
	if err := connectError(c.fd); err != nil {
		d.fail(c, dial.ConnectFault(err), "connect: "+err.Error())
		return
	}
	c.x.Phases.Connect = now - c.begun
	c.begun = now
	if c.origin.Scheme != "https" {
		d.opened(c)
		return
	}
	t, err := newTLS(c.origin)
	if err != nil {
		d.fail(c, session.NewFault(session.TLSFailed, 0), err.Error())
		return
	}
	c.tls, c.state, c.x.Stage = t, securing, wire.Securing
	d.secure(c)
}

// opened sends the request that c was opened for.
func (d *Driver) opened(c *conn) {
	c.state = open
	x := c.x
	c.sent, c.begun = 0, *d.Now
	x.Stage = wire.Sending
	c.parser.Reset(x.Request.NoBody, x.Request.Keep, x.Request.KeepHead)
	if fault, why := d.write(c); fault != 0 {
		d.fail(c, fault, why)
	}
}

// fill is how often the buffer is filled from one connection before others, and
// the lane's due slots and timers, have their turn: a peer that sends faster
// than its answer is read would have the lane for itself.
const fill = 16

// read takes in what has come. With ended, the peer will send no more and the
// end itself must be read too.
func (d *Driver) read(c *conn, ended bool) {
	for range fill {
		n, errno := recv(c.fd, d.buf)
		if errno == unix.EAGAIN {
			return
		}
		d.tick()
		switch {
		case errno != 0:
			d.readFailed(c, errno)
			return
		case n == 0:
			d.eof(c)
			return
		}
		if c.tls != nil {
			d.decrypt(c, d.buf[:n])
		} else {
			d.feed(c, d.buf[:n])
		}
		// A short read emptied the socket: more bytes are another event.
		if c.state == closed || n < len(d.buf) && !ended {
			return
		}
	}
	// What is still there is told once more.
	if err := d.poller.rearm(int(c.fd), c.index, c.gen, watched); err != nil && c.x != nil {
		d.fail(c, dial.Fault(err), "watch the connection: "+err.Error())
	}
}

func (d *Driver) readFailed(c *conn, err error) {
	if c.x == nil {
		d.drop(c)
		return
	}
	d.fail(c, dial.Fault(err), "receive: "+err.Error())
}

// feed gives bytes of the answer to the parser.
func (d *Driver) feed(c *conn, b []byte) {
	x := c.x
	if x == nil {
		d.drop(c) // nobody asked: the connection can't be trusted any more
		return
	}
	sending := x.Stage == wire.Sending
	if x.Phases.FirstByte < 0 {
		c.first = *d.Now
		x.Phases.FirstByte = c.first - c.begun
		if !sending {
			x.Stage = wire.Receiving
		}
	}
	n, done, fault, why := c.parser.Feed(b)
	switch {
	case fault != 0:
		d.fail(c, fault, why)
	case done:
		d.complete(c, !sending && n == len(b) && c.parser.KeepAlive())
	}
}

// eof is called when the peer has closed its side.
func (d *Driver) eof(c *conn) {
	if c.x == nil {
		d.closed(c)
		return
	}
	if c.tls != nil && !c.tls.pipe.eof {
		// Let crypto/tls tell an end between records from one inside a record.
		c.tls.pipe.eof = true
		d.decrypt(c, nil)
		return
	}
	done, fault, why := c.parser.EOF()
	if !done {
		d.fail(c, fault, why)
		return
	}
	d.complete(c, false)
}

// complete hands back c's exchange with its answer.
func (d *Driver) complete(c *conn, reuse bool) {
	now := *d.Now
	x := d.detach(c)
	c.parser.Answer(&x.Answer)
	x.Answer.End = now
	x.Phases.Transfer = now - c.first
	x.BytesIn = c.parser.BytesIn()
	if !reuse || c.spent || c.origin.Transport.Connections == hyperscale.ConnPerRequest {
		d.drop(c)
		d.Done(x)
		return
	}
	if c.owner == nil {
		c.next, c.origin.idle = c.origin.idle, c
	}
	d.Done(x)
	if c.x == nil {
		c.parser.Drop() // a connection at rest holds no buffers
	}
}

// fail ends c's exchange without an answer, and c with it.
func (d *Driver) fail(c *conn, fault session.Fault, why string) {
	x := d.detach(c)
	x.Fault, x.Text = fault, why
	x.Answer.End = *d.Now
	x.BytesIn = c.parser.BytesIn()
	d.drop(c)
	d.Done(x)
}

// closed forgets a connection that the peer closed first: there is no port to
// win by a reset.
func (d *Driver) closed(c *conn) {
	_ = unix.Close(int(c.fd))
	d.forget(c)
}
