package portable

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/http1"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// opened is how opening a connection ended.
type opened struct {
	conn         net.Conn // nil when there is a fault
	connect, tls time.Duration
	fault        session.Fault
	text         string
}

// carry puts the protocol on the open connection.
func (o *opened) carry(n *conn) carrier {
	if n.origin.multiplexes() {
		return newH2(n, o.conn)
	}
	return newH1(n, o.conn)
}

// fail ends opening with an error.
func (o opened) fail(doing string, f session.Fault, err error) opened {
	o.fault, o.text = f, doing+": "+err.Error()
	return o
}

// dial opens n: TCP, the way through a proxy, TLS.
func (n *conn) dial(addr netip.AddrPort) opened {
	o := opened{connect: -1, tls: -1}
	begun := n.driver.Clock()
	dialer := net.Dialer{KeepAlive: -1} // probes are packets that the plan did not ask for
	tcp, err := dialer.DialContext(n.link.ctx, "tcp", addr.String())
	if err != nil {
		return o.fail("connect", dial.ConnectFault(err), cause(err))
	}
	if !n.link.hold(tcp) {
		return o.fail("connect", session.NewFault(session.ConnectFailed, 0), context.Canceled)
	}
	way, err := n.passProxy(tcp)
	if err != nil {
		return o.fail("connect through the proxy", dial.ConnectFault(err), cause(err))
	}
	connected := n.driver.Clock()
	o.connect = connected - begun
	o.conn = way
	if n.origin.tls == nil {
		return o
	}
	n.stage.Store(uint32(wire.Securing))
	secure := tls.Client(way, n.origin.tls)
	if err := n.handshake(secure); err != nil {
		return o.fail("TLS handshake", handshakeFault(err), cause(err))
	}
	o.tls = n.driver.Clock() - connected
	o.conn = secure
	return o
}

// errNotH2 says that the target does not offer HTTP/2.
var errNotH2 = errors.New("the server did not agree to HTTP/2")

func (n *conn) handshake(c *tls.Conn) error {
	if err := c.HandshakeContext(n.link.ctx); err != nil {
		return err
	}
	if n.origin.multiplexes() && c.ConnectionState().NegotiatedProtocol != "h2" {
		return errNotH2
	}
	return nil
}

// handshakeFault is the kind of a failed handshake: TLS, unless the system says
// what became of the connection.
func handshakeFault(err error) session.Fault {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return dial.Fault(err)
	}
	return session.NewFault(session.TLSFailed, 0)
}

// cause is err without what net puts before it: addresses, which would make every
// sample another one, and what was being done.
func cause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return err
}

// passProxy makes the way to the target through its proxy, if it has one. For
// http the proxy itself takes the requests.
func (n *conn) passProxy(tcp net.Conn) (net.Conn, error) {
	o := n.origin
	if o.proxy == nil {
		return tcp, nil
	}
	way := tcp
	if o.proxied != nil {
		secure := tls.Client(tcp, o.proxied)
		if err := secure.HandshakeContext(n.link.ctx); err != nil {
			return nil, err
		}
		way = secure
	}
	if o.Scheme == "http" && !o.multiplexes() {
		return way, nil
	}
	return tunnel(way, o)
}

// tunnel asks a proxy to connect to the target.
func tunnel(way net.Conn, o *origin) (net.Conn, error) {
	target := net.JoinHostPort(o.Host, o.Port)
	ask := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
	if o.proxy.Auth != "" {
		ask += "Proxy-Authorization: " + o.proxy.Auth + "\r\n"
	}
	if _, err := way.Write([]byte(ask + "\r\n")); err != nil {
		return nil, err
	}
	var p http1.Parser
	p.Reset(true, 0, false)
	b := make([]byte, 4<<10)
	for {
		k, err := way.Read(b)
		n, done, fault, why := p.Feed(b[:k])
		switch {
		case fault != 0:
			return nil, fmt.Errorf("its answer is malformed: %s", why)
		case !done && err != nil:
			return nil, fmt.Errorf("it did not answer: %w", err)
		case done:
			var a session.Answer
			if p.Answer(&a); a.Status/100 != 2 {
				return nil, fmt.Errorf("it refused with status %d", a.Status)
			}
			return rested(way, b[n:k]), nil
		}
	}
}

// rested is c with bytes that were read too early.
func rested(c net.Conn, early []byte) net.Conn {
	if len(early) == 0 {
		return c
	}
	return &restedConn{Conn: c, early: early}
}

type restedConn struct {
	net.Conn
	early []byte
}

// Read implements net.Conn.
func (c *restedConn) Read(b []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.early)
	c.early = c.early[n:]
	return n, nil
}
