package portable

import (
	"net/netip"
	"slices"
	"sync/atomic"

	"hyperscale"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// conn is one connection as the lane sees it. Its fields are the lane's, but for
// stage.
type conn struct {
	driver  *Driver
	origin  *origin
	owner   *wire.Owner // nil: of its origin's pool, or of one call
	next    *conn       // of the owner's list
	link    *link
	stage   atomic.Uint32 // wire.Stage while it is being opened
	carrier carrier       // nil: it is being opened
	calls   []*call       // under way
	spent   bool          // takes no more calls; dropped with the last one
	pooled  bool          // in its origin's pool
	gone    bool
}

// carrier is what speaks a protocol over an open connection.
type carrier interface {
	// start begins a call. It does not wait.
	start(c *call)
	// room reports whether another call may be started now.
	room() bool
	// give up a call that is not alone on the connection.
	abandon(c *call)
}

// mostWaiting bounds the calls that wait for one connection to open: as many as
// any peer must be expected to take at once (RFC 9113, section 6.5.2).
const mostWaiting = 100

// open opens a connection for c.
func (d *Driver) open(o *origin, addr netip.AddrPort, c *call) {
	n := &conn{driver: d, origin: o, link: newLink()}
	n.stage.Store(uint32(wire.Connecting))
	d.conns[n] = struct{}{}
	o.conns++
	switch o.Transport.Connections {
	case hyperscale.ConnPerRequest:
		n.spent = true
	case hyperscale.ConnShared:
		n.pool()
	default:
		n.owner = c.x.Owner
		n.next, _ = n.owner.Conns.(*conn)
		n.owner.Conns = n
	}
	n.take(c)
	d.work.Go(func() {
		opened := n.dial(addr)
		d.Post(func() { n.opened(opened) })
	})
}

// free reports whether n may take a call.
func (n *conn) free() bool {
	switch {
	case n.spent || n.gone:
		return false
	case n.carrier == nil:
		return n.origin.multiplexes() && len(n.calls) < mostWaiting
	}
	return n.carrier.room()
}

// take puts c on n.
func (n *conn) take(c *call) {
	c.conn = n
	n.calls = append(n.calls, c)
	if n.carrier != nil {
		n.start(c)
	}
}

func (n *conn) start(c *call) {
	c.begun = n.driver.Clock()
	n.carrier.start(c)
}

// opened goes on when n is open, or could not be opened.
func (n *conn) opened(o opened) {
	if n.gone {
		return
	}
	if len(n.calls) > 0 { // the others found it half open
		phases := &n.calls[0].x.Phases
		phases.Connect, phases.TLS = o.connect, o.tls
	}
	if o.fault != 0 {
		n.lost(o.fault, o.text)
		return
	}
	n.carrier = o.carry(n)
	for _, c := range n.calls {
		n.start(c)
	}
}

// lost is called when n came to its end, with or without calls under way. Those
// fail.
func (n *conn) lost(fault session.Fault, why string) {
	if n.gone {
		return
	}
	n.drop()
	end := n.driver.Clock()
	for _, c := range slices.Clone(n.calls) {
		n.driver.finish(c, outcome{fault: fault, text: why, end: end})
	}
}

// released is called when a call on n has ended.
func (n *conn) released(reuse bool) {
	if !reuse {
		n.spent = true
	}
	switch {
	case n.gone:
	case n.spent && len(n.calls) == 0:
		n.drop()
	case !n.spent && n.owner == nil && !n.pooled:
		n.pool()
	}
}

// pool offers n to whoever shares connections to its origin.
func (n *conn) pool() {
	n.pooled = true
	n.origin.shared = append(n.origin.shared, n)
}

// abandon is called when a call on n was given up: it takes the connection with
// it, unless there are others on it.
func (n *conn) abandon(c *call) {
	switch {
	case n.gone:
	case len(n.calls) == 0:
		n.drop()
	case n.carrier != nil:
		n.carrier.abandon(c)
	}
}

// spend makes n take no more calls, and drops it once it has none.
func (n *conn) spend() {
	n.spent = true
	n.disown()
	if len(n.calls) == 0 {
		n.drop()
	}
}

// forget takes c off n.
func (n *conn) forget(c *call) {
	if i := slices.Index(n.calls, c); i >= 0 {
		n.calls = slices.Delete(n.calls, i, i+1)
	}
}

// drop resets n, wherever it is in its life, and forgets it.
func (n *conn) drop() {
	if n.gone {
		return
	}
	n.gone = true
	n.link.reset()
	delete(n.driver.conns, n)
	n.origin.conns--
	if i := slices.Index(n.origin.shared, n); i >= 0 {
		n.origin.shared = slices.Delete(n.origin.shared, i, i+1)
	}
	n.disown()
}

// disown takes n out of its owner's list.
func (n *conn) disown() {
	if n.owner == nil {
		return
	}
	head, _ := n.owner.Conns.(*conn)
	if head == n {
		if n.owner.Conns = nil; n.next != nil {
			n.owner.Conns = n.next
		}
	}
	for ; head != nil; head = head.next {
		if head.next == n {
			head.next = n.next
		}
	}
	n.owner = nil
}
