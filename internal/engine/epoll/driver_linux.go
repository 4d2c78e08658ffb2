package epoll

import (
	"maps"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/http1"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// watched are the events of every socket, from its opening to its end. Edge
// triggered, so that the kernel is told once and not for each request.
const watched = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// readSize is the size of a lane's one read buffer.
const readSize = 64 << 10

// Config is what a driver needs from its lane.
type Config struct {
	Names *dial.Names
	// Clock reads job time. Now is what the lane takes for the present: the driver
	// sets it to the time of each event before it deals with it.
	Clock wire.Clock
	Now   *hyperscale.JobTime
	// Done takes back an exchange that has ended. It may call Send.
	Done func(*wire.Exchange)
	// Post runs f on the lane's thread, soon. It may be called from anywhere.
	Post func(f func())
}

// Driver carries a lane's HTTP/1.1 exchanges. It implements [wire.Driver].
type Driver struct {
	Config
	poller   *Poller
	conns    []*conn // by index; nil: free
	gens     []int32 // of each index, raised when its connection ends
	free     []int32
	open     int
	origins  map[string]*origin
	parsing  http1.Lane
	buf      []byte
	plain    []byte // decrypted bytes; nil until the first TLS connection
	early    [batch]early
	outgoing []*conn          // with requests to be written
	ended    []*wire.Exchange // ended within Send, to be handed back by Flush
}

// New makes a driver whose sockets poller watches.
func New(poller *Poller, cfg Config) *Driver {
	return &Driver{Config: cfg, poller: poller, origins: map[string]*origin{}, buf: make([]byte, readSize)}
}

// tick makes now the present.
func (d *Driver) tick() hyperscale.JobTime {
	*d.Now = d.Clock()
	return *d.Now
}

// Open implements wire.Driver.
func (d *Driver) Open() int { return d.open }

// Send implements wire.Driver.
func (d *Driver) Send(x *wire.Exchange) {
	x.Answer = session.Answer{Start: *d.Now}
	x.Phases = wire.Phases{Connect: -1, TLS: -1, FirstByte: -1, Transfer: -1}
	x.Fault, x.Text, x.BytesIn, x.BytesOut = 0, "", 0, 0
	if c := d.pick(x); c != nil {
		d.start(c, x)
		return
	}
	d.connect(d.origin(x.Request.Origin), x)
}

// pick finds an idle connection that x may use.
func (d *Driver) pick(x *wire.Exchange) *conn {
	want := x.Request.Origin
	switch want.Transport.Connections {
	case hyperscale.ConnPerRequest:
		return nil
	case hyperscale.ConnShared:
		o := d.origin(want)
		c := o.idle
		if c != nil {
			o.idle, c.next = c.next, nil
		}
		return c
	}
	c, _ := x.Owner.Conns.(*conn)
	for ; c != nil; c = c.next {
		if c.x == nil && c.origin.is(want) {
			return c
		}
	}
	return nil
}

// mostOrigins bounds the origins that are remembered without a connection, for
// plans that make their URLs up as they go.
const mostOrigins = 1024

func (d *Driver) origin(of *session.Origin) *origin {
	if o := d.origins[of.Key]; o != nil {
		return o
	}
	if len(d.origins) >= mostOrigins {
		maps.DeleteFunc(d.origins, func(_ string, o *origin) bool { return o.conns == 0 && len(o.waiting) == 0 })
	}
	o := &origin{Origin: of}
	d.origins[of.Key] = o
	return o
}

// connect opens a new connection for x, once the name of its host is known.
func (d *Driver) connect(o *origin, x *wire.Exchange) {
	if o.names == nil {
		o.names = d.Names.Of(o.Origin)
	}
	addr, state := o.names.Next()
	switch state {
	case dial.Known:
		d.connectTo(o, addr, x)
	case dial.Unknown:
		x.Stage = wire.Resolving
		if o.waiting = append(o.waiting, x); len(o.waiting) == 1 {
			o.names.Wait(func() { d.Post(func() { d.resolved(o) }) })
		}
	case dial.Missing:
		d.failEarly(x, session.NewFault(session.NameNotResolved, 0), o.names.Why())
	}
}

func (d *Driver) resolved(o *origin) {
	waiting := o.waiting
	o.waiting = nil
	for _, x := range waiting {
		d.connect(o, x)
	}
}

func (d *Driver) connectTo(o *origin, addr netip.AddrPort, x *wire.Exchange) {
	fd, err := openSocket(addr)
	if err != nil {
		d.failEarly(x, dial.ConnectFault(err), err.Error())
		return
	}
	c := &conn{fd: int32(fd), origin: o, begun: *d.Now}
	c.parser.Use(&d.parsing)
	d.enter(c)
	o.conns++
	if err := d.poller.add(fd, c.index, c.gen, watched); err != nil {
		d.drop(c)
		d.failEarly(x, dial.Fault(err), "watch the connection: "+err.Error())
		return
	}
	c.x, x.Conn, x.Stage = x, c, wire.Connecting
	if o.Transport.Connections != hyperscale.ConnShared {
		c.owner = x.Owner
		c.next, _ = x.Owner.Conns.(*conn)
		x.Owner.Conns = c
	}
}

// enter gives c its place in the table.
func (d *Driver) enter(c *conn) {
	d.open++
	if n := len(d.free); n > 0 {
		c.index = d.free[n-1]
		d.free = d.free[:n-1]
		d.conns[c.index] = c
		d.gens[c.index]++
		c.gen = d.gens[c.index]
		return
	}
	c.index = int32(len(d.conns))
	d.conns = append(d.conns, c)
	d.gens = append(d.gens, 0)
}

// failEarly ends x from within Send: it is handed back by Flush.
func (d *Driver) failEarly(x *wire.Exchange, f session.Fault, why string) {
	x.Fault, x.Text, x.Answer.End = f, why, *d.Now
	d.ended = append(d.ended, x)
}

// Flush hands back what ended within Send. It reports whether there was any.
func (d *Driver) Flush() bool {
	if len(d.ended) == 0 {
		return false
	}
	ended := d.ended
	d.ended = nil
	for _, x := range ended {
		if x != nil {
			x.Stage = wire.Idle
			d.Done(x)
		}
	}
	return true
}

// start puts x on the open connection c.
func (d *Driver) start(c *conn, x *wire.Exchange) {
	r := x.Request
	c.x, x.Conn, x.Stage = x, c, wire.Sending
	c.sent, c.begun = 0, *d.Now
	c.parser.Reset(r.NoBody, r.Keep, r.KeepHead)
	d.outgoing = append(d.outgoing, c)
}

// Write sends what was put on connections since the last time. Sending for a
// whole batch of answers at once keeps the kernel's path for it in the caches.
func (d *Driver) Write() {
	for i := 0; i < len(d.outgoing); i++ {
		c := d.outgoing[i]
		x := c.x
		if c.state == closed || x == nil || x.Stage != wire.Sending {
			continue
		}
		if fault, why := d.write(c); fault != 0 {
			d.fail(c, fault, why)
		}
	}
	d.outgoing = d.outgoing[:0]
}

// write sends what the kernel takes of c's request.
func (d *Driver) write(c *conn) (session.Fault, string) {
	if c.tls != nil {
		return c.tls.write(c)
	}
	x := c.x
	head, body := x.Request.Head, x.Request.Body
	for {
		var n int
		var errno syscall.Errno
		switch {
		case c.sent >= len(head):
			n, errno = send(c.fd, body[c.sent-len(head):])
		case len(body) == 0:
			n, errno = send(c.fd, head[c.sent:])
		default:
			n, errno = send2(c.fd, head[c.sent:], body)
		}
		if errno == unix.EAGAIN {
			return 0, ""
		}
		if errno != 0 {
			return dial.Fault(errno), "send: " + errno.Error()
		}
		c.sent += n
		x.BytesOut += int64(n)
		if c.sent == len(head)+len(body) {
			x.Stage = wire.Waiting
			return 0, ""
		}
	}
}

// detach takes the exchange off its connection and gives it back.
func (d *Driver) detach(c *conn) *wire.Exchange {
	x := c.x
	c.x = nil
	x.Conn, x.Stage = nil, wire.Idle
	return x
}

// Cancel implements wire.Driver.
func (d *Driver) Cancel(x *wire.Exchange) wire.Stage {
	stage := x.Stage
	if c, _ := x.Conn.(*conn); c != nil {
		x.BytesIn = c.parser.BytesIn()
		d.detach(c)
		d.drop(c)
		return stage
	}
	if stage == wire.Resolving {
		o := d.origin(x.Request.Origin)
		for i, w := range o.waiting {
			if w == x {
				o.waiting = append(o.waiting[:i], o.waiting[i+1:]...)
				break
			}
		}
	}
	for i, w := range d.ended {
		if w == x {
			d.ended[i] = nil
		}
	}
	x.Stage = wire.Idle
	return stage
}

// Release implements wire.Driver.
func (d *Driver) Release(o *wire.Owner, policy hyperscale.ConnPolicy) {
	c, _ := o.Conns.(*conn)
	for c != nil {
		next := c.next
		switch {
		case policy == hyperscale.ConnPerIteration && c.origin.Transport.Connections != policy:
		case c.x != nil:
			c.spent = true
		default:
			d.drop(c)
		}
		c = next
	}
}

// drop resets c and forgets it. Its exchange, if it has one, must be dealt with
// by the caller.
func (d *Driver) drop(c *conn) {
	reset(c.fd)
	d.forget(c)
}

func (d *Driver) forget(c *conn) {
	if c.tls != nil {
		c.tls.end()
	}
	d.unlist(c)
	c.state = closed
	d.conns[c.index] = nil
	d.free = append(d.free, c.index)
	d.open--
	c.origin.conns--
}

// unlist takes c out of its owner's list, or of the pool if it is there.
func (d *Driver) unlist(c *conn) {
	if c.owner == nil {
		for p := &c.origin.idle; *p != nil; p = &(*p).next {
			if *p == c {
				*p = c.next
				return
			}
		}
		return
	}
	head, _ := c.owner.Conns.(*conn)
	if head == c {
		c.owner.Conns = c.next
		if c.next == nil {
			c.owner.Conns = nil
		}
		return
	}
	for p := head; p != nil; p = p.next {
		if p.next == c {
			p.next = c.next
			return
		}
	}
}

// Close implements wire.Driver.
func (d *Driver) Close() {
	for _, c := range d.conns {
		if c != nil {
			d.drop(c)
		}
	}
}
