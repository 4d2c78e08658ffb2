package portable

import (
	"crypto/tls"
	"sync"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/portable/h2"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// Config is what a driver needs from its lane.
type Config struct {
	Names *dial.Names
	// Clock reads job time. It may be called from any goroutine.
	Clock wire.Clock
	// Done takes back an exchange that has ended, on the lane's thread. It may
	// call Send.
	Done func(*wire.Exchange)
	// Post runs f on the lane's thread, soon and in order. It may be called from
	// any goroutine, never waits, and does nothing when the lane is gone.
	Post func(f func())
}

// Driver carries a lane's exchanges. It implements [wire.Driver].
type Driver struct {
	Config
	origins map[string]*origin
	conns   map[*conn]struct{} // open or being opened
	work    sync.WaitGroup     // goroutines
	pieces  sync.Pool          // of *piece
	closed  bool
}

// piece is a buffer for a part of a request or an answer.
type piece [32 << 10]byte

// New makes a driver. It starts nothing.
func New(cfg Config) *Driver {
	return &Driver{
		Config:  cfg,
		origins: map[string]*origin{},
		conns:   map[*conn]struct{}{},
		pieces:  sync.Pool{New: func() any { return new(piece) }},
	}
}

// origin is what the driver knows of one place that requests go to.
type origin struct {
	*session.Origin
	name    *dial.Name
	proxy   *dial.Proxy       // nil: none
	proxied *tls.Config       // of the way to the proxy; nil: plain
	tls     *tls.Config       // nil: plain
	fault   session.FaultCode // why nothing can be sent; 0: it can
	why     string
	shared  []*conn // of the pool: those that may take a call
	waiting []*call // for the name
	conns   int
}

// mostOrigins bounds the origins that are remembered without a connection.
const mostOrigins = 1024

func (d *Driver) origin(of *session.Origin) *origin {
	if o := d.origins[of.Key]; o != nil {
		return o
	}
	if len(d.origins) >= mostOrigins {
		for key, o := range d.origins {
			if o.conns == 0 && len(o.waiting) == 0 {
				delete(d.origins, key)
			}
		}
	}
	o := &origin{Origin: of, name: d.Names.Of(of)}
	o.setUp()
	d.origins[of.Key] = o
	return o
}

// setUp readies what connections need.
func (o *origin) setUp() {
	var err error
	if o.Scheme == "https" {
		if o.tls, err = dial.TLSConfig(o.Origin); err != nil {
			o.fault, o.why = session.TLSFailed, err.Error()
		}
	}
	if o.Transport.Proxy == "" {
		return
	}
	p, err := dial.ParseProxy(o.Transport.Proxy)
	if err != nil {
		o.fault, o.why = session.ConnectFailed, err.Error()
		return
	}
	o.proxy = &p
	if p.TLS {
		if o.proxied, err = dial.ProxyTLSConfig(p, &o.Transport.TLS); err != nil {
			o.fault, o.why = session.TLSFailed, err.Error()
		}
	}
}

// multiplexes reports whether one connection carries several calls at once.
func (o *origin) multiplexes() bool { return o.Transport.HTTP == 2 }

// is reports whether o is the origin that a request names.
func (o *origin) is(want *session.Origin) bool { return o.Origin == want || o.Key == want.Key }

// Open implements wire.Driver.
func (d *Driver) Open() int { return len(d.conns) }

// Send implements wire.Driver.
func (d *Driver) Send(x *wire.Exchange) {
	x.Answer = session.Answer{Start: d.Clock()}
	x.Phases = wire.Phases{Connect: -1, TLS: -1, FirstByte: -1, Transfer: -1}
	x.Fault, x.Text, x.BytesIn, x.BytesOut = 0, "", 0, 0
	r := x.Request
	c := &call{driver: d, x: x, request: r, want: h2.Want{NoBody: r.NoBody, KeepHead: r.KeepHead, Keep: r.Keep}}
	x.Conn, x.Stage = c, wire.Sending
	d.place(c)
}

// place puts c on a connection that it may use, or on a new one.
func (d *Driver) place(c *call) {
	o := d.origin(c.x.Request.Origin)
	if o.fault != 0 {
		d.failSoon(c, o.fault, o.why)
		return
	}
	if at := d.pick(o, c.x); at != nil {
		at.take(c)
		return
	}
	addr, state := o.name.Next()
	switch state {
	case dial.Known:
		d.open(o, addr, c)
	case dial.Missing:
		d.failSoon(c, session.NameNotResolved, o.name.Why())
	case dial.Unknown:
		if o.waiting = append(o.waiting, c); len(o.waiting) == 1 {
			o.name.Wait(func() { d.Post(func() { d.resolved(o) }) })
		}
	}
}

// resolved goes on with the calls that waited for a name.
func (d *Driver) resolved(o *origin) {
	if d.closed {
		return
	}
	waiting := o.waiting
	o.waiting = nil
	for _, c := range waiting {
		if c.x != nil {
			d.place(c)
		}
	}
}

// failSoon ends a call from within Send.
func (d *Driver) failSoon(c *call, code session.FaultCode, why string) {
	out := outcome{fault: session.NewFault(code, 0), text: why, end: d.Clock()}
	d.Post(func() { d.finish(c, out) })
}

// pick finds an open connection that x may use.
func (d *Driver) pick(o *origin, x *wire.Exchange) *conn {
	switch o.Transport.Connections {
	case hyperscale.ConnPerRequest:
		return nil
	case hyperscale.ConnShared:
		for n := len(o.shared); n > 0; n = len(o.shared) {
			if c := o.shared[n-1]; c.free() {
				return c
			}
			o.shared[n-1].pooled = false // it comes back when it is free
			o.shared = o.shared[:n-1]
		}
		return nil
	}
	c, _ := x.Owner.Conns.(*conn)
	for ; c != nil; c = c.next {
		if c.origin.is(x.Request.Origin) && c.free() {
			return c
		}
	}
	return nil
}

// finish hands c back, unless it was given up meanwhile.
func (d *Driver) finish(c *call, out outcome) {
	x, on := c.x, c.conn
	if x == nil || d.closed {
		return
	}
	c.leave()
	if on != nil {
		on.released(out.reuse)
	}
	out.fill(c, x)
	d.Done(x)
}

// Cancel implements wire.Driver.
func (d *Driver) Cancel(x *wire.Exchange) wire.Stage {
	c, _ := x.Conn.(*call)
	if c == nil {
		return wire.Idle
	}
	stage, on := c.stage(), c.conn
	x.BytesIn, x.BytesOut = c.in.Load(), c.out.Load()
	c.leave()
	if on != nil {
		on.abandon(c)
	}
	return stage
}

// Release implements wire.Driver.
func (d *Driver) Release(o *wire.Owner, policy hyperscale.ConnPolicy) {
	c, _ := o.Conns.(*conn)
	for c != nil {
		next := c.next
		if policy != hyperscale.ConnPerIteration || c.origin.Transport.Connections == policy {
			c.spend()
		}
		c = next
	}
}

// Close implements wire.Driver.
func (d *Driver) Close() {
	d.closed = true
	for c := range d.conns {
		c.drop()
	}
	d.work.Wait()
}
